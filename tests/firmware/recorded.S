/* Loops in assembly, so that their cycles do not depend on a compiler. r0: rounds; r1: 64 bytes of memory, aligned. */
    .syntax unified
    .thumb

    .macro body name
    .section .text.\name, "ax", %progbits
    .balign 32
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    .macro again
    subs r0, r0, #1
    bne 1b
    .endm

    body arithmetic
    movs r2, #17
    movs r3, #3
1:  adds r2, r2, r3
    muls r2, r3, r2
    eors r2, r3
    lsrs r2, r2, #1
    uxtb r2, r2
    again
    bx lr

    body loads
    movs r2, #0
1:  ldr r2, [r1]
    ldr r3, [r1, #4]
    adds r2, r2, r3
    ldrb r3, [r1, #9]
    ldrh r2, [r1, #12]
    again
    bx lr

    body stores
    movs r2, #7
1:  str r2, [r1, #8]
    ldr r3, [r1, #8]
    strb r3, [r1, #13]
    strh r2, [r1, #14]
    again
    bx lr

    body transfers
    push {r4-r7, lr}
1:  mov r7, r1
    ldmia r7!, {r2-r5}
    stmia r7!, {r2-r5}
    again
    pop {r4-r7, pc}

    body branches
    push {r4, lr}
1:  movs r2, #1
    tst r0, r2
    beq 2f
    b 3f
2:  bl leaf
3:  again
    pop {r4, pc}
leaf:
    bx lr

    body straight /* 6 KB of code: more than the buffers of a flash hold */
1:  .rept 3000
    adds r2, r2, #1
    .endr
    subs r0, r0, #1
    beq 2f
    ldr r3, =1b
    adds r3, r3, #1
    bx r3
2:  bx lr
    .ltorg

    body constants /* 4 KB of data in flash, a word of every 16 bytes */
1:  ldr r1, =table
    movs r3, #255
2:  ldr r2, [r1]
    adds r1, r1, #16
    subs r3, r3, #1
    bne 2b
    again
    bx lr
    .ltorg

    .section .rodata.table, "a", %progbits
    .balign 64
table:
    .zero 4096

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
    body wide
    push {r4, r5}
    movw r2, #0x1234
    movw r3, #77
1:  udiv r4, r2, r3
    mla r5, r4, r3, r2
    add.w r2, r2, r4, lsl #1
    ubfx r5, r2, #3, #9
    umull r4, r5, r2, r3
    again
    pop {r4, r5}
    bx lr
#endif

#ifdef __ARM_FP
    body floats
1:  vldr s0, [r1]
    vmul.f32 s1, s0, s0
    vadd.f32 s2, s1, s0
    vmla.f32 s3, s1, s2
    vstr s3, [r1, #20]
    again
    bx lr
#endif
