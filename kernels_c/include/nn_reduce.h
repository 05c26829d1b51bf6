/*
 * What reductions share. Neighbouring axes of one kind count as one, so that of four axes at most two are kept and two
 * reduced. Each output element comes from `reduced` places, reduced[0].step and reduced[1].step bytes apart.
 */
#ifndef NN_REDUCE_H
#define NN_REDUCE_H

#include "arm_nn_types.h"

struct nn_reduced_axis {
    int32_t count;
    int32_t step;
};

/* [0] is the outer one. */
struct nn_reduction {
    struct nn_reduced_axis kept[2];
    struct nn_reduced_axis reduced[2];
};

/* The outputs along kept[1]. */
typedef void nn_reduce_row(const void *params, const struct nn_reduction *reduction, const int8_t *input, int8_t *output);

/* ARM_CMSIS_NN_ARG_ERROR where a dimension of the output is neither that of the input nor 1. */
arm_cmsis_nn_status nn_reduce(nn_reduce_row *row, const void *params, const int8_t *input, const cmsis_nn_dims *input_dims,
                              int8_t *output, const cmsis_nn_dims *output_dims);

#endif
