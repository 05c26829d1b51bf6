#include "nn_reduce.h"

/* 0 where the shapes fit. */
static int join_axes(struct nn_reduction *reduction, const int32_t input[4], const int32_t output[4])
{
    const struct nn_reduced_axis none = {1, 0};
    *reduction = (struct nn_reduction){{none, none}, {none, none}};
    struct nn_reduced_axis *last = 0;
    int32_t used[2] = {0, 0}, step = 1, last_kind = -1;
    for (int32_t i = 3; i >= 0; i--) {
        const int32_t count = input[i], kind = count != output[i];
        if (count < 1 || (kind && output[i] != 1)) {
            return -1;
        }
        if (count > 1) {
            if (kind != last_kind) {
                last = &(kind ? reduction->reduced : reduction->kept)[1 - used[kind]++];
                *last = (struct nn_reduced_axis){1, step};
                last_kind = kind;
            }
            last->count *= count;
        }
        step *= count;
    }
    return 0;
}

arm_cmsis_nn_status nn_reduce(nn_reduce_row *row, const void *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                              int8_t *output, const cmsis_nn_dims *output_dims)
{
    const int32_t inputs[4] = {input_dims->n, input_dims->h, input_dims->w, input_dims->c};
    const int32_t outputs[4] = {output_dims->n, output_dims->h, output_dims->w, output_dims->c};
    struct nn_reduction reduction;
    if (join_axes(&reduction, inputs, outputs) != 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t i = 0; i < reduction.kept[0].count; i++) {
        row(params, &reduction, input, output);
        input += reduction.kept[0].step;
        output += reduction.kept[1].count;
    }
    return ARM_CMSIS_NN_SUCCESS;
}
