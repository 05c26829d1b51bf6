"""Floating point in library code on a core with an FPU, priced with the FPU's instructions in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from mcusim.cores import Core
from mcusim.doctor.diagnosis import Finding
from mcusim.doctor.patient import Patient
from mcusim.isa.decode import decode_block
from mcusim.isa.instruction import Block
from mcusim.pricing import pipeline
from mcusim.pricing.passage import MemoryTiming, RegionTiming
from mcusim.report import FunctionUse, Report

WORTH = 0.01
"""Share of the cycles that a saving must be."""
NAMED = 5
SINGLE = {
    "fadd": "ee300a20", "fsub": "ee300a60", "frsub": "ee300a60", "fmul": "ee200a20", "fdiv": "ee800a20",
    "i2f": "eeb80ac0", "ui2f": "eeb80a40", "f2iz": "eebd0ac0", "f2uiz": "eebc0ac0",
    **dict.fromkeys(("fcmpeq", "fcmplt", "fcmple", "fcmpge", "fcmpgt", "fcmpun", "cfcmpeq", "cfcmple", "cfrcmple"),
                    "eeb40a60eef1fa10"),
}  # fmt: skip
"""What the FPU does in place of ``__aeabi_NAME``: S0 = S0 op S1, as halfwords (Armv7-M ARM A7.7)."""
DOUBLE = {
    "dadd": "ee300b01", "dsub": "ee300b41", "drsub": "ee300b41", "dmul": "ee200b01", "ddiv": "ee800b01",
    "i2d": "eeb80bc0", "ui2d": "eeb80b40", "d2iz": "eebd0bc0", "d2uiz": "eebc0bc0", "f2d": "eeb70ac0", "d2f": "eeb70bc0",
    **dict.fromkeys(("dcmpeq", "dcmplt", "dcmple", "dcmpge", "dcmpgt", "dcmpun", "cdcmpeq", "cdcmple", "cdrcmple"),
                    "eeb40b41eef1fa10"),
}  # fmt: skip
"""The same for double precision."""
GNU_NAMES = {
    "addsf3": "fadd", "subsf3": "fsub", "mulsf3": "fmul", "divsf3": "fdiv", "floatsisf": "i2f", "floatunsisf": "ui2f",
    "fixsfsi": "f2iz", "fixunssfsi": "f2uiz", "adddf3": "dadd", "subdf3": "dsub", "muldf3": "dmul", "divdf3": "ddiv",
    "floatsidf": "i2d", "floatunsidf": "ui2d", "fixdfsi": "d2iz", "fixunsdfsi": "d2uiz", "extendsfdf2": "f2d",
    "truncdfsf2": "d2f",
    **{f"{test}{kind}f2": f"{letter}cmple" for test in ("eq", "ne", "lt", "le", "gt", "ge", "cmp", "unord")
       for kind, letter in (("s", "f"), ("d", "d"))},
}  # fmt: skip
"""libgcc's and compiler-rt's names (behind ``__``) of the same functions."""


SHARED = ("l2f", "ul2f", "l2d", "ul2d")
"""Conversions of 64 bits: the FPU has none, but libgcc's of 32 bits end in their code."""


def findings(patient: Patient) -> Iterator[Finding]:
    """A finding where operations that the FPU has run in the library."""
    core, report = patient.machine.core, patient.report
    if not core.has_fpu:
        return
    table = _operations(core)
    rows = [row for row in report.functions if _in_software(row, table)]
    calls = _operations_called(report, table)
    saved = sum(row.self_cycles for row in rows)
    saved -= sum(round(count * (operation_cycles(core, table[word]) - call_cycles(core))) for word, count in calls.items())
    if saved < WORTH * report.cycles:
        return
    yield Finding(
        "soft_float",
        f"{sum(calls.values()):,} floating-point operations run in library code though the core has an FPU",
        "compile and link with -mfloat-abi=hard (or softfp) and the -mfpu of this core",
        saved, saved / report.clock_hertz, where=tuple(row.name for row in rows[:NAMED]),
    )  # fmt: skip


def _in_software(row: FunctionUse, table: Mapping[str, str]) -> bool:
    """An operation that the FPU has, or code that only such operations run on into."""
    word = operation(row.name)
    return word in table or (word in SHARED and not row.calls)


def _operations_called(report: Report, table: Mapping[str, str]) -> dict[str, int]:
    """How often the program (not the library itself) asked for each operation."""
    calls: dict[str, int] = defaultdict(int)
    for node in report.call_tree:
        word = operation(node.function)
        inside = node.parent >= 0 and operation(report.call_tree[node.parent].function) in table
        if word in table and not inside:
            calls[word] += node.calls
    return calls


def operation(name: str) -> str:
    """Run-time function without its prefix, as in the tables; ``""`` for other functions."""
    if name.startswith("__aeabi_"):
        return name.removeprefix("__aeabi_")
    return GNU_NAMES.get(name.removeprefix("__"), "") if name.startswith("__") else ""


def _operations(core: Core) -> Mapping[str, str]:
    return {**SINGLE, **DOUBLE} if core.fpu.endswith("-dp") else SINGLE


def operation_cycles(core: Core, words: str) -> float:
    """Cycles of one operation of the FPU in a chain of dependent ones: 32 and 16 priced, and subtracted."""
    return (_cycles(core, words * 32) - _cycles(core, words * 16)) / 16


def call_cycles(core: Core) -> int:
    """Cycles of the BL that is no longer needed."""
    engine = pipeline(core)
    return engine.run(_block("f000f800"), engine.start(), {}, IDEAL).taken.cycles


IDEAL = MemoryTiming((RegionTiming("ideal"),))


def _cycles(core: Core, words: str) -> int:
    engine = pipeline(core)
    return engine.run(_block(words), engine.start(), {}, IDEAL).fall.cycles


def _block(words: str) -> Block:
    code = b"".join(int(words[at : at + 4], 16).to_bytes(2, "little") for at in range(0, len(words), 4))
    return decode_block(lambda address, count: code[address : address + count], 0, len(code), ())
