#include "nn_reduce.h"

/* Elements along neighbouring axes, and from one of them to the next. */
struct run {
    int32_t count;
    int32_t step;
};

/* Inner run first; what is missing is {1, 0}. */
struct runs {
    struct run run[2];
    int32_t used;
};

static void extend(struct runs *runs, int32_t count, int32_t step)
{
    const int32_t last = runs->used - 1;
    if (count == 1) {
        return;
    }
    if (last >= 0 && runs->run[last].step * runs->run[last].count == step) {
        runs->run[last].count *= count;
    } else {
        const struct run run = {count, step};
        runs->run[runs->used++] = run;
    }
}

arm_cmsis_nn_status nn_reduce(const void *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                              nn_window_kernel *kernel, const void *params, int32_t input_size, int32_t output_size,
                              void *output)
{
    const int32_t counts[4] = {input_dims->n, input_dims->h, input_dims->w, input_dims->c};
    const int32_t reduced[4] = {axes->n, axes->h, axes->w, axes->c};
    struct runs inside = {{{1, 0}, {1, 0}}, 0}, kept = {{{1, 0}, {1, 0}}, 0};
    int32_t step = 1;
    for (int32_t i = 3; i >= 0; i--) {
        if (counts[i] < 1 || (reduced[i] != 0 && reduced[i] != 1)) {
            return ARM_CMSIS_NN_ARG_ERROR;
        }
        extend(reduced[i] ? &inside : &kept, counts[i], step);
        step *= counts[i];
    }
    const struct nn_window window = {inside.run[1].count, inside.run[0].count, inside.run[0].step, inside.run[1].step};
    const int32_t channels = kept.run[0].step == 1 ? kept.run[0].count : 1;
    for (int32_t i = 0; i < kept.run[1].count; i++) {
        for (int32_t j = 0; j < kept.run[0].count; j += channels) {
            const int32_t place = i * kept.run[1].step + j * kept.run[0].step;
            kernel(&window, (const char *)input + place * input_size, channels, params, output);
            output = (char *)output + channels * output_size;
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
