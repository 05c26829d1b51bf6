"""The frame all engines share: an engine walks a block instruction by instruction and hands a state to the next
block."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Self

from mcusim.cores.core import Core
from mcusim.errors import UnsupportedError
from mcusim.isa.instruction import Block, Instruction
from mcusim.pricing.ledger import Ledger, leaves_conditionally
from mcusim.pricing.passage import Exit, Fact, MemoryTiming, Passage, RegionTiming, State

EXECUTED = Fact()
SKIPPED = Fact(executed=False)


class Walk(ABC):
    """One walk through one block: mutable, thrown away after it. Subclasses are a core's pipeline."""

    def __init__(self, core: Core, timing: MemoryTiming) -> None:
        self.core, self.table, self.timing = core, core.timing, timing
        self.ledger = Ledger()

    @abstractmethod
    def enter(self, state: State) -> None:
        """Take over the state that the previous block left."""

    @abstractmethod
    def leave(self) -> State:
        """Everything that later instructions can feel, as small as possible."""

    @abstractmethod
    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        """Book one instruction; ``taken``: it leaves the straight line."""

    def misprediction(self, instruction: Instruction) -> int:
        """Cycles lost when the branch that ends a block is predicted wrongly; 0 where nothing is predicted."""
        return 0

    def twin(self) -> Self:
        """Copy that can go on differently."""
        other = copy.copy(self)
        other.ledger = self.ledger.fork()
        return other

    def exit(self) -> Exit:
        return self.ledger.exit(self.leave())

    def region(self, fact: Fact) -> RegionTiming:
        return self.timing.regions[fact.region]


class Engine:
    """A ``Pipeline``: walks blocks with one kind of ``Walk`` for one core."""

    def __init__(self, core: Core, walk: Callable[[Core, MemoryTiming], Walk], start: State) -> None:
        self.core, self._walk, self._start = core, walk, start

    def start(self) -> State:
        return self._start

    def run(self, block: Block, state: State, facts: Mapping[int, Fact], timing: MemoryTiming) -> Passage:
        """Price ``block``; raises UnsupportedError where it holds an instruction that the core does not have."""
        try:
            return self._run(block, state, facts, timing)
        except KeyError:
            missing = [instruction for instruction in block.instructions if instruction.kind not in self.core.timing]
            if not missing:
                raise
            first = missing[0]
            raise UnsupportedError(
                f"{first.text or first.mnemonic} at 0x{first.address:08x}: "
                f"core {self.core.name} has no timing for kind {first.kind}"
            ) from None

    def _run(self, block: Block, state: State, facts: Mapping[int, Fact], timing: MemoryTiming) -> Passage:
        walk = self._walk(self.core, timing)
        walk.enter(state)
        for index, instruction in enumerate(block.instructions[:-1]):
            walk.step(instruction, facts.get(index, EXECUTED), False)
            walk.ledger.close(instruction)
        last, fact = block.instructions[-1], facts.get(len(block.instructions) - 1, EXECUTED)
        misprediction = walk.misprediction(last)
        taken = self._leave(walk, last, fact)
        ledger = walk.ledger
        return Passage(
            tuple(ledger.boundaries), walk.exit(), taken,
            predicted=misprediction > 0, mispredict_cycles=misprediction, folded=ledger.folded,
            load_store_cycles=ledger.load_store, extra_cycles=ledger.extra,
        )  # fmt: skip

    @staticmethod
    def _leave(walk: Walk, last: Instruction, fact: Fact) -> Exit:
        """Book the last instruction for falling through; return the exit for leaving the straight line."""
        if not leaves_conditionally(last):
            walk.step(last, fact, last.branch is not None and fact.executed)
            walk.ledger.close(last)
            return walk.exit()
        other = walk.twin()
        other.step(last, replace(fact, executed=True), True)
        other.ledger.close(last)
        walk.step(last, SKIPPED if last.in_it else fact, False)
        walk.ledger.close(last)
        return other.exit()
