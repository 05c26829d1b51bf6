"""The Python half of the profile: discovers blocks and nodes when native code meets them first, and prices them once."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mcusim.cores import Core
from mcusim.isa.instruction import Block, Instruction, MemoryOperand
from mcusim.machine import layout as L
from mcusim.machine.blocks import BlockRecord, Blocks, first_prediction, is_float, open_conditions
from mcusim.machine.facts_native import UNKNOWN_REGION, evaluate
from mcusim.machine.graph import EDGE_BUCKETS, Chunks, Graph, Node, Partial
from mcusim.machine.memory_system import MemorySystem
from mcusim.machine.native import agrees, evaluate_program, slow_enter, slow_find
from mcusim.machine.region_table import RegionTable
from mcusim.pricing.passage import Exit, Fact, MemoryTiming, Passage, Pipeline, State

NEVER = 1 << 62
KINDS = 3
"""Fetch, read, write."""
COUNTER_CHUNK = 1 << 10
CALLS_MAX = 1 << 16
FRAMES_MAX = 1 << 16
XPSR_THUMB = 1 << 24
PROGRAMS = "programs"
"""Kind of trap: a conditional store to flash that a controller takes."""
DISCOVER_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64)


class Recorder:
    """Fills the node graph of a run. ``read_code``, ``is_writable`` and ``function_starts`` are those of ``Blocks``."""

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
        self.is_writable = is_writable
        self.blocks = Blocks(core, read_code, is_writable, function_starts)
        self.graph = Graph()
        self.float_enabled = True
        self.float_guard = False
        self.unaligned_traps = False
        self.aligned = False  # assumed of all accesses
        self.traps_epoch = (False, False)
        self.timings: list[MemoryTiming] = []
        self.timing_number = self.invalidations = 0
        self.known: dict[tuple, Node] = {}
        self.partials: dict[tuple[int, int], Partial] = {}
        self.error: BaseException | None = None
        self.counter_chunks = Chunks(1, COUNTER_CHUNK)
        self.counters: dict[int, int] = {}
        self._allocate()

    def _allocate(self) -> None:
        self.state = np.zeros(L.STATE_WORDS, dtype=np.int64)
        self.pointer = self.state.ctypes.data
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
        state[L.EDGE_TABLE], state[L.EDGE_MASK] = self.graph.buckets.ctypes.data, EDGE_BUCKETS - 1
        state[L.FRAMES], state[L.FRAME_LIMIT] = self.frames.ctypes.data, FRAMES_MAX
        state[L.CALLS], state[L.CALL_LIMIT] = self.calls.ctypes.data, CALLS_MAX
        state[L.CALL_CURRENT], state[L.CALL_COUNT] = self.calls.ctypes.data, 1
        state[L.SCRATCH], state[L.FACTS] = self.scratch.ctypes.data, self.facts.ctypes.data
        state[L.DIVIDE_TABLE], state[L.MULTIPLY_TABLE] = (table.ctypes.data for table in self.tables)
        self.memory = MemorySystem(state, self.follow_lanes)
        self.regions = RegionTable(state)
        state[L.STACK_LOW] = 0xFFFFFFFF
        state[L.CURRENT] = self.graph.gate(self.pipeline.start())

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
        return self.graph.node_at.get(int(self.state[L.CURRENT]))

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

    # --- where the run stands -------------------------------------------------------------------------------------------
    def expect_cut_block(self) -> bool:
        """The next block ends earlier than it would of itself. False where the run is not at a gate."""
        state = self.graph.gate_states.get(int(self.state[L.CURRENT]))
        if state is None:
            return False
        self.state[L.CURRENT] = self.graph.cut_gate(state)
        return True

    def resume(self, state: State) -> None:
        """Enter the next block in ``state``."""
        self.state[L.CURRENT] = self.graph.gate(state)

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
        """Every block is entered anew (timing, regions or floating-point state changed)."""
        self.invalidations += 1
        self.graph.unlink()

    # --- discovery ------------------------------------------------------------------------------------------------------
    def _discover(self, address: int, size: int) -> None:
        """Called by native code at a block that no known edge leads to."""
        try:
            xpsr = self.xpsr()
            if xpsr & XPSR_THUMB:
                source = int(self.state[L.CURRENT])
                node = self.node(address, size, self.graph.state_behind(source, address), open_conditions(xpsr))
                self.graph.add_edge(source, node)
                if node.record.block.end - address != size or not agrees(self.pointer, node.pointer):
                    raise RuntimeError(f"the node made for 0x{address:08x}, {size} bytes, does not match what made it")
            else:
                self.state[L.STOPPED] = L.STOP_ARM_STATE
                self.stop()
        except BaseException as error:
            self.error = error
            self.state[L.STOPPED] = L.STOP_ERROR
            self.stop()

    def node(self, address: int, size: int, state: State, conditions: tuple[int, ...] = ()) -> Node:
        """The node for entering the block at ``address`` in ``state`` with the facts that hold now."""
        record = self.blocks.at(address, size, conditions)
        key, classes = self._classes(record)
        identity = (record.number, state, key, self.timing_number, self.traps_epoch, self.regions.number)
        if identity not in self.known:
            self.known[identity] = self._make_node(record, state, key, classes)
        node = self.known[identity]
        row = self.graph.rows[node.index]
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
        pointer, row = self.graph.node_chunks.take()
        absent = Fact()
        instructions = enumerate(record.block.instructions)
        uses_float = any(is_float(instruction) and facts.get(i, absent).executed for i, instruction in instructions)
        node = Node(
            record, state, classes, self.timing_number, passage, pointer, len(self.graph.nodes), uses_float,
            passage.mispredict_cycles, trap,
        )  # fmt: skip
        self._add_touches(row, node, facts)
        self._fill(row, node, key)
        self.graph.add(node, row)
        return node

    def _add_touches(self, row: np.ndarray, node: Node, facts: dict[int, Fact]) -> None:
        """Hang the accesses that go through caches and buffers on the node."""
        record = node.record
        touches = self.memory.touches(
            record.block, record.program, facts, node.passage, self.regions.at(record.block.address),
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
                traps.append((number, PROGRAMS if fact.region in self.regions.programmed else "data_bus"))
        return min(traps, default=None)

    def _runs_on(self, instruction: Instruction, fact: Fact) -> bool:
        """A store that no memory takes as it is: inside an IT block Unicorn goes on to the end of the block before it stops."""
        memory = instruction.memory
        if memory is None or not memory.write or memory.exclusive:
            return False
        return instruction.in_it and fact.region in self.regions.refusing | self.regions.programmed

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
        simple = record.program.simple
        checks = None if simple is None else self.regions.checks(simple, node.classes, self.register_file)
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
        return self.cycles + int(self.graph.rows[node.index][L.NODE_LONGEST]) >= int(self.state[L.DEADLINE])

    def guard_float(self, guard: bool, enabled: bool) -> None:
        """Stop before every block that uses floating point (``guard``: lazy state is pending; not ``enabled``: CPACR)."""
        if (guard, enabled) == (self.float_guard, self.float_enabled):
            return
        self.float_guard, self.float_enabled = guard, enabled
        for node, row in zip(self.graph.nodes, self.graph.rows, strict=True):
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
            known = self.regions.elsewhere if region == UNKNOWN_REGION else region
            return Fact(region=known, misalignment=0 if self.aligned else low)
        if op == L.OP_EXECUTED:
            return Fact()
        return Fact(operand_cycles=value)

    def set_regions(
        self, table: list[tuple[int, int, int, int]], refusing: Iterable[int] = (), programmed: Iterable[int] = ()
    ) -> None:
        """Install the native region table: rows of start, end, host pointer (0: none), region index.

        A store to one of the regions ``refusing`` faults, one to ``programmed`` goes to a controller of flash. All blocks are
        entered anew.
        """
        self.regions.use(table, refusing, programmed)
        self.invalidate()

    def set_register_file(self, registers: np.ndarray) -> None:
        """The engine's live R0..R15 as a uint32 array."""
        self.register_file = registers
        self.state[L.REGISTERS] = registers.ctypes.data


def _needs_alignment(memory: MemoryOperand) -> bool:
    """LDM, LDRD, exclusives and floating-point transfers fault when unaligned on every core (Armv7-M ARM A3.2.1)."""
    return memory.count > 1 or memory.exclusive or bool(memory.float_registers)
