/* Two tensors joined element by element, each repeated along the dimensions in which it is 1 long. */
#include "nn_rows.h"

struct axis {
    int32_t count;
    int32_t left;  /* bytes from one element to the next, 0 where repeated */
    int32_t right;
};

/* Bytes from one element to the next of an operand that has `own` of `count`; 0 where it is repeated; -1: impossible. */
static int32_t step_of(int32_t own, int32_t count, int32_t bytes)
{
    return own == count ? bytes : own == 1 ? 0 : -1;
}

/* The axes that count, innermost first, neighbours joined where both operands go on as before. -1: impossible. */
static int32_t join_axes(struct axis axes[4], int32_t size, const int32_t left[4], const int32_t right[4],
                         const int32_t output[4])
{
    int32_t used = 0, left_bytes = size, right_bytes = size;
    for (int32_t i = 3; i >= 0; i--) {
        const struct axis axis = {output[i], step_of(left[i], output[i], left_bytes),
                                  step_of(right[i], output[i], right_bytes)};
        if (axis.count < 1 || axis.left < 0 || axis.right < 0) {
            return -1;
        }
        left_bytes *= left[i];
        right_bytes *= right[i];
        const int32_t last = used - 1;
        if (axis.count == 1) {
            continue;
        }
        if (last >= 0 && axis.left == axes[last].left * axes[last].count &&
            axis.right == axes[last].right * axes[last].count) {
            axes[last].count *= axis.count;
        } else {
            axes[used++] = axis;
        }
    }
    return used;
}

arm_cmsis_nn_status nn_broadcast(nn_row *row, const void *params, int32_t size, const void *left,
                                 const cmsis_nn_dims *left_dims, const void *right, const cmsis_nn_dims *right_dims,
                                 void *output, const cmsis_nn_dims *output_dims)
{
    const int32_t lefts[4] = {left_dims->n, left_dims->h, left_dims->w, left_dims->c};
    const int32_t rights[4] = {right_dims->n, right_dims->h, right_dims->w, right_dims->c};
    const int32_t outputs[4] = {output_dims->n, output_dims->h, output_dims->w, output_dims->c};
    struct axis axes[4] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}};
    if (join_axes(axes, size, lefts, rights, outputs) < 0) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    int8_t *to = output;
    for (int32_t i = 0; i < axes[3].count; i++) {
        for (int32_t j = 0; j < axes[2].count; j++) {
            const int8_t *a = (const int8_t *)left + i * axes[3].left + j * axes[2].left;
            const int8_t *b = (const int8_t *)right + i * axes[3].right + j * axes[2].right;
            for (int32_t k = 0; k < axes[1].count; k++, a += axes[1].left, b += axes[1].right) {
                const struct nn_operands operands = {a, b, axes[0].left != 0, axes[0].right != 0};
                row(params, &operands, to, axes[0].count);
                to += axes[0].count * size;
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
