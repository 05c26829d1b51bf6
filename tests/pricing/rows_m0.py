"""M0 and M0+, every row of Table 3-1 in their TRMs (Arm DDI 0432C, DDI 0484C), zero wait states, fast multiplier."""

from __future__ import annotations

from tests.pricing.rows import Row

# (source, machine code, cycles on M0, cycles on M0+); a branch is priced taken
_TABLE: list[tuple[str, str, int, int]] = [
    # assembler: m0
    ("movs r0, #1", "2001", 1, 1),
    ("mov r8, r1", "4688", 1, 1),
    ("mov pc, r1", "468f", 3, 2),
    ("adds r0, r1, #3", "1cc8", 1, 1),
    ("adds r0, r1, r2", "1888", 1, 1),
    ("add r8, r1", "4488", 1, 1),
    ("add pc, r1", "448f", 3, 2),
    ("adds r0, #200", "30c8", 1, 1),
    ("adcs r0, r1", "4148", 1, 1),
    ("add sp, #16", "b004", 1, 1),
    ("add r0, sp, #16", "a804", 1, 1),
    ("adr r0, .+8", "a001", 1, 1),
    ("subs r0, r1, r2", "1a88", 1, 1),
    ("subs r0, #200", "38c8", 1, 1),
    ("sbcs r0, r1", "4188", 1, 1),
    ("sub sp, #16", "b084", 1, 1),
    ("rsbs r0, r1, #0", "4248", 1, 1),
    ("muls r0, r1, r0", "4348", 1, 1),
    ("cmp r0, r1", "4288", 1, 1),
    ("cmn r0, r1", "42c8", 1, 1),
    ("cmp r0, #7", "2807", 1, 1),
    ("ands r0, r1", "4008", 1, 1),
    ("eors r0, r1", "4048", 1, 1),
    ("orrs r0, r1", "4308", 1, 1),
    ("bics r0, r1", "4388", 1, 1),
    ("mvns r0, r1", "43c8", 1, 1),
    ("tst r0, r1", "4208", 1, 1),
    ("lsls r0, r1, #3", "00c8", 1, 1),
    ("lsls r0, r1", "4088", 1, 1),
    ("lsrs r0, r1, #3", "08c8", 1, 1),
    ("lsrs r0, r1", "40c8", 1, 1),
    ("asrs r0, r1, #3", "10c8", 1, 1),
    ("asrs r0, r1", "4108", 1, 1),
    ("rors r0, r1", "41c8", 1, 1),
    ("ldr r0, [r1, #4]", "6848", 2, 2),
    ("ldrh r0, [r1, #4]", "8888", 2, 2),
    ("ldrb r0, [r1, #4]", "7908", 2, 2),
    ("ldr r0, [r1, r2]", "5888", 2, 2),
    ("ldrh r0, [r1, r2]", "5a88", 2, 2),
    ("ldrsh r0, [r1, r2]", "5e88", 2, 2),
    ("ldrb r0, [r1, r2]", "5c88", 2, 2),
    ("ldrsb r0, [r1, r2]", "5688", 2, 2),
    ("ldr r0, [pc, #8]", "4802", 2, 2),
    ("ldr r0, [sp, #8]", "9802", 2, 2),
    ("ldm r0!, {r1, r2, r3}", "c80e", 4, 4),
    ("ldm r0, {r0, r1, r2, r3}", "c80f", 5, 5),
    ("str r0, [r1, #4]", "6048", 2, 2),
    ("strh r0, [r1, #4]", "8088", 2, 2),
    ("strb r0, [r1, #4]", "7108", 2, 2),
    ("str r0, [r1, r2]", "5088", 2, 2),
    ("strh r0, [r1, r2]", "5288", 2, 2),
    ("strb r0, [r1, r2]", "5488", 2, 2),
    ("str r0, [sp, #8]", "9002", 2, 2),
    ("stm r0!, {r1, r2, r3}", "c00e", 4, 4),
    ("push {r4, r5}", "b430", 3, 3),
    ("push {r4, r5, lr}", "b530", 4, 4),
    ("pop {r4, r5}", "bc30", 3, 3),
    ("pop {r4, r5, pc}", "bd30", 7, 6),  # 4 + N and 3 + N, N counts PC
    ("b .+8", "e002", 3, 2),
    ("bl .+8", "f000 f802", 4, 3),
    ("bx r1", "4708", 3, 2),
    ("bx lr", "4770", 3, 2),
    ("blx r1", "4788", 3, 2),
    ("sxth r0, r1", "b208", 1, 1),
    ("sxtb r0, r1", "b248", 1, 1),
    ("uxth r0, r1", "b288", 1, 1),
    ("uxtb r0, r1", "b2c8", 1, 1),
    ("rev r0, r1", "ba08", 1, 1),
    ("rev16 r0, r1", "ba48", 1, 1),
    ("revsh r0, r1", "bac8", 1, 1),
    ("cpsid i", "b672", 1, 1),
    ("cpsie i", "b662", 1, 1),
    ("mrs r0, primask", "f3ef 8010", 4, 3),
    ("msr primask, r0", "f380 8810", 4, 3),
    ("sev", "bf40", 1, 1),
    ("wfe", "bf20", 2, 2),
    ("wfi", "bf30", 2, 2),
    ("yield", "bf10", 1, 1),
    ("nop", "46c0", 1, 1),
    ("isb", "f3bf 8f6f", 4, 3),
    ("dmb", "f3bf 8f5f", 4, 3),
    ("dsb", "f3bf 8f4f", 4, 3),
    # sums: nothing overlaps, nothing waits for a result
    ("ldr r0, [r1]; adds r0, #1; str r0, [r1]", "6808 3001 6008", 5, 5),
    ("ldr r0, [r1]; ldr r2, [r0]", "6808 6802", 4, 4),
    ("push {r4, lr}; movs r0, #0; pop {r4, pc}", "b510 2000 bd10", 10, 9),
]

M0 = [Row(source, words, m0) for source, words, m0, _ in _TABLE]
M0PLUS = [Row(source, words, m0plus) for source, words, _, m0plus in _TABLE]

# A conditional branch: not taken, taken.
M0 += [
    Row("beq .+8", "d002", 1, taken=3),
]
M0PLUS += [
    Row("beq .+8", "d002", 1, taken=2),
]
