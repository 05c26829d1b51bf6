"""The running account of one passage, shared by all engines."""

from __future__ import annotations

from mcusim.isa.instruction import ALWAYS, Instruction
from mcusim.isa.kind import LOADS, STORES
from mcusim.pricing.passage import Exit, Fact, State

MEMORY_KINDS = LOADS | STORES


class Ledger:
    """Cycles by cause, and the sums that DWT counters show.

    Counters follow the Armv7-M profiling equation: cycles = instructions + extra + load_store - folded.
    """

    __slots__ = ("_start", "boundaries", "cycles", "entries", "extra", "folded", "load_store")

    def __init__(self) -> None:
        self.cycles = 0
        self.entries: dict[str, int] = {}
        self.boundaries: list[int] = []
        self.folded = self.load_store = self.extra = 0
        self._start = 0

    def add(self, cause: str, cycles: int) -> None:
        """Book ``cycles`` (0 books nothing)."""
        if cycles:
            self.cycles += cycles
            self.entries[cause] = self.entries.get(cause, 0) + cycles

    def close(self, instruction: Instruction) -> None:
        """End of an instruction: note its boundary and what the DWT counters make of it."""
        spent = self.cycles - self._start
        self.boundaries.append(self.cycles)
        self._start = self.cycles
        if spent == 0:
            self.folded += 1
        elif instruction.kind in MEMORY_KINDS:
            self.load_store += spent - 1
        else:
            self.extra += spent - 1

    def exit(self, state: State) -> Exit:
        return Exit(self.cycles, state, dict(self.entries))

    def fork(self) -> Ledger:
        """Independent copy, to price the other way out of a block."""
        twin = Ledger()
        twin.cycles, twin.entries, twin.boundaries = self.cycles, dict(self.entries), list(self.boundaries)
        twin.folded, twin.load_store, twin.extra, twin._start = self.folded, self.load_store, self.extra, self._start
        return twin


def leaves_conditionally(instruction: Instruction) -> bool:
    """Whether the instruction is a branch that may also fall through."""
    if instruction.branch is None:
        return False
    return instruction.condition != ALWAYS or instruction.branch.kind == "compare"


def operand_cycles(fact: Fact, fallback: int) -> int:
    """Cycles of an operand-dependent instruction; ``fallback`` where the run did not look at the operands."""
    return fact.operand_cycles or fallback


def worst(table: tuple[tuple[int, ...], ...]) -> int:
    """Largest entry of a table of operand-dependent cycles."""
    return max(max(row) for row in table)
