"""M0 and M0+: one bus for code and data, nothing overlaps; the price is the sum of the instructions' prices.

With wait states, code and data transactions follow each other on the one bus, so both waits add to the instruction;
and a flash that answers a data access does not read ahead meanwhile: it has one read port.
Not modelled: the interplay of literal loads with a flash prefetcher, which makes some of them one cycle cheaper.
"""

from __future__ import annotations

from typing import NamedTuple

from mcusim.cores.rules import SingleBusRules
from mcusim.isa.instruction import Instruction
from mcusim.isa.kind import LOADS, STORES, Kind
from mcusim.pricing import causes
from mcusim.pricing.passage import Fact
from mcusim.pricing.walk import LineFetch, Walk

_MEMORY = LOADS | STORES
_SINGLE = frozenset({Kind.LOAD, Kind.LOAD_NARROW, Kind.STORE, Kind.STORE_NARROW})


class SingleBusState(NamedTuple):
    """What outlives a block on M0 and M0+: only where the code is being fetched."""

    target: bool = True
    age: int = 0


START = SingleBusState()


class SingleBusWalk(Walk):
    """One walk through a block on M0 or M0+."""

    def enter(self, state: SingleBusState) -> None:  # type: ignore[override]
        self.rules: SingleBusRules = self.core.rules
        self.fetch = LineFetch(state.age, state.target)

    def leave(self) -> SingleBusState:
        waits = self.code.fetch_wait_cycles and not self.code.cached_fetch
        return SingleBusState(self.fetch.fresh, self.fetch.age) if waits else START

    def twin(self) -> SingleBusWalk:
        other = super().twin()
        other.fetch = LineFetch(self.fetch.age, self.fetch.fresh)
        return other

    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        row = self.table[instruction.kind]
        self._book(causes.FETCH, self.fetch.wait(self.code, instruction))
        if instruction.kind in _MEMORY:
            self._access(instruction, fact)
        else:
            self._book(causes.ISSUE, row.cycles)
        if taken:
            self._book(causes.BRANCH, row.refill)
            self.fetch.fresh = True

    def _access(self, instruction: Instruction, fact: Fact) -> None:
        memory, region, row = instruction.memory, self.region(fact), self.table[instruction.kind]
        assert memory is not None
        single = instruction.kind in _SINGLE
        cycles = self.rules.io_port_cycles if single and region.single_cycle_io else row.cycles
        waits = 0 if region.cached_data else region.write_wait_cycles if memory.write else region.read_wait_cycles
        words = cycles - 1 + row.each * memory.count
        self._book(causes.ISSUE, 1)
        self._book(causes.TRANSFER, words, reads_ahead=not waits or region is not self.code)
        self._book(causes.MEMORY, memory.count * waits, reads_ahead=region is not self.code)

    def _book(self, cause: str, cycles: int, *, reads_ahead: bool = True) -> None:
        """Time passes; ``reads_ahead``: the code memory may fetch its next line meanwhile."""
        self.ledger.add(cause, cycles)
        if reads_ahead:
            self.fetch.spend(cycles, self.code)
