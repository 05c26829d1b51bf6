/* Vectors times matrices. With the DSP extension four rows at a time (nn_four_rows.h). */
#include "nn_dense.h"

#include <stddef.h>

#include "nn_dot.h"
#include "nn_dsp.h"
#include "nn_four_rows.h"
#include "nn_requantize.h"
#include "nn_scale.h"
#include "nn_small_rows.h"

int32_t nn_dense_scratch(int32_t depth)
{
    return (depth + 3) / 4 * 8;
}

static int8_t result(const struct nn_dense *layer, int32_t row, int32_t sum)
{
    const int32_t i = layer->per_row ? row : 0;
    sum = layer->rounds_once ? nn_requantize_once(sum, layer->multiplier[i], layer->shift[i])
                             : nn_requantize(sum, layer->multiplier[i], layer->shift[i]);
    return (int8_t)nn_clamp(sum + layer->output_offset, layer->activation.min, layer->activation.max);
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

/* Inputs as nn_four_rows wants them, the offset added. */
static void spread(const struct nn_dense *layer, const int8_t *input, uint32_t *to)
{
    const uint32_t offset = nn_pair_of(layer->input_offset);
    const int32_t rest = layer->depth & 3;
    for (const int8_t *end = input + (layer->depth & ~3); input < end; input += 4, to += 2) {
        const uint32_t word = nn_load_word(input);
        to[0] = nn_doubled(nn_even_bytes_plus(offset, word));
        to[1] = nn_doubled(nn_odd_bytes_plus(offset, word));
    }
    if (rest) {
        to[0] = to[1] = 0;
    }
    for (int32_t i = 0; i < rest; i++) {
        ((int16_t *)to)[2 * (i & 1) + (i >> 1)] = (int16_t)(2 * (input[i] + layer->input_offset));
    }
}

/* Whether nn_scale.h can scale all rows, none of whose weights has an offset. */
static int fits(const struct nn_dense *layer)
{
    int32_t bias = 0; /* the bits of all absolute values, or 1 less: at least as large as any */
    for (int32_t row = 0; row < layer->rows && layer->bias; row++) {
        bias |= layer->bias[row] ^ (layer->bias[row] >> 31);
    }
    const int32_t scales = layer->per_row ? layer->rows : 1;
    for (int32_t i = 0; i < scales; i++) {
        if (!nn_scale_fits(layer->multiplier[i], layer->shift[i], bias, layer->depth)) {
            return 0;
        }
    }
    return layer->filter_offset == 0;
}

/* Rows from `row` on, `count` fours of them. */
static void fours(const struct nn_dense *layer, const uint32_t *inputs, int32_t row, int32_t count, int8_t *output)
{
    static const int32_t none[4] = {0, 0, 0, 0};
    const int32_t i = layer->per_row ? row : 0;
    const struct nn_rows_walk walk = {
        .depth = layer->depth,
        .steps = (layer->depth + 3) / 4,
        .count = count,
        .bias = layer->bias ? layer->bias + row : none,
        .bias_step = layer->bias ? sizeof none : 0,
        .scale = nn_scale_of(layer->multiplier[i], layer->shift[i], layer->output_offset),
        .output = output + row,
        .rounds_once = layer->rounds_once,
    };
    nn_four_rows(inputs, layer->weights + row * layer->depth, &walk);
}

/* How sums become outputs where all rows share one scale to the right: result() without its questions. */
struct right_scale {
    int32_t multiplier, half, shift, offset;
    cmsis_nn_activation activation;
};

static int scales_right(const struct nn_dense *layer)
{
    return layer->rounds_once && !layer->per_row && *layer->shift <= -2;
}

static int8_t scaled(const struct right_scale *scale, int32_t sum)
{
    const int32_t high = (int32_t)(((int64_t)sum * scale->multiplier) >> 32);
    const int32_t value = ((high + scale->half) >> scale->shift) + scale->offset;
    return (int8_t)nn_clamp(value, scale->activation.min, scale->activation.max);
}

/* The sum of one row, inputs as they are. */
static int32_t one_sum(const struct nn_dense *layer, const int8_t *input, int32_t row)
{
    if (layer->filter_offset != 0) {
        return row_sum(layer, input, row);
    }
    const int32_t sum = nn_dot(input, layer->weights + row * layer->depth, layer->depth, layer->input_offset);
    return sum + (layer->bias ? layer->bias[row] : 0);
}

/* The sums of two rows, which share the inputs that they load. */
static void two_sums(const struct nn_dense *layer, const int8_t *input, int32_t row, int32_t *sums)
{
    const int8_t *const a = layer->weights + row * layer->depth, *const b = a + layer->depth;
    const int32_t whole = layer->depth & ~7;
    sums[0] = layer->bias ? layer->bias[row] : 0;
    sums[1] = layer->bias ? layer->bias[row + 1] : 0;
    if (whole) {
        nn_two_rows(input, a, b, whole, nn_pair_of(layer->input_offset), sums);
    }
    for (int32_t i = whole; i < layer->depth; i++) {
        sums[0] += (input[i] + layer->input_offset) * a[i];
        sums[1] += (input[i] + layer->input_offset) * b[i];
    }
}

/* Rows from `row` on: as few as come after fours, or as pay for no more preparation. */
static void few_rows(const struct nn_dense *layer, const int8_t *input, int32_t row, int8_t *output)
{
    const int32_t right = scales_right(layer) ? -*layer->shift - 1 : 0; /* 0: not so */
    const struct right_scale scale = {
        *layer->multiplier, 1 << right >> 1, right, layer->output_offset, layer->activation,
    };
    while (row < layer->rows) {
        int32_t sums[2], count = 1;
        if (row + 2 <= layer->rows && layer->filter_offset == 0) {
            two_sums(layer, input, row, sums);
            count = 2;
        } else {
            sums[0] = one_sum(layer, input, row);
        }
        for (int32_t i = 0; i < count; i++, row++) {
            output[row] = right ? scaled(&scale, sums[i]) : result(layer, row, sums[i]);
        }
    }
}

#define FOURS 12 /* rows that pay for spread inputs */

/* Rows that go in fours: those share one scale, and the last row is none of them where more than it would be read. */
static int32_t rows_in_fours(const struct nn_dense *layer)
{
    const int32_t rows = layer->depth % 4 == 0 ? layer->rows : layer->rows - 1;
    return rows >= FOURS && !layer->per_row && fits(layer) ? rows & ~3 : 0;
}

/* The first `rows` rows. Not in line: a layer of few rows shall not fetch around this. */
static __attribute__((noinline)) void many_rows(const struct nn_dense *layer, const int8_t *input, int32_t rows,
                                                int8_t *output, void *scratch)
{
    const cmsis_nn_activation bounds = layer->activation;
    spread(layer, input, scratch);
    fours(layer, scratch, 0, rows / 4, output);
    if (bounds.min > -128 || bounds.max < 127) {
        for (int8_t *value = output; value < output + rows; value++) {
            *value = (int8_t)nn_clamp(*value, bounds.min, bounds.max);
        }
    }
}

void nn_dense_vector(const struct nn_dense *layer, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t row = rows_in_fours(layer);
    if (row) {
        many_rows(layer, input, row, output, scratch);
    }
    few_rows(layer, input, row, output);
}

#else

/* Fours of rows, the last of which may overlap others. */
static void four_rows(const struct nn_dense *layer, const int8_t *input, int32_t row, int8_t *output)
{
    struct nn_small_rows rows = {{0, 0, 0, 0}, layer->input_offset};
    nn_small_rows(input, layer->weights + row * layer->depth, layer->depth, layer->depth, &rows);
    for (int32_t i = 0; i < 4; i++, row++) {
        output[row] = result(layer, row, rows.sums[i] + (layer->bias ? layer->bias[row] : 0));
    }
}

void nn_dense_vector(const struct nn_dense *layer, const int8_t *input, int8_t *output, void *scratch)
{
    (void)scratch;
    const int in_fours = layer->rows >= 4 && layer->filter_offset == 0;
    for (int32_t row = 0; in_fours && row < layer->rows; row += 4) {
        four_rows(layer, input, row + 4 <= layer->rows ? row : layer->rows - 4, output);
    }
    for (int32_t row = 0; !in_fours && row < layer->rows; row++) {
        output[row] = result(layer, row, row_sum(layer, input, row));
    }
}

#endif
