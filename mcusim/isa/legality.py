"""Which instructions an architecture has: the decoder knows all of Thumb, a core executes its share.

Needed beside the emulator's own checks, which accept DSP instructions on a core without the extension and CBZ on
Armv6-M.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mcusim.isa.instruction import Instruction
from mcusim.isa.kind import DOUBLES, DSP, SINGLE_FLOATS, Kind


class Profile(Protocol):
    """What legality depends on; ``mcusim.cores.Core`` is one."""

    @property
    def name(self) -> str: ...
    @property
    def architecture(self) -> str: ...
    @property
    def dsp(self) -> bool: ...
    @property
    def fpu(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Illegal:
    """Why an instruction cannot execute. ``coprocessor``: the fault is UsageFault NOCP, not UNDEFINSTR."""

    reason: str
    coprocessor: bool = False


_V6M_WIDE = frozenset({"bl", "msr", "mrs", "dsb", "dmb", "isb", "udf"})
"""The 32-bit instructions of Armv6-M (DDI 0419E, A5.3)."""
_V6M_MISSING = frozenset({Kind.BRANCH_COMPARE, Kind.IT})
"""16-bit instructions that came with Armv7-M."""
_V8M_KINDS = frozenset({Kind.LOAD_ACQUIRE, Kind.STORE_RELEASE, Kind.SECURITY, Kind.FLOAT_CONTEXT})
_V8M_MNEMONICS = frozenset(
    {"hlt", "ldaex", "ldaexb", "ldaexh", "stlex", "stlexb", "stlexh"}
)
_SECURE = frozenset({"bxns", "blxns"})
"""UNDEFINED outside Secure state (DDI 0553B, C2.4); the Secure state is not modelled."""
_FPV5 = frozenset({Kind.FLOAT_SELECT, Kind.FLOAT_ROUND, Kind.FLOAT_EXTREME})
_FPV5_MNEMONICS = frozenset({"vcvta", "vcvtn", "vcvtp", "vcvtm"})


def illegality(instruction: Instruction, core: Profile) -> Illegal | None:
    """Why ``core`` cannot execute ``instruction``; None where it can."""
    kind = instruction.kind
    if kind is Kind.UNDEFINED:
        return Illegal("undefined instruction")
    if core.architecture == "armv6-m":
        return _illegal_on_v6m(instruction)
    if core.architecture == "armv7-m" and (kind in _V8M_KINDS or instruction.mnemonic in _V8M_MNEMONICS):
        return Illegal(f"{instruction.mnemonic} came with Armv8-M; {core.name} is Armv7-M")
    if instruction.mnemonic in _SECURE:
        return Illegal(f"{instruction.mnemonic} exists in Secure state only")
    if kind is Kind.COPROCESSOR:
        return Illegal(f"{core.name} has no coprocessor {instruction.operands[0].value}", coprocessor=True)
    if kind in DSP and not core.dsp:
        return Illegal(f"{core.name} has no DSP extension")
    if kind in SINGLE_FLOATS or kind in DOUBLES:
        return _illegal_float(instruction, core)
    return None


def illegal_reason(instruction: Instruction, core: Profile) -> str | None:
    """Sentence saying why ``core`` cannot execute ``instruction``; None where it can."""
    illegal = illegality(instruction, core)
    return None if illegal is None else illegal.reason


def _illegal_on_v6m(instruction: Instruction) -> Illegal | None:
    wide = instruction.size == 4 and instruction.mnemonic not in _V6M_WIDE
    later = instruction.kind in _V6M_MISSING or instruction.kind in _V8M_KINDS or instruction.mnemonic in _V8M_MNEMONICS
    return Illegal(f"Armv6-M has no {instruction.mnemonic}{'.w' if wide else ''}") if wide or later else None


def _illegal_float(instruction: Instruction, core: Profile) -> Illegal | None:
    if instruction.kind is Kind.FLOAT_CONTEXT:  # VLSTM, VLLDM are NOPs without FPU (DDI 0553B, C2.4)
        return None
    if not core.fpu:
        return Illegal(f"{core.name} has no FPU", coprocessor=True)
    if instruction.kind in DOUBLES and not core.fpu.endswith("-dp"):
        return Illegal(f"the FPU of {core.name} has no double precision")
    if (instruction.kind in _FPV5 or instruction.mnemonic in _FPV5_MNEMONICS) and core.fpu.startswith("fpv4"):
        return Illegal(f"{instruction.mnemonic} came with FPv5; {core.name} has FPv4")
    return None
