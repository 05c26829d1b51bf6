#include "nn_float_sums.h"

static float sum_of(const struct nn_float_taps *taps, const float *input, const float *filter)
{
    float sum = 0.0f;
    for (int32_t i = taps->rows; i > 0; i--, input += taps->input_row, filter += taps->filter_row) {
        const float *run = input, *weights = filter;
        for (int32_t j = taps->runs; j > 0; j--, run += taps->input_run, weights += taps->filter_run) {
            const float *value = run, *weight = weights;
            for (const float *end = run + taps->length; value != end;) {
                sum += *value++ * *weight++;
            }
        }
    }
    return sum;
}

#if NN_FPU

/*
 * Four channels of one pixel (`EACH` is ONE) or of two (BOTH). Products of a run: by four, then two, then one, so that
 * pointers move seldom.
 */
#define ONE(do_) do_(a)
#define BOTH(do_) do_(a) do_(b)
#define BEGIN(pixel) float pixel##0 = 0.0f, pixel##1 = 0.0f, pixel##2 = 0.0f, pixel##3 = 0.0f;
#define RUN(pixel) const float *pixel = pixel##_run;
#define MOVE(pixel) pixel += count;
#define NEXT_RUN(pixel) pixel##_run += taps->input_run;
#define NEXT_ROW(pixel) pixel##_row += taps->input_row;
#define START_ROW(pixel) const float *pixel##_run = pixel##_row;
#define ADD(pixel)                    \
    {                                 \
        const float value = pixel[k]; \
        pixel##0 += value * weight0;  \
        pixel##1 += value * weight1;  \
        pixel##2 += value * weight2;  \
        pixel##3 += value * weight3;  \
    }
#define PRODUCT(EACH, place)                                                                                    \
    {                                                                                                           \
        enum { k = place };                                                                                     \
        const float weight0 = w0[k], weight1 = w1[k], weight2 = w2[k], weight3 = w3[k];                         \
        EACH(ADD)                                                                                               \
    }
#define MOVE_ON(EACH, elements)                                              \
    {                                                                        \
        enum { count = elements };                                           \
        EACH(MOVE)                                                           \
        w0 += count, w1 += count, w2 += count, w3 += count;                  \
    }
#define SUMS(EACH)                                                                         \
    EACH(BEGIN)                                                                            \
    for (int32_t i = taps->rows; i > 0; i--, filter += taps->filter_row) {                 \
        const float *weights = filter;                                                     \
        EACH(START_ROW)                                                                    \
        for (int32_t j = taps->runs; j > 0; j--, weights += taps->filter_run) {            \
            const float *w0 = weights, *w1 = w0 + size, *w2 = w1 + size, *w3 = w2 + size;  \
            int32_t left = taps->length;                                                   \
            EACH(RUN)                                                                      \
            for (; left >= 4; left -= 4) {                                                 \
                PRODUCT(EACH, 0) PRODUCT(EACH, 1) PRODUCT(EACH, 2) PRODUCT(EACH, 3)        \
                MOVE_ON(EACH, 4)                                                           \
            }                                                                              \
            if (left & 2) {                                                                \
                PRODUCT(EACH, 0) PRODUCT(EACH, 1)                                          \
                MOVE_ON(EACH, 2)                                                           \
            }                                                                              \
            if (left & 1) {                                                                \
                PRODUCT(EACH, 0)                                                           \
            }                                                                              \
            EACH(NEXT_RUN)                                                                 \
        }                                                                                  \
        EACH(NEXT_ROW)                                                                     \
    }
#define STORE(pixel)                                                      \
    pixel##_output[0] = nn_float_finished(channels, channel, pixel##0);     \
    pixel##_output[1] = nn_float_finished(channels, channel + 1, pixel##1); \
    pixel##_output[2] = nn_float_finished(channels, channel + 2, pixel##2); \
    pixel##_output[3] = nn_float_finished(channels, channel + 3, pixel##3);

static void four_of_one(const struct nn_float_taps *taps, const struct nn_float_channels *channels, int32_t channel,
                        const float *a_row, const float *filter, float *a_output)
{
    const int32_t size = channels->size;
    SUMS(ONE)
    ONE(STORE)
}

static void four_of_two(const struct nn_float_taps *taps, const struct nn_float_channels *channels, int32_t channel,
                        const float *a_row, const float *b_row, const float *filter, float *a_output, float *b_output)
{
    const int32_t size = channels->size;
    SUMS(BOTH)
    BOTH(STORE)
}

void nn_float_outputs(const struct nn_float_taps *taps, const struct nn_float_channels *channels, const float *first,
                      const float *second, const float *filter, float *output, int32_t step)
{
    int32_t channel = 0;
    for (; channel + 4 <= channels->count; channel += 4, filter += 4 * channels->size, output += 4) {
        if (second) {
            four_of_two(taps, channels, channel, first, second, filter, output, output + step);
        } else {
            four_of_one(taps, channels, channel, first, filter, output);
        }
    }
    for (; channel < channels->count; channel++, filter += channels->size, output++) {
        output[0] = nn_float_finished(channels, channel, sum_of(taps, first, filter));
        if (second) {
            output[step] = nn_float_finished(channels, channel, sum_of(taps, second, filter));
        }
    }
}

#else

void nn_float_outputs(const struct nn_float_taps *taps, const struct nn_float_channels *channels, const float *first,
                      const float *second, const float *filter, float *output, int32_t step)
{
    for (int32_t channel = 0; channel < channels->count; channel++, filter += channels->size, output++) {
        output[0] = nn_float_finished(channels, channel, sum_of(taps, first, filter));
        if (second) {
            output[step] = nn_float_finished(channels, channel, sum_of(taps, second, filter));
        }
    }
}

#endif
