"""Parameters of the pipeline engines that are not the price of one kind: how neighbours interact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcusim.isa.kind import Kind


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
    indexed_chains_on_same_base: bool
    """H7: the same behind a load that is."""
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
    settled_refill: int
    """H17: refill of a conditional branch whose flags the instruction right before it leaves alone."""
    store_overlaps_load: bool
    """H2: whether a store with immediate offset right behind a load of the same memory takes the load's second cycle."""
    one_word_loop_refill: int
    """H15: refill of a conditional branch to an instruction in its own fetch word."""
    hint_absorbed: bool
    """H9, H6: whether a NOP disappears in the second cycle of a load or register-offset store."""
    it_folded: bool
    """H16: whether IT costs nothing behind a 16-bit instruction."""
    accumulate_long: Mapping[int, int] = field(default_factory=dict)
    """Cycles of UMLAL and SMLAL by the cycles of the same UMULL or SMULL; empty where the price is fixed."""


Latencies = Mapping[str, Mapping[str, int]]
"""Cycles from issue of a producer to issue of a consumer, by the producer's ``Timing.result`` and the operand's role.

Roles of operands: ``late`` (an ordinary operand), ``early`` (shifted operand2, bit-field source), ``base``, ``index``,
``factor``, ``addend`` (of a multiply-accumulate), ``widened`` (the addend of SXTAB and its like), ``store`` (store
data), ``entering`` (moved to an FP register), ``branch`` (target), ``flags``; of FP operands ``float``, ``fused``
(addend of VFMA), ``chained`` (addend of VMLA), ``saved`` (store data), ``leaving`` (moved to a core register). Zero
means in the same cycle.
"""


@dataclass(frozen=True, slots=True)
class PairedRules:
    """M33: single issue, but a few pairs of 16-bit instructions share a cycle."""

    latencies: Latencies
    flagged_multiply: int
    """Further issue cycles of MULS and of flag-setting operations with a rotated constant."""
    float_ahead: Mapping[str, int]
    """Cycles by which the FPU takes an instruction ahead of its operands, by their rows of the latency table."""


@dataclass(frozen=True, slots=True)
class DualIssueRules:
    """M7: two instructions per cycle, in order."""

    latencies: Latencies
    conflicts: frozenset[tuple[str, str]]
    """Pairs of units (older, younger) that cannot issue together."""
    lockout_conflicts: frozenset[tuple[str, str]]
    """Further such pairs while an FP multiply-accumulate holds others back."""
    older_only: frozenset[str]
    """Units that issue from the older slot only."""
    alone: frozenset[str]
    """Units that share a cycle with nothing."""
    early: frozenset[str]
    """Mnemonics that the early ALU executes from the older slot."""
    early_shifts: frozenset[str]
    """Mnemonics that the early ALU executes from either slot, unless the other instruction uses its shifter."""
    shifter: frozenset[str]
    """Units that use the shifter of the early ALU."""
    results: Mapping[str, str]
    """Rows of the latency table for mnemonics whose results come later than those of their kind."""
    unaligned_load: tuple[int, int]
    """Extra cycles of an unaligned load from the older and the younger slot; two in one cycle pay once, the second."""
    unaligned_shared_bank: int
    """Fewer cycles when the other load is aligned and in the bank that the unaligned one accesses first."""
    predicated_delay: int
    """Cycles by which the result of a conditional instruction comes later to one under another condition ..."""
    predicated_latency: int
    """... unless it took at least this many anyway."""
    forwarding: int
    """Cycles from a store to a load of the same place."""
    store_drain: int
    """Cycles to write a word or doubleword store from the store buffer."""
    narrow_store_drain: int
    """Cycles to merge a byte or halfword store."""
    unaligned_store_drain: int
    """Cycles to write an unaligned store."""
    store_depth: int
    """Entries of the store buffer."""
    flag_lead: int
    """Cycles that flags must be set before a branch to shorten a misprediction ..."""
    flag_lead_gain: int
    """... by this many."""
    accumulate_lockout: int
    """Cycles after an FP multiply-accumulate during which other FP instructions are held back."""
    chained_cycles: Mapping[Kind, int]
    """Issue cycles of double-precision instructions right behind a double-precision multiply-accumulate."""
    narrow_lead: int
    """16-bit instructions since the last taken branch that let fetch run ahead of issue: a taken branch then shares
    its cycle with its target, and multiple transfers cost nothing extra."""
    multiple_window: int
    """Cycles behind a multiple transfer in which those instructions may still come ..."""
    multiple_stall: int
    """... and what it costs if they do not."""
