/*
 * What kernels promise about how far behind their reading they write: a planner may then lay an output over its input.
 *
 * These functions decide as the kernels do, for the core that they are compiled for; constants have to be there as for a run.
 */
#ifndef NN_WALKS_H
#define NN_WALKS_H

#include "arm_nn_types.h"

/* A promise is `NN_WALK(kind, pixels)`: the kernel finishes so many output pixels after the others, in memory order. */
enum {
    NN_NO_WALK,  /* nothing */
    NN_UNBUFFERED, /* any window of these pixels may still be read when all else of them is written */
    NN_BUFFERED, /* all windows of these pixels have been read before the first of them is written */
    NN_PLANES,   /* instead: the output may lie exactly where the input does, as channel by channel is read before written */
};
#define NN_WALK(kind, pixels) ((kind) | (pixels) << 2)

#define NN_WALK_ARGUMENTS(params_type)                                                                          \
    const params_type *params, const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *input_dims, \
        const cmsis_nn_dims *filter_dims, const int32_t *bias, const cmsis_nn_dims *output_dims

/* Of arm_convolve_wrapper_s8 and arm_depthwise_conv_wrapper_s8. */
int32_t nn_convolve_walk(NN_WALK_ARGUMENTS(cmsis_nn_conv_params));
int32_t nn_depthwise_walk(NN_WALK_ARGUMENTS(cmsis_nn_dw_conv_params));

/* Of nn_convolve_sparse_s8; `rows`: that of its weights. */
int32_t nn_convolve_sparse_walk(int32_t rows);

#endif
