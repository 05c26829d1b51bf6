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
 * Cores that issue a load beside arithmetic take the compiler's order, others loops in which loads are in a row. No macro tells
 * Cortex-M7 from M4; its FPU has double precision, but for a few. Without optimisation compilers have too few registers for them.
 */
#if (__ARM_FP & 8) || !defined(__OPTIMIZE__)

/* The compiler is not told what they have in common: as one running pointer each they stay in registers. */
#define APART(w0, w1, w2, w3) __asm__("" : "+r"(w0), "+r"(w1), "+r"(w2), "+r"(w3))

/*
 * Four channels of one pixel (`EACH` is ONE), or of two whose inputs lie `apart` elements apart (BOTH). Products of a run by
 * four, then two, then one, so that pointers move seldom.
 */
#define ONE(do_) do_(a)
#define BOTH(do_) do_(a) do_(b)
#define BEGIN(pixel) float pixel##0 = 0.0f, pixel##1 = 0.0f, pixel##2 = 0.0f, pixel##3 = 0.0f;
#define MOVE(pixel) pixel += count;
#define ADD(pixel)                    \
    {                                 \
        const float value = pixel[k]; \
        pixel##0 += value * weight0;  \
        pixel##1 += value * weight1;  \
        pixel##2 += value * weight2;  \
        pixel##3 += value * weight3;  \
    }
#define PRODUCT(EACH, place)                                                            \
    {                                                                                   \
        enum { k = place };                                                             \
        const float weight0 = w0[k], weight1 = w1[k], weight2 = w2[k], weight3 = w3[k]; \
        EACH(ADD)                                                                       \
    }
#define MOVE_ON(EACH, elements)                             \
    {                                                       \
        enum { count = elements };                          \
        EACH(MOVE)                                          \
        w0 += count, w1 += count, w2 += count, w3 += count; \
    }
#define SUMS(EACH)                                                                                         \
    EACH(BEGIN)                                                                                            \
    for (int32_t i = taps->rows; i > 0; i--, filter += taps->filter_row, input += taps->input_row) {       \
        const float *weights = filter, *run = input;                                                       \
        for (int32_t j = taps->runs; j > 0; j--, weights += taps->filter_run, run += taps->input_run) {    \
            const float *w0 = weights, *w1 = w0 + size, *w2 = w1 + size, *w3 = w2 + size;                  \
            const float *a = run, *b = a + apart;                                                          \
            int32_t left = taps->length;                                                                   \
            APART(w1, w2, w3, b);                                                                          \
            for (; left >= 4; left -= 4) {                                                                 \
                PRODUCT(EACH, 0) PRODUCT(EACH, 1) PRODUCT(EACH, 2) PRODUCT(EACH, 3)                        \
                MOVE_ON(EACH, 4)                                                                           \
            }                                                                                              \
            if (left & 2) {                                                                                \
                PRODUCT(EACH, 0) PRODUCT(EACH, 1)                                                          \
                MOVE_ON(EACH, 2)                                                                           \
            }                                                                                              \
            if (left & 1) {                                                                                \
                PRODUCT(EACH, 0)                                                                           \
            }                                                                                              \
        }                                                                                                  \
    }

static void sum_one(const struct nn_float_taps *taps, int32_t size, const float *input, const float *filter, float sums[4])
{
    const int32_t apart = 0;
    SUMS(ONE)
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
}

static void sum_two(const struct nn_float_taps *taps, int32_t size, const float *input, int32_t apart, const float *filter,
                    float sums[8])
{
    SUMS(BOTH)
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
    sums[4] = b0, sums[5] = b1, sums[6] = b2, sums[7] = b3;
}

#else

#define SOLE_TAP(w0, w1, w2, w3, x)                                                                          \
    "vmul.f32 s28, s" #w0 ", s" #x "\n vmul.f32 s29, s" #w1 ", s" #x "\n"                                     \
    "vmul.f32 s30, s" #w2 ", s" #x "\n vmul.f32 s31, s" #w3 ", s" #x "\n"                                     \
    "vadd.f32 s16, s16, s28\n vadd.f32 s17, s17, s29\n vadd.f32 s18, s18, s30\n vadd.f32 s19, s19, s31\n"

/* A run of one pixel. */
NN_INLINE void add_run_of_one(float sums[4], const float *a, const float *w0, int32_t size, int32_t left)
{
    const float *w1 = w0 + size, *w2 = w1 + size, *w3 = w2 + size;
    __asm__ volatile(
        "vldmia %[sums], {s16-s19}\n"
        "subs %[left], %[left], #4\n"
        "blt 2f\n"
        "1:\n"
        "vldmia %[w0]!, {s0-s3}\n vldmia %[w1]!, {s4-s7}\n vldmia %[w2]!, {s8-s11}\n vldmia %[w3]!, {s12-s15}\n"
        "vldmia %[a]!, {s20-s23}\n"
        SOLE_TAP(0, 4, 8, 12, 20) SOLE_TAP(1, 5, 9, 13, 21) SOLE_TAP(2, 6, 10, 14, 22) SOLE_TAP(3, 7, 11, 15, 23)
        "subs %[left], %[left], #4\n"
        "bge 1b\n"
        "2:\n"
        "tst %[left], #2\n"
        "beq 3f\n"
        "vldmia %[w0]!, {s0-s1}\n vldmia %[w1]!, {s4-s5}\n vldmia %[w2]!, {s8-s9}\n vldmia %[w3]!, {s12-s13}\n"
        "vldmia %[a]!, {s20-s21}\n"
        SOLE_TAP(0, 4, 8, 12, 20) SOLE_TAP(1, 5, 9, 13, 21)
        "3:\n"
        "tst %[left], #1\n"
        "beq 4f\n"
        "vldr s0, [%[w0]]\n vldr s4, [%[w1]]\n vldr s8, [%[w2]]\n vldr s12, [%[w3]]\n vldr s20, [%[a]]\n"
        SOLE_TAP(0, 4, 8, 12, 20)
        "4:\n"
        "vstmia %[sums], {s16-s19}\n"
        : [left] "+r"(left), [a] "+r"(a), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3)
        : [sums] "r"(sums)
        : "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16", "s17",
          "s18", "s19", "s20", "s21", "s22", "s23", "s28", "s29", "s30", "s31", "cc", "memory");
}

#define TAP(w0, w1, w2, w3, a, b)                                                                        \
    "vmul.f32 s12, s" #w0 ", s" #a "\n vmul.f32 s13, s" #w1 ", s" #a "\n"                                \
    "vmul.f32 s14, s" #w2 ", s" #a "\n vmul.f32 s15, s" #w3 ", s" #a "\n"                                \
    "vmul.f32 s24, s" #w0 ", s" #b "\n vmul.f32 s25, s" #w1 ", s" #b "\n"                                \
    "vmul.f32 s26, s" #w2 ", s" #b "\n vmul.f32 s27, s" #w3 ", s" #b "\n"                                \
    "vadd.f32 s16, s16, s12\n vadd.f32 s17, s17, s13\n vadd.f32 s18, s18, s14\n vadd.f32 s19, s19, s15\n" \
    "vadd.f32 s20, s20, s24\n vadd.f32 s21, s21, s25\n vadd.f32 s22, s22, s26\n vadd.f32 s23, s23, s27\n"
#define TWO_TAPS(here, next)                                            \
    "vldr s0, [%[w0], #" here "]\n vldr s4, [%[w0], #" next "]\n"       \
    "vldr s1, [%[w1], #" here "]\n vldr s5, [%[w1], #" next "]\n"       \
    "vldr s2, [%[w2], #" here "]\n vldr s6, [%[w2], #" next "]\n"       \
    "vldr s3, [%[w3], #" here "]\n vldr s7, [%[w3], #" next "]\n"       \
    "vldr s8, [%[a], #" here "]\n vldr s10, [%[a], #" next "]\n"        \
    "vldr s9, [%[b], #" here "]\n vldr s11, [%[b], #" next "]\n"        \
    TAP(0, 1, 2, 3, 8, 9) TAP(4, 5, 6, 7, 10, 11)
#define STEP(pointer, bytes) "add.w %[" #pointer "], %[" #pointer "], #" bytes "\n"
#define ONWARDS(bytes) STEP(w0, bytes) STEP(w1, bytes) STEP(w2, bytes) STEP(w3, bytes) STEP(a, bytes) STEP(b, bytes)

/* A run of two pixels: loads in a row overlap as long as their instructions are aligned, and more so those of one memory. */
NN_INLINE void add_run_of_two(float sums[8], const float *a, const float *b, const float *w0, int32_t size, int32_t left)
{
    const float *w1 = w0 + size, *w2 = w1 + size, *w3 = w2 + size;
    __asm__ volatile(
        "vldmia %[sums], {s16-s23}\n"
        "subs %[left], %[left], #4\n"
        "blt 2f\n"
        ".balign 4\n"
        "1:\n"
        TWO_TAPS("0", "4") TWO_TAPS("8", "12") ONWARDS("16")
        "subs.w %[left], %[left], #4\n"
        "bge.w 1b\n"
        "2:\n"
        "tst %[left], #2\n"
        "beq 3f\n"
        TWO_TAPS("0", "4") ONWARDS("8")
        "3:\n"
        "tst %[left], #1\n"
        "beq 4f\n"
        "vldr s0, [%[w0]]\n vldr s1, [%[w1]]\n vldr s2, [%[w2]]\n vldr s3, [%[w3]]\n"
        "vldr s8, [%[a]]\n vldr s9, [%[b]]\n"
        TAP(0, 1, 2, 3, 8, 9)
        "4:\n"
        "vstmia %[sums], {s16-s23}\n"
        : [left] "+r"(left), [a] "+r"(a), [b] "+r"(b), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3)
        : [sums] "r"(sums)
        : "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16", "s17",
          "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "cc", "memory");
}

/* `add_run` for each run of the window. */
#define EACH_RUN(add_run)                                                                               \
    for (int32_t i = taps->rows; i > 0; i--, filter += taps->filter_row, input += taps->input_row) {    \
        const float *weights = filter, *run = input;                                                    \
        for (int32_t j = taps->runs; j > 0; j--, weights += taps->filter_run, run += taps->input_run) { \
            add_run;                                                                                    \
        }                                                                                               \
    }

static void sum_one(const struct nn_float_taps *taps, int32_t size, const float *input, const float *filter, float sums[4])
{
    sums[0] = sums[1] = sums[2] = sums[3] = 0.0f;
    EACH_RUN(add_run_of_one(sums, run, weights, size, taps->length))
}

static void sum_two(const struct nn_float_taps *taps, int32_t size, const float *input, int32_t apart, const float *filter,
                    float sums[8])
{
    sums[0] = sums[1] = sums[2] = sums[3] = sums[4] = sums[5] = sums[6] = sums[7] = 0.0f;
    EACH_RUN(add_run_of_two(sums, run, run + apart, weights, size, taps->length))
}

#endif

/* Bias and bounds of four sums; an upper bound is rare. */
NN_INLINE void put_four(const struct nn_float_channels *channels, int32_t channel, const float sums[4], float *output)
{
    float sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
    const float low = channels->bounds.min, high = channels->bounds.max;
    if (channels->bias) {
        const float *bias = channels->bias + channel;
        sum0 += bias[0], sum1 += bias[1], sum2 += bias[2], sum3 += bias[3];
    }
    output[0] = sum0 < low ? low : sum0;
    output[1] = sum1 < low ? low : sum1;
    output[2] = sum2 < low ? low : sum2;
    output[3] = sum3 < low ? low : sum3;
    if (high < INFINITY) {
        for (int32_t i = 0; i < 4; i++) {
            output[i] = output[i] > high ? high : output[i];
        }
    }
}

void nn_float_outputs(const struct nn_float_taps *taps, const struct nn_float_channels *channels, const float *first,
                      const float *second, const float *filter, float *output, int32_t step)
{
    int32_t channel = 0;
    for (; channel + 4 <= channels->count; channel += 4, filter += 4 * channels->size, output += 4) {
        float sums[8];
        if (second) {
            sum_two(taps, channels->size, first, second - first, filter, sums);
            put_four(channels, channel, sums + 4, output + step);
        } else {
            sum_one(taps, channels->size, first, filter, sums);
        }
        put_four(channels, channel, sums, output);
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
