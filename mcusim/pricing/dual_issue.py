"""M7: in-order, two instructions per cycle, six stages, early and late ALU, branch prediction.

An instruction that issues beside its predecessor costs no cycle of its own. The latency table says how far behind a
producer a consumer must issue, by the stage at which it needs the operand; rows "early" and "late" are the two ALUs.
A half cycle is never lost twice: where two instructions do not pair, the younger is the older of the next pair, and a
predicted branch that ends up alone pairs with its target.

The bank of a load is known from a common base register or from the fact about its address; otherwise two loads do not
pair. What is not modelled is listed in docs/timing.md.
"""

from __future__ import annotations

from typing import NamedTuple

from mcusim.cores.rules import DualIssueRules
from mcusim.isa.instruction import ALWAYS, PC, Instruction
from mcusim.isa.kind import DOUBLES, LOADS, SINGLE_FLOATS, Kind
from mcusim.pricing import causes
from mcusim.pricing.ledger import operand_cycles, worst
from mcusim.pricing.passage import Fact
from mcusim.pricing.scoreboard import FLAGS, FLOAT_BASE, Need, Pending, Scoreboard, needs, results
from mcusim.pricing.transfers import extra_transfers
from mcusim.pricing.walk import Walk

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
_YOUNGER_DELAYED = frozenset({"fload", "fstore", "fmove", "fconstant"})
"""Units held back from the younger slot behind an FP multiply-accumulate (JNK)."""
_CAUSES = {
    "load": causes.LOAD_USE, "slow_load": causes.LOAD_USE, "float_load": causes.LOAD_USE, "float": causes.FLOAT,
    "fused": causes.FLOAT, "chained": causes.FLOAT, "fmove": causes.FLOAT, "rounding": causes.FLOAT,
    "summing": causes.FLOAT,
}  # fmt: skip
_PREDICTED_TARGETS = frozenset({"jump", "conditional", "compare", "call"})
"""Branches whose target the predictor knows as soon as their direction."""
_LAST_MAC = FLAGS + 1
"""Scoreboard number of the multiply-accumulate pipe of the FPU."""
_LEAVES_MAC = {
    Kind.FLOAT_MULTIPLY_ACCUMULATE: "rounding", Kind.DOUBLE_FUSED: "summing", Kind.DOUBLE_MULTIPLY_ACCUMULATE: "summing",
}  # fmt: skip
_MEETS_MAC = {Kind.FLOAT_FUSED: "behind_rounding", Kind.DOUBLE_ADD: "behind_double"}
NO_LEAD = 99
"""Age of flags that were set long ago."""
NEVER = -1 << 30


class Older(NamedTuple):
    """The instruction issued alone so far in its cycle: what pairing must know of it."""

    unit: str
    locked: bool = False
    """Whether an FP multiply-accumulate before it still holds others back."""
    load: bool = False
    base: int = -1
    offset: int = 0
    address: int = 0
    """Address modulo 8."""
    unaligned: bool = False


class Stored(NamedTuple):
    """Where a store of the last cycles went: bytes from a base register as it stands now, and when."""

    base: int
    offset: int
    size: int
    cycle: int


class DualIssueState(NamedTuple):
    """What outlives a block on M7."""

    older: Older | None = None
    pending: Pending = ()
    conditions: tuple[tuple[int, int], ...] = ()
    """Pending results of conditional instructions, with the condition."""
    stored: tuple[Stored, ...] = ()
    lockout: int = -1
    """Cycle until which an FP multiply-accumulate holds others back; the cycle still open is -1."""
    backlog: int = 0
    """Cycles of work in the store buffer."""
    flag_age: int = NO_LEAD
    narrow: int = 0
    """16-bit instructions since the last taken branch, as far as they count."""
    window: int = 0
    """Cycles in which further ones spare a multiple transfer its stall."""
    credit: int = 0
    """Cycles booked for an unaligned load that turned out shorter."""


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
        self.conditions = dict(state.conditions)
        self.older, self.stored, self.lockout, self.backlog = state.older, state.stored, state.lockout, state.backlog
        self.narrow, self.window, self.credit = state.narrow, state.window, state.credit
        self.flags_at = -state.flag_age

    def leave(self) -> DualIssueState:
        now = self.ledger.cycles
        age = now - self.flags_at
        earliest = now if self.older is None else now - 1
        # A conditional result can be felt longer than its row says.
        pending = self.board.pending(now, earliest - self.rules.predicated_delay if self.conditions else earliest)
        conditional = ((register, self.conditions[register]) for register, _, _ in pending
                       if register in self.conditions)  # fmt: skip
        return DualIssueState(
            self.older, pending, tuple(conditional), self._recently_stored(now, earliest),
            self.lockout - now if self.lockout > earliest else -1, self.backlog,
            age if age <= self.rules.flag_lead else NO_LEAD, self.narrow, self.window, self.credit,
        )  # fmt: skip

    def _recently_stored(self, now: int, earliest: int) -> tuple[Stored, ...]:
        horizon = earliest - self.rules.forwarding
        return tuple(one._replace(cycle=one.cycle - now) for one in self.stored if one.cycle > horizon)

    def twin(self) -> DualIssueWalk:
        other = super().twin()
        other.board = self.board.copy()
        other.conditions = dict(self.conditions)
        return other

    def step(self, instruction: Instruction, fact: Fact, taken: bool) -> None:
        # An instruction in a failed IT slot occupies the pipeline as if it executed (JNK).
        wanted = self._wanted(instruction)
        if self._pairs(instruction, fact, wanted):
            self._book(causes.FLOAT, self.table[instruction.kind].cycles - 1)
            self._extra(instruction, fact, self.older)
            self._finish(instruction, younger=True)
            self.older = None
        else:
            self._wait(instruction, wanted)
            self._issue(instruction, fact)
        if taken:
            self._redirect(instruction)
        elif instruction.size == 2:
            self._compress()

    def _book(self, cause: str, cycles: int) -> None:
        if not cycles:
            return
        spared = min(cycles, self.credit)
        self.credit -= spared
        cycles -= spared
        self.ledger.add(cause, cycles)
        self.backlog = max(0, self.backlog - cycles)
        if self.window:
            self._close_window(cycles)

    # --- fetch ------------------------------------------------------------------------------------------------------
    def _compress(self) -> None:
        """One more 16-bit instruction: fetch gets ahead of issue."""
        self.narrow = min(self.narrow + 1, self.rules.narrow_lead)
        if self.narrow == self.rules.narrow_lead:
            self.window = 0

    def _close_window(self, cycles: int) -> None:
        """A multiple transfer stalls where no 16-bit instructions came in time."""
        self.window = max(0, self.window - cycles)
        if not self.window:
            self._book(causes.FETCH, self.rules.multiple_stall)

    def _redirect(self, instruction: Instruction) -> None:
        """A taken branch starts a new stretch of code; one that is alone in its cycle may share it with its target."""
        branch = instruction.branch
        if self.narrow < self.rules.narrow_lead or branch is None or branch.kind not in _PREDICTED_TARGETS:
            self.older = None
        self.narrow = self.window = 0

    # --- pairing ----------------------------------------------------------------------------------------------------
    def _pairs(self, instruction: Instruction, fact: Fact, wanted: list[Need]) -> bool:
        older, rules, unit = self.older, self.rules, self.table[instruction.kind].unit
        if older is None or unit in rules.alone or unit in rules.older_only or (older.unit, unit) in rules.conflicts:
            return False
        if older.locked and self._locked_out(older.unit, instruction):
            return False
        if older.load and instruction.kind in LOADS and not self._banks_suit(older, instruction, fact):
            return False
        if instruction.kind in _STORE_KINDS and self._buffer_stall(instruction, fact):
            return False
        # A predicted branch does not wait for its flags.
        cycle = self.ledger.cycles - 1
        return all(self._ready(need, instruction)[0] <= cycle for need in wanted) and (
            self._forwarded(instruction) <= cycle
        )

    def _locked_out(self, older: str, instruction: Instruction) -> bool:
        unit = self.table[instruction.kind].unit
        delayed = unit in _YOUNGER_DELAYED or instruction.kind in _DELAYED
        return delayed or (older, unit) in self.rules.lockout_conflicts

    @staticmethod
    def _banks_suit(older: Older, instruction: Instruction, fact: Fact) -> bool:
        """Whether two loads fit in one cycle: different banks, or an unaligned one, which pays for it in any case."""
        if older.unaligned or _unaligned(instruction, fact):
            return True
        base, offset = _static_address(instruction)
        if base >= 0 and base == older.base:
            return bool((offset ^ older.offset) & 4)
        return bool((fact.misalignment ^ older.address) & 4)

    # --- operands ---------------------------------------------------------------------------------------------------
    def _wanted(self, instruction: Instruction) -> list[Need]:
        """Operands that are waited for; a predicted branch waits for none, a wrong prediction is counted."""
        branch = instruction.branch is not None and instruction.memory is None
        wanted = [need for need in needs(instruction)
                  if need[1] != "branch" and not (branch and need[0] == FLAGS)]  # fmt: skip
        if instruction.kind in _MEETS_MAC:
            wanted.append((_LAST_MAC, _MEETS_MAC[instruction.kind]))
        return wanted

    def _ready(self, need: Need, instruction: Instruction) -> tuple[int, str]:
        """First cycle at which the operand can be used; conditional results take longer to other conditions."""
        cycle, row = self.board.ready(need)
        condition = self.conditions.get(need[0], -1) if self.conditions else -1
        if condition < 0 or not row or condition == instruction.condition >> 1:
            return cycle, row
        limit = self.board.issued(need[0]) + self.rules.predicated_latency
        return max(cycle, min(limit, cycle + self.rules.predicated_delay)), row

    def _forwarded(self, instruction: Instruction) -> int:
        """First cycle at which a load gets what was just stored in its place."""
        memory = instruction.memory
        if not self.stored or memory is None or memory.write or memory.index >= 0:
            return NEVER
        end = memory.offset + memory.size * memory.count
        return max((one.cycle + self.rules.forwarding for one in self.stored
                    if one.base == memory.base and one.offset < end and memory.offset < one.offset + one.size),
                   default=NEVER)  # fmt: skip

    # --- issue ------------------------------------------------------------------------------------------------------
    def _wait(self, instruction: Instruction, wanted: list[Need]) -> None:
        latest, cause = self.ledger.cycles, causes.LATENCY
        for need in wanted:
            cycle, row = self._ready(need, instruction)
            if cycle > latest:
                latest = cycle
                default = causes.ADDRESS if need[1] in ("base", "index") else causes.LATENCY
                cause = _CAUSES.get(row, default)
        forwarded = self._forwarded(instruction)
        if forwarded > latest:
            latest, cause = forwarded, causes.STORE
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
            further = self._cycles(kind) - 1
            self._book(causes.ISSUE, 1)
            self._book(causes.FLOAT if kind in _FLOATS else causes.BARRIER, further)
        older = None if row.unit in rules.alone else self._as_older(instruction, fact)
        self._extra(instruction, fact, None)
        self._finish(instruction, younger=False)
        self.older = older

    def _cycles(self, kind: Kind) -> int:
        """Issue cycles of what no other rule prices."""
        behind = kind in self.rules.chained_cycles and self.board.ready((_LAST_MAC, "behind_double"))
        chained = behind and behind[0] > self.ledger.cycles
        return self.rules.chained_cycles[kind] if chained else self.table[kind].cycles

    def _as_older(self, instruction: Instruction, fact: Fact) -> Older:
        unit, locked = self.table[instruction.kind].unit, self.ledger.cycles - 1 < self.lockout
        if instruction.kind not in LOADS:
            return Older(unit, locked)
        place = _static_address(instruction)
        return Older(unit, locked, True, *place, fact.misalignment, _unaligned(instruction, fact))

    def _multiple(self, instruction: Instruction, fact: Fact) -> None:
        """Two words per cycle; a store multiple of an even number of words needs eight-byte alignment (JNK)."""
        memory = instruction.memory
        assert memory is not None
        cycles = -(-memory.count // 2)
        self._book(causes.ISSUE, 1)
        self._book(causes.TRANSFER, cycles - 1)
        if instruction.kind in (Kind.STORE_MULTIPLE, Kind.FLOAT_STORE_MULTIPLE) and not memory.count & 1:
            self._book(causes.ALIGNMENT, int(bool(fact.misalignment & 4)))
        if self.window:  # the one before has not had its 16-bit instructions yet
            self._close_window(self.window)
        if self.narrow < self.rules.narrow_lead:
            self.window = self.rules.multiple_window + 1

    def _extra(self, instruction: Instruction, fact: Fact, older: Older | None) -> None:
        """What a single access costs beyond its slot; ``older``: the instruction it shares its cycle with."""
        memory = instruction.memory
        if memory is None or instruction.kind in _MULTIPLE:
            return
        if memory.write:
            self.backlog += self._drain(instruction, fact)
        else:
            self._align(_unaligned(instruction, fact), fact, older)

    def _align(self, unaligned: bool, fact: Fact, older: Older | None) -> None:
        """Extra cycles of an unaligned load; a pair with one is judged as a pair (JNK)."""
        alone, younger = self.rules.unaligned_load
        shared = older is not None and older.load and not (fact.misalignment ^ older.address) & 4
        gain = self.rules.unaligned_shared_bank if shared else 0
        if older is not None and older.unaligned:
            self._book(causes.ALIGNMENT, younger - alone if unaligned else 0)
            self.credit += 0 if unaligned else gain
        elif unaligned:
            self._book(causes.ALIGNMENT, alone if older is None else younger - gain)

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
    def _finish(self, instruction: Instruction, *, younger: bool) -> None:
        """Put the results on the scoreboard, as issued in the cycle that has just been booked."""
        cycle, row = self.ledger.cycles - 1, self.table[instruction.kind]
        early = self._early(instruction, cycle, younger=younger)
        result = "early" if early else self.rules.results.get(instruction.mnemonic, row.result)
        written = list(results(instruction))
        loaded = _loaded(instruction)
        for register in written:
            if instruction.memory and register == instruction.memory.base and register not in loaded:
                self.board.issue(register, "update", cycle)
            elif result:
                self.board.issue(register, result, cycle - _words_behind(register, loaded))
        self._condition(instruction, written)
        self._remember_store(instruction, written, cycle)
        if instruction.sets_flags:
            self.board.issue(FLAGS, "flags", cycle)
            self.flags_at = cycle
        if row.unit == "fmac":
            self.lockout = cycle + 1 + self.rules.accumulate_lockout
        if instruction.kind in _LEAVES_MAC:
            self.board.issue(_LAST_MAC, _LEAVES_MAC[instruction.kind], cycle)

    def _condition(self, instruction: Instruction, written: list[int]) -> None:
        """Note which results depend on a condition."""
        if instruction.in_it:
            self.conditions.update((register, instruction.condition >> 1) for register in written)
        elif self.conditions:
            for register in written:
                self.conditions.pop(register, None)

    def _remember_store(self, instruction: Instruction, written: list[int], cycle: int) -> None:
        """Note where a store went, and follow the base registers of those before."""
        memory = instruction.memory
        moved = memory.writeback if memory else 0
        if self.stored:
            kept = (one for one in self.stored if one.cycle > cycle - self.rules.forwarding)
            self.stored = tuple(
                one._replace(offset=one.offset - moved) if memory and moved and one.base == memory.base else one
                for one in kept if one.base not in written or (memory and moved and one.base == memory.base)
            )  # fmt: skip
        if memory and memory.write and memory.index < 0:
            place = Stored(memory.base, memory.offset - moved, memory.size * memory.count, cycle)
            self.stored += (place,)

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


def _unaligned(instruction: Instruction, fact: Fact) -> bool:
    memory = instruction.memory
    return memory is not None and extra_transfers(memory.size, fact.misalignment) > 0


def _loaded(instruction: Instruction) -> tuple[int, ...]:
    """Scoreboard numbers of loaded registers, in order of address."""
    memory = instruction.memory
    if memory is None or memory.write:
        return ()
    return memory.registers + tuple(FLOAT_BASE + register for register in memory.float_registers)


def _words_behind(register: int, loaded: tuple[int, ...]) -> int:
    """Cycles by which a register of a multiple load arrives before its last ones: two words per cycle."""
    if len(loaded) < 3 or register not in loaded:
        return 0
    return (len(loaded) - 1) // 2 - loaded.index(register) // 2


def _static_address(instruction: Instruction) -> tuple[int, int]:
    """Base register and offset modulo 8 of a load whose bank relative to another is known from the code; base -1
    otherwise."""
    memory = instruction.memory
    if memory is None or memory.index >= 0 or memory.writeback:
        return -1, 0
    offset = memory.offset + (instruction.address + 4 & ~3 if memory.base == PC else 0)
    return memory.base, offset & 7
