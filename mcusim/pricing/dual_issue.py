"""M7: in-order, two instructions per cycle, six stages, early and late ALU, branch prediction.

An instruction that issues beside its predecessor costs no cycle of its own. The latency table says how far behind a
producer a consumer must issue, by the stage at which it needs the operand; rows "early" and "late" are the two ALUs.

Not modelled: the half-cycle slips around narrow instructions, the stall of LDM far from narrow instructions,
store-to-load forwarding, operand-dependent cycles of double precision (typical ones are used), the -1 of an unaligned
beside an aligned load. The bank of a load is known from a common base register or from the fact about its address;
otherwise two loads do not pair.
"""

from __future__ import annotations

from typing import NamedTuple

from mcusim.cores.rules import DualIssueRules
from mcusim.isa.instruction import ALWAYS, PC, Instruction
from mcusim.isa.kind import DOUBLES, LOADS, SINGLE_FLOATS, STORES, Kind
from mcusim.pricing import causes
from mcusim.pricing.ledger import operand_cycles, worst
from mcusim.pricing.passage import Fact
from mcusim.pricing.scoreboard import FLAGS, FLOAT_BASE, Need, Pending, Scoreboard, needs, results
from mcusim.pricing.transfers import extra_transfers
from mcusim.pricing.walk import LineFetch, Walk

_FLOATS = SINGLE_FLOATS | DOUBLES
_STORE_KINDS = frozenset({Kind.STORE, Kind.STORE_NARROW, Kind.FLOAT_STORE})
_MULTIPLE = frozenset({
    Kind.LOAD_DOUBLE, Kind.STORE_DOUBLE, Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.LOAD_MULTIPLE_BRANCH,
    Kind.FLOAT_LOAD_MULTIPLE, Kind.FLOAT_STORE_MULTIPLE,
})  # fmt: skip
_DELAYED = frozenset({
    Kind.FLOAT_ADD, Kind.DOUBLE_ADD, Kind.FLOAT_LOAD_MULTIPLE, Kind.FLOAT_STORE_MULTIPLE, Kind.FLOAT_LOAD_DOUBLE,
    Kind.FLOAT_STORE_DOUBLE, Kind.FLOAT_IMMEDIATE,
})  # fmt: skip
"""Held back entirely behind an FP multiply-accumulate (JNK)."""
_YOUNGER_DELAYED = frozenset({"fload", "fstore", "fmove"})
"""Units held back from the younger slot behind an FP multiply-accumulate (JNK)."""
_CAUSES = {
    "load": causes.LOAD_USE, "slow_load": causes.LOAD_USE, "float_load": causes.LOAD_USE, "float": causes.FLOAT,
    "fused": causes.FLOAT, "chained": causes.FLOAT, "fmove": causes.FLOAT,
}  # fmt: skip
_MEMORY = LOADS | STORES
NO_LEAD = 99
"""Age of flags that were set long ago."""


class Older(NamedTuple):
    """The instruction issued alone so far in its cycle: what pairing must know of it."""

    unit: str
    load: bool = False
    base: int = -1
    offset: int = 0
    bank: int = 0


class DualIssueState(NamedTuple):
    """What outlives a block on M7."""

    older: Older | None = None
    pending: Pending = ()
    lockout: int = -1
    """Cycle until which an FP multiply-accumulate holds others back; the cycle still open is -1."""
    backlog: int = 0
    """Cycles of work in the store buffer."""
    flag_age: int = NO_LEAD
    target: bool = True
    age: int = 0


START = DualIssueState()


class DualIssueWalk(Walk):
    """One walk through a block on M7. ``ledger.cycles`` is the first cycle not begun."""

    def misprediction(self, instruction: Instruction) -> int:
        """Penalty of a wrong prediction; flags set early enough shorten it (a step, not a ramp: JNK)."""
        branch = instruction.branch
        if branch is None or (branch.kind in ("jump", "call") and instruction.condition == ALWAYS):
            return 0
        penalty = self.core.mispredict_cycles
        on_flags = branch.kind == "conditional"
        early = self.ledger.cycles - self.flags_at >= self.rules.flag_lead
        return penalty - self.rules.flag_lead_gain if on_flags and early else penalty

    def enter(self, state: DualIssueState) -> None:  # type: ignore[override]
        self.rules: DualIssueRules = self.core.rules
        self.board = Scoreboard(self.rules.latencies, state.pending)
        self.older, self.lockout, self.backlog = state.older, state.lockout, state.backlog
        self.flags_at = -state.flag_age
        self.fetch = LineFetch(state.age, state.target)

    def leave(self) -> DualIssueState:
        now = self.ledger.cycles
        waits = self.code.fetch_wait_cycles and not self.code.cached_fetch
        age = now - self.flags_at
        earliest = now if self.older is None else now - 1
        return DualIssueState(
            self.older, self.board.pending(now, earliest), self.lockout - now if self.lockout > earliest else -1,
            self.backlog, age if age <= self.rules.flag_lead else NO_LEAD, bool(waits) and self.fetch.fresh,
            self.fetch.age if waits else 0,
        )  # fmt: skip

    def twin(self) -> DualIssueWalk:
        other = super().twin()
        other.board, other.fetch = self.board.copy(), LineFetch(self.fetch.age, self.fetch.fresh)
        return other

    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        stall = self.fetch.wait(self.code, instruction)
        if stall:
            self._book(causes.FETCH, stall)
            self.older = None
        # An instruction in a failed IT slot occupies the pipeline as if it executed (JNK).
        wanted = list(needs(instruction))
        if self._pairs(instruction, fact, wanted):
            self._finish(instruction, self.ledger.cycles - 1, younger=True)
            self._extra(instruction, fact, younger=True)
            self.older = None
        else:
            self._wait(instruction, wanted)
            self._issue(instruction, fact)
        if taken:
            self.older, self.fetch.fresh = None, True

    def _book(self, cause: str, cycles: int) -> None:
        self.ledger.add(cause, cycles)
        self.fetch.spend(cycles, self.code)
        self.backlog = max(0, self.backlog - cycles)

    # --- pairing ----------------------------------------------------------------------------------------------------
    def _pairs(self, instruction: Instruction, fact: Fact, wanted: list[Need]) -> bool:
        older, rules, unit = self.older, self.rules, self.table[instruction.kind].unit
        if older is None or unit in rules.alone or unit in rules.older_only or (older.unit, unit) in rules.conflicts:
            return False
        if older.load and instruction.kind in LOADS and not self._other_bank(older, instruction, fact):
            return False
        cycle = self.ledger.cycles - 1
        if cycle < self.lockout and (unit in _YOUNGER_DELAYED or instruction.kind in _DELAYED):
            return False
        if instruction.kind in _STORE_KINDS and self._buffer_stall(instruction, fact):
            return False
        # A predicted branch does not wait for its flags.
        return all(self._ready(need, instruction)[0] <= cycle for need in wanted)

    @staticmethod
    def _other_bank(older: Older, instruction: Instruction, fact: Fact) -> bool:
        base, offset = _static_address(instruction)
        if base >= 0 and base == older.base:
            return bool((offset ^ older.offset) & 4)
        return fact.misalignment & 4 != older.bank

    def _ready(self, need: Need, instruction: Instruction) -> tuple[int, str]:
        if need[0] == FLAGS and instruction.branch is not None and instruction.memory is None:
            return -1 << 30, ""
        if need[1] == "branch":  # predicted; a wrong prediction is counted
            return -1 << 30, ""
        return self.board.ready(need)

    # --- issue ------------------------------------------------------------------------------------------------------
    def _wait(self, instruction: Instruction, wanted: list[Need]) -> None:
        latest, cause = self.ledger.cycles, causes.LATENCY
        for need in wanted:
            cycle, row = self._ready(need, instruction)
            if cycle > latest:
                latest = cycle
                default = causes.ADDRESS if need[1] in ("base", "index") else causes.LATENCY
                cause = _CAUSES.get(row, default)
        self._book(cause, latest - self.ledger.cycles)
        if instruction.kind in _DELAYED:
            self._book(causes.FLOAT, max(0, self.lockout - self.ledger.cycles))

    def _issue(self, instruction: Instruction, fact: Fact) -> None:
        kind, row, rules = instruction.kind, self.table[instruction.kind], self.rules
        if kind in _MULTIPLE:
            self._multiple(instruction, fact)
        elif kind is Kind.DIVIDE:
            self._book(causes.ISSUE, 1)
            table = self.core.divide_cycles
            fallback = worst(table) if fact.executed else min(table[0])
            self._book(causes.DIVIDE, operand_cycles(fact, fallback) - 1)
        else:
            if kind in _STORE_KINDS:
                self._book(causes.STORE, self._buffer_stall(instruction, fact))
            if kind is Kind.BARRIER:
                self._book(causes.STORE, self.backlog)
            self._book(causes.ISSUE, 1)
            self._book(causes.FLOAT if kind in _FLOATS else causes.BARRIER, row.cycles - 1)
        self._finish(instruction, self.ledger.cycles - 1, younger=False)
        self._extra(instruction, fact, younger=False)
        self.older = None if row.unit in rules.alone else self._as_older(instruction, fact)

    def _as_older(self, instruction: Instruction, fact: Fact) -> Older:
        unit = self.table[instruction.kind].unit
        if instruction.kind not in LOADS:
            return Older(unit)
        return Older(unit, True, *_static_address(instruction), fact.misalignment & 4)

    def _multiple(self, instruction: Instruction, fact: Fact) -> None:
        """Two words per cycle; a store multiple of an even number of words needs eight-byte alignment (JNK)."""
        memory, region = instruction.memory, self.region(fact)
        assert memory is not None
        cycles = -(-memory.count // 2)
        self._book(causes.ISSUE, 1)
        self._book(causes.TRANSFER, cycles - 1)
        if instruction.kind in (Kind.STORE_MULTIPLE, Kind.FLOAT_STORE_MULTIPLE) and not memory.count & 1:
            self._book(causes.ALIGNMENT, int(bool(fact.misalignment & 4)))
        if not region.cached_data and not region.tightly_coupled:
            waits = region.write_wait_cycles if memory.write else region.read_wait_cycles
            self._book(causes.MEMORY, waits * memory.count)

    def _extra(self, instruction: Instruction, fact: Fact, *, younger: bool) -> None:
        """What a single access costs beyond its slot; runs behind its issue."""
        memory = instruction.memory
        if memory is None or instruction.kind in _MULTIPLE:
            return
        region = self.region(fact)
        unaligned = extra_transfers(memory.size, fact.misalignment) > 0
        waits = 0 if region.cached_data or region.tightly_coupled else memory.count
        if memory.write:
            self.backlog += self._drain(instruction, fact) + waits * region.write_wait_cycles
            return
        self._book(causes.ALIGNMENT, self.rules.unaligned_load[younger] if unaligned else 0)
        self._book(causes.MEMORY, waits * region.read_wait_cycles)

    # --- store buffer -----------------------------------------------------------------------------------------------
    def _drain(self, instruction: Instruction, fact: Fact) -> int:
        memory = instruction.memory
        assert memory is not None
        if extra_transfers(memory.size, fact.misalignment):
            return self.rules.unaligned_store_drain
        return self.rules.store_drain if memory.size == 4 else self.rules.narrow_store_drain

    def _buffer_stall(self, instruction: Instruction, fact: Fact) -> int:
        """Cycles until the buffer has room for one more entry of this kind; ``store_depth`` of a kind in a row never
        wait."""
        drain = max(self._drain(instruction, fact), self.rules.narrow_store_drain)
        return max(0, self.backlog - 1 - (self.rules.store_depth - 1) * (drain - 1))

    # --- results ----------------------------------------------------------------------------------------------------
    def _finish(self, instruction: Instruction, cycle: int, *, younger: bool) -> None:
        row = self.table[instruction.kind]
        result = "early" if self._early(instruction, cycle, younger=younger) else row.result
        if instruction.mnemonic in ("ubfx", "sbfx"):
            result = "reversed"
        memory = instruction.memory
        loaded = set(memory.registers) | {FLOAT_BASE + s for s in memory.float_registers} if memory else set()
        for register in results(instruction):
            if memory and register == memory.base and register not in loaded:
                self.board.issue(register, "update", cycle)
            elif result:
                self.board.issue(register, result, cycle)
        if instruction.sets_flags:
            self.board.issue(FLAGS, "flags", cycle)
            self.flags_at = cycle
        if row.unit == "fmac":
            self.lockout = cycle + 1 + self.rules.accumulate_lockout

    def _early(self, instruction: Instruction, cycle: int, *, younger: bool) -> bool:
        """Whether the early ALU takes it: simple enough, the right slot, and its operands already there in EX1."""
        rules, kind = self.rules, instruction.kind
        if kind in (Kind.SHIFT, Kind.REGISTER_SHIFT):
            fits = instruction.mnemonic in rules.early_shifts
            if younger and self.older is not None and self.older.unit in rules.shifter:
                fits = False
        else:
            simple = kind in (Kind.ALU, Kind.MOVE_WIDE, Kind.ADDRESS)
            fits = simple and instruction.mnemonic in rules.early and not younger
        return fits and all(self.board.ready((register, "early"))[0] <= cycle for register, _ in needs(instruction)
                            if register < FLOAT_BASE)  # fmt: skip


def _static_address(instruction: Instruction) -> tuple[int, int]:
    """Base register and offset modulo 8 of a load whose bank relative to another is known from the code; base -1
    otherwise."""
    memory = instruction.memory
    if memory is None or memory.index >= 0 or memory.writeback:
        return -1, 0
    offset = memory.offset + (instruction.address + 4 & ~3 if memory.base == PC else 0)
    return memory.base, offset & 7
