/* The fully connected layer of int16, as TensorFlow Lite Micro rounds; nn_fully_connected_s16 rounds as TensorFlow Lite. */
#include "arm_nnfunctions.h"
#include "nn_wide.h"

arm_cmsis_nn_status arm_fully_connected_s16(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *fc_params,
                                            const cmsis_nn_per_tensor_quant_params *quant_params,
                                            const cmsis_nn_dims *input_dims, const int16_t *input_data,
                                            const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                            const cmsis_nn_dims *bias_dims, const int64_t *bias_data,
                                            const cmsis_nn_dims *output_dims, int16_t *output_data)
{
    (void)ctx, (void)input_dims, (void)bias_dims;
    const int32_t depth = filter_dims->n, rows = filter_dims->c;
    const cmsis_nn_bias_data bias = {bias_data, false};
    const struct nn_wide_channels channels = {&bias, &quant_params->multiplier, &quant_params->shift, 0, fc_params->activation};
    if (!nn_wide_dense_is_sound(fc_params, output_dims->n, depth, rows)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t vector = 0; vector < output_dims->n; vector++, input_data += depth, output_data += rows) {
        for (int32_t row = 0; row < rows; row += 4) {
            struct nn_wide_sums sums;
            nn_begin_sums(&sums, nn_four_at_most(rows - row), depth);
            nn_add_runs(&sums, input_data, filter_data + row * depth, depth);
            nn_wide_outputs(&sums, &channels, row, output_data + row);
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_fully_connected_s16_get_buffer_size(const cmsis_nn_dims *filter_dims)
{
    (void)filter_dims;
    return 0;
}

int32_t arm_fully_connected_s16_get_buffer_size_dsp(const cmsis_nn_dims *filter_dims)
{
    return arm_fully_connected_s16_get_buffer_size(filter_dims);
}
