/* Kernels that CMSIS-NN lacks, results bit for bit those of TensorFlow Lite's reference kernels. */
#ifndef NN_EXTRA_H
#define NN_EXTRA_H

#include "arm_nn_types.h"

#endif
