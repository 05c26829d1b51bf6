"""Cache maintenance of the Cortex-M7 by SCB registers, and what CLIDR, CTR and CCSIDR tell of the caches.

Sources: Armv7-M ARM B2.2.7 (operations) and B4.8 (identification), M7-TRM 3.3 and 5.9. What the caches hold decides about time
only: memory is always up to date. A line that is written back keeps its memory busy; the loops of set and way operations cost
what their instructions cost.
Not modelled: branch predictor maintenance, and that the invalidation of a whole cache takes time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

INSTRUCTION, DATA = "instruction_cache", "data_cache"
ALL, ADDRESS, SET_AND_WAY = range(3)


class Operation(NamedTuple):
    """One register: the cache, what the value names, and what happens to the line."""

    cache: str
    names: int
    clean: bool
    invalidate: bool


OPERATIONS = {
    0xEF50: Operation(INSTRUCTION, ALL, False, True),  # ICIALLU
    0xEF58: Operation(INSTRUCTION, ADDRESS, False, True),  # ICIMVAU
    0xEF5C: Operation(DATA, ADDRESS, False, True),  # DCIMVAC
    0xEF60: Operation(DATA, SET_AND_WAY, False, True),  # DCISW
    0xEF64: Operation(DATA, ADDRESS, True, False),  # DCCMVAU
    0xEF68: Operation(DATA, ADDRESS, True, False),  # DCCMVAC
    0xEF6C: Operation(DATA, SET_AND_WAY, True, False),  # DCCSW
    0xEF70: Operation(DATA, ADDRESS, True, True),  # DCCIMVAC
    0xEF74: Operation(DATA, SET_AND_WAY, True, True),  # DCCISW
}
"""By offset from 0xE0000000 (Armv7-M ARM table B4-14)."""
CLIDR, CTR, CCSIDR, CSSELR = 0xED78, 0xED7C, 0xED80, 0xED84
SEPARATE_LEVEL_1 = 0x09000003
"""CLIDR of a Cortex-M7 with both caches (M7-TRM 3.3.2)."""
CACHE_TYPE = 0x8303C003
"""CTR: lines of eight words in both caches (M7-TRM table 3-1)."""
WRITE_POLICIES = {DATA: 0xF, INSTRUCTION: 0xF}
"""CCSIDR bits 31..28: write-through, write-back, read- and write-allocate (M7-TRM table 3-9 has all four for both)."""


class CacheMaintenance:
    """The registers of one machine whose core has caches of its own."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.geometry = {
            name: machine.board.parameters[name] for name in (INSTRUCTION, DATA) if name in machine.board.parameters
        }

    def level(self) -> int:
        """CLIDR."""
        return SEPARATE_LEVEL_1 if self.geometry else 0

    def kind(self) -> int:
        """CTR."""
        return CACHE_TYPE if self.geometry else 0

    def size(self, selected: int) -> int:
        """CCSIDR of the cache that CSSELR selects: bit 0 the instruction cache, level 1 only."""
        name = INSTRUCTION if selected & 1 else DATA
        if name not in self.geometry or selected >> 1 & 7:
            return 0
        line, ways, sets = self._shape(name)
        return WRITE_POLICIES[name] << 28 | sets - 1 << 13 | ways - 1 << 3 | (line // 4).bit_length() - 3

    def _shape(self, name: str) -> tuple[int, int, int]:
        values = self.geometry[name]
        line, ways = values["line_bytes"], values["ways"]
        return line, ways, values["size_bytes"] // line // ways

    def operate(self, offset: int, value: int) -> None:
        """A write of ``value`` to one of ``OPERATIONS``."""
        operation = OPERATIONS[offset]
        if operation.cache not in self.geometry:
            return
        self.machine.accesses.accessing()  # walks the accesses before this one
        if operation.names == ALL:
            self.machine.recorder.memory.invalidate(operation.cache)
            return
        for place in self._places(operation, value):
            self._operate_on(operation, place)

    def _places(self, operation: Operation, value: int) -> Iterable[int]:
        memory = self.machine.recorder.memory
        if operation.names == ADDRESS:
            place = memory.place_at(operation.cache, value)
        else:
            way = value >> 32 - (self.geometry[operation.cache]["ways"] - 1).bit_length()
            place = memory.place_of(operation.cache, value, way)
        return () if place is None else (place,)

    def _operate_on(self, operation: Operation, place: int) -> None:
        memory = self.machine.recorder.memory
        written = memory.clean(operation.cache, place) if operation.clean else None
        if operation.invalidate:
            memory.drop(operation.cache, place)
        if written is None:
            return
        recorder = self.machine.recorder
        path = recorder.timing.regions[recorder.regions.at(written)].paths.write
        if path is not None:
            memory.write_back(path.device, recorder.cycles + self.machine.accesses.offset())
