"""Cortex-M3 (r2p1). Sources as in ``mcusim.cores.armv7m``; JNK = jnk0le/random, cortex_m3m4.md (STM32F103)."""

from __future__ import annotations

from mcusim.cores.armv7m import COUNTERS, TIMING
from mcusim.cores.core import Core, ExceptionTiming, Timing
from mcusim.cores.division import early_termination, long_multiply_m3, square
from mcusim.cores.rules import ThreeStageRules
from mcusim.isa.kind import Kind

_MULTIPLY: dict[Kind, Timing] = {
    Kind.MULTIPLY_ACCUMULATE: Timing(2),  # M3-TRM Table 3-1: MLA, MLS 2
    # 3 to 5 and 4 to 7 by operands (M3-TRM Table 3-1): see multiply_long_cycles; the first cycle is here.
    Kind.MULTIPLY_LONG: Timing(1), Kind.MULTIPLY_ACCUMULATE_LONG: Timing(1),
}  # fmt: skip

CORE = Core(
    name="m3",
    description="Cortex-M3",
    architecture="armv7-m",
    emulator_model="UC_CPU_ARM_CORTEX_M3",
    cpuid=0x412FC231,  # DDI 0337I Table 4-1: part 0xC23, r2p1
    pipeline="three_stage",
    timing={**TIMING, **_MULTIPLY},
    exceptions=ExceptionTiming(
        entry=12,  # DDI 0337I 3.9
        exit=10,  # Arm KA 103489845 against the TRM's 12: conflict, the article is taken
        tail_chain=6,  # DDI 0337I 3.9
    ),
    priority_bits=8,  # up to 8; vendors implement 3 or 4: boards say
    rules=ThreeStageRules(
        load_bubble=1,  # H1, DDI 0337I 3.3.2
        address_stall=1,  # H3, DDI 0337I 3.3.2
        store_to_load=1,  # H5, JNK
        register_store=1,  # H6, JNK
        indexed_chains_on_other_base=False,  # H7, JNK [cm3]: only the first load of a chain may be indexed
        indexed_chains_on_same_base=False,  # H7, JNK [cm3]
        indexed_store_after_load=1,  # H7, JNK [cm3]: one cycle only when the instruction before is not a load
        indexed_store_same_base=1,  # H7, JNK
        misaligned_run=3,  # H13, measured on M4 (compendium.i-0.nl); same fetch queue
        misaligned_store_run=4,  # H13, the same
        misaligned_target=0,  # H14: COMP measures 1; matmult-int and edn of Embench are built on such a target and show none
        settled_refill=1,  # H17: fitted, n = 44 (pqm4, Embench, X25519)
        store_overlaps_load=True,  # H2: JNK; fitted, the same
        one_word_loop_refill=1,  # H15: nrfx delay loop of SUBS, BHI: three cycles a turn (nrfx_coredep.h, Cortex-M4)
        hint_absorbed=True,  # H9, H6, JNK
        it_folded=True,  # H16, DDI 0337I Table 3-1 note
        # the ranges 3..5 and 4..7 of the table, end to end  # unverified on silicon
        accumulate_long={3: 4, 4: 5, 5: 7},
    ),
    divide_cycles=square(early_termination),
    multiply_long_cycles=square(long_multiply_m3),
    counters=COUNTERS,
    mpu_regions=8,
    feature_registers={
        # DDI 0337I Table 4-1; ID_ISARn as in QEMU target/arm (cortex_m3_initfn)
        "ID_PFR0": 0x00000030, "ID_PFR1": 0x00000200, "ID_DFR0": 0x00100000, "ID_AFR0": 0x00000000,
        "ID_MMFR0": 0x00100030, "ID_MMFR1": 0x00000000, "ID_MMFR2": 0x01000000, "ID_MMFR3": 0x00000000,
        "ID_ISAR0": 0x01141110, "ID_ISAR1": 0x02111000, "ID_ISAR2": 0x21112231, "ID_ISAR3": 0x01111110,
        "ID_ISAR4": 0x01310102, "MVFR0": 0, "MVFR1": 0, "MVFR2": 0,
    },
    fpu_options={"": {}},
)  # fmt: skip
