"""A machine: a program on a board, run on Unicorn, priced as it goes. See ARCHITECTURE.md, "run once, price many times"."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mcusim import pricing
from mcusim.boards.board import Board
from mcusim.cores import Core
from mcusim.errors import UnsupportedError
from mcusim.isa.decode import decode
from mcusim.isa.instruction import Block, Instruction
from mcusim.machine import layout as L
from mcusim.machine import nvic as N
from mcusim.machine import system_control as C
from mcusim.machine.address_space import AddressSpace
from mcusim.machine.call_context import CallContexts
from mcusim.machine.clock import CoreClock
from mcusim.machine.coprocessor import Coprocessors
from mcusim.machine.engine import Engine, Stop
from mcusim.machine.events import Agenda, Event
from mcusim.machine.exceptions import MAGIC_START, ExceptionUnit, Fault
from mcusim.machine.heap import HeapWatch
from mcusim.machine.hook import block_hook_address
from mcusim.machine.native import record_event
from mcusim.machine.peripheral import Peripheral
from mcusim.machine.recorder import Node, Recorder, is_float
from mcusim.machine.semihosting import Semihosting
from mcusim.machine.serial import SerialConsole
from mcusim.machine.traits import traits
from mcusim.pricing.passage import Passage, State
from mcusim.program import Program
from mcusim.report.progress import Progress

EXCP_SWI, EXCP_PREFETCH_ABORT, EXCP_DATA_ABORT, EXCP_BKPT = 2, 3, 4, 7
EXCP_EXCEPTION_EXIT, EXCP_NOCP, EXCP_INVSTATE = 8, 17, 18
ERR_READ, ERR_WRITE, ERR_FETCH, ERR_WRITE_PROT, ERR_READ_PROT, ERR_FETCH_PROT, ERR_INSN = 6, 7, 8, 12, 13, 14, 10
SEMIHOSTING_BREAKPOINT = 0xAB
PROGRESS_SECONDS = 0.25
SLICE_CYCLES = 20_000_000
"""Cycles after which Python looks in (time limits, progress) when nothing else is due."""


@dataclass(frozen=True, slots=True)
class Options:
    """How long to run and what to type; see ``mcusim.run.run``."""

    send: tuple[tuple[bytes, bytes], ...] = ()
    until: bytes | None = None
    max_instructions: int | None = None
    max_seconds: float | None = None
    timeout_seconds: float | None = None
    semihosting_root: str | Path | None = None
    strict: bool = False
    trace_events: int = 0
    serial_output: Callable[[bytes], None] | None = None
    progress: Callable[[Progress], None] | None = None
    bare: bool = False


@dataclass(slots=True)
class Finish:
    """Why the run ended: a reason of ``mcusim.report.exit``, the process exit code and a sentence."""

    reason: str
    code: int = 0
    text: str = ""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class FaultSnapshot:
    """Registers by name and return addresses, innermost first, at a fault."""

    registers: dict[str, int]
    returns: tuple[int, ...]


@dataclass(slots=True)
class ExceptionCount:
    """How often an exception ran and for how many cycles, nested ones included."""

    count: int = 0
    cycles: int = 0
    since: list[int] = field(default_factory=list)


class Machine:
    """Runs one program once. Construct, ``run()``, read the recorder."""

    CYCLES = L.CYCLES

    def __init__(self, program: Program, board: Board, core: Core, options: Options) -> None:
        self.program, self.board, self.core, self.options = program, board, core, options
        self.finish: Finish | None = None
        self.last_fault: Fault | None = None
        self.warnings: dict[str, int] = {}
        self.interrupt_sources: dict[int, set[str]] = {}
        self.exception_counts: dict[int, ExceptionCount] = {}
        self.partial: Node | None = None
        self.held: Node | None = None
        self.access: tuple[int, int, bool] | None = None
        self.stored = False  # a store in a bare run asked for service
        self.prefixes: dict[tuple[int, int], Passage] = {}
        self.access_cycle: int | None = None
        self.access_place: tuple[Node | None, int] | None = None
        self.accessed: tuple[int, int] = (-1, -1)
        self.sleeping_cycles = self.exception_cycles = 0
        self.event_register = False
        self.next_progress = PROGRESS_SECONDS
        self.snapshot: FaultSnapshot | None = None
        self.clock = CoreClock(board.clock_hertz)
        self.agenda = Agenda()
        self.traits = traits(core)
        self.engine = Engine(core.emulator_model)
        self.space = AddressSpace(self.engine, program, board)
        self.serial = SerialConsole(options.send, options.until, options.serial_output)
        self._build_recorder()
        self.reset_vector_table = self.space.boot_vector_table
        self.control = C.SystemControl(self)
        self.exceptions = ExceptionUnit(self)
        self.coprocessors = Coprocessors(self)
        self.contexts = CallContexts(self.recorder)
        self.semihosting = Semihosting(self, options.semihosting_root, Path(program.path).name)
        self.peripherals: dict[str, Peripheral] = {}
        self.space.map_peripherals(self)
        self.heap = HeapWatch(self)
        self.recorder.watched |= self.heap.addresses()
        self.timing_changed()
        self.start()

    def _build_recorder(self) -> None:
        starts = [symbol.address for symbol in self.program.symbols if symbol.kind == "function"]
        self.recorder = Recorder(
            self.core, pricing.pipeline(self.core), self.engine.read, self.space.is_writable,
            lambda: self.engine.thumb, self.engine.stop, starts,
        )
        self.recorder.set_register_file(self.engine.registers)
        self.recorder.set_regions(self.space.region_table())
        state = self.recorder.state
        state[L.ENGINE] = self.engine.address
        state[L.EMU_STOP], state[L.REG_READ] = self.engine.function("uc_emu_stop"), self.engine.function("uc_reg_read")
        if self.options.trace_events:
            self.timeline = np.zeros((self.options.trace_events, L.EVENT_WORDS), dtype=np.int64)
            state[L.TIMELINE], state[L.TIMELINE_LIMIT] = self.timeline.ctypes.data, self.options.trace_events
        if not self.options.bare:
            self.engine.add_block_hook(block_hook_address(), self.recorder.pointer)

    # --- reset ----------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Load SP and PC as the core does at reset."""
        stack, entry = self.space.reset_vector(self.control.vector_table)
        self.engine.set_xpsr(0x01000000)
        self.engine.set("control", 0)
        for name in ("primask", "basepri", "faultmask"):
            if name == "primask" or self.traits.groups:
                self.engine.set(name, 0)
        self.engine.registers[:13] = 0
        self.engine.set("msp", stack & ~3)
        self.engine.registers[13], self.engine.registers[14] = stack & ~3, 0xFFFFFFFF
        self.pc = entry & ~1
        self.contexts.start(self.pc, stack & ~3)
        self.recorder.flush()
        self.recorder.guard_float(True, not self.core.has_fpu or self.control.float_enabled())
        if not entry & 1:
            self.exceptions.raise_fault(Fault("invalid_state", entry))

    def reset(self, reason: str) -> None:
        """System reset at the next boundary: registers and peripherals, memories keep their contents."""
        self.agenda.add(self.now(), lambda: self._reset(reason))
        self.request_service()

    def _reset(self, reason: str) -> None:
        self.warn(f"system reset: {reason}")
        self.reset_count = getattr(self, "reset_count", 0) + 1
        if self.reset_count > 100:
            self.end("reset_loop", text=f"more than 100 system resets, the last one by {reason}")
            return
        self.agenda.heap.clear()
        self.control.reset()
        self.exceptions.reset()
        for peripheral in self.peripherals.values():
            peripheral.reset_registers()
        self.set_core_hertz(self.board.clock_hertz)
        self.timing_changed()
        self.start()

    # --- Chip: what peripherals see -------------------------------------------------------------------------------------
    def now(self) -> int:
        """Core cycles since reset, exact at the instruction whose access is being served."""
        if self.access is None:
            return self.recorder.cycles
        if self.access_cycle is None:
            self.access_cycle = self.recorder.cycles + self._offset_in_block()
        return self.access_cycle

    def at(self, cycle: int, action: Callable[[], None]) -> Event:
        event = self.agenda.add(max(int(cycle), self.now()), action)
        self.recorder.state[L.DEADLINE] = min(int(self.recorder.state[L.DEADLINE]), event.cycle)
        return event

    def set_interrupt(self, number: int, active: bool, source: str = "") -> None:
        sources = self.interrupt_sources.setdefault(number, set())
        (sources.add if active else sources.discard)(source)
        if number < 0:
            self.control.nvic.pend(N.NMI) if active else None
        else:
            self.control.nvic.set_level(number, bool(sources))
        self.interrupts_changed()

    def pend(self, number: int) -> None:
        """Make exception ``number`` pending."""
        self.control.nvic.pend(number)
        self.interrupts_changed()

    def core_hertz(self) -> int:
        return self.clock.hertz

    def set_core_hertz(self, hertz: int) -> None:
        if hertz <= 0:
            self.warn(f"firmware programmed a core clock of {hertz} Hz; the clock before it stays")
            return
        self.clock.change(self.now(), int(hertz))
        for peripheral in self.peripherals.values():
            peripheral.clock_changed()

    def clock_hertz(self, name: str) -> int:
        if name == "core" or not self.board.clock_peripheral:
            return self.clock.hertz
        tree = self.peripherals[self.board.clock_peripheral]
        return int(tree.clock_hertz(name))  # type: ignore[attr-defined]

    def timing_changed(self) -> None:
        self.recorder.use_timing(self.space.timing(self))
        self.request_service()

    def traps_changed(self) -> None:
        """CCR traps were switched; blocks are looked at anew."""
        value = self.control.stored[C.CCR]
        self.recorder.set_traps(bool(value & C.CCR_DIV_0_TRAP), bool(value & C.CCR_UNALIGN_TRAP))

    def transmit(self, name: str, data: bytes) -> None:
        self._serial_data(name, data)

    def read_memory(self, address: int, size: int) -> bytes:
        return self.space.bus_read(address, size)

    def write_memory(self, address: int, data: bytes) -> None:
        self.space.bus_write(address, data)

    def peripheral(self, name: str) -> Any:
        return self.peripherals[name]

    def warn(self, text: str) -> None:
        self.warnings[text] = self.warnings.get(text, 0) + 1

    # --- semihosting and serial -----------------------------------------------------------------------------------------
    def console(self, data: bytes) -> None:
        """Semihosting console output."""
        self._serial_data("semihosting", data)

    def itm(self, port: int, data: bytes) -> None:
        """ITM stimulus output; port 0 is the console by convention."""
        self._serial_data(f"itm{port}", data)

    def _serial_data(self, name: str, data: bytes) -> None:
        for text in self.serial.feed(name, data):
            self._type(text)
        if self.serial.done and self.finish is None:
            self.end("until")

    def _type(self, text: bytes) -> None:
        name = self.board.serial
        target = self.peripherals.get(name)
        if target is None or not hasattr(target, "receive"):
            self.warn(f"--send: board {self.board.name} has no UART to type into")
            return
        target.receive(text)

    def seconds(self) -> float:
        return float(self.clock.seconds(self.now()))

    def heap_bounds(self) -> tuple[int, int, int, int]:
        """Heap base and limit, stack base and limit for SYS_HEAPINFO: zero means "choose yourself"."""
        return 0, 0, 0, 0

    def exit_firmware(self, code: int) -> None:
        """The firmware ends itself."""
        self.end("exit", code & 0xFF)

    def end(self, reason: str, code: int = 0, text: str = "", fault: Fault | None = None) -> None:
        """End the run; the first reason stands."""
        if self.finish is None:
            self.finish = Finish(reason, code, text, fault)
            self.request_service()

    def end_with_fault(self, reason: str, text: str) -> None:
        """End on an unhandled fault or lockup."""
        self.end(reason, text=text, fault=self.last_fault or Fault("undefined", self.pc))

    def lock_up(self, pc: int) -> None:
        """A fault at HardFault priority or above."""
        self.end_with_fault("lockup", "a fault occurred while HardFault or NMI was active")

    def note_fault(self, fault: Fault) -> None:
        """Keep registers and return addresses as they are at ``fault``, before its exception is taken."""
        self.last_fault = fault
        names = [f"r{number}" for number in range(13)] + ["sp", "lr"]
        registers = {name: int(self.engine.registers[number]) for number, name in enumerate(names)}
        special = {name: self.engine.get(name) for name in ("xpsr", "msp", "psp", "control")}
        top = int(self.recorder.state[L.FRAME_TOP])
        returns = [int(frame[L.FRAME_RETURN]) for frame in self.recorder.frames[:top][::-1][:64]]
        self.snapshot = FaultSnapshot({**registers, "pc": fault.pc, **special}, tuple(returns))

    # --- accesses to registers ------------------------------------------------------------------------------------------
    def serve_read(self, read: Callable[[int, int], int], address: int, size: int) -> int:
        """A register read by the running instruction: events that are due come first."""
        self.access, self.access_cycle, self.access_place = (address, size, False), None, None
        try:
            self._run_due_events()
            value = read(address, size)
            self._refuse_unmodelled(address)
            return value
        except BaseException as error:
            self._keep(error)
            return 0
        finally:
            self.access = None

    def serve_write(self, write: Callable[[int, int, int], None], address: int, size: int, value: int) -> None:
        """A register write by the running instruction."""
        self.access, self.access_cycle, self.access_place = (address, size, True), None, None
        try:
            self._run_due_events()
            write(address, size, value)
            self._refuse_unmodelled(address)
        except BaseException as error:
            self._keep(error)
        finally:
            self.access = None

    def _refuse_unmodelled(self, address: int) -> None:
        """--strict: an access to a register that no model knows ends the run."""
        if not self.options.strict:
            return
        tables = [self.control.unmodelled, *(peripheral.unmodelled for peripheral in self.peripherals.values())]
        if any(tables):
            node, number = self._accessing()
            where = f" at 0x{node.record.block.instructions[number].address:08x}" if node is not None else ""
            self.end("unmodelled", text=f"register 0x{address:08x} is not modelled (accessed{where})")

    def _run_due_events(self) -> None:
        due = self.agenda.next_cycle()
        if due is not None and due <= self.recorder.cycles + self._longest_here():
            self.agenda.run_due(self.now())

    def _longest_here(self) -> int:
        node = self.partial or self.recorder.current
        return node.passage.boundaries[-1] if node is not None else 0

    def _keep(self, error: BaseException) -> None:
        if self.recorder.error is None:
            self.recorder.error = error
        self.engine.stop()

    def _accessing(self) -> tuple[Node | None, int]:
        """The running node and the index of the instruction that is accessing a register now."""
        if self.access_place is None:
            self.access_place = self._find_access()
        return self.access_place

    def _find_access(self) -> tuple[Node | None, int]:
        node = self._running()
        if node is None or self.access is None:
            return None, 0
        key = hash((self.recorder.cycles, node.index))
        instructions = node.record.block.instructions
        first = self.accessed[1] if self.accessed[0] == key else 0
        for number in range(first, len(instructions)):
            if self._touches(instructions[number], *self.access):
                again = instructions[number].memory.count > 1  # type: ignore[union-attr]
                self.accessed = (key, number if again else number + 1)
                return node, number
        return None, 0

    def _offset_in_block(self) -> int:
        """Cycles from block entry to the data phase (last cycle) of the instruction that is accessing a register now."""
        node, number = self._accessing()
        return max(node.passage.boundaries[number] - 1, 0) if node is not None else 0

    def _touches(self, instruction: Instruction, address: int, size: int, write: bool) -> bool:
        memory = instruction.memory
        if memory is None or memory.write != write:
            return False
        registers = self.engine.registers
        base = (instruction.address + 4) & ~3 if memory.base == 15 else int(registers[memory.base])
        if memory.index >= 0:
            index = int(registers[memory.index]) << memory.shift
            base += -index if memory.subtract else index
        first = (base + memory.offset) & 0xFFFFFFFF
        return first <= address < first + memory.size * memory.count

    # --- interrupts -----------------------------------------------------------------------------------------------------
    def exception_number(self) -> int:
        """IPSR."""
        return self.engine.get("ipsr") & 0x1FF

    def execution_priority(self) -> int:
        """Priority of the code that runs now."""
        get = self.engine.get
        if not self.traits.groups:
            return self.control.nvic.execution_priority(get("primask"), 0, 0)
        return self.control.nvic.execution_priority(get("primask"), get("basepri"), get("faultmask"))

    def interrupts_changed(self) -> None:
        """Something became pending, enabled or more urgent: look before the next block."""
        if self.control.stored.get(C.SCR, 0) & C.SEVONPEND and self.control.nvic.pending:
            self.event_register = True
        if self.control.nvic.pending:
            self.request_service()

    def request_service(self) -> None:
        """Come back to Python before the next block."""
        self.recorder.state[L.DEADLINE] = 0
        if self.access is not None and self.access[2] and (self.options.bare or self._stops_after_store()):
            self.stored = True
            self.engine.stop()

    def _stops_after_store(self) -> bool:
        """True when the store being served makes an exception due that must be taken right behind it.

        Unicorn stops on a store whose callback asks for it, with the store done but not its base update.
        """
        nvic = self.control.nvic
        if not nvic.pending or nvic.next_exception(self.execution_priority()) is None:
            return False
        node, number = self._accessing()
        if node is None:
            return False
        instruction = node.record.block.instructions[number]
        memory = instruction.memory
        return memory is not None and memory.count == 1 and not memory.writeback and not instruction.in_it

    def late_arrival(self, number: int) -> int | None:
        """An exception more urgent than ``number`` that became pending during its entry."""
        self.agenda.run_due(self.recorder.cycles)
        nvic = self.control.nvic
        other = nvic.highest_pending()
        if other is not None and other != number and nvic.group(nvic.priority(other)) < nvic.group(nvic.priority(number)):
            nvic.pend(number) if number >= N.SVCALL else None
            return other
        return None

    def note_exception(self, number: int, handler: int, tail: bool) -> None:
        """Book the start of a handler."""
        self.event_register = True
        count = self.exception_counts.setdefault(number, ExceptionCount())
        count.count += 1
        count.since.append(self.recorder.cycles)
        self.exception_cycles += self.core.exceptions.tail_chain if tail else self.core.exceptions.entry
        record_event(self.recorder.pointer, L.EVENT_EXCEPTION_ENTER, number)
        self.contexts.enter_handler(handler & ~1)

    def end_exception(self, number: int) -> None:
        """Book the end of a handler."""
        self.event_register = True
        count = self.exception_counts.get(number)
        if count is not None and count.since:
            count.cycles += self.recorder.cycles - count.since.pop()
        self.exception_cycles += self.core.exceptions.exit
        self.contexts.leave_handler()
        record_event(self.recorder.pointer, L.EVENT_EXCEPTION_LEAVE, number)

    def begin_exception(self, frame: int, before: int, process: bool) -> None:
        """The frame has been pushed: remember the interrupted context."""
        self.contexts.suspend(frame, self.exception_number() == 0)

    def resume_context(self, frame: int, after: int, process: bool, thread: bool) -> None:
        """The frame has been popped: back to the context that it belongs to."""
        self.contexts.resume(frame, after, self.pc, process, thread)

    def float_changed(self) -> None:
        """CPACR was written."""
        self.update_float_guard()

    def update_float_guard(self) -> None:
        """Stop before floating-point code while it is disabled or the context is not its own yet."""
        if self.core.has_fpu:
            self.recorder.guard_float(not self.exceptions.float_context, self.control.float_enabled())

    def poke(self, address: int, data: bytes) -> bool:
        """Write stack memory without dropping translations; False where no RAM is."""
        found = self.engine.find_buffer(address, len(data))
        if found is None or not self.space.is_writable(address):
            return False
        view, offset = found
        view[offset : offset + len(data)] = np.frombuffer(data, dtype=np.uint8)
        return True

    def is_executable(self, address: int) -> bool:
        """True where code may lie."""
        return self.engine.find_buffer(address, 2) is not None

    @property
    def engine_thumb(self) -> bool:
        """False after a branch to an even address."""
        return self.engine.thumb

    # --- the run --------------------------------------------------------------------------------------------------------
    def run(self) -> Finish:
        """Run until something ends it."""
        self.started = time.perf_counter()
        for text in self.serial.opening():
            self._type(text)
        while self.finish is None:
            self._service()
            if self.finish is None:
                self._dispatch(self.engine.run(self.pc))
        self.contexts.close()
        self.semihosting.close()
        self.wall_seconds = time.perf_counter() - self.started
        return self.finish

    def interrupt(self) -> None:
        """Ctrl-C: end with what was recorded so far."""
        self.end("interrupted", text="stopped with Ctrl-C")
        self.contexts.close()
        self.semihosting.close()
        self.wall_seconds = time.perf_counter() - self.started

    def _service(self) -> None:
        """Between two blocks: due events, pending exceptions, limits, the next deadline."""
        state = self.recorder.state
        self.agenda.run_due(self.recorder.cycles)
        self._check_limits()
        number = self.control.nvic.next_exception(self.execution_priority()) if self.control.nvic.pending else None
        if number is not None and self.finish is None:
            self.held = None
            self.exceptions.enter(number, self.pc)
        waiting = self.control.nvic.highest_pending() if self.control.nvic.pending else None
        state[L.STOP_ON_UNMASK] = int(waiting is not None)
        again = waiting is not None and self.control.nvic.next_exception(self.execution_priority()) is not None
        due = self.agenda.next_cycle()
        horizon = self._horizon()
        state[L.DEADLINE] = 0 if again else horizon if due is None else min(due, horizon)
        state[L.STOPPED] = L.STOP_NONE
        held, self.held = self.held, None
        state[L.HOLD] = held.pointer if held and self.recorder.stops_at(held) else 0

    def _horizon(self) -> int:
        """Cycle at which Python looks in at the latest: a slice on, or where a limit may be reached."""
        horizon = self.recorder.cycles + SLICE_CYCLES
        if self.options.max_seconds is not None:
            horizon = min(horizon, self.clock.cycle_at(Fraction(self.options.max_seconds)))
        if self.options.max_instructions is not None:
            missing = self.options.max_instructions - self.instruction_count()
            horizon = min(horizon, self.recorder.cycles + max(missing // 2, 32))
        return horizon

    def _check_limits(self) -> None:
        options = self.options
        wall = time.perf_counter() - self.started
        if options.timeout_seconds is not None and wall > options.timeout_seconds:
            self.end("timeout", text=f"host time limit of {options.timeout_seconds:g} s reached")
        if options.max_seconds is not None and self.seconds() >= options.max_seconds:
            self.end("max_seconds", text=f"simulated time limit of {options.max_seconds:g} s reached")
        if options.max_instructions is not None and self._instructions_reached(options.max_instructions):
            self.end("max_instructions", text=f"instruction limit of {options.max_instructions:,} reached")
        if options.progress is not None and wall >= self.next_progress:
            self.next_progress = wall + PROGRESS_SECONDS
            options.progress(Progress(self.seconds(), self.recorder.cycles, self.instruction_count(), wall))

    def _instructions_reached(self, limit: int) -> bool:
        """Count exactly, but only when enough cycles have passed for the limit to be possible."""
        if 2 * self.recorder.cycles < limit:
            return False
        return self.instruction_count() >= limit

    def instruction_count(self) -> int:
        """Instructions executed so far."""
        total = sum(len(node.record.block.instructions) * count for node, _, count in self.recorder.edges())
        return total + sum(partial.instructions * partial.times for partial in self.recorder.partials.values())

    def profile_counter(self, name: str) -> int:
        """One of DWT's profiling counters, summed from the profile."""
        if name == "sleep":
            return self.sleeping_cycles
        if name == "exception":
            return self.exception_cycles
        field_name = {"cpi": "extra_cycles", "load_store": "load_store_cycles", "fold": "folded"}[name]
        total = sum(getattr(node.passage, field_name) * count for node, _, count in self.recorder.edges())
        for partial in self.recorder.partials.values():
            total += getattr(self._prefix(partial.node, partial.instructions), field_name) * partial.times
        node, number = self._accessing()
        if node is not None and number:
            total += getattr(self._prefix(node, number), field_name)
        if name == "cpi":
            taken = ((n.passage, count) for n, address, count in self.recorder.edges() if address != n.record.block.end)
            total += sum((passage.taken.cycles - passage.fall.cycles) * count for passage, count in taken)
        return total

    def _dispatch(self, stop: Stop) -> None:
        """Deal with the reason why the engine stopped."""
        if self.recorder.error is not None:
            error, self.recorder.error = self.recorder.error, None
            raise error
        self.pc = stop.pc
        reason = int(self.recorder.state[L.STOPPED])
        self.recorder.state[L.STOPPED] = L.STOP_NONE
        if stop.interrupt >= 0:
            self._on_interrupt(stop)
        elif stop.error:
            self._on_error(stop)
        elif reason == L.STOP_ARM_STATE:
            self._finish_block()
            self.exceptions.raise_fault(Fault("invalid_state", stop.pc))
        elif reason != L.STOP_NONE:
            if reason == L.STOP_WATCH:
                self._after_watched()
            self._before(self.recorder.current)
        elif self.stored:
            self.stored = False
            self.pc += 4 if int.from_bytes(self.engine.read(stop.pc, 2), "little") >= 0xE800 else 2
            self._settle(self.pc)
        else:
            self._on_halt(stop)

    def _after_watched(self) -> None:
        """The block that has just run holds SEV or wrote a stack pointer or CONTROL."""
        node = self.recorder.node_at[int(self.recorder.state[L.WATCHED_NODE])]
        names = {instruction.mnemonic for instruction in node.record.block.instructions}
        if "sev" in names:
            self.event_register = True
        if "msr" in names:
            self._stack_changed()

    def _stack_changed(self) -> None:
        """MSR wrote a stack pointer or CONTROL."""
        if self.exception_number() == 0:
            if self.engine.get("control") & 2:
                self.contexts.switch_to_process_stack(int(self.engine.registers[13]))
            else:
                self.contexts.switch_to_main_stack()

    # --- before a block -------------------------------------------------------------------------------------------------
    def _before(self, node: Node | None) -> None:
        """Native code stopped in front of ``node``: see to what it needs, then let it run wholly or in part."""
        if node is None:
            return
        self.recorder.resume(node.state)
        self.pc = node.address
        record = node.record
        if record.watched:
            self.heap.enter(node.address)
        if node.trap is not None:
            self._run_to_trap(node, *node.trap)
            return
        if record.waits:
            self._spin(node)
            return
        if node.uses_float and self.core.has_fpu and not self.exceptions.float_context:
            if not self.control.float_enabled():
                self._run_to_trap(node, self._first_float(node), "no_coprocessor")
                return
            self.exceptions.first_float_use()
        self._run_towards_deadline(node)

    def _spin(self, node: Node) -> None:
        """A branch to itself: skip whole turns up to the next event; without one the firmware has ended."""
        if self.control.nvic.pending and self.control.nvic.next_exception(self.execution_priority()) is not None:
            return
        due = self.agenda.next_cycle()
        if due is None:
            self.end("endless_loop", text=f"branch to itself at 0x{node.address:08x}, and no interrupt can end it")
            return
        turn = max(node.passage.taken.cycles, 1)
        turns = max(-(-(due - self.recorder.cycles) // turn), 0)
        self.recorder.leave_early(node, 1, turn * turns, turns)
        self.recorder.resume(node.passage.taken.state)

    @staticmethod
    def _first_float(node: Node) -> int:
        instructions = node.record.block.instructions
        return next(i for i, instruction in enumerate(instructions) if is_float(instruction))

    def _run_towards_deadline(self, node: Node) -> None:
        """Arrange that the block runs to the first boundary at or after the next event."""
        due = self.agenda.next_cycle()
        now = self.recorder.cycles
        if self.control.nvic.pending and self.control.nvic.next_exception(self.execution_priority()) is not None:
            return
        if due is not None and due <= now:
            return
        boundaries = node.passage.boundaries
        if due is None or now + boundaries[-1] <= due:
            self.held = node
            return
        count = next(i for i, boundary in enumerate(boundaries) if now + boundary >= due) + 1
        instructions = node.record.block.instructions
        while count < len(instructions) and instructions[count].in_it:
            count += 1
        if count >= len(instructions):
            self.held = node
            return
        self._run_part(node, count)

    def _run_to_trap(self, node: Node, instruction: int, kind: str) -> None:
        if instruction and not self._run_part(node, instruction):
            return
        self.pc = node.record.block.instructions[instruction].address
        if kind == "no_coprocessor" and self._coprocess(node, instruction):
            return
        self.exceptions.raise_fault(Fault(kind, self.pc))

    def _coprocess(self, node: Node, instruction: int) -> bool:
        """A coprocessor of the chip takes the instruction at PC, in one cycle; it begins a block of its own."""
        if instruction:
            return self.coprocessors.answers(self.pc)
        if not self.coprocessors.serve(self.pc):
            return False
        self.recorder.leave_early(node, 1, 1)
        self.recorder.resume(node.state)
        self.pc += 4
        return True

    def _run_part(self, node: Node, count: int) -> bool:
        """Run the first ``count`` instructions of ``node`` and account for them; False when something else happened."""
        block, state = node.record.block, self.recorder.state
        until = block.instructions[count].address
        self.engine.drop_translations(block.address, block.end)
        self.partial = node
        self.recorder.state[L.CURRENT] = self.recorder.gate("part")
        state[L.BYPASS] = 1
        stop = self.engine.run(node.address, until)
        state[L.BYPASS] = 0
        self.engine.drop_translations(block.address, block.end)
        if self.recorder.error is not None:
            error, self.recorder.error = self.recorder.error, None
            raise error
        self.pc = stop.pc
        if stop.pc != until or stop.error or stop.interrupt >= 0:
            self._dispatch(stop)
            self.partial = None
            return False
        self.partial = None
        self._leave_after(node, count)
        return True

    def _leave_after(self, node: Node, count: int) -> None:
        """Account for the first ``count`` instructions of ``node`` and go on in the state behind them."""
        cycles = node.passage.boundaries[count - 1] if count else 0
        self.recorder.leave_early(node, count, cycles)
        self.recorder.resume(self._state_after(node, count))

    def _state_after(self, node: Node, count: int) -> State:
        return self._prefix(node, count).fall.state if count else node.state

    def _prefix(self, node: Node, count: int) -> Passage:
        """Price of the first ``count`` (at least one) instructions of ``node``."""
        instructions = node.record.block.instructions
        if count == len(instructions):
            return node.passage
        key = (node.index, count)
        if key not in self.prefixes:
            facts = self.recorder.facts_of(node.record, node.classes)
            facts = {number: fact for number, fact in facts.items() if number < count}
            block = Block(node.address, instructions[:count])
            timing, region = self.recorder.timings[node.timing], self.recorder.region_of(node.address)
            self.prefixes[key] = self.recorder.pipeline.run(block, node.state, facts, timing, region)
        return self.prefixes[key]

    # --- stops inside a block -------------------------------------------------------------------------------------------
    def _running(self) -> Node | None:
        return self.partial or self.recorder.current

    def _settle(self, pc: int) -> None:
        """The running block stopped in front of ``pc`` (or behind its end): account for what it executed."""
        node = self._running()
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
            self._settle(pc)
            self.exceptions.take_synchronous(N.SVCALL, pc)
        elif stop.interrupt == EXCP_BKPT:
            self._on_breakpoint(pc)
        elif stop.interrupt == EXCP_PREFETCH_ABORT:
            self._fetch_fault(pc)
        else:
            self._settle(pc)
            kind = {EXCP_DATA_ABORT: "unaligned", EXCP_NOCP: "no_coprocessor", EXCP_INVSTATE: "invalid_state"}
            self.exceptions.raise_fault(Fault(kind.get(stop.interrupt, "undefined"), pc))

    def _return_from_exception(self, magic: int) -> None:
        node = self._running()
        if node is not None:
            instructions = node.record.block.instructions
            self.recorder.leave_early(node, len(instructions), node.passage.fall.cycles)
        if self.exception_number() == 0:
            self._fetch_fault(magic)
        else:
            self.exceptions.leave(magic)

    def _fetch_fault(self, pc: int) -> None:
        kind = "instruction_access" if 0x40000000 <= pc < 0x60000000 or pc >= 0xA0000000 else "instruction_bus"
        self.exceptions.raise_fault(Fault(kind, pc, pc))

    def _on_breakpoint(self, pc: int) -> None:
        if self.engine.read(pc, 2) != bytes((SEMIHOSTING_BREAKPOINT, 0xBE)):
            self._settle(pc)
            self.exceptions.raise_fault(Fault("breakpoint", pc))
            return
        self._settle(pc + 2)
        registers = self.engine.registers
        registers[0] = self.semihosting.call(int(registers[0]), int(registers[1]))
        self.pc = pc + 2

    def _on_error(self, stop: Stop) -> None:
        pc = stop.pc
        if stop.error in (ERR_FETCH, ERR_FETCH_PROT):
            self._on_bad_fetch(pc)
        elif not self.engine.thumb:
            self._settle(pc)
            self.exceptions.raise_fault(Fault("invalid_state", pc))
        elif stop.error == ERR_INSN:
            self._on_bad_instruction(pc)
        elif stop.error in (ERR_READ, ERR_WRITE, ERR_WRITE_PROT, ERR_READ_PROT):
            self._settle(pc)
            address = stop.access.address if stop.access is not None else None
            self.exceptions.raise_fault(Fault("data_bus", pc, address))
        else:
            raise UnsupportedError(f"Unicorn stopped at 0x{pc:08x} with status {stop.error}")

    def _finish_block(self) -> None:
        node = self._running()
        if node is not None:
            self.recorder.leave_early(node, len(node.record.block.instructions), node.passage.taken.cycles)
            self.recorder.flush()

    def _on_bad_fetch(self, pc: int) -> None:
        if pc >= MAGIC_START and self.exception_number():
            self._return_from_exception(pc)
            return
        self._finish_block()
        if not self.engine.thumb:
            self.exceptions.raise_fault(Fault("invalid_state", pc))
        else:
            self._fetch_fault(pc)

    def _on_bad_instruction(self, pc: int) -> None:
        """WFE and YIELD come as invalid instructions with PC behind them; anything else is undefined."""
        name, node = self._ended_by(pc), self._running()
        if name in ("wfe", "yield"):
            self._settle(pc)
            if name == "wfe":
                self._wait_for_event(node)
            return
        self._settle(pc)
        self.exceptions.raise_fault(Fault("undefined", pc))

    def _ended_by(self, pc: int) -> str:
        """Mnemonic of the running block's last instruction when ``pc`` is just behind it."""
        node = self._running()
        if node is None:
            return ""
        last = next((i for i in node.record.block.instructions if i.end == pc), None)
        return last.mnemonic if last is not None else ""

    def _on_halt(self, stop: Stop) -> None:
        """Unicorn came back without a word: WFI, or a stop that Python asked for."""
        name = self._ended_by(stop.pc)
        if name == "wfi":
            self._settle(stop.pc)
            self.sleep()
        elif self.recorder.current is not None and self.partial is None and self.finish is None:
            self._resume_or_finish(self.recorder.current, stop.pc)

    def _resume_or_finish(self, node: Node, pc: int) -> None:
        """After a stop that Python asked for: the block is over, or has not begun."""
        if node.address == pc:
            self.recorder.resume(node.state)
        else:
            self._finish_block()

    # --- sleep ----------------------------------------------------------------------------------------------------------
    def _wait_for_event(self, node: Node | None) -> None:
        if node is not None and any(instruction.mnemonic == "sev" for instruction in node.record.block.instructions):
            self.event_register = True
        if self.event_register:
            self.event_register = False
        elif not self.control.nvic.pending:
            self.sleep()

    def sleep(self) -> None:
        """Skip ahead to the event that wakes the core."""
        nvic = self.control.nvic
        start = self.recorder.cycles
        while self.finish is None and not self._wakes():
            due = self.agenda.next_cycle()
            if due is None:
                self.end("asleep", text="the core sleeps and nothing can wake it")
                break
            self.recorder.state[L.CYCLES] = max(self.recorder.cycles, due)
            self.agenda.run_due(self.recorder.cycles)
            self._check_limits()
        self.sleeping_cycles += self.recorder.cycles - start
        self.recorder.flush()
        del nvic

    def _wakes(self) -> bool:
        """A pending exception wakes the core if it would preempt with PRIMASK clear."""
        nvic = self.control.nvic
        if not nvic.pending:
            return False
        basepri = self.engine.get("basepri") if self.traits.groups else 0
        return nvic.next_exception(nvic.execution_priority(0, basepri, 0)) is not None


def disassemble(machine: Machine, address: int) -> str:
    """Text of the instruction at ``address``."""
    return decode(machine.engine.read(address, 4), address).text

