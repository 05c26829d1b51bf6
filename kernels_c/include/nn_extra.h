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

/* Floats as stored values: value / scale, rounded half away from zero, plus the zero point, saturated. NaN counts as 0. */
void nn_quantize_f32_s8(const float *input, float scale, int32_t zero_point, int8_t *output, int32_t count);
void nn_quantize_f32_u8(const float *input, float scale, int32_t zero_point, uint8_t *output, int32_t count);
void nn_quantize_f32_s16(const float *input, float scale, int32_t zero_point, int16_t *output, int32_t count);

/* Stored values as floats: scale * (stored - zero point). */
void nn_dequantize_s8_f32(const int8_t *input, float scale, int32_t zero_point, float *output, int32_t count);
void nn_dequantize_u8_f32(const uint8_t *input, float scale, int32_t zero_point, float *output, int32_t count);
void nn_dequantize_s16_f32(const int16_t *input, float scale, int32_t zero_point, float *output, int32_t count);

/* Stored values on another scale. Between types of 8 bits, nn_lookup_8 does it. */
typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    int32_t mult;
    int32_t shift;
} nn_requantize_params;

void nn_requantize_s8_s16(const nn_requantize_params *params, const int8_t *input, int16_t *output, int32_t count);
void nn_requantize_s16_s8(const nn_requantize_params *params, const int16_t *input, int8_t *output, int32_t count);
void nn_requantize_s16_s16(const nn_requantize_params *params, const int16_t *input, int16_t *output, int32_t count);

/* The top bit of each byte flipped: uint8 as int8 of the same scale whose zero point is 128 less, or back. */
void nn_flip_top_bits(const void *input, void *output, int32_t count);

/* Any function of one byte, int8 or uint8: output[i] = table[input[i] taken as uint8]. */
void nn_lookup_8(const void *input, const void *table, void *output, int32_t count);

/*
 * Axes reduced to one element each: those in which the output is 1 long. input_offset is added to every element; the total
 * is brought to the output's scale.
 */
typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    int32_t output_mult;
    int32_t output_shift;
} nn_reduce_params;

arm_cmsis_nn_status nn_sum_s8(const nn_reduce_params *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                              int8_t *output, const cmsis_nn_dims *output_dims);

/* The same: the number of elements is part of the multiplier, which is rounded down. */
arm_cmsis_nn_status nn_mean_s8(const nn_reduce_params *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                               int8_t *output, const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_reduce_max_s8(const int8_t *input, const cmsis_nn_dims *input_dims, int8_t *output,
                                     const cmsis_nn_dims *output_dims);

arm_cmsis_nn_status nn_reduce_min_s8(const int8_t *input, const cmsis_nn_dims *input_dims, int8_t *output,
                                     const cmsis_nn_dims *output_dims);

/* Images of elements of `size` bytes: rows[y] and columns[x] tell which row and column of the input the output repeats. */
arm_cmsis_nn_status nn_resize_nearest(int32_t size, const void *input, const cmsis_nn_dims *input_dims,
                                      const int16_t *rows, const int16_t *columns, void *output,
                                      const cmsis_nn_dims *output_dims);

#endif
