"""What is timed: short pieces of assembly, each unrolled n and 2n times; the difference is the price of n of them.

A body finds these registers, and leaves them as they were unless its comment says what it costs to restore them:

    r0  a buffer of 64 bytes, all zero     r1  the same; bodies may move it      r2  0; the result, part of the checksum
    r3  7     r4  3     r5  100     r6  0     r7  free     r8  0xFFFFFFFF, r9 1 (not on Armv6-M)     flags  Z set
    s1  7.0   s2  3.0   d8  7.0   d9  3.0 (with an FPU; s0, s3 to s6, d6, d7 free)

Every branch of a body goes where its ``taken`` says, to the label ``1:`` or nowhere; that of a loop, back until its last turn.
No branch that depends on a condition goes to the instruction that follows it: the simulator takes that for not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mcusim.boards import Board
from mcusim.cores import Core
from mcusim.cores.rules import DualIssueRules
from mcusim.isa.kind import Kind

COPIES = 32
"""n: copies of a body in its first function; the second has twice as many."""


@dataclass(frozen=True, slots=True)
class Body:
    """A piece of assembly and what it is there for.

    ``needs`` names what a core must have (``FEATURES``). ``operands`` are those of its divide or long multiply,
    ``misaligned`` what the addresses of its accesses leave modulo 8, ``turns`` how often its loop runs, ``landing`` the
    bytes from the end of an indirect branch to its target, -1 for the next multiple of four. ``finish`` is run once behind
    the copies, to bring the result into r2. ``memory`` names the memory that its buffer lies in (or its code:
    ``in_memory``), "" for the main ones; ``cold``: it is timed without a run before.
    """

    name: str
    exercises: str
    code: str
    needs: str = ""
    operands: tuple[int, int] | None = None
    taken: bool = True
    misaligned: int = 0
    turns: int = 1
    landing: int = -1
    finish: str = ""
    memory: str = ""
    in_memory: str = "buffer"
    cold: bool = False


FEATURES = {
    "": lambda core: True,
    "v7": lambda core: core.architecture != "armv6-m",
    "v8": lambda core: core.architecture.startswith("armv8"),
    "dsp": lambda core: core.has_dsp,
    "fpu": lambda core: core.has_fpu,
    "fpv5": lambda core: core.fpu.startswith("fpv5"),
    "double": lambda core: core.has_double,
    "unaligned": lambda core: core.unaligned_access,
}
"""What a core must have for a body."""

_HERE = "adr r7, 1f; adds r7, #1; "  # address of the label, as a Thumb address
_FOUR_TIMES = "movs r7, #4; .balign 4; 1: "
_SINGLE, _DOUBLE = "vmov r2, s0", "vmov r2, r7, d7"

INTEGER = (
    Body("alu", "ALU, each needing the one before", "adds r2, r2, r3"),
    Body("alu_free", "ALU, independent", "adds r7, r3, r4; adds r2, r3, r5"),
    Body("alu_rotated", "constant of eight bits rotated into place", "add.w r2, r2, #0xff00", "v7"),
    Body("alu_shift", "second operand shifted", "add.w r2, r2, r3, lsl #3", "v7"),
    Body("shift", "shift by a constant", "lsls r2, r3, #3"),
    Body("register_shift", "shift by a register", "lsls r2, r2, r4"),
    Body("move_wide", "MOVW", "movw r2, #0x1234", "v7"),
    Body("address", "ADR", "add r7, pc, #4"),
    Body("bitfield", "UBFX", "ubfx r2, r5, #1, #5", "v7"),
    Body("extend", "UXTB", "uxtb r2, r5"),
    Body("count_zeros", "CLZ", "clz r2, r5", "v7"),
    Body("reverse", "REV", "rev r2, r5"),
    Body("saturate", "SSAT", "ssat r2, #8, r5", "v7"),
    Body("nop", "NOP", ".inst.n 0xbf00"),
    Body("it", "IT and one instruction that is executed", "it eq; moveq r2, r3", "v7"),
    Body("it_skipped", "IT and one instruction that is not executed", "it ne; movne r2, r3", "v7"),
    Body("wide_run", "32-bit instructions at odd halfwords", "adds r2, r2, r3; add.w r2, r2, r4; add.w r2, r2, r4; "
         "add.w r2, r2, r4; adds r2, r2, r4", "v7"),
    Body("multiply", "MUL", "muls r2, r3, r2"),
    Body("multiply_accumulate", "MLA", "mla r2, r3, r4, r2", "v7"),
    Body("multiply_into_alu", "a product used at once", "muls r2, r3, r2; adds r2, r2, r4"),
    Body("multiply_long", "UMULL of short operands", "umull r2, r7, r3, r4", "v7", (7, 3)),
    Body("multiply_long_zero", "UMULL by zero", "umull r2, r7, r3, r6", "v7", (7, 0)),
    Body("multiply_long_wide", "UMULL of long operands", "umull r2, r7, r8, r8", "v7", (0xFFFFFFFF, 0xFFFFFFFF)),
    Body("multiply_accumulate_long", "UMLAL", "umlal r2, r7, r3, r4", "v7", (7, 3)),
    Body("divide_zero", "UDIV of zero", "udiv r2, r6, r3", "v7", (0, 7)),
    Body("divide_short", "UDIV by a longer divisor", "udiv r2, r3, r5", "v7", (7, 100)),
    Body("divide", "UDIV of a few bits", "udiv r2, r5, r3", "v7", (100, 7)),
    Body("divide_signed", "SDIV of a few bits", "sdiv r2, r5, r4", "v7", (100, 3)),
    Body("divide_wide", "UDIV of 32 bits by two", "udiv r2, r8, r4", "v7", (0xFFFFFFFF, 3)),
    Body("divide_widest", "UDIV of 32 bits by one", "udiv r2, r8, r9", "v7", (0xFFFFFFFF, 1)),
)  # fmt: skip

DSP = tuple(
    Body(name, exercises, code, "dsp")
    for name, exercises, code in (
        ("dsp_extend", "UXTB16", "uxtb16 r2, r5"),
        ("dsp_extend_add", "UXTAB", "uxtab r2, r2, r5"),
        ("dsp_pack", "PKHBT", "pkhbt r2, r3, r5, lsl #16"),
        ("dsp_select", "SEL", "sel r2, r3, r5"),
        ("dsp_simd", "UADD8", "uqadd8 r2, r2, r3"),
        ("dsp_saturate", "QADD", "qadd r2, r2, r3"),
        ("dsp_differences", "USADA8", "usada8 r2, r3, r5, r2"),
        ("dsp_multiply", "SMULBB", "smulbb r2, r3, r5"),
        ("dsp_multiply_accumulate", "SMLAD", "smlad r2, r3, r5, r2"),
        ("dsp_multiply_accumulate_long", "SMLALD", "smlald r2, r7, r3, r5"),
    )
)

ACCESSES = (
    Body("load", "LDR, each behind another", "ldr r2, [r0]"),
    Body("load_apart", "LDR between other instructions", "ldr r2, [r0]; adds r7, r3, r4"),
    Body("load_used", "LDR whose result is needed at once", "ldr r2, [r0]; adds r2, r2, r3"),
    Body("load_indexed", "LDR with register offset", "ldr r2, [r0, r6]"),
    Body("load_written_back", "LDR that moves its base", "ldr r2, [r1], #4; subs r1, #4", "v7"),
    Body("load_literal", "LDR from the code's memory", "ldr.w r7, [pc, #-4]", "v7"),
    Body("load_address", "LDR whose base was just computed", "adds r7, r0, #0; ldr r2, [r7]"),
    Body("load_misaligned", "LDR across words", "ldr r2, [r0, #2]; adds r7, r3, r4", "unaligned", misaligned=2),
    Body("load_narrow", "LDRB", "ldrb r2, [r0]"),
    Body("load_narrow_apart", "LDRB between other instructions", "ldrb r2, [r0]; adds r7, r3, r4"),
    Body("load_double", "LDRD", "ldrd r2, r7, [r0]", "v7"),
    Body("load_multiple_2", "LDM of two", "mov r1, r0; ldmia r1!, {r2, r7}"),
    Body("load_multiple_3", "LDM of three", "mov r1, r0; ldmia r1!, {r2, r6, r7}"),
    Body("load_exclusive", "LDREX", "ldrex r2, [r0]", "v7"),
    Body("load_acquire", "LDA", "lda r2, [r0]", "v8"),
    Body("preload", "PLD", "pld [r0]", "v7"),
    Body("store", "STR", "str r3, [r0]"),
    Body("store_apart", "STR between other instructions", "str r3, [r0]; adds r2, r3, r4"),
    Body("store_indexed", "STR with register offset", "str r3, [r0, r6]"),
    Body("store_misaligned", "STR across words", "str r3, [r0, #2]; adds r2, r3, r4", "unaligned", misaligned=2),
    Body("store_narrow", "STRB", "strb r3, [r0]"),
    Body("store_then_load", "LDR right behind STR", "str r3, [r0]; ldr r2, [r0, #4]"),
    Body("load_then_store", "STR right behind LDR", "ldr r2, [r0, #4]; str r3, [r0]"),
    Body("store_double", "STRD", "strd r3, r4, [r0]", "v7"),
    Body("store_multiple_2", "STM of two", "mov r1, r0; stmia r1!, {r3, r4}"),
    Body("store_multiple_3", "STM of three", "mov r1, r0; stmia r1!, {r3, r4, r5}"),
    Body("push_pop", "PUSH and POP", "push {r3, r4}; pop {r3, r4}"),
    Body("store_exclusive", "STREX without a reservation", "strex r2, r3, [r0]", "v7"),
    Body("store_release", "STL", "stl r3, [r0]", "v8"),
    Body("clear_exclusive", "CLREX", "clrex", "v7"),
)

BRANCHES = (
    Body("branch", "B", "b 1f; nop; 1:"),
    Body("branch_taken", "B<cc>, taken, its flags set long before", "beq 1f; nop; 1:"),
    Body("branch_not_taken", "B<cc>, not taken", "bne 1f; nop; 1:", taken=False),
    Body("branch_flagged", "B<cc>, taken, its flags just set", "cmp r3, r3; beq 1f; nop; 1:"),
    Body("loop", "B<cc> backwards", _FOUR_TIMES + "adds r2, r2, r3; adds r2, r2, r4; subs r7, #1; bne 1b", turns=4),
    Body("loop_one_word", "B<cc> backwards within its fetch word", _FOUR_TIMES + "subs r7, #1; bne 1b", turns=4),
    Body("branch_compare", "CBZ, taken", "cbz r6, 1f; nop; 1:", "v7"),
    Body("branch_compare_not_taken", "CBNZ, not taken", "cbnz r6, 1f; nop; 1:", "v7", taken=False),
    Body("branch_link", "BL", "bl 1f; 1:"),
    Body("branch_register", "BX", _HERE + "bx r7; .balign 4; 1:"),
    Body("branch_link_register", "BLX", _HERE + "blx r7; .balign 4; 1:"),
    Body("alu_branch", "MOV to PC", _HERE + "mov pc, r7; .balign 4; 1:"),
    Body("load_branch", "LDR to PC", _HERE + "str r7, [r0]; ldr.w pc, [r0]; .balign 4; 1:", "v7"),
    Body("pop_branch", "POP with PC", _HERE + "push {r6, r7}; pop {r6, pc}; .balign 4; 1:"),
    Body("table_branch", "TBB", "tbb [pc, r6]; .byte 2, 0, 0, 0; 1:", "v7", landing=4),
)

SYSTEM = (
    Body("send_event", "SEV", "sev"),
    Body("barrier", "DMB", "dmb"),
    Body("barrier_behind_store", "DSB behind a store", "str r3, [r0]; dsb"),
    Body("instruction_barrier", "ISB", "isb"),
    Body("read_special", "MRS", "mrs r7, primask"),
    Body("write_special", "MSR", "msr primask, r9", "v7"),
    Body("write_special_flags", "MSR of the flags", "msr apsr_nzcvq, r3"),
    Body("change_state", "CPS", "cpsid i"),
)

_FLOATS = (
    ("add", "VADD", "vadd.{t} {d}, {a}, {b}", "fpu"),
    ("add_chain", "VADD, each needing the one before", "vadd.{t} {d}, {d}, {b}", "fpu"),
    ("multiply", "VMUL", "vmul.{t} {d}, {a}, {b}", "fpu"),
    ("multiply_chain", "VMUL, each needing the one before", "vmul.{t} {d}, {d}, {b}", "fpu"),
    ("multiply_accumulate", "VMLA, a sum", "vmla.{t} {d}, {a}, {b}", "fpu"),
    ("fused", "VFMA, a sum", "vfma.{t} {d}, {a}, {b}", "fpu"),
    ("multiply_accumulate_free", "VMLA, two sums in turn", "vmla.{t} {d}, {a}, {b}; vmla.{t} {e}, {a}, {b}", "fpu"),
    ("multiply_accumulate_into_add", "VMLA used at once", "vmla.{t} {e}, {a}, {b}; vadd.{t} {d}, {e}, {a}", "fpu"),
    ("fused_free", "VFMA, two sums in turn", "vfma.{t} {d}, {a}, {b}; vfma.{t} {e}, {a}, {b}", "fpu"),
    ("fused_into_add", "VFMA used at once", "vfma.{t} {e}, {a}, {b}; vadd.{t} {d}, {e}, {a}", "fpu"),
    ("divide", "VDIV", "vdiv.{t} {d}, {a}, {b}", "fpu"),
    ("divide_chain", "VDIV, each needing the one before", "vdiv.{t} {d}, {d}, {b}", "fpu"),
    ("divide_hidden", "VDIV beside integer instructions", "vdiv.{t} {d}, {a}, {b}" + "; adds r7, r3, r4" * 8, "fpu"),
    ("root", "VSQRT", "vsqrt.{t} {d}, {a}", "fpu"),
    ("compare", "VCMP", "vcmp.{t} {a}, {b}", "fpu"),
    ("sign", "VABS", "vabs.{t} {d}, {a}", "fpu"),
    ("move", "VMOV", "vmov.{t} {d}, {a}", "fpu"),
    ("immediate", "VMOV of a constant", "vmov.{t} {d}, #1.0", "fpu"),
    ("select", "VSEL", "vseleq.{t} {d}, {a}, {b}", "fpv5"),
    ("round", "VRINT", "vrinta.{t} {d}, {a}", "fpv5"),
    ("extreme", "VMAXNM", "vmaxnm.{t} {d}, {a}, {b}", "fpv5"),
)  # fmt: skip

FLOAT = (
    *(Body(f"float_{name}", f"{text}.F32", code.format(t="f32", d="s0", e="s3", a="s1", b="s2"), needs, finish=_SINGLE)
      for name, text, code, needs in _FLOATS),
    Body("float_convert", "VCVT to integers", "vcvt.s32.f32 s0, s1", "fpu", finish=_SINGLE),
    Body("float_convert_chain", "VCVT, each needing the one before", "vcvt.s32.f32 s0, s1; vcvt.f32.s32 s0, s0", "fpu"),
    Body("float_from_core", "VMOV S, R", "vmov s0, r3", "fpu", finish=_SINGLE),
    Body("float_to_core", "VMOV R, S", "vmov r2, s1", "fpu"),
    Body("float_pair_from_core", "VMOV S, S, R, R", "vmov s3, s4, r3, r4", "fpu"),
    Body("float_pair_to_core", "VMOV R, R, S, S", "vmov r2, r7, s1, s2", "fpu"),
    # as words: GNU as has them for double precision only
    Body("float_lane_from_core", "VMOV D[0], R", ".inst.w 0xee063b10", "fpu"),  # vmov.32 d6[0], r3
    Body("float_lane_to_core", "VMOV R, D[0]", ".inst.w 0xee187b10", "fpu"),  # vmov.32 r7, d8[0]
    Body("float_status_read", "VMRS", "vmrs r7, fpscr", "fpu"),
    Body("float_status_write", "VMSR", "vmsr fpscr, r6", "fpu"),
    Body("float_load", "VLDR S", "vldr s0, [r0]", "fpu", finish=_SINGLE),
    Body("float_load_apart", "VLDR S between other instructions", "vldr s0, [r0]; adds r7, r3, r4", "fpu", finish=_SINGLE),
    Body("float_load_used", "VLDR S used at once", "vldr s3, [r0]; vadd.f32 s0, s3, s1", "fpu", finish=_SINGLE),
    Body("float_load_double", "VLDR D", "vldr d6, [r0]", "fpu"),
    Body("float_load_multiple_2", "VLDM of two", "vldmia r0, {s3, s4}", "fpu"),
    Body("float_load_multiple_4", "VLDM of four", "vldmia r0, {s3-s6}", "fpu"),
    Body("float_store", "VSTR S", "vstr s1, [r0]", "fpu"),
    Body("float_store_double", "VSTR D", "vstr d8, [r0]", "fpu"),
    Body("float_store_multiple_2", "VSTM of two", "vstmia r0, {s1, s2}", "fpu"),
    Body("float_store_multiple_4", "VSTM of four", "vstmia r0, {s1-s4}", "fpu"),
    *(Body(f"double_{name}", f"{text}.F64", code.format(t="f64", d="d7", e="d6", a="d8", b="d9"), "double", finish=_DOUBLE)
      for name, text, code, _ in _FLOATS),
    Body("double_convert", "VCVT.F64 to integers", "vcvt.s32.f64 s0, d8", "double", finish=_SINGLE),
)  # fmt: skip

ALL = (*INTEGER, *DSP, *ACCESSES, *BRANCHES, *SYSTEM, *FLOAT)

NOT_TIMED = {
    Kind.WAIT: "sleeps until something happens",
    Kind.SUPERVISOR_CALL: "takes an exception",
    Kind.BREAKPOINT: "takes an exception, or stops under a debugger",
    Kind.UNDEFINED: "takes an exception",
    Kind.COPROCESSOR: "takes an exception: boards have no such coprocessor",
    Kind.SECURITY: "needs the security extension",
    Kind.FLOAT_CONTEXT: "needs the security extension",
}
"""Kinds that no body exercises, and why."""

_OLDER_AND_YOUNGER = {
    "alu": ("add.w r2, r3, r4", "add.w r7, r3, r4"),
    "shift": ("lsl.w r2, r3, #3", "lsl.w r7, r3, #3"),
    "inline": ("add.w r2, r3, r4, lsl #2", "add.w r7, r3, r4, lsl #2"),
    "field": ("ubfx r2, r5, #1, #5", "ubfx r7, r5, #1, #5"),
    "dsp": ("uxtb.w r2, r5", "uxtb.w r7, r5"),
    "mac": ("mul r2, r3, r4", "mul r7, r3, r4"),
    "load": ("ldr.w r2, [r0]", "ldr.w r7, [r0, #4]"),
    "store": ("str.w r3, [r0]", "str.w r3, [r0, #4]"),
    "branch": ("bne.w 1f", "bne.w 1f"),
    "float": ("vadd.f32 s0, s1, s2", "vadd.f32 s3, s1, s2"),
    "fmac": ("vfma.f32 s0, s1, s2", "vfma.f32 s3, s1, s2"),
    "fdivide": ("vdiv.f32 s0, s1, s2", "vdiv.f32 s3, s1, s2"),
    "fload": ("vldr s0, [r0]", "vldr s3, [r0]"),
    "fstore": ("vstr s1, [r0]", "vstr s1, [r0, #4]"),
    "fmove": ("vmov s0, r3", "vmov s3, r3"),
    "fconstant": ("vmov.f32 s0, #1.0", "vmov.f32 s3, #1.0"),
    "double": ("vadd.f64 d6, d8, d9", "vadd.f64 d7, d8, d9"),
    "dmac": ("vfma.f64 d6, d8, d9", "vfma.f64 d7, d8, d9"),
}
"""By unit: an instruction of it, and another that depends on none of the first."""
_OF_FPU = {"float": "fpu", "fmac": "fpu", "fdivide": "fpu", "fload": "fpu", "fstore": "fpu", "fmove": "fpu", "fconstant": "fpu",
           "double": "double", "dmac": "double"}  # fmt: skip


def pairs_of(core: Core) -> Iterable[Body]:
    """A body for each two units that may or may not share a cycle; none for cores that issue one instruction a cycle."""
    if not isinstance(core.rules, DualIssueRules):
        return
    for older, (first, _) in _OLDER_AND_YOUNGER.items():
        for younger, (_, second) in _OLDER_AND_YOUNGER.items():
            needs = {_OF_FPU.get(older, "v7"), _OF_FPU.get(younger, "v7")}
            need = next(name for name in ("double", "fpu", "v7") if name in needs)
            label = "; 1:" if "branch" in (older, younger) else ""
            yield Body(f"pair_{older}_{younger}", f"{older} and {younger} in one cycle?", f"{first}; {second}{label}", need,
                       taken=False)  # fmt: skip


_RESULTS = {
    "alu": ("add.w r2, {v}, r6", "v7"),
    "logic": ("orr.w r2, {v}, r6", "v7"),
    "shifted": ("add.w r2, {v}, r6, lsl #2", "v7"),
    "reversed": ("rev.w r2, {v}; rev.w r2, r2", "v7"),
    "product": ("mul r2, {v}, r9", "v7"),
    "saturated": ("uqadd8 r2, {v}, r6", "dsp"),
    "dsp": ("sadd8 r2, {v}, r6", "dsp"),
    "load": ("str {v}, [r0]; ldr r2, [r0]", "v7"),
}
"""Instructions that bring the value of a register into r2."""
_ROLES = {
    "late": ("r6", "orr.w r7, r2, r3", "v7"),
    "early": ("r6", "ubfx r7, r2, #1, #5", "v7"),
    "base": ("r0", "ldr r7, [r2, #8]", "v7"),
    "index": ("r6", "ldr r7, [r0, r2]", "v7"),
    "factor": ("r6", "mul r7, r2, r3", "v7"),
    "addend": ("r6", "mla r7, r3, r4, r2", "v7"),
    "widened": ("r6", "uxtab r7, r2, r5", "dsp"),
    "store": ("r6", "str r2, [r0, #4]", "v7"),
    "entering": ("r6", "vmov s0, r2", "fpu"),
    "branch": ("r7", "bx r2; .balign 4; 1:", "v7"),
}
"""Value that r2 gets, and an instruction that needs it, by role of the operand (``mcusim.cores.rules.Latencies``)."""
_FLOAT_RESULTS = {
    "float": "vadd.f32 s3, s1, s2", "product": "vmul.f32 s3, s1, s2", "fused": "vfma.f32 s3, s1, s2",
    "chained": "vmla.f32 s3, s1, s2", "quotient": "vdiv.f32 s3, s1, s2", "load": "vldr s3, [r0]", "moved": "vmov s3, r6",
    "pair": "vmov s3, s4, r6, r6",
}  # fmt: skip
_FLOAT_ROLES = {
    "float": "vadd.f32 s0, s3, s1", "fused": "vfma.f32 s3, s1, s2", "chained": "vmla.f32 s3, s1, s2",
    "saved": "vstr s3, [r0, #4]", "leaving": "vmov r7, s3",
}  # fmt: skip
_FLAGS = {"flags": "adds.w r7, r3, r4", "late_flags": "adds.w r7, r3, r4, lsl #2"}
_FREE = {
    "alu_rotated": ("add.w r7, r3, #0xff00", "v7"),
    "alu_shift": ("add.w r7, r3, r4, lsl #3", "v7"),
    "register_shift": ("lsl.w r7, r3, r4", "v7"),
    "multiply": ("mul r7, r3, r4", "v7"),
    "multiply_flagged": ("movs r7, #3; muls r7, r3, r7", "v7"),
    "multiply_accumulate": ("mla r7, r3, r4, r5", "v7"),
    "multiply_accumulate_long": ("movs r2, #0; movs r7, #0; umlal r2, r7, r3, r4", "v7"),
    "dsp_simd": ("uqadd8 r7, r3, r4", "dsp"),
    "dsp_saturate": ("qadd r7, r3, r4", "dsp"),
    "dsp_extend_add": ("uxtab r7, r3, r5", "dsp"),
    "dsp_differences": ("usada8 r7, r3, r5, r4", "dsp"),
    "dsp_multiply_accumulate": ("smlad r7, r3, r5, r4", "dsp"),
    "dsp_multiply_accumulate_long": ("movs r2, #0; movs r7, #0; smlald r2, r7, r3, r5", "dsp"),
    "float_fused": ("vmov s0, r6; vfma.f32 s0, s1, s2", "fpu"),
    "float_multiply_accumulate": ("vmov s0, r6; vmla.f32 s0, s1, s2", "fpu"),
}
"""Instructions that otherwise occur in chains only, waiting for nothing."""
_APART = "; sev"
"""Shares a cycle with nothing, so that a copy does not begin beside the end of the one before."""


def latencies_of(core: Core) -> Iterable[Body]:
    """A body for each way in which a result is waited for, or is not; none for cores whose results are never."""
    if not getattr(core.rules, "latencies", {}):
        return
    for result, (made, first) in _RESULTS.items():
        for role, (value, used, second) in _ROLES.items():
            need = next(name for name in ("fpu", "dsp", "v7") if name in (first, second))
            code = f"{made.format(v=value)}; {used}{_APART}"
            yield Body(f"wait_{result}_{role}", f"{role} operand behind {result}", _HERE * (role == "branch") + code, need)
    for result, text in _FLOAT_RESULTS.items():
        for role, used in _FLOAT_ROLES.items():
            yield Body(f"wait_float_{result}_{role}", f"{role} operand behind {result}", f"{text}; {used}{_APART}", "fpu")
    for name, (text, needs) in _FREE.items():
        yield Body(f"free_{name}", f"{name}, independent", text, needs, operands=(7, 3) if "umlal" in text else None)
    for result, text in _FLAGS.items():
        yield Body(f"wait_{result}", f"an instruction that reads {result}", f"{text}; adc.w r7, r3, r4{_APART}", "v7")


DATA = ("load", "load_apart", "store", "store_then_load", "load_multiple_3")
CODE = ("alu", "wide_run", "branch", "load_literal")
"""Bodies that are timed with their buffer, or their code, in each of a board's memories."""


def placed(names: Sequence[str], in_memory: str, memories: Iterable[str], core: Core) -> Iterable[Body]:
    """Those bodies in each of the memories."""
    by_name = {body.name: body for body in ALL}
    for memory in memories:
        for name in names:
            body = by_name[name]
            if FEATURES[body.needs](core):
                yield replace(body, name=f"{name}.{in_memory}.{memory}", memory=memory, in_memory=in_memory)


_NEXT_LINE = "ldr r2, [r1]; adds r1, #32"
LINES = (
    Body("lines", "LDR, one of each 32 bytes, nothing cached before", _NEXT_LINE, cold=True, in_memory="constants"),
    Body("lines_again", "LDR, one of each 32 bytes, read before", _NEXT_LINE, in_memory="constants"),
    Body("jumps", "B, one in each 32 bytes, nothing cached before", "b 1f; .balign 32; 1:", cold=True),
    Body("jumps_again", "B, one in each 32 bytes, run before", "b 1f; .balign 32; 1:"),
)
"""Hits and misses of flash and caches."""


ENERGY = (
    "alu", "alu_free", "shift", "wide_run", "bitfield", "multiply", "multiply_accumulate", "multiply_into_alu", "divide_zero",
    "divide", "divide_wide", "dsp_pack", "dsp_select", "dsp_multiply_accumulate", "load", "load_apart", "load_multiple_3",
    "load_double", "load_literal", "store", "store_apart", "store_multiple_3", "store_double", "push_pop", "branch",
    "branch_not_taken", "branch_link", "loop", "nop", "barrier",
    "instruction_barrier", "read_special", "write_special", "float_add", "float_multiply", "float_fused",
    "float_divide", "float_root", "double_add", "double_multiply", "double_divide", "lines_again", "jumps_again",
)  # fmt: skip
"""Bodies of energy loops, in every memory that they are timed in: for each kind of event two loops that differ in it."""


def bodies_of(board: Board, core: Core, memories: Sequence[str] = ()) -> tuple[Body, ...]:
    """All that a board can time; ``memories`` are its RAMs besides the main one, by name."""
    own = [body for body in (*ALL, *pairs_of(core), *latencies_of(core)) if FEATURES[body.needs](core)]
    lines = [] if board.ideal else LINES
    places = (*placed(DATA, "buffer", memories, core), *placed(CODE, "code", ("ram", *memories), core))
    return (*own, *lines, *places)
