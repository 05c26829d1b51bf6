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

#endif
