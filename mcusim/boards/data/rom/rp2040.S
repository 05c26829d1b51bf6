/* Boot ROM for RP2040: what the chip's ROM offers to programs, written for mcusim.
 *
 * Interface: RP2040 Datasheet 2.8 (boot sequence, 2.8.3 ROM contents, function and data tables). Timing is that of the code
 * below, not of the chip's ROM. USB boot, core 1 and the CRC of the second stage are left out.
 * Build: see build.py beside this file. */

    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ RESETS_DONE,   0x4000C008
    .equ RESETS_CLEAR,  0x4000F000
    .equ IO_QSPI,       0x40018000
    .equ IO_QSPI_XOR,   0x40019000
    .equ WATCHDOG,      0x40058000
    .equ SSI,           0x18000000
    .equ XIP_CTRL,      0x14000000
    .equ XIP_CTRL_SET,  0x14002000
    .equ SIO,           0xD0000000
    .equ FLASH,         0x10000000
    .equ SRAM,          0x20000000
    .equ SRAM_BYTES,    0x42000
    .equ STAGE2,        0x20041F00
    .equ VTOR,          0xE000ED08
    .equ SS_CONTROL,    0x0C
    .equ OUTOVER_LOW,   2 << 8
    .equ OUTOVER_HIGH,  3 << 8

    .section .text
    .global vectors
vectors:
    .word STAGE2
    .word reset + 1
    .word stop + 1
    .word stop + 1
    .byte 'M', 'u', 1, 3            /* 2.8.3: magic, then the version of silicon B2 */
    .hword function_table
    .hword data_table
    .hword table_lookup + 1
    .hword 0

    .macro entry first, second, target
    .byte \first, \second
    .hword \target
    .endm

    .balign 4
function_table:
    entry 'P', '3', popcount32 + 1
    entry 'R', '3', reverse32 + 1
    entry 'L', '3', clz32 + 1
    entry 'T', '3', ctz32 + 1
    entry 'M', 'S', rom_memset + 1
    entry 'S', '4', memset4 + 1
    entry 'M', 'C', rom_memcpy + 1
    entry 'C', '4', memcpy44 + 1
    entry 'U', 'B', usb_boot + 1
    entry 'I', 'F', connect_internal_flash + 1
    entry 'E', 'X', flash_exit_xip + 1
    entry 'R', 'E', flash_range_erase + 1
    entry 'R', 'P', flash_range_program + 1
    entry 'F', 'C', flash_flush_cache + 1
    entry 'C', 'X', flash_enter_cmd_xip + 1
    entry 'W', 'V', stop + 1
    .hword 0

data_table:
    entry 'C', 'R', copyright
    entry 'G', 'R', revision
    entry 'S', 'F', float_table
    entry 'S', 'D', double_table
    entry 'F', 'Z', float_table_words
    .hword 0
    .balign 4
revision:
    .word 0
copyright:
    .asciz "mcusim"
    .balign 4

/* table_lookup(table, code): the entry of code, or 0 */
    .thumb_func
table_lookup:
    uxth r1, r1
1:  ldrh r2, [r0]
    ldrh r3, [r0, #2]
    adds r0, #4
    cmp r2, #0
    beq 2f
    cmp r2, r1
    bne 1b
    mov r0, r3
    bx lr
2:  movs r0, #0
    bx lr

/* ---- boot --------------------------------------------------------------------------------------------------------- */
    .thumb_func
reset:
    ldr r0, =WATCHDOG               /* 2.8.1.1: scratch registers 4..7 may name an entry */
    ldr r1, [r0, #0x1C]
    ldr r2, =0xB007C0D3
    cmp r1, r2
    bne 1f
    ldr r1, [r0, #0x20]
    ldr r3, [r0, #0x28]
    eors r1, r3
    adds r1, r2
    bne 1f
    str r1, [r0, #0x1C]
    ldr r2, [r0, #0x24]
    msr msp, r2
    blx r3
1:  bl connect_internal_flash
    bl flash_enter_cmd_xip
    ldr r0, =FLASH
    ldr r1, [r0]
    adds r2, r1, #1
    beq no_image                    /* erased flash */
    ldr r2, =SRAM
    subs r2, r1, r2
    ldr r3, =SRAM_BYTES + 1
    cmp r2, r3
    blo vector_table                /* a stack pointer: an image without second stage */
    ldr r1, =STAGE2
    movs r2, #64
2:  ldmia r0!, {r3}
    stmia r1!, {r3}
    subs r2, #1
    bne 2b
    movs r1, #0                     /* return address 0: the second stage goes on into flash */
    mov lr, r1
    ldr r0, =STAGE2 + 1
    bx r0

vector_table:
    ldr r2, =VTOR
    str r0, [r2]
    ldr r2, [r0, #4]
    msr msp, r1
    bx r2

/* ---- what is not here: say so over semihosting, and end the program -------------------------------------------------- */
no_image:
    ldr r1, =no_image_text
    b say
    .thumb_func
usb_boot:
    ldr r1, =usb_boot_text
    b say
    .global rom_missing
    .thumb_func
rom_missing:
    ldr r1, =missing_text
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
no_image_text:
    .asciz "boot ROM: the flash holds no image\n"
usb_boot_text:
    .asciz "boot ROM: the program asks for USB boot, which is not modelled\n"
missing_text:
    .asciz "boot ROM: the program calls a ROM function that is not provided\n"
    .balign 4
    .ltorg

/* ---- bits --------------------------------------------------------------------------------------------------------- */
    .thumb_func
popcount32:
    ldr r1, =0x55555555
    lsrs r2, r0, #1
    ands r2, r1
    subs r0, r2
    ldr r1, =0x33333333
    lsrs r2, r0, #2
    ands r2, r1
    ands r0, r1
    adds r0, r2
    lsrs r1, r0, #4
    adds r0, r1
    ldr r1, =0x0F0F0F0F
    ands r0, r1
    ldr r1, =0x01010101
    muls r0, r1
    lsrs r0, #24
    bx lr

    .macro swap_bits mask, shift
    ldr r1, =\mask
    lsrs r2, r0, #\shift
    ands r2, r1
    ands r0, r1
    lsls r0, #\shift
    orrs r0, r2
    .endm
    .thumb_func
reverse32:
    swap_bits 0x55555555, 1
    swap_bits 0x33333333, 2
    swap_bits 0x0F0F0F0F, 4
    rev r0, r0
    bx lr

    .global clz32
    .thumb_func
clz32:
    movs r1, #28
    lsrs r2, r0, #16
    beq 1f
    subs r1, #16
    movs r0, r2
1:  lsrs r2, r0, #8
    beq 2f
    subs r1, #8
    movs r0, r2
2:  lsrs r2, r0, #4
    beq 3f
    subs r1, #4
    movs r0, r2
3:  adr r2, leading
    ldrb r0, [r2, r0]
    adds r0, r1
    bx lr
    .balign 4
leading:
    .byte 4, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0

    .thumb_func
ctz32:
    rsbs r1, r0, #0
    ands r0, r1
    beq 1f
    push {lr}
    bl clz32
    movs r1, #31
    subs r0, r1, r0
    pop {pc}
1:  movs r0, #32
    bx lr

/* ---- memory ------------------------------------------------------------------------------------------------------- */
/* rom_memset(destination, byte, count) = destination */
    .thumb_func
rom_memset:
    mov r12, r0
    push {r4, r5, lr}
    bl spread_byte
    cmp r2, #16
    blo 3f
1:  lsls r3, r0, #30
    beq 2f
    strb r1, [r0]
    adds r0, #1
    subs r2, #1
    b 1b
2:  bl fill_words
3:  subs r2, #1
    blo 4f
    strb r1, [r0]
    adds r0, #1
    b 3b
4:  mov r0, r12
    pop {r4, r5, pc}

/* memset4(destination, byte, count): destination and count are multiples of 4 */
    .thumb_func
memset4:
    mov r12, r0
    push {r4, r5, lr}
    bl spread_byte
    bl fill_words
    mov r0, r12
    pop {r4, r5, pc}

/* The byte r1 on all four lanes. */
spread_byte:
    uxtb r1, r1
    lsls r3, r1, #8
    orrs r1, r3
    lsls r3, r1, #16
    orrs r1, r3
    bx lr

/* Fills with the word r1 while 4 bytes are left; r0 and r2 go on. */
fill_words:
    movs r3, r1
    movs r4, r1
    movs r5, r1
    subs r2, #16
    blo 2f
1:  stmia r0!, {r1, r3, r4, r5}
    subs r2, #16
    bhs 1b
2:  adds r2, #16
3:  subs r2, #4
    blo 4f
    stmia r0!, {r1}
    b 3b
4:  adds r2, #4
    bx lr

/* rom_memcpy(destination, source, count) = destination */
    .thumb_func
rom_memcpy:
    mov r12, r0
    push {r4, r5, r6, lr}
    cmp r2, #16
    blo 3f
    movs r3, r0
    eors r3, r1
    lsls r3, r3, #30
    bne 3f                          /* differently aligned: byte by byte */
1:  lsls r3, r0, #30
    beq 2f
    ldrb r3, [r1]
    strb r3, [r0]
    adds r0, #1
    adds r1, #1
    subs r2, #1
    b 1b
2:  bl copy_words
3:  subs r2, #1
    blo 4f
    ldrb r3, [r1]
    strb r3, [r0]
    adds r0, #1
    adds r1, #1
    b 3b
4:  mov r0, r12
    pop {r4, r5, r6, pc}

/* memcpy44(destination, source, count): all multiples of 4 */
    .thumb_func
memcpy44:
    mov r12, r0
    push {r4, r5, r6, lr}
    bl copy_words
    mov r0, r12
    pop {r4, r5, r6, pc}

    .thumb_func
copy_words:
    subs r2, #16
    blo 2f
1:  ldmia r1!, {r3, r4, r5, r6}
    stmia r0!, {r3, r4, r5, r6}
    subs r2, #16
    bhs 1b
2:  adds r2, #16
3:  subs r2, #4
    blo 4f
    ldmia r1!, {r3}
    stmia r0!, {r3}
    b 3b
4:  adds r2, #4
    bx lr

/* ---- flash -------------------------------------------------------------------------------------------------------- */
/* Takes the pads and pins of the flash out of reset and gives them to SSI. */
    .thumb_func
connect_internal_flash:
    ldr r0, =RESETS_CLEAR
    ldr r1, =(1 << 6) | (1 << 9)
    str r1, [r0]
    ldr r0, =RESETS_DONE
1:  ldr r2, [r0]
    ands r2, r1
    cmp r2, r1
    bne 1b
    ldr r0, =IO_QSPI + 4
    movs r1, #0
    movs r2, #6
2:  str r1, [r0]
    adds r0, #8
    subs r2, #1
    bne 2b
    bx lr

/* SSI to serial frames of 8 bits, and the flash chip out of continuous read. */
    .thumb_func
flash_exit_xip:
    push {r4, lr}
    ldr r4, =SSI
    movs r1, #0
    str r1, [r4, #0x08]
    movs r1, #6
    str r1, [r4, #0x14]
    ldr r1, =7 << 16
    str r1, [r4]
    movs r1, #1
    str r1, [r4, #0x10]
    str r1, [r4, #0x08]
    bl select_low
    movs r0, #0xFF
    bl exchange
    movs r0, #0xFF
    bl exchange
    bl select_high
    pop {r4, pc}

/* XIP by plain 03h reads. */
    .thumb_func
flash_enter_cmd_xip:
    ldr r0, =SSI
    movs r1, #0
    str r1, [r0, #0x08]
    movs r1, #6
    str r1, [r0, #0x14]
    ldr r1, =(31 << 16) | (3 << 8)
    str r1, [r0]
    movs r1, #0
    str r1, [r0, #0x04]
    movs r1, #1
    str r1, [r0, #0x10]
    ldr r1, =(3 << 24) | (2 << 8) | (6 << 2)
    movs r2, #0xF4
    str r1, [r0, r2]
    movs r1, #1
    str r1, [r0, #0x08]
    bx lr

/* Empties the cache, switches it on, and lets SSI drive chip select again. */
    .thumb_func
flash_flush_cache:
    ldr r0, =XIP_CTRL
    movs r1, #1
    str r1, [r0, #0x04]
    ldr r1, [r0, #0x04]
    ldr r0, =XIP_CTRL_SET
    movs r1, #1
    str r1, [r0]
    movs r0, #0
    b set_select

    .thumb_func
select_low:
    ldr r0, =OUTOVER_LOW
    b set_select
    .thumb_func
select_high:
    ldr r0, =OUTOVER_HIGH
    .thumb_func
set_select:
    ldr r1, =IO_QSPI
    ldr r2, [r1, #SS_CONTROL]
    eors r2, r0
    ldr r3, =OUTOVER_HIGH
    ands r2, r3
    ldr r1, =IO_QSPI_XOR
    str r2, [r1, #SS_CONTROL]
    ldr r1, =IO_QSPI                /* read back: the pin has changed */
    ldr r1, [r1, #SS_CONTROL]
    bx lr

/* exchange(byte): one byte out, one byte in */
    .thumb_func
exchange:
    ldr r1, =SSI
    str r0, [r1, #0x60]
1:  ldr r2, [r1, #0x28]
    lsrs r2, r2, #4                 /* RFNE to carry */
    bcc 1b
    ldr r0, [r1, #0x60]
    uxtb r0, r0
    bx lr

/* One-byte instruction r0. */
    .thumb_func
command:
    push {r4, lr}
    movs r4, r0
    bl select_low
    movs r0, r4
    bl exchange
    bl select_high
    pop {r4, pc}

/* Instruction r0 with the address r1 after it; chip select stays low. */
    .thumb_func
command_address:
    push {r4, r5, lr}
    movs r4, r0
    movs r5, r1
    movs r0, #0x06                  /* write enable */
    bl command
    bl select_low
    movs r0, r4
    bl exchange
    lsrs r0, r5, #16
    uxtb r0, r0
    bl exchange
    lsrs r0, r5, #8
    uxtb r0, r0
    bl exchange
    uxtb r0, r5
    bl exchange
    pop {r4, r5, pc}

    .thumb_func
wait_while_busy:
    push {lr}
1:  bl select_low
    movs r0, #0x05
    bl exchange
    movs r0, #0
    bl exchange
    push {r0}
    bl select_high
    pop {r0}
    lsrs r0, r0, #1
    bcs 1b
    pop {pc}

/* flash_range_erase(address, count, block size, block instruction) */
    .thumb_func
flash_range_erase:
    push {r4, r5, r6, r7, lr}
    movs r4, r0
    adds r5, r0, r1
    movs r6, r2
    movs r7, r3
1:  cmp r4, r5
    bhs 4f
    subs r0, r6, #1
    tst r4, r0
    bne 2f
    subs r0, r5, r4
    cmp r0, r6
    blo 2f
    movs r0, r7
    movs r1, r4
    adds r4, r4, r6
    b 3f
2:  movs r0, #0x20
    movs r1, r4
    ldr r2, =4096
    adds r4, r4, r2
3:  bl command_address
    bl select_high
    bl wait_while_busy
    b 1b
4:  pop {r4, r5, r6, r7, pc}

/* flash_range_program(address, data, count): pages of 256 */
    .thumb_func
flash_range_program:
    push {r4, r5, r6, r7, lr}
    movs r4, r0
    movs r5, r1
    adds r6, r0, r2
1:  cmp r4, r6
    bhs 3f
    movs r0, #0x02
    movs r1, r4
    bl command_address
    movs r7, #255
    adds r7, #1
    adds r4, r4, r7
2:  ldrb r0, [r5]
    bl exchange
    adds r5, #1
    subs r7, #1
    bne 2b
    bl select_high
    bl wait_while_busy
    b 1b
3:  pop {r4, r5, r6, r7, pc}
    .balign 4
    .ltorg

/* ---- what the C part needs, and what C cannot say ------------------------------------------------------------------- */
/* low 64 bits of r1:r0 * r3:r2 */
    .global __aeabi_lmul
    .thumb_func
__aeabi_lmul:
    push {r4, r5, r6, r7, lr}
    muls r1, r2                     /* high * low */
    muls r3, r0                     /* low * high */
    adds r1, r3
    uxth r4, r0
    lsrs r5, r0, #16
    uxth r6, r2
    lsrs r7, r2, #16
    movs r0, r4
    muls r0, r6                     /* low * low */
    muls r6, r5                     /* upper half of a * lower half of b */
    muls r4, r7
    muls r5, r7
    adds r1, r5
    lsrs r5, r6, #16
    lsls r6, r6, #16
    adds r0, r6
    adcs r1, r5
    lsrs r5, r4, #16
    lsls r4, r4, #16
    adds r0, r4
    adcs r1, r5
    pop {r4, r5, r6, r7, pc}

/* r1:r0 << r2, 0 .. 63 */
    .global __aeabi_llsl
    .thumb_func
__aeabi_llsl:
    lsls r1, r2
    mov r3, r0
    lsls r0, r2
    mov r12, r3
    subs r2, #32
    lsls r3, r2
    orrs r1, r3
    rsbs r2, r2, #0
    mov r3, r12
    lsrs r3, r2
    orrs r1, r3
    bx lr

/* r1:r0 >> r2, 0 .. 63, with zeros */
    .global __aeabi_llsr
    .thumb_func
__aeabi_llsr:
    lsrs r0, r2
    mov r3, r1
    lsrs r1, r2
    mov r12, r3
    subs r2, #32
    lsrs r3, r2
    orrs r0, r3
    rsbs r2, r2, #0
    mov r3, r12
    lsls r3, r2
    orrs r0, r3
    bx lr

/* sine in r0, cosine in r1 */
    .thumb_func
rom_fsin:
    push {r4, r5, r6, lr}
    movs r4, r0
    bl rom_fcos
    movs r5, r0
    movs r0, r4
    bl rom_fsine
    movs r1, r5
    pop {r4, r5, r6, pc}

/* sine in r1:r0, cosine in r3:r2 */
    .thumb_func
rom_dsincos:
    push {r4, r5, r6, r7, lr}
    movs r4, r0
    movs r5, r1
    bl rom_dcos
    movs r6, r0
    movs r7, r1
    movs r0, r4
    movs r1, r5
    bl rom_dsin
    movs r2, r6
    movs r3, r7
    pop {r4, r5, r6, r7, pc}

/* ---- floating point: tables in the order of the Pico SDK's sf_table.h ------------------------------------------------ */
    .balign 4
    .hword 0
float_table_words:
    .byte 32, 0                     /* number of entries, two bytes before the table */
float_table:
    .word rom_fadd, rom_fsub, rom_fmul, rom_fdiv
    .word rom_fcmp, rom_missing + 1, rom_fsqrt, rom_float2int
    .word rom_float2fix, rom_float2uint, rom_float2ufix, rom_int2float
    .word rom_fix2float, rom_uint2float, rom_ufix2float, rom_fcos
    .word rom_fsin + 1, rom_ftan, rom_fsin + 1, rom_fexp
    .word rom_fln, rom_fcmp, rom_fatan2, rom_int642float
    .word rom_fix642float, rom_uint642float, rom_ufix642float, rom_float2int64
    .word rom_float2fix64, rom_float2uint64, rom_float2ufix64, rom_float2double
double_table:
    .word rom_dadd, rom_dsub, rom_dmul, rom_ddiv
    .word rom_dcmp, rom_missing + 1, rom_dsqrt, rom_double2int
    .word rom_double2fix, rom_double2uint, rom_double2ufix, rom_int2double
    .word rom_fix2double, rom_uint2double, rom_ufix2double, rom_dcos
    .word rom_dsin, rom_dtan, rom_dsincos + 1, rom_dexp
    .word rom_dln, rom_dcmp, rom_datan2, rom_int642double
    .word rom_fix642double, rom_uint642double, rom_ufix642double, rom_double2int64
    .word rom_double2fix64, rom_double2uint64, rom_double2ufix64, rom_double2float
