/*
 * AIRCR.SYSRESETREQ: the program starts again, RAM outside .data and .bss is kept, registers of the system are not.
 *
 * Expected on silicon: exit code 0; "boot 1", "boot 2", "boot 3", "passed". (.noinit is random at power-on: a magic
 * word tells the first start.)
 */
#include "check.h"

static volatile uint32_t magic __attribute__((section(".noinit")));
static volatile uint32_t boots __attribute__((section(".noinit")));
static volatile uint32_t data = 5, bss;

int main(void)
{
    boots = magic == 0x5AFEB007u ? boots + 1 : 1;
    magic = 0x5AFEB007u;
    print_value("boot", boots);
    check_equal(".data is initialised", data, 5);
    check_equal(".bss is clear", bss, 0);
    check_equal("SysTick is off", SYSTICK_CTRL & 3, 0);
    check_equal("no interrupt is enabled", NVIC_ISER(0), 0);
    check_equal("PRIMASK is clear", READ_SPECIAL(primask), 0);
    check_equal("thread mode on the main stack", READ_SPECIAL(control) & 3, 0);
    if (boots < 3) {
        data = 6;
        bss = 7;
        NVIC_ISER(0) = 1;
        SYSTICK_LOAD = 100000;
        SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_CORE_CLOCK;
        disable_interrupts();
        SCB_AIRCR = AIRCR_KEY | AIRCR_SYSRESETREQ;
        __asm__ volatile("dsb");
        for (;;) {
        }
    }
    SCB_AIRCR = AIRCR_SYSRESETREQ; /* without the key: ignored */
    __asm__ volatile("dsb");
    return failures();
}
