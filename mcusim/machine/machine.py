"""A machine: a program on a board, run on Unicorn, priced as it goes. See ARCHITECTURE.md, "run once, price many times"."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mcusim import pricing
from mcusim.boards.board import Board
from mcusim.cores import Core
from mcusim.isa.decode import decode
from mcusim.machine import layout as L
from mcusim.machine import nvic as N
from mcusim.machine import system_control as C
from mcusim.machine.access import RegisterAccesses, Unfinished
from mcusim.machine.address_space import AddressSpace
from mcusim.machine.call_context import CallContexts
from mcusim.machine.clock import CoreClock
from mcusim.machine.coprocessor import Coprocessors
from mcusim.machine.ctrl_c import CtrlC
from mcusim.machine.engine import Engine
from mcusim.machine.events import Agenda, Event
from mcusim.machine.exceptions import ExceptionUnit, Fault
from mcusim.machine.heap import HeapWatch
from mcusim.machine.hook import block_hook_address
from mcusim.machine.limits import Limits
from mcusim.machine.marks import MarkWatch
from mcusim.machine.memory_timing import check_assumptions
from mcusim.machine.native import record_event
from mcusim.machine.outcome import ExceptionCount, FaultSnapshot, Finish, Options
from mcusim.machine.peripheral import Peripheral
from mcusim.machine.recorder import Recorder
from mcusim.machine.semihosting import Semihosting
from mcusim.machine.serial import SerialConsole
from mcusim.machine.sleep import Sleeper
from mcusim.machine.steering import Steering, owner_of
from mcusim.machine.stops import Stops
from mcusim.machine.traits import traits
from mcusim.machine.what_if import WhatIf
from mcusim.pricing.passage import MemoryTiming
from mcusim.program import Program

FAULT_EXCEPTIONS = (N.HARD_FAULT, N.MEMORY_FAULT, N.BUS_FAULT, N.USAGE_FAULT)


class Machine:
    """Runs one program once. Construct, ``run()``, read the recorder."""

    CYCLES = L.CYCLES
    pc: int

    def __init__(self, program: Program, board: Board, core: Core, options: Options) -> None:
        self.program, self.board, self.core, self.options = program, board, core, options
        self.finish: Finish | None = None
        self.last_fault: Fault | None = None
        self.last_branch: int | None = None  # address of the branch that left memory or Thumb state
        self.warnings: dict[str, int] = {}
        self.reset_count = 0
        self.interrupt_sources: dict[int, set[str]] = {}
        self.exception_counts: dict[int, ExceptionCount] = {}
        self.unfinished: Unfinished | None = None
        self.sleeping_cycles = self.exception_cycles = 0
        self.event_register = False
        self.snapshot: FaultSnapshot | None = None
        self.accesses, self.stops = RegisterAccesses(self), Stops(self)
        self.sleeper, self.limits = Sleeper(self), Limits(self)
        self.clock = CoreClock(options.what_if.clock_hertz or board.clock_hertz)
        self.programmed_hertz = board.clock_hertz
        self.steering = Steering()
        self.agenda = Agenda(lambda action: self.steering.note("event", owner_of(action)))
        self.traits = traits(core)
        self.engine = Engine(core.emulator_model)
        self.space = AddressSpace(self.engine, program, board)
        self.serial = SerialConsole(options.send, options.until, options.serial_output)
        self._build_recorder()
        self.epoch_delays = [self.recorder.memory.lane_delays()]
        self.reset_vector_table = self.space.boot_vector_table
        self.control = C.SystemControl(self)
        self._map_regions()
        self.exceptions = ExceptionUnit(self)
        self.coprocessors = Coprocessors(self)
        self.contexts = CallContexts(self.recorder)
        self.semihosting = Semihosting(self, options.semihosting_root, Path(program.path).name)
        self.peripherals: dict[str, Peripheral] = {}
        self.space.map_peripherals(self)
        check_assumptions(tuple(self.space.memories), self)
        self.heap = HeapWatch(self)
        self.marks = MarkWatch(self)
        self.serial.on_mark = self.marks.note_line
        self.recorder.blocks.watched |= self.heap.addresses()
        self.timing_changed()
        self.start()

    def _build_recorder(self) -> None:
        starts = [symbol.address for symbol in self.program.symbols if symbol.kind == "function"]
        self.recorder = Recorder(
            self.core, pricing.pipeline(self.core), self.engine.read, self.space.is_writable,
            lambda: self.engine.get("xpsr"), self.engine.stop, starts, self.options.follow_lanes,
        )
        self.recorder.set_register_file(self.engine.registers)
        self.recorder.aligned = self.options.what_if.aligned
        state = self.recorder.state
        state[L.ENGINE] = self.engine.address
        state[L.EMU_STOP], state[L.REG_READ] = self.engine.function("uc_emu_stop"), self.engine.function("uc_reg_read")
        if self.options.trace_events:
            self.timeline = np.zeros((self.options.trace_events, L.EVENT_WORDS), dtype=np.int64)
            state[L.TIMELINE], state[L.TIMELINE_LIMIT] = self.timeline.ctypes.data, self.options.trace_events
        if not self.options.bare:
            self.engine.add_block_hook(block_hook_address(), self.recorder.pointer)

    def _map_regions(self) -> None:
        """Tell the recorder which region each address belongs to."""
        self.space.use_attributes(self.control)
        self._use_regions()

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

    def reset(self, reason: str, local: bool = False) -> None:
        """System reset at the next boundary: registers and peripherals (not when ``local``), memories keep their contents."""
        self.agenda.add(self.now(), lambda: self._reset(reason, local))
        self.request_service()

    def _reset(self, reason: str, local: bool = False) -> None:
        self.warn(f"system reset: {reason}")
        self.reset_count += 1
        if self.reset_count > 100:
            self.end("reset_loop", text=f"more than 100 system resets, the last one by {reason}")
            return
        self._close_exceptions()
        self.event_register = False
        self.last_fault = self.snapshot = None
        lines = {number: set(sources) for number, sources in self.interrupt_sources.items() if local}
        self.interrupt_sources.clear()
        if not local:
            self.agenda.heap.clear()
        self.control.reset()
        self.recorder.memory.invalidate_all()
        self.attributes_changed()
        self.exceptions.reset()
        if not local:
            for peripheral in self.peripherals.values():
                peripheral.reset_registers()
            self.set_core_hertz(self.board.clock_hertz)
        for number, sources in lines.items():  # peripherals that were not reset go on driving theirs
            for source in sources:
                self.set_interrupt(number, True, source)
        self.timing_changed()
        self.start()

    # --- Chip: what peripherals see -------------------------------------------------------------------------------------
    def now(self) -> int:
        """Core cycles since reset, exact at the instruction whose access is being served."""
        access = self.accesses.access
        if access is None:
            return self.recorder.cycles
        access.timed = True
        if access.cycle is None:
            offset = self.accesses.offset()  # adds the stalls up to the access to the counter
            access.cycle = self.recorder.cycles + offset
        return access.cycle

    def at(self, cycle: int, action: Callable[[], None]) -> Event:
        now = self.now()
        event = self.agenda.add(max(int(cycle), now), action)
        event.timed = event.cycle > now
        self.recorder.state[L.DEADLINE] = min(int(self.recorder.state[L.DEADLINE]), event.cycle)
        if self.accesses.access is not None and event.cycle <= self.now() + self.accesses.remaining_cycles():
            self.stop_behind_store()
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
        self.programmed_hertz = int(hertz)
        access = self.accesses.access
        timed = access is not None and access.timed
        if self.options.what_if.clock_hertz is None and int(hertz) != self.clock.hertz:
            self.clock.change(self.now(), int(hertz))
            self.epoch_delays.append(self.recorder.memory.lane_delays())
        for peripheral in self.peripherals.values():
            peripheral.clock_changed()
        if access is not None:
            access.timed = timed  # other peripherals looked at the time, not the one that is accessed

    def clock_hertz(self, name: str) -> int:
        if name == "core" or not self.board.clock_peripheral:
            return self.clock.hertz
        tree = self.peripherals[self.board.clock_peripheral]
        return int(tree.clock_hertz(name))  # type: ignore[attr-defined]

    def timing_changed(self) -> None:
        what_if = self.options.what_if
        lanes = self.space.lanes(self, what_if) if self.options.follow_lanes else ()
        self.recorder.use_timing(self.space.timing(self, what_if), lanes)
        self.request_service()

    def timing_under(self, what_if: WhatIf) -> MemoryTiming:
        """How the memories would answer under ``what_if`` with the registers as they stand."""
        return self.space.timing(self, what_if)

    def attributes_changed(self) -> None:
        """The MPU, or what it refers to, was reprogrammed: memory may answer in another way."""
        if self.space.use_attributes(self.control):
            self._use_regions()
            self.timing_changed()

    def _use_regions(self) -> None:
        table = self.space.region_table(self.options.what_if)
        self.recorder.set_regions(table, self.space.refusing(), self.space.programmed())

    def empty_cache(self, name: str, address: int | None = None, way: int | None = None) -> None:
        self.accesses.accessing()  # walks the accesses before this one
        memory = self.recorder.memory
        if address is None:
            memory.invalidate(name)
            return
        place = memory.place_at(name, address) if way is None else memory.place_of(name, address, way)
        if place is not None:
            memory.drop(name, place)

    def cache_lookups(self, name: str) -> tuple[int, int, int, int]:
        self.now()  # walks the accesses before this one, and tells that the value depends on time
        return self.recorder.memory.lookups(name)

    def traps_changed(self) -> None:
        """CCR traps were switched; blocks are looked at anew."""
        value = self.control.stored[C.CCR]
        self.recorder.set_traps(bool(value & C.CCR_DIV_0_TRAP), bool(value & C.CCR_UNALIGN_TRAP))
        self.stop_behind_store()

    def transmit(self, name: str, data: bytes) -> None:
        self._serial_data(name, data)

    def read_memory(self, address: int, size: int) -> bytes:
        return self.space.bus_read(address, size)

    def write_memory(self, address: int, data: bytes) -> None:
        self.space.bus_write(address, data)

    def program_memory(self, address: int, data: bytes) -> None:
        self.engine.write(address, data)
        self.recorder.invalidate()

    def memory_room(self, address: int) -> int:
        """Bytes of memory from ``address`` on; none where registers are or nothing is."""
        return self.engine.room(address)

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
        if self.board.ideal:
            self.semihosting.typed += text
            return
        name = self.board.serial
        target = self.peripherals.get(name)
        if target is None or not hasattr(target, "receive"):
            self.warn(f"--send: board {self.board.name} has no UART to type into")
            return
        target.receive(text)

    def seconds(self) -> float:
        """Simulated time since reset, asked for by the firmware."""
        self.steering.note("clock", "the time by semihosting", self.pc)
        return float(self.clock.seconds(self.now()))

    def heap_bounds(self) -> tuple[int, int, int, int]:
        """Heap base and limit, stack base and limit for SYS_HEAPINFO: zero means "choose yourself"."""
        return 0, 0, 0, 0

    def exit_firmware(self, code: int) -> None:
        """The firmware ends itself with the exit status ``code``, a word."""
        self.end("exit", code - (code >> 31 << 32))  # an int in C

    def end(self, reason: str, code: int = 0, text: str = "", fault: Fault | None = None) -> None:
        """End the run; the first reason stands."""
        if self.finish is None:
            self.finish = Finish(reason, code, text, fault)
            self.request_service()

    def end_with_fault(self, reason: str, text: str) -> None:
        """End on an unhandled fault or lockup, or on an exception that found no handler."""
        number = self.exception_number()
        if reason == "fault" and number not in FAULT_EXCEPTIONS:
            self.note_fault(Fault("no_handler", self.pc, self.control.vector_table + 4 * number))
        self.end(reason, text=text, fault=self.last_fault or Fault("undefined", self.pc))

    def lock_up(self, pc: int) -> None:
        """A fault at HardFault priority or above."""
        self.end_with_fault("lockup", f"a fault at 0x{pc:08x} occurred while HardFault or NMI was active")

    def note_fault(self, fault: Fault) -> None:
        """Keep registers and return addresses as they are at ``fault``, before its exception is taken.

        A frame of that exception that does not fit the stack is no news: what made it stands.
        """
        if fault.kind == "stacking" and self.last_fault is not None and self.last_fault.pc == fault.pc:
            return
        self.last_fault = fault
        names = [f"r{number}" for number in range(13)] + ["sp", "lr"]
        registers = {name: int(self.engine.registers[number]) for number, name in enumerate(names)}
        special = {name: self.engine.get(name) for name in ("xpsr", "msp", "psp", "control")}
        top = int(self.recorder.state[L.FRAME_TOP])
        returns = [int(frame[L.FRAME_RETURN]) for frame in self.recorder.frames[:top][::-1]]
        self.snapshot = FaultSnapshot({**registers, "pc": fault.pc, **special}, tuple(returns))

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

    def due_exception(self) -> int | None:
        """The exception that would be taken at this boundary."""
        nvic = self.control.nvic
        return nvic.next_exception(self.execution_priority()) if nvic.pending else None

    def interrupts_changed(self) -> None:
        """Something became pending, enabled or more urgent: look before the next block."""
        if self.control.nvic.pending:
            self.request_service()

    def request_service(self) -> None:
        """Come back to Python before the next block."""
        self.recorder.state[L.DEADLINE] = 0
        if self.due_exception() is not None:
            self._stop_behind_store()

    def stop_behind_store(self) -> None:
        """Come back to Python right behind the store being served, not only before the next block."""
        if not self.options.bare:
            self._stop_behind_store()

    def _stop_behind_store(self) -> None:
        if self.unfinished is None and self.accesses.can_stop():
            self.unfinished = self.accesses.place()
            self.engine.stop()

    def late_arrival(self, number: int) -> int | None:
        """An exception more urgent than ``number`` that became pending during its entry."""
        self.agenda.run_due(self.recorder.cycles)
        nvic = self.control.nvic
        other = nvic.highest_pending()
        if other is not None and other != number and nvic.group(nvic.priority(other)) < nvic.group(nvic.priority(number)):
            nvic.pend(number)
            return other
        return None

    def note_exception(self, number: int, handler: int, tail: bool) -> None:
        """Book the start of a handler."""
        self.event_register = True
        if number == N.NMI or number >= N.SYSTICK:
            self.steering.note("interrupt", N.exception_name(number))
        count = self.exception_counts.setdefault(number, ExceptionCount())
        count.count += 1
        count.since.append(self.recorder.cycles)
        self.exception_cycles += self.core.exceptions.tail_chain if tail else self.core.exceptions.entry
        record_event(self.recorder.pointer, L.EVENT_EXCEPTION_ENTER, number)
        self.contexts.enter_handler(handler & ~1)

    def end_exception(self, number: int) -> None:
        """Book the end of a handler."""
        self.event_register = True
        if number in FAULT_EXCEPTIONS:
            self.last_fault = self.snapshot = None
        count = self.exception_counts.get(number)
        if count is not None and count.since:
            count.cycles += self.recorder.cycles - count.since.pop()
        self.contexts.leave_handler()
        record_event(self.recorder.pointer, L.EVENT_EXCEPTION_LEAVE, number)

    def _close_exceptions(self) -> None:
        """Book the handlers that do not return: a reset or the end of the run came first."""
        for count in self.exception_counts.values():
            while count.since:
                count.cycles += self.recorder.cycles - count.since.pop()

    def begin_exception(self, frame: int, before: int, process: bool) -> None:
        """The frame has been pushed: remember the interrupted context."""
        self.contexts.suspend(frame, self.engine.get("msp") if process else frame)

    def resume_context(self, frame: int, after: int, process: bool, thread: bool) -> None:
        """The frame has been popped: back to the context that it belongs to."""
        self.contexts.resume(frame, after, self.pc, process, thread)

    def float_changed(self) -> None:
        """CPACR was written."""
        self.update_float_guard()
        self.stop_behind_store()

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
        """Run until something ends it. Ctrl-C raises KeyboardInterrupt between two blocks."""
        self.started = time.perf_counter()
        try:
            for text in self.serial.opening():
                self._type(text)
            with CtrlC(self.look_in) as ctrl_c:
                while self.finish is None:
                    self._service()
                    if self.finish is None:
                        self.stops.go_on()
                    ctrl_c.heed()
        finally:  # however the run ends: what firmware wrote to files is in them, and they are closed
            self._close()
        return self.finish

    def interrupt(self) -> None:
        """Ctrl-C: end with what was recorded so far."""
        self.end("interrupted", text="stopped with Ctrl-C")

    def look_in(self) -> None:
        """Come back to Python before the next block, whatever is being served. Changes nothing of what is simulated."""
        self.recorder.state[L.DEADLINE] = 0

    def _close(self) -> None:
        self._close_exceptions()
        self.contexts.close()
        self.semihosting.close()
        self.wall_seconds = time.perf_counter() - self.started

    def _service(self) -> None:
        """Between two blocks: due events, pending exceptions, limits, the next deadline."""
        state = self.recorder.state
        self.agenda.run_due(self.recorder.cycles)
        self.limits.check()
        number = self.due_exception()
        if number is not None and self.finish is None:
            self.stops.held = None
            self.exceptions.enter(number, self.pc)
        waiting = self.control.nvic.highest_pending() if self.control.nvic.pending else None
        state[L.STOP_ON_UNMASK] = int(waiting is not None)
        again = self.due_exception() is not None
        due = self.agenda.next_cycle()
        horizon = self.limits.horizon()
        state[L.DEADLINE] = 0 if again else horizon if due is None else min(due, horizon)
        state[L.STOPPED] = L.STOP_NONE
        held, self.stops.held = self.stops.held, None
        state[L.HOLD] = held.pointer if held and self.recorder.stops_at(held) else 0

    def instruction_count(self) -> int:
        """Instructions executed so far."""
        total = sum(len(node.record.block.instructions) * count for node, _, count in self.recorder.graph.edges())
        return total + sum(partial.instructions * partial.times for partial in self.recorder.partials.values())

    def profile_counter(self, name: str) -> int:
        """One of DWT's profiling counters, summed from the profile."""
        if name == "sleep":
            return self.sleeping_cycles
        if name == "exception":
            return self.exception_cycles
        field_name = {"cpi": "extra_cycles", "load_store": "load_store_cycles", "fold": "folded"}[name]
        total = sum(getattr(node.passage, field_name) * count for node, _, count in self.recorder.graph.edges())
        for partial in self.recorder.partials.values():
            if not partial.instructions:
                continue  # the first instruction faulted
            total += getattr(self.stops.prefix(partial.node, partial.instructions), field_name) * partial.times
        node, number = self.accesses.accessing()
        if node is not None and number:
            total += getattr(self.stops.prefix(node, number), field_name)
        total += self._stalls(L.NODE_STALLS, 1) if name == "cpi" else 0
        total += self._stalls(L.NODE_STALLS + 1, 2) if name == "load_store" else 0
        if name == "cpi":
            taken = ((n.passage, count) for n, address, count in self.recorder.graph.edges() if address != n.record.block.end)
            total += sum((passage.taken.cycles - passage.fall.cycles) * count for passage, count in taken)
        return total

    def _stalls(self, first: int, count: int) -> int:
        """Stall cycles of all nodes, of ``count`` kinds of access from record word ``first`` on."""
        return sum(int(row[first : first + count].sum()) for row in self.recorder.graph.rows)


def disassemble(machine: Machine, address: int) -> str:
    """Text of the instruction at ``address``."""
    return decode(machine.engine.read(address, 4), address).text
