/*
 * Second stage of RP2040's boot: the first 256 bytes of flash, which the ROM copies to SRAM, checks and runs (RP2040 Datasheet
 * 2.8.1). It makes flash readable in place, four bits at a time without a command (4.10), at half the core's clock; for W25Q
 * chips and those that take the same commands: 35h and 01h (status), 06h (write enable), EBh (fast read, quad).
 *
 * boot2_rp2040.c is made of this file by `python -m kernels_c.boot2`.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ PADS_QSPI,     0x40020000
    .equ SSI,           0x18000000
    .equ CTRLR0,        0x00
    .equ SSIENR,        0x08
    .equ SER,           0x10
    .equ BAUDR,         0x14
    .equ SR,            0x28
    .equ DR0,           0x60
    .equ RX_SAMPLE_DLY, 0xF0
    .equ SPI_CTRLR0,    0xF4
    .equ VTOR,          0xE000ED08
    .equ VECTORS,       0x10000100

    .equ SERIAL_BYTES,  7 << 16                         /* 8 bits a frame, sent and received */
    .equ QUAD_READ,     2 << 21 | 31 << 16 | 3 << 8     /* four lines, 32 bits, read only */
    .equ COMMAND_QUAD,  1 | 8 << 2 | 2 << 8 | 4 << 11   /* command on one line; 24 + 8 bits and 4 dummy clocks on four */
    .equ CONTINUED,     2 | 8 << 2 | 4 << 11 | 0xA0 << 24 /* no command; the mode bits A0h keep it so */

    .section .text
    .global stage2
    .thumb_func
stage2:
    push {lr}
    ldr r3, =PADS_QSPI
    movs r0, #0x21                  /* SCLK: 8 mA, fast */
    str r0, [r3, #0x04]
    movs r1, #0x02                  /* SD0 to SD3 without Schmitt trigger: less delay */
    movs r2, #0x08
1:  ldr r0, [r3, r2]
    bics r0, r1
    str r0, [r3, r2]
    adds r2, #4
    cmp r2, #0x18
    bne 1b

    ldr r3, =SSI
    movs r0, #0
    str r0, [r3, #SSIENR]
    movs r0, #2
    str r0, [r3, #BAUDR]
    movs r0, #1
    str r0, [r3, #SER]
    movs r2, #RX_SAMPLE_DLY
    str r0, [r3, r2]
    ldr r1, =SERIAL_BYTES
    str r1, [r3, #CTRLR0]
    str r0, [r3, #SSIENR]

    movs r0, #0x35
    bl read_status
    lsrs r0, #2                     /* QE, bit 1, into the carry */
    bcs quad

    movs r0, #0x06
    str r0, [r3, #DR0]
    bl finish
    ldr r0, [r3, #DR0]
    movs r0, #0x01
    str r0, [r3, #DR0]
    movs r0, #0x00
    str r0, [r3, #DR0]
    movs r0, #0x02
    str r0, [r3, #DR0]
    bl finish
    ldr r0, [r3, #DR0]
    ldr r0, [r3, #DR0]
    ldr r0, [r3, #DR0]
2:  movs r0, #0x05
    bl read_status
    lsrs r0, #1                     /* BUSY */
    bcs 2b

quad:
    movs r0, #0
    str r0, [r3, #SSIENR]
    ldr r1, =QUAD_READ
    str r1, [r3, #CTRLR0]
    str r0, [r3, #CTRLR0 + 4]       /* one frame */
    movs r2, #SPI_CTRLR0
    ldr r1, =COMMAND_QUAD
    str r1, [r3, r2]
    movs r0, #1
    str r0, [r3, #SSIENR]
    movs r0, #0xEB
    str r0, [r3, #DR0]
    movs r0, #0xA0
    str r0, [r3, #DR0]
    bl finish
    movs r0, #0
    str r0, [r3, #SSIENR]
    ldr r1, =CONTINUED
    str r1, [r3, r2]
    movs r0, #1
    str r0, [r3, #SSIENR]

    pop {r0}
    cmp r0, #0
    bne back
    ldr r0, =VECTORS
    ldr r1, =VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
back:
    bx r0

/* The status register of command r0. */
    .thumb_func
read_status:
    mov r4, lr
    str r0, [r3, #DR0]
    str r0, [r3, #DR0]
    bl finish
    ldr r0, [r3, #DR0]
    ldr r0, [r3, #DR0]
    bx r4

/* Wait until all is sent: transmit FIFO empty, not busy. */
    .thumb_func
finish:
    ldr r1, [r3, #SR]
    lsrs r1, #1
    bcs finish
    lsrs r1, #2
    bcc finish
    bx lr

    .ltorg
