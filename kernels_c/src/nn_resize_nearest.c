/* Pixels repeated or left out. A row that comes from the same row as the one above it is copied from there. */
#include <string.h>

#include "nn_extra.h"

/* Whether all of a list are rows or columns that there are. */
static int within(const int16_t *places, int32_t count, int32_t size)
{
    for (; count > 0; count--, places++) {
        if (*places < 0 || *places >= size) {
            return 0;
        }
    }
    return 1;
}

static void resize_row(const char *row, const int16_t *columns, int32_t count, int32_t pixel, char *output)
{
    if (pixel == 1) {
        for (; count > 0; count--) {
            *output++ = row[*columns++];
        }
        return;
    }
    for (; count > 0; count--, output += pixel) {
        memcpy(output, row + *columns++ * pixel, (size_t)pixel);
    }
}

arm_cmsis_nn_status nn_resize_nearest(int32_t size, const void *input, const cmsis_nn_dims *input_dims,
                                      const int16_t *rows, const int16_t *columns, void *output,
                                      const cmsis_nn_dims *output_dims)
{
    if (input_dims->n != output_dims->n || input_dims->c != output_dims->c || size < 1 ||
        !within(rows, output_dims->h, input_dims->h) || !within(columns, output_dims->w, input_dims->w)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const int32_t pixel = input_dims->c * size, from_row = input_dims->w * pixel, to_row = output_dims->w * pixel;
    const char *image = input;
    char *to = output;
    for (int32_t n = 0; n < input_dims->n; n++, image += input_dims->h * from_row) {
        for (int32_t y = 0; y < output_dims->h; y++, to += to_row) {
            if (y > 0 && rows[y] == rows[y - 1]) {
                memcpy(to, to - to_row, (size_t)to_row);
            } else {
                resize_row(image + rows[y] * from_row, columns, output_dims->w, pixel, to);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
