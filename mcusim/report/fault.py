"""A fault in words: where, what, the registers, and how the program got there."""

from __future__ import annotations

from collections.abc import Iterator

from mcusim.report.quantity import printable
from mcusim.report.report import Fault, Frame

CFSR_BITS = {
    0: "IACCVIOL: instruction fetch from memory that must not be executed",
    1: "DACCVIOL: data access that the MPU does not allow",
    3: "MUNSTKERR: access violation while unstacking on exception return",
    4: "MSTKERR: access violation while stacking on exception entry",
    5: "MLSPERR: access violation while saving the FP state lazily",
    8: "IBUSERR: bus error on an instruction fetch",
    9: "PRECISERR: bus error on a data access at BFAR",
    10: "IMPRECISERR: bus error on an earlier data access",
    11: "UNSTKERR: bus error while unstacking on exception return",
    12: "STKERR: bus error while stacking on exception entry",
    13: "LSPERR: bus error while saving the FP state lazily",
    16: "UNDEFINSTR: undefined instruction",
    17: "INVSTATE: execution with the Thumb bit clear",
    18: "INVPC: illegal EXC_RETURN value",
    19: "NOCP: coprocessor or FPU that is absent or not enabled",
    20: "STKOF: stack pointer below its limit",
    24: "UNALIGNED: unaligned access",
    25: "DIVBYZERO: division by zero",
}
"""Bits of CFSR: Armv7-M ARM (DDI 0403), B3.2.15; STKOF: Armv8-M ARM (DDI 0553), D1.2.
MMARVALID (7) and BFARVALID (15) say that an address register holds; they are no causes."""

HFSR_BITS = {
    1: "VECTTBL: bus error on reading the vector table",
    30: "FORCED: a fault that could not be taken as itself",
}
"""Bits of HFSR: Armv7-M ARM, B3.2.16."""

MMARVALID, BFARVALID = 1 << 7, 1 << 15


def fault_text(fault: Fault) -> str:
    """One message of several lines about ``fault``, ended by a newline."""
    return "\n".join([_headline(fault), *_status(fault), *_registers(fault), *_backtrace(fault)]) + "\n"


def status_causes(cfsr: int, hfsr: int) -> list[str]:
    """What the set bits of the two fault status registers mean, lowest bit first."""
    registers = (cfsr, CFSR_BITS), (hfsr, HFSR_BITS)
    return [text for value, bits in registers for bit, text in bits.items() if value >> bit & 1]


def _headline(fault: Fault) -> str:
    place = printable(f"{fault.symbol}+{fault.offset:#x}" if fault.symbol else "no symbol")
    code = f": {printable(fault.disassembly)}" if fault.disassembly else ""
    return f"{fault.kind}: {printable(fault.cause)}\n  at {fault.address:#010x} <{place}>{code}"


def _status(fault: Fault) -> Iterator[str]:
    if fault.data_address is not None:
        yield f"  accessed address {fault.data_address:#010x}"
    if fault.cfsr or fault.hfsr:
        addresses = f" MMFAR {fault.mmfar:#010x}" if fault.cfsr & MMARVALID else ""
        addresses += f" BFAR {fault.bfar:#010x}" if fault.cfsr & BFARVALID else ""
        yield f"  CFSR {fault.cfsr:#010x} HFSR {fault.hfsr:#010x}{addresses}"
        yield from (f"    {cause}" for cause in status_causes(fault.cfsr, fault.hfsr))


def _registers(fault: Fault) -> Iterator[str]:
    if not fault.registers:
        return
    yield "registers"
    cells = [f"{name:>9} {value:08x}" for name, value in fault.registers.items()]
    yield from (" ".join(cells[start : start + 4]) for start in range(0, len(cells), 4))


def _backtrace(fault: Fault) -> Iterator[str]:
    if fault.backtrace:
        yield "backtrace"
    yield from (f"  #{number} {_frame(frame)}" for number, frame in enumerate(fault.backtrace))


def _frame(frame: Frame) -> str:
    name = printable(f"{frame.function}+{frame.offset:#x}") if frame.function else "?"
    line = f" ({printable(frame.file)}:{frame.line})" if frame.file else ""
    times = f" ({frame.times} times)" if frame.times > 1 else ""
    return f"{frame.address:#010x} {name}{line}{times}"
