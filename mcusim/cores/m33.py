"""Cortex-M33 with DSP and FPU (r1p0), non-secure view.

Source unless stated: JNK = jnk0le/random, cortex_m33.md (measured on RP2350, M33 r1p0). Arm publishes no cycle table.
"""

from __future__ import annotations

from mcusim.cores.armv7m import COUNTERS
from mcusim.cores.core import Core, ExceptionTiming, Timing
from mcusim.cores.division import early_termination, square
from mcusim.cores.rules import PairedRules
from mcusim.isa.kind import DSP, Kind

_PLAIN = (
    Kind.ALU, Kind.SHIFT, Kind.REGISTER_SHIFT, Kind.MOVE_WIDE, Kind.ADDRESS, Kind.BITFIELD, Kind.EXTEND,
    Kind.COUNT_ZEROS,
    Kind.REVERSE, Kind.SATURATE,
)  # fmt: skip
_PRODUCTS = (
    Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG, Kind.DSP_MULTIPLY,
    Kind.DSP_MULTIPLY_ACCUMULATE, Kind.DSP_MULTIPLY_ACCUMULATE_LONG,
)  # fmt: skip
_JUMPS = (
    Kind.BRANCH, Kind.BRANCH_CONDITIONAL, Kind.BRANCH_COMPARE, Kind.BRANCH_LINK, Kind.BRANCH_REGISTER,
    Kind.BRANCH_LINK_REGISTER, Kind.ALU_BRANCH,
)  # fmt: skip
_FLOATS = (
    Kind.FLOAT_ADD, Kind.FLOAT_MULTIPLY, Kind.FLOAT_CONVERT, Kind.FLOAT_COMPARE, Kind.FLOAT_SIGN, Kind.FLOAT_SELECT,
    Kind.FLOAT_ROUND, Kind.FLOAT_EXTREME, Kind.FLOAT_MOVE, Kind.FLOAT_IMMEDIATE,
)  # fmt: skip
_LOADED = Timing(1, result="load")

TIMING: dict[Kind, Timing] = {
    **dict.fromkeys(_PLAIN, Timing(1, result="alu")),
    # A shifted operand or rotated constant: result a cycle later, but an accumulator can take it at once.
    **dict.fromkeys((Kind.ALU_ROTATED, Kind.ALU_SHIFT), Timing(1, result="shifted")),
    **dict.fromkeys(sorted(DSP), Timing(1, result="dsp")),
    **dict.fromkeys(_PRODUCTS, Timing(1, result="product")),
    Kind.DSP_EXTEND_ADD: Timing(1, result="product"),
    # 2 to 11 cycles by operands (Arm, Cortex-M33 product overview): see divide_cycles.  # unverified on silicon
    Kind.DIVIDE: Timing(1, result="alu"),
    Kind.LOAD: _LOADED, Kind.LOAD_NARROW: _LOADED, Kind.LOAD_EXCLUSIVE: _LOADED, Kind.LOAD_ACQUIRE: _LOADED,
    Kind.STORE: Timing(1), Kind.STORE_NARROW: Timing(1), Kind.STORE_RELEASE: Timing(1),
    Kind.STORE_EXCLUSIVE: Timing(1, result="load"), Kind.CLEAR_EXCLUSIVE: Timing(1), Kind.PRELOAD: Timing(1),
    # Exactly one cycle per word.
    Kind.LOAD_DOUBLE: Timing(0, each=1, result="load"), Kind.STORE_DOUBLE: Timing(0, each=1),
    Kind.LOAD_MULTIPLE: Timing(0, each=1, result="load"), Kind.STORE_MULTIPLE: Timing(0, each=1),
    # Taken 2, not taken 1 (0 where it pairs).
    **dict.fromkeys(_JUMPS, Timing(1, refill=1)),
    # POP with PC: N + 3, from "pop {lr}; two free instructions; bx lr" being 1 to 2 cycles faster.  # derived
    Kind.LOAD_MULTIPLE_BRANCH: Timing(0, each=1, refill=3, result="load"),
    Kind.LOAD_BRANCH: Timing(1, refill=3, result="load"),
    Kind.TABLE_BRANCH: Timing(2, refill=3),  # load, then as LDR PC  # unverified on silicon
    Kind.IT: Timing(1), Kind.NOP: Timing(1), Kind.SEND_EVENT: Timing(1), Kind.WAIT: Timing(1),
    # As on M4.  # unverified on silicon
    Kind.BARRIER: Timing(1), Kind.INSTRUCTION_BARRIER: Timing(3), Kind.READ_SPECIAL: Timing(2, result="alu"),
    Kind.WRITE_SPECIAL: Timing(2), Kind.CHANGE_STATE: Timing(1), Kind.SECURITY: Timing(1, result="alu"),
    Kind.SUPERVISOR_CALL: Timing(1), Kind.BREAKPOINT: Timing(1), Kind.UNDEFINED: Timing(1), Kind.COPROCESSOR: Timing(1),
    # --- FPU --------------------------------------------------------------------------------------------------------
    # Every compute instruction but the multiply-accumulates: 2 cycles, pipelined.
    **dict.fromkeys(_FLOATS, Timing(1, result="float")),
    # The FPU takes nothing in the two cycles behind them.
    **dict.fromkeys((Kind.FLOAT_MULTIPLY_ACCUMULATE, Kind.FLOAT_FUSED), Timing(1, float_busy=3, result="fused")),
    # No source: as on M4 (M4-TRM Table 7-1).  # unverified on silicon
    **dict.fromkeys((Kind.FLOAT_DIVIDE, Kind.FLOAT_ROOT), Timing(1, float_busy=14, result="quotient")),
    Kind.FLOAT_LOAD: Timing(1, result="float_load"), Kind.FLOAT_STORE: Timing(1),
    Kind.FLOAT_LOAD_DOUBLE: Timing(0, each=1, result="float_load"), Kind.FLOAT_STORE_DOUBLE: Timing(0, each=1),
    Kind.FLOAT_LOAD_MULTIPLE: Timing(0, each=1, result="float_load"), Kind.FLOAT_STORE_MULTIPLE: Timing(0, each=1),
    Kind.FLOAT_FROM_CORE: Timing(1, result="float_load"), Kind.FLOAT_LANE_FROM_CORE: Timing(1, result="float_load"),
    Kind.FLOAT_PAIR_FROM_CORE: Timing(1, result="float_pair"),
    Kind.FLOAT_TO_CORE: Timing(1, result="load"), Kind.FLOAT_LANE_TO_CORE: Timing(1, result="load"),
    Kind.FLOAT_PAIR_TO_CORE: Timing(2, result="alu"),
    Kind.FLOAT_STATUS_READ: Timing(1, result="load"), Kind.FLOAT_STATUS_WRITE: Timing(1),
    Kind.FLOAT_CONTEXT: Timing(1),
}  # fmt: skip


def _row(
    late: int, addend: int, store: int, branch: int, *, widened: int | None = None, entering: int = 1
) -> dict[str, int]:
    """``entering``: VMOV to the FPU takes the output of any ALU."""
    return {
        "late": late, "early": late, "base": late, "index": late, "factor": late, "addend": addend,
        "widened": addend if widened is None else widened, "store": store, "entering": entering, "branch": branch,
        "flags": late,
    }  # fmt: skip


def _float_row(other: int, addend: int) -> dict[str, int]:
    return {"float": other, "saved": other, "leaving": other, "fused": addend, "chained": addend, "flags": other}


LATENCIES = {
    "alu": _row(1, 1, 1, 1),
    "shifted": _row(2, 1, 1, 2),  # "can store result from accumulate stage in 1 cycle"
    "product": _row(2, 1, 1, 2),
    "dsp": _row(2, 2, 2, 2),
    # SXTAB and its like cannot take a loaded addend at once; LR loaded before BX: two instructions fit in between.
    "load": _row(2, 1, 1, 3, widened=2, entering=2),
    "flags": {"flags": 1},
    "late_flags": {"flags": 2},  # flags of a shifted operand2 come a cycle later
    "float": _float_row(2, 2),
    "float_pair": _float_row(2, 2),
    "fused": _float_row(4, 3),
    "quotient": _float_row(15, 14),
    "float_load": _float_row(1, 1),
}

CORE = Core(
    name="m33",
    description="Cortex-M33 with DSP extension and single-precision FPU",
    architecture="armv8-m.main",
    emulator_model="UC_CPU_ARM_CORTEX_M33",
    cpuid=0x411FD210,  # DDI 0553B D1.2.40; Cortex-M33 TRM 100230: part 0xD21, r1p0
    pipeline="paired",
    skips_change_timing=True,
    timing=TIMING,
    exceptions=ExceptionTiming(
        entry=12,  # Arm, Cortex-M33 product overview: 12 cycles at zero wait states  # unverified on silicon
        exit=10,  # as Armv7-M  # unverified on silicon
        tail_chain=6,  # as Armv7-M  # unverified on silicon
        float_save=17, float_restore=17,  # 17 words, as M4  # unverified on silicon
    ),
    dsp=True,
    fpu="fpv5-sp",
    priority_bits=8,
    interrupts_max=480,
    rules=PairedRules(
        latencies=LATENCIES,
        flagged_multiply=1,  # Arm KA001260: MULS stalls for one more cycle
        float_ahead={"float": 1, "fused": 1},  # JNK; "vmov s, s, r, r" is excepted there
    ),
    divide_cycles=square(lambda dividend, divisor: min(11, early_termination(dividend, divisor))),
    counters=COUNTERS,
    mpu_regions=8,
    feature_registers={
        # Cortex-M33 TRM 100230, B3.1 (with DSP and FPU)
        "ID_PFR0": 0x00000030, "ID_PFR1": 0x00000210, "ID_DFR0": 0x00200000, "ID_AFR0": 0x00000000,
        "ID_MMFR0": 0x00101F40, "ID_MMFR1": 0x00000000, "ID_MMFR2": 0x01000000, "ID_MMFR3": 0x00000000,
        "ID_ISAR0": 0x01101110, "ID_ISAR1": 0x02212000, "ID_ISAR2": 0x20232232, "ID_ISAR3": 0x01111131,
        "ID_ISAR4": 0x01310132, "ID_ISAR5": 0x00000000,
        "MVFR0": 0x10110021, "MVFR1": 0x11000011, "MVFR2": 0x00000040,
    },
    fpu_options={
        "": {"MVFR0": 0, "MVFR1": 0, "MVFR2": 0},
        "fpv5-sp": {"MVFR0": 0x10110021, "MVFR1": 0x11000011, "MVFR2": 0x40},
    },
)  # fmt: skip
