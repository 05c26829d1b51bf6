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
CONTROL_NPRIV, CONTROL_SPSEL, CONTROL_FPCA, CONTROL_SFPA = 1, 2, 4, 8
XPSR_THUMB, XPSR_ALIGN = 1 << 24, 1 << 9
XPSR_FLAGS, XPSR_IT, XPSR_EXCEPTION = 0xF80F0000, 0x0600FC00, 0x1FF
FPSCR_DEFAULTS = 0x1F << 22
"""FPSCR bits that a new context takes from FPDSCR: AHP, DN, FZ, RMode (Armv7-M ARM B1.5.7, ExecuteFPCheck)."""
FPCCR_ASPEN, FPCCR_LSPEN, FPCCR_LSPACT = 1 << 31, 1 << 30, 1
RETURN_THREAD, RETURN_PSP, RETURN_BASIC = 1 << 3, 1 << 2, 1 << 4
MAGIC_START = 0xFFFFFF00
BASIC_RETURNS, FLOAT_RETURNS = {0xFFFFFFF1, 0xFFFFFFF9, 0xFFFFFFFD}, {0xFFFFFFE1, 0xFFFFFFE9, 0xFFFFFFED}
"""Values of EXC_RETURN up to Armv7-M, without and with a floating-point frame (Armv7-M ARM tables B1-8, B1-9)."""
V8_RETURN_ONES, V8_RETURN_ZEROS, V8_SECURE = 0xFFFFFFA0, 0x02, 0x41
"""Armv8-M ARM D1.2.95: bits 31..7 and DCRS are one, bit 1 is zero; S and ES are equal unless the security state changes."""
LINK_OF_BAD_RETURN = 0xF0000000
"""LR of the UsageFault behind an illegal return is this + EXC_RETURN bits 27..0 (Armv7-M ARM B1.5.8)."""


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
    "vector_table": FaultKind(N.HARD_FAULT, -1, "exception vector read from an address where no memory is"),
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
        # The engine's Armv8-M core is in the secure state, where a context without SFPA counts as new at its next FP use.
        self.context_bits = CONTROL_FPCA | (CONTROL_SFPA if machine.traits.v8 else 0)
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
        """Take a fault or SVC now, or HardFault when it is disabled or not urgent enough, or lock up.

        ``pc`` is the faulting instruction, behind it for SVC. A refused SVC is a fault of its own address (B1.5.6,
        ReturnAddress: HardFault returns to this instruction, SVCall to the next).
        """
        if number == N.SVCALL and not self._is_allowed(number):
            pc -= 2
            self.machine.note_fault(Fault("supervisor_call", pc))
        chosen = self._escalate(number, pc)
        if chosen is not None:
            self.enter(chosen, pc)

    def _is_allowed(self, number: int) -> bool:
        """True when synchronous exception ``number`` exists, is enabled and preempts what runs now."""
        machine, nvic = self.machine, self.machine.control.nvic
        if not machine.traits.fault_status and number in (N.MEMORY_FAULT, N.BUS_FAULT, N.USAGE_FAULT):
            return False
        return number in nvic.enabled and nvic.group(nvic.priority(number)) < machine.execution_priority()

    def _escalate(self, number: int, pc: int) -> int | None:
        """``number`` if it may be taken now, else HardFault; None after lockup (Armv7-M ARM B1.5.11, B1.5.15)."""
        machine = self.machine
        if self._is_allowed(number):
            return number
        if number != N.HARD_FAULT and machine.traits.fault_status:
            machine.control.fault(C.HFSR, HFSR_FORCED)
        if machine.execution_priority() <= -1:
            machine.lock_up(pc)
            return None
        return N.HARD_FAULT

    def _frame_fault(self, kind: str, pc: int, frame: int) -> int | None:
        """The exception derived from a bus error on an exception frame; None after lockup."""
        machine = self.machine
        machine.note_fault(Fault(kind, pc, frame))
        if machine.traits.fault_status:
            machine.control.fault(C.CFSR, 1 << FAULTS[kind].bit)
        return self._escalate(N.BUS_FAULT, pc)

    # --- entry ----------------------------------------------------------------------------------------------------------
    def enter(self, number: int, pc: int, tail: bool = False) -> None:
        """Stack the frame (unless ``tail``-chained), switch to handler mode and to the handler's address."""
        machine, timing, resets = self.machine, self.machine.core.exceptions, self.machine.reset_count
        exc_return, derived = (self.chained_return, None) if tail else self._push(pc)
        machine.recorder.state[machine.CYCLES] += timing.tail_chain if tail else timing.entry
        if derived is not None:
            number = self._more_urgent(number, derived)
        late = machine.late_arrival(number)
        number = late if late is not None else number
        found = self._find_handler(number, pc) if machine.finish is None and machine.reset_count == resets else None
        if found is None:
            return
        number, handler = found
        machine.engine.clear_exclusive()  # Armv7-M ARM B1.5.6, ExceptionTaken
        machine.control.nvic.activate(number)
        self._enter_handler_mode(number)
        self.float_context = machine.options.bare and machine.core.has_fpu
        machine.update_float_guard()
        machine.engine.registers[14] = exc_return
        self._check_unhandled(number, handler)
        machine.note_exception(number, handler, tail)
        machine.pc = handler & ~1
        machine.recorder.flush()
        if not handler & 1 and machine.finish is None:
            self.raise_fault(Fault("invalid_state", handler))

    def _more_urgent(self, number: int, derived: int) -> int:
        """Which of an exception and the one derived from its stacking is taken; the other stays pending (B1.5.12)."""
        nvic = self.machine.control.nvic
        first, second = sorted((number, derived), key=lambda n: (nvic.group(nvic.priority(n)), nvic.priority(n), n))
        nvic.pend(second)
        return first

    def _find_handler(self, number: int, pc: int) -> tuple[int, int] | None:
        """Exception and handler; HardFault instead where the vector cannot be read, None when that locks up (B3.2.16)."""
        machine = self.machine
        vector = self._vector(number)
        if vector is not None:
            return number, vector
        machine.note_fault(Fault("vector_table", pc, machine.control.vector_table + 4 * number))
        if machine.traits.fault_status:
            machine.control.fault(C.HFSR, HFSR_VECTTBL)
        hard = self._vector(N.HARD_FAULT)
        if machine.control.nvic.priority(number) <= -1 or hard is None:
            machine.lock_up(pc)
            return None
        machine.control.nvic.pend(number)
        return N.HARD_FAULT, hard

    def _vector(self, number: int) -> int | None:
        found = self.machine.engine.find_buffer(self.machine.control.vector_table + 4 * number, 4)
        return None if found is None else int.from_bytes(found[0][found[1] : found[1] + 4].tobytes(), "little")

    def _enter_handler_mode(self, number: int) -> None:
        """IPSR = ``number``, ITSTATE 0, CONTROL.SPSEL and FPCA 0 (B1.5.6, ExceptionTaken).

        The engine obeys writes of CONTROL from privileged code only and SPSEL's in thread mode only.
        """
        engine = self.machine.engine
        control, flags = engine.get("control"), engine.get("xpsr") & XPSR_FLAGS | XPSR_THUMB
        engine.set_xpsr(flags | number)
        if control & CONTROL_SPSEL:
            engine.set("control", 0)
            engine.set_xpsr(flags)
            engine.set("control", 0)
            engine.set_xpsr(flags | number)
        if control & (CONTROL_SPSEL | CONTROL_FPCA):
            engine.set("control", control & CONTROL_NPRIV)

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

    def _push(self, pc: int) -> tuple[int, int | None]:
        """Stack the frame on the current stack: EXC_RETURN and the exception that stacking itself raised, if it did."""
        machine, engine = self.machine, self.machine.engine
        registers, control = engine.registers, engine.get("control")
        thread = machine.exception_number() == 0
        process = thread and bool(control & CONTROL_SPSEL)
        extended = bool(control & CONTROL_FPCA) and bool(machine.control.stored[C.FPCCR] & FPCCR_ASPEN)
        before = int(registers[13])
        words = BASIC_WORDS + (FLOAT_WORDS if extended else 0)
        align = not machine.traits.groups or bool(machine.control.stored[C.CCR] & C.CCR_STKALIGN) or extended
        frame = (before - 4 * words) & (~7 if align else ~3) & 0xFFFFFFFF
        registers[13] = frame
        derived = None
        if not machine.poke(frame, self._basic_frame(pc, align and bool(before & 4))):
            derived = self._frame_fault("stacking", pc, frame)
        elif extended:
            self._push_float(frame)
        machine.begin_exception(frame, frame + 4 * words, process)
        return self._exc_return(thread, process, extended), derived

    def _basic_frame(self, pc: int, padded: bool) -> bytes:
        """R0..R3, R12, LR, return address and xPSR."""
        registers = self.machine.engine.registers
        xpsr = self.machine.engine.get("xpsr") | XPSR_THUMB
        if not self.machine.engine_thumb:
            xpsr &= ~XPSR_THUMB
        xpsr = (xpsr & ~XPSR_ALIGN | (XPSR_ALIGN if padded else 0)) & 0xFFFFFFFF
        return struct.pack("<8I", *(int(registers[n]) for n in (0, 1, 2, 3, 12, 14)), pc & 0xFFFFFFFF, xpsr)

    def _exc_return(self, thread: bool, process: bool, extended: bool) -> int:
        base = 0xFFFFFFA0 if self.machine.traits.v8 else 0xFFFFFFE1
        value = base | (0 if extended else RETURN_BASIC)
        return value | (RETURN_THREAD if thread else 0) | (RETURN_PSP if process else 0)

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
        self._begin_float_context()
        self.float_context = True
        machine.update_float_guard()

    def _begin_float_context(self) -> None:
        """CONTROL.FPCA = 1 and FPSCR's modes from FPDSCR, before the engine would do it with an FPDSCR of its own."""
        engine, stored = self.machine.engine, self.machine.control.stored
        control, modes = engine.get("control"), stored.get(C.FPDSCR, 0) & FPSCR_DEFAULTS
        if control & CONTROL_FPCA or not modes:
            return  # the engine sets FPCA itself, with all modes 0
        xpsr = engine.get("xpsr")
        engine.set_xpsr(xpsr | N.HARD_FAULT)  # handlers are privileged: CONTROL can be written whatever nPRIV is
        engine.set("control", control & (CONTROL_NPRIV | CONTROL_SPSEL) | self.context_bits)
        engine.set_xpsr(xpsr)
        engine.set("fpscr", engine.get("fpscr") & ~FPSCR_DEFAULTS | modes)

    def control_written(self) -> None:
        """MSR wrote CONTROL: the floating-point context is what FPCA says."""
        machine = self.machine
        if machine.core.has_fpu and not machine.options.bare:
            self.float_context = bool(machine.engine.get("control") & CONTROL_FPCA)
            machine.update_float_guard()

    # --- return ---------------------------------------------------------------------------------------------------------
    def leave(self, target: int) -> None:
        """Return from the current exception to ``target`` (EXC_RETURN less bit 0), tail-chaining into a pending one."""
        machine, engine, nvic = self.machine, self.machine.engine, self.machine.control.nvic
        magic, number, resets = target | int(engine.thumb), machine.exception_number(), machine.reset_count
        legal = self._is_legal(number, magic)
        if number != N.NMI and machine.traits.groups:
            engine.set("faultmask", 0)
        nvic.deactivate(number)
        machine.end_exception(number)
        self.chained_return = magic
        if not legal:
            self._refuse_return(magic)
            return
        following = self._next_during_return()
        if machine.finish is not None or machine.reset_count != resets:
            return
        if following is not None:
            self.enter(following, machine.pc, tail=True)
            return
        self._pop(magic, bool(magic & RETURN_THREAD))

    def _is_legal(self, number: int, magic: int) -> bool:
        """True when ``magic`` may end exception ``number`` (Armv7-M ARM B1.5.8, Armv8-M ARM B3.23)."""
        machine, nvic = self.machine, self.machine.control.nvic
        if number not in nvic.active:
            return False
        nested = len(nvic.active) > 1 and not machine.control.stored[C.CCR] & 1
        if magic & RETURN_THREAD and nested:
            return False
        if not machine.core.has_fpu and not magic & RETURN_BASIC:
            return False
        if machine.traits.v8:
            alike = magic & V8_SECURE in (0, V8_SECURE)
            return magic & V8_RETURN_ONES == V8_RETURN_ONES and not magic & V8_RETURN_ZEROS and alike
        return magic in BASIC_RETURNS or magic in FLOAT_RETURNS

    def _refuse_return(self, magic: int) -> None:
        """UsageFault INVPC (HardFault on Armv6-M) on the frame that is there already."""
        machine = self.machine
        machine.note_fault(Fault("invalid_return", machine.pc))
        if machine.traits.fault_status:
            machine.control.fault(C.CFSR, 1 << FAULTS["invalid_return"].bit)
        number = self._escalate(N.USAGE_FAULT, machine.pc)
        if number is not None:
            self.chained_return = magic | LINK_OF_BAD_RETURN
            self.enter(number, machine.pc, tail=True)

    def _next_during_return(self) -> int | None:
        """The exception that is pending now, or becomes so while the frame is popped and abandons that."""
        machine, state = self.machine, self.machine.recorder.state
        machine.agenda.run_due(machine.recorder.cycles)
        start = machine.recorder.cycles
        following = machine.due_exception()
        while following is None and machine.finish is None:
            due = machine.agenda.next_cycle()
            if due is None or due >= start + machine.core.exceptions.exit:
                break
            state[machine.CYCLES] = due
            machine.agenda.run_due(due)
            following = machine.due_exception()
        if following is None:
            state[machine.CYCLES] = start
        return following

    def _pop(self, magic: int, thread: bool) -> None:
        machine, engine = self.machine, self.machine.engine
        process = thread and bool(magic & RETURN_PSP)
        frame = engine.get("psp") if process else engine.get("msp")
        extended = machine.core.has_fpu and not magic & RETURN_BASIC
        words = BASIC_WORDS + (FLOAT_WORDS if extended else 0)
        if machine.engine.find_buffer(frame, 4 * words) is None:
            number = self._frame_fault("unstacking", machine.pc, frame)
            if number is not None:
                self.enter(number, machine.pc, tail=True)
            return
        values = struct.unpack("<8I", machine.read_memory(frame, 32))
        xpsr = values[7]
        if thread == bool(xpsr & XPSR_EXCEPTION):  # the frame is another mode's
            self._refuse_return(magic)
            return
        machine.engine.clear_exclusive()  # Armv7-M ARM B1.5.8, ExceptionReturn
        self._restore_mode(xpsr, process, extended)
        after = frame + 4 * words
        if xpsr & XPSR_ALIGN:
            after |= 4
        engine.registers[13] = after & 0xFFFFFFFF
        for number, value in zip((0, 1, 2, 3, 12, 14), values, strict=False):
            engine.registers[number] = value
        self._pop_float(frame, extended)
        machine.recorder.state[machine.CYCLES] += machine.core.exceptions.exit
        machine.exception_cycles += machine.core.exceptions.exit
        machine.pc = values[6] & ~1
        machine.recorder.flush()
        machine.resume_context(frame, after, process, thread)
        if machine.control.stored[C.SCR] & C.SLEEPONEXIT and thread:
            machine.sleeper.sleep()

    def _restore_mode(self, xpsr: int, process: bool, extended: bool) -> None:
        """Flags, ITSTATE and IPSR from the frame, CONTROL.SPSEL and FPCA from EXC_RETURN; see ``_enter_handler_mode``."""
        engine = self.machine.engine
        control = engine.get("control") & CONTROL_NPRIV
        control |= (CONTROL_SPSEL if process else 0) | (self.context_bits if extended else 0)
        engine.set("control", 0)
        engine.set_xpsr(xpsr & (XPSR_FLAGS | XPSR_IT | XPSR_EXCEPTION) | XPSR_THUMB)
        engine.set("control", control)

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
        self.float_context = extended or machine.options.bare
        machine.update_float_guard()
