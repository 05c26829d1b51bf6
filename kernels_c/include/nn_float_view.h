/* Which taps of a filter lie inside the input, for an output pixel of float32. */
#ifndef NN_FLOAT_VIEW_H
#define NN_FLOAT_VIEW_H

#include "nn_convolve.h"
#include "nn_float.h"

struct nn_float_view {
    struct nn_taps rows, columns;
    int32_t input; /* where the tap in row 0 and column 0 would lie, in pixels of the image */
};

static inline struct nn_float_view nn_float_view_of(const nn_conv_params_f32 *p, const cmsis_nn_dims *input,
                                                    const cmsis_nn_dims *filter, int32_t y, int32_t x)
{
    const int32_t top = y * p->stride.h - p->padding.h, left = x * p->stride.w - p->padding.w;
    return (struct nn_float_view){nn_taps_inside(top, p->dilation.h, filter->h, input->h),
                                  nn_taps_inside(left, p->dilation.w, filter->w, input->w), top * input->w + left};
}

static inline int nn_float_conv_is_legal(const nn_conv_params_f32 *p, const cmsis_nn_dims *input, const cmsis_nn_dims *filter,
                                         const cmsis_nn_dims *output)
{
    return input->n > 0 && input->h > 0 && input->w > 0 && input->c > 0 && filter->h > 0 && filter->w > 0 && filter->c > 0 &&
           output->n == input->n && output->h > 0 && output->w > 0 && output->c > 0 && p->stride.h > 0 && p->stride.w > 0 &&
           p->dilation.h > 0 && p->dilation.w > 0;
}

#endif
