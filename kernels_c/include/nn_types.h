/*
 * The argument types of CMSIS-NN, so that code written for that library builds on these kernels.
 * Shapes are NHWC; filters of a convolution are [output channel][height][width][input channel].
 */
#ifndef NN_TYPES_H
#define NN_TYPES_H

#include <stdint.h>

typedef enum {
    ARM_CMSIS_NN_SUCCESS = 0,
    ARM_CMSIS_NN_ARG_ERROR = -1,
    ARM_CMSIS_NN_NO_IMPL_ERROR = -2,
    ARM_CMSIS_NN_FAILURE = -3
} arm_cmsis_nn_status;

/* Scratch memory of a kernel; its ..._get_buffer_size function tells how many bytes. */
typedef struct {
    void *buf;
    int32_t size;
} cmsis_nn_context;

typedef struct {
    int32_t n;
    int32_t h;
    int32_t w;
    int32_t c;
} cmsis_nn_dims;

typedef struct {
    int32_t w;
    int32_t h;
} cmsis_nn_tile;

/* Bounds of the output, after the output offset is added. */
typedef struct {
    int32_t min;
    int32_t max;
} cmsis_nn_activation;

/* One multiplier (Q31) and one shift (positive: left) for each output channel. */
typedef struct {
    int32_t *multiplier;
    int32_t *shift;
} cmsis_nn_per_channel_quant_params;

/* input_offset is minus the input's zero point, output_offset the output's zero point: -128..128 and -128..127. */
typedef struct {
    int32_t input_offset;
    int32_t output_offset;
    cmsis_nn_tile stride;
    cmsis_nn_tile padding;
    cmsis_nn_tile dilation;
    cmsis_nn_activation activation;
} cmsis_nn_conv_params;

#endif
