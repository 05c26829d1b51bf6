"""Cortex-M7 with DSP and double-precision FPU (r1p1).

Sources: JNK = jnk0le/random, cortex_m7.md (measured on STM32H743); LLVM = ARMScheduleM7.td and ARMLatencyMutations.cpp;
M7-TRM = Arm DDI 0489F. Arm publishes no cycle table. Where they conflict the measurement is taken.
"""

from __future__ import annotations

from mcusim.cores.core import Core, ExceptionTiming, Timing
from mcusim.cores.division import early_termination, square
from mcusim.cores.rules import DualIssueRules
from mcusim.isa.kind import Kind

# --- units: what shares a cycle with what (JNK pairing notes) --------------------------------------------------------
# alu: add, logic, compare, plain moves
# shift: shifts by constant or register (EX1 or EX2 shifter)
# inline: shifted operand2, rotated constant (EX1 shifter)
# field: bit fields, reversals, extend-and-add, PKH, SSAT (EX1 shifter and DSP path)
# dsp: the other DSP and extend instructions
# mac: all multiplies
# load, store, branch, float (arithmetic), fmac, fdivide, fload, fstore, fmove, fconstant, double, dmac as they say
# alone: nothing beside it
_ALU = Timing(1, result="late", unit="alu")
_SHIFT = Timing(1, result="late", unit="shift")
_INLINE = Timing(1, result="late", unit="inline")
_FIELD = Timing(1, result="late", unit="field")
_REVERSE = Timing(1, result="reversed", unit="field")
_SATURATE = Timing(1, result="saturated", unit="field")  # EX1 shifter, late result (LLVM; JNK silent)
_DSP = Timing(1, result="late", unit="dsp")
_SLOW_DSP = Timing(1, result="saturated", unit="dsp")  # LLVM: latency 2; JNK silent
_MAC = Timing(1, result="product", unit="mac")
_LOAD = Timing(1, result="load", unit="load")
_SLOW_LOAD = Timing(1, result="slow_load", unit="load")
_STORE = Timing(1, unit="store")
_BRANCH = Timing(1, unit="branch")
_ALONE = Timing(1, unit="alone")
_FLOAT = Timing(1, result="float", unit="float")
_DOUBLE = Timing(1, result="float", unit="double")


def _alone(cycles: int, result: str = "") -> Timing:
    return Timing(cycles, result=result, unit="alone")


TIMING: dict[Kind, Timing] = {
    Kind.ALU: _ALU, Kind.MOVE_WIDE: _ALU, Kind.ADDRESS: _ALU, Kind.SHIFT: _SHIFT, Kind.REGISTER_SHIFT: _SHIFT,
    Kind.ALU_ROTATED: _INLINE, Kind.ALU_SHIFT: _INLINE, Kind.BITFIELD: _FIELD, Kind.REVERSE: _REVERSE,
    Kind.EXTEND: _DSP, Kind.COUNT_ZEROS: _DSP, Kind.SATURATE: _SATURATE, Kind.DSP_EXTEND: _DSP, Kind.DSP_SELECT: _DSP,
    Kind.DSP_SIMD: _DSP, Kind.DSP_SATURATE: _SLOW_DSP, Kind.DSP_DIFFERENCES: _SLOW_DSP,
    Kind.DSP_EXTEND_ADD: _FIELD, Kind.DSP_PACK: _FIELD,
    Kind.MULTIPLY: _MAC, Kind.MULTIPLY_ACCUMULATE: _MAC, Kind.MULTIPLY_LONG: _MAC, Kind.MULTIPLY_ACCUMULATE_LONG: _MAC,
    Kind.DSP_MULTIPLY: _MAC, Kind.DSP_MULTIPLY_ACCUMULATE: _MAC, Kind.DSP_MULTIPLY_ACCUMULATE_LONG: _MAC,
    # Blocks the pipeline (LLVM 7, GCC 4, TRM silent: conflict); see divide_cycles.  # unverified on silicon
    Kind.DIVIDE: _alone(1, "late"),
    Kind.LOAD: _LOAD, Kind.LOAD_NARROW: _SLOW_LOAD, Kind.STORE: _STORE, Kind.STORE_NARROW: _STORE,
    # Never paired (LLVM SingleIssue).
    Kind.LOAD_EXCLUSIVE: _alone(1, "slow_load"), Kind.STORE_EXCLUSIVE: _alone(1, "slow_load"),
    Kind.CLEAR_EXCLUSIVE: _ALONE, Kind.PRELOAD: _LOAD,
    # ceil(N/2) cycles: words move two at a time; see the engine.
    Kind.LOAD_DOUBLE: _alone(0, "load"), Kind.STORE_DOUBLE: _alone(0),
    Kind.LOAD_MULTIPLE: _alone(0, "load"), Kind.STORE_MULTIPLE: _alone(0), Kind.LOAD_MULTIPLE_BRANCH: _alone(0, "load"),
    # A correctly predicted branch takes its slot; wrong ones are counted by the predictor and cost mispredict_cycles.
    Kind.BRANCH: _BRANCH, Kind.BRANCH_CONDITIONAL: _BRANCH, Kind.BRANCH_COMPARE: _BRANCH, Kind.BRANCH_LINK: _BRANCH,
    Kind.BRANCH_REGISTER: _BRANCH, Kind.BRANCH_LINK_REGISTER: _BRANCH, Kind.ALU_BRANCH: _BRANCH,
    Kind.LOAD_BRANCH: _LOAD, Kind.TABLE_BRANCH: _alone(2),  # load, then branch  # unverified on silicon
    Kind.IT: Timing(1, unit="branch"),  # takes a slot: no triple issue
    Kind.NOP: Timing(1, unit="alu"),  # not eliminated, but pairs
    Kind.SEND_EVENT: _ALONE, Kind.WAIT: _ALONE, Kind.SUPERVISOR_CALL: _ALONE, Kind.BREAKPOINT: _ALONE,
    Kind.UNDEFINED: _ALONE, Kind.COPROCESSOR: _ALONE,
    # Single issue (LLVM); cycles as on M4, ISB a refill from the end of a six-stage pipeline.  # unverified on silicon
    Kind.BARRIER: _ALONE, Kind.INSTRUCTION_BARRIER: _alone(8), Kind.READ_SPECIAL: _alone(2, "late"),
    Kind.WRITE_SPECIAL: _alone(2), Kind.CHANGE_STATE: _ALONE,
    # --- FPU, single precision (JNK table of result latencies) ------------------------------------------------------
    Kind.FLOAT_ADD: _FLOAT, Kind.FLOAT_MULTIPLY: _FLOAT, Kind.FLOAT_CONVERT: _FLOAT, Kind.FLOAT_COMPARE: _FLOAT,
    Kind.FLOAT_SIGN: _FLOAT, Kind.FLOAT_SELECT: _FLOAT, Kind.FLOAT_ROUND: _FLOAT, Kind.FLOAT_EXTREME: _FLOAT,
    Kind.FLOAT_FUSED: Timing(1, result="fused", unit="fmac"),
    Kind.FLOAT_MULTIPLY_ACCUMULATE: Timing(1, result="chained", unit="fmac"),
    # VDIV 16, VSQRT 14; the pipeline waits for them (JNK; LLVM and GCC say 16 for both: conflict).
    Kind.FLOAT_DIVIDE: Timing(16, result="float_load", unit="fdivide"),
    Kind.FLOAT_ROOT: Timing(14, result="float_load", unit="fdivide"),
    Kind.FLOAT_MOVE: Timing(1, result="fmove", unit="fmove"),
    Kind.FLOAT_IMMEDIATE: Timing(1, result="fmove", unit="fconstant"),
    Kind.FLOAT_FROM_CORE: Timing(1, result="fmove", unit="fmove"),
    Kind.FLOAT_LANE_FROM_CORE: Timing(1, result="fmove", unit="fmove"),
    Kind.FLOAT_TO_CORE: Timing(1, result="load", unit="fmove"),
    Kind.FLOAT_LANE_TO_CORE: Timing(1, result="load", unit="fmove"),
    # Two registers: never beside anything (JNK).
    Kind.FLOAT_PAIR_FROM_CORE: _alone(1, "fmove"), Kind.FLOAT_PAIR_TO_CORE: _alone(1, "load"),
    Kind.FLOAT_STATUS_READ: _alone(1, "load"), Kind.FLOAT_STATUS_WRITE: _alone(1),
    Kind.FLOAT_LOAD: Timing(1, result="float_load", unit="fload"), Kind.FLOAT_STORE: Timing(1, unit="fstore"),
    Kind.FLOAT_LOAD_DOUBLE: _alone(1, "float_load"), Kind.FLOAT_STORE_DOUBLE: _alone(1),
    Kind.FLOAT_LOAD_MULTIPLE: _alone(0, "float_load"), Kind.FLOAT_STORE_MULTIPLE: _alone(0),
    # --- FPU, double precision (JNK) --------------------------------------------------------------------------------
    # Issue cycles depend on the operands; the figures for different exponents are taken, the common case (equal ones:
    # VADD 1, VFMA 7, VMLA 8; a zero: VMUL 4, VDIV 2). What follows a multiply-accumulate at once: see chained_cycles.
    # From the older slot, with an integer instruction.
    Kind.DOUBLE_ADD: Timing(2, result="float", unit="double"),
    Kind.DOUBLE_MULTIPLY: Timing(5, result="float", unit="double"),
    Kind.DOUBLE_FUSED: Timing(8, result="float", unit="dmac"),
    Kind.DOUBLE_MULTIPLY_ACCUMULATE: Timing(9, result="float", unit="dmac"),
    Kind.DOUBLE_DIVIDE: Timing(30, result="float_load", unit="fdivide"),
    Kind.DOUBLE_ROOT: Timing(30, result="float_load", unit="fdivide"),  # no source: as VDIV  # unverified on silicon
    Kind.DOUBLE_CONVERT: _DOUBLE, Kind.DOUBLE_COMPARE: _DOUBLE, Kind.DOUBLE_SIGN: _DOUBLE, Kind.DOUBLE_SELECT: _DOUBLE,
    Kind.DOUBLE_ROUND: _DOUBLE, Kind.DOUBLE_EXTREME: _DOUBLE,
    Kind.DOUBLE_MOVE: Timing(1, result="fmove", unit="double"),  # LLVM: both ports of the FPU, older slot
    Kind.DOUBLE_IMMEDIATE: Timing(1, result="fmove", unit="double"),
}  # fmt: skip


def _row(late: int, early: int, base: int, index: int, factor: int, addend: int, entering: int) -> dict[str, int]:
    """``store`` is always 0: any result can be stored in its own cycle, a loaded one too (JNK)."""
    return {
        "late": late, "early": early, "base": base, "index": index, "factor": factor, "addend": addend, "widened": late,
        "store": 0, "entering": entering, "branch": early, "flags": late,
    }  # fmt: skip


def _float_row(other: int, fused: int, chained: int, saved: int, leaving: int) -> dict[str, int]:
    return {"float": other, "fused": fused, "chained": chained, "saved": saved, "leaving": leaving, "flags": other}


LATENCIES = {
    #             late early base index factor addend entering (1 from any ALU: JNK)
    "early": _row(0, 1, 1, 1, 0, 0, 1),  # early ALU forwards to the late one in the same cycle (JNK)
    "late": _row(1, 2, 2, 2, 1, 0, 1),  # an EX1 consumer waits one more (JNK, LLVM Read_ISS)
    "reversed": _row(0, 2, 2, 2, 0, 0, 1),  # REV, RBIT: early, but not to address, shifter or each other (JNK)
    "saturated": _row(2, 3, 3, 3, 2, 1, 1),  # LLVM: latency 2
    "load": _row(1, 2, 2, 3, 2, 0, 1),  # factor 2 (JNK), index 3 (LLVM mutation)
    "slow_load": _row(2, 3, 3, 4, 3, 1, 2),  # byte and halfword: one more, but the addend takes it after 1 (JNK)
    "product": _row(2, 3, 4, 4, 2, 1, 1),  # address 4 (LLVM), accumulator chain 1 (JNK)
    "update": _row(0, 2, 1, 1, 0, 0, 1),  # base written back: next address at once, early ALU not (JNK)
    "flags": {"flags": 1},  # no forwarding within a cycle (JNK)
    #                   any fused chained saved leaving
    "float": _float_row(3, 3, 2, 1, 3),  # VADD, VMUL (JNK)
    "fused": _float_row(5, 3, 5, 3, 5),  # VFMA (JNK; into a VMLA addend: no figure, as a factor)
    "chained": _float_row(6, 6, 3, 4, 6),  # VMLA (JNK; into a VFMA addend "x": as a factor; into VMOV: no figure)
    "float_load": _float_row(1, 3, 2, 0, 2),  # VLDR (JNK); stored in the same cycle
    "fmove": _float_row(3, 3, 3, 1, 3),  # VMOV from core or between S registers (JNK; stored: no figure, as VADD)
    # What the multiply-accumulate pipe still does for the one before: no VFMA right behind a VMLA, no VADD.F64 right
    # behind a VFMA.F64 or VMLA.F64 (JNK).
    "rounding": {"behind_rounding": 2, "behind_double": 0},
    "summing": {"behind_rounding": 0, "behind_double": 2},
}

_EXCLUSIVE = ("inline", "field")
_ARITHMETIC = ("float", "fmac", "fdivide", "double", "dmac")
_TRANSFERS = ("fload", "fstore", "fmove", "fconstant")
_CONFLICTS = frozenset(
    {(older, younger) for older in _EXCLUSIVE for younger in _EXCLUSIVE}  # one shifter in EX1
    | {("shift", "inline"), ("shift", "field")}  # "-(?)" in JNK's matrix: taken as no
    | {(older, younger) for older in ("field", "dsp") for younger in ("field", "dsp")}  # one DSP path
    | {("mac", "mac"), ("mac", "store"), ("store", "mac"), ("store", "store")}  # JNK
    | {("mac", "fstore"), ("fstore", "mac"), ("fstore", "store"), ("store", "fstore"), ("fstore", "fstore")}
    | {("branch", "branch")}
    | {(older, younger) for older in _ARITHMETIC for younger in _ARITHMETIC}  # one arithmetic instruction (JNK)
    | {("fconstant", "fconstant")}  # JNK
    # VDIV, VSQRT and double precision share their cycle with an integer instruction only; double-precision
    # multiply-accumulates with no load or store (JNK).
    | {(older, younger) for older in ("fdivide", "double", "dmac") for younger in _TRANSFERS}
    | {(older, "fdivide") for older in _TRANSFERS}
    | {("dmac", "load"), ("dmac", "store")}
)  # fmt: skip
_QUICK = ("add8", "add16", "asx", "sax", "sub8", "sub16")

CORE = Core(
    name="m7",
    description="Cortex-M7 with DSP extension and double-precision FPU",
    architecture="armv7-m",
    emulator_model="UC_CPU_ARM_CORTEX_M7",
    cpuid=0x411FC271,  # M7-TRM Table 3-1: part 0xC27, r1p1
    pipeline="dual_issue",
    timing=TIMING,
    exceptions=ExceptionTiming(
        entry=12,  # measured 12, sometimes 11 (elektroniknet)
        exit=10,  # 10 to 12, no source  # unverified on silicon
        tail_chain=6,  # no source: as M4  # unverified on silicon
        float_save=17, float_restore=17,  # no source: as M4  # unverified on silicon
    ),
    dsp=True,
    fpu="fpv5-dp",
    priority_bits=8,
    rules=DualIssueRules(
        latencies=LATENCIES,
        conflicts=_CONFLICTS,
        # JNK: a multiply-accumulate beside no transfer or move, except the first one
        lockout_conflicts=frozenset(
            {("fmac", other) for other in _TRANSFERS} | {(other, "fmac") for other in _TRANSFERS}
        ),
        # JNK: older slot, "slippery" otherwise; CLIFF, LLVM Slot0Only agree
        older_only=frozenset({"field", "dsp", "double", "dmac"}),
        alone=frozenset({"alone"}),
        # JNK: add, sub, plain mov, older slot only
        early=frozenset({"add", "sub", "mov", "movw", "movt", "adr"}),
        early_shifts=frozenset({"lsl", "lsr", "asr", "ror"}),  # JNK: either slot
        shifter=frozenset({"inline", "field"}),
        results={prefix + lanes: "saturated" for prefix in ("q", "uq") for lanes in _QUICK},  # LLVM: latency 2
        unaligned_load=(3, 4),  # JNK; rsaxvc reads the TRM as 1: conflict, measurement taken
        unaligned_shared_bank=1,  # JNK
        predicated_delay=1, predicated_latency=3,  # LLVM mutation
        forwarding=4,  # LLVM (memory RAW hazard)  # unverified on silicon
        store_drain=1,  # one word store per cycle sustained (JNK)
        narrow_store_drain=2,  # 4 on one bank, 2 alternating, 2.4 for bytes in a row (JNK): 2
        unaligned_store_drain=4,  # JNK
        store_depth=5,  # JNK
        flag_lead=3,  # JNK: 6 instead of 8 when flags are set three cycles ahead
        flag_lead_gain=2,
        accumulate_lockout=3,  # JNK
        chained_cycles={  # JNK: "each additional chained"; first VMUL.F64 behind them
            Kind.DOUBLE_FUSED: 7, Kind.DOUBLE_MULTIPLY_ACCUMULATE: 7, Kind.DOUBLE_MULTIPLY: 4,
        },
        narrow_lead=2,  # JNK: at least two 16-bit instructions, any distance before, not carried around a loop
        multiple_window=7, multiple_stall=1,  # JNK: or up to seven cycles behind
    ),
    divide_cycles=square(early_termination),  # no source: as M4; LLVM's 7 lies in its middle  # unverified on silicon
    mispredict_cycles=8,  # JNK; LLVM 6, "but 4 works better": conflict, measurement taken
    counters=frozenset({"cyccnt", "cpi", "exc", "sleep", "lsu", "fold"}),  # M7-TRM 11.3
    mpu_regions=16,
    feature_registers={
        # M7-TRM Table 3-1 and 8.4; ID_ISARn as in QEMU target/arm (cortex_m7_initfn)
        "ID_PFR0": 0x00000030, "ID_PFR1": 0x00000200, "ID_DFR0": 0x00100000, "ID_AFR0": 0x00000000,
        "ID_MMFR0": 0x00100030, "ID_MMFR1": 0x00000000, "ID_MMFR2": 0x01000000, "ID_MMFR3": 0x00000000,
        "ID_ISAR0": 0x01101110, "ID_ISAR1": 0x02112000, "ID_ISAR2": 0x20232231, "ID_ISAR3": 0x01111131,
        "ID_ISAR4": 0x01310132,
        "MVFR0": 0x10110221, "MVFR1": 0x12000011, "MVFR2": 0x00000040,
    },
    fpu_options={
        "": {"MVFR0": 0, "MVFR1": 0, "MVFR2": 0},
        "fpv5-sp": {"MVFR0": 0x10110021, "MVFR1": 0x11000011, "MVFR2": 0x40},
        "fpv5-dp": {"MVFR0": 0x10110221, "MVFR1": 0x12000011, "MVFR2": 0x40},
    },
)  # fmt: skip
