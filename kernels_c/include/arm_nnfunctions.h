/* int8 kernels with the names and arguments of CMSIS-NN, results bit for bit those of TensorFlow Lite Micro. */
#ifndef ARM_NNFUNCTIONS_H
#define ARM_NNFUNCTIONS_H

#include "arm_nn_types.h"

/*
 * Convolution, int8 with one scale for each output channel.
 *
 *   input   [N][H][W][C_in]            int8
 *   filter  [C_out][K_h][K_w][C_in/G]  int8, symmetric; G groups, where C_in = G * filter_dims->c
 *   bias    [C_out]                    int32, or NULL
 *   output  [N][H_out][W_out][C_out]   int8
 *
 * Padding counts as the input's zero point. Returns ARM_CMSIS_NN_ARG_ERROR where the channels do not divide into
 * groups. upscale_dims must be NULL (transposed convolution is another function).
 */
arm_cmsis_nn_status arm_convolve_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *conv_params,
                                    const cmsis_nn_per_channel_quant_params *quant_params,
                                    const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims, const int8_t *filter_data,
                                    const cmsis_nn_dims *bias_dims, const int32_t *bias_data,
                                    const cmsis_nn_dims *upscale_dims, const cmsis_nn_dims *output_dims,
                                    int8_t *output_data);

/* Bytes of scratch memory that arm_convolve_s8 needs. */
int32_t arm_convolve_s8_get_buffer_size(const cmsis_nn_dims *input_dims, const cmsis_nn_dims *filter_dims);

/*
 * Average and max pooling of [N][H][W][C] int8. Padding takes no part: a mean is that of the elements inside, rounded to
 * nearest, halves away from zero. filter_dims: h, w. Scales of input and output are one.
 *
 * Returns ARM_CMSIS_NN_ARG_ERROR where the channels of input and output differ, or a window holds no element.
 */
arm_cmsis_nn_status arm_avgpool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                   const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                   const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                   int8_t *output_data);

int32_t arm_avgpool_s8_get_buffer_size(const int output_x, const int ch_src);

arm_cmsis_nn_status arm_max_pool_s8(const cmsis_nn_context *ctx, const cmsis_nn_pool_params *pool_params,
                                    const cmsis_nn_dims *input_dims, const int8_t *input_data,
                                    const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                    int8_t *output_data);

#endif
