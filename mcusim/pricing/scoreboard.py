"""Which results are still under way, and in which role an instruction needs each of its operands."""

from __future__ import annotations

from collections.abc import Iterator

from mcusim.cores.rules import Latencies
from mcusim.isa.instruction import Instruction, Operand
from mcusim.isa.kind import DOUBLES, SINGLE_FLOATS, Kind

FLOAT_BASE = 16
"""Number of S0 on the scoreboard, behind the core registers."""
FLAGS = 48
"""Number of the condition flags on the scoreboard."""

Need = tuple[int, str]
"""A register's number on the scoreboard and the role of the operand."""
Pending = tuple[tuple[int, str, int], ...]
"""Results under way: register, row of the latency table, cycles since issue."""

_FACTORS = frozenset({
    Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG, Kind.DSP_MULTIPLY,
    Kind.DSP_MULTIPLY_ACCUMULATE, Kind.DSP_MULTIPLY_ACCUMULATE_LONG, Kind.DIVIDE,
})  # fmt: skip
_ACCUMULATES = frozenset({
    Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_ACCUMULATE_LONG, Kind.DSP_MULTIPLY_ACCUMULATE,
    Kind.DSP_MULTIPLY_ACCUMULATE_LONG,
})  # fmt: skip
_EARLY_SOURCES = frozenset({
    "ubfx", "sbfx", "bfi", "rev", "rev16", "revsh", "rbit", "ssat", "usat", "ssat16", "usat16", "qdadd", "qdsub",
})  # fmt: skip
"""Shifted in the first execute stage: bit fields and reversals (JNK), saturation and doubling (LLVM M7Read_ISS)."""
_EXTENDS = frozenset({Kind.EXTEND, Kind.DSP_EXTEND})
"""Their rotation needs no early operand (JNK lists the extend-and-adds only; LLVM ReadALU)."""
_TARGETS = frozenset({Kind.BRANCH_REGISTER, Kind.BRANCH_LINK_REGISTER, Kind.ALU_BRANCH})
_FUSED = frozenset({Kind.FLOAT_FUSED, Kind.DOUBLE_FUSED})
_CHAINED = frozenset({Kind.FLOAT_MULTIPLY_ACCUMULATE, Kind.DOUBLE_MULTIPLY_ACCUMULATE})
_FLOATS = SINGLE_FLOATS | DOUBLES
_LEAVING = frozenset({Kind.FLOAT_TO_CORE, Kind.FLOAT_PAIR_TO_CORE, Kind.FLOAT_LANE_TO_CORE})
_ENTERING = frozenset({Kind.FLOAT_FROM_CORE, Kind.FLOAT_PAIR_FROM_CORE, Kind.FLOAT_LANE_FROM_CORE})


def needs(instruction: Instruction) -> Iterator[Need]:
    """Every register the instruction reads, with the role it reads it in."""
    if instruction.reads_flags:
        yield FLAGS, "flags"
    if instruction.memory is not None:
        yield from _memory_needs(instruction)
    elif instruction.kind in _FLOATS:
        yield from _float_needs(instruction)
    elif instruction.kind in _TARGETS:
        yield from ((register, "branch") for register in registers(instruction.reads))
    elif instruction.kind in _FACTORS:
        yield from _factor_needs(instruction)
    else:
        yield from _plain_needs(instruction)


def registers(mask: int, base: int = 0) -> Iterator[int]:
    """Numbers of the bits set in ``mask``, from ``base``."""
    while mask:
        lowest = mask & -mask
        yield base + lowest.bit_length() - 1
        mask ^= lowest


def results(instruction: Instruction) -> Iterator[int]:
    """Scoreboard numbers of the registers the instruction writes, without flags and PC."""
    yield from registers(instruction.writes & 0x7FFF)
    yield from registers(instruction.float_writes, FLOAT_BASE)


def _memory_needs(instruction: Instruction) -> Iterator[Need]:
    memory = instruction.memory
    assert memory is not None
    if memory.base < 15:
        yield memory.base, "base"
    if memory.index >= 0:
        yield memory.index, "index"
    if memory.write:
        yield from ((register, "store") for register in memory.registers)
        yield from ((FLOAT_BASE + register, "saved") for register in memory.float_registers)


def _float_needs(instruction: Instruction) -> Iterator[Need]:
    core = "entering" if instruction.kind in _ENTERING else "late"
    yield from ((register, core) for register in registers(instruction.reads))
    addend = "fused" if instruction.kind in _FUSED else "chained" if instruction.kind in _CHAINED else ""
    operands = instruction.operands[1:] if addend else ()
    if addend:
        yield from _float_registers(instruction.operands[0], addend)
        for operand in operands:
            yield from _float_registers(operand, "float")
        return
    role = "leaving" if instruction.kind in _LEAVING else "float"
    yield from ((register, role) for register in registers(instruction.float_reads, FLOAT_BASE))


def _float_registers(operand: Operand, role: str) -> Iterator[Need]:
    return ((FLOAT_BASE + operand.value + half, role) for half in range(operand.width))


def _factor_needs(instruction: Instruction) -> Iterator[Need]:
    """Two factors behind the destinations; accumulators behind them, or the destinations themselves."""
    long = instruction.kind in (Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG, Kind.DSP_MULTIPLY_ACCUMULATE_LONG)
    first = 2 if long else 1
    operands = instruction.operands
    yield from ((operand.value, "factor") for operand in operands[first : first + 2])
    if instruction.kind in _ACCUMULATES:
        yield from ((operand.value, "addend") for operand in (operands[:2] if long else operands[3:]))


def _plain_needs(instruction: Instruction) -> Iterator[Need]:
    early, kind = instruction.mnemonic in _EARLY_SOURCES, instruction.kind
    if kind is Kind.DSP_EXTEND_ADD:
        yield instruction.operands[1].value, "widened"
        yield instruction.operands[2].value, "early"
        return
    if kind is Kind.DSP_PACK:
        yield instruction.operands[1].value, "early" if instruction.mnemonic == "pkhtb" else "late"
        yield instruction.operands[2].value, "early"
        return
    seen = 0
    for operand in _sources(instruction):
        if operand.role == "register" and instruction.reads >> operand.value & 1:
            seen |= 1 << operand.value
            yield operand.value, "early" if early or (operand.shift and kind not in _EXTENDS) else "late"
    yield from ((register, "late") for register in registers(instruction.reads & ~seen & 0x7FFF))


def _sources(instruction: Instruction) -> tuple[Operand, ...]:
    """Operands behind the destination, which heads them where there is one."""
    return instruction.operands[1:] if instruction.writes else instruction.operands


class Scoreboard:
    """Results under way, by register: who made them and when."""

    __slots__ = ("_entries", "_latencies", "_longest")

    def __init__(self, latencies: Latencies, pending: Pending) -> None:
        self._latencies = latencies
        self._longest = {row: max(columns.values()) for row, columns in latencies.items()}
        self._entries = {register: (row, -age) for register, row, age in pending}

    def copy(self) -> Scoreboard:
        twin = Scoreboard.__new__(Scoreboard)
        twin._latencies, twin._longest, twin._entries = self._latencies, self._longest, dict(self._entries)
        return twin

    def ready(self, need: Need) -> tuple[int, str]:
        """First cycle at which the operand can be used, and the row of its producer ("" where nothing is under way)."""
        entry = self._entries.get(need[0])
        if entry is None:
            return -1 << 30, ""
        row, issued = entry
        return issued + self._latencies[row][need[1]], row

    def issued(self, register: int) -> int:
        """Cycle of the issue of the register's last producer; only behind a ``ready`` that named one."""
        return self._entries[register][1]

    def issue(self, register: int, row: str, cycle: int) -> None:
        """A result of that register is under way from ``cycle``."""
        self._entries[register] = (row, cycle)

    def pending(self, now: int, earliest: int) -> Pending:
        """Results that an issue at ``earliest`` or later may still have to wait for; ages relative to ``now``."""
        return tuple(sorted(
            (register, row, now - issued) for register, (row, issued) in self._entries.items()
            if issued + self._longest[row] > earliest
        ))  # fmt: skip
