"""M33, from the measurements of jnk0le/random, cortex_m33.md (RP2350)."""

from __future__ import annotations

from tests.pricing.rows import SKIPPED, Row, cost

M33 = [
    # assembler: m33
    Row("adds r0, #1", "3001", 1),
    Row("adds r0, #1; adds r0, #1", "3001 3001", 2),
    # pairs
    Row("nop; adds r0, #1", "bf00 3001", 1),
    Row("nop; ldr r0, [r1]", "bf00 6808", 1),
    Row("adds r0, #1; nop", "3001 bf00", 2),  # not from the younger slot
    Row("nop.w; adds r0, #1", "f3af 8000 3001", 2),  # only 16-bit instructions
    Row("adds r0, #1; adds r1, #1", "3001 3101", 2),
    Row("ldr r0, [r1]; adds r2, #1", "6808 3201", 2),
    Row("subs r7, #1; bne .-2", "3f01 d1fd", 1, taken=3),  # 2 taken, 0 not taken
    Row("subs r7, #1; add r0, r1; bne .-4", "3f01 4408 d1fc", 2, taken=3),  # 1 taken behind one that sets no flags
    Row("subs r7, #1; ldmia r6!, {r0-r3}; bne .-4", "3f01 ce0f d1fc", 5, taken=6),
    Row("subs.w r7, r7, #1; bne .-4", "f1b7 0701 d1fc", 2, taken=3),
    Row("adds r0, #1; it eq; addeq r1, #1", "3001 bf08 3101", 2),
    Row("add.w r0, r1, r2; it eq; addeq r1, #1", "eb01 0002 bf08 3101", 3),
    # results
    Row("add.w r0, r1, r2, ror #24; adds r0, #1", "eb01 6032 3001", 3),
    Row("eor r0, r1, #0x1fc0; adds r0, #1", "f481 50fe 3001", 3),
    Row("eor.w r0, r1, #0x1b1b1b1b; adds r0, #1", "f081 301b 3001", 2),  # a pattern is no rotated constant
    Row("bfi r0, r1, #3, #5; adds r0, #1", "f361 00c7 3001", 2),
    Row("qsub r0, r1, r2; adds r0, #1", "fa82 f0a1 3001", 3),
    Row("uadd8 r0, r1, r2; adds r0, #1", "fa81 f042 3001", 3),
    Row("mul r0, r1, r2; adds r0, #1", "fb01 f002 3001", 3),
    Row("mul r0, r1, r2; mul r3, r0, r0", "fb01 f002 fb00 f300", 3),
    Row("mla r0, r1, r2, r3; mla r0, r4, r5, r0", "fb01 3002 fb04 0005", 2),  # accumulators chain
    Row("sxtab r0, r1, r2; mla r0, r4, r5, r0", "fa41 f082 fb04 0005", 2),
    Row("add.w r0, r1, r2, ror #24; mla r0, r4, r5, r0", "eb01 6032 fb04 0005", 2),
    Row("add.w r0, r1, r2, ror #24; add.w r0, r0, r3, ror #24", "eb01 6032 eb00 6033", 3),  # these do not
    Row("mla r0, r1, r2, r3; str r0, [r4]", "fb01 3002 6020", 2),
    Row("muls r0, r1, r0", "4348", 2),  # Arm KA001260
    Row("adds.w r0, r1, #0x1fc0", "f511 50fe", 2),
    Row("movs.w r0, #0x1fc0", "f45f 50fe", 1),  # unaffected
    Row("adds.w r0, r1, r2, ror #3", "eb11 00f2", 1),  # unaffected
    # loads and stores
    Row("ldr r0, [r1]; nop.w; adds r0, #1", "6808 f3af 8000 3001", 3),
    Row("ldr r0, [r1]; adds r0, #1", "6808 3001", 3),
    Row("ldr r0, [r1]; mla r0, r2, r3, r0", "6808 fb02 0003", 2),
    Row("ldr r0, [r1]; sxtab r0, r0, r2", "6808 fa40 f082", 3),
    Row("ldr r0, [r1]; str r0, [r2]", "6808 6010", 2),
    Row("ldrd r0, r1, [r2]", "e9d2 0100", 2),
    Row("strd r0, r1, [r2]", "e9c2 0100", 2),
    Row("ldm r0, {r1-r5}", "e890 003e", 5),
    Row("stm r0!, {r1-r5}", "c03e", 5),
    Row("udiv r0, r1, r2", "fbb1 f0f2", 6, facts=cost(6)),
    # predicated-off instructions: one slot, no latency
    Row("it eq; addseq.w r0, r1, #0x1fc0", "bf08 f511 50fe", 2, facts={1: SKIPPED}),
    Row("it eq; addseq.w r0, r1, #0x1fc0", "bf08 f511 50fe", 3),
    Row("it eq; addeq r0, r1, r2, ror #23; add r0, r3", "bf08 eb01 50f2 4418", 4),
    Row("it eq; addeq r0, r1, r2, ror #23; add r0, r3", "bf08 eb01 50f2 4418", 3, facts={1: SKIPPED}),
    # FPU
    Row("vadd.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "ee30 0a81 ee72 1a22", 2),
    Row("vadd.f32 s0, s1, s2; vstr s0, [r0]", "ee30 0a81 ed80 0a00", 3),
    Row("vfma.f32 s0, s1, s2; nop.w; nop.w; vfma.f32 s0, s3, s4", "eea0 0a81 f3af 8000 f3af 8000 eea1 0a82", 4),
    Row("vfma.f32 s0, s1, s2; vfma.f32 s0, s3, s4", "eea0 0a81 eea1 0a82", 4),
    Row("vfma.f32 s0, s1, s2; vfma.f32 s5, s3, s4", "eea0 0a81 eee1 2a82", 4),  # the FPU takes nothing for two cycles
    Row("vfma.f32 s0, s1, s2; vfma.f32 s4, s3, s0", "eea0 0a81 eea1 2a80", 4),  # issued ahead, executed a cycle later
    Row("vfma.f32 s0, s1, s2; vldr s5, [r0]", "eea0 0a81 edd0 2a00", 4),
    Row("vldr s0, [r0]; vadd.f32 s1, s0, s0", "ed90 0a00 ee70 0a00", 2),
    Row("vldm r0, {s0-s3}", "ec90 0a04", 4),
    Row("vldr d0, [r0]", "ed90 0b00", 2),
    Row("vmov r0, r1, s0, s1; adds r0, #1", "ec51 0a10 3001", 3),
    Row("vmov s0, s1, r0, r1; vadd.f32 s2, s0, s0", "ec41 0a10 ee30 1a00", 3),
    Row("vmov r0, s0; adds r0, #1", "ee10 0a10 3001", 3),
    Row("vmov s0, r0; vadd.f32 s2, s0, s0", "ee00 0a10 ee30 1a00", 2),
    # the return without PC in the list: two free instructions, the third beside BX (N = 2 here)
    Row("pop {r4, lr}; mov r10, r10; mov r10, r10; mov r10, r10; bx lr", "e8bd 4010 46d2 46d2 46d2 4770", 6),
    Row("pop {r4, pc}", "bd10", 5),
    # the FPU takes an instruction a cycle ahead of its operands
    Row("vmul.f32 s0, s1, s2; vadd.f32 s3, s0, s4; adds r0, #1", "ee20 0a81 ee70 1a02 3001", 3),
    # no FP instruction while it waits
    Row("vmul.f32 s0, s1, s2; vadd.f32 s3, s0, s4; vadd.f32 s5, s6, s7", "ee20 0a81 ee70 1a02 ee73 2a23", 4),
    Row("vmul.f32 s0, s1, s2; vadd.f32 s3, s0, s4; mov r10, r10; mov r10, r10; vstr s3, [r12, #256]",
        "ee20 0a81 ee70 1a02 46d2 46d2 edcc 1a40", 5),
    Row("vadd.f32 s1, s4, s5; vfma.f32 s0, s1, s2; mov r10, r10; mov r10, r10; mov r10, r10; vfma.f32 s0, s1, s2",
        "ee72 0a22 eea0 0a81 46d2 46d2 46d2 eea0 0a81", 6),
    # not ahead of an addend
    Row("vadd.f32 s0, s4, s5; vfma.f32 s0, s1, s2; adds r0, #1", "ee32 0a22 eea0 0a81 3001", 4),
    Row("vadd.f32 s0, s4, s5; vstr s0, [r1]; adds r0, #1", "ee32 0a22 ed81 0a00 3001", 4),  # nor a store
    # moves to the FPU take the output of any ALU
    Row("mul r0, r1, r2; vmov s0, r0", "fb01 f002 ee00 0a10", 2),
    Row("add.w r0, r1, r2, ror #24; vmov s0, s1, r0, r3", "eb01 6032 ec43 0a10", 2),
    Row("uadd8 r0, r1, r2; vmov s0, r0", "fa81 f042 ee00 0a10", 2),
]
