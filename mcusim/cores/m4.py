"""Cortex-M4 with FPU (r0p1). Sources as in ``mcusim.cores.armv7m``; JNK = jnk0le/random, cortex_m3m4.md (STM32F407)."""

from __future__ import annotations

from mcusim.cores.armv7m import COUNTERS, ONE, TIMING
from mcusim.cores.core import Core, ExceptionTiming, Timing
from mcusim.cores.division import early_termination, square
from mcusim.cores.rules import ThreeStageRules
from mcusim.isa.kind import Kind

_MULTIPLY: dict[Kind, Timing] = {
    # Every multiply, DSP and SIMD instruction takes 1 cycle (M4-TRM Table 3-1, Table 3-2).
    Kind.MULTIPLY_ACCUMULATE: ONE, Kind.MULTIPLY_LONG: ONE, Kind.MULTIPLY_ACCUMULATE_LONG: ONE,
    Kind.DSP_EXTEND: ONE, Kind.DSP_EXTEND_ADD: ONE, Kind.DSP_PACK: ONE, Kind.DSP_SELECT: ONE, Kind.DSP_SIMD: ONE,
    Kind.DSP_SATURATE: ONE, Kind.DSP_DIFFERENCES: ONE, Kind.DSP_MULTIPLY: ONE, Kind.DSP_MULTIPLY_ACCUMULATE: ONE,
    Kind.DSP_MULTIPLY_ACCUMULATE_LONG: ONE,
}  # fmt: skip

_FLOAT: dict[Kind, Timing] = {
    # M4-TRM Table 7-1. latency 2: the result costs one cycle more when the next instruction uses it (note to the
    # table).
    Kind.FLOAT_ADD: Timing(1, latency=2), Kind.FLOAT_MULTIPLY: Timing(1, latency=2),
    Kind.FLOAT_CONVERT: Timing(1, latency=2),
    Kind.FLOAT_MULTIPLY_ACCUMULATE: Timing(3, latency=4), Kind.FLOAT_FUSED: Timing(3, latency=4),
    # 14 cycles, during which integer instructions go on (note); a dependent one waits 15 (GCC cortex-m4-fpu.md).
    Kind.FLOAT_DIVIDE: Timing(1, latency=15, float_busy=14), Kind.FLOAT_ROOT: Timing(1, latency=15, float_busy=14),
    Kind.FLOAT_COMPARE: Timing(1), Kind.FLOAT_SIGN: Timing(1), Kind.FLOAT_MOVE: Timing(1),
    Kind.FLOAT_IMMEDIATE: Timing(1),
    # Moves of one register: measured 1 cycle in both directions (compendium.i-0.nl, "FPU registers"), two registers:
    # 2; the TRM prints 2 for one register in some editions. The measurement is taken.
    Kind.FLOAT_FROM_CORE: Timing(1), Kind.FLOAT_TO_CORE: Timing(1),
    Kind.FLOAT_PAIR_FROM_CORE: Timing(2), Kind.FLOAT_PAIR_TO_CORE: Timing(2),
    Kind.FLOAT_LANE_FROM_CORE: Timing(1), Kind.FLOAT_LANE_TO_CORE: Timing(1),
    Kind.FLOAT_STATUS_READ: Timing(1), Kind.FLOAT_STATUS_WRITE: Timing(1),
    # VLDR.32 2 (bubble as LDR), VLDR.64 3, VLDM 1 + N words (Table 7-1).
    Kind.FLOAT_LOAD: Timing(1), Kind.FLOAT_LOAD_DOUBLE: Timing(1, each=1), Kind.FLOAT_LOAD_MULTIPLE: Timing(1, each=1),
    # VSTR.32: table 2, as for STR, whose prose says 1; GCC's model has 1: taken.  # unverified on silicon
    Kind.FLOAT_STORE: Timing(1), Kind.FLOAT_STORE_DOUBLE: Timing(1, each=1),
    Kind.FLOAT_STORE_MULTIPLE: Timing(1, each=1),
}  # fmt: skip

CORE = Core(
    name="m4",
    description="Cortex-M4 with single-precision FPU",
    architecture="armv7-m",
    emulator_model="UC_CPU_ARM_CORTEX_M4",
    cpuid=0x410FC241,  # M4-TRM Table 4-1: part 0xC24, r0p1
    pipeline="three_stage",
    timing={**TIMING, **_MULTIPLY, **_FLOAT},
    exceptions=ExceptionTiming(
        entry=12,  # M4-TRM 3.9.1
        exit=10,  # Arm KA 103489845; the M3-TRM's 12 is the entry figure repeated
        tail_chain=6,  # M4-TRM 3.9.1
        float_save=17,  # 17 words (S0..S15, FPSCR): M4-TRM 3.9.1 gives 29 against 12
        float_restore=17,  # M4-TRM 3.9.1 gives 27 against 10
    ),
    dsp=True,
    fpu="fpv4-sp",
    priority_bits=8,  # up to 8; vendors implement 3 or 4: boards say
    rules=ThreeStageRules(
        load_bubble=1,  # H1, M4-TRM 3.3.2: "LDR; LDR" 3 cycles, three LDR 4
        address_stall=1,  # H3, M4-TRM 3.3.2
        store_to_load=1,  # H5, JNK: stores cannot pipeline with following loads
        register_store=1,  # H6, JNK; M4-TRM 3.3.2: nothing pipelines behind it
        indexed_chains_on_other_base=True,  # H7, JNK [cm4]
        # H7: JNK says they do not; the kernels of two MLPerf Tiny images (L4R5) are full of them and show that they do
        indexed_chains_on_same_base=True,
        indexed_store_after_load=0,  # H7, JNK [cm4]
        indexed_store_same_base=1,  # H7, JNK
        misaligned_run=3,  # H13, compendium.i-0.nl "Alignment rules"
        misaligned_store_run=4,  # H13, the same
        misaligned_target=0,  # H14: COMP measures 1; matmult-int and edn of Embench are built on such a target and show none
        # H15: DDI 0337G 1.4 lists BX LR among the branches that decode forwards  # unverified on silicon
        settled_refill=1,  # H17: fitted, n = 44 (pqm4, Embench, X25519)
        store_overlaps_load=True,  # H2: JNK; fitted, the same
        one_word_loop_refill=1,  # H15: nrfx delay loop of SUBS, BHI: three cycles a turn (nrfx_coredep.h, Cortex-M4)
        hint_absorbed=True,  # H9, H6, JNK
        it_folded=False,  # H16: M4-TRM Table 3-1 note d says it "can be"; ud and huffbench of Embench show that it is not
    ),
    divide_cycles=square(early_termination),
    counters=COUNTERS,
    mpu_regions=8,
    feature_registers={
        # M4-TRM Table 4-1; ID_ISARn as in QEMU target/arm (cortex_m4_initfn)
        "ID_PFR0": 0x00000030, "ID_PFR1": 0x00000200, "ID_DFR0": 0x00100000, "ID_AFR0": 0x00000000,
        "ID_MMFR0": 0x00100030, "ID_MMFR1": 0x00000000, "ID_MMFR2": 0x01000000, "ID_MMFR3": 0x00000000,
        "ID_ISAR0": 0x01141110, "ID_ISAR1": 0x02112000, "ID_ISAR2": 0x21232231, "ID_ISAR3": 0x01111131,
        "ID_ISAR4": 0x01310102,
        # M4-TRM 7.3: FPv4-SP
        "MVFR0": 0x10110021, "MVFR1": 0x11000011, "MVFR2": 0x00000000,
    },
    fpu_options={
        "": {"MVFR0": 0, "MVFR1": 0, "MVFR2": 0},
        "fpv4-sp": {"MVFR0": 0x10110021, "MVFR1": 0x11000011, "MVFR2": 0},
    },
)  # fmt: skip
