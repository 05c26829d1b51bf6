#include "nn_extra.h"

void nn_repeat(void *output, const void *element, int32_t size, int32_t count)
{
    for (char *to = output; count > 0; count--, to += size) {
        __builtin_memcpy(to, element, (uint32_t)size);
    }
}
