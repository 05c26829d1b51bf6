/*
 * Objects and functions in a memory of the board, by its name in the board file (kernels_c/layout.py, Bank):
 *
 *     IN_MEMORY(dtcm) static int8_t table[256] = {...};    // copied there at start; functions too
 *     CLEARED_IN(sram3) static int32_t sums[64];           // zero at start, takes no flash
 *     LEFT_IN(sram3) static int8_t arena[100000];          // holds anything at start, takes no flash
 *
 * In the main RAM, `ram`, the first is what C does anyhow; LEFT_IN_RAM is .noinit.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#define IN_MEMORY(name) __attribute__((section("." #name)))
#define CLEARED_IN(name) __attribute__((section("." #name "_bss")))
#define LEFT_IN(name) __attribute__((section("." #name "_noinit")))
#define LEFT_IN_RAM __attribute__((section(".noinit")))
#define CODE_IN_RAM __attribute__((section(".ramcode"), noinline))

#endif
