"""What went wrong, in words: the fault that ended a run, stacks that overflowed, a loop that nothing ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcusim.boards.board import MemoryRegion
from mcusim.isa.decode import decode
from mcusim.machine import nvic as N
from mcusim.machine import system_control as C
from mcusim.machine.call_context import Stack
from mcusim.machine.exceptions import FAULTS
from mcusim.machine.exceptions import Fault as MachineFault
from mcusim.machine.machine import Machine, disassemble
from mcusim.program import Section, Symbol
from mcusim.report import Fault, Frame

NO_HANDLER = "no_handler"
JUMP_FAULTS = ("invalid_state", "instruction_bus", "instruction_access")
NOT_REACHED = (*JUMP_FAULTS, NO_HANDLER)
"""Faults at whose address no instruction was decoded."""
STACK_FAULTS = ("data_bus", "stacking", "unstacking")
NEAR_BYTES = 256
"""How far above the bottom of RAM an SP whose next push or frame no longer fits can stand: a frame with FPU registers
takes 104 bytes, a PUSH of all registers 60."""
PERIOD_FRAMES, SHOWN_FRAMES = 8, 64
"""Longest cycle of mutual recursion that is folded, and frames that a backtrace keeps after folding."""


def place(machine: Machine, address: int) -> str:
    """``0x08000130 <main+0x12>``; the address alone where no symbol covers it."""
    found = machine.program.symbol_at(address)
    return f"0x{address:08x}" + (f" <{found[0].name}+{found[1]:#x}>" if found else "")


# --- how the run ended ------------------------------------------------------------------------------------------------
def ending(machine: Machine) -> str:
    """One line about the end of the run."""
    assert machine.finish is not None
    if machine.finish.reason != "endless_loop":
        return machine.finish.text
    number = machine.exception_number()
    entered = f", entered for {N.exception_name(number)}" if number else ""
    return f"{place(machine, machine.pc)}{entered}: a branch to itself, and no interrupt can end it"


# --- the fault --------------------------------------------------------------------------------------------------------
def fault_of(machine: Machine) -> Fault | None:
    """The fault that ended the run, None where none did."""
    finish, stored, snapshot = machine.finish, machine.control.stored, machine.snapshot
    if finish is None or finish.fault is None:
        return None
    fault = finish.fault
    found = machine.program.symbol_at(fault.pc)
    overflow = _below_ram(machine, fault)
    parts = [overflow, _cause(machine, fault), finish.text]
    return Fault(
        kind="lockup" if finish.reason == "lockup" else N.exception_name(_exception(machine, fault)),
        cause="; ".join(part for part in parts if part),
        address=fault.pc,
        symbol=found[0].name if found else "",
        offset=found[1] if found else 0,
        disassembly=_disassembly(machine, fault),
        data_address=fault.address if fault.kind != NO_HANDLER else None,
        registers=dict(snapshot.registers) if snapshot else {},
        backtrace=_backtrace(machine, fault, snapshot.returns if snapshot else ()),
        cfsr=stored.get(C.CFSR, 0),
        hfsr=stored.get(C.HFSR, 0),
        mmfar=stored.get(C.MMFAR, 0),
        bfar=stored.get(C.BFAR, 0),
    )


def _exception(machine: Machine, fault: MachineFault) -> int:
    """The exception that nobody handled."""
    if fault.kind == NO_HANDLER:
        return ((fault.address or 0) - machine.control.vector_table) // 4
    return FAULTS[fault.kind].exception if machine.traits.fault_status else N.HARD_FAULT


def _cause(machine: Machine, fault: MachineFault) -> str:
    if fault.kind == NO_HANDLER:
        return f"exception without a handler: the vector at 0x{fault.address or 0:08x} names no code"
    if fault.kind == "data_bus" and fault.address is not None:
        kept = next((m for m in machine.space.memories if _holds(m, fault.address) and not m.writable), None)
        if kept is not None:
            return f"write to 0x{fault.address:08x}, in memory that cannot be written ({kept.name})"
    text = FAULTS[fault.kind].text
    branch = _origin(machine, fault)
    return f"{text}, from {place(machine, branch)}: {disassemble(machine, branch)}" if branch is not None else text


def _origin(machine: Machine, fault: MachineFault) -> int | None:
    """The branch that led to where no instruction is; None for other faults and where execution ran off the end."""
    address = machine.last_branch
    if address is None or fault.kind not in JUMP_FAULTS:
        return None
    return address if decode(machine.engine.read(address, 4), address).branch is not None else None


def _holds(memory: MemoryRegion, address: int) -> bool:
    return any(start <= address < start + memory.size for start in (memory.address, *memory.aliases))


def _below_ram(machine: Machine, fault: MachineFault) -> str:
    """The stack overflow behind a fault: SP has left its RAM at the lower end. Empty where it has not."""
    if machine.snapshot is None:
        return ""
    pointer, top = machine.snapshot.registers["sp"], machine.contexts.stack.top
    home = next((m for m in machine.space.memories if m.writable and m.address < top <= m.address + m.size), None)
    if home is None or pointer > home.address + NEAR_BYTES:
        return ""
    region = f"{home.name}, 0x{home.address:08x}..0x{home.address + home.size:08x}"
    if pointer < home.address:
        return f"stack overflow: SP 0x{pointer:08x} is below RAM ({region})"
    accessed = pointer if fault.address is None else fault.address
    beside = fault.kind == "data_bus" and not home.address - NEAR_BYTES <= accessed < home.address
    if fault.kind not in STACK_FAULTS or beside:
        return ""
    return f"stack overflow: SP 0x{pointer:08x} cannot go down any further in RAM ({region})"


def _disassembly(machine: Machine, fault: MachineFault) -> str:
    """The instruction at the fault; empty where none was reached."""
    readable = machine.engine.find_buffer(fault.pc, 4) is not None
    return disassemble(machine, fault.pc) if readable and fault.kind not in NOT_REACHED else ""


def _backtrace(machine: Machine, fault: MachineFault, returns: Sequence[int]) -> tuple[Frame, ...]:
    """Frames from the fault outwards, repeated ones folded; behind a jump into nowhere stands the branch that made it."""
    branch = _origin(machine, fault)
    found = [(fault.pc, fault.pc)]
    found += [(branch, branch)] if branch is not None else []
    # a return address points behind the call
    found += [(address & ~1, (address & ~1) - 1) for address in returns if address < 1 << 32]
    folded = list(_folded(found))
    return tuple(_frame(machine, *row, times) for row, times in folded[:SHOWN_FRAMES])


def _frame(machine: Machine, address: int, inside: int, times: int) -> Frame:
    found, line = machine.program.symbol_at(inside), machine.program.line_at(inside)
    return Frame(
        address, found[0].name if found else "", address - found[0].address if found else 0, *(line or ("", 0)), times
    )


def _folded(rows: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Rows with how often they stand there: of a group that repeats (recursion), one turn with the number of turns."""
    start = 0
    while start < len(rows):
        period, times = max(
            ((period, _turns(rows, start, period)) for period in range(1, PERIOD_FRAMES + 1)),
            key=lambda found: (found[0] * found[1] if found[1] > 1 else 0, -found[0]),
        )
        yield from ((row, times) for row in rows[start : start + period])
        start += period * times


def _turns(rows: Sequence[tuple[int, int]], start: int, period: int) -> int:
    """How often the ``period`` rows at ``start`` stand there one after the other."""
    turn, count = rows[start : start + period], 1
    while rows[start + count * period : start + (count + 1) * period] == turn:
        count += 1
    return count


# --- stacks -----------------------------------------------------------------------------------------------------------
def overflows(machine: Machine) -> list[str]:
    """A sentence for each stack that grew out of its place into other data."""
    return [text for stack in machine.contexts.stacks if (text := _overflow(machine, stack))]


def _overflow(machine: Machine, stack: Stack) -> str:
    floor = _floor(machine, stack)
    if floor is None or stack.low >= floor:
        return ""
    victim = _data_at(machine, floor - 1)
    into = f", into {victim.name} (0x{victim.address:08x}..0x{victim.address + victim.size:08x})" if victim else ""
    return f"stack overflow: {stack.name} reached down to 0x{stack.low:08x}, below its place at 0x{floor:08x}{into}"


def _floor(machine: Machine, stack: Stack) -> int | None:
    """Lowest address that belongs to a stack: the start of the object that it lies in, else the end of the data below."""
    objects = [symbol for symbol in machine.program.symbols if symbol.kind == "object" and symbol.size]
    home = next((symbol for symbol in objects if symbol.address < stack.top <= symbol.address + symbol.size), None)
    if home is not None:
        return home.address
    region = next((m for m in machine.space.memories if m.writable and m.address < stack.top <= m.address + m.size), None)
    lowest = region.address if region is not None else 0
    ends = [symbol.address + symbol.size for symbol in objects]
    ends += [section.end for section in machine.program.sections if section.kind in ("data", "bss")]
    return max((end for end in ends if lowest < end <= stack.top), default=None)


def _data_at(machine: Machine, address: int) -> Symbol | Section | None:
    """The object, else the section, that holds ``address``."""
    found = machine.program.symbol_at(address)
    if found is not None and found[0].kind == "object" and found[0].size:
        return found[0]
    return machine.program.section_at(address)
