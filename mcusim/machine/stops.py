"""What to do when Unicorn comes back: before a block that Python must look at, and inside one that met something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcusim.errors import UnsupportedError
from mcusim.isa.instruction import Block, Instruction
from mcusim.machine import layout as L
from mcusim.machine import nvic as N
from mcusim.machine.blocks import is_float, next_slot, stack_dip
from mcusim.machine.engine import Stop
from mcusim.machine.exceptions import MAGIC_START, Fault
from mcusim.machine.graph import Node
from mcusim.machine.recorder import PROGRAMS
from mcusim.machine.stumbles import Stumbles
from mcusim.pricing.passage import Passage, State

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

EXCP_SWI, EXCP_PREFETCH_ABORT, EXCP_DATA_ABORT, EXCP_BKPT = 2, 3, 4, 7
EXCP_EXCEPTION_EXIT, EXCP_NOCP, EXCP_INVSTATE = 8, 17, 18
ERR_READ, ERR_WRITE, ERR_FETCH, ERR_WRITE_PROT, ERR_READ_PROT, ERR_FETCH_PROT, ERR_INSN = 6, 7, 8, 12, 13, 14, 10
SEMIHOSTING_BREAKPOINT = 0xAB


class Stops:
    """Deals with every reason for which a run of the engine ends, and keeps the accounts of blocks left early."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.partial: Node | None = None
        self.held: Node | None = None
        self.prefixes: dict[tuple[int, int], Passage] = {}
        self.stumbles = Stumbles(machine)

    def go_on(self) -> None:
        """Run from PC until something stops it, and see to that."""
        begin, engine = self.machine.pc, self.machine.engine
        end = self.stumbles.end_of_block(begin)
        if end is None or not self.machine.recorder.expect_cut_block():
            self.dispatch(engine.run(begin))
            return
        self.machine.recorder.state[L.DEADLINE] = 0  # native code stops before the block
        engine.drop_translations(begin, end)
        stop = engine.run(begin, end)
        engine.drop_translations(begin, end)
        self.stumbles.cut = end
        try:
            self.dispatch(stop)
        finally:
            self.stumbles.cut = None

    def before_block(self, node: Node | None) -> None:
        """Native code stopped in front of ``node``: see to what it needs, then let it run wholly or in part."""
        if node is None:
            return
        self.machine.recorder.resume(node.state)
        self.machine.pc = node.address
        record = node.record
        if record.watched:
            self.machine.heap.enter(node.address)
        if node.trap is not None:
            self._run_to_trap(node, *node.trap)
            return
        if record.waits:
            self._spin(node)
            return
        if node.uses_float and self.machine.core.has_fpu and not self.machine.exceptions.float_context:
            if not self.machine.control.float_enabled():
                self._run_to_trap(node, self._first_float(node), "no_coprocessor")
                return
            self.machine.exceptions.first_float_use()
        self._run_towards_deadline(node)

    def _spin(self, node: Node) -> None:
        """A branch to itself: skip whole turns up to the next event; without one the firmware has ended."""
        if self.machine.due_exception() is not None:
            return
        due = self.machine.agenda.next_cycle()
        if due is None:
            self.machine.end("endless_loop", text=f"branch to itself at 0x{node.address:08x}, and no interrupt can end it")
            return
        turn = max(node.passage.taken.cycles, 1)
        until = min(due, self.machine.limits.horizon())
        turns = max(-(-(until - self.machine.recorder.cycles) // turn), 1)
        self.machine.recorder.leave_early(node, 1, turn * turns, turns)
        self.machine.recorder.resume(node.passage.taken.state)

    @staticmethod
    def _first_float(node: Node) -> int:
        instructions = node.record.block.instructions
        return next(i for i, instruction in enumerate(instructions) if is_float(instruction))

    def _run_towards_deadline(self, node: Node) -> None:
        """Arrange that the block runs to the first boundary at or after the next event."""
        due = self.machine.agenda.next_cycle()
        now = self.machine.recorder.cycles
        if self.machine.due_exception() is not None:
            return
        if due is not None and due <= now:
            return
        boundaries = node.passage.boundaries
        if due is None or now + boundaries[-1] + node.longest_stall <= due:
            self._run_whole(node)
            return
        count = self._instructions_before(node, due)
        instructions = node.record.block.instructions
        while count < len(instructions) and instructions[count].in_it:
            count += 1
        if count >= len(instructions):
            self._run_whole(node)
            return
        self._run_part(node, count)

    def _run_whole(self, node: Node) -> None:
        """Let native code run ``node``, unless it is one only as long as the engine is told where to end it."""
        if self.stumbles.is_cut(node):
            self._run_part(node, len(node.record.block.instructions))
        else:
            self.held, self.stumbles.as_it_is = node, True

    def _instructions_before(self, node: Node, due: int) -> int:
        """How many instructions of ``node`` run until the boundary at or after the cycle ``due``."""
        recorder, boundaries = self.machine.recorder, node.passage.boundaries
        stalls = [0] * len(boundaries)
        if node.touches is not None:
            stalls = recorder.memory.foresee(recorder.graph.rows[node.index], node.touches, len(boundaries), node.lanes)
        ends = (recorder.cycles + boundary + stall for boundary, stall in zip(boundaries, stalls, strict=True))
        return next((number for number, end in enumerate(ends, 1) if end >= due), len(boundaries))

    def _run_to_trap(self, node: Node, instruction: int, kind: str) -> None:
        trapping = node.record.block.instructions[instruction]
        if not instruction:
            self.stumbles.note(node, 0)
        else:
            reached = self._run_part(node, instruction)
            if not reached or not trapping.in_it or kind == PROGRAMS:
                return  # what traps begins a block of its own now, and is asked again
        self.machine.pc = trapping.address
        if kind == "no_coprocessor" and self._coprocess(node):
            return
        address = self._accessed(trapping) if kind in ("data_bus", PROGRAMS) else None
        if kind == PROGRAMS:
            assert address is not None
            if self._program_conditionally(node, address):
                return
            kind = "data_bus"
        self.machine.exceptions.raise_fault(Fault(kind, self.machine.pc, address))

    def _program_conditionally(self, node: Node, address: int) -> bool:
        """The store in an IT block that ``node`` begins with goes to the controller of its flash; False where none takes it."""
        memory, engine = self.machine.recorder.memory, self.machine.engine
        if node.touches is not None:
            memory.meet(node.pointer)
        if not self._store_to_flash(node, 0, address):
            if node.touches is not None:
                memory.leave(node.pointer, 0)
            return False
        engine.set_xpsr(next_slot(engine.get("xpsr")))
        return True

    def _accessed(self, instruction: Instruction) -> int:
        """First address that a load or store in front of PC accesses."""
        memory, registers = instruction.memory, self.machine.engine.registers
        assert memory is not None
        index = int(registers[memory.index]) << memory.shift if memory.index >= 0 else 0
        return (int(registers[memory.base]) + memory.offset + (-index if memory.subtract else index)) & 0xFFFFFFFF

    def _coprocess(self, node: Node) -> bool:
        """A coprocessor of the chip takes the instruction at PC, in one cycle; it begins a block of its own."""
        if not self.machine.coprocessors.serve(self.machine.pc):
            return False
        self.machine.recorder.leave_early(node, 1, 1)
        self.machine.recorder.resume(node.state)
        self.machine.pc += 4
        return True

    def _run_part(self, node: Node, count: int) -> bool:
        """Run the first ``count`` instructions of ``node`` and account for them; False when something else happened."""
        block, state = node.record.block, self.machine.recorder.state
        until = block.instructions[count].address if count < len(block.instructions) else block.end
        self.machine.engine.drop_translations(block.address, block.end)
        self.partial = node
        if node.touches is not None:
            self.machine.recorder.memory.meet(node.pointer)
        self.machine.recorder.state[L.CURRENT] = self.machine.recorder.graph.gate("part")
        state[L.BYPASS] = 1
        stop = self.machine.engine.run(node.address, until)
        state[L.BYPASS] = 0
        self.machine.engine.drop_translations(block.address, block.end)
        if self.machine.recorder.error is not None:
            error, self.machine.recorder.error = self.machine.recorder.error, None
            raise error
        self.machine.pc = stop.pc
        if stop.pc != until or stop.error or stop.interrupt >= 0:
            self.dispatch(stop)
            self.partial = None
            return False
        self.partial = None
        self._leave_after(node, count)
        return True

    def _leave_after(self, node: Node, count: int) -> None:
        """Account for the first ``count`` instructions of ``node`` and go on in the state behind them."""
        cycles = node.passage.boundaries[count - 1] if count else 0
        self.stumbles.note(node, count)
        self._note_stack(node, count)
        self.machine.recorder.leave_early(node, count, cycles)
        self.machine.recorder.resume(self._state_after(node, count))

    def _note_stack(self, node: Node, count: int) -> None:
        """Lowest stack pointer that the first ``count`` instructions of ``node`` have reached."""
        block = node.record.block
        if node.record.flags & L.STACK and count:
            dip = stack_dip(Block(block.address, block.instructions[:count]))
            self.machine.contexts.note_low(int(self.machine.engine.registers[13]) - dip)

    def _state_after(self, node: Node, count: int) -> State:
        return self.prefix(node, count).fall.state if count else node.state

    def prefix(self, node: Node, count: int) -> Passage:
        """Price of the first ``count`` (at least one) instructions of ``node``."""
        instructions = node.record.block.instructions
        if count == len(node.passage.boundaries) == len(instructions):
            return node.passage
        key = (node.index, count)
        if key not in self.prefixes:
            facts = self.machine.recorder.facts_of(node.record, node.classes)
            facts = {number: fact for number, fact in facts.items() if number < count}
            block = Block(node.address, instructions[:count])
            timing = self.machine.recorder.timings[node.timing]
            self.prefixes[key] = self.machine.recorder.pipeline.run(block, node.state, facts, timing)
        return self.prefixes[key]

    def running(self) -> Node | None:
        return self.partial or self.machine.recorder.current

    def settle(self, pc: int) -> None:
        """The running block stopped in front of ``pc`` (or behind its end): account for what it executed."""
        node = self.running()
        if node is None:
            return
        instructions = node.record.block.instructions
        count = next((i for i, instruction in enumerate(instructions) if instruction.address == pc), len(instructions))
        self._leave_after(node, count)

    def _on_interrupt(self, stop: Stop) -> None:
        pc = stop.pc
        if stop.interrupt in (EXCP_PREFETCH_ABORT, EXCP_EXCEPTION_EXIT) and pc >= MAGIC_START:
            self._return_from_exception(pc)
        elif stop.interrupt == EXCP_SWI:
            self.settle(pc)
            self.machine.exceptions.take_synchronous(N.SVCALL, pc)
        elif stop.interrupt == EXCP_BKPT:
            self._on_breakpoint(pc)
        elif stop.interrupt == EXCP_PREFETCH_ABORT:
            self._fetch_fault(pc)
        else:
            self.settle(pc)
            kind = {EXCP_DATA_ABORT: "unaligned", EXCP_NOCP: "no_coprocessor", EXCP_INVSTATE: "invalid_state"}
            self.machine.exceptions.raise_fault(Fault(kind.get(stop.interrupt, "undefined"), pc))

    def _return_from_exception(self, magic: int) -> None:
        node = self.running()
        if node is not None:
            instructions = node.record.block.instructions
            self._note_stack(node, len(instructions))
            self.machine.recorder.leave_early(node, len(instructions), node.passage.fall.cycles)
        if self.machine.exception_number() == 0:
            self._fetch_fault(magic)
        else:
            self.machine.exceptions.leave(magic)

    def _fetch_fault(self, pc: int) -> None:
        kind = "instruction_access" if 0x40000000 <= pc < 0x60000000 or pc >= 0xA0000000 else "instruction_bus"
        self.machine.exceptions.raise_fault(Fault(kind, pc, pc))

    def _on_breakpoint(self, pc: int) -> None:
        if self.machine.engine.read(pc, 2) != bytes((SEMIHOSTING_BREAKPOINT, 0xBE)):
            self.settle(pc)
            self.machine.exceptions.raise_fault(Fault("breakpoint", pc))
            return
        self.settle(pc + 2)
        registers = self.machine.engine.registers
        registers[0] = self.machine.semihosting.call(int(registers[0]), int(registers[1]))
        self.machine.pc = pc + 2

    def _on_error(self, stop: Stop) -> None:
        pc = stop.pc
        if stop.error in (ERR_FETCH, ERR_FETCH_PROT):
            self._on_bad_fetch(pc)
        elif not self.machine.engine.thumb:
            self.settle(pc)
            self.machine.exceptions.raise_fault(Fault("invalid_state", pc))
        elif stop.error == ERR_INSN:
            self._on_bad_instruction(pc)
        elif stop.error == ERR_WRITE_PROT and stop.access is not None and self._on_flash_store(pc, stop.access.address):
            return
        elif stop.error in (ERR_READ, ERR_WRITE, ERR_WRITE_PROT, ERR_READ_PROT):
            self.settle(pc)
            address = stop.access.address if stop.access is not None else None
            self.machine.exceptions.raise_fault(Fault("data_bus", pc, address))
        else:
            raise UnsupportedError(f"Unicorn stopped at 0x{pc:08x} with status {stop.error}")

    def _on_flash_store(self, pc: int, address: int) -> bool:
        """The running block stopped at the store at ``pc``; those in IT blocks have been dealt with before they run."""
        node = self.running()
        instructions = node.record.block.instructions if node is not None else ()
        number = next((number for number, each in enumerate(instructions) if each.address == pc), None)
        return node is not None and number is not None and self._store_to_flash(node, number, address)

    def _store_to_flash(self, node: Node, index: int, address: int) -> bool:
        """Instruction ``index`` of ``node``, a store to flash on a real board, goes to its controller; False elsewhere.

        The controller programs or ignores it.
        """
        machine, instruction = self.machine, node.record.block.instructions[index]
        region = next((m for m in machine.space.memories if m.address <= address < m.address + m.size), None)
        if region is None or machine.board.ideal or not region.controller:
            return False
        memory, registers = instruction.memory, machine.engine.registers
        if memory is None or memory.float_registers:
            return False
        controller = machine.peripherals[region.controller]
        first = self._accessed(instruction)
        for number, register in enumerate(memory.registers):
            data = (int(registers[register]) & (1 << 8 * memory.size) - 1).to_bytes(memory.size, "little")
            if not (hasattr(controller, "program") and controller.program(first + number * memory.size, data)):
                machine.warn(f"store to {region.name} that its controller did not take")
        self._leave_after(node, index + 1)
        registers[memory.base] = (int(registers[memory.base]) + memory.writeback) & 0xFFFFFFFF
        machine.pc = instruction.end
        return True

    def finish_block(self) -> None:
        node = self.running()
        if node is not None:
            instructions = node.record.block.instructions
            self.machine.last_branch = instructions[-1].address
            self.machine.recorder.leave_early(node, len(instructions), node.passage.taken.cycles)
            self.machine.recorder.flush()

    def _on_bad_fetch(self, pc: int) -> None:
        if pc >= MAGIC_START and self.machine.exception_number():
            self._return_from_exception(pc)
            return
        self.finish_block()
        if not self.machine.engine.thumb:
            self.machine.exceptions.raise_fault(Fault("invalid_state", pc))
        else:
            self._fetch_fault(pc)

    def _on_bad_instruction(self, pc: int) -> None:
        """WFE and YIELD come as invalid instructions with PC behind them; anything else is undefined."""
        name, node = self._ended_by(pc), self.running()
        if name in ("wfe", "yield"):
            self.settle(pc)
            if name == "wfe":
                self.machine.sleeper.wait_for_event(node)
            return
        self.settle(pc)
        self.machine.exceptions.raise_fault(Fault("undefined", pc))

    def _ended_by(self, pc: int) -> str:
        """Mnemonic of the running block's last instruction when ``pc`` is just behind it."""
        node = self.running()
        if node is None:
            return ""
        last = next((i for i in node.record.block.instructions if i.end == pc), None)
        return last.mnemonic if last is not None else ""

    def _on_halt(self, stop: Stop) -> None:
        """Unicorn came back without a word: WFI, or a stop that Python asked for."""
        name = self._ended_by(stop.pc)
        if name == "wfi":
            self.settle(stop.pc)
            self.machine.sleeper.sleep()
        elif self.machine.recorder.current is not None and self.partial is None and self.machine.finish is None:
            self._resume_or_finish(self.machine.recorder.current, stop.pc)

    def _resume_or_finish(self, node: Node, pc: int) -> None:
        """After a stop that Python asked for: the block is over, or has not begun."""
        if node.address == pc:
            self.machine.recorder.resume(node.state)
        else:
            self.finish_block()

    def _after_watched(self) -> None:
        """The block that has just run holds SEV or wrote a stack pointer or CONTROL."""
        node = self.machine.recorder.graph.node_at[int(self.machine.recorder.state[L.WATCHED_NODE])]
        names = {instruction.mnemonic for instruction in node.record.block.instructions}
        if "sev" in names:
            self.machine.event_register = True
        if "msr" in names:
            self.machine.exceptions.control_written()
            self._stack_changed()

    def _stack_changed(self) -> None:
        """MSR wrote a stack pointer or CONTROL."""
        if self.machine.exception_number() == 0:
            engine = self.machine.engine
            self.machine.contexts.switch_stack(int(engine.registers[13]), bool(engine.get("control") & 2))

    def dispatch(self, stop: Stop) -> None:
        """Deal with the reason why the engine stopped."""
        if self.machine.recorder.error is not None:
            error, self.machine.recorder.error = self.machine.recorder.error, None
            raise error
        self.machine.pc = stop.pc
        reason = int(self.machine.recorder.state[L.STOPPED])
        self.machine.recorder.state[L.STOPPED] = L.STOP_NONE
        if stop.interrupt >= 0:
            self._on_interrupt(stop)
        elif stop.error:
            self._on_error(stop)
        elif reason == L.STOP_ARM_STATE:
            self.finish_block()
            self.machine.exceptions.raise_fault(Fault("invalid_state", stop.pc))
        elif reason != L.STOP_NONE:
            if reason == L.STOP_WATCH:
                self._after_watched()
            self.before_block(self.machine.recorder.current)
        elif self.machine.unfinished is not None:
            unfinished, self.machine.unfinished = self.machine.unfinished, None
            self.machine.pc = self.machine.accesses.complete(unfinished, stop.pc)
            self.settle(self.machine.pc)
        else:
            self._on_halt(stop)
