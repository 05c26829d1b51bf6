"""M3 and M4: fetch, decode, execute; one instruction at a time, loads overlapped, stores buffered.

Two clocks are coupled: execute, and a fetch queue of three words that always fetches aligned words (Arm KA 103488664).
The queue is represented by what it does to execute rather than by its words: a run of three halfword-aligned 32-bit
instructions drains it once (H13), a branch to one waits for its second word (H14), any pause of execute lets it catch
up. A queue simulated word by word with the refill latency that this needs stalls again and again in longer runs,
against the measurement ("groups of three or more ... take one extra cycle", compendium.i-0.nl).
"""

from __future__ import annotations

from typing import NamedTuple

from mcusim.cores.rules import ThreeStageRules
from mcusim.isa.forms import mask_of, masks
from mcusim.isa.instruction import Instruction, MemoryOperand
from mcusim.isa.kind import DOUBLES, DSP, LOADS, SINGLE_FLOATS, STORES, Kind
from mcusim.pricing import causes
from mcusim.pricing.ledger import operand_cycles, worst
from mcusim.pricing.passage import Fact, RegionTiming
from mcusim.pricing.transfers import extra_transfers
from mcusim.pricing.walk import Walk

_SINGLE_LOADS = frozenset({Kind.LOAD, Kind.LOAD_NARROW, Kind.LOAD_EXCLUSIVE, Kind.FLOAT_LOAD})
_SINGLE_STORES = frozenset({Kind.STORE, Kind.STORE_NARROW, Kind.FLOAT_STORE})
_MEMORY = LOADS | STORES
_COMPUTES = frozenset({
    Kind.ALU, Kind.ALU_ROTATED, Kind.ALU_SHIFT, Kind.SHIFT, Kind.REGISTER_SHIFT, Kind.MOVE_WIDE, Kind.ADDRESS,
    Kind.BITFIELD, Kind.EXTEND, Kind.COUNT_ZEROS, Kind.REVERSE, Kind.SATURATE, Kind.MULTIPLY,
    Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG, Kind.DIVIDE,
}) | DSP  # fmt: skip
_FLOATS = SINGLE_FLOATS | DOUBLES
_MACS = frozenset({Kind.FLOAT_MULTIPLY_ACCUMULATE, Kind.FLOAT_FUSED})
_LONG_MULTIPLIES = frozenset({Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG})

# What the instruction before was, as far as the next one can feel it.
_OTHER, _COMPUTED, _LOADED, _STORED, _STORED_INDEXED_BY_REGISTER = range(5)
_CAUGHT_UP = 9
"""Value of ``run`` once the fetch queue has had its pause: nothing more to wait for in this run."""


class ThreeStageState(NamedTuple):
    """What outlives a block on M3 and M4."""

    role: int = _OTHER
    mask: int = 0
    """Registers the instruction before computed or loaded, for H3 and H4."""
    base: int = -1
    """Base register the access before wrote back to."""
    slave: int = 0
    narrow: bool = False
    run: int = 0
    only_stores: bool = False
    target: bool = True
    buffer: int = 0
    """Cycles until the write buffer is free."""
    float_busy: int = 0
    float_wait: int = 0
    float_mask: int = 0
    """FP registers readable only in ``float_wait`` cycles."""
    settled: bool = True
    """The instruction before left the flags alone."""


START = ThreeStageState()


class ThreeStageWalk(Walk):
    """One walk through a block on M3 or M4."""

    def enter(self, state: ThreeStageState) -> None:  # type: ignore[override]
        self.rules: ThreeStageRules = self.core.rules
        (self.role, self.mask, self.base, self.slave, self.narrow, self.run, self.only_stores, self.target, self.buffer,
         self.float_busy, self.float_wait, self.float_mask, self.settled) = state  # fmt: skip

    def leave(self) -> ThreeStageState:
        access = self.role in (_LOADED, _STORED, _STORED_INDEXED_BY_REGISTER)
        return ThreeStageState(
            self.role, self.mask, self.base if access else -1, self.slave if access else 0, self.narrow,
            self.run, self.only_stores and 0 < self.run < _CAUGHT_UP, self.target, self.buffer, self.float_busy,
            self.float_wait, self.float_mask if self.float_wait else 0, self.settled,
        )  # fmt: skip

    # --- one instruction --------------------------------------------------------------------------------------------
    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        self._book(causes.FETCH, self._fetch(instruction))
        before = self.ledger.cycles
        if not fact.executed:
            self._book(causes.ISSUE, 1)
            self._remember(_OTHER, 0, instruction)
        elif instruction.kind in _MEMORY:
            self._access(instruction, fact)
        elif instruction.kind in _FLOATS:
            self._float(instruction)
        else:
            self._execute(instruction, fact)
        if self.run and self.ledger.cycles - before > 1:
            # H13: behind a single load three more run it dry again; longer pauses let it catch up for good
            self.run = 0 if instruction.kind in _SINGLE_LOADS else _CAUGHT_UP
        if taken:
            self._redirect(instruction)
        self.settled = not instruction.sets_flags

    def _book(self, cause: str, cycles: int) -> None:
        """Time passes: everything that runs beside execute comes nearer."""
        if not cycles:
            return
        self.ledger.add(cause, cycles)
        self.buffer = max(0, self.buffer - cycles)
        self.float_busy = max(0, self.float_busy - cycles)
        self.float_wait = max(0, self.float_wait - cycles)

    def _remember(self, role: int, mask: int, instruction: Instruction) -> None:
        self.role, self.mask, self.narrow = role, mask, instruction.size == 2

    # --- fetch ------------------------------------------------------------------------------------------------------
    def _fetch(self, instruction: Instruction) -> int:
        """Cycles that decode waits for the instruction's halfwords."""
        target, self.target = self.target, False
        if instruction.size == 2 or not instruction.address & 2:
            self.run = 0
            return 0
        if target:
            self.run = _CAUGHT_UP
            return self.rules.misaligned_target
        return self._queue(instruction.kind in _SINGLE_STORES)

    def _queue(self, store: bool) -> int:
        """One more halfword-aligned 32-bit instruction in the run."""
        if self.run == _CAUGHT_UP:
            return 0
        self.only_stores = store and (self.only_stores or self.run == 0)
        self.run += 1
        if self.run < (self.rules.misaligned_store_run if self.only_stores else self.rules.misaligned_run):
            return 0
        self.run = _CAUGHT_UP
        return 1

    def _redirect(self, instruction: Instruction) -> None:
        refill, branch = self.table[instruction.kind].refill, instruction.branch
        if branch is not None and branch.kind == "conditional":
            if branch.target >> 2 == instruction.address >> 2:
                refill = self.rules.one_word_loop_refill
            elif self.settled:
                refill = self.rules.settled_refill
        self._book(causes.BRANCH, refill)
        self.role, self.mask, self.narrow, self.run, self.target = _OTHER, 0, False, 0, True

    # --- execute ----------------------------------------------------------------------------------------------------
    def _execute(self, instruction: Instruction, fact: Fact) -> None:
        kind, cycles = instruction.kind, self.table[instruction.kind].cycles
        if kind is Kind.IT and self.rules.it_folded and self.narrow:
            return self._remember(_OTHER, 0, instruction)
        if kind is Kind.NOP and self.rules.hint_absorbed and self.role in (_LOADED, _STORED_INDEXED_BY_REGISTER):
            return self._remember(_OTHER, 0, instruction)
        if kind is Kind.BARRIER:
            self._book(causes.BARRIER, self.buffer)
        self._book(causes.ISSUE, 1)
        self._book(causes.BARRIER if kind not in _COMPUTES else causes.ISSUE, cycles - 1)
        self._book(causes.DIVIDE, self._operand_cycles(kind, fact) - 1)
        self._remember(_COMPUTED if kind in _COMPUTES else _OTHER, instruction.writes & 0xFFFF, instruction)
        return None

    def _operand_cycles(self, kind: Kind, fact: Fact) -> int:
        """Cycles of a divide or long multiply whose price depends on its operands; 1 for all others."""
        if kind is Kind.DIVIDE:
            return operand_cycles(fact, worst(self.core.divide_cycles))
        if kind in _LONG_MULTIPLIES and self.core.multiply_long_cycles:
            cycles = operand_cycles(fact, worst(self.core.multiply_long_cycles))
            return self.rules.accumulate_long[cycles] if kind is Kind.MULTIPLY_ACCUMULATE_LONG else cycles
        return 1

    # --- loads and stores -------------------------------------------------------------------------------------------
    def _access(self, instruction: Instruction, fact: Fact) -> None:
        memory, kind = instruction.memory, instruction.kind
        assert memory is not None
        addresses = 1 << memory.base | (1 << memory.index if memory.index >= 0 else 0)
        if kind in _FLOATS:
            self._wait_for_float(instruction)
        self._book(causes.STORE, self.buffer)
        if self.role == _COMPUTED and self.mask & addresses:
            self._book(causes.ADDRESS, self.rules.address_stall)
        if kind in _SINGLE_LOADS:
            self._load(instruction, fact, addresses)
        elif kind in _SINGLE_STORES:
            self._store(instruction, fact)
        else:
            self._multiple(instruction, fact)
        self.base = memory.base if memory.writeback else -1

    def _chains(self, instruction: Instruction, addresses: int, region: RegionTiming) -> bool:
        """Whether a load's address phase overlaps the data phase of the load before (H1, H4, H7, H8, H12, H18)."""
        memory = instruction.memory
        assert memory is not None
        if self.role != _LOADED or self.mask & addresses or region.slave != self.slave:
            return False
        if region.opening_cycles and memory.index >= 0:
            return False
        if instruction.size == 4 and instruction.address & 2:
            return False
        if not memory.writeback:
            return True
        if self.base == memory.base:
            return self.rules.indexed_chains_on_same_base
        return self.rules.indexed_chains_on_other_base

    def _load(self, instruction: Instruction, fact: Fact, addresses: int) -> None:
        region, memory = self.region(fact), instruction.memory
        assert memory is not None
        self._open(region, memory)
        chained = self._chains(instruction, addresses, region)
        extra = extra_transfers(memory.size, fact.misalignment)
        self._book(causes.ISSUE, self.table[instruction.kind].cycles)
        self._book(causes.LOAD_USE, 0 if chained else self.rules.load_bubble)
        self._book(causes.ALIGNMENT, extra)
        self._remember(_LOADED, mask_of(memory.registers), instruction)
        self.slave = region.slave

    def _store(self, instruction: Instruction, fact: Fact) -> None:
        region, memory = self.region(fact), instruction.memory
        assert memory is not None
        if not self._overlaps(memory, region):
            self._book(causes.ISSUE, self.table[instruction.kind].cycles)
        if memory.index >= 0:
            self._book(causes.STORE, self.rules.register_store)
        if memory.writeback and self.role == _LOADED:
            self._book(causes.STORE, self.rules.indexed_store_after_load)
        if memory.writeback and self.role == _STORED and self.base == memory.base:
            self._book(causes.STORE, self.rules.indexed_store_same_base)
        self.buffer = extra_transfers(memory.size, fact.misalignment)
        self._remember(_STORED_INDEXED_BY_REGISTER if memory.index >= 0 else _STORED, 0, instruction)
        self.slave = region.slave

    def _overlaps(self, memory: MemoryOperand, region: RegionTiming) -> bool:
        """Whether a store issues in the second cycle of the load before it (H2)."""
        if not self.rules.store_overlaps_load or self.role != _LOADED or memory.index >= 0:
            return False
        if memory.writeback and self.rules.indexed_store_after_load:
            return False
        return region.slave == self.slave and not self.mask >> memory.base & 1

    def _open(self, region: RegionTiming, memory: MemoryOperand) -> None:
        """What a load waits because of what went to memory right before it: H5, and memories slow to answer anew (H18)."""
        stored = self.role in (_STORED, _STORED_INDEXED_BY_REGISTER)
        alone = memory.index >= 0 or memory.count > 1
        same = region.slave == self.slave and not alone and (stored or self.role == _LOADED)
        if region.opening_cycles:
            self._book(causes.MEMORY, 0 if same else region.opening_cycles)
        if stored and not region.opening_cycles:
            self._book(causes.STORE, self.rules.store_to_load)

    def _multiple(self, instruction: Instruction, fact: Fact) -> None:
        """LDM, STM, LDRD, STRD, LDR PC, table branches, STREX: nothing overlaps."""
        region, memory, row = self.region(fact), instruction.memory, self.table[instruction.kind]
        assert memory is not None
        if not memory.write:
            self._open(region, memory)
        self._book(causes.ISSUE, row.cycles)
        self._book(causes.TRANSFER, row.each * memory.count)
        mask = 0 if memory.write else mask_of(memory.registers)
        self._remember(_OTHER, mask, instruction)

    # --- floating point ---------------------------------------------------------------------------------------------
    def _wait_for_float(self, instruction: Instruction) -> None:
        """Until the FPU is free and the operands are there; a MAC reads its addend one cycle late (GCC
        cortex-m4-fpu.md)."""
        wait = self.float_busy
        if self.float_wait:
            factors = instruction.float_reads
            if instruction.kind in _MACS:
                factors = masks(instruction.operands[1:])[1]
            if factors & self.float_mask:
                wait = max(wait, self.float_wait)
            elif instruction.float_reads & self.float_mask:
                wait = max(wait, self.float_wait - 1)
        self._book(causes.FLOAT, wait)

    def _float(self, instruction: Instruction) -> None:
        row = self.table[instruction.kind]
        self._wait_for_float(instruction)
        self._book(causes.ISSUE, row.cycles)
        self.float_busy = max(self.float_busy, row.float_busy - row.cycles)
        self.float_wait = max(0, row.latency - row.cycles)
        self.float_mask = instruction.float_writes if self.float_wait else 0
        self._remember(_OTHER, instruction.writes & 0xFFFF, instruction)
