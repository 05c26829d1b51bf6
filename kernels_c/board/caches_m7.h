/* Level 1 caches of the Cortex-M7: emptied, whose content after reset is unknown, and switched on. DDI 0489, DDI 0403 B2.2. */
#ifndef CACHES_M7_H
#define CACHES_M7_H

#include "registers.h"

#define SCB_CCSIDR REGISTER(0xE000ED80)
#define SCB_CSSELR REGISTER(0xE000ED84)
#define SCB_ICIALLU REGISTER(0xE000EF50)
#define SCB_DCISW REGISTER(0xE000EF60)
#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)

static inline void start_instruction_cache(void)
{
    barrier_sync();
    SCB_ICIALLU = 0;
    barrier_sync();
    SCB_CCR |= CCR_IC;
    barrier_sync();
}

/* Sets of a way are 32 bytes apart, and ways number themselves from the top bit down: four take the top two bits. */
static inline void start_data_cache(void)
{
    SCB_CSSELR = 0;
    barrier_sync();
    const uint32_t last_set = SCB_CCSIDR >> 13 & 0x7FFF, last_way = SCB_CCSIDR >> 3 & 0x3FF;
    for (uint32_t set = 0; set <= last_set; set++) {
        for (uint32_t way = 0; way <= last_way; way++) {
            SCB_DCISW = set << 5 | way << 30;
        }
    }
    barrier_sync();
    SCB_CCR |= CCR_DC;
    barrier_sync();
}

#endif
