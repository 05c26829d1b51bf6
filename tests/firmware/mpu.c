/*
 * The memory protection unit's registers (m0plus, m3, m4, m7 with the PMSAv7 layout, m33 with PMSAv8), and with
 * -DENFORCED=1 that it protects (m3, m4, m7, m33; an ARMv6-M core has no MemManage fault). A core or chip without an
 * MPU says so: MPU_TYPE is 0, and the program ends with "no MPU".
 *
 * Expected on silicon: exit code 0; "regions N", "passed". DDI 0403 B3.5, DDI 0553 D1.2.
 */
#include "check.h"

#ifndef ENFORCED
#define ENFORCED 0
#endif

#if defined(__ARM_ARCH_8M_MAIN__)
#define MPU_RLAR REGISTER(0xE000EDA0)
#endif

static volatile uint32_t guarded[16] __attribute__((aligned(32)));
static volatile uint32_t fault_count, fault_cfsr, fault_address;

void __attribute__((used)) take_fault(uint32_t *frame)
{
    fault_count++;
    fault_cfsr = SCB_CFSR;
    fault_address = SCB_MMFAR;
    SCB_CFSR = fault_cfsr;
    frame[6] += *(const uint16_t *)frame[6] >= 0xE800 ? 4 : 2;
}

void __attribute__((naked)) MemManage_Handler(void)
{
    __asm__ volatile("mrs r0, msp\n\tldr r1, =take_fault\n\tbx r1\n\t.ltorg");
}

/* 32 bytes at `guarded`, read only for all; returns with the region chosen. */
static void make_read_only(void)
{
    MPU_RNR = 1;
#if defined(__ARM_ARCH_8M_MAIN__)
    MPU_RBAR = (uint32_t)guarded | 3u << 1 | 1u;
    MPU_RLAR = (uint32_t)guarded | 1u;
    check_equal("RBAR", MPU_RBAR, (uint32_t)guarded | 7u);
    check_equal("RLAR", MPU_RLAR, (uint32_t)guarded | 1u);
#else
    MPU_RBAR = (uint32_t)guarded;
    MPU_RASR = 6u << 24 | 1u << 16 | 1u << 18 | 4u << 1 | 1u;
    check_equal("RBAR", MPU_RBAR, (uint32_t)guarded | 1u); /* REGION reads as RNR */
    check_equal("RASR", MPU_RASR, 6u << 24 | 1u << 16 | 1u << 18 | 4u << 1 | 1u);
#endif
}

static void check_protection(void)
{
    guarded[0] = 7;
    SCB_SHCSR |= SHCSR_MEMFAULTENA;
    make_read_only();
    MPU_CTRL = 5; /* ENABLE, PRIVDEFENA */
    barrier_sync();
    check_equal("a load is allowed", guarded[0], 7);
    check_equal("without a fault", fault_count, 0);
    guarded[0] = 8;
    barrier_sync();
    check_equal("a store faults", fault_count, 1);
    check_equal("CFSR", fault_cfsr, CFSR_DACCVIOL | CFSR_MMARVALID);
    check_equal("MMFAR", fault_address, (uint32_t)guarded);
    MPU_CTRL = 0;
    barrier_sync();
    check_equal("the value is the old one", guarded[0], 7);
    guarded[0] = 9;
    check_equal("no protection when off", guarded[0], 9);
}

int main(void)
{
    const uint32_t regions = MPU_TYPE >> 8 & 0xFF;
    if (MPU_TYPE == 0) {
        uart_puts("no MPU\n");
        return failures();
    }
    print_value("regions", regions);
    check("8 or 16 regions", regions == 8 || regions == 16);
    check_equal("off after reset", MPU_CTRL, 0);
    MPU_RNR = 3;
    check_equal("RNR", MPU_RNR, 3);
    if (ENFORCED) {
        check_protection();
    } else {
        make_read_only();
        MPU_CTRL = 4;
        check_equal("CTRL", MPU_CTRL, 4);
    }
    return failures();
}
