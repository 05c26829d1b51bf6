/*
 * Kernels of float32, which CMSIS-NN lacks. Tensors and weights lie as those of int8 do.
 *
 * Results are bit for bit those of a plain loop in IEEE 754: every product and every sum is rounded to float32, nothing is
 * fused (the compiler is told so: -ffp-contract=off), and sums start at 0 and go in the order in which the weights of an
 * output lie: rows, columns, channels of the input; the bias comes last, then the bounds. Taps in the padding are left out,
 * which is the same for weights that are finite. Only sparse convolutions need scratch memory. What calls exp is within one unit
 * of the last place of it (nn_exp.h).
 */
#ifndef NN_FLOAT_H
#define NN_FLOAT_H

#include "arm_nn_types.h"

#ifndef INFINITY /* as math.h has it, which not all compilers bring along */
#define INFINITY (__builtin_inff())
#endif

/* Bounds of the output; -INFINITY and INFINITY for none. */
typedef struct {
    float min;
    float max;
} nn_activation_f32;

typedef struct {
    cmsis_nn_tile stride;
    cmsis_nn_tile padding; /* above and to the left; what lies behind follows from the output */
    cmsis_nn_tile dilation;
    nn_activation_f32 activation;
} nn_conv_params_f32;

/* Input [N][H][W][C], filter [C_out][K_h][K_w][C / groups], bias [C_out] or NULL, output [N][H_out][W_out][C_out]. */
arm_cmsis_nn_status nn_convolve_f32(const nn_conv_params_f32 *params, const cmsis_nn_dims *input_dims, const float *input,
                                    const cmsis_nn_dims *filter_dims, const float *filter, const float *bias,
                                    const cmsis_nn_dims *output_dims, float *output);

/* Filter [1][K_h][K_w][C * multiplier]: output channel c * multiplier + m is of input channel c. */
arm_cmsis_nn_status nn_depthwise_conv_f32(const nn_conv_params_f32 *params, const cmsis_nn_dims *input_dims,
                                          const float *input, const cmsis_nn_dims *filter_dims, const float *filter,
                                          const float *bias, const cmsis_nn_dims *output_dims, float *output);

/* Input [batches][depth], filter [outputs][depth], bias [outputs] or NULL, output [batches][outputs]. */
void nn_fully_connected_f32(const nn_activation_f32 *bounds, int32_t batches, int32_t depth, int32_t outputs,
                            const float *input, const float *filter, const float *bias, float *output);

/*
 * Weights of which most are zero: what is left of each output's, in order. An entry is a step (how many inputs behind the
 * entry before, or behind the first input) and a value; wider gaps than 255 have entries of value 0 on their way. Inputs of
 * convolutions are counted as filters have them: height, width, channels. mcusim/deploy/sparse.py makes them.
 */
typedef struct {
    uint16_t *counts; /* entries of each output */
    uint8_t *steps;
    float *values;
} nn_sparse_weights_f32;

/*
 * nn_fully_connected_f32, nn_convolve_f32 (one group), bit for bit, as long as inputs and weights are finite: a sum that
 * begins at +0 is never -0, so that products of zeros, +0 or -0, change none. The convolution's padding is such zeros.
 */
void nn_fully_connected_sparse_f32(const nn_activation_f32 *bounds, int32_t batches, int32_t depth, int32_t outputs,
                                   const float *input, const nn_sparse_weights_f32 *weights, const float *bias,
                                   float *output);

arm_cmsis_nn_status nn_convolve_sparse_f32(const cmsis_nn_context *ctx, const nn_conv_params_f32 *params,
                                           const cmsis_nn_dims *input_dims, const float *input,
                                           const cmsis_nn_dims *filter_dims, const nn_sparse_weights_f32 *weights,
                                           const float *bias, const cmsis_nn_dims *output_dims, float *output);

int32_t nn_convolve_sparse_f32_get_buffer_size(const cmsis_nn_dims *filter_dims);

/* Windows are cut at the borders: an average is over the elements inside. */
typedef struct {
    cmsis_nn_tile stride;
    cmsis_nn_tile padding;
    nn_activation_f32 activation;
} nn_pool_params_f32;

arm_cmsis_nn_status nn_average_pool_f32(const nn_pool_params_f32 *params, const cmsis_nn_dims *input_dims,
                                        const float *input, const cmsis_nn_dims *filter_dims,
                                        const cmsis_nn_dims *output_dims, float *output);
arm_cmsis_nn_status nn_max_pool_f32(const nn_pool_params_f32 *params, const cmsis_nn_dims *input_dims, const float *input,
                                    const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims, float *output);

/* Tensors of any four dimensions, each repeated along those in which it is 1 long. */
arm_cmsis_nn_status nn_add_f32(const nn_activation_f32 *bounds, const float *input_1,
                               const cmsis_nn_dims *input_1_dims, const float *input_2,
                               const cmsis_nn_dims *input_2_dims, float *output, const cmsis_nn_dims *output_dims);
arm_cmsis_nn_status nn_sub_f32(const nn_activation_f32 *bounds, const float *input_1,
                               const cmsis_nn_dims *input_1_dims, const float *input_2,
                               const cmsis_nn_dims *input_2_dims, float *output, const cmsis_nn_dims *output_dims);
arm_cmsis_nn_status nn_mul_f32(const nn_activation_f32 *bounds, const float *input_1,
                               const cmsis_nn_dims *input_1_dims, const float *input_2,
                               const cmsis_nn_dims *input_2_dims, float *output, const cmsis_nn_dims *output_dims);
arm_cmsis_nn_status nn_minimum_f32(const nn_activation_f32 *bounds, const float *input_1,
                                   const cmsis_nn_dims *input_1_dims, const float *input_2,
                                   const cmsis_nn_dims *input_2_dims, float *output, const cmsis_nn_dims *output_dims);
arm_cmsis_nn_status nn_maximum_f32(const nn_activation_f32 *bounds, const float *input_1,
                                   const cmsis_nn_dims *input_1_dims, const float *input_2,
                                   const cmsis_nn_dims *input_2_dims, float *output, const cmsis_nn_dims *output_dims);

/* Functions of each element; input and output may be one. */
void nn_clamp_f32(const float *input, int32_t count, float min, float max, float *output);
void nn_leaky_relu_f32(const float *input, int32_t count, float alpha, float *output);
void nn_hard_swish_f32(const float *input, int32_t count, float *output);
void nn_logistic_f32(const float *input, int32_t count, float *output);
void nn_silu_f32(const float *input, int32_t count, float *output);

/* exp(beta * (x - greatest of the row)) over the sum of the row. */
void nn_softmax_f32(const float *input, int32_t rows, int32_t length, float beta, float *output);

/* Reductions along the axes that have 1 in `axes` (the others 0). */
arm_cmsis_nn_status nn_mean_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                float *output);
arm_cmsis_nn_status nn_sum_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                               float *output);
arm_cmsis_nn_status nn_reduce_max_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      float *output);
arm_cmsis_nn_status nn_reduce_min_f32(const float *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      float *output);

#endif
