"""M0 and M0+: one bus for code and data, nothing overlaps; the price is the sum of the instructions' prices.

Not modelled: the interplay of literal loads with a flash prefetcher, which makes some of them one cycle cheaper.
"""

from __future__ import annotations

from mcusim.cores.rules import SingleBusRules
from mcusim.isa.instruction import Instruction
from mcusim.isa.kind import LOADS, STORES, Kind
from mcusim.pricing import causes
from mcusim.pricing.passage import Fact, State
from mcusim.pricing.walk import Walk

_MEMORY = LOADS | STORES
_SINGLE = frozenset({Kind.LOAD, Kind.LOAD_NARROW, Kind.STORE, Kind.STORE_NARROW})


START = ()
"""Nothing outlives a block on M0 and M0+."""


class SingleBusWalk(Walk):
    """One walk through a block on M0 or M0+."""

    def enter(self, state: State) -> None:
        self.rules: SingleBusRules = self.core.rules

    def leave(self) -> State:
        return START

    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        row = self.table[instruction.kind]
        if instruction.kind in _MEMORY:
            self._access(instruction, fact)
        else:
            self.ledger.add(causes.ISSUE, row.cycles)
        if taken:
            self.ledger.add(causes.BRANCH, row.refill)

    def _access(self, instruction: Instruction, fact: Fact) -> None:
        memory, region, row = instruction.memory, self.region(fact), self.table[instruction.kind]
        assert memory is not None
        single = instruction.kind in _SINGLE
        cycles = self.rules.io_port_cycles if single and region.single_cycle_io else row.cycles
        self.ledger.add(causes.ISSUE, 1)
        self.ledger.add(causes.TRANSFER, cycles - 1 + row.each * memory.count)
