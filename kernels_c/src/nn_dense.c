/* Vectors times matrices. With the DSP extension four rows at a time (nn_four_rows.h), the last four overlapping others. */
#include "nn_dense.h"

#include <stddef.h>

#include "nn_dsp.h"
#include "nn_four_rows.h"
#include "nn_requantize.h"

int32_t nn_dense_scratch(int32_t depth)
{
    return (depth + 3) / 4 * 8;
}

static int8_t result(const struct nn_dense *layer, int32_t row, int32_t sum)
{
    const int32_t i = layer->per_row ? row : 0;
    sum = nn_requantize(sum, layer->multiplier[i], layer->shift[i]) + layer->output_offset;
    return (int8_t)nn_clamp(sum, layer->activation.min, layer->activation.max);
}

static int32_t row_sum(const struct nn_dense *layer, const int8_t *input, int32_t row)
{
    const int8_t *weight = layer->weights + row * layer->depth;
    int32_t sum = layer->bias ? layer->bias[row] : 0;
    for (const int8_t *end = input + layer->depth; input < end; input++, weight++) {
        sum += (*input + layer->input_offset) * (*weight + layer->filter_offset);
    }
    return sum;
}

#if NN_DSP

/* Inputs as nn_four_rows wants them, the offset added; behind them, as they are, those that make no four. Their sum. */
static int32_t spread(const struct nn_dense *layer, const int8_t *input, uint32_t *to)
{
    const uint32_t offset = nn_pair_of(layer->input_offset);
    int32_t sum = 0;
    for (const int8_t *end = input + (layer->depth & ~3); input < end; input += 4, to += 2) {
        const uint32_t word = nn_load_word(input);
        to[0] = nn_even_bytes_plus(offset, word);
        to[1] = nn_odd_bytes_plus(offset, word);
        sum = nn_multiply_pairs(to[0], 0x00010001u, nn_multiply_pairs(to[1], 0x00010001u, sum));
    }
    for (int32_t i = 0; i < (layer->depth & 3); i++) {
        ((int16_t *)to)[i] = (int16_t)(input[i] + layer->input_offset);
        sum += ((int16_t *)to)[i];
    }
    return sum;
}

static void four_rows(const struct nn_dense *layer, const uint32_t *inputs, int32_t row, int32_t start, int8_t *output)
{
    int32_t sums[4] = {start, start, start, start};
    const int32_t whole = layer->depth & ~3;
    const int8_t *weights = layer->weights + row * layer->depth;
    if (whole) {
        nn_four_rows(inputs, weights, layer->depth, whole, sums);
    }
    const int16_t *const rest = (const int16_t *)(inputs + whole / 2);
    for (int32_t i = 0; i < 4; i++, weights += layer->depth) {
        for (int32_t j = whole; j < layer->depth; j++) {
            sums[i] += rest[j - whole] * weights[j];
        }
        output[row + i] = result(layer, row + i, sums[i] + (layer->bias ? layer->bias[row + i] : 0));
    }
}

void nn_dense_vector(const struct nn_dense *layer, const int8_t *input, int8_t *output, void *scratch)
{
    if (layer->rows < 4) {
        for (int32_t row = 0; row < layer->rows; row++) {
            output[row] = result(layer, row, row_sum(layer, input, row));
        }
        return;
    }
    const int32_t start = spread(layer, input, scratch) * layer->filter_offset;
    for (int32_t row = 0; row < layer->rows; row += 4) {
        four_rows(layer, scratch, row + 4 <= layer->rows ? row : layer->rows - 4, start, output);
    }
}

#else

void nn_dense_vector(const struct nn_dense *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    for (int32_t row = 0; row < layer->rows; row++) {
        output[row] = result(layer, row, row_sum(layer, input, row));
    }
}

#endif
