/*
 * What i.MX RT1060's ROM reads at the begin of FlexSPI flash: how to read it, and where the image is. i.MX RT1060 Reference
 * Manual 9.6.3.1 (configuration block), 9.7.1 (image vector table, boot data), FlexSPI (LUT instructions).
 *
 *   FLASH_BYTES      size of the flash chip
 *   FLASH_SPEED      serialClkFreq: 6 is 100 MHz
 */
#include <stdint.h>

#define FLASH 0x60000000u
#define IVT (FLASH + 0x1000)

/* A LUT word: two instructions of opcode, pads (0 is one, 2 is four) and operand. */
#define STEP(opcode, pads, operand) ((uint32_t)((opcode) << 10 | (pads) << 8 | (operand)))
#define STEPS(first, second) ((first) | (second) << 16)
enum { CMD_SDR = 0x01, RADDR_SDR = 0x02, MODE8_SDR = 0x07, READ_SDR = 0x09, DUMMY_SDR = 0x0C };

extern const uint32_t vector_table[];

__attribute__((section(".flash_config"), used)) const uint32_t flash_config[128] = {
    [0x00 / 4] = 0x42464346, /* "FCFB" */
    [0x04 / 4] = 0x56010000, /* version */
    [0x0C / 4] = 0x00020101, /* chip select held 1 clock, set up 2; sampled with the clock looped back through DQS's pad */
    [0x44 / 4] = 1u | 4u << 8 | (uint32_t)FLASH_SPEED << 16, /* serial NOR, four pads */
    [0x50 / 4] = FLASH_BYTES,
    [0x80 / 4] = STEPS(STEP(CMD_SDR, 0, 0xEB), STEP(RADDR_SDR, 2, 24)),
    [0x84 / 4] = STEPS(STEP(MODE8_SDR, 2, 0xFF), STEP(DUMMY_SDR, 2, 4)),
    [0x88 / 4] = STEPS(STEP(READ_SDR, 2, 4), 0u),
    [0x1C0 / 4] = 256,  /* page */
    [0x1C4 / 4] = 4096, /* sector */
};

struct boot_data {
    uint32_t start, bytes, plugin;
};
struct image {
    uint32_t header;
    const uint32_t *entry;
    uint32_t reserved, device_configuration;
    uint32_t boot_data, self, security, reserved_too;
    struct boot_data data;
};

__attribute__((section(".ivt"), used)) const struct image image_vector_table = {
    .header = 0x412000D1, /* tag, 32 bytes, version */
    .entry = vector_table,
    .boot_data = IVT + 32,
    .self = IVT,
    .data = {FLASH, FLASH_BYTES, 0},
};
