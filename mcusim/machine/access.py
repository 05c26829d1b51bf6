"""Accesses of the running instruction to registers: which instruction it is, at which cycle, and who serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcusim.machine import layout as L
from mcusim.machine.facts_native import UNKNOWN_REGION
from mcusim.machine.graph import Node

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

WIDE = 0xE800
"""First halfword from which on an instruction has two (Armv7-M ARM A5.1)."""
LOOK_IN_ACCESSES = 10_000
"""Accesses after which the run looks at its limits and tells its progress: they take about 0.1 s of the host."""


@dataclass(slots=True)
class Access:
    """A register access being served; ``cycle`` and ``place`` (instruction, transfer) are worked out when asked for."""

    address: int
    size: int
    write: bool
    cycle: int | None = None
    place: tuple[int, int] | None = None
    timed: bool = False
    """Whoever served it looked at the time."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A store on which the engine was asked to stop: node and (instruction, transfer), None in a bare run."""

    node: Node | None
    place: tuple[int, int] | None


class RegisterAccesses:
    """Serves register reads and writes that Unicorn routes to Python, with time exact at the accessing instruction.

    Unicorn tells the address but not the instruction. The block's facts tell which of its accesses go to registers, and these
    call back in program order.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.access: Access | None = None
        self.block: tuple[int, int] = (-1, -1)
        self.number = self.count = 0
        self.transfers: dict[int, list[tuple[int, int]]] = {}
        self.timed_owners: set[str] = set()
        """Peripherals that looked at the time as they were written: what they read as may follow from it."""

    def serve_read(self, read: Callable[[int, int], int], address: int, size: int) -> int:
        """A register read by the running instruction: events that are due come first."""
        self._begin(address, size, write=False)
        try:
            self._run_due_events()
            assert self.access is not None
            self.access.timed = False
            value = read(address, size)
            if self.access.timed or self._holds_time(address):
                self._note_counter(address)
            self._refuse_unmodelled(address)
            return value
        except BaseException as error:
            self._keep(error)
            return 0
        finally:
            self.access = None

    def serve_write(self, write: Callable[[int, int, int], None], address: int, size: int, value: int) -> None:
        """A register write by the running instruction."""
        self._begin(address, size, write=True)
        try:
            self._run_due_events()
            assert self.access is not None
            self.access.timed = False
            write(address, size, value)
            if self.access.timed:
                self.timed_owners.add(self.machine.space.owner_of(address))
            self._refuse_unmodelled(address)
        except BaseException as error:
            self._keep(error)
        finally:
            self.access = None

    def _holds_time(self, address: int) -> bool:
        """True for a register of a peripheral that may have kept what time it was."""
        return bool(self.timed_owners) and self.machine.space.owner_of(address) in self.timed_owners - {""}

    def _note_counter(self, address: int) -> None:
        """The value that was read depends on when it was."""
        node, number = self.accessing()
        place = node.record.block.instructions[number].address if node is not None else self.machine.pc
        self.machine.steering.note("counter", self.machine.space.register_name(address), place)

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
        return node.passage.boundaries[-1] + node.longest_stall if node is not None else 0

    def _keep(self, error: BaseException) -> None:
        if self.machine.recorder.error is None:
            self.machine.recorder.error = error
        self.machine.engine.stop()

    def accessing(self) -> tuple[Node | None, int]:
        """The running node and the index of the instruction that is accessing a register now."""
        node, access = self.machine.stops.running(), self.access
        if node is None or access is None:
            return None, 0
        if access.place is None:
            access.place = self._transfer(node, access)
            if access.place is not None and node.touches is not None:
                self.machine.recorder.memory.settle(node.pointer, access.place[0] + 1)
        return (None, 0) if access.place is None else (node, access.place[0])

    def _begin(self, address: int, size: int, write: bool) -> None:
        """Note an access and which one of its block it is."""
        state = self.machine.recorder.state
        block = (int(state[L.CYCLES] - state[L.MET_STALLS]), int(state[L.CURRENT]))
        self.number = self.number + 1 if block == self.block else 0
        self.block = block
        self.access = Access(address, size, write)
        self.count += 1
        if self.count % LOOK_IN_ACCESSES == 0:
            self.machine.look_in()

    def _transfer(self, node: Node, access: Access) -> tuple[int, int] | None:
        """Instruction and transfer of the access: register accesses of a block call back in program order, each once."""
        if node.index not in self.transfers:
            self.transfers[node.index] = self._register_transfers(node)
        instructions = node.record.block.instructions
        for number, transfer in self.transfers[node.index][self.number :]:
            memory = instructions[number].memory
            if memory is not None and memory.write == access.write:
                return number, transfer
        return None

    def _register_transfers(self, node: Node) -> list[tuple[int, int]]:
        """(instruction, transfer) of all accesses of the block that its facts place outside memory, in order."""
        transfers = []
        for slot, value in zip(node.record.program.slots, node.classes, strict=True):
            if slot.op == L.OP_ACCESS and value and self._is_register((value - 1) // 8):
                transfers += [(slot.instruction, transfer) for transfer in range(slot.transfers)]
        return transfers

    def _is_register(self, region: int) -> bool:
        return region == UNKNOWN_REGION or self.machine.space.is_register(region)

    def offset(self) -> int:
        """Cycles from block entry to the data phase (last cycle) of the instruction that is accessing a register now."""
        node, number = self.accessing()
        return max(node.passage.boundaries[number] - 1, 0) if node is not None else 0

    def remaining_cycles(self) -> int:
        """Cycles from now to the end of the running block, at most."""
        node, number = self.accessing()
        if node is None:
            return 0
        return node.passage.boundaries[-1] - node.passage.boundaries[number] + node.longest_stall

    def place(self) -> Unfinished:
        """The store being served."""
        node, _ = self.accessing()
        access = self.access
        return Unfinished(node, access.place if access is not None else None)

    def can_stop(self) -> bool:
        """True when the run can stop behind the store being served: not inside an IT block, whose state would be lost."""
        if self.access is None or not self.access.write:
            return False
        if self.machine.options.bare:
            return True
        node, number = self.accessing()
        return node is not None and not node.record.block.instructions[number].in_it

    def complete(self, unfinished: Unfinished, pc: int) -> int:
        """Finish the store behind whose first register the engine stopped: further transfers and base update; next address.

        Unicorn stops on a store whose callback asks for it, with that transfer done and the rest of the instruction undone.
        """
        node, place = unfinished.node, unfinished.place
        if node is None or place is None:  # a bare run decodes nothing; its programs store with STR or STR.W
            return pc + (4 if int.from_bytes(self.machine.engine.read(pc, 2), "little") >= WIDE else 2)
        instruction, transfer = node.record.block.instructions[place[0]], place[1]
        memory, registers = instruction.memory, self.machine.engine.registers
        assert memory is not None
        if transfer + 1 < memory.count and memory.registers:
            first = (int(registers[memory.base]) + memory.offset) & 0xFFFFFFFF
            for later in range(transfer + 1, memory.count):
                data = int(registers[memory.registers[later]]).to_bytes(4, "little")[: memory.size]
                self.machine.write_memory(first + later * memory.size, data)
        if memory.writeback:
            registers[memory.base] = (int(registers[memory.base]) + memory.writeback) & 0xFFFFFFFF
        return instruction.end
