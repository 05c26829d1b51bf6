/* A 3x3 int8 convolution, 24x24x8 -> 16 channels: multiply-accumulate loops over bytes. */
#include "arm_nnfunctions.h"
#include "uart.h"

#ifndef ROUNDS
#define ROUNDS 160
#endif

enum { SIDE = 24, IN = 8, OUT = 16, TAPS = 3 };

static int8_t input[SIDE * SIDE * IN], filter[OUT * TAPS * TAPS * IN], output[SIDE * SIDE * OUT];
static int32_t scratch[8 * 1024 / 4];
static int32_t bias[OUT], multiplier[OUT], shift[OUT];

static uint32_t checksum(void)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < sizeof output; i++) {
        sum = sum * 31 + (uint8_t)output[i];
    }
    return sum;
}

static void convolve(void)
{
    static const cmsis_nn_conv_params settings = {5, -7, {1, 1}, {1, 1}, {1, 1}, {-128, 127}};
    const cmsis_nn_context context = {scratch, sizeof scratch};
    const cmsis_nn_per_channel_quant_params scales = {multiplier, shift};
    const cmsis_nn_dims in = {1, SIDE, SIDE, IN}, weights = {OUT, TAPS, TAPS, IN}, biases = {1, 1, 1, OUT};
    const cmsis_nn_dims out = {1, SIDE, SIDE, OUT};
    arm_convolve_s8(&context, &settings, &scales, &in, input, &weights, filter, &biases, bias, 0, &out, output);
}

int main(void)
{
    for (uint32_t i = 0; i < sizeof input; i++) {
        input[i] = (int8_t)(i * 37 + (i >> 3));
    }
    for (uint32_t i = 0; i < sizeof filter; i++) {
        filter[i] = (int8_t)(i * 101 + (i >> 4));
    }
    for (int32_t i = 0; i < OUT; i++) {
        bias[i] = i * 211 - 1500;
        multiplier[i] = 0x50000000 + i * 12345;
        shift[i] = -8;
    }
    convolve();
    const uint32_t first = checksum();
    int changed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        convolve();
        changed += checksum() != first;
    }
    uart_puts(changed ? "failed\n" : "passed\n");
    return changed != 0;
}
