/* Elements picked from a tensor at even steps along four axes: what transposing and slicing share. */
#ifndef NN_GATHER_H
#define NN_GATHER_H

#include <stdint.h>

/* `steps` in elements, may be negative; `size` of an element is 1, 2 or 4 bytes. The output has no gaps. */
void nn_gather(const void *input, const int32_t counts[4], const int32_t steps[4], int32_t size, void *output);

#endif
