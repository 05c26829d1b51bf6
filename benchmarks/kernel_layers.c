/*
 * Layers run one after another between marks (benchmarks/kernels.py writes the main function), each followed by a
 * checksum of its output on the console.
 */
#include "arm_nnfunctions.h"
#include "cortex_m.h"
#include "marks.h"
#include "uart.h"

enum { TENSOR = 48 * 1024, SCRATCH = 16 * 1024, CHANNELS = 640, WEIGHTS = 82 * 1024 };

static int8_t input[TENSOR] __attribute__((aligned(16)));
static int8_t output[TENSOR] __attribute__((aligned(16)));
static int32_t scratch[SCRATCH / 4];
extern const int8_t weights[WEIGHTS];
static int32_t bias[CHANNELS], multiplier[CHANNELS], shift[CHANNELS];
static int64_t wide_bias[CHANNELS];

/* In flash and not all the same: a generator that the assembler works out. */
__asm__(".pushsection .rodata.weights, \"a\"\n"
        ".global weights\n.balign 16\n"
        "weights:\n"
        ".set value, 12345\n"
        ".rept 20992\n"
        ".set value, (value * 1103515245 + 12345) & 0x7fffffff\n"
        ".word (value ^ (value << 9)) & 0xffffffff\n"
        ".endr\n"
        ".popsection\n");

static uint32_t next_random(void)
{
    static uint32_t state = 2463534242u;
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static void begin(void)
{
    for (int i = 0; i < TENSOR; i++) {
        input[i] = (int8_t)next_random();
    }
    for (int i = 0; i < CHANNELS; i++) {
        bias[i] = (int32_t)(next_random() % 20001) - 10000;
        wide_bias[i] = (int64_t)bias[i] * 256;
        multiplier[i] = (int32_t)(0x40000000u + (next_random() << 6));
        shift[i] = -9 - (int32_t)(next_random() % 3);
    }
    marks_start();
}

static void end(void)
{
    marks_print(uart_putc);
}

static void check(const char *name, arm_cmsis_nn_status status, int32_t needed, int32_t count)
{
    uint32_t sum = 2166136261u;
    for (int32_t i = 0; i < count; i++) {
        sum = (sum ^ (uint8_t)output[i]) * 16777619u;
    }
    uart_puts(name);
    uart_puts(" ");
    uart_put_signed(status);
    uart_puts(" ");
    uart_put_hex(sum);
    uart_puts("\n#scratch ");
    uart_puts(name);
    uart_puts(" ");
    uart_put_signed(needed);
    uart_puts("\n");
}

#define LAYER(kind, name, h, w, c, oh, ow, oc, kh, kw, sh, sw, ph, pw, in_offset, out_offset)                        \
    {                                                                                                                \
        const cmsis_nn_dims in = {1, h, w, c}, out = {1, oh, ow, oc}, biases = {1, 1, 1, oc};                        \
        const int32_t settings[] = {kh, kw, sh, sw, ph, pw, in_offset, out_offset};                                  \
        const int32_t needed = kind##_scratch(&in, &out, settings);                                                  \
        MARK_BEGIN(name);                                                                                            \
        const arm_cmsis_nn_status status = kind(&in, &out, &biases, settings);                                       \
        MARK_END(name);                                                                                              \
        check(#name, status, needed, oh * ow * oc * (int32_t)sizeof(kind##_element));                                                                 \
    }

typedef int8_t conv_element, depthwise_element, dense_element;
typedef int16_t conv_s16_element, depthwise_s16_element, dense_s16_element;

static const cmsis_nn_context context = {scratch, SCRATCH};
static const cmsis_nn_per_channel_quant_params scales = {multiplier, shift};

static cmsis_nn_conv_params conv_params(const int32_t *s)
{
    return (cmsis_nn_conv_params){s[6], s[7], {s[3], s[2]}, {s[5], s[4]}, {1, 1}, {-128, 127}};
}

static int32_t conv_scratch(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const int32_t *s)
{
    const cmsis_nn_conv_params params = conv_params(s);
    const cmsis_nn_dims filter = {out->c, s[0], s[1], in->c};
    return arm_convolve_wrapper_s8_get_buffer_size(&params, in, &filter, out);
}

static arm_cmsis_nn_status conv(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const cmsis_nn_dims *biases,
                                const int32_t *s)
{
    const cmsis_nn_conv_params params = conv_params(s);
    const cmsis_nn_dims filter = {out->c, s[0], s[1], in->c};
    return arm_convolve_wrapper_s8(&context, &params, &scales, in, input, &filter, weights, biases, bias, out, output);
}

static cmsis_nn_dw_conv_params depthwise_params(const int32_t *s)
{
    return (cmsis_nn_dw_conv_params){s[6], s[7], 1, {s[3], s[2]}, {s[5], s[4]}, {1, 1}, {-128, 127}};
}

static int32_t depthwise_scratch(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const int32_t *s)
{
    const cmsis_nn_dw_conv_params params = depthwise_params(s);
    const cmsis_nn_dims filter = {1, s[0], s[1], out->c};
    return arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, in, &filter, out);
}

static arm_cmsis_nn_status depthwise(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const cmsis_nn_dims *biases,
                                     const int32_t *s)
{
    const cmsis_nn_dw_conv_params params = depthwise_params(s);
    const cmsis_nn_dims filter = {1, s[0], s[1], out->c};
    return arm_depthwise_conv_wrapper_s8(&context, &params, &scales, in, input, &filter, weights, biases, bias, out,
                                         output);
}

static int32_t dense_scratch(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const int32_t *s)
{
    (void)s;
    const cmsis_nn_dims filter = {in->c, 1, 1, out->c};
    return arm_fully_connected_s8_get_buffer_size(&filter);
}

static arm_cmsis_nn_status dense(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const cmsis_nn_dims *biases,
                                 const int32_t *s)
{
    const cmsis_nn_fc_params params = {s[6], 0, s[7], {-128, 127}};
    const cmsis_nn_per_tensor_quant_params scale = {multiplier[0], shift[0]};
    const cmsis_nn_dims filter = {in->c, 1, 1, out->c};
    return arm_fully_connected_s8(&context, &params, &scale, in, input, &filter, weights, biases, bias, out, output);
}

/* Layers of int16. Their inputs are those of int8 in twos; they have no offsets. */

static const int16_t *const wide_input = (const int16_t *)(const void *)input;
static int16_t *const wide_output = (int16_t *)(void *)output;
static const cmsis_nn_activation wide_bounds = {-32768, 32767};

static int32_t conv_s16_scratch(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const int32_t *s)
{
    const cmsis_nn_conv_params params = conv_params(s);
    const cmsis_nn_dims filter = {out->c, s[0], s[1], in->c};
    return arm_convolve_wrapper_s16_get_buffer_size(&params, in, &filter, out);
}

static arm_cmsis_nn_status conv_s16(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const cmsis_nn_dims *biases,
                                    const int32_t *s)
{
    cmsis_nn_conv_params params = conv_params(s);
    params.activation = wide_bounds;
    const cmsis_nn_dims filter = {out->c, s[0], s[1], in->c};
    const cmsis_nn_bias_data data = {wide_bias, false};
    return arm_convolve_wrapper_s16(&context, &params, &scales, in, wide_input, &filter, weights, biases, &data, out,
                                    wide_output);
}

static int32_t depthwise_s16_scratch(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const int32_t *s)
{
    const cmsis_nn_dw_conv_params params = depthwise_params(s);
    const cmsis_nn_dims filter = {1, s[0], s[1], out->c};
    return arm_depthwise_conv_wrapper_s16_get_buffer_size(&params, in, &filter, out);
}

static arm_cmsis_nn_status depthwise_s16(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const cmsis_nn_dims *biases,
                                         const int32_t *s)
{
    cmsis_nn_dw_conv_params params = depthwise_params(s);
    params.activation = wide_bounds;
    const cmsis_nn_dims filter = {1, s[0], s[1], out->c};
    return arm_depthwise_conv_wrapper_s16(&context, &params, &scales, in, wide_input, &filter, weights, biases, wide_bias,
                                          out, wide_output);
}

static int32_t dense_s16_scratch(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const int32_t *s)
{
    (void)s;
    const cmsis_nn_dims filter = {in->c, 1, 1, out->c};
    return arm_fully_connected_s16_get_buffer_size(&filter);
}

static arm_cmsis_nn_status dense_s16(const cmsis_nn_dims *in, const cmsis_nn_dims *out, const cmsis_nn_dims *biases,
                                     const int32_t *s)
{
    const cmsis_nn_fc_params params = {s[6], 0, s[7], wide_bounds};
    const cmsis_nn_per_tensor_quant_params scale = {multiplier[0], shift[0]};
    const cmsis_nn_dims filter = {in->c, 1, 1, out->c};
    return arm_fully_connected_s16(&context, &params, &scale, in, wide_input, &filter, weights, biases, wide_bias, out,
                                   wide_output);
}
