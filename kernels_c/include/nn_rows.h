/*
 * Rows of element-wise kernels: `count` elements of output from as many of left and right, whose steps are 1, or 0 where
 * one element serves the whole row. nn_broadcast calls them for tensors of any four dimensions.
 */
#ifndef NN_ROWS_H
#define NN_ROWS_H

#include "arm_nn_types.h"
#include "nn_extra.h"

struct nn_operands {
    const int8_t *left;
    const int8_t *right;
    int32_t left_step;
    int32_t right_step;
};

typedef void nn_row(const void *params, const struct nn_operands *operands, int8_t *output, int32_t count);

nn_row nn_add_row_s8, nn_sub_row_s8, nn_mul_row_s8, nn_minimum_row_s8, nn_maximum_row_s8;

/* `size`: bytes of an element. ARM_CMSIS_NN_ARG_ERROR where a dimension is neither that of the output nor 1. */
arm_cmsis_nn_status nn_broadcast(nn_row *row, const void *params, int32_t size, const void *left,
                                 const cmsis_nn_dims *left_dims, const void *right, const cmsis_nn_dims *right_dims,
                                 void *output, const cmsis_nn_dims *output_dims);

/* Whether an operand takes part with words of four: one byte stands for four where the step is 0. */
#define NN_SPREAD(name, operand, step)                                    \
    int8_t name##_four[4];                                                \
    const int8_t *name = (operand);                                       \
    if ((step) == 0) {                                                    \
        name##_four[0] = name##_four[1] = name##_four[2] = name##_four[3] = *name; \
        name = name##_four;                                               \
    }

/* Their operands and outputs are int16. */
nn_row nn_add_row_s16, nn_sub_row_s16, nn_mul_row_s16, nn_minimum_row_s16, nn_maximum_row_s16;

#endif
