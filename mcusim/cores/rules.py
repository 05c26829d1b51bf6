"""Parameters of the pipeline engines that are not the price of one kind: how neighbours interact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SingleBusRules:
    """M0, M0+: code and data share one bus, nothing overlaps."""

    io_port_cycles: int
    """Cycles of a load or store on the single-cycle I/O port; the ordinary cycles where the core has no such port."""


@dataclass(frozen=True, slots=True)
class ThreeStageRules:
    """M3, M4. H numbers are those of the hazard list in docs/timing.md."""

    load_bubble: int
    """H1: extra cycles of a load that no further load overlaps."""
    address_stall: int
    """H3: extra cycles of a load or store whose base or index the instruction before computed."""
    store_to_load: int
    """H5: extra cycles of a load right behind a store."""
    register_store: int
    """H6: extra cycles of a store with register offset."""
    indexed_chains_on_other_base: bool
    """H7: whether an indexed load pipelines behind a load that is not indexed on the same base."""
    indexed_store_after_load: int
    """H7: extra cycles of an indexed store right behind a load."""
    indexed_store_same_base: int
    """H7: extra cycles of an indexed store right behind an indexed store on the same base."""
    misaligned_run: int
    """H13: length of a run of halfword-aligned 32-bit instructions at which the fetch queue runs dry once."""
    misaligned_store_run: int
    """H13: the same where all of the run are stores."""
    misaligned_target: int
    """H14: extra cycles of a branch to a halfword-aligned 32-bit instruction."""
    return_refill: int
    """H15: refill of BX LR when LR is not just being written."""
    hint_absorbed: bool
    """H9, H6: whether a NOP disappears in the second cycle of a load or register-offset store."""
    it_folded: bool
    """H16: whether IT costs nothing behind a 16-bit instruction."""
    accumulate_long: Mapping[int, int] = field(default_factory=dict)
    """Cycles of UMLAL and SMLAL by the cycles of the same UMULL or SMULL; empty where the price is fixed."""
