/*
 * Runs kernels on made-up tensors and prints, for each case, its status and a checksum of its output (or what was
 * overwritten beyond it). The table of cases and the same numbers in NumPy: tests/kernels/product_cases.py.
 */
#include "arm_nnfunctions.h"
#include "semihosting.h"
#include "uart.h"

enum { CONVOLVE, DEPTHWISE, DENSE, MATMUL, TRANSPOSED };
enum { WRAPPER, BASIC, SPECIAL, FAST };
enum { TENSOR = 16 * 1024, CHANNELS = 512, SCRATCH = 24 * 1024, GUARD = 16, MARK = 0x5A };

struct kernel_case {
    int32_t kind, entry;
    int32_t n, h, w, c, out_h, out_w, out_c;
    int32_t taps_h, taps_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    int32_t filter_c, multiplier_of_channels;
    int32_t input_offset, filter_offset, output_offset, low, high;
    int32_t shift, bias_range; /* 0: no bias */
    int32_t input_place, filter_place, output_place;
    uint32_t seed;
};

static int8_t inputs[TENSOR + 8], filters[TENSOR + 8], outputs[TENSOR + 2 * GUARD + 8];
static int32_t bias[CHANNELS], multiplier[CHANNELS], shift[CHANNELS];
static uint8_t scratch[SCRATCH] __attribute__((aligned(8)));

static uint32_t noise(uint32_t seed, uint32_t i)
{
    uint32_t x = (i + seed * 7919u) * 2654435769u;
    x = (x ^ (x >> 15)) * 0x85EBCA6Bu;
    return x ^ (x >> 13);
}

static void make(int8_t *values, int32_t count, uint32_t seed)
{
    for (int32_t i = 0; i < count; i++) {
        values[i] = (int8_t)noise(seed, (uint32_t)i);
    }
}

static cmsis_nn_context context;

/* A context of exactly so many bytes. */
static const cmsis_nn_context *brings(int32_t bytes)
{
    for (int32_t i = 0; i < bytes + GUARD; i++) {
        scratch[i] = MARK;
    }
    context.buf = bytes ? scratch : 0;
    context.size = bytes;
    return &context;
}

#define OPERANDS &in, input, &filter, weights, &biases, offsets, &out, output

static arm_cmsis_nn_status run_convolve(const struct kernel_case *k, const int8_t *input, const int8_t *weights,
                                        const int32_t *offsets, int8_t *output)
{
    const cmsis_nn_conv_params p = {k->input_offset, k->output_offset, {k->stride_w, k->stride_h},
                                    {k->padding_w, k->padding_h}, {k->dilation_w, k->dilation_h}, {k->low, k->high}};
    const cmsis_nn_per_channel_quant_params scales = {multiplier, shift};
    const cmsis_nn_dims in = {k->n, k->h, k->w, k->c}, out = {k->n, k->out_h, k->out_w, k->out_c};
    const cmsis_nn_dims filter = {k->out_c, k->taps_h, k->taps_w, k->filter_c}, biases = {1, 1, 1, k->out_c};
    switch (k->entry) {
    case BASIC:
        return arm_convolve_s8(brings(arm_convolve_s8_get_buffer_size(&in, &filter)), &p, &scales, &in, input, &filter,
                               weights, &biases, offsets, 0, &out, output);
    case SPECIAL:
        if (k->taps_h == 1 && k->taps_w == 1) {
            return arm_convolve_1x1_s8(brings(arm_convolve_1x1_s8_fast_get_buffer_size(&in)), &p, &scales, OPERANDS);
        }
        return arm_convolve_1_x_n_s8(brings(arm_convolve_1_x_n_s8_get_buffer_size(&p, &in, &filter, &out)), &p, &scales,
                                     OPERANDS);
    case FAST:
        return arm_convolve_1x1_s8_fast(brings(arm_convolve_1x1_s8_fast_get_buffer_size(&in)), &p, &scales, OPERANDS);
    default:
        return arm_convolve_wrapper_s8(brings(arm_convolve_wrapper_s8_get_buffer_size(&p, &in, &filter, &out)), &p,
                                       &scales, OPERANDS);
    }
}

static arm_cmsis_nn_status run_depthwise(const struct kernel_case *k, const int8_t *input, const int8_t *weights,
                                         const int32_t *offsets, int8_t *output)
{
    const cmsis_nn_dw_conv_params p = {k->input_offset, k->output_offset, k->multiplier_of_channels,
                                       {k->stride_w, k->stride_h}, {k->padding_w, k->padding_h},
                                       {k->dilation_w, k->dilation_h}, {k->low, k->high}};
    const cmsis_nn_per_channel_quant_params scales = {multiplier, shift};
    const cmsis_nn_dims in = {k->n, k->h, k->w, k->c}, out = {k->n, k->out_h, k->out_w, k->out_c};
    const cmsis_nn_dims filter = {1, k->taps_h, k->taps_w, k->out_c}, biases = {1, 1, 1, k->out_c};
    switch (k->entry) {
    case BASIC:
        return arm_depthwise_conv_s8(brings(0), &p, &scales, OPERANDS);
    case SPECIAL:
        return arm_depthwise_conv_3x3_s8(brings(arm_depthwise_conv_s8_opt_get_buffer_size(&in, &filter)), &p, &scales,
                                         OPERANDS);
    case FAST:
        return arm_depthwise_conv_s8_opt(brings(arm_depthwise_conv_s8_opt_get_buffer_size(&in, &filter)), &p, &scales,
                                         OPERANDS);
    default:
        return arm_depthwise_conv_wrapper_s8(
            brings(arm_depthwise_conv_wrapper_s8_get_buffer_size(&p, &in, &filter, &out)), &p, &scales, OPERANDS);
    }
}

static arm_cmsis_nn_status run_transposed(const struct kernel_case *k, const int8_t *input, const int8_t *weights,
                                          const int32_t *offsets, int8_t *output)
{
    const cmsis_nn_transpose_conv_params p = {k->input_offset, k->output_offset, {k->stride_w, k->stride_h},
                                              {k->padding_w, k->padding_h}, {0, 0}, {1, 1}, {k->low, k->high}};
    const cmsis_nn_per_channel_quant_params scales = {multiplier, shift};
    const cmsis_nn_dims in = {k->n, k->h, k->w, k->c}, out = {k->n, k->out_h, k->out_w, k->out_c};
    const cmsis_nn_dims filter = {k->out_c, k->taps_h, k->taps_w, k->c}, biases = {1, 1, 1, k->out_c};
    const cmsis_nn_context none = {0, 0};
    return arm_transpose_conv_wrapper_s8(brings(arm_transpose_conv_s8_get_buffer_size(&p, &in, &filter, &out)), &none, &p,
                                         &scales, OPERANDS);
}

static arm_cmsis_nn_status run_dense(const struct kernel_case *k, const int8_t *input, const int8_t *weights,
                                     const int32_t *offsets, int8_t *output)
{
    const cmsis_nn_fc_params p = {k->input_offset, k->filter_offset, k->output_offset, {k->low, k->high}};
    const cmsis_nn_dims in = {k->n, 1, 1, k->c}, out = {k->n, 1, 1, k->out_c}, biases = {1, 1, 1, k->out_c};
    const cmsis_nn_dims filter = {k->c, 1, 1, k->out_c};
    const cmsis_nn_quant_params scales = {multiplier, shift, k->entry == SPECIAL};
    return arm_fully_connected_wrapper_s8(brings(arm_fully_connected_s8_get_buffer_size(&filter)), &p, &scales, OPERANDS);
}

static arm_cmsis_nn_status run_matmul(const struct kernel_case *k, const int8_t *left, const int8_t *right, int8_t *output)
{
    const cmsis_nn_bmm_params p = {
        false, false, {k->input_offset, k->filter_offset, k->output_offset, {k->low, k->high}}};
    const cmsis_nn_per_tensor_quant_params scale = {multiplier[0], shift[0]};
    const cmsis_nn_dims l = {k->n, k->h, k->w, k->c}, r = {k->taps_h, k->taps_w, k->out_c, k->c};
    const cmsis_nn_dims out = {k->n > k->taps_h ? k->n : k->taps_h, k->h > k->taps_w ? k->h : k->taps_w, k->w, k->out_c};
    const cmsis_nn_dims filter = {k->c, 1, 1, k->out_c};
    return arm_batch_matmul_s8(brings(arm_fully_connected_s8_get_buffer_size(&filter)), &p, &scale, &l, left, &r, right,
                               &out, output);
}

static arm_cmsis_nn_status run(const struct kernel_case *k, const int8_t *input, const int8_t *weights, int8_t *output)
{
    const int32_t *const offsets = k->bias_range ? bias : 0;
    switch (k->kind) {
    case CONVOLVE:
        return run_convolve(k, input, weights, offsets, output);
    case DEPTHWISE:
        return run_depthwise(k, input, weights, offsets, output);
    case TRANSPOSED:
        return run_transposed(k, input, weights, offsets, output);
    case DENSE:
        return run_dense(k, input, weights, offsets, output);
    default:
        return run_matmul(k, input, weights, output);
    }
}

static int whole(const uint8_t *guard)
{
    int good = 1;
    for (int i = 0; i < GUARD; i++) {
        good &= guard[i] == MARK;
    }
    return good;
}

static void run_case(const struct kernel_case *k, int32_t input_count, int32_t filter_count, int32_t output_count)
{
    int8_t *const input = inputs + k->input_place, *const weights = filters + k->filter_place;
    int8_t *const output = outputs + GUARD + k->output_place;
    make(input, input_count, k->seed);
    make(weights, filter_count, k->seed + 1);
    for (int32_t i = 0; i < k->out_c; i++) {
        bias[i] = k->bias_range ? (int32_t)(noise(k->seed + 2, (uint32_t)i) % (2u * (uint32_t)k->bias_range)) - k->bias_range : 0;
        multiplier[i] = (int32_t)(0x40000000u + noise(k->seed + 3, (uint32_t)i) % 0x40000000u);
        shift[i] = k->shift + (int32_t)(noise(k->seed + 4, (uint32_t)i) % 3u);
    }
    for (int32_t i = 0; i < output_count + 2 * GUARD; i++) {
        output[i - GUARD] = MARK;
    }
    const arm_cmsis_nn_status status = run(k, input, weights, output);
    uint32_t sum = 2166136261u;
    for (int32_t i = 0; i < output_count; i++) {
        sum = (sum ^ (uint8_t)output[i]) * 16777619u;
    }
    uart_put_signed(status);
    uart_puts(" ");
    uart_put_hex(sum);
    uart_puts(whole((uint8_t *)output - GUARD) && whole((uint8_t *)output + output_count) ? "" : " output overrun");
    uart_puts(context.size + GUARD > SCRATCH || !whole(scratch + context.size) ? " scratch overrun\n" : "\n");
}
