/* Fully connected layers and matrix products of the interface. */
#include <stddef.h>

#include "arm_nnfunctions.h"
#include "nn_dense.h"
#include "nn_dsp.h"

static int is_sound(const struct nn_dense *layer, int32_t vectors)
{
    return vectors > 0 && layer->rows > 0 && layer->depth > 0 && layer->input_offset >= -127 &&
           layer->input_offset <= 128 && layer->filter_offset >= -127 && layer->filter_offset <= 128 &&
           layer->output_offset >= -128 && layer->output_offset <= 127 &&
           layer->activation.min <= layer->activation.max;
}

static arm_cmsis_nn_status multiply(const cmsis_nn_context *ctx, const struct nn_dense *layer, int32_t vectors,
                                    const int8_t *input, int8_t *output)
{
    if (!is_sound(layer, vectors) || (NN_DSP && ctx->buf == NULL)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (; vectors > 0; vectors--, input += layer->depth, output += layer->rows) {
        nn_dense_vector(layer, input, output, ctx->buf);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

static struct nn_dense layer_of(const cmsis_nn_fc_params *params, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                const int32_t *bias)
{
    return (struct nn_dense){
        .weights = filter,
        .rows = filter_dims->c,
        .depth = filter_dims->n,
        .bias = bias,
        .input_offset = params->input_offset,
        .filter_offset = params->filter_offset,
        .output_offset = params->output_offset,
        .activation = params->activation,
    };
}

arm_cmsis_nn_status arm_fully_connected_s8(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *fc_params,
                                           const cmsis_nn_per_tensor_quant_params *quant_params,
                                           const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                           const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                           const cmsis_nn_dims *bias_dims, const int32_t *bias_data,
                                           const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    (void)input_dims, (void)bias_dims;
    struct nn_dense layer = layer_of(fc_params, filter_dims, filter_data, bias_data);
    layer.multiplier = &quant_params->multiplier;
    layer.shift = &quant_params->shift;
    layer.rounds_once = 1;
    return multiply(ctx, &layer, output_dims->n, input_data, output_data);
}

arm_cmsis_nn_status arm_fully_connected_per_channel_s8(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *fc_params,
                                                       const cmsis_nn_per_channel_quant_params *quant_params,
                                                       const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                                       const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                                       const cmsis_nn_dims *bias_dims, const int32_t *bias_data,
                                                       const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    (void)input_dims, (void)bias_dims;
    struct nn_dense layer = layer_of(fc_params, filter_dims, filter_data, bias_data);
    layer.multiplier = quant_params->multiplier;
    layer.shift = quant_params->shift;
    layer.per_row = 1;
    layer.rounds_once = 1;
    return multiply(ctx, &layer, output_dims->n, input_data, output_data);
}

arm_cmsis_nn_status arm_fully_connected_wrapper_s8(const cmsis_nn_context *ctx, const cmsis_nn_fc_params *fc_params,
                                                   const cmsis_nn_quant_params *quant_params,
                                                   const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                                   const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                                   const cmsis_nn_dims *bias_dims, const int32_t *bias_data,
                                                   const cmsis_nn_dims *output_dims, int8_t *output_data)
{
    if (quant_params->is_per_channel) {
        const cmsis_nn_per_channel_quant_params scales = {quant_params->multiplier, quant_params->shift};
        return arm_fully_connected_per_channel_s8(ctx, fc_params, &scales, input_dims, input_data, filter_dims, filter_data,
                                                  bias_dims, bias_data, output_dims, output_data);
    }
    const cmsis_nn_per_tensor_quant_params scale = {*quant_params->multiplier, *quant_params->shift};
    return arm_fully_connected_s8(ctx, fc_params, &scale, input_dims, input_data, filter_dims, filter_data, bias_dims,
                                  bias_data, output_dims, output_data);
}

int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims *filter_dims)
{
    return NN_DSP ? arm_fully_connected_s8_get_buffer_size_dsp(filter_dims) : 0;
}

int32_t arm_fully_connected_s8_get_buffer_size_dsp(const cmsis_nn_dims *filter_dims)
{
    return nn_dense_scratch(filter_dims->n);
}

arm_cmsis_nn_status arm_vector_sum_s8(int32_t *vector_sum_buf, const int32_t vector_cols, const int32_t vector_rows,
                                      const int8_t *vector_data, const int32_t lhs_offset, const int32_t rhs_offset,
                                      const int32_t *bias_data)
{
    for (int32_t row = 0; row < vector_rows; row++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < vector_cols; i++) {
            sum += *vector_data++;
        }
        vector_sum_buf[row] = lhs_offset * (sum + rhs_offset * vector_cols) + (bias_data ? bias_data[row] : 0);
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* Dimensions of a batch repeat where one side has a single one. */
static int pairs_with(int32_t a, int32_t b, int32_t out)
{
    return (a == out || a == 1) && (b == out || b == 1) && (a == out || b == out);
}

arm_cmsis_nn_status arm_batch_matmul_s8(const cmsis_nn_context *ctx, const cmsis_nn_bmm_params *bmm_params,
                                        const cmsis_nn_per_tensor_quant_params *quant_params,
                                        const cmsis_nn_dims *input_lhs_dims, const int8_t *input_lhs,
                                        const cmsis_nn_dims *input_rhs_dims, const int8_t *input_rhs,
                                        const cmsis_nn_dims *output_dims, int8_t *output)
{
    const cmsis_nn_dims *l = input_lhs_dims, *r = input_rhs_dims, *out = output_dims;
    if (l->c != r->c || l->w != out->w || r->w != out->c || !pairs_with(l->n, r->n, out->n) ||
        !pairs_with(l->h, r->h, out->h)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const cmsis_nn_dims filter = {r->c, 1, 1, r->w};
    for (int32_t n = 0; n < out->n; n++) {
        for (int32_t h = 0; h < out->h; h++, output += out->w * out->c) {
            const int32_t left = (l->n == 1 ? 0 : n) * l->h + (l->h == 1 ? 0 : h);
            const int32_t right = (r->n == 1 ? 0 : n) * r->h + (r->h == 1 ? 0 : h);
            struct nn_dense layer = layer_of(&bmm_params->fc_params, &filter, input_rhs + right * r->w * r->c, NULL);
            layer.multiplier = &quant_params->multiplier;
            layer.shift = &quant_params->shift;
            const arm_cmsis_nn_status status = multiply(ctx, &layer, l->w, input_lhs + left * l->w * l->c, output);
            if (status != ARM_CMSIS_NN_SUCCESS) {
                return status;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
