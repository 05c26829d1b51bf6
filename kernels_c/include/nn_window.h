/* A window that moves over [H][W][C] and is cut at the borders: what average and max pooling share. */
#ifndef NN_WINDOW_H
#define NN_WINDOW_H

#include "arm_nn_types.h"
#include "nn_lanes.h"

/* Elements of one channel: `rows` times `columns`, `pixel` elements from one column to the next, `row` to the next row. */
struct nn_window {
    int32_t rows;
    int32_t columns;
    int32_t pixel;
    int32_t row;
};

NN_INLINE int32_t nn_at_least(int32_t value, int32_t low)
{
    return value < low ? low : value;
}

NN_INLINE int32_t nn_at_most(int32_t value, int32_t high)
{
    return value > high ? high : value;
}

/* Whether every window along an axis has an element of the input in it. */
NN_INLINE int nn_windows_meet(int32_t input, int32_t filter, int32_t output, int32_t stride, int32_t padding)
{
    const int32_t last = (output - 1) * stride - padding;
    return input > 0 && filter > 0 && output > 0 && stride > 0 && filter > padding && last < input && padding >= 0;
}

NN_INLINE int nn_pool_is_legal(const cmsis_nn_pool_params *pool, const cmsis_nn_dims *input, const cmsis_nn_dims *filter,
                               const cmsis_nn_dims *output)
{
    return input->n > 0 && input->c > 0 && input->c == output->c &&
           nn_windows_meet(input->h, filter->h, output->h, pool->stride.h, pool->padding.h) &&
           nn_windows_meet(input->w, filter->w, output->w, pool->stride.w, pool->padding.w);
}

/* What becomes of one window: `channels` elements of output from as many of input at each place of the window. */
typedef void nn_window_kernel(const struct nn_window *window, const void *input, int32_t channels, const void *params,
                              void *output);

/* `kernel`, with `bounds` as parameters, for each window in the order of the output; `size`: bytes of an element. */
NN_INLINE arm_cmsis_nn_status nn_pool_within(const cmsis_nn_pool_params *pool, const void *bounds,
                                             const cmsis_nn_dims *input_dims, const char *input,
                                             const cmsis_nn_dims *filter_dims, const cmsis_nn_dims *output_dims,
                                             char *output, int32_t size, nn_window_kernel *kernel)
{
    if (!nn_pool_is_legal(pool, input_dims, filter_dims, output_dims)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t channels = input_dims->c, width = input_dims->w, height = input_dims->h;
    for (int32_t batch = 0; batch < input_dims->n; batch++) {
        for (int32_t y = 0; y < output_dims->h; y++) {
            const int32_t top = y * pool->stride.h - pool->padding.h;
            const int32_t first_row = nn_at_least(top, 0), rows = nn_at_most(top + filter_dims->h, height) - first_row;
            for (int32_t x = 0; x < output_dims->w; x++) {
                const int32_t left = x * pool->stride.w - pool->padding.w, first_column = nn_at_least(left, 0);
                const int32_t columns = nn_at_most(left + filter_dims->w, width) - first_column;
                struct nn_window window = {rows, columns, channels, width * channels};
                if (columns == width) { /* whole rows follow one another: one long row */
                    window.columns = rows * width;
                    window.rows = 1;
                }
                kernel(&window, input + (first_row * width + first_column) * channels * size, channels,
                       bounds, output);
                output += channels * size;
            }
        }
        input += height * width * channels * size;
    }
    return ARM_CMSIS_NN_SUCCESS;
}

/* The same within the bounds of the activation. */
NN_INLINE arm_cmsis_nn_status nn_pool(const cmsis_nn_pool_params *pool, const cmsis_nn_dims *input_dims,
                                      const char *input, const cmsis_nn_dims *filter_dims,
                                      const cmsis_nn_dims *output_dims, char *output, int32_t size,
                                      nn_window_kernel *kernel)
{
    return nn_pool_within(pool, &pool->activation, input_dims, input, filter_dims, output_dims, output, size, kernel);
}

#endif
