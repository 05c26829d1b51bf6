/* Matrix products of int16. */
#include "arm_nnfunctions.h"
#include "nn_lanes.h"
#include "nn_wide.h"

static int64_t dot(const int16_t *left, const int16_t *right, int32_t count)
{
    int64_t sum = 0;
#if NN_DSP
    for (; count >= 2; count -= 2, left += 2, right += 2) {
        sum = __smlald((int16x2_t)nn_lanes_load(left), (int16x2_t)nn_lanes_load(right), sum);
    }
#endif
    for (; count > 0; count--) {
        sum += *left++ * *right++;
    }
    return sum;
}

/* Dimensions of a batch repeat where one side has a single one. */
static int pairs_with(int32_t a, int32_t b, int32_t out)
{
    return (a == out || a == 1) && (b == out || b == 1) && (a == out || b == out);
}

static int is_sound(const cmsis_nn_fc_params *params, const cmsis_nn_dims *l, const cmsis_nn_dims *r, const cmsis_nn_dims *out)
{
    return l->c == r->c && l->w == out->w && r->w == out->c && pairs_with(l->n, r->n, out->n) &&
           pairs_with(l->h, r->h, out->h) && nn_wide_dense_is_sound(params, l->w, l->c, r->w);
}

arm_cmsis_nn_status arm_batch_matmul_s16(const cmsis_nn_context *ctx, const cmsis_nn_bmm_params *bmm_params,
                                         const cmsis_nn_per_tensor_quant_params *quant_params,
                                         const cmsis_nn_dims *input_lhs_dims, const int16_t *input_lhs,
                                         const cmsis_nn_dims *input_rhs_dims, const int16_t *input_rhs,
                                         const cmsis_nn_dims *output_dims, int16_t *output)
{
    (void)ctx;
    const cmsis_nn_dims *l = input_lhs_dims, *r = input_rhs_dims, *out = output_dims;
    const cmsis_nn_activation *bounds = &bmm_params->fc_params.activation;
    if (!is_sound(&bmm_params->fc_params, l, r, out)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    for (int32_t matrix = 0; matrix < out->n * out->h; matrix++) {
        const int32_t n = matrix / out->h, h = matrix % out->h;
        const int16_t *left = input_lhs + ((l->n == 1 ? 0 : n) * l->h + (l->h == 1 ? 0 : h)) * l->w * l->c;
        const int16_t *right = input_rhs + ((r->n == 1 ? 0 : n) * r->h + (r->h == 1 ? 0 : h)) * r->w * r->c;
        for (int32_t row = 0; row < l->w; row++) {
            for (int32_t column = 0; column < r->w; column++) {
                const int64_t sum = dot(left + row * l->c, right + column * r->c, l->c);
                const int32_t scaled = nn_requantize_wide(sum, quant_params->multiplier, quant_params->shift);
                *output++ = (int16_t)nn_clamp(scaled, bounds->min, bounds->max);
            }
        }
    }
    return ARM_CMSIS_NN_SUCCESS;
}
