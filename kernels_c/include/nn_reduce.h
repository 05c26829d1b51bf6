/* A tensor of four dimensions reduced along any of them: as windows over runs of neighbouring axes. */
#ifndef NN_REDUCE_H
#define NN_REDUCE_H

#include "nn_window.h"

/*
 * Neighbouring axes that are all kept or all reduced make one run, so that four axes are two runs of each at most.
 * `axes`: 1 where reduced, 0 where kept. `size`: bytes of an element of input and output each. The kernel gets whole
 * rows of channels where the last axis is kept, and single elements where it is reduced.
 */
arm_cmsis_nn_status nn_reduce(const void *input, const cmsis_nn_dims *input_dims, const cmsis_nn_dims *axes,
                              nn_window_kernel *kernel, const void *params, int32_t input_size, int32_t output_size,
                              void *output);

#endif
