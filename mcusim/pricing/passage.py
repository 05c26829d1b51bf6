"""What a pipeline answers: the passage of one block through the core.

The machine asks once for each combination that occurs (block, entry state, facts, memory timing) and multiplies by
counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mcusim.isa.instruction import Block
from mcusim.pricing.memory import NO_PATHS, Cache, Device, Paths

State = Hashable
"""Bounded pipeline state that outlives a block; equal states price the future equally."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What only the run knows about one instruction of a block.

    ``executed``: False for an instruction in a failed IT slot. ``region``: index into ``MemoryTiming.regions`` of the
    first accessed address. ``misalignment``: first address modulo 8. ``operand_cycles``: cycles of an operand-dependent
    instruction (divide, M3 long multiply), looked up by the machine in the core's table; 0 where there is none.
    """

    executed: bool = True
    region: int = 0
    misalignment: int = 0
    operand_cycles: int = 0


@dataclass(frozen=True, slots=True)
class RegionTiming:
    """How one memory region answers: what of it a pipeline feels, and the paths that the machine prices."""

    name: str
    slave: int = 0
    single_cycle_io: bool = False
    opening_cycles: int = 0
    """Extra cycles of a load that no access to the same memory directly precedes."""
    paths: Paths = NO_PATHS
    """Caches and buffers in front of the region. No passage holds their stalls: see ``mcusim.pricing.memory``."""


@dataclass(frozen=True, slots=True)
class MemoryTiming:
    """Timing of all regions of a board as the firmware has programmed them now."""

    regions: tuple[RegionTiming, ...]
    caches: tuple[Cache, ...] = ()
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class Exit:
    """One way out of a block: total cycles, the state handed to the next block, and where the cycles went.

    ``causes`` maps a cause (see ``mcusim.pricing.causes``) to cycles and sums to ``cycles``.
    """

    cycles: int
    state: State
    causes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A block priced from one entry state.

    ``boundaries[i]`` is the cycle (relative to block entry) at which instruction ``i`` is done and an interrupt would
    be taken; ``fall`` applies when the next block starts at ``block.end``, ``taken`` when it starts elsewhere.
    ``predicted`` marks an exit whose branch goes through a predictor: the machine adds the core's mispredict penalty,
    which for this branch is ``mispredict_cycles`` (flags set well ahead shorten it).
    ``folded`` counts instructions that cost no cycle (DWT FOLDCNT), ``load_store_cycles`` the extra cycles of loads and
    stores (LSUCNT), ``extra_cycles`` all other cycles beyond one per instruction (CPICNT).
    """

    boundaries: tuple[int, ...]
    fall: Exit
    taken: Exit
    predicted: bool = False
    mispredict_cycles: int = 0
    folded: int = 0
    load_store_cycles: int = 0
    extra_cycles: int = 0


class Pipeline(Protocol):
    """A core's timing model: a pure function of block, state, facts and memory timing."""

    def start(self) -> State:
        """State after reset, exception entry or any other pipeline flush."""
        ...

    def run(self, block: Block, state: State, facts: Mapping[int, Fact], timing: MemoryTiming) -> Passage:
        """Price ``block`` entered in ``state``; ``facts`` maps instruction index to Fact, missing are ``Fact()``."""
        ...
