"""What an architecture's system level has, as a table: which registers exist and what they read as at reset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcusim.cores import Core
from mcusim.errors import UnsupportedError

CPUID_OFFSET = 0xED00
FEATURE_OFFSETS: Mapping[str, int] = {
    "ID_PFR0": 0xED40, "ID_PFR1": 0xED44, "ID_DFR0": 0xED48, "ID_AFR0": 0xED4C,
    "ID_MMFR0": 0xED50, "ID_MMFR1": 0xED54, "ID_MMFR2": 0xED58, "ID_MMFR3": 0xED5C,
    "ID_ISAR0": 0xED60, "ID_ISAR1": 0xED64, "ID_ISAR2": 0xED68, "ID_ISAR3": 0xED6C, "ID_ISAR4": 0xED70,
    "CLIDR": 0xED78, "CTR": 0xED7C, "CCSIDR": 0xED80,
    "MVFR0": 0xEF40, "MVFR1": 0xEF44, "MVFR2": 0xEF48,
}  # fmt: skip
"""Offsets of read-only identification registers from 0xE0000000 (Armv7-M ARM tables B3-4, B4-1)."""

DWT_NUMCOMP_4 = 4 << 28
DWT_NO_CYCCNT, DWT_NO_PROFILE = 1 << 25, 1 << 24


@dataclass(frozen=True, slots=True)
class Traits:
    """System-level facts of a core. ``vtor``: the bits of VTOR that can be written; ``groups``: BASEPRI,
    FAULTMASK and priority groups exist; ``fault_status``: CFSR and configurable faults exist; ``ccr``: CCR at reset."""

    vtor: int
    groups: bool
    fault_status: bool
    v8: bool
    ccr: int
    dwt_control: int
    cycle_counter: bool
    identification: Mapping[int, int] = field(default_factory=dict)


V6 = Traits(0, False, False, False, 0x208, 0, False)
V6_PLUS = Traits(0xFFFFFF00, False, False, False, 0x208, 0, False)
V7 = Traits(0xFFFFFF80, True, True, False, 0x200, DWT_NUMCOMP_4, True)
V8 = Traits(0xFFFFFF80, True, True, True, 0x201, DWT_NUMCOMP_4, True)
BY_CORE = {"m0": V6, "m0plus": V6_PLUS, "m3": V7, "m4": V7, "m7": V7, "m33": V8}
"""CCR: Armv6-M ARM B3.2.8 (UNALIGN_TRP and STKALIGN read as one), Armv7-M ARM B3.2.8 (STKALIGN one at reset),
Armv8-M ARM D1.2.9 (STKALIGN RES1, NONBASETHRDENA-less bit 0 RES1). VTOR: TBLOFF is bits 31..7 (Armv7-M ARM B3.2.5), of the
Cortex-M0+ bits 31..8 (CMSIS core_cm0plus.h, SCB_VTOR_TBLOFF_Msk)."""


def traits(core: Core) -> Traits:
    """Traits of ``core`` with its identification registers filled in."""
    from dataclasses import replace

    if core.name not in BY_CORE:
        raise UnsupportedError(f"core {core.name}: no system level is described; allowed: {', '.join(BY_CORE)}")
    registers = {FEATURE_OFFSETS[name]: value for name, value in core.feature_registers.items() if name in FEATURE_OFFSETS}
    return replace(BY_CORE[core.name], identification={CPUID_OFFSET: core.cpuid, **registers})
