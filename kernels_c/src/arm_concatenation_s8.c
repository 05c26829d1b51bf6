/*
 * One input of a concatenation each. The library names axes [w][z][y][x], x being the innermost (C of NHWC); the output
 * is as long as the input along all axes but one.
 */
#include "arm_nnfunctions.h"
#include "nn_extra.h"

void arm_concatenation_s8_x(const int8_t *input, const uint16_t input_x, const uint16_t input_y, const uint16_t input_z,
                            const uint16_t input_w, int8_t *output, const uint16_t output_x, const uint32_t offset_x)
{
    nn_copy_rows(input, input_x, output + offset_x, output_x, input_x, input_y * input_z * input_w);
}

void arm_concatenation_s8_y(const int8_t *input, const uint16_t input_x, const uint16_t input_y, const uint16_t input_z,
                            const uint16_t input_w, int8_t *output, const uint16_t output_y, const uint32_t offset_y)
{
    const int32_t row = input_x * input_y;
    nn_copy_rows(input, row, output + offset_y * input_x, input_x * output_y, row, input_z * input_w);
}

void arm_concatenation_s8_z(const int8_t *input, const uint16_t input_x, const uint16_t input_y, const uint16_t input_z,
                            const uint16_t input_w, int8_t *output, const uint16_t output_z, const uint32_t offset_z)
{
    const int32_t plane = input_x * input_y, row = plane * input_z;
    nn_copy_rows(input, row, output + offset_z * (uint32_t)plane, plane * output_z, row, input_w);
}

void arm_concatenation_s8_w(const int8_t *input, const uint16_t input_x, const uint16_t input_y, const uint16_t input_z,
                            const uint16_t input_w, int8_t *output, const uint32_t offset_w)
{
    const int32_t volume = input_x * input_y * input_z;
    nn_copy_rows(input, volume * input_w, output + offset_w * (uint32_t)volume, 0, volume * input_w, 1);
}
