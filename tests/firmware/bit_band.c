/*
 * Bit-banding (m3 and m4 where the chip has it): each bit of the first MiB of RAM is a word at 0x22000000.
 *
 * Expected on silicon: exit code 0, "passed" (DDI 0439 section 3.7).
 */
#include "check.h"

static volatile uint32_t word;
static volatile uint8_t bytes[4] __attribute__((aligned(4)));

static volatile uint32_t *alias(volatile void *address, uint32_t bit)
{
    return (volatile uint32_t *)(0x22000000u + ((uint32_t)address - 0x20000000u) * 32 + bit * 4);
}

int main(void)
{
    word = 0;
    *alias(&word, 5) = 1;
    check_equal("a set bit", word, 32);
    *alias(&word, 31) = 0xFFFFFFFFu;
    check_equal("only bit 0 of the value counts", word, 0x80000020u);
    *alias(&word, 0) = 0xFFFFFFFEu;
    check_equal("an even value clears", word, 0x80000020u);
    *alias(&word, 5) = 0;
    check_equal("a cleared bit", word, 0x80000000u);
    word = 0x00010000u;
    check_equal("a bit read as 1", *alias(&word, 16), 1);
    check_equal("a bit read as 0", *alias(&word, 17), 0);
    bytes[2] = 0;
    *alias(bytes, 16 + 7) = 1;
    check_equal("a bit of a byte", bytes[2], 0x80);
    *(volatile uint8_t *)alias(bytes, 16) = 1;
    check_equal("a byte access to the alias", bytes[2], 0x81);
    return failures();
}
