"""Exception entry and return: frames, stack pointers, faults and their escalation (Armv7-M ARM B1.5, Armv8-M ARM B3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcusim.machine import nvic as N
from mcusim.machine import system_control as C

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

BASIC_WORDS, FLOAT_WORDS = 8, 18
CONTROL_SPSEL, CONTROL_FPCA = 2, 4
XPSR_THUMB, XPSR_ALIGN = 1 << 24, 1 << 9
FPCCR_ASPEN, FPCCR_LSPEN, FPCCR_LSPACT = 1 << 31, 1 << 30, 1
RETURN_THREAD, RETURN_PSP, RETURN_BASIC = 1 << 3, 1 << 2, 1 << 4
MAGIC_START = 0xFFFFFF00


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault: its exception on v7-M, its bit in CFSR and what it means."""

    exception: int
    bit: int
    text: str


FAULTS = {
    "instruction_access": FaultKind(N.MEMORY_FAULT, 0, "instruction fetch from an execute-never region"),
    "instruction_bus": FaultKind(N.BUS_FAULT, 8, "instruction fetch from an address where no memory is"),
    "data_bus": FaultKind(N.BUS_FAULT, 9, "access to an address where no memory or register is"),
    "unstacking": FaultKind(N.BUS_FAULT, 11, "exception frame read from an address where no memory is"),
    "stacking": FaultKind(N.BUS_FAULT, 12, "exception frame written to an address where no memory is"),
    "undefined": FaultKind(N.USAGE_FAULT, 16, "instruction that this core does not have"),
    "invalid_state": FaultKind(N.USAGE_FAULT, 17, "branch to an even address (Arm state)"),
    "invalid_return": FaultKind(N.USAGE_FAULT, 18, "invalid EXC_RETURN"),
    "no_coprocessor": FaultKind(N.USAGE_FAULT, 19, "floating-point instruction while the FPU is disabled (CPACR)"),
    "unaligned": FaultKind(N.USAGE_FAULT, 24, "unaligned access"),
    "divide_by_zero": FaultKind(N.USAGE_FAULT, 25, "division by zero"),
    "breakpoint": FaultKind(N.HARD_FAULT, -1, "BKPT without a debugger"),
    "supervisor_call": FaultKind(N.HARD_FAULT, -1, "SVC that the current priority does not allow"),
}
BFAR_VALID = 1 << 15
HFSR_VECTTBL, HFSR_FORCED, HFSR_DEBUGEVT = 1 << 1, 1 << 30, 1 << 31
SELF_BRANCH = b"\xfe\xe7"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happened: what, where, and the data address if one is known."""

    kind: str
    pc: int
    address: int | None = None


class ExceptionUnit:
    """Takes and returns from exceptions on behalf of the machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.reset()

    def reset(self) -> None:
        """State after a system reset: thread mode, no floating-point context."""
        self.float_context = self.machine.options.bare and self.machine.core.has_fpu  # nobody watches a bare run
        self.lazy_frame: int | None = None
        self.lazy_words: list[int] = []

    # --- faults ---------------------------------------------------------------------------------------------------------
    def raise_fault(self, fault: Fault) -> None:
        """Record the fault and take its exception, escalated as the priorities demand; lockup ends the run."""
        machine, control = self.machine, self.machine.control
        kind = FAULTS[fault.kind]
        machine.note_fault(fault)
        if machine.traits.fault_status and kind.bit >= 0:
            bits = 1 << kind.bit
            if fault.kind == "data_bus" and fault.address is not None:
                bits |= BFAR_VALID
                control.stored[C.BFAR] = fault.address
            control.fault(C.CFSR, bits)
        if fault.kind == "breakpoint":
            control.fault(C.HFSR, HFSR_DEBUGEVT)
        self.take_synchronous(kind.exception, fault.pc)

    def take_synchronous(self, number: int, pc: int) -> None:
        """Take a fault or SVC now, or HardFault when it is disabled or not urgent enough, or lock up."""
        machine, nvic = self.machine, self.machine.control.nvic
        urgency = machine.execution_priority()
        allowed = number in nvic.enabled and nvic.group(nvic.priority(number)) < urgency
        if not machine.traits.fault_status and number in (N.MEMORY_FAULT, N.BUS_FAULT, N.USAGE_FAULT):
            allowed = False
        if not allowed:
            if number != N.HARD_FAULT and machine.traits.fault_status:
                machine.control.fault(C.HFSR, HFSR_FORCED)
            if urgency <= -1:
                machine.lock_up(pc)
                return
            number = N.HARD_FAULT
        self.enter(number, pc)

    # --- entry ----------------------------------------------------------------------------------------------------------
    def enter(self, number: int, pc: int, tail: bool = False) -> None:
        """Stack the frame (unless ``tail``-chained), switch to handler mode and to the handler's address."""
        machine = self.machine
        timing = machine.core.exceptions
        if tail:
            exc_return = self.chained_return
            machine.recorder.state[machine.CYCLES] += timing.tail_chain
        else:
            pushed = self._push(pc)
            machine.recorder.state[machine.CYCLES] += timing.entry
            if pushed is None:
                return
            exc_return = pushed
            late = machine.late_arrival(number)
            number = late if late is not None else number
        handler = self._vector(number)
        machine.engine.clear_exclusive()  # Armv7-M ARM B1.5.6, ExceptionTaken
        machine.control.nvic.activate(number)
        machine.engine.set_xpsr(machine.engine.get("xpsr") & 0xF80F0000 | number | XPSR_THUMB)
        machine.engine.registers[14] = exc_return
        self._check_unhandled(number, handler)
        machine.note_exception(number, handler, tail)
        machine.pc = handler & ~1
        machine.recorder.flush()
        if not handler & 1 and machine.finish is None:
            self.raise_fault(Fault("invalid_state", handler))

    def _vector(self, number: int) -> int:
        return int.from_bytes(self.machine.read_memory(self.machine.control.vector_table + 4 * number, 4), "little")

    def _check_unhandled(self, number: int, handler: int) -> None:
        """A fault whose handler is a branch to itself (the usual default) or no code at all is unhandled."""
        machine = self.machine
        if number not in (N.HARD_FAULT, N.MEMORY_FAULT, N.BUS_FAULT, N.USAGE_FAULT):
            if handler & ~1 == 0:
                machine.end_with_fault("fault", f"{N.exception_name(number)} has no handler (its vector is 0)")
            return
        code = machine.read_memory(handler & ~1, 2)
        if handler & ~1 == 0 or not machine.is_executable(handler & ~1):
            machine.end_with_fault("fault", f"{N.exception_name(number)} has no handler (its vector is 0x{handler:08x})")
        elif code == SELF_BRANCH or code == b"\x00\xbe":
            machine.end_with_fault("fault", f"{N.exception_name(number)} reached a default handler that only waits")

    def _push(self, pc: int) -> int | None:
        """Stack the frame on the current stack; EXC_RETURN, or None when stacking itself faulted."""
        machine, engine = self.machine, self.machine.engine
        registers = engine.registers
        thread = machine.exception_number() == 0
        process = thread and bool(engine.get("control") & CONTROL_SPSEL)
        extended = self.float_context and bool(machine.control.stored[C.FPCCR] & FPCCR_ASPEN)
        before = int(registers[13])
        words = BASIC_WORDS + (FLOAT_WORDS if extended else 0)
        align = not machine.traits.groups or bool(machine.control.stored[C.CCR] & C.CCR_STKALIGN) or extended
        frame = (before - 4 * words) & (~7 if align else ~3) & 0xFFFFFFFF
        padded = align and bool(before & 4)
        xpsr = engine.get("xpsr") | XPSR_THUMB
        if not machine.engine_thumb:
            xpsr &= ~XPSR_THUMB
        xpsr = xpsr & ~XPSR_ALIGN | (XPSR_ALIGN if padded else 0)
        data = struct.pack(
            "<8I", *(int(registers[n]) for n in (0, 1, 2, 3, 12, 14)), pc & 0xFFFFFFFF, xpsr & 0xFFFFFFFF
        )
        if not machine.poke(frame, data):
            self._stacking_failed(pc)
            return None
        if extended:
            self._push_float(frame)
        registers[13] = frame
        machine.begin_exception(frame, frame + 4 * words, process)
        self.float_context = machine.options.bare and machine.core.has_fpu
        machine.update_float_guard()
        return self._exc_return(thread, process, extended)

    def _exc_return(self, thread: bool, process: bool, extended: bool) -> int:
        base = 0xFFFFFFA0 if self.machine.traits.v8 else 0xFFFFFFE1
        value = base | (0 if extended else RETURN_BASIC)
        return value | (RETURN_THREAD if thread else 0) | (RETURN_PSP if process else 0)

    def _stacking_failed(self, pc: int) -> None:
        machine = self.machine
        if machine.traits.fault_status:
            machine.control.fault(C.CFSR, 1 << FAULTS["stacking"].bit)
        machine.note_fault(Fault("stacking", pc, int(machine.engine.registers[13])))
        machine.end_with_fault("lockup", "the exception frame does not fit the stack: no memory at the stack pointer")

    def _push_float(self, frame: int) -> None:
        """Lazy stacking keeps the space; the values are written at once (nobody can tell) and priced at the first FP use."""
        machine = self.machine
        words = [*machine.engine.float_registers()[:16], machine.engine.get("fpscr"), 0]
        machine.poke(frame + 4 * BASIC_WORDS, struct.pack("<18I", *words))
        if machine.control.stored[C.FPCCR] & FPCCR_LSPEN:
            self.lazy_frame = frame
            machine.control.stored[C.FPCCR] |= FPCCR_LSPACT
            machine.control.stored[C.FPCAR] = frame + 4 * BASIC_WORDS
        else:
            machine.recorder.state[machine.CYCLES] += machine.core.exceptions.float_save

    def first_float_use(self) -> None:
        """The first floating-point instruction since exception entry: pay for lazy stacking, own the context."""
        machine = self.machine
        if self.lazy_frame is not None:
            self.lazy_frame = None
            machine.control.stored[C.FPCCR] &= ~FPCCR_LSPACT
            machine.recorder.state[machine.CYCLES] += machine.core.exceptions.float_save
        self.float_context = True
        machine.update_float_guard()

    # --- return ---------------------------------------------------------------------------------------------------------
    def leave(self, magic: int) -> None:
        """Return from the current exception with EXC_RETURN ``magic``, tail-chaining into a pending one."""
        machine, engine, nvic = self.machine, self.machine.engine, self.machine.control.nvic
        number = machine.exception_number()
        if number not in nvic.active:
            machine.note_fault(Fault("invalid_return", machine.pc))
            machine.end_with_fault("lockup", f"return from exception {number}, which is not active")
            return
        thread = bool(magic & RETURN_THREAD)
        if thread and len(nvic.active) > 1 and not machine.control.stored[C.CCR] & 1:
            nvic.deactivate(number)
            self.raise_fault(Fault("invalid_return", magic))
            return
        if number != N.NMI and machine.traits.groups:
            engine.set("faultmask", 0)
        nvic.deactivate(number)
        machine.end_exception(number)
        self.chained_return = magic & ~0xFF | magic & 0xFF | (0 if machine.traits.v8 else 1)
        following = nvic.next_exception(machine.execution_priority())
        if following is not None:
            self.enter(following, machine.pc, tail=True)
            return
        self._pop(magic, thread)

    def _pop(self, magic: int, thread: bool) -> None:
        machine, engine = self.machine, self.machine.engine
        process = thread and bool(magic & RETURN_PSP)
        frame = engine.get("psp") if process else engine.get("msp")
        extended = machine.core.has_fpu and not magic & RETURN_BASIC
        words = BASIC_WORDS + (FLOAT_WORDS if extended else 0)
        if machine.engine.find_buffer(frame, 4 * words) is None:
            machine.note_fault(Fault("unstacking", machine.pc, frame))
            machine.end_with_fault("lockup", "the exception frame lies where no memory is")
            return
        values = struct.unpack("<8I", machine.read_memory(frame, 32))
        xpsr = values[7]
        machine.engine.clear_exclusive()  # Armv7-M ARM B1.5.8, ExceptionReturn
        self._restore_mode(xpsr, process, thread)
        after = frame + 4 * words
        if xpsr & XPSR_ALIGN:
            after |= 4
        engine.registers[13] = after & 0xFFFFFFFF
        for number, value in zip((0, 1, 2, 3, 12, 14), values, strict=False):
            engine.registers[number] = value
        self._pop_float(frame, extended)
        machine.recorder.state[machine.CYCLES] += machine.core.exceptions.exit
        machine.pc = values[6] & ~1
        machine.recorder.flush()
        machine.resume_context(frame, after, process, thread)
        if machine.control.stored[C.SCR] & C.SLEEPONEXIT and thread:
            machine.sleeper.sleep()

    def _restore_mode(self, xpsr: int, process: bool, thread: bool) -> None:
        engine = self.machine.engine
        engine.set_xpsr(xpsr & 0xF80F01FF | XPSR_THUMB)
        if thread:
            control = engine.get("control") & ~CONTROL_SPSEL
            engine.set("control", control | (CONTROL_SPSEL if process else 0))

    def _pop_float(self, frame: int, extended: bool) -> None:
        machine = self.machine
        if extended and self.lazy_frame == frame:
            self.lazy_frame = None
            machine.control.stored[C.FPCCR] &= ~FPCCR_LSPACT
        elif extended:
            words = struct.unpack("<18I", machine.read_memory(frame + 4 * BASIC_WORDS, 72))
            machine.engine.set_float_registers(list(words[:16]))
            machine.engine.set("fpscr", words[16])
            machine.recorder.state[machine.CYCLES] += machine.core.exceptions.float_restore
        self.float_context = extended
        machine.update_float_guard()
