/*
 * The end of a program on a board. It is a semihosting call, BKPT 0xAB, which mcusim and debuggers answer; where nobody
 * listens it becomes a HardFault (Armv7-M ARM C1.5.3, Armv8-M ARM B4.25). This handler steps over it, and the program goes
 * on to the endless loop behind the call. DHCSR.C_DEBUGEN would tell beforehand, but ARMv6-M hides it from programs
 * (DDI 0419, C1.6.2), and mcusim answers the call without being a debugger.
 *
 * Other hard faults stay in Default_Handler.
 */

void Default_Handler(void);

void __attribute__((naked, used)) HardFault_Handler(void)
{
    __asm__ volatile(
        "movs r0, #4\n\t"
        "mov  r1, lr\n\t"
        "tst  r0, r1\n\t" /* EXC_RETURN.SPSEL: the stack in use */
        "bne  1f\n\t"
        "mrs  r0, msp\n\t"
        "b    2f\n"
        "1:\n\t"
        "mrs  r0, psp\n"
        "2:\n\t"
        "ldr  r2, [r0, #24]\n\t" /* the frame's PC */
        "ldrh r3, [r2]\n\t"
        "ldr  r1, =0xBEAB\n\t"
        "cmp  r3, r1\n\t"
        "bne  3f\n\t"
        "adds r2, #2\n\t"
        "str  r2, [r0, #24]\n\t"
        "bx   lr\n"
        "3:\n\t"
        "ldr  r0, =Default_Handler\n\t"
        "bx   r0\n\t"
        ".ltorg");
}
