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
    if (!nn_wide_dense_is_sound(fc_params, output_dims->n, depth, rows)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t vector = 0; vector < output_dims->n; vector++, input_data += depth) {
        for (int32_t row = 0; row < rows; row += 2) {
            int64_t sums[2] = {0, 0};
            const int32_t end = row + 2 < rows ? row + 2 : rows;
            nn_add_two_runs(sums, input_data, filter_data + row * depth, (end - row - 1) * depth, depth);
            for (int32_t i = row; i < end; i++) {
                *output_data++ = nn_wide_output(sums[i - row], &bias, i, quant_params->multiplier, quant_params->shift,
                                                &fc_params->activation);
            }
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
