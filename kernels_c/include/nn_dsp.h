/* Whether the kernels use the DSP extension. -DNN_PLAIN_C builds plain C for any core. */
#ifndef NN_DSP_H
#define NN_DSP_H

#include <stdint.h>

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP == 1 && defined(__thumb__) && !defined(NN_PLAIN_C)
#define NN_DSP 1
#else
#define NN_DSP 0
#endif

#endif
