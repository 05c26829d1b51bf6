/*
 * Kernels that CMSIS-NN lacks, results bit for bit those of TensorFlow Lite's reference kernels. Offsets of inputs are
 * minus their zero points, offsets of outputs the zero points; multipliers are Q31, shifts positive to the left.
 */
#ifndef NN_EXTRA_H
#define NN_EXTRA_H

#include "arm_nn_types.h"

/*
 * Sum and difference. Both inputs are shifted to the left by `left_shift` (20 for int8, 15 for int16), brought to twice
 * the greater scale of the two, added, and brought to the output's scale.
 */
typedef struct {
    int32_t input_1_offset;
    int32_t input_1_mult;
    int32_t input_1_shift;
    int32_t input_2_offset;
    int32_t input_2_mult;
    int32_t input_2_shift;
    int32_t left_shift;
    int32_t output_offset;
    int32_t output_mult;
    int32_t output_shift;
    cmsis_nn_activation activation;
} nn_add_params;

typedef struct {
    int32_t input_1_offset;
    int32_t input_2_offset;
    int32_t output_offset;
    int32_t output_mult;
    int32_t output_shift;
    cmsis_nn_activation activation;
} nn_mul_params;

/* Tensors of any four dimensions, each repeated along those in which it is 1 long. */
arm_cmsis_nn_status nn_add_s8(const nn_add_params *params, const int8_t *input_1, const cmsis_nn_dims *input_1_dims,
                              const int8_t *input_2, const cmsis_nn_dims *input_2_dims, int8_t *output,
                              const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_sub_s8(const nn_add_params *params, const int8_t *input_1, const cmsis_nn_dims *input_1_dims,
                              const int8_t *input_2, const cmsis_nn_dims *input_2_dims, int8_t *output,
                              const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_mul_s8(const nn_mul_params *params, const int8_t *input_1, const cmsis_nn_dims *input_1_dims,
                              const int8_t *input_2, const cmsis_nn_dims *input_2_dims, int8_t *output,
                              const cmsis_nn_dims *output_dims);

/*
 * Reductions along the axes that have 1 in `axes` (the others 0); the output has no gaps. nn_mean_s8 gives
 * (sum + count * input_offset) * multiplier * 2^(shift - 31) + output_offset: a mean where the multiplier has 1/count in
 * it, as TensorFlow Lite folds it, else a sum.
 */
typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    int32_t multiplier;
    int32_t shift;
} nn_reduce_params;

arm_cmsis_nn_status nn_mean_s8(const nn_reduce_params *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                               const cmsis_nn_dims *axes, int8_t *output);

arm_cmsis_nn_status nn_reduce_max_s8(const int8_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                     int8_t *output);

arm_cmsis_nn_status nn_reduce_min_s8(const int8_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                     int8_t *output);

/* Place of the greatest (the first of equals) along the middle axis of [outer][count][inner]. */
void nn_argmax_s8(const int8_t *input, int32_t outer, int32_t count, int32_t inner, int32_t *output);

/*
 * `rows` rows of `row_bytes` bytes, `input_step` bytes apart, to places `output_step` bytes apart: one input of a
 * concatenation along any axis, one output of a split. The two must not overlap.
 */
arm_cmsis_nn_status nn_copy_rows(const void *input, int32_t input_step, void *output, int32_t output_step,
                                 int32_t row_bytes, int32_t rows);

/* Every stride-th element (may be negative) from begin, as many as the output has. `size`: 1, 2 or 4 bytes an element. */
arm_cmsis_nn_status nn_strided_slice(const void *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *begin,
                                     const cmsis_nn_dims *stride, void *output, const cmsis_nn_dims *output_dims,
                                     int32_t size);

/* arm_transpose_s8 for elements of `size` 1, 2 or 4 bytes. */
arm_cmsis_nn_status nn_transpose(const void *input, const cmsis_nn_dims *input_dims, void *output,
                                 const cmsis_nn_dims *output_dims, const cmsis_nn_transpose_params *params, int32_t size);

/* `count` elements of `size` bytes, all like `element`. */
void nn_repeat(void *output, const void *element, int32_t size, int32_t count);

/* Nearest neighbour along h and w, elements of `size` bytes. */
arm_cmsis_nn_status nn_resize_nearest(const void *input, const cmsis_nn_dims *input_dims, void *output,
                                      const cmsis_nn_dims *output_dims, int32_t align_corners,
                                      int32_t half_pixel_centers, int32_t size);

/* Any function of one int8: table[(uint8_t)value]. Input and output may be one. */
void nn_lookup_s8(const int8_t *input, const int8_t table[256], int32_t count, int8_t *output);
void nn_lookup_u8(const uint8_t *input, const uint8_t table[256], int32_t count, uint8_t *output);

/* To another scale or type, and for ReLU and its like: bounds of the output. Input and output may be one. */
typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    int32_t multiplier;
    int32_t shift;
    cmsis_nn_activation activation;
} nn_requantize_params;

void nn_requantize_s8(const nn_requantize_params *params, const int8_t *input, int32_t count, int8_t *output);
void nn_requantize_u8(const nn_requantize_params *params, const uint8_t *input, int32_t count, uint8_t *output);
void nn_requantize_u8_s8(const nn_requantize_params *params, const uint8_t *input, int32_t count, int8_t *output);
void nn_requantize_s8_u8(const nn_requantize_params *params, const int8_t *input, int32_t count, uint8_t *output);
void nn_requantize_s8_s16(const nn_requantize_params *params, const int8_t *input, int32_t count, int16_t *output);
void nn_requantize_s16_s8(const nn_requantize_params *params, const int16_t *input, int32_t count, int8_t *output);
void nn_requantize_s16(const nn_requantize_params *params, const int16_t *input, int32_t count, int16_t *output);

/* The top bit of each byte flipped: uint8 as int8 of the same scale whose zero point is 128 less, or back. */
void nn_flip_top_bits(const void *input, int32_t count, void *output);

/* Values below zero by alpha (its multiplier may be negative), others by the ratio of the scales. */
typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    int32_t identity_multiplier;
    int32_t identity_shift;
    int32_t alpha_multiplier;
    int32_t alpha_shift;
} nn_leaky_relu_params;

void nn_leaky_relu_s8(const nn_leaky_relu_params *params, const int8_t *input, int32_t count, int8_t *output);

/* float32 to stored values, rounded to nearest, halves away from zero, saturated; and back. */
void nn_quantize_f32_s8(const float *input, int32_t count, float scale, int32_t zero_point, int8_t *output);
void nn_quantize_f32_u8(const float *input, int32_t count, float scale, int32_t zero_point, uint8_t *output);
void nn_quantize_f32_s16(const float *input, int32_t count, float scale, int32_t zero_point, int16_t *output);
void nn_dequantize_s8_f32(const int8_t *input, int32_t count, float scale, int32_t zero_point, float *output);
void nn_dequantize_u8_f32(const uint8_t *input, int32_t count, float scale, int32_t zero_point, float *output);
void nn_dequantize_s16_f32(const int16_t *input, int32_t count, float scale, int32_t zero_point, float *output);

/* int16: as for int8; offsets are 0 and left_shift is 15 in TensorFlow Lite. arm_pad_s8 and arm_transpose_s8's kin move
 * int16 as well: pads of 0 as twice as many bytes. */
arm_cmsis_nn_status nn_add_s16(const nn_add_params *params, const int16_t *input_1, const cmsis_nn_dims *input_1_dims,
                               const int16_t *input_2, const cmsis_nn_dims *input_2_dims, int16_t *output,
                               const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_sub_s16(const nn_add_params *params, const int16_t *input_1, const cmsis_nn_dims *input_1_dims,
                               const int16_t *input_2, const cmsis_nn_dims *input_2_dims, int16_t *output,
                               const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_mul_s16(const nn_mul_params *params, const int16_t *input_1, const cmsis_nn_dims *input_1_dims,
                               const int16_t *input_2, const cmsis_nn_dims *input_2_dims, int16_t *output,
                               const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_mean_s16(const nn_reduce_params *params, const int16_t *input, const cmsis_nn_dims *input_dims,
                                const cmsis_nn_dims *axes, int16_t *output);

/* One scale for all tensors. */
arm_cmsis_nn_status nn_minimum_s16(const int16_t *input_1, const cmsis_nn_dims *input_1_dims, const int16_t *input_2,
                                   const cmsis_nn_dims *input_2_dims, int16_t *output, const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_maximum_s16(const int16_t *input_1, const cmsis_nn_dims *input_1_dims, const int16_t *input_2,
                                   const cmsis_nn_dims *input_2_dims, int16_t *output, const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_reduce_max_s16(const int16_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      int16_t *output);

arm_cmsis_nn_status nn_reduce_min_s16(const int16_t *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                                      int16_t *output);

void nn_leaky_relu_s16(const nn_leaky_relu_params *params, const int16_t *input, int32_t count, int16_t *output);

/*
 * arm_fully_connected_s16 with TensorFlow Lite's rounding: the sum of 64 bits (of 32 where the bias has as many) times a
 * factor in double precision, halves away from zero. `factors`: one, or one for each output (`is_per_channel`).
 */
arm_cmsis_nn_status nn_fully_connected_s16(const cmsis_nn_fc_params *params, const double *factors, int32_t is_per_channel,
                                           const int16_t *input, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                           const cmsis_nn_bias_data *bias, const cmsis_nn_dims *output_dims, int16_t *output);

/* arm_transpose_conv_s8 for int16 with weights of int8; offsets are 0. */
arm_cmsis_nn_status nn_transpose_conv_s16(const cmsis_nn_transpose_conv_params *params,
                                          const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *input_dims,
                                          const int16_t *input, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                          const cmsis_nn_bias_data *bias, const cmsis_nn_dims *output_dims, int16_t *output);

/*
 * A layer of long short-term memory (UNIDIRECTIONAL_SEQUENCE_LSTM) without peepholes and layer normalisation:
 *
 *   input          [batches][steps][inputs]   int8, or [steps][batches][inputs] (`time_major`)
 *   hidden_state   [batches][hidden]          int8, moved on
 *   cell_state     [batches][cells]           int16 of scale 2^cell_power (-15 to -9), moved on
 *   output         [batches][steps][hidden]   int8, the hidden state after each step
 *
 * A gate is a function of weights times input plus weights times hidden state, either brought to Q3.12 and saturated: the
 * logistic function, of the cell gate the hyperbolic tangent. Without weights of an input gate that gate is 1 less the
 * forget gate. What the cells show is int8 of `shown_scale` and `shown_offset`: the new hidden state, or what is projected to
 * it; the projection's bias then has the zero points in it. Clips of 0 are none. CMSIS-NN's arm_lstm_unidirectional_s8 takes
 * gates from a table instead, and gives other bits.
 */
typedef struct {
    const int8_t *input_weights;  /* [cells][inputs]; NULL: no such gate */
    const int8_t *hidden_weights; /* [cells][hidden] */
    const int32_t *bias;          /* [cells] or NULL */
    cmsis_nn_per_tensor_quant_params input_scale;
    cmsis_nn_per_tensor_quant_params hidden_scale;
} nn_lstm_gate;

typedef struct {
    int32_t time_major;
    int32_t batches;
    int32_t steps;
    int32_t inputs;
    int32_t cells;
    int32_t hidden;
    int32_t input_offset;
    int32_t hidden_offset;
    nn_lstm_gate input_gate;
    nn_lstm_gate forget_gate;
    nn_lstm_gate cell_gate;
    nn_lstm_gate output_gate;
    int32_t cell_power;
    int32_t cell_clip;
    cmsis_nn_per_tensor_quant_params shown_scale;
    int32_t shown_offset;
    const int8_t *projection_weights; /* [hidden][cells]; NULL: none, and hidden is cells */
    const int32_t *projection_bias;   /* [hidden] or NULL */
    cmsis_nn_per_tensor_quant_params projection_scale;
    int32_t projection_clip;
} nn_lstm_params;

arm_cmsis_nn_status nn_lstm_s8(const cmsis_nn_context *ctx, const nn_lstm_params *params, const int8_t *input,
                               int8_t *hidden_state, int16_t *cell_state, int8_t *output);

int32_t nn_lstm_s8_get_buffer_size(const nn_lstm_params *params);

/*
 * Weights of which most are zero: what is left of each row, an output's weights, in order. An entry is a step (how many inputs
 * behind the entry before, or behind the first input) and a value. Wider gaps than 255 have entries of value 0 on their way.
 *
 *   rows 1: [counts[i] entries] for each output; a value for each
 *   rows 4: [counts[i] entries] for each four outputs, an even number; four values for each, of two entries a and b as
 *           a0 a1 b0 b1 a2 a3 b2 b3; where outputs are no multiple of four, the last of them have zeros
 *
 * Inputs of convolutions are counted as filters have them: height, width, channels. mcusim/deploy/sparse.py makes them.
 */
typedef struct {
    uint16_t *counts;
    uint8_t *steps;
    int8_t *values;
    int32_t rows;
} nn_sparse_weights;

/*
 * arm_fully_connected_s8 (or ..._per_channel_s8), arm_convolve_s8 (one group), bit for bit. `bias`, never NULL: with the sum of
 * the output's weights times the input offset added. A fully connected layer then needs no input offset; a convolution fills
 * padding with it. Offsets of filters are 0.
 */
arm_cmsis_nn_status nn_fully_connected_sparse_s8(const cmsis_nn_fc_params *params, const cmsis_nn_quant_params *quant,
                                                 const cmsis_nn_dims *input_dims, const int8_t *input,
                                                 const nn_sparse_weights *weights, const int32_t *bias,
                                                 const cmsis_nn_dims *output_dims, int8_t *output);

arm_cmsis_nn_status nn_convolve_sparse_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *params,
                                          const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *input_dims,
                                          const int8_t *input, const cmsis_nn_dims *filter_dims,
                                          const nn_sparse_weights *weights, const int32_t *bias,
                                          const cmsis_nn_dims *output_dims, int8_t *output);

int32_t nn_convolve_sparse_s8_get_buffer_size(const cmsis_nn_dims *filter_dims);

/* Any function of one int16, by a table of 513 entries with straight lines in between. */
void nn_lookup_s16(const int16_t *input, const int16_t table[513], int32_t count, int16_t *output);

/* arm_nn_activation_s16 for any scale: (input * multiplier) >> right_shift, rounded half up, is in units of 1/12288. */
void nn_activation_s16(const int16_t *input, int16_t *output, int32_t count, int32_t multiplier, int32_t right_shift,
                       arm_nn_activation_type type);

#endif
