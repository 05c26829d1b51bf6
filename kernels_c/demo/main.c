/*
 * The demonstration: an int8 convolution, its softmax in floating point, a SysTick tick underneath, and marks.
 * It checks itself against a second, differently written convolution and exits with 0 when both agree.
 */
#include <stdint.h>

#include "cortex_m.h"
#include "marks.h"
#include "arm_nnfunctions.h"
#include "uart.h"

enum { SIDE = 16, CHANNELS = 8, FILTERS = 16, TAPS = 3, TICK_CYCLES = 10000 };

static int8_t image[SIDE * SIDE * CHANNELS];
static int8_t filters[FILTERS * TAPS * TAPS * CHANNELS];
static int32_t bias[FILTERS];
static int32_t multipliers[FILTERS];
static int32_t shifts[FILTERS];
static int32_t scratch[8 * 1024 / 4];
static int8_t features[SIDE * SIDE * FILTERS];
static volatile uint32_t ticks;

void SysTick_Handler(void)
{
    ticks++;
}

static uint32_t next_random(void)
{
    static uint32_t state = 2463534242u; /* xorshift32: Marsaglia, Journal of Statistical Software 8(14), 2003 */
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void fill(int8_t *values, int count)
{
    for (int i = 0; i < count; i++) {
        values[i] = (int8_t)next_random();
    }
}

static void prepare(void)
{
    fill(image, sizeof image);
    fill(filters, sizeof filters);
    for (int i = 0; i < FILTERS; i++) {
        bias[i] = (int32_t)(next_random() % 20001) - 10000;
        multipliers[i] = (int32_t)(0x40000000u + next_random() % 0x40000000u);
        shifts[i] = -8 - (int32_t)(next_random() % 3);
    }
}

static const cmsis_nn_conv_params settings = {3, -5, {1, 1}, {1, 1}, {1, 1}, {-128, 127}};

static void convolve(void)
{
    const cmsis_nn_context context = {scratch, sizeof scratch};
    const cmsis_nn_per_channel_quant_params scales = {multipliers, shifts};
    const cmsis_nn_dims input = {1, SIDE, SIDE, CHANNELS};
    const cmsis_nn_dims filter = {FILTERS, TAPS, TAPS, CHANNELS};
    const cmsis_nn_dims biases = {1, 1, 1, FILTERS};
    const cmsis_nn_dims output = {1, SIDE, SIDE, FILTERS};
    arm_convolve_s8(&context, &settings, &scales, &input, image, &filter, filters, &biases, bias, 0, &output, features);
}

/* value * multiplier * 2^(shift - 31) in two exact divisions that round half up, then half away from zero. */
static int64_t scale(int64_t sum, int64_t multiplier, int32_t shift)
{
    const int64_t product = sum * multiplier + (1ll << 30);
    const int64_t high = (product - (product & 0x7FFFFFFF)) / (1ll << 31);
    const int64_t divisor = 1ll << -shift;
    return (high >= 0 ? high + divisor / 2 : high - divisor / 2) / divisor;
}

static int check_pixel(int y, int x, int filter)
{
    int64_t sum = bias[filter];
    for (int i = 0; i < TAPS * TAPS * CHANNELS; i++) {
        const int row = y + i / (TAPS * CHANNELS) - 1, column = x + i / CHANNELS % TAPS - 1;
        if (row >= 0 && row < SIDE && column >= 0 && column < SIDE) {
            const int value = image[(row * SIDE + column) * CHANNELS + i % CHANNELS] + settings.input_offset;
            sum += value * filters[filter * TAPS * TAPS * CHANNELS + i];
        }
    }
    int64_t wanted = scale(sum, multipliers[filter], shifts[filter]) + settings.output_offset;
    wanted = wanted < -128 ? -128 : wanted > 127 ? 127 : wanted;
    return features[(y * SIDE + x) * FILTERS + filter] == wanted;
}

/* Every seventh output: each filter and each border is met, and the check costs less than what it checks. */
static int count_wrong(void)
{
    int wrong = 0;
    for (int i = 0; i < SIDE * SIDE * FILTERS; i += 7) {
        wrong += !check_pixel(i / FILTERS / SIDE, i / FILTERS % SIDE, i % FILTERS);
    }
    return wrong;
}

/* e^x for x <= 0 by squaring: (1 + x/1024)^1024. */
static float exponential(float x)
{
    float power = 1.0f + x / 1024.0f;
    for (int i = 0; i < 10; i++) {
        power *= power;
    }
    return power;
}

/* Shares of the filters' mean responses; their sum is 1. */
static float softmax(float *shares)
{
    float largest = -128.0f, sum = 0.0f;
    for (int filter = 0; filter < FILTERS; filter++) {
        float mean = 0.0f;
        for (int i = 0; i < SIDE * SIDE; i++) {
            mean += (float)features[i * FILTERS + filter];
        }
        shares[filter] = mean / (SIDE * SIDE);
        largest = shares[filter] > largest ? shares[filter] : largest;
    }
    for (int filter = 0; filter < FILTERS; filter++) {
        shares[filter] = exponential((shares[filter] - largest) / 8.0f);
        sum += shares[filter];
    }
    float total = 0.0f;
    for (int filter = 0; filter < FILTERS; filter++) {
        shares[filter] /= sum;
        total += shares[filter];
    }
    return total;
}

static int largest_of(const float *shares)
{
    int best = 0;
    for (int filter = 1; filter < FILTERS; filter++) {
        best = shares[filter] > shares[best] ? filter : best;
    }
    return best;
}

static void start_ticks(void)
{
    SYSTICK_LOAD = TICK_CYCLES - 1;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
}

int main(void)
{
    float shares[FILTERS];
    prepare();
    marks_start();
    start_ticks();

    MARK_BEGIN(convolution);
    convolve();
    MARK_END(convolution);
    MARK_BEGIN(softmax);
    const float total = softmax(shares);
    MARK_END(softmax);

    SYSTICK_CTRL = 0;
    const int wrong = count_wrong();
    const int sound = wrong == 0 && total > 0.999f && total < 1.001f && ticks > 0;
    const int best = largest_of(shares);
    uart_puts("int8 convolution ");
    uart_put_unsigned(SIDE);
    uart_puts("x");
    uart_put_unsigned(SIDE);
    uart_puts("x");
    uart_put_unsigned(CHANNELS);
    uart_puts(" -> ");
    uart_put_unsigned(FILTERS);
    uart_puts(wrong == 0 ? " channels: as recomputed\n" : " channels: WRONG\n");
    uart_puts("strongest filter ");
    uart_put_signed(best);
    uart_puts(", share ");
    uart_put_unsigned((uint32_t)(shares[best] * 1000.0f + 0.5f));
    uart_puts("/1000, SysTick ticks ");
    uart_put_unsigned(ticks);
    uart_puts("\n");
    marks_print(uart_putc);
    return sound ? 0 : 1;
}
