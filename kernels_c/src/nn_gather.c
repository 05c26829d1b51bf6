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

void nn_gather(const void *input, const int32_t counts[4], const int32_t steps[4], int32_t size, void *output)
{
    int32_t row = counts[3], lines = counts[2], line_step = steps[2];
    if (steps[2] == counts[3] * steps[3]) { /* goes on as before: one long row */
        row *= lines;
        lines = 1;
        line_step = 0;
    }
    const int8_t *from = input;
    int8_t *to = output;
    for (int32_t i = 0; i < counts[0]; i++) {
        for (int32_t j = 0; j < counts[1]; j++) {
            for (int32_t k = 0; k < lines; k++) {
                const int32_t place = i * steps[0] + j * steps[1] + k * line_step;
                gather_row(from + place * size, row, steps[3], size, to);
                to += row * size;
            }
        }
    }
}
