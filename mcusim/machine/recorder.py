"""The Python half of the profile: discovers blocks and nodes when native code meets them first, and prices them once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mcusim.cores import Core
from mcusim.isa.decode import decode_block
from mcusim.isa.instruction import SP, Block, Instruction, MemoryOperand
from mcusim.isa.legality import illegality
from mcusim.machine import layout as L
from mcusim.machine.facts import FactProgram, SimpleAccess, compile_facts
from mcusim.machine.facts_native import UNKNOWN_REGION, evaluate
from mcusim.machine.memory_system import MemorySystem
from mcusim.machine.native import agrees, evaluate_program, slow_enter, slow_find
from mcusim.pricing.passage import Exit, Fact, MemoryTiming, Passage, Pipeline, State

NEVER = 1 << 62
KINDS = 3
"""Fetch, read, write."""
NODE_CHUNK = 1 << 13
EDGE_CHUNK = 1 << 14
COUNTER_CHUNK = 1 << 10
EDGE_BUCKETS = 1 << 15
CALLS_MAX = 1 << 16
FRAMES_MAX = 1 << 16

BRANCH_FLAGS = {
    "call": L.CALL, "call_register": L.CALL, "return": L.RETURN, "load": L.RETURN,
}  # fmt: skip
XPSR_THUMB = 1 << 24
PROGRAMS = "programs"
"""Kind of trap: a conditional store to flash that a controller takes."""
MASK_MNEMONICS = frozenset({"cps", "cpsie", "cpsid", "msr"})
MASK_REGISTERS = frozenset({16, 17, 18, 19})
STACK_REGISTERS = frozenset({5, 8, 9, 20})


@dataclass(slots=True)
class BlockRecord:
    """A block as decoded, its fact program, and where it would trap (instruction index, reason) if at all."""

    block: Block
    program: FactProgram
    code: bytes
    dip: int
    flags: int
    watched: bool
    trap: tuple[int, str] | None
    waits: bool
    number: int


@dataclass(slots=True, eq=False)
class Node:
    """A block entered in one state under one set of facts: the unit of counting and pricing."""

    record: BlockRecord
    state: State
    classes: tuple[int, ...]
    timing: int
    passage: Passage
    pointer: int
    index: int
    uses_float: bool
    mispredict_cycles: int = 0
    trap: tuple[int, str] | None = None
    touches: np.ndarray | None = None
    longest_stall: int = 0
    cached: int = 0
    """Bit per kind of access: some of them go through a cache."""
    lanes: np.ndarray | None = None
    """Stall cycles by kind of access and lane, where lanes are followed."""
    exits: list[tuple[int, int]] = field(default_factory=list)  # (edge word address of count, successor address)

    @property
    def address(self) -> int:
        return self.record.block.address


@dataclass(slots=True)
class Partial:
    """A block left early ``times`` times after ``instructions`` instructions (interrupt, fault, sleep)."""

    node: Node
    instructions: int
    times: int = 0
    cycles: int = 0


class Chunks:
    """int64 records at stable addresses, handed out one by one and zeroed."""

    def __init__(self, words: int, chunk: int) -> None:
        self.words, self.chunk = words, chunk
        self.arrays: list[np.ndarray] = []
        self.used = chunk

    def take(self) -> tuple[int, np.ndarray]:
        """Address and view of a fresh record."""
        if self.used == self.chunk:
            self.arrays.append(np.zeros((self.chunk, self.words), dtype=np.int64))
            self.used = 0
        row = self.arrays[-1][self.used]
        self.used += 1
        return row.ctypes.data, row


DISCOVER_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)


class Recorder:
    """Owns the node graph of a run. ``read_code(address, size)`` reads guest memory; ``is_writable(address)`` tells RAM."""

    def __init__(
        self,
        core: Core,
        pipeline: Pipeline,
        read_code: Callable[[int, int], bytes],
        is_writable: Callable[[int], bool],
        xpsr: Callable[[], int],
        stop: Callable[[], None],
        function_starts: Iterable[int] = (),
        follow_lanes: bool = False,
    ) -> None:
        self.follow_lanes = follow_lanes
        self.xpsr, self.stop = xpsr, stop
        self.core, self.pipeline = core, pipeline
        self.read_code, self.is_writable = read_code, is_writable
        self.function_starts = set(function_starts)
        self.watched: set[int] = set()
        self.float_enabled = True
        self.float_guard = False
        self.unaligned_traps = False
        self.aligned = False  # assumed of all accesses
        self.refusing: frozenset[int] = frozenset()
        self.programmed: frozenset[int] = frozenset()
        self.traps_epoch = (False, False)
        self.timings: list[MemoryTiming] = []
        self.timing_number = self.invalidations = 0
        self.elsewhere = self.map_number = 0
        self.maps: dict[tuple[tuple[int, int, int, int], ...], int] = {}
        self.blocks: dict[tuple[int, int, bytes, tuple[int, ...]], BlockRecord] = {}
        self.starts: set[int] = set()
        self.nodes: list[Node] = []
        self.rows: list[np.ndarray] = []
        self.node_at: dict[int, Node] = {}
        self.known: dict[tuple, Node] = {}
        self.gates: dict[State, int] = {}
        self.cut_gates: dict[State, int] = {}
        self.gate_states: dict[int, State] = {}
        self.partials: dict[tuple[int, int], Partial] = {}
        self.error: BaseException | None = None
        self.node_chunks = Chunks(L.NODE_WORDS, NODE_CHUNK)
        self.counter_chunks = Chunks(1, COUNTER_CHUNK)
        self.counters: dict[int, int] = {}
        self.edge_chunks = Chunks(L.EDGE_WORDS, EDGE_CHUNK)
        self._allocate()

    def _allocate(self) -> None:
        self.state = np.zeros(L.STATE_WORDS, dtype=np.int64)
        self.pointer = self.state.ctypes.data
        self.buckets = np.zeros(EDGE_BUCKETS, dtype=np.int64)
        self.calls = np.zeros((CALLS_MAX, L.CALL_WORDS), dtype=np.int64)
        self.frames = np.zeros((FRAMES_MAX, L.FRAME_WORDS), dtype=np.int64)
        self.scratch = np.zeros(L.SCRATCH_WORDS, dtype=np.int64)
        self.facts = np.zeros(L.FACTS_MAX, dtype=np.int64)
        self.tables = [np.ascontiguousarray(table, dtype=np.int64) for table in self._operand_tables()]
        self.callback = DISCOVER_TYPE(self._discover)
        state = self.state
        state[L.DEADLINE] = NEVER
        state[L.SLOW_FIND], state[L.SLOW_ENTER] = slow_find.address, slow_enter.address
        state[L.SLOW_EVALUATE] = evaluate_program.address
        state[L.DISCOVER] = ctypes.cast(self.callback, ctypes.c_void_p).value or 0
        state[L.EDGE_TABLE], state[L.EDGE_MASK] = (
            self.buckets.ctypes.data,
            EDGE_BUCKETS - 1,
        )
        state[L.FRAMES], state[L.FRAME_LIMIT] = self.frames.ctypes.data, FRAMES_MAX
        state[L.CALLS], state[L.CALL_LIMIT] = self.calls.ctypes.data, CALLS_MAX
        state[L.CALL_CURRENT], state[L.CALL_COUNT] = self.calls.ctypes.data, 1
        state[L.SCRATCH], state[L.FACTS] = (
            self.scratch.ctypes.data,
            self.facts.ctypes.data,
        )
        state[L.DIVIDE_TABLE], state[L.MULTIPLY_TABLE] = (table.ctypes.data for table in self.tables)
        self.memory = MemorySystem(state, self.follow_lanes)
        state[L.STACK_LOW] = 0xFFFFFFFF
        state[L.CURRENT] = self.gate(self.pipeline.start())

    def _operand_tables(self) -> list[np.ndarray]:
        empty = np.ones((34, 34), dtype=np.int64)
        divide = self.core.divide_cycles or empty
        multiply = self.core.multiply_long_cycles or empty
        return [np.asarray(divide), np.asarray(multiply)]

    # --- what Python asks ---------------------------------------------------------------------------------------------
    @property
    def cycles(self) -> int:
        return int(self.state[L.CYCLES])

    @property
    def current(self) -> Node | None:
        """The node that is running or about to run; None at a gate."""
        return self.node_at.get(int(self.state[L.CURRENT]))

    @property
    def timing(self) -> MemoryTiming:
        return self.timings[self.timing_number]

    def use_timing(self, timing: MemoryTiming, lanes: Sequence[MemoryTiming] = ()) -> None:
        """From the next block on, price with ``timing``; ``lanes`` as ``MemorySystem.configure`` takes them."""
        same = self.timings and self.timings[self.timing_number] == timing
        if same and self.memory.lane_timings == tuple(lanes):
            return
        if timing not in self.timings:
            self.timings.append(timing)
        self.memory.configure(timing, lanes)
        self.timing_number = self.timings.index(timing)
        self.invalidate()

    # --- gates ----------------------------------------------------------------------------------------------------------
    def gate(self, state: State) -> int:
        """Pointer of a node without cost from which the next block is entered in ``state``."""
        return self._gate(self.gates, state)

    def _gate(self, gates: dict[State, int], state: State) -> int:
        if state not in gates:
            pointer, row = self.node_chunks.take()
            row[L.SLOT_A] = row[L.SLOT_B] = row[L.NODE_ADDRESS] = -1
            row[L.NODE_END] = -1
            gates[state] = pointer
            self.gate_states[pointer] = state
        return gates[state]

    def expect_cut_block(self) -> bool:
        """The next block ends earlier than it would of itself. False where the run is not at a gate.

        An edge is recognised by its address, so blocks of two lengths at one address have gates of their own.
        """
        state = self.gate_states.get(int(self.state[L.CURRENT]))
        if state is None:
            return False
        self.state[L.CURRENT] = self._gate(self.cut_gates, state)
        return True

    def resume(self, state: State) -> None:
        """Enter the next block in ``state``."""
        self.state[L.CURRENT] = self.gate(state)

    def flush(self) -> None:
        """Enter the next block with an empty pipeline."""
        self.resume(self.pipeline.start())

    def leave_early(self, node: Node, instructions: int, cycles: int, times: int = 1) -> None:
        """Account for ``times`` runs of the first ``instructions`` instructions of ``node``, ``cycles`` in all."""
        if node.touches is not None:
            self.memory.leave(node.pointer, instructions)
        key = (node.index, instructions)
        partial = self.partials.setdefault(key, Partial(node, instructions))
        partial.times += times
        partial.cycles += cycles
        self.state[L.CYCLES] += cycles

    def invalidate(self) -> None:
        """Forget all successor links, so that every block is entered anew (timing or floating-point state changed)."""
        self.invalidations += 1
        for row in self.rows:
            if row[L.SLOT_A] >= 0:
                self._retire(row, L.SLOT_A)
            if row[L.SLOT_B] >= 0:
                self._retire(row, L.SLOT_B)
        for pointer in (*self.gates.values(), *self.cut_gates.values()):
            row = _view(pointer, L.NODE_WORDS)
            row[L.SLOT_A] = row[L.SLOT_B] = -1
        self.buckets[:] = 0

    def _retire(self, row: np.ndarray, slot: int) -> None:
        node = self.node_at[row.ctypes.data]
        if row[slot + L.SLOT_COUNT]:
            node.exits.append((int(row[slot + L.SLOT_COUNT]), int(row[slot + L.SLOT_ADDRESS])))
        row[slot : slot + 4] = (-1, 0, 0, 0)

    # --- discovery ------------------------------------------------------------------------------------------------------
    def _discover(self, address: int, size: int) -> None:
        """Called by native code at a block that no known edge leads to."""
        try:
            xpsr = self.xpsr()
            if xpsr & XPSR_THUMB:
                node = self.node(address, size, self._entry_state(address), open_conditions(xpsr))
                self.add_edge(int(self.state[L.CURRENT]), node)
                if node.record.block.end - address != size or not agrees(self.pointer, node.pointer):
                    raise RuntimeError(f"the node made for 0x{address:08x}, {size} bytes, does not match what made it")
            else:
                self.state[L.STOPPED] = L.STOP_ARM_STATE
                self.stop()
        except BaseException as error:
            self.error = error
            self.state[L.STOPPED] = L.STOP_ERROR
            self.stop()

    def _entry_state(self, address: int) -> State:
        current = int(self.state[L.CURRENT])
        if current in self.gate_states:
            return self.gate_states[current]
        node = self.node_at[current]
        return self.exit_of(node, address).state

    def exit_of(self, node: Node, address: int):
        """The exit that ``node`` takes when ``address`` follows."""
        return node.passage.fall if address == node.record.block.end else node.passage.taken

    def record(self, address: int, size: int, conditions: tuple[int, ...] = ()) -> BlockRecord:
        """The decoded block at ``address`` with the bytes that are there now, its first instructions in open IT slots."""
        code = self.read_code(address, size)
        key = (address, size, code, conditions)
        if key not in self.blocks:
            self.blocks[key] = self._decode(*key)
            self.starts.add(address)
        return self.blocks[key]

    def _decode(self, address: int, size: int, code: bytes, conditions: tuple[int, ...]) -> BlockRecord:
        block = decode_block(self.read_code, address, size, conditions)
        program = compile_facts(block, self.core)
        if self.is_writable(address):
            program = _guard_code(program, address, code)
        found = ((number, illegality(instruction, self.core)) for number, instruction in enumerate(block.instructions))
        illegal = ((number, "no_coprocessor" if why.coprocessor else "undefined") for number, why in found if why)
        trap = next(illegal, None)
        return BlockRecord(
            block,
            program,
            code,
            stack_dip(block),
            self._flags(block),
            address in self.watched,
            trap,
            _waits(block),
            len(self.blocks),
        )

    def _flags(self, block: Block) -> int:
        flags = 0
        for instruction in block.instructions:
            if instruction.writes >> SP & 1:
                flags |= L.STACK
            if instruction.mnemonic == "sev":
                flags |= L.WATCH
            if instruction.mnemonic in MASK_MNEMONICS:
                flags |= _mask_flags(instruction)
        if any(instruction.mnemonic == "msr" for instruction in block.instructions) and flags & L.WATCH:
            flags &= ~L.STACK  # SP is the new stack's when the block ends
        last = block.instructions[-1]
        if last.branch is not None:
            flags |= BRANCH_FLAGS.get(last.branch.kind, 0)
            direct = last.branch.kind in ("jump", "conditional", "compare")
            if direct and last.branch.target in self.function_starts:
                flags |= L.CALL | L.TAIL
        return flags

    def node(self, address: int, size: int, state: State, conditions: tuple[int, ...] = ()) -> Node:
        """The node for entering the block at ``address`` in ``state`` with the facts that hold now."""
        record = self.record(address, size, conditions)
        key, classes = self._classes(record)
        identity = (record.number, state, key, self.timing_number, self.traps_epoch, self.map_number)
        if identity not in self.known:
            self.known[identity] = self._make_node(record, state, key, classes)
        node = self.known[identity]
        row = self.rows[node.index]
        if row[L.NODE_CHECKS] > 0 and not agrees(self.pointer, node.pointer):  # the same region at another address
            row[L.NODE_CHECKS], row[L.NODE_PROGRAM], row[L.NODE_KEY] = -1, record.program.rows.ctypes.data, key
        return node

    def _classes(self, record: BlockRecord) -> tuple[int, tuple[int, ...]]:
        if not record.program.slots and len(record.program.rows) == 1:
            return 0, ()
        key = evaluate(self.pointer, record.program.rows.ctypes.data)
        return int(key), tuple(int(value) for value in self.facts[: len(record.program.slots)])

    def _make_node(self, record: BlockRecord, state: State, key: int, classes: tuple[int, ...]) -> Node:
        facts = self.facts_of(record, classes)
        trap = self._trap(record, facts)
        passage = self._passage(record, state, facts, trap)
        pointer, row = self.node_chunks.take()
        absent = Fact()
        instructions = enumerate(record.block.instructions)
        uses_float = any(is_float(instruction) and facts.get(i, absent).executed for i, instruction in instructions)
        node = Node(
            record,
            state,
            classes,
            self.timing_number,
            passage,
            pointer,
            len(self.nodes),
            uses_float,
            passage.mispredict_cycles,
            trap,
        )
        self._add_touches(row, node, facts)
        self._fill(row, node, key)
        self.nodes.append(node)
        self.rows.append(row)
        self.node_at[pointer] = node
        return node

    def _add_touches(self, row: np.ndarray, node: Node, facts: dict[int, Fact]) -> None:
        """Hang the accesses that go through caches and buffers on the node."""
        record = node.record
        touches = self.memory.touches(
            record.block, record.program, facts, node.passage, self.region_of(record.block.address),
            self.register_file.ctypes.data, self.scratch.ctypes.data,
        )  # fmt: skip
        if len(touches):
            node.touches, node.longest_stall = touches, self.memory.longest(touches)
            node.cached = self.memory.cached_kinds(touches)
            row[L.NODE_TOUCHES], row[L.NODE_TOUCH_COUNT] = touches.ctypes.data, len(touches)
            if self.follow_lanes:
                node.lanes = np.zeros((KINDS, L.LANES), dtype=np.int64)
                row[L.NODE_LANES] = node.lanes.ctypes.data

    def _trap(self, record: BlockRecord, facts: dict[int, Fact]) -> tuple[int, str] | None:
        """First instruction that faults under these facts, and the kind of fault."""
        traps = [record.trap] if record.trap is not None else []
        for number, fact in facts.items():
            memory = record.block.instructions[number].memory
            if fact.operand_cycles == L.DIVIDE_TRAP:
                traps.append((number, "divide_by_zero"))
            elif memory is not None and fact.executed and self._faults_unaligned(memory, fact):
                traps.append((number, "unaligned"))
            elif fact.executed and self._runs_on(record.block.instructions[number], fact):
                traps.append((number, PROGRAMS if fact.region in self.programmed else "data_bus"))
        return min(traps, default=None)

    def _runs_on(self, instruction: Instruction, fact: Fact) -> bool:
        """A store that no memory takes as it is: inside an IT block Unicorn goes on to the end of the block before it stops."""
        memory = instruction.memory
        if memory is None or not memory.write or memory.exclusive:
            return False
        return instruction.in_it and fact.region in self.refusing | self.programmed

    def _faults_unaligned(self, memory: MemoryOperand, fact: Fact) -> bool:
        return bool(fact.misalignment & (memory.size - 1)) and (self.unaligned_traps or _needs_alignment(memory))

    def _passage(self, record: BlockRecord, state: State, facts: dict[int, Fact], trap: tuple[int, str] | None) -> Passage:
        """Price of the block, or of what runs before its trap; a store that programs flash runs too."""
        block = record.block
        if trap is None:
            return self.pipeline.run(block, state, facts, self.timing)
        count = trap[0] + (trap[1] == PROGRAMS)
        if count == 0:
            return Passage((0,), Exit(0, state), Exit(0, state))
        before = {number: fact for number, fact in facts.items() if number < count}
        return self.pipeline.run(Block(block.address, block.instructions[:count]), state, before, self.timing)

    def set_traps(self, divide_by_zero: bool, unaligned: bool) -> None:
        """CCR.DIV_0_TRP and CCR.UNALIGN_TRP."""
        self.unaligned_traps = unaligned
        self.tables[0][:, 0] = L.DIVIDE_TRAP if divide_by_zero else self._operand_tables()[0][:, 0]
        self.traps_epoch = (divide_by_zero, unaligned)
        self.invalidate()

    def _fill(self, row: np.ndarray, node: Node, key: int) -> None:
        record, passage = node.record, node.passage
        row[L.NODE_ADDRESS], row[L.NODE_END] = record.block.address, record.block.end
        row[L.NODE_SIZE] = record.block.end - record.block.address
        row[L.SLOT_A] = row[L.SLOT_B] = -1
        row[L.NODE_FLAGS] = record.flags | (L.PREDICT if passage.predicted else 0)
        row[L.NODE_FLAGS] |= 0 if node.touches is None else L.TOUCHED
        row[L.NODE_RETURN], row[L.NODE_DIP] = record.block.end, record.dip
        row[L.NODE_INDEX] = node.index
        if passage.predicted:
            row[L.NODE_COUNTER] = self._counter(record.block.instructions[-1])
            row[L.NODE_PENALTY] = passage.mispredict_cycles
        row[L.NODE_LONGEST] = self.longest(node)
        checks = None if record.program.simple is None else self._checks(record.program.simple, node.classes)
        if checks is not None and len(checks) <= L.CHECKS_MAX and not self.is_writable(record.block.address):
            row[L.NODE_CHECKS] = len(checks)
            for place, check in enumerate(checks):
                start = L.CHECK + place * L.CHECK_WORDS
                row[start : start + L.CHECK_WORDS] = check
        elif len(record.program.rows) > 1:
            row[L.NODE_CHECKS] = -1
            row[L.NODE_PROGRAM], row[L.NODE_KEY] = record.program.rows.ctypes.data, key

    def _counter(self, instruction: Instruction) -> int:
        """Address of the predictor counter of a branch."""
        if instruction.address not in self.counters:
            pointer, row = self.counter_chunks.take()
            row[0] = first_prediction(instruction)
            self.counters[instruction.address] = pointer
        return self.counters[instruction.address]

    def longest(self, node: Node) -> int:
        """Upper bound of the node's cycles; NEVER where Python must look before it runs."""
        record, passage = node.record, node.passage
        if record.watched or node.trap or record.waits or (node.uses_float and (self.float_guard or not self.float_enabled)):
            return NEVER
        penalty = passage.mispredict_cycles + node.longest_stall
        return max(passage.boundaries[-1], passage.fall.cycles, passage.taken.cycles) + penalty

    def stops_at(self, node: Node) -> bool:
        """True when native code would stop in front of ``node``."""
        return self.cycles + int(self.rows[node.index][L.NODE_LONGEST]) >= int(self.state[L.DEADLINE])

    def guard_float(self, guard: bool, enabled: bool) -> None:
        """Stop before every block that uses floating point (``guard``: lazy state is pending; not ``enabled``: CPACR)."""
        if (guard, enabled) == (self.float_guard, self.float_enabled):
            return
        self.float_guard, self.float_enabled = guard, enabled
        for node, row in zip(self.nodes, self.rows, strict=True):
            if node.uses_float:
                row[L.NODE_LONGEST] = self.longest(node)

    def facts_of(self, record: BlockRecord, classes: tuple[int, ...]) -> dict[int, Fact]:
        """Facts by instruction index."""
        return {slot.instruction: self._fact(slot.op, value) for slot, value in zip(record.program.slots, classes, strict=True)}

    def _fact(self, op: int, value: int) -> Fact:
        if value == 0:
            return Fact(executed=False)
        if op == L.OP_ACCESS:
            region, low = divmod(value - 1, 8)
            known = self.elsewhere if region == UNKNOWN_REGION else region
            return Fact(region=known, misalignment=0 if self.aligned else low)
        if op == L.OP_EXECUTED:
            return Fact()
        return Fact(operand_cycles=value)

    def region_of(self, address: int) -> int:
        """Index of the region that holds ``address``; the last row of the table stands for everything else."""
        for index, start, end in self.spans:
            if start <= address < end:
                return index
        return self.elsewhere

    def set_regions(
        self, table: list[tuple[int, int, int, int]], refusing: Iterable[int] = (), programmed: Iterable[int] = ()
    ) -> None:
        """Install the native region table: rows of start, end, host pointer (0: none), region index.

        A store to one of the regions ``refusing`` faults, one to ``programmed`` goes to a controller of flash. All blocks are
        entered anew.
        """
        self.refusing, self.programmed = frozenset(refusing), frozenset(programmed)
        self.region_table = np.array(table, dtype=np.int64).reshape(-1, L.REGION_WORDS)
        self.state[L.REGIONS], self.state[L.REGION_COUNT] = (
            self.region_table.ctypes.data,
            len(table),
        )
        self.spans = [(index, start, end) for start, end, _, index in table]
        self.elsewhere = self.spans[-1][0]
        self.map_number = self.maps.setdefault(tuple(table), len(self.maps))
        self.invalidate()

    def _checks(self, simple: tuple[SimpleAccess, ...], classes: tuple[int, ...]) -> list[tuple[int, int, int]] | None:
        """Register comparisons equal to "all accesses keep region and alignment", or None when there is no such."""
        limits: dict[int, list[int]] = {}
        for access, value in zip(simple, classes, strict=True):
            if access.register < 0:
                continue
            region, low = divmod(value - 1, 8)
            span = self._span(region, access, low)
            if span is None:
                return None
            self._narrow(limits, access, span, low)
        return [self._check(register, *limit) for register, limit in limits.items()]

    def _span(self, region: int, access: SimpleAccess, low: int) -> tuple[int, int] | None:
        register = int(self.register_file[access.register])
        address = register + access.offset  # one that wraps around lies in no span
        lowest, highest = 0, 1 << 32
        for index, start, end in self.spans:  # what lies inside another span comes before it
            if start <= address < end:
                lowest, highest = max(lowest, start), min(highest, end)
                fits = index == region and address + access.length <= highest
                return (lowest - access.offset, highest - access.length - access.offset) if fits else None
            lowest = max(lowest, end) if end <= address else lowest
            highest = min(highest, start) if start > address else highest
        return None

    @staticmethod
    def _narrow(
        limits: dict[int, list[int]],
        access: SimpleAccess,
        span: tuple[int, int],
        low: int,
    ) -> None:
        limit = limits.setdefault(access.register, [0, 0xFFFFFFFF, 0, 0])
        limit[0], limit[1] = max(limit[0], span[0]), min(limit[1], span[1])
        if access.mask > limit[2]:
            limit[2], limit[3] = access.mask, (low - access.offset) & access.mask

    def _check(self, register: int, lowest: int, highest: int, mask: int, low: int) -> tuple[int, int, int]:
        lowest += (low - lowest) & mask
        pointer = self.register_file.ctypes.data + 4 * register
        bounds = lowest | (highest - lowest) << 32
        return pointer, bounds - (1 << 64) if bounds >> 63 else bounds, mask

    def set_register_file(self, registers: np.ndarray) -> None:
        """The engine's live R0..R15 as a uint32 array."""
        self.register_file = registers
        self.state[L.REGISTERS] = registers.ctypes.data

    # --- edges ----------------------------------------------------------------------------------------------------------
    def add_edge(self, source: int, target: Node) -> None:
        """Link ``source`` (node or gate pointer) to ``target``: in a free slot, else in the edge table."""
        cost = 0
        node = self.node_at.get(source)
        if node is not None:
            cost = self.exit_of(node, target.address).cycles | int(_view(source, L.NODE_WORDS)[L.NODE_FLAGS]) << 32
        if target.touches is not None:
            cost |= L.TOUCH << 32
        row = _view(source, L.NODE_WORDS)
        for slot in (L.SLOT_A, L.SLOT_B):
            if row[slot] == -1:
                row[slot : slot + 4] = (target.address, target.pointer, cost, 0)
                return
        pointer, edge = self.edge_chunks.take()
        bucket = edge_bucket_index(source, target.address)
        edge[:] = (
            source,
            target.address,
            target.pointer,
            cost,
            0,
            self.buckets[bucket],
        )
        self.buckets[bucket] = pointer

    def edges(self) -> Iterable[tuple[Node, int, int]]:
        """All transitions as (from, address of the next block, count)."""
        for node, row in zip(self.nodes, self.rows, strict=True):
            for slot in (L.SLOT_A, L.SLOT_B):
                if row[slot] >= 0 and row[slot + L.SLOT_COUNT]:
                    yield node, int(row[slot]), int(row[slot + L.SLOT_COUNT])
            for count, address in node.exits:
                yield node, address, count
        for chunk_number, chunk in enumerate(self.edge_chunks.arrays):
            used = self.edge_chunks.used if chunk_number == len(self.edge_chunks.arrays) - 1 else len(chunk)
            for edge in chunk[:used]:
                source = self.node_at.get(int(edge[L.EDGE_FROM]))
                if source is not None and edge[L.EDGE_COUNT]:
                    yield source, int(edge[L.EDGE_ADDRESS]), int(edge[L.EDGE_COUNT])


def _view(pointer: int, words: int) -> np.ndarray:
    return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int64)), (words,))


def edge_bucket_index(node: int, address: int) -> int:
    """Twin of the native ``edge_bucket``."""
    mixed = (node >> 6) * 0x9E3779B1 + (address >> 1) * 0x85EBCA77
    mixed &= (1 << 64) - 1
    signed = mixed - (1 << 64) if mixed >> 63 else mixed
    return (signed ^ (signed >> 15)) & (EDGE_BUCKETS - 1)


def is_float(instruction: Instruction) -> bool:
    """True for instructions that need the FPU enabled."""
    return instruction.mnemonic.startswith("v")


def first_prediction(instruction: Instruction) -> int:
    """Counter of a branch never seen: backward weakly taken, forward weakly not taken (static prediction)."""
    assert instruction.branch is not None
    return 2 if instruction.branch.target <= instruction.address else 1


def open_conditions(xpsr: int) -> tuple[int, ...]:
    """Conditions of the IT slots that are open in EPSR.IT, which lies in bits 15:10 and 26:25 (Armv7-M ARM, A7.3.3, B1.4.2)."""
    it = (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3
    conditions = []
    while it & 0xF:
        conditions.append(it >> 4)
        it = it & 0xE0 | it << 1 & 0x1F
    return tuple(conditions)


def next_slot(xpsr: int) -> int:
    """``xpsr`` behind an instruction of an IT block (Armv7-M ARM A7.3.3, ITAdvance)."""
    it = (xpsr >> 10 & 0x3F) << 2 | xpsr >> 25 & 3
    it = it & 0xE0 | it << 1 & 0x1F if it & 7 else 0
    return xpsr & ~0x0600FC00 | it >> 2 << 10 | (it & 3) << 25


def _needs_alignment(memory: MemoryOperand) -> bool:
    """LDM, LDRD, exclusives and floating-point transfers fault when unaligned on every core (Armv7-M ARM A3.2.1)."""
    return memory.count > 1 or memory.exclusive or bool(memory.float_registers)


def _waits(block: Block) -> bool:
    """True for a branch to itself."""
    last = block.instructions[-1]
    return last.branch is not None and last.branch.kind == "jump" and last.branch.target == block.address == last.address


def _mask_flags(instruction: Instruction) -> int:
    """UNMASK for a write of an interrupt mask, WATCH for a write that switches stacks."""
    if instruction.mnemonic != "msr":
        return L.UNMASK
    register = next(
        (operand.value for operand in instruction.operands if operand.role == "special"),
        0,
    )
    if register in MASK_REGISTERS:
        return L.UNMASK
    return L.WATCH if register in STACK_REGISTERS else 0


def stack_dip(block: Block) -> int:
    """Bytes by which SP was lower inside the block than at its end (SP moved by constants only)."""
    now = lowest = 0
    for instruction in block.instructions:
        if not instruction.writes >> SP & 1:
            continue
        memory = instruction.memory
        if memory is not None and memory.base == SP:
            now += memory.writeback
        elif instruction.mnemonic in ("sub", "add") and instruction.operands[-1].role == "immediate":
            now += instruction.operands[-1].value * (1 if instruction.mnemonic == "add" else -1)
        else:
            return 0
        lowest = min(lowest, now)
    return now - lowest


def _guard_code(program: FactProgram, address: int, code: bytes) -> FactProgram:
    """Add the block's own bytes to its facts, for code that may be rewritten."""
    words = -(-len(code) // 4)
    guards = [(L.OP_CODE, 0, 0, 0, address + 4 * word) for word in range(words)]
    rows = np.concatenate([program.rows[:-1], np.array(guards, dtype=np.int64), program.rows[-1:]])
    return FactProgram(np.ascontiguousarray(rows), program.slots, None)
