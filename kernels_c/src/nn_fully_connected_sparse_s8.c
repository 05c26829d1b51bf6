/* Fully connected layers whose weights are mostly zero: row by row, or four rows at once. */
#include "nn_extra.h"
#include "nn_requantize.h"
#include "nn_sparse.h"

struct rows {
    const cmsis_nn_fc_params *params;
    const cmsis_nn_quant_params *quant;
};

static int8_t result(const struct rows *layer, int32_t row, int32_t sum)
{
    const int32_t i = layer->quant->is_per_channel ? row : 0;
    const cmsis_nn_activation bounds = layer->params->activation;
    const int32_t scaled = nn_requantize_once(sum, layer->quant->multiplier[i], layer->quant->shift[i]);
    return (int8_t)nn_clamp(scaled + layer->params->output_offset, bounds.min, bounds.max);
}

static void single_rows(const struct rows *layer, const int8_t *input, const nn_sparse_weights *weights,
                        const int32_t *bias, int32_t count, int8_t *output)
{
    const uint8_t *steps = weights->steps;
    const int8_t *values = weights->values;
    for (int32_t row = 0; row < count; row++) {
        const int32_t entries = weights->counts[row];
        output[row] = result(layer, row, nn_sparse_row(input, steps, values, entries, bias[row]));
        steps += entries;
        values += entries;
    }
}

/* The last rows may be fewer than four: their weights are there. */
static void rows_in_fours(const struct rows *layer, const int8_t *input, const nn_sparse_weights *weights,
                          const int32_t *bias, int32_t count, int8_t *output)
{
    const uint8_t *steps = weights->steps;
    const int8_t *values = weights->values;
    for (int32_t row = 0; row < count; row += 4) {
        const int32_t entries = weights->counts[row / 4], rows = count - row < 4 ? count - row : 4;
        int32_t sums[4] = {0, 0, 0, 0};
        nn_sparse_fours(input, steps, values, entries, sums);
        for (int32_t i = 0; i < rows; i++) {
            output[row + i] = result(layer, row + i, sums[i] + bias[row + i]);
        }
        steps += entries;
        values += 4 * entries;
    }
}

arm_cmsis_nn_status nn_fully_connected_sparse_s8(const cmsis_nn_fc_params *params, const cmsis_nn_quant_params *quant,
                                                 const cmsis_nn_dims *input_dims, const int8_t *input,
                                                 const nn_sparse_weights *weights, const int32_t *bias,
                                                 const cmsis_nn_dims *output_dims, int8_t *output)
{
    const struct rows layer = {params, quant};
    const int32_t depth = input_dims->h * input_dims->w * input_dims->c, count = output_dims->c;
    if (weights->rows != 1 && weights->rows != 4) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t vector = 0; vector < output_dims->n; vector++, input += depth, output += count) {
        if (weights->rows == 4) {
            rows_in_fours(&layer, input, weights, bias, count, output);
        } else {
            single_rows(&layer, input, weights, bias, count, output);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
