/* Two tensors of float32 joined element by element. */
#include "nn_float_order.h"
#include "nn_rows.h"

NN_INLINE float add(float left, float right)
{
    return left + right;
}

NN_INLINE float sub(float left, float right)
{
    return left - right;
}

NN_INLINE float mul(float left, float right)
{
    return left * right;
}

NN_INLINE float minimum(float left, float right)
{
    return nn_float_less(right, left) ? right : left;
}

NN_INLINE float maximum(float left, float right)
{
    return nn_float_less(left, right) ? right : left;
}

/* A kernel, and the row that it makes of each pair with a function. */
#define JOINED(kernel, join)                                                                                          \
    static void join##_row(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count)     \
    {                                                                                                                 \
        const nn_activation_f32 bounds = *(const nn_activation_f32 *)params;                                          \
        const float *left = (const void *)operands->left, *right = (const void *)operands->right;                     \
        float *to = (void *)output;                                                                                   \
        for (; count > 0; count--, left += operands->left_step, right += operands->right_step) {                      \
            *to++ = nn_float_bounded(join(*left, *right), bounds);                                                    \
        }                                                                                                             \
    }                                                                                                                 \
    arm_cmsis_nn_status kernel(const nn_activation_f32 *bounds, const float *input_1, const cmsis_nn_dims *dims_1,    \
                               const float *input_2, const cmsis_nn_dims *dims_2, float *output,                      \
                               const cmsis_nn_dims *output_dims)                                                      \
    {                                                                                                                 \
        return nn_broadcast(join##_row, bounds, sizeof(float), input_1, dims_1, input_2, dims_2, output, output_dims); \
    }

JOINED(nn_add_f32, add)
JOINED(nn_sub_f32, sub)
JOINED(nn_mul_f32, mul)
JOINED(nn_minimum_f32, minimum)
JOINED(nn_maximum_f32, maximum)
