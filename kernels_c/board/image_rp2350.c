/* What RP2350's ROM looks for in the first 4 KiB of flash: an image for the Arm cores, secure (RP2350 Datasheet 5.9.5). */
#include <stdint.h>

__attribute__((section(".image_definition"), used)) const uint32_t image_definition[5] = {
    0xFFFFDED3, /* begin of a block */
    0x10210142, /* image type: executable, secure, Arm, RP2350 */
    0x000001FF, /* last item; one word before it */
    0x00000000, /* the next block: this one itself */
    0xAB123579, /* end */
};
