"""Accesses of the running instruction to registers: which instruction it is, at which cycle, and who serves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcusim.isa.instruction import Instruction
from mcusim.machine.recorder import Node

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine


class RegisterAccesses:
    """Serves register reads and writes that Unicorn routes to Python, with time exact at the accessing instruction.

    Unicorn tells the address but not the instruction; the instruction is the next one of the running block whose operand
    meets the address with the registers as they are.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.access: tuple[int, int, bool] | None = None
        self.access_cycle: int | None = None
        self.access_place: tuple[Node | None, int] | None = None
        self.accessed: tuple[int, int] = (-1, -1)

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
        if not self.machine.options.strict:
            return
        tables = [self.machine.control.unmodelled, *(peripheral.unmodelled for peripheral in self.machine.peripherals.values())]
        if any(tables):
            node, number = self.accessing()
            where = f" at 0x{node.record.block.instructions[number].address:08x}" if node is not None else ""
            self.machine.end("unmodelled", text=f"register 0x{address:08x} is not modelled (accessed{where})")

    def _run_due_events(self) -> None:
        due = self.machine.agenda.next_cycle()
        if due is not None and due <= self.machine.recorder.cycles + self._longest_here():
            self.machine.agenda.run_due(self.machine.now())

    def _longest_here(self) -> int:
        node = self.machine.stops.partial or self.machine.recorder.current
        return node.passage.boundaries[-1] if node is not None else 0

    def _keep(self, error: BaseException) -> None:
        if self.machine.recorder.error is None:
            self.machine.recorder.error = error
        self.machine.engine.stop()

    def accessing(self) -> tuple[Node | None, int]:
        """The running node and the index of the instruction that is accessing a register now."""
        if self.access_place is None:
            self.access_place = self._find_access()
        return self.access_place

    def _find_access(self) -> tuple[Node | None, int]:
        node = self.machine.stops.running()
        if node is None or self.access is None:
            return None, 0
        key = hash((self.machine.recorder.cycles, node.index))
        instructions = node.record.block.instructions
        first = self.accessed[1] if self.accessed[0] == key else 0
        for number in range(first, len(instructions)):
            if self._touches(instructions[number], *self.access):
                again = instructions[number].memory.count > 1  # type: ignore[union-attr]
                self.accessed = (key, number if again else number + 1)
                return node, number
        return None, 0

    def offset(self) -> int:
        """Cycles from block entry to the data phase (last cycle) of the instruction that is accessing a register now."""
        node, number = self.accessing()
        return max(node.passage.boundaries[number] - 1, 0) if node is not None else 0

    def _touches(self, instruction: Instruction, address: int, size: int, write: bool) -> bool:
        memory = instruction.memory
        if memory is None or memory.write != write:
            return False
        registers = self.machine.engine.registers
        base = (instruction.address + 4) & ~3 if memory.base == 15 else int(registers[memory.base])
        if memory.index >= 0:
            index = int(registers[memory.index]) << memory.shift
            base += -index if memory.subtract else index
        first = (base + memory.offset) & 0xFFFFFFFF
        return first <= address < first + memory.size * memory.count

    def stops_after_store(self) -> bool:
        """True when the store being served makes an exception due that must be taken right behind it.

        Unicorn stops on a store whose callback asks for it, with the store done but not its base update.
        """
        if self.machine.due_exception() is None:
            return False
        node, number = self.accessing()
        if node is None:
            return False
        instruction = node.record.block.instructions[number]
        memory = instruction.memory
        return memory is not None and memory.count == 1 and not memory.writeback and not instruction.in_it
