/* Moves between r4-r7 and r8-r11, for assembly of cores whose instructions reach the lower registers only (M0, M0+). */
#ifndef NN_HIGH_REGISTERS_H
#define NN_HIGH_REGISTERS_H

#define NN_FROM_HIGH "mov r4, r8\n" "mov r5, r9\n" "mov r6, r10\n" "mov r7, r11\n"
#define NN_TO_HIGH "mov r8, r4\n" "mov r9, r5\n" "mov r10, r6\n" "mov r11, r7\n"

#endif
