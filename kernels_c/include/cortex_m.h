/*
 * Registers of the Cortex-M system control space and the few instructions that C cannot say.
 * Addresses and bits: Armv6-M (DDI 0419), Armv7-M (DDI 0403) and Armv8-M (DDI 0553) Architecture Reference Manuals.
 */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYSTICK_CTRL REGISTER(0xE000E010)
#define SYSTICK_LOAD REGISTER(0xE000E014)
#define SYSTICK_VAL REGISTER(0xE000E018)
#define SYSTICK_CALIB REGISTER(0xE000E01C)
#define SYSTICK_ENABLE 1u
#define SYSTICK_TICKINT 2u
#define SYSTICK_CORE_CLOCK 4u
#define SYSTICK_COUNTFLAG (1u << 16)

#define NVIC_ISER(n) REGISTER(0xE000E100 + 4 * (n))
#define NVIC_ICER(n) REGISTER(0xE000E180 + 4 * (n))
#define NVIC_ISPR(n) REGISTER(0xE000E200 + 4 * (n))
#define NVIC_ICPR(n) REGISTER(0xE000E280 + 4 * (n))
#define NVIC_IABR(n) REGISTER(0xE000E300 + 4 * (n))
#define NVIC_IPR(n) REGISTER(0xE000E400 + 4 * (n)) /* four interrupts a word */
#define NVIC_STIR REGISTER(0xE000EF00)

#define SCB_CPUID REGISTER(0xE000ED00)
#define SCB_ICSR REGISTER(0xE000ED04)
#define ICSR_PENDSTSET (1u << 26)
#define ICSR_PENDSVSET (1u << 28)
#define ICSR_NMIPENDSET (1u << 31)
#define SCB_VTOR REGISTER(0xE000ED08)
#define SCB_AIRCR REGISTER(0xE000ED0C)
#define AIRCR_KEY 0x05FA0000u
#define AIRCR_SYSRESETREQ 4u
#define SCB_SCR REGISTER(0xE000ED10)
#define SCB_CCR REGISTER(0xE000ED14)
#define CCR_UNALIGN_TRP (1u << 3)
#define CCR_DIV_0_TRP (1u << 4)
#define SCB_SHPR1 REGISTER(0xE000ED18)
#define SCB_SHPR2 REGISTER(0xE000ED1C)
#define SCB_SHPR3 REGISTER(0xE000ED20)
#define SCB_SHCSR REGISTER(0xE000ED24)
#define SHCSR_MEMFAULTENA (1u << 16)
#define SHCSR_BUSFAULTENA (1u << 17)
#define SHCSR_USGFAULTENA (1u << 18)
#define SCB_CFSR REGISTER(0xE000ED28)
#define CFSR_IACCVIOL (1u << 0)
#define CFSR_DACCVIOL (1u << 1)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_IBUSERR (1u << 8)
#define CFSR_PRECISERR (1u << 9)
#define CFSR_IMPRECISERR (1u << 10)
#define CFSR_BFARVALID (1u << 15)
#define CFSR_UNDEFINSTR (1u << 16)
#define CFSR_INVSTATE (1u << 17)
#define CFSR_INVPC (1u << 18)
#define CFSR_NOCP (1u << 19)
#define CFSR_UNALIGNED (1u << 24)
#define CFSR_DIVBYZERO (1u << 25)
#define SCB_HFSR REGISTER(0xE000ED2C)
#define HFSR_VECTTBL (1u << 1)
#define HFSR_FORCED (1u << 30)
#define SCB_MMFAR REGISTER(0xE000ED34)
#define SCB_BFAR REGISTER(0xE000ED38)
#define SCB_CPACR REGISTER(0xE000ED88)
#define CPACR_FPU (0xFu << 20)
#define FPU_FPCCR REGISTER(0xE000EF34)
#define FPCCR_LSPEN (1u << 30)
#define FPCCR_ASPEN (1u << 31)

#define MPU_TYPE REGISTER(0xE000ED90)
#define MPU_CTRL REGISTER(0xE000ED94)
#define MPU_RNR REGISTER(0xE000ED98)
#define MPU_RBAR REGISTER(0xE000ED9C)
#define MPU_RASR REGISTER(0xE000EDA0)

#define DEMCR REGISTER(0xE000EDFC)
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL REGISTER(0xE0001000)
#define DWT_CYCCNTENA 1u
#define DWT_CYCCNT REGISTER(0xE0001004)
#define DWT_CPICNT REGISTER(0xE0001008)
#define DWT_EXCCNT REGISTER(0xE000100C)
#define DWT_SLEEPCNT REGISTER(0xE0001010)
#define DWT_LSUCNT REGISTER(0xE0001014)
#define DWT_FOLDCNT REGISTER(0xE0001018)
#define DWT_LAR REGISTER(0xE0001FB0) /* software lock of the Cortex-M7; ignored elsewhere */
#define CORESIGHT_UNLOCK 0xC5ACCE55u

#define ITM_STIM(n) REGISTER(0xE0000000 + 4 * (n))
#define ITM_STIM_BYTE(n) (*(volatile uint8_t *)(0xE0000000 + 4 * (n)))
#define ITM_TER REGISTER(0xE0000E00)
#define ITM_TCR REGISTER(0xE0000E80)
#define ITM_LAR REGISTER(0xE0000FB0)

/* 1 where the core has the cycle counter of the DWT. */
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
#define CORE_HAS_CYCLE_COUNTER 1
#else
#define CORE_HAS_CYCLE_COUNTER 0
#endif

static inline void barrier_sync(void)
{
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

static inline void disable_interrupts(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
}

static inline void enable_interrupts(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

#define READ_SPECIAL(name) \
    ({ uint32_t value_; __asm__ volatile("mrs %0, " #name : "=r"(value_)); value_; })
#define WRITE_SPECIAL(name, value) __asm__ volatile("msr " #name ", %0" ::"r"(value) : "memory")

#if CORE_HAS_CYCLE_COUNTER
static inline void cycle_counter_start(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = CORESIGHT_UNLOCK;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CYCCNTENA;
}
#endif

#endif
