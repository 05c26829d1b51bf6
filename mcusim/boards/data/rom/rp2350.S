/* Boot ROM for RP2350 (Arm): the functions and data that programs look up in the chip's ROM, written for mcusim.
 *
 * Interface: RP2350 Datasheet 5.4 (boot ROM APIs). The boot itself (image search, hashes, partitions) is done by
 * mcusim/machine/boot.py. Timing is that of the code below, not of the chip's ROM.
 * Build: see build.py beside this file. */

    .syntax unified
    .cpu cortex-m33
    .thumb

    .equ QMI,           0x400D0000
    .equ QMI_SET,       0x400D2000
    .equ QMI_CLEAR,     0x400D3000
    .equ XIP_MAINTAIN,  0x18000000
    .equ WATCHDOG,      0x400D8000
    .equ PSM_WDSEL,     0x40018008
    .equ BOOTRAM,       0x400E0000
    .equ SYSINFO,       0x40000000
    .equ DEVINFO,       BOOTRAM + 0x3F0
    .equ PARTITIONS,    BOOTRAM + 0x200
    .equ XIP_SETUP,     BOOTRAM
    .equ RANDOM,        BOOTRAM + 0x3E0

    .section .text
    .global vectors
vectors:
    .word 0x20082000
    .word reset + 1
    .word stop + 1
    .word stop + 1
    .byte 'M', 'u', 2, 2            /* 5.4.1: magic for Arm, then the ROM's version of silicon A2 */
    .hword entries
    .hword table_lookup + 1
    .balign 4

    .macro entry first, second, flags, target
    .byte \first, \second
    .hword \flags
    .hword \target
    .endm
    .equ FUNCTION, 0x14             /* secure and non-secure callers */
    .equ DATA, 0x40
entries:
    entry 'S', 'R', FUNCTION, return_zero + 1
    entry 'I', 'F', FUNCTION, connect_internal_flash + 1
    entry 'E', 'X', FUNCTION, flash_exit_xip + 1
    entry 'R', 'E', FUNCTION, flash_range_erase + 1
    entry 'R', 'P', FUNCTION, flash_range_program + 1
    entry 'F', 'C', FUNCTION, flash_flush_cache + 1
    entry 'C', 'X', FUNCTION, flash_enter_cmd_xip + 1
    entry 'R', 'A', FUNCTION, return_zero + 1
    entry 'X', 'M', FUNCTION, flash_select_xip_read_mode + 1
    entry 'G', 'S', FUNCTION, get_sys_info + 1
    entry 'R', 'B', FUNCTION, reboot + 1
    entry 'F', 'D', DATA, devinfo_pointer
    entry 'P', 'T', DATA, partitions_pointer
    entry 'X', 'F', DATA, setup_pointer
    entry 'G', 'R', DATA, revision
    entry 'C', 'R', DATA, copyright
    .hword 0
    .balign 4
devinfo_pointer:
    .word DEVINFO
partitions_pointer:
    .word PARTITIONS
setup_pointer:
    .word XIP_SETUP
revision:
    .word 0
copyright:
    .asciz "mcusim"
    .balign 4

/* table_lookup(code, flags): the entry of code with any of the flags, or 0 */
    .thumb_func
table_lookup:
    uxth r0, r0
    ldr r2, =entries
1:  ldrh r3, [r2], #6
    cbz r3, 2f
    cmp r3, r0
    bne 1b
    ldrh r3, [r2, #-4]
    tst r3, r1
    beq 1b
    ldrh r0, [r2, #-2]
    bx lr
2:  movs r0, #0
    bx lr

/* ---- what is not here: say so over semihosting, and end the program -------------------------------------------------- */
    .thumb_func
reset:
    ldr r1, =reset_text
    b say
    .thumb_func
usb_boot:
    ldr r1, =usb_boot_text
say:
    movs r0, #4                     /* SYS_WRITE0 */
    bkpt 0xAB
    movs r0, #0x18                  /* SYS_EXIT */
    ldr r1, =0x20023                /* ADP_Stopped_RunTimeErrorUnknown */
    bkpt 0xAB
    .thumb_func
stop:
    wfi
    b stop
reset_text:
    .asciz "boot ROM: the program goes back into the ROM, which is not modelled\n"
usb_boot_text:
    .asciz "boot ROM: the program asks for USB boot, which is not modelled\n"
    .balign 4

    .thumb_func
return_zero:
    movs r0, #0
    bx lr

/* get_sys_info(buffer, words, flags): words written, the first one tells which flags are answered. Chip information and
 * boot randomness; other flags are not answered. */
    .thumb_func
get_sys_info:
    push {r4, r5, lr}
    and r4, r2, #0x11
    mov r5, r0
    str r4, [r5], #4
    lsls r3, r4, #31
    beq 1f
    ldr r1, =SYSINFO
    ldr r2, [r1, #4]                /* package */
    str r2, [r5], #4
    ldr r1, =BOOTRAM + 0x3F8        /* device identifier */
    ldrd r2, r3, [r1]
    strd r2, r3, [r5], #8
1:  lsls r3, r4, #27
    bpl 2f
    ldr r1, =RANDOM
    ldrd r2, r3, [r1]
    strd r2, r3, [r5], #8
    ldrd r2, r3, [r1, #8]
    strd r2, r3, [r5], #8
2:  subs r0, r5, r0
    lsrs r0, r0, #2
    pop {r4, r5, pc}

/* reboot(flags, delay in ms, ...): by the watchdog; the delay is left out. Type 2 is USB boot. */
    .thumb_func
reboot:
    and r0, r0, #0xF
    cmp r0, #2
    beq usb_boot
    ldr r0, =PSM_WDSEL
    movw r1, #0xFFFF
    movt r1, #0x01FF
    str r1, [r0]
    ldr r0, =WATCHDOG
    mov r1, #0x80000000
    str r1, [r0]
    movs r0, #0
    bx lr

/* ---- flash -------------------------------------------------------------------------------------------------------- */
    .thumb_func
connect_internal_flash:
    bx lr

/* The flash chip out of continuous read, and plain 03h reads. */
    .thumb_func
flash_exit_xip:
    push {r4, lr}
    bl direct_on
    movs r0, #0xFF
    bl exchange
    movs r0, #0xFF
    bl exchange
    bl select_high
    bl direct_off
    pop {r4, lr}
    .thumb_func
flash_enter_cmd_xip:
    movs r0, #0
    movs r1, #12

/* flash_select_xip_read_mode(mode, divider): 0 = 03h serial, 1 = 0Bh serial, 2 = BBh dual, 3 = EBh quad */
    .thumb_func
flash_select_xip_read_mode:
    ldr r2, =QMI
    ldr r3, =modes
    add r3, r3, r0, lsl #3
    ldr r0, [r3]
    str r0, [r2, #0x10]
    ldr r0, [r3, #4]
    str r0, [r2, #0x14]
    uxtb r1, r1
    ldr r0, =0x60007000
    orrs r0, r1
    str r0, [r2, #0x0C]
    bx lr
    .balign 4
modes:
    .word 0x00001000, 0x00000003    /* prefix 8 bits; all single */
    .word 0x00021000, 0x0000000B    /* 8 dummy bits */
    .word 0x00009154, 0x0000A0BB    /* dual address, suffix and data */
    .word 0x000492A8, 0x0000A0EB    /* quad address, suffix, 4 dummy cycles and data */

    .thumb_func
flash_flush_cache:
    push {r4}                       /* invalidate by set and way: 2 ways of 1024 lines of 8 bytes */
    ldr r0, =XIP_MAINTAIN
    mov r1, #2048
    movs r4, #0
1:  strb r4, [r0], #8
    subs r1, #1
    bne 1b
    pop {r4}
    bx lr

direct_on:
    ldr r0, =QMI_SET
    movs r1, #5                     /* enable, chip select 0 low */
    str r1, [r0]
    bx lr
direct_off:
    ldr r0, =QMI_CLEAR
    movs r1, #5
    str r1, [r0]
    bx lr
    .thumb_func
select_low:
    ldr r0, =QMI_SET
    movs r1, #4
    str r1, [r0]
    bx lr
    .thumb_func
select_high:
    ldr r0, =QMI_CLEAR
    movs r1, #4
    str r1, [r0]
    bx lr

/* exchange(byte): one byte out, one byte in */
    .thumb_func
exchange:
    ldr r1, =QMI
    str r0, [r1, #4]
1:  ldr r2, [r1]
    tst r2, #0x10000                /* RXEMPTY */
    bne 1b
    ldr r0, [r1, #8]
    bx lr

/* One-byte instruction r0. */
command:
    push {r4, lr}
    mov r4, r0
    bl select_low
    mov r0, r4
    bl exchange
    bl select_high
    pop {r4, pc}

/* Write enable, then instruction r0 with the address r1; chip select stays low. */
command_address:
    push {r4, r5, lr}
    mov r4, r0
    mov r5, r1
    movs r0, #0x06
    bl command
    bl select_low
    mov r0, r4
    bl exchange
    ubfx r0, r5, #16, #8
    bl exchange
    ubfx r0, r5, #8, #8
    bl exchange
    uxtb r0, r5
    bl exchange
    pop {r4, r5, pc}

wait_while_busy:
    push {r4, lr}
1:  bl select_low
    movs r0, #0x05
    bl exchange
    movs r0, #0
    bl exchange
    mov r4, r0
    bl select_high
    lsls r4, r4, #31
    bne 1b
    pop {r4, pc}

/* flash_range_erase(address, count, block size, block instruction) */
    .thumb_func
flash_range_erase:
    push {r4, r5, r6, r7, lr}
    mov r4, r0
    adds r5, r0, r1
    mov r6, r2
    mov r7, r3
    bl direct_on
    bl select_high
1:  cmp r4, r5
    bhs 4f
    subs r0, r6, #1
    tst r4, r0
    bne 2f
    subs r0, r5, r4
    cmp r0, r6
    blo 2f
    mov r0, r7
    mov r1, r4
    adds r4, r4, r6
    b 3f
2:  movs r0, #0x20
    mov r1, r4
    add r4, r4, #4096
3:  bl command_address
    bl select_high
    bl wait_while_busy
    b 1b
4:  bl direct_off
    pop {r4, r5, r6, r7, pc}

/* flash_range_program(address, data, count): pages of 256 */
    .thumb_func
flash_range_program:
    push {r4, r5, r6, r7, lr}
    mov r4, r0
    mov r5, r1
    adds r6, r0, r2
    bl direct_on
    bl select_high
1:  cmp r4, r6
    bhs 3f
    movs r0, #0x02
    mov r1, r4
    bl command_address
    mov r7, #256
    add r4, r4, r7
2:  ldrb r0, [r5], #1
    bl exchange
    subs r7, #1
    bne 2b
    bl select_high
    bl wait_while_busy
    b 1b
3:  bl direct_off
    pop {r4, r5, r6, r7, pc}
    .balign 4
    .ltorg
