#include "nn_gather.h"

#include "nn_copy.h"

/* Four bytes at a time: the loads do not wait for the stores. */
static void gather_bytes(const int8_t *input, int32_t count, int32_t step, int8_t *output)
{
    for (; count >= 4; count -= 4, input += 4 * step, output += 4) {
        const int8_t a = input[0], b = input[step], c = input[2 * step], d = input[3 * step];
        output[0] = a, output[1] = b, output[2] = c, output[3] = d;
    }
    for (; count > 0; count--, input += step) {
        *output++ = *input;
    }
}

static void gather_halves(const int16_t *input, int32_t count, int32_t step, int16_t *output)
{
    for (; count > 0; count--, input += step) {
        *output++ = *input;
    }
}

static void gather_words(const int32_t *input, int32_t count, int32_t step, int32_t *output)
{
    for (; count > 0; count--, input += step) {
        *output++ = *input;
    }
}

static void gather_row(const void *input, int32_t count, int32_t step, int32_t size, void *output)
{
    if (step == 1) {
        nn_copy(output, input, count * size);
    } else if (size == 1) {
        gather_bytes(input, count, step, output);
    } else if (size == 2) {
        gather_halves(input, count, step, output);
    } else {
        gather_words(input, count, step, output);
    }
}

struct axis {
    int32_t count;
    int32_t step;
};

/* The axes that count, innermost first, neighbours joined where one goes on as the other ends; the rest is {1, 0}. */
static void join_axes(struct axis axes[4], const int32_t counts[4], const int32_t steps[4])
{
    int32_t last = -1;
    for (int32_t i = 3; i >= 0; i--) {
        const struct axis axis = {counts[i], steps[i]};
        if (axis.count == 1) {
            continue;
        }
        if (last >= 0 && axes[last].count * axes[last].step == axis.step) {
            axes[last].count *= axis.count;
        } else {
            axes[++last] = axis;
        }
    }
}

void nn_gather(const void *input, const int32_t counts[4], const int32_t steps[4], int32_t size, void *output)
{
    struct axis axes[4] = {{1, 1}, {1, 0}, {1, 0}, {1, 0}};
    join_axes(axes, counts, steps);
    const int8_t *from = input;
    int8_t *to = output;
    for (int32_t i = 0; i < axes[3].count; i++) {
        for (int32_t j = 0; j < axes[2].count; j++) {
            for (int32_t k = 0; k < axes[1].count; k++) {
                const int32_t place = i * axes[3].step + j * axes[2].step + k * axes[1].step;
                gather_row(from + place * size, axes[0].count, axes[0].step, size, to);
                to += axes[0].count * size;
            }
        }
    }
}
