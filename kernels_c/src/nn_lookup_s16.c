#include "nn_extra.h"
#include "nn_lookup.h"

void nn_lookup_s16(const int16_t *input, const int16_t table[513], int32_t count, int16_t *output)
{
    for (; count > 0; count--) {
        *output++ = nn_interpolated(table, *input++);
    }
}
