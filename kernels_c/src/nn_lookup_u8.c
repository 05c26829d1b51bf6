#include "nn_extra.h"

void nn_lookup_u8(const uint8_t *input, const uint8_t table[256], int32_t count, uint8_t *output)
{
    nn_lookup_s8((const int8_t *)input, (const int8_t *)table, count, (int8_t *)output);
}
