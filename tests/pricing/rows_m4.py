"""M3 and M4: every row of Table 3-1 in their TRMs (Arm DDI 0439D, DDI 0337I), of M4's Table 7-1, and the hazards H1 to
H16.

Where the documents leave a range or disagree, the side taken stands beside the row; docs/timing.md lists them all.
"""

from __future__ import annotations

from mcusim.pricing.passage import Fact
from tests.pricing.rows import SKIPPED, Row, at, cost

# The pipeline refill P, "1 to 3": 1 for B, BL, BX, BLX and a B<cc> whose flags are not under way, 2 where execute decides or
# computes the target, 2 for POP, 3 for LDR.

SHARED = [
    # assembler: m3
    Row("mov.w r0, r1", "ea4f 0001", 1),
    Row("mov.w r0, r1, lsl #3", "ea4f 00c1", 1),
    Row("movw r0, #0x1234", "f241 2034", 1),
    Row("movt r0, #0x1234", "f2c1 2034", 1),
    Row("mov pc, r1", "468f", 3),  # 1 + P
    Row("add.w r0, r1, r2, ror #5", "eb01 1072", 1),
    Row("add pc, r1", "448f", 3),  # 1 + P
    Row("adc.w r0, r1, r2", "eb41 0002", 1),
    Row("adr r0, .+8", "a001", 1),
    Row("sub.w r0, r1, #0xff00", "f5a1 407f", 1),
    Row("sbc.w r0, r1, r2", "eb61 0002", 1),
    Row("rsb r0, r1, r2, asr #7", "ebc1 10e2", 1),
    Row("muls r0, r1, r0", "4348", 1),
    Row("cmp r0, r1", "4288", 1),
    Row("cmn r0, r1", "42c8", 1),
    Row("and r0, r1, r2", "ea01 0002", 1),
    Row("eor r0, r1, r2", "ea81 0002", 1),
    Row("orr r0, r1, r2", "ea41 0002", 1),
    Row("orn r0, r1, r2", "ea61 0002", 1),
    Row("bic r0, r1, r2", "ea21 0002", 1),
    Row("mvn r0, r1", "ea6f 0001", 1),
    Row("tst r0, r1", "4208", 1),
    Row("teq r0, r1", "ea90 0f01", 1),
    Row("lsl.w r0, r1, #3", "ea4f 00c1", 1),
    Row("lsl.w r0, r1, r2", "fa01 f002", 1),
    Row("lsr.w r0, r1, r2", "fa21 f002", 1),
    Row("asr.w r0, r1, r2", "fa41 f002", 1),
    Row("ror.w r0, r1, r2", "fa61 f002", 1),
    Row("rrx r0, r1", "ea4f 0031", 1),
    Row("clz r0, r1", "fab1 f081", 1),
    Row("rbit r0, r1", "fa91 f0a1", 1),
    Row("rev r0, r1", "ba08", 1),
    Row("rev16 r0, r1", "ba48", 1),
    Row("revsh r0, r1", "bac8", 1),
    Row("sxth.w r0, r1, ror #8", "fa0f f091", 1),
    Row("uxtb r0, r1", "b2c8", 1),
    Row("ubfx r0, r1, #3, #5", "f3c1 00c4", 1),
    Row("sbfx r0, r1, #3, #5", "f341 00c4", 1),
    Row("bfi r0, r1, #3, #5", "f361 00c7", 1),
    Row("bfc r0, #3, #5", "f36f 00c7", 1),
    Row("ssat r0, #8, r1", "f301 0007", 1),
    Row("usat r0, #8, r1, asr #3", "f3a1 00c8", 1),
    Row("sdiv r0, r1, r2", "fb91 f0f2", 2, facts=cost(2)),  # 2 to 12, whatever the table of divides says
    Row("udiv r0, r1, r2", "fbb1 f0f2", 12, facts=cost(12)),
    Row("udiv r0, r1, r2; adds r0, #1", "fbb1 f0f2 3001", 8, facts=cost(7)),
    Row("ldr r0, [r1]", "6808", 2),
    Row("ldr r0, [r1, r2]", "5888", 2),
    Row("ldr.w r0, [r1, r2, lsl #2]", "f851 0022", 2),
    Row("ldr r0, [pc, #8]", "4802", 2),  # "may add a cycle": not taken
    Row("ldrb r0, [r1]", "7808", 2),
    Row("ldrh r0, [r1]", "8808", 2),
    Row("ldrsb r0, [r1, r2]", "5688", 2),
    Row("ldrsh r0, [r1, r2]", "5e88", 2),
    Row("ldrt r0, [r1]", "f851 0e00", 2),
    Row("ldr.w r0, [r1, #4]!", "f851 0f04", 2),
    Row("ldr r0, [r1], #4", "f851 0b04", 2),
    Row("ldrd r0, r1, [r2]", "e9d2 0100", 3),  # 1 + N
    Row("ldm r0, {r1-r4}", "e890 001e", 5),  # 1 + N; the prose's own sum does not add up
    Row("pop {r4-r7}", "bcf0", 5),
    Row("pop {r4, pc}", "bd10", 5),  # 1 + N + P
    Row("ldr pc, [r1]", "f8d1 f000", 5),  # "at least five cycles"
    Row("str r0, [r1]", "6008", 1),  # the table says 2, the prose "always one cycle": prose
    Row("strb r0, [r1]", "7008", 1),
    Row("strh r0, [r1]", "8008", 1),
    Row("str r0, [r1], #4", "f841 0b04", 1),
    Row("strd r0, r1, [r2]", "e9c2 0100", 3),
    Row("stm r0!, {r1-r4}", "c01e", 5),
    Row("push {r4-r7, lr}", "b5f0", 6),
    Row("ldrex r0, [r1]", "e851 0f00", 2),
    Row("strex r0, r1, [r2]", "e842 1000", 2),
    Row("clrex", "f3bf 8f2f", 1),
    Row("b .+8", "e002", 2),  # 1 + P
    Row("bl .+8", "f000 f802", 2),
    Row("bx r1", "4708", 2),
    Row("blx r1", "4788", 2),
    # H17: flags set by the instruction right before keep decode from telling where to go on
    Row("beq .+8", "d002", 1, taken=2),
    Row("beq.w .+8", "f000 8002", 1, taken=2),
    Row("cmp r0, #0; beq .+8", "2800 d002", 2, taken=4),
    Row("cmp r0, #0; mov r1, r2; beq .+8", "2800 4611 d002", 3, taken=4),
    Row("cbz r0, .+8", "b110", 1, taken=3),
    Row("tbb [r0, r1]", "e8d0 f001", 6),  # "at least six cycles"
    Row("tbh [r0, r1, lsl #1]", "e8d0 f011", 6),
    Row("nop", "bf00", 1),
    Row("sev", "bf40", 1),
    Row("wfi", "bf30", 1),  # 1 + W, the machine adds W
    Row("mrs r0, primask", "f3ef 8010", 2),  # "1 or 2": 2
    Row("msr primask, r0", "f380 8810", 2),
    Row("cpsid i", "b672", 1),
    Row("dmb", "f3bf 8f5f", 1),  # 1 + B, B = 0 with nothing buffered
    Row("dsb", "f3bf 8f4f", 1),
    Row("isb", "f3bf 8f6f", 3),  # 1 + B, B at least P: refill from execute
    Row("svc #0", "df00", 1),
    # H1: a run of N loads costs N + 1; a load followed by anything else costs 2
    Row("ldr r0, [r1]; ldr r2, [r1, #4]", "6808 684a", 3),
    Row("ldr r0, [r1]; ldr r2, [r1, #4]; ldr r3, [r1, #8]", "6808 684a 688b", 4),
    Row("ldr r0, [r1]; adds r2, #1", "6808 3201", 3),
    Row("ldr r0, [r1]; adds r2, #1; ldr r3, [r1]", "6808 3201 680b", 5),
    Row("ldr r0, [r1]; ldrb r2, [r1, #4]; adds r2, #1", "6808 790a 3201", 4),
    Row("ldrd r0, r1, [r2]; ldr r3, [r2]", "e9d2 0100 6813", 5),  # not pipelined with neighbours
    Row("ldr r3, [r2]; ldrd r0, r1, [r2]", "6813 e9d2 0100", 5),
    Row("ldr r3, [r2]; ldm r2, {r0, r1}", "6813 e892 0003", 5),
    # H2: TRM 3, JNK 2 on one memory block: JNK is taken (confirmed by the fit to pqm4 and Embench)
    Row("ldr r0, [r1]; str r0, [r2]", "6808 6010", 2),
    Row("ldr r0, [r1]; str r3, [r0]", "6808 6003", 3),  # its address is what was loaded
    Row("ldr r0, [r1]; str r0, [r2, r3]", "6808 50d0", 4),  # H6
    # H3: base or index computed just before
    Row("adds r1, #4; ldr r0, [r1]", "3104 6808", 4),
    Row("adds r2, #4; ldr r0, [r1, r2]", "3204 5888", 4),
    Row("adds r1, #4; str r0, [r1]", "3104 6008", 3),
    Row("adds r2, #4; ldr r0, [r1]", "3204 6808", 3),
    Row("adds r1, #4; nop; ldr r0, [r1]", "3104 bf00 6808", 4),  # one instruction in between: no stall
    Row("sub sp, #8; str r0, [sp]", "b082 9000", 3),
    Row("adds r0, #4; str r0, [r1]", "3004 6008", 2),  # store data is no address
    # H4: a loaded address: both pay in full
    Row("ldr r1, [r0]; ldr r2, [r1]", "6801 680a", 4),
    Row("ldr r1, [r0]; ldr r2, [r3, r1]", "6801 585a", 4),
    # H5: a load right behind a store
    Row("str r0, [r1]; ldr r2, [r3]", "6008 681a", 4),
    Row("str r0, [r1]; adds r0, #1; ldr r2, [r3]", "6008 3001 681a", 4),
    Row("str r0, [r1]; str r2, [r3]", "6008 601a", 2),
    Row("str r0, [r1]; ldm r3!, {r4, r5}", "6008 cb30", 5),
    Row("str r0, [r1]; stm r3!, {r4, r5}", "6008 c330", 4),
    # H6: store with register offset
    Row("str r0, [r1, r2]", "5088", 2),
    Row("str r0, [r1, r2]; nop", "5088 bf00", 2),
    Row("str r0, [r1, r2]; adds r3, #1", "5088 3301", 3),
    # H7: first of a chain indexed, second plain: chains on both cores
    Row("ldr r0, [r1], #4; ldr.w r2, [r3]", "f851 0b04 f8d3 2000", 3),
    Row("str r0, [r1], #4; str r2, [r1], #4", "f841 0b04 f841 2b04", 3),
    Row("str r0, [r1], #4; str r2, [r3], #4", "f841 0b04 f843 2b04", 2),
    # H9: NOP vanishes behind a load, a compare does not
    Row("ldr r0, [r1]; nop", "6808 bf00", 2),
    Row("ldr r0, [r1]; cmp r2, #0", "6808 2a00", 3),
    Row("ldr r0, [r1]; nop; nop", "6808 bf00 bf00", 3),
    # H10: unaligned accesses; the write buffer hides those of a store
    Row("ldrh r0, [r1]", "8808", 3, facts=at(1)),
    Row("ldr r0, [r1]", "6808", 3, facts=at(2)),
    Row("ldr r0, [r1]", "6808", 4, facts=at(1)),
    Row("ldr r0, [r1]", "6808", 2, facts=at(4)),
    Row("str r0, [r1]", "6008", 1, facts=at(2)),
    Row("str r0, [r1]; str r2, [r3]", "6008 601a", 3, facts=at(2)),  # 1, then the second transfer, then 1
    # H12: a wide load at a halfword address does not pipeline
    Row("adds r3, #1; ldr.w r0, [r1]; ldr.w r2, [r1, #4]", "3301 f8d1 0000 f8d1 2004", 5),
    Row("ldr.w r0, [r1]; ldr.w r2, [r1, #4]", "f8d1 0000 f8d1 2004", 3),
    # H13: three or more halfword-aligned wide instructions in a row, one cycle per run; four where they are stores
    Row("adds r3, #1; add.w r0, r1, r2; add.w r4, r1, r2", "3301 eb01 0002 eb01 0402", 3),
    Row("adds r3, #1; add.w r0, r1, r2; add.w r4, r1, r2; add.w r5, r1, r2", "3301 eb01 0002 eb01 0402 eb01 0502", 5),
    Row("nop; mov.w r0, r1; mov.w r2, r1; mov.w r3, r1; mov.w r4, r1; mov.w r5, r1; mov.w r6, r1",
        "bf00 ea4f 0001 ea4f 0201 ea4f 0301 ea4f 0401 ea4f 0501 ea4f 0601", 8),
    # word-aligned
    Row("add.w r0, r1, r2; add.w r4, r1, r2; add.w r5, r1, r2; add.w r6, r1, r2",
        "eb01 0002 eb01 0402 eb01 0502 eb01 0602", 4),
    # behind a multi-cycle one
    Row("pop {r3, r7}; add.w r0, r1, r2; add.w r4, r1, r2; add.w r5, r1, r2", "bc88 eb01 0002 eb01 0402 eb01 0502", 7),
    Row("adds r3, #1; ldr.w r0, [r1]; add.w r4, r1, r2; add.w r5, r1, r2; add.w r6, r1, r2",
        "3301 f8d1 0000 eb01 0402 eb01 0502 eb01 0602", 7),  # three behind a load: 1 + 2 + 3 + 1
    Row("adds r3, #1; str.w r0, [r1]; str.w r0, [r1]; str.w r0, [r1]", "3301 f8c1 0000 f8c1 0000 f8c1 0000", 4),
    Row("adds r3, #1; str.w r0, [r1]; str.w r0, [r1]; str.w r0, [r1]; str.w r0, [r1]",
        "3301 f8c1 0000 f8c1 0000 f8c1 0000 f8c1 0000", 6),
    # H14: a branch to a halfword-aligned wide instruction costs no more (rows are entered by a branch)
    Row("add.w r0, r1, r2", "eb01 0002", 1, address=0x8002),
    Row("adds r0, #1", "3001", 1, address=0x8002),
    # H15: a loop within one fetch word refills at once
    Row("subs r0, #1; bne .-2", "3801 d1fd", 2, taken=3),
    Row("subs r0, #1; bne .-2", "3801 d1fd", 2, taken=4, address=0x8002),
    Row("bx lr", "4770", 2),
    Row("ldr.w lr, [sp]; bx lr", "f8dd e000 4770", 4),
    Row("add.w r0, r1, r2; it eq; addeq r1, #1", "eb01 0002 bf08 3101", 3),
    Row("it eq; addeq r1, #1", "bf08 3101", 2),  # a branch target has nothing to fold onto
    # instructions in a failed IT slot take one cycle each
    Row("it eq; ldreq r0, [r1]", "bf08 6808", 2, facts={1: SKIPPED}),
    Row("it eq; udiveq r0, r1, r2", "bf08 fbb1 f0f2", 2, facts={1: SKIPPED}),
    Row("it eq; bxeq lr", "bf08 4770", 2, taken=3),
    Row("it eq; popeq {r4, pc}", "bf08 bd10", 2, taken=6),
]

M4 = [
    *SHARED,
    # assembler: m4
    Row("mla r0, r1, r2, r3", "fb01 3002", 1),
    Row("mls r0, r1, r2, r3", "fb01 3012", 1),
    Row("smull r0, r1, r2, r3", "fb82 0103", 1),
    Row("umull r0, r1, r2, r3", "fba2 0103", 1),
    Row("smlal r0, r1, r2, r3", "fbc2 0103", 1),
    Row("umlal r0, r1, r2, r3", "fbe2 0103", 1),
    Row("umaal r0, r1, r2, r3", "fbe2 0163", 1),
    Row("smulbb r0, r1, r2", "fb11 f002", 1),
    Row("smulwt r0, r1, r2", "fb31 f012", 1),
    Row("smlabb r0, r1, r2, r3", "fb11 3002", 1),
    Row("smlalbb r0, r1, r2, r3", "fbc2 0183", 1),
    Row("smuad r0, r1, r2", "fb21 f002", 1),
    Row("smlad r0, r1, r2, r3", "fb21 3002", 1),
    Row("smlald r0, r1, r2, r3", "fbc2 01c3", 1),
    Row("smmul r0, r1, r2", "fb51 f002", 1),
    Row("smmla r0, r1, r2, r3", "fb51 3002", 1),
    Row("sxtab r0, r1, r2", "fa41 f082", 1),
    Row("sxtb16 r0, r1", "fa2f f081", 1),
    Row("pkhbt r0, r1, r2, lsl #16", "eac1 4002", 1),
    Row("sadd8 r0, r1, r2", "fa81 f002", 1),
    Row("uhsub16 r0, r1, r2", "fad1 f062", 1),
    Row("sel r0, r1, r2", "faa1 f082", 1),
    Row("qadd r0, r1, r2", "fa82 f081", 1),
    Row("ssat16 r0, #8, r1", "f321 0007", 1),
    Row("usada8 r0, r1, r2, r3", "fb71 3002", 1),
    # H7: indexed loads chain, on one base too (against JNK); an indexed store behind a load pays no more than a plain one
    Row("ldr r0, [r1], #4; ldr r2, [r3], #4", "f851 0b04 f853 2b04", 3),
    Row("ldr r0, [r1], #4; ldr r2, [r1], #4", "f851 0b04 f851 2b04", 3),
    Row("ldr r0, [r1]; str.w r0, [r2], #4", "6808 f842 0b04", 2),
    # H16: IT takes its cycle behind a 16-bit instruction too
    Row("adds r0, #1; it eq; addeq r1, #1", "3001 bf08 3101", 3),
    Row("cmp r0, #0; ite eq; moveq r1, #1; movne r1, #2", "2800 bf0c 2101 2102", 4),
    # Table 7-1
    Row("vadd.f32 s0, s1, s2", "ee30 0a81", 1),
    Row("vsub.f32 s0, s1, s2", "ee30 0ac1", 1),
    Row("vmul.f32 s0, s1, s2", "ee20 0a81", 1),
    Row("vnmul.f32 s0, s1, s2", "ee20 0ac1", 1),
    Row("vcvt.s32.f32 s0, s1", "eebd 0ae0", 1),
    Row("vabs.f32 s0, s1", "eeb0 0ae0", 1),
    Row("vneg.f32 s0, s1", "eeb1 0a60", 1),
    Row("vmov.f32 s0, s1", "eeb0 0a60", 1),
    Row("vmov.f32 s0, #1.0", "eeb7 0a00", 1),
    Row("vcmp.f32 s0, s1", "eeb4 0a60", 1),
    Row("vcmpe.f32 s0, #0.0", "eeb5 0ac0", 1),
    Row("vmrs apsr_nzcv, fpscr", "eef1 fa10", 1),
    Row("vmsr fpscr, r0", "eee1 0a10", 1),
    Row("vmla.f32 s0, s1, s2", "ee00 0a81", 3),
    Row("vfma.f32 s0, s1, s2", "eea0 0a81", 3),
    Row("vfnms.f32 s0, s1, s2", "ee90 0a81", 3),
    Row("vdiv.f32 s0, s1, s2", "ee80 0a81", 1),  # 14, but integer instructions run underneath
    Row("vsqrt.f32 s0, s1", "eeb1 0ae0", 1),
    Row("vmov s0, r0", "ee00 0a10", 1),  # measured 1 (COMP); some editions of the table print 2
    Row("vmov r0, s0", "ee10 0a10", 1),
    Row("vmov s0, s1, r0, r1", "ec41 0a10", 2),
    Row("vmov d0, r0, r1", "ec41 0b10", 2),
    Row(".inst.w 0xee200b10", "ee20 0b10", 1),  # VMOV.32 D0[1], R0
    Row("vldr s0, [r0]", "ed90 0a00", 2),
    Row("vldr d0, [r0]", "ed90 0b00", 3),
    Row("vstr s0, [r0]", "ed80 0a00", 1),  # table 2, as for STR; GCC 1: taken
    Row("vstr d0, [r0]", "ed80 0b00", 3),
    Row("vldm r0, {s0-s3}", "ec90 0a04", 5),
    Row("vpush {d8-d9}", "ed2d 8b04", 5),
    Row("vpop {d8-d9}", "ecbd 8b04", 5),
    # notes to Table 7-1: one more cycle when the next instruction uses the result ...
    Row("vadd.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "ee30 0a81 ee72 1a22", 2),
    Row("vadd.f32 s0, s1, s2; vadd.f32 s3, s0, s5", "ee30 0a81 ee70 1a22", 3),
    Row("vadd.f32 s0, s1, s2; vmov r0, s0", "ee30 0a81 ee10 0a10", 3),
    Row("vadd.f32 s0, s1, s2; nop; vadd.f32 s3, s0, s5", "ee30 0a81 bf00 ee70 1a22", 3),
    Row("vadd.f32 s0, s1, s2; vstr s0, [r0]", "ee30 0a81 ed80 0a00", 3),
    Row("vabs.f32 s0, s1; vadd.f32 s2, s0, s0", "eeb0 0ae0 ee30 1a00", 2),
    Row("vmla.f32 s0, s1, s2; vadd.f32 s3, s0, s4", "ee00 0a81 ee70 1a02", 5),
    # ... except as addend of a multiply-accumulate (GCC)
    Row("vadd.f32 s0, s1, s2; vmla.f32 s0, s4, s5", "ee30 0a81 ee02 0a22", 4),
    Row("vadd.f32 s0, s1, s2; vmla.f32 s3, s0, s0", "ee30 0a81 ee40 1a00", 5),
    Row("vmla.f32 s0, s1, s2; vmla.f32 s0, s3, s4", "ee00 0a81 ee01 0a82", 6),
    # VDIV and VSQRT: the FPU is busy for 14 cycles, the result costs one more, not as an addend
    Row("vdiv.f32 s0, s1, s2; adds r0, #1; adds r1, #1", "ee80 0a81 3001 3101", 3),
    Row("vdiv.f32 s0, s1, s2; vadd.f32 s3, s4, s5", "ee80 0a81 ee72 1a22", 15),
    Row("vdiv.f32 s0, s1, s2; vadd.f32 s3, s0, s5", "ee80 0a81 ee70 1a22", 16),
    Row("vdiv.f32 s0, s1, s2; vmla.f32 s0, s4, s5", "ee80 0a81 ee02 0a22", 17),
    Row("vsqrt.f32 s0, s1; adds r0, #1; vadd.f32 s3, s0, s5", "eeb1 0ae0 3001 ee70 1a22", 16),
    # loads of FP registers pipeline like the others
    Row("vldr s0, [r0]; vldr s1, [r0, #4]", "ed90 0a00 edd0 0a01", 3),
    Row("vldr s0, [r0]; vadd.f32 s1, s0, s0", "ed90 0a00 ee70 0a00", 3),
]

M3 = [
    *SHARED,
    # assembler: m3
    Row("mla r0, r1, r2, r3", "fb01 3002", 2),
    Row("mls r0, r1, r2, r3", "fb01 3012", 2),
    Row("smull r0, r1, r2, r3", "fb82 0103", 3, facts=cost(3)),  # 3 to 5
    Row("umull r0, r1, r2, r3", "fba2 0103", 5, facts=cost(5)),
    Row("smlal r0, r1, r2, r3", "fbc2 0103", 4, facts=cost(3)),  # 4 to 7; the facts carry the cycles of the same SMULL
    Row("umlal r0, r1, r2, r3", "fbe2 0103", 7, facts=cost(5)),
    # H7: no indexed load behind another; an indexed store behind a load
    Row("ldr r0, [r1], #4; ldr r2, [r3], #4", "f851 0b04 f853 2b04", 4),
    Row("ldr r0, [r1], #4; ldr r2, [r1], #4", "f851 0b04 f851 2b04", 4),
    # H16: IT behind a 16-bit instruction is free
    Row("adds r0, #1; it eq; addeq r1, #1", "3001 bf08 3101", 2),
    Row("cmp r0, #0; ite eq; moveq r1, #1; movne r1, #2", "2800 bf0c 2101 2102", 3),
    Row("ldr r0, [r1]; str.w r0, [r2], #4", "6808 f842 0b04", 4),
]

# H8: the second load goes to another slave of the bus matrix.
OTHER_SLAVE = Row("ldr r0, [r1]; ldr r2, [r3]", "6808 681a", 4, facts={1: Fact(region=1)})
SAME_SLAVE = Row("ldr r0, [r1]; ldr r2, [r3]", "6808 681a", 3)
STORE_TO_OTHER_SLAVE = Row("ldr r0, [r1]; str r0, [r2]", "6808 6010", 3, facts={1: Fact(region=1)})
