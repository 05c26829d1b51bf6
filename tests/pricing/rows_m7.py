"""M7, from the measurements of jnk0le/random, cortex_m7.md (STM32H743), and the LLVM latencies that docs/timing.md
quotes."""

from __future__ import annotations

from mcusim.pricing.passage import Fact
from tests.pricing.rows import Row, at, cost

M7 = [
    # assembler: m7
    # pairs
    Row("add.w r0, r1, r2; add.w r3, r4, r5", "eb01 0002 eb04 0305", 1),
    Row("add.w r0, r1, r2; add.w r3, r4, r5; add.w r6, r7, r8", "eb01 0002 eb04 0305 eb07 0608", 2),
    Row("movw r0, #1; movt r0, #2", "f240 0001 f2c0 0002", 1),  # mutually dependent
    Row("add.w r0, r0, r2; eor.w r6, r0, r7", "eb00 0002 ea80 0607", 1),  # early ALU forwards to the late one
    Row("eor.w r0, r0, r2; eor.w r6, r0, r7", "ea80 0002 ea80 0607", 2),  # logic has no early ALU
    Row("add.w r0, r1, r2, ror #3; add.w r3, r4, r5, ror #3", "eb01 00f2 eb04 03f5", 2),  # one shifter
    Row("add.w r0, r1, #0x1fc0; add.w r3, r4, r5, ror #3", "f501 50fe eb04 03f5", 2),
    Row("add.w r0, r1, r2, ror #3; add.w r3, r4, #0x1b1b1b1b", "eb01 00f2 f104 331b", 1),
    Row("add.w r0, r1, r2, ror #3; lsr.w r3, r4, #3", "eb01 00f2 ea4f 03d4", 1),
    Row("lsr.w r0, r1, #3; lsr.w r3, r4, #3", "ea4f 00d1 ea4f 03d4", 1),
    Row("uadd8 r0, r1, r2; uadd8 r3, r4, r5", "fa81 f042 fa84 f345", 2),  # one DSP path
    Row("uadd8 r0, r1, r2; add.w r3, r4, r5", "fa81 f042 eb04 0305", 1),
    Row("add.w r3, r4, r5; uadd8 r0, r1, r2", "eb04 0305 fa81 f042", 2),  # older slot only
    Row("mul r0, r1, r2; mul r3, r4, r5", "fb01 f002 fb04 f305", 2),
    Row("mul r0, r1, r2; str.w r3, [r4]", "fb01 f002 f8c4 3000", 2),
    Row("mul r0, r1, r2; add.w r3, r4, r5", "fb01 f002 eb04 0305", 1),
    Row("ldr.w r0, [r1]; ldr.w r2, [r1, #4]", "f8d1 0000 f8d1 2004", 1),  # other bank
    Row("ldr.w r0, [r1]; ldr.w r2, [r1, #8]", "f8d1 0000 f8d1 2008", 2),  # same bank
    Row("ldr.w r0, [r1]; ldr.w r2, [r3]", "f8d1 0000 f8d3 2000", 1, facts=at(4, 1)),
    Row("ldr.w r0, [r1]; str.w r2, [r3]", "f8d1 0000 f8c3 2000", 1),
    Row("ldr.w r0, [r1]; str.w r0, [r3]", "f8d1 0000 f8c3 0000", 1),  # loaded and stored in one cycle
    Row("str.w r0, [r1]; str.w r2, [r3]", "f8c1 0000 f8c3 2000", 2),
    Row("ldrd r0, r1, [r2]; add.w r3, r4, r5", "e9d2 0100 eb04 0305", 2),
    Row("add.w r3, r4, r5; ldm r2, {r0, r1}", "eb04 0305 e892 0003", 2),
    Row("ldm r0, {r1-r5}", "e890 003e", 3),  # ceil(N / 2)
    Row("ldm r0, {r1-r4}", "e890 001e", 2),
    Row("stm r0, {r1-r4}", "e880 001e", 2),
    Row("stm r0, {r1-r4}", "e880 001e", 3, facts=at(4)),  # even N, not 8-byte aligned
    Row("subs r0, #1; bne .-2", "3801 d1fd", 1, taken=1),
    Row("bne .+8; add.w r0, r1, r2", "d102 eb01 0002", 1),
    # results
    Row("eor.w r0, r1, r2; nop.w; ldr.w r3, [r0]", "ea81 0002 f3af 8000 f8d0 3000", 3),  # late ALU to address: one more
    Row("add.w r0, r1, r2; nop.w; ldr.w r3, [r0]", "eb01 0002 f3af 8000 f8d0 3000", 2),  # early ALU: none
    Row("eor.w r0, r1, r2; nop.w; add.w r3, r4, r0, ror #3", "ea81 0002 f3af 8000 eb04 03f0", 3),
    Row("rev.w r0, r1; nop.w; ldr.w r3, [r0]", "fa91 f081 f3af 8000 f8d0 3000", 3),
    Row("rev.w r0, r1; eor.w r3, r0, r2", "fa91 f081 ea80 0302", 1),  # early, to the late ALU at once
    Row("ldr.w r0, [r1]; nop.w; eor.w r2, r0, r3", "f8d1 0000 f3af 8000 ea80 0203", 2),
    Row("ldr.w r0, [r1]; nop.w; add.w r2, r3, r0, ror #3", "f8d1 0000 f3af 8000 eb03 02f0", 3),
    Row("ldr.w r0, [r1]; nop.w; mul r2, r0, r3", "f8d1 0000 f3af 8000 fb00 f203", 3),
    Row("ldr.w r0, [r1]; nop.w; ldr.w r2, [r0]", "f8d1 0000 f3af 8000 f8d0 2000", 3),
    Row("ldr.w r0, [r1]; nop.w; ldr.w r2, [r3, r0]", "f8d1 0000 f3af 8000 f853 2000", 4),  # index: 3
    Row("ldrb.w r0, [r1]; nop.w; eor.w r2, r0, r3", "f891 0000 f3af 8000 ea80 0203", 3),
    # addend from a byte load after one cycle
    Row("ldrb.w r0, [r1]; nop.w; mla r0, r2, r3, r0", "f891 0000 f3af 8000 fb02 0003", 2),
    Row("mul r0, r1, r2; nop.w; eor.w r3, r0, r4", "fb01 f002 f3af 8000 ea80 0304", 3),
    Row("mla r0, r1, r2, r3; nop.w; mla r0, r1, r2, r0", "fb01 3002 f3af 8000 fb01 0002", 2),
    Row("mul r0, r1, r2; nop.w; ldr.w r3, [r0]", "fb01 f002 f3af 8000 f8d0 3000", 5),  # address: 4
    Row("ldr r0, [r1], #4; nop.w; ldr r2, [r1], #4", "f851 0b04 f3af 8000 f851 2b04", 2),  # written-back base: none
    Row("udiv r0, r1, r2", "fbb1 f0f2", 7, facts=cost(7)),
    # unaligned
    Row("ldr.w r0, [r1]", "f8d1 0000", 4, facts=at(1)),  # +3
    Row("nop.w; ldr.w r0, [r1]", "f3af 8000 f8d1 0000", 5, facts=at(1, 1)),  # +4 from the younger slot
    Row("str.w r0, [r1]", "f8c1 0000", 1, facts=at(1)),
    # FPU
    Row("vadd.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "ee30 0a81 ee72 1a22", 2),
    Row("vadd.f32 s0, s1, s2; add.w r0, r1, r2", "ee30 0a81 eb01 0002", 1),
    Row("vadd.f32 s0, s1, s2; vmul.f32 s3, s0, s5", "ee30 0a81 ee60 1a22", 4),
    Row("vmul.f32 s0, s1, s2; vfma.f32 s0, s3, s4", "ee20 0a81 eea1 0a82", 4),
    Row("vmul.f32 s0, s1, s2; vmla.f32 s0, s3, s4", "ee20 0a81 ee01 0a82", 3),
    Row("vfma.f32 s0, s1, s2; vfma.f32 s0, s3, s4", "eea0 0a81 eea1 0a82", 4),
    Row("vfma.f32 s0, s1, s2; vfma.f32 s3, s4, s5", "eea0 0a81 eee2 1a22", 2),
    Row("vfma.f32 s0, s1, s2; vmul.f32 s3, s0, s4", "eea0 0a81 ee60 1a02", 6),
    Row("vmla.f32 s0, s1, s2; vmul.f32 s3, s0, s4", "ee00 0a81 ee60 1a02", 7),
    Row("vfma.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "eea0 0a81 ee72 1a22", 5),  # held back for three cycles
    Row("vldr s0, [r0]; nop.w; vadd.f32 s1, s0, s0", "ed90 0a00 f3af 8000 ee70 0a00", 2),
    Row("vldr s0, [r0]; nop.w; vfma.f32 s0, s1, s2", "ed90 0a00 f3af 8000 eea0 0a81", 4),
    Row("vldr s0, [r0]; nop.w; vmla.f32 s0, s1, s2", "ed90 0a00 f3af 8000 ee00 0a81", 3),
    Row("vadd.f32 s0, s1, s2; nop.w; vstr s0, [r0]", "ee30 0a81 f3af 8000 ed80 0a00", 2),
    Row("vmov s0, r0; nop.w; vadd.f32 s1, s0, s0", "ee00 0a10 f3af 8000 ee70 0a00", 4),
    Row("vdiv.f32 s0, s1, s2", "ee80 0a81", 16),
    Row("vsqrt.f32 s0, s1", "eeb1 0ae0", 14),
    Row("vdiv.f64 d0, d1, d2", "ee81 0b02", 30),
    Row("vmul.f64 d0, d1, d2", "ee21 0b02", 5),
    # further pairs
    # a plain extend leaves the shifter alone (JNK; CLIFF against)
    Row("sxtb16 r0, r1, ror #8; add.w r3, r4, r5, ror #3", "fa2f f091 eb04 03f5", 1),
    Row("ssat r0, #8, r1; add.w r3, r4, r5, ror #3", "f301 0007 eb04 03f5", 2),  # SSAT does not (LLVM)
    Row("mvn.w r0, r1; eor.w r2, r0, r3", "ea6f 0001 ea80 0203", 2),  # no early ALU: not in JNK's list
    # from the early ALU, but not in JNK's list of results forwarded in their cycle
    Row("ubfx r0, r1, #3, #5; eor.w r3, r0, r2", "f3c1 00c4 ea80 0302", 2),
    Row("it eq; addeq.w r0, r1, r2", "bf08 eb01 0002", 1),
    Row("smlad r0, r1, r2, r0; sxtb16 r3, r4", "fb21 0002 fa2f f384", 2),  # older slot only
    Row("sxtb16 r3, r4; smlad r0, r1, r2, r0", "fa2f f384 fb21 0002", 1),
    # further results
    Row("uadd8 r0, r1, r2; nop.w; sxtb16 r3, r0, ror #8", "fa81 f042 f3af 8000 fa2f f390", 2),
    Row("uadd8 r0, r1, r2; nop.w; sxtab16 r3, r4, r0, ror #8", "fa81 f042 f3af 8000 fa24 f390", 3),  # extracted in EX1
    Row("uadd8 r0, r1, r2; nop.w; sxtab16 r3, r0, r4, ror #8", "fa81 f042 f3af 8000 fa20 f394", 2),  # added in EX2
    Row("uadd8 r0, r1, r2; nop.w; pkhbt r3, r0, r4", "fa81 f042 f3af 8000 eac0 0304", 2),
    Row("uadd8 r0, r1, r2; nop.w; pkhtb r3, r0, r4, asr #1", "fa81 f042 f3af 8000 eac0 0364", 3),
    Row("uadd8 r0, r1, r2; nop.w; ldr.w r3, [r0]", "fa81 f042 f3af 8000 f8d0 3000", 3),
    Row("eor.w r0, r1, r2; nop.w; ssat r3, #8, r0", "ea81 0002 f3af 8000 f300 0307", 3),  # LLVM: shifted in EX1
    Row("ssat r0, #8, r1; nop.w; eor.w r2, r0, r3", "f301 0007 f3af 8000 ea80 0203", 3),  # LLVM: latency 2
    Row("ssat r0, #8, r1; strb.w r0, [r2]", "f301 0007 f882 0000", 1),
    Row("qadd8 r0, r1, r2; nop.w; eor.w r3, r0, r4", "fa81 f012 f3af 8000 ea80 0304", 3),  # LLVM: latency 2
    Row("uadd8 r0, r1, r2; nop.w; eor.w r3, r0, r4", "fa81 f042 f3af 8000 ea80 0304", 2),
    Row("ldr.w r0, [r1]; mla r0, r2, r3, r0", "f8d1 0000 fb02 0003", 1),  # the addend is read behind the late ALU
    Row("ldr.w r0, [r1]; nop.w; smlad r2, r0, r3, r2", "f8d1 0000 f3af 8000 fb20 2203", 3),
    Row("ldrsb.w r0, [r1]; nop.w; smlabb r2, r0, r3, r2", "f991 0000 f3af 8000 fb10 2203", 4),
    # two words per cycle: the first two are a cycle older
    Row("ldm r0, {r1-r4}; mul r5, r1, r2", "e890 001e fb01 f502", 3),
    Row("ldm r0, {r1-r4}; mul r5, r3, r4", "e890 001e fb03 f504", 4),
    # the source counts where it is the destination too
    Row("eor.w r0, r1, r2; nop.w; rev.w r0, r0", "ea81 0002 f3af 8000 fa90 f080", 3),
    Row("eor.w r0, r1, r2; nop.w; ubfx r0, r0, #3, #5", "ea81 0002 f3af 8000 f3c0 00c4", 3),
    # conditional results (LLVM)
    Row("it eq; addeq.w r0, r1, r2; nop.w; eor.w r3, r0, r4", "bf08 eb01 0002 f3af 8000 ea80 0304", 3),
    # under the same condition: none
    Row("itt eq; addeq.w r0, r1, r2; eoreq.w r3, r0, r4", "bf04 eb01 0002 ea80 0304", 2),
    Row("ite eq; addeq.w r0, r1, r2; eorne.w r3, r0, r4", "bf0c eb01 0002 ea80 0304", 2),  # or the inverse
    # stored, then loaded (LLVM: 4)
    Row("str.w r0, [r1]; nop.w; ldr.w r2, [r1]", "f8c1 0000 f3af 8000 f8d1 2000", 5),
    Row("str.w r0, [r1]; nop.w; ldr.w r2, [r1, #4]", "f8c1 0000 f3af 8000 f8d1 2004", 2),
    Row("strb.w r0, [r1, #1]; nop.w; ldr.w r2, [r1]", "f881 0001 f3af 8000 f8d1 2000", 5),
    Row("str r0, [r1], #4; nop.w; ldr r2, [r1, #-4]", "f841 0b04 f3af 8000 f851 2c04", 5),
    # another place, for all that is known; base from the late ALU
    Row("str.w r0, [r1]; add.w r1, r1, #8; ldr.w r2, [r1]", "f8c1 0000 f101 0108 f8d1 2000", 3),
    Row("push {r0, r1}; ldr r2, [sp, #4]", "b403 9a01", 5),
    # pairs with an unaligned load
    # +3 for both
    Row("ldr.w r0, [r1]; ldr.w r2, [r3]; nop.w",
        "f8d1 0000 f8d3 2000 f3af 8000", 5, facts={0: Fact(misalignment=1), 1: Fact(misalignment=4)}),
    # -1: the bank of its first part
    Row("ldr.w r0, [r1]; ldr.w r2, [r3]; nop.w",
        "f8d1 0000 f8d3 2000 f3af 8000", 4, facts={0: Fact(misalignment=1), 1: Fact(misalignment=0)}),
    # +4 for both
    Row("ldr.w r0, [r1]; ldr.w r2, [r3]; nop.w",
        "f8d1 0000 f8d3 2000 f3af 8000", 6, facts={0: Fact(misalignment=1), 1: Fact(misalignment=5)}),
    # +4
    Row("ldr.w r0, [r1]; ldr.w r2, [r3]; nop.w",
        "f8d1 0000 f8d3 2000 f3af 8000", 6, facts={0: Fact(misalignment=0), 1: Fact(misalignment=5)}),
    # +4 - 1
    Row("ldr.w r0, [r1]; ldr.w r2, [r3]; nop.w",
        "f8d1 0000 f8d3 2000 f3af 8000", 5, facts={0: Fact(misalignment=0), 1: Fact(misalignment=1)}),
    # FPU: pairs
    Row("vfma.f32 s0, s1, s2; vldr s5, [r0]", "eea0 0a81 edd0 2a00", 1),  # the first one may
    Row("vldr s5, [r0]; vfma.f32 s0, s1, s2", "edd0 2a00 eea0 0a81", 1),
    # the second not
    Row("vfma.f32 s0, s1, s2; nop.w; vfma.f32 s3, s4, s6; vldr s5, [r0]", "eea0 0a81 f3af 8000 eee2 1a03 edd0 2a00", 3),
    # nor anything from the younger slot behind it
    Row("vfma.f32 s0, s1, s2; nop.w; nop.w; vldr s5, [r0]", "eea0 0a81 f3af 8000 f3af 8000 edd0 2a00", 3),
    Row("vmla.f32 s0, s1, s2; vmla.f32 s3, s4, s5", "ee00 0a81 ee42 1a22", 2),
    Row("vmla.f32 s0, s1, s2; vfma.f32 s3, s4, s5", "ee00 0a81 eee2 1a22", 3),  # still rounding
    Row("vadd.f32 s0, s1, s2; vmov.f32 s3, s4", "ee30 0a81 eef0 1a42", 1),  # LLVM: two ports
    Row("vmov.f32 s0, s1; vmov.f32 s2, s3", "eeb0 0a60 eeb0 1a61", 1),
    Row("vmov.f32 s0, #1.0; vmov.f32 s1, #1.0", "eeb7 0a00 eef7 0a00", 2),
    Row("vdiv.f32 s0, s1, s2; add.w r0, r1, r2", "ee80 0a81 eb01 0002", 16),  # one integer instruction beside it
    Row("add.w r0, r1, r2; vdiv.f32 s0, s1, s2", "eb01 0002 ee80 0a81", 16),
    Row("vdiv.f32 s0, s1, s2; vldr s5, [r0]", "ee80 0a81 edd0 2a00", 17),
    # FPU: moves
    Row("vadd.f32 s0, s1, s2; nop.w; vmov r0, s0", "ee30 0a81 f3af 8000 ee10 0a10", 4),
    Row("vfma.f32 s0, s1, s2; nop.w; vmov r0, s0", "eea0 0a81 f3af 8000 ee10 0a10", 6),
    Row("vldr s0, [r0]; nop.w; vmov r1, s0", "ed90 0a00 f3af 8000 ee10 1a10", 3),
    Row("vmov r0, s0; nop.w; eor.w r1, r0, r2", "ee10 0a10 f3af 8000 ea80 0102", 2),
    Row("vmov r0, s0; mla r0, r1, r2, r0", "ee10 0a10 fb01 0002", 1),
    Row("add.w r0, r1, r2; vmov s0, r0", "eb01 0002 ee00 0a10", 2),  # one cycle from any ALU
    Row("mul r0, r1, r2; nop.w; vmov s0, r0", "fb01 f002 f3af 8000 ee00 0a10", 2),
    # FPU: double precision
    Row("vmul.f64 d0, d1, d2; ldr.w r0, [r1]", "ee21 0b02 f8d1 0000", 5),
    Row("vfma.f64 d0, d1, d2; ldr.w r0, [r1]", "eea1 0b02 f8d1 0000", 9),
    Row("vfma.f64 d0, d1, d2; add.w r0, r1, r2", "eea1 0b02 eb01 0002", 8),
    Row("add.w r0, r1, r2; vadd.f64 d0, d1, d2", "eb01 0002 ee31 0b02", 3),  # older slot only
    Row("vfma.f64 d0, d1, d2; vadd.f64 d3, d4, d5", "eea1 0b02 ee34 3b05", 11),  # not in the cycle behind
    Row("vfma.f64 d0, d1, d2; vfma.f64 d3, d4, d5", "eea1 0b02 eea4 3b05", 15),  # different exponents: 8, then 7
    Row("vmla.f64 d0, d1, d2; vmla.f64 d3, d4, d5", "ee01 0b02 ee04 3b05", 16),  # 9, then 7
    Row("vfma.f64 d0, d1, d2; vmul.f64 d3, d4, d5", "eea1 0b02 ee24 3b05", 12),  # 8, then 4
    # multiple transfers want two 16-bit instructions before, or within seven cycles
    Row("ldm.w r0, {r1-r4}" + "; nop.w" * 16, "e890 001e" + " f3af 8000" * 16, 11),
    Row("ldm.w r0, {r1-r4}; nop; nop" + "; nop.w" * 14, "e890 001e bf00 bf00" + " f3af 8000" * 14, 10),
    Row("nop; nop; ldm.w r0, {r1-r4}" + "; nop.w" * 16, "bf00 bf00 e890 001e" + " f3af 8000" * 16, 11),
    # int8 dot product: loads of other banks, then one extend a cycle; the last beside the first multiply
    Row("ldr r3, [r0], #4; ldr r4, [r1], #4; sxtb16 r5, r3; sxtb16 r3, r3, ror #8; sxtb16 r6, r4; "
        "sxtb16 r4, r4, ror #8; smlad r2, r5, r6, r2; smlad r2, r3, r4, r2",
        "f850 3b04 f851 4b04 fa2f f583 fa2f f393 fa2f f684 fa2f f494 fb25 2206 fb23 2204", 6, facts=at(4, 1)),
    # same bank
    Row("ldr r3, [r0], #4; ldr r4, [r1], #4; sxtb16 r5, r3; sxtb16 r3, r3, ror #8; sxtb16 r6, r4; "
        "sxtb16 r4, r4, ror #8; smlad r2, r5, r6, r2; smlad r2, r3, r4, r2",
        "f850 3b04 f851 4b04 fa2f f583 fa2f f393 fa2f f684 fa2f f494 fb25 2206 fb23 2204", 7),
    # int8 weights: the byte waits three cycles for its multiply, unless it is the addend
    Row("ldrsb.w r3, [r0], #1; ldrsb.w r4, [r1], #1; mla r2, r3, r4, r2",
        "f910 3b01 f911 4b01 fb03 2204", 4, facts=at(4, 1)),
    # filter: two loads, then VFMA with the next load beside it; the accumulator after three cycles
    Row("vldr s0, [r0]; vldr s1, [r1]; vfma.f32 s2, s0, s1; vldr s3, [r0, #4]; vldr s4, [r1, #4]; vfma.f32 s2, s3, s4",
        "ed90 0a00 edd1 0a00 eea0 1a20 edd0 1a01 ed91 2a01 eea1 1a82", 5,
        facts={1: Fact(misalignment=4), 3: Fact(misalignment=4)}),
    # requantisation: product to shifter 2, late ALU to SSAT 2, stored in its cycle
    Row("mul r0, r1, r2; asr.w r0, r0, r3; ssat r0, #8, r0; strb.w r0, [r4]",
        "fb01 f002 fa40 f003 f300 0007 f884 0000", 5),
]
