#include "nn_copy.h"
#include "nn_extra.h"

/* Input row or column for each of the output, in float32 as TensorFlow Lite works it out. */
struct grid {
    float scale;
    float offset;
    int32_t last;
    int rounded;
};

static struct grid grid_of(int32_t input, int32_t output, int align_corners, int half_pixel_centers)
{
    struct grid grid = {(float)input / (float)output, half_pixel_centers ? 0.5f : 0.0f, input - 1, align_corners};
    if (align_corners && output > 1) {
        grid.scale = (float)(input - 1) / (float)(output - 1);
    }
    return grid;
}

static int32_t source_of(const struct grid *grid, int32_t place)
{
    const float exact = ((float)place + grid->offset) * grid->scale;
    const int32_t below = (int32_t)exact;
    const int32_t source = below + (grid->rounded && exact - (float)below >= 0.5f);
    return source > grid->last ? grid->last : source;
}

arm_cmsis_nn_status nn_resize_nearest(const void *input, const cmsis_nn_dims *input_dims, void *output,
                                      const cmsis_nn_dims *output_dims, int32_t align_corners,
                                      int32_t half_pixel_centers, int32_t size)
{
    if (input_dims->n != output_dims->n || input_dims->c != output_dims->c || input_dims->h < 1 || input_dims->w < 1 ||
        output_dims->h < 1 || output_dims->w < 1) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    const struct grid rows = grid_of(input_dims->h, output_dims->h, align_corners, half_pixel_centers);
    const struct grid columns = grid_of(input_dims->w, output_dims->w, align_corners, half_pixel_centers);
    const int32_t pixel = input_dims->c * size, input_row = input_dims->w * pixel, output_row = output_dims->w * pixel;
    const int8_t *from = input;
    int8_t *to = output;
    for (int32_t batch = 0; batch < input_dims->n; batch++, from += input_dims->h * input_row) {
        int32_t row_before = -1;
        for (int32_t y = 0; y < output_dims->h; y++, to += output_row) {
            const int32_t row = source_of(&rows, y);
            if (row == row_before) {
                nn_copy(to, to - output_row, output_row);
                continue;
            }
            row_before = row;
            for (int32_t x = 0; x < output_dims->w; x++) {
                nn_copy(to + x * pixel, from + row * input_row + source_of(&columns, x) * pixel, pixel);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
