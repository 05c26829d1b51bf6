"""M33: single issue with a scoreboard; a few pairs of 16-bit instructions share a cycle.

Pairs (older, younger), both 16-bit: anything and a branch not taken or IT; anything that sets no flags and a taken
branch; NOP and anything but a branch that is not multi-cycle. The FPU takes one instruction a cycle ahead of its
operands and executes it when they come; integer instructions go on meanwhile, those of the FPU wait.
"""

from __future__ import annotations

from typing import NamedTuple

from mcusim.cores.rules import PairedRules
from mcusim.isa.instruction import Instruction
from mcusim.isa.kind import DOUBLES, LOADS, SINGLE_FLOATS, STORES, Kind
from mcusim.pricing import causes
from mcusim.pricing.ledger import operand_cycles, worst
from mcusim.pricing.passage import Fact
from mcusim.pricing.scoreboard import FLAGS, Pending, Scoreboard, needs, results
from mcusim.pricing.transfers import extra_transfers
from mcusim.pricing.walk import Walk

_MEMORY = LOADS | STORES
_FLOATS = SINGLE_FLOATS | DOUBLES
_BRANCHES = frozenset({
    Kind.BRANCH, Kind.BRANCH_CONDITIONAL, Kind.BRANCH_COMPARE, Kind.BRANCH_REGISTER, Kind.BRANCH_LINK_REGISTER,
})  # fmt: skip
_SINGLE = frozenset({
    Kind.ALU, Kind.SHIFT, Kind.REGISTER_SHIFT, Kind.ADDRESS, Kind.EXTEND, Kind.REVERSE, Kind.LOAD, Kind.LOAD_NARROW,
    Kind.STORE,
    Kind.STORE_NARROW,
})  # fmt: skip
_AHEAD = frozenset({Kind.FLOAT_ADD, Kind.FLOAT_MULTIPLY, Kind.FLOAT_FUSED, Kind.FLOAT_MULTIPLY_ACCUMULATE})
"""Issue a cycle ahead of their operands, but not of an addend (JNK)."""
_CLOSED, _PLAIN, _FLAGGED, _NOP = range(4)
"""Whether the last instruction's cycle has room for a younger one, and what the older is."""
_CAUSES = {"load": causes.LOAD_USE, "float_load": causes.LOAD_USE, "float": causes.FLOAT, "fused": causes.FLOAT,
           "quotient": causes.FLOAT}  # fmt: skip


class PairedState(NamedTuple):
    """What outlives a block on M33."""

    older: int = _CLOSED
    pending: Pending = ()
    float_busy: int = 0
    buffer: int = 0


START = PairedState()


class PairedWalk(Walk):
    """One walk through a block on M33. Cycle 0 is the block's first; ``ledger.cycles`` is the cycle now."""

    def enter(self, state: PairedState) -> None:  # type: ignore[override]
        self.rules: PairedRules = self.core.rules
        self.board = Scoreboard(self.rules.latencies, state.pending)
        self.older, self.float_free, self.buffer_free = state.older, state.float_busy, state.buffer

    def leave(self) -> PairedState:
        now = self.ledger.cycles
        return PairedState(
            self.older, self.board.pending(now, now if self.older == _CLOSED else now - 1),
            max(0, self.float_free - now), max(0, self.buffer_free - now),
        )  # fmt: skip

    def twin(self) -> PairedWalk:
        other = super().twin()
        other.board = self.board.copy()
        return other

    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        if not fact.executed:  # one slot, no operands waited for
            self.ledger.add(causes.ISSUE, 1)
            self.older = _CLOSED if instruction.size == 4 else _PLAIN
            return
        if self._pairs(instruction, taken):
            self._finish(instruction, self.ledger.cycles - 1)
            self.older = _CLOSED
        else:
            self._issue(instruction, fact, self._wait(instruction))
            self._open(instruction)
        if taken:
            self.ledger.add(causes.BRANCH, self.table[instruction.kind].refill)
            self.older = _CLOSED

    # --- pairing ----------------------------------------------------------------------------------------------------
    def _pairs(self, instruction: Instruction, taken: bool) -> bool:
        if self.older == _CLOSED or instruction.size == 4:
            return False
        kind = instruction.kind
        allowed = (
            kind is Kind.IT
            or (kind in _BRANCHES and (not taken or self.older != _FLAGGED))
            or (self.older == _NOP and kind in _SINGLE)
        )
        if not allowed:
            return False
        # A branch resolves behind the flags of its own cycle.
        cycle = self.ledger.cycles - 1
        return all(need[0] == FLAGS or self.board.ready(need)[0] <= cycle for need in needs(instruction))

    def _open(self, instruction: Instruction) -> None:
        if instruction.size == 4 or instruction.kind in _BRANCHES:
            self.older = _CLOSED
        else:
            self.older = _NOP if instruction.kind is Kind.NOP else _FLAGGED if instruction.sets_flags else _PLAIN

    # --- issue ------------------------------------------------------------------------------------------------------
    def _wait(self, instruction: Instruction) -> int:
        """Until every operand is there, and the unit free; cycles by which the FPU executes it later than it issues."""
        latest, cause, executes = self.ledger.cycles, causes.LATENCY, 0
        for need in needs(instruction):
            cycle, row = self.board.ready(need)
            if row in self.rules.float_ahead and need[1] == "float" and instruction.kind in _AHEAD:
                executes = max(executes, cycle)
                cycle -= self.rules.float_ahead[row]
            if cycle > latest:
                latest, cause = cycle, _CAUSES.get(row, causes.LATENCY)
        self.ledger.add(cause, latest - self.ledger.cycles)
        if instruction.kind in _FLOATS:
            self.ledger.add(causes.FLOAT, max(0, self.float_free - self.ledger.cycles))
        if instruction.kind in _MEMORY or instruction.kind is Kind.BARRIER:
            self.ledger.add(causes.STORE, max(0, self.buffer_free - self.ledger.cycles))
        return max(0, executes - self.ledger.cycles)

    def _issue(self, instruction: Instruction, fact: Fact, ahead: int) -> None:
        kind, row = instruction.kind, self.table[instruction.kind]
        start = self.ledger.cycles + ahead
        if instruction.memory is not None:
            self._access(instruction, fact)
        elif kind is Kind.DIVIDE:
            self.ledger.add(causes.ISSUE, 1)
            self.ledger.add(causes.DIVIDE, operand_cycles(fact, worst(self.core.divide_cycles)) - 1)
        else:
            self.ledger.add(causes.ISSUE, row.cycles + self._flag_cost(instruction))
        busy = max(row.float_busy, 1) if ahead else row.float_busy
        self.float_free = max(self.float_free, start + busy)
        self._finish(instruction, self.ledger.cycles - 1 + ahead)

    def _flag_cost(self, instruction: Instruction) -> int:
        rotated = instruction.kind is Kind.ALU_ROTATED and instruction.mnemonic not in ("mov", "mvn")
        slow = rotated or instruction.kind is Kind.MULTIPLY
        return self.rules.flagged_multiply if slow and instruction.sets_flags else 0

    def _access(self, instruction: Instruction, fact: Fact) -> None:
        memory, row = instruction.memory, self.table[instruction.kind]
        assert memory is not None
        extra = extra_transfers(memory.size, fact.misalignment)
        words = row.cycles + row.each * memory.count
        self.ledger.add(causes.ISSUE, 1)
        self.ledger.add(causes.TRANSFER, words - 1)
        if memory.write and memory.count == 1:
            self.buffer_free = self.ledger.cycles + extra
        else:
            self.ledger.add(causes.ALIGNMENT, extra)

    def _finish(self, instruction: Instruction, cycle: int) -> None:
        """Put the results on the scoreboard: words of a multiple load arrive one per cycle."""
        row = self.table[instruction.kind]
        memory = instruction.memory
        loaded = memory.registers + tuple(16 + s for s in memory.float_registers) if memory and not memory.write else ()
        for register in results(instruction):
            if register in loaded and len(loaded) > 1:
                last = self.ledger.cycles - 1
                self.board.issue(register, row.result, last - (len(loaded) - 1 - loaded.index(register)))
            elif memory and register == memory.base and register not in loaded:
                self.board.issue(register, "alu", cycle)
            elif row.result:
                self.board.issue(register, row.result, cycle)
        if instruction.sets_flags:
            self.board.issue(FLAGS, "late_flags" if instruction.kind is Kind.ALU_SHIFT else "flags", cycle)
