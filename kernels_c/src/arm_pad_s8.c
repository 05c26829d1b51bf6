#include "arm_nnfunctions.h"
#include "nn_copy.h"

/* A row [W][C] of the output, whose edges are `before` and `after` in elements of W and C. */
static int8_t *pad_row(const int8_t *input, const cmsis_nn_dims *size, int8_t value, const cmsis_nn_dims *before,
                       const cmsis_nn_dims *after, int8_t *output)
{
    const int32_t pixel = before->c + size->c + after->c;
    nn_fill(output, value, before->w * pixel);
    output += before->w * pixel;
    if (pixel == size->c) {
        nn_copy(output, input, size->w * pixel);
        output += size->w * pixel;
    } else {
        for (int32_t x = 0; x < size->w; x++, input += size->c, output += pixel) {
            nn_fill(output, value, before->c);
            nn_copy(output + before->c, input, size->c);
            nn_fill(output + before->c + size->c, value, after->c);
        }
    }
    nn_fill(output, value, after->w * pixel);
    return output + after->w * pixel;
}

arm_cmsis_nn_status arm_pad_s8(const int8_t *input, int8_t *output, const int8_t pad_value,
                               const cmsis_nn_dims *input_size, const cmsis_nn_dims *pre_pad,
                               const cmsis_nn_dims *post_pad)
{
    const cmsis_nn_dims *const before = pre_pad, *const after = post_pad;
    if ((before->n | before->h | before->w | before->c | after->n | after->h | after->w | after->c) < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t row = (before->w + input_size->w + after->w) * (before->c + input_size->c + after->c);
    const int32_t image = (before->h + input_size->h + after->h) * row;
    nn_fill(output, pad_value, before->n * image);
    output += before->n * image;
    for (int32_t batch = 0; batch < input_size->n; batch++) {
        nn_fill(output, pad_value, before->h * row);
        output += before->h * row;
        for (int32_t y = 0; y < input_size->h; y++) {
            output = pad_row(input, input_size, pad_value, before, after, output);
            input += input_size->w * input_size->c;
        }
        nn_fill(output, pad_value, after->h * row);
        output += after->h * row;
    }
    nn_fill(output, pad_value, after->n * image);
    return ARM_CMSIS_NN_SUCCESS;
}
