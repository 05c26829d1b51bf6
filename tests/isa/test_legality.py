"""Which core has which instruction."""

from __future__ import annotations

import pytest

from mcusim import cores
from mcusim.isa.kind import DOUBLES, DSP, SINGLE_FLOATS, Kind
from mcusim.isa.legality import illegal_reason, illegality
from tests.isa.assembly import instruction_of
from tests.isa.examples import EXAMPLES

# Armv6-M ARM DDI 0419E, A5: the 16-bit instructions without CBZ, CBNZ and IT, and seven 32-bit ones.
_V6M = {
    Kind.ALU, Kind.SHIFT, Kind.REGISTER_SHIFT, Kind.ADDRESS, Kind.EXTEND, Kind.REVERSE, Kind.MULTIPLY, Kind.LOAD,
    Kind.LOAD_NARROW,
    Kind.STORE, Kind.STORE_NARROW, Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.LOAD_MULTIPLE_BRANCH, Kind.BRANCH,
    Kind.BRANCH_CONDITIONAL, Kind.BRANCH_LINK, Kind.BRANCH_REGISTER, Kind.BRANCH_LINK_REGISTER, Kind.ALU_BRANCH,
    Kind.NOP,
    Kind.WAIT, Kind.SEND_EVENT, Kind.BARRIER, Kind.INSTRUCTION_BARRIER, Kind.READ_SPECIAL, Kind.WRITE_SPECIAL,
    Kind.CHANGE_STATE, Kind.SUPERVISOR_CALL, Kind.BREAKPOINT,
}  # fmt: skip
_ONLY_V8M = {Kind.LOAD_ACQUIRE, Kind.STORE_RELEASE, Kind.SECURITY, Kind.FLOAT_CONTEXT}
_FPV5 = {Kind.FLOAT_SELECT, Kind.FLOAT_ROUND, Kind.FLOAT_EXTREME}
_NEVER = {Kind.UNDEFINED, Kind.COPROCESSOR}
_FLOATS = SINGLE_FLOATS | DOUBLES
_V7M = set(Kind) - _ONLY_V8M - _NEVER

LEGAL = {
    "m0": _V6M,
    "m0plus": _V6M,
    "m3": _V7M - DSP - _FLOATS,
    "m4": _V7M - DOUBLES - _FPV5,
    "m7": _V7M,
    "m33": set(Kind) - _NEVER - DOUBLES,
}


@pytest.mark.parametrize("name", cores.NAMES)
@pytest.mark.parametrize("kind", Kind)
def test_a_core_has_exactly_the_kinds_of_its_architecture(name: str, kind: Kind) -> None:
    reason = illegal_reason(instruction_of(EXAMPLES[kind][1]), cores.load(name))
    assert (reason is None) == (kind in LEGAL[name]), reason


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("fb20 f002", "m3"),  # SMUAD: the emulator accepts it
        ("b108", "m0"),  # CBZ: the same
        ("bf08", "m0plus"),  # IT
        ("f000 b802", "m0"),  # B.W
        ("fbb1 f0f2", "m0"),  # UDIV
        ("ba80", "m4"),  # HLT came with Armv8-M
        ("4704", "m33"),  # BXNS exists in Secure state only
        ("febb 0a60", "m4"),  # VRINTM came with FPv5
        ("febc 0ae0", "m4"),  # VCVTA too
    ],
)
def test_an_instruction_of_another_architecture_is_illegal(words: str, name: str) -> None:
    assert illegal_reason(instruction_of(words), cores.load(name))


def test_a_missing_fpu_is_a_missing_coprocessor_and_a_missing_precision_an_undefined_instruction() -> None:
    single, double = instruction_of("ee30 0a81"), instruction_of("ee31 0b02")
    without = illegality(single, cores.load("m3"))
    precision = illegality(double, cores.load("m4"))
    assert without is not None and without.coprocessor
    assert precision is not None and not precision.coprocessor


def test_an_fpu_can_be_left_out_or_made_single() -> None:
    m7 = cores.load("m7")
    assert illegal_reason(instruction_of("ee31 0b02"), m7) is None
    assert illegal_reason(instruction_of("ee31 0b02"), m7.with_fpu("fpv5-sp"))
    assert illegal_reason(instruction_of("ee30 0a81"), m7.with_fpu("none"))
