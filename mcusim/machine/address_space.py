"""What lies where: memories of the board (or of an ideal board, cut to the program), peripherals, and the program's bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from mcusim.boards.board import OTHER_REGIONS, Board, MemoryRegion, PeripheralSpec
from mcusim.errors import ProgramError
from mcusim.machine import system_control as C
from mcusim.machine.boot import find_start
from mcusim.machine.engine import PAGE, Engine
from mcusim.machine.memory_attributes import AttributeMap
from mcusim.machine.memory_timing import lanes_of, memory_timing
from mcusim.machine.peripheral import Peripheral
from mcusim.machine.peripherals import create
from mcusim.machine.what_if import Move, WhatIf
from mcusim.pricing.passage import MemoryTiming, RegionTiming
from mcusim.program import Program

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

DEFAULT_RAM = (0x20000000, 1 << 20)
RAM_WINDOW = (0x20000000, 0x40000000)
PERIPHERALS, PERIPHERALS_END = 0x40000000, 0x60000000
BIT_BAND_RAM, BIT_BAND_PERIPHERAL, BIT_BAND_SIZE = 0x22000000, 0x42000000, 0x02000000
STACK_ROOM = 1 << 20
IO_PORT, REGISTERS, SYSTEM, OTHER = OTHER_REGIONS
OTHERS = (
    RegionTiming(IO_PORT, single_cycle_io=True), RegionTiming(REGISTERS), RegionTiming(SYSTEM), RegionTiming(OTHER),
)  # fmt: skip
"""Behind the memories, in the order of ``AddressSpace.names``."""


def ideal_memories(program: Program) -> tuple[MemoryRegion, ...]:
    """Memories of an ideal board for ``program``: its segments, RAM up to the initial SP, else 1 MiB at 0x20000000."""
    ranges = [(s.address, s.address + max(len(s.data), 1)) for s in program.segments]
    ranges += [(s.virtual_address, s.virtual_address + max(s.memory_size, 1)) for s in program.segments]
    ram = [span for span in ranges if RAM_WINDOW[0] <= span[0] < RAM_WINDOW[1]]
    code = [span for span in ranges if not RAM_WINDOW[0] <= span[0] < RAM_WINDOW[1]]
    low, high = min((s for s, _ in ram), default=DEFAULT_RAM[0]), max((e for _, e in ram), default=DEFAULT_RAM[0])
    top = program.stack_pointer or 0
    if RAM_WINDOW[0] < top <= low + 64 * STACK_ROOM and top > low:
        low, high = min(low, low & ~0xFFFFF), max(high, top)
    else:
        high = max(high, low + DEFAULT_RAM[1])
    flash = [
        MemoryRegion(f"flash{number or ''}", start, end - start, "flash", writable=False)
        for number, (start, end) in enumerate(_merge(code))
    ]
    return (*flash, MemoryRegion("ram", low & ~(PAGE - 1), _round(high) - (low & ~(PAGE - 1)), "ram"))


def _round(value: int) -> int:
    return -(-value // PAGE) * PAGE


def _merge(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Page-aligned ranges, joined where they meet."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted((start & ~(PAGE - 1), _round(end)) for start, end in ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


class BitBandWindow:
    """The bit-band alias of the peripherals, as a window among theirs: word ``offset / 4`` is bit ``offset / 4``."""

    def __init__(self, read: Callable[[int, int], int], write: Callable[[int, int, int], None]) -> None:
        self.read, self.write = read, write


class AddressSpace:
    """Memories mapped into the engine, with the program loaded."""

    def __init__(self, engine: Engine, program: Program, board: Board) -> None:
        self.engine, self.program, self.board = engine, program, board
        self.memories = ideal_memories(program) if board.ideal else board.memories
        self.views: dict[str, np.ndarray] = {}
        self.windows: list[tuple[int, int, Peripheral | BitBandWindow]] = []
        self.pages: dict[int, list[tuple[int, int, Peripheral | BitBandWindow]]] = {}
        for memory in self.memories:
            places = memory.address, *memory.aliases
            if memory.alias_of:
                shown = self.views[memory.alias_of][: memory.size]
                self.views[memory.name] = engine.map_alias(places, shown, memory.writable)
                continue
            self.views[memory.name] = engine.map_memory(places, memory.size, memory.writable)
            if memory.kind in ("flash", "external") and not board.ideal:
                self.views[memory.name][:] = 0xFF
        self.names = [memory.name for memory in self.memories] + [IO_PORT, REGISTERS, SYSTEM, OTHER]
        self.attributes = AttributeMap(self.memories, board.parameters.get("buses", ()), len(self.names))
        self.boot = None if board.ideal else find_start(program, board)
        self._load()
        self.boot_vector_table = self._boot_table()
        self._check_start()

    # --- loading --------------------------------------------------------------------------------------------------------
    def _load(self) -> None:
        for segment in self.program.segments:
            if not segment.data:
                continue
            found = self.engine.find_buffer(segment.address, len(segment.data))
            if found is None:
                raise ProgramError(self._too_large(segment.address, len(segment.data)))
            view, offset = found
            view[offset : offset + len(segment.data)] = np.frombuffer(segment.data, dtype=np.uint8)
        for address, data in self.boot.contents if self.boot else ():
            self.engine.write(address, data)

    def _too_large(self, address: int, size: int) -> str:
        return (
            f"{self.program.path}: segment 0x{address:08x}..0x{address + size:08x} ({size:,} bytes) does not fit "
            f"board {self.board.name}; its memories: {self._places()}"
        )

    def _check_start(self) -> None:
        """Refuse an image whose first stack pointer or instruction lies outside this board's memories."""
        stack, entry = self.reset_vector(self.boot_vector_table)
        if not self.is_writable((stack & ~3) - 1):
            raise ProgramError(self._elsewhere(f"initial stack pointer 0x{stack:08x} lies in no RAM"))
        if self.engine.find_buffer(entry & ~1, 2) is None:
            raise ProgramError(self._elsewhere(f"entry 0x{entry & ~1:08x} lies in no memory"))

    def _elsewhere(self, met: str) -> str:
        return (
            f"{self.program.path}: {met} of board {self.board.name}; its memories: {self._places()}. "
            "Is the image built for another board, or loaded at another address?"
        )

    def _places(self) -> str:
        return ", ".join(f"{m.name} 0x{m.address:08x}..0x{m.address + m.size:08x}" for m in self.memories)

    def _boot_table(self) -> int:
        if self.boot is not None:
            return self.boot.vector_table
        if self.program.vector_table is not None:
            return self.program.vector_table.address
        return self.board.vector_table or 0

    def reset_vector(self, table: int) -> tuple[int, int]:
        """Initial SP and reset vector."""
        if self.boot is not None and table == self.boot.vector_table:
            return self.boot.stack_pointer, self.boot.entry
        if self.program.vector_table is None:
            return self.program.stack_pointer or self._ram_end(), self.program.entry | 1
        data = self.engine.read(table, 8)
        return int.from_bytes(data[:4], "little"), int.from_bytes(data[4:], "little")

    def _ram_end(self) -> int:
        ram = [memory for memory in self.memories if memory.kind in ("ram", "tcm")]
        return max((memory.address + memory.size for memory in ram), default=0)

    # --- peripherals ------------------------------------------------------------------------------------------------------
    def map_peripherals(self, machine: Machine) -> None:
        """Map the register space and create the board's peripheral models."""
        self._map_io(machine, C.START, C.SIZE, *self._system_space(machine))
        if self.board.ideal:
            if self.board.bit_band:
                self._map_bit_band(machine)
            return
        spaces = [(PERIPHERALS, PERIPHERALS_END - PERIPHERALS)]
        for spec in self.board.peripherals:
            machine.peripherals[spec.name] = create(machine, spec)
            self.windows.append((spec.address, spec.address + spec.size, machine.peripherals[spec.name]))
            for alias in spec.aliases:
                self.windows.append((alias, alias + spec.size, machine.peripherals[spec.name]))
            spaces += self._space_outside(spec)
        self.bank = machine.peripherals.setdefault("unmodelled", self._catch_all(machine))
        for start, size in _merge([(start, start + size) for start, size in spaces]):
            self._map_io(machine, start, size - start, self.read_register, self.write_register)
        if self.board.bit_band:
            self._map_bit_band(machine)

    def _system_space(self, machine: Machine):
        """Reads and writes of the system space: the core's own registers, and what a chip puts there (DBGMCU)."""

        def owner(address: int) -> tuple[Peripheral | BitBandWindow, int] | None:
            return next(((p, address - start) for start, end, p in self.windows if start <= address < end), None)

        def read(address: int, size: int) -> int:
            found = owner(address)
            return found[0].read(found[1], size) if found else machine.control.read(address, size)

        def write(address: int, size: int, value: int) -> None:
            found = owner(address)
            if found:
                found[0].write(found[1], size, value)
            else:
                machine.control.write(address, size, value)

        return read, write

    def _catch_all(self, machine: Machine) -> Peripheral:
        spec = PeripheralSpec("unmodelled", "unmodelled", PERIPHERALS, PERIPHERALS_END - PERIPHERALS)
        return create(machine, spec)

    @staticmethod
    def _space_outside(spec: PeripheralSpec) -> list[tuple[int, int]]:
        spaces = ((PERIPHERALS, PERIPHERALS_END), (C.START, C.START + C.SIZE))
        inside = any(start <= spec.address and spec.address + spec.size <= end for start, end in spaces)
        return [] if inside else [(spec.address & ~(PAGE - 1), _round(spec.size))]

    def _map_io(self, machine: Machine, start: int, size: int, read, write) -> None:
        for memory in self.memories:
            if memory.address < start + size and start < memory.address + memory.size:
                raise ProgramError(
                    f"{self.program.path}: 0x{memory.address:08x}..0x{memory.address + memory.size:08x} holds the program's "
                    f"{memory.name}, where core {machine.core.name} has registers or bit-band aliases "
                    f"(0x{start:08x}..0x{start + size:08x})"
                )
        self.engine.map_io(
            start, size,
            lambda address, width: machine.accesses.serve_read(read, address, width),
            lambda address, width, value: machine.accesses.serve_write(write, address, width, value),
        )  # fmt: skip

    def find_peripheral(self, address: int) -> tuple[Peripheral | BitBandWindow, int]:
        """The model that owns ``address`` and the offset into it; the catch-all bank where none does."""
        page = address & ~0xFF
        for start, end, peripheral in self.pages.get(page) or self._windows_of(page):
            if start <= address < end:
                return peripheral, address - start
        return self.bank, address - PERIPHERALS

    def _windows_of(self, page: int) -> list[tuple[int, int, Peripheral | BitBandWindow]]:
        """Windows that meet the 256 bytes at ``page``; kept, so that a polled register is found at once."""
        self.pages[page] = [window for window in self.windows if window[0] < page + 0x100 and page < window[1]]
        return self.pages[page]

    def owner_of(self, address: int) -> str:
        """Name of the peripheral that has the register at ``address``; empty for the core's own, which note time themselves."""
        if C.START <= address < C.START + C.SIZE or self.board.ideal:
            return ""
        spec = getattr(self.find_peripheral(address)[0], "spec", None)
        return str(spec.name) if spec is not None else ""

    def register_name(self, address: int) -> str:
        """What people call the register at ``address``: peripheral and offset, or the name of CMSIS."""
        if C.START <= address < C.START + C.SIZE:
            return C.COUNTER_NAMES.get(address - C.START & ~3, f"the register 0x{address:08x}")
        if self.board.ideal:
            return f"the register 0x{address:08x}"
        peripheral, offset = self.find_peripheral(address)
        spec = getattr(peripheral, "spec", None)
        return f"{spec.name}+0x{offset & ~3:02x}" if spec is not None else f"the register 0x{address:08x}"

    def read_register(self, address: int, size: int) -> int:
        """A bus read of a peripheral register."""
        peripheral, offset = self.find_peripheral(address)
        return peripheral.read(offset, size) & ((1 << (8 * size)) - 1)

    def write_register(self, address: int, size: int, value: int) -> None:
        """A bus write of a peripheral register."""
        peripheral, offset = self.find_peripheral(address)
        peripheral.write(offset, size, value)

    def bus_read(self, address: int, size: int) -> bytes:
        """As a bus master reads: memory, else registers word by word."""
        if self.engine.find_buffer(address, size) is not None or not self._is_register(address):
            return self.engine.read(address, size)
        return self.read_register(address, min(size, 4)).to_bytes(min(size, 4), "little")

    def bus_write(self, address: int, data: bytes) -> None:
        """As a bus master writes: RAM, else a register; nothing anywhere else."""
        if self.is_writable(address):
            self.engine.write(address, data)
        elif self._is_register(address):
            self.write_register(address, min(len(data), 4), int.from_bytes(data[:4], "little"))

    def _is_register(self, address: int) -> bool:
        return not self.board.ideal and PERIPHERALS <= address < PERIPHERALS_END

    # --- bit-banding --------------------------------------------------------------------------------------------------------
    def _map_bit_band(self, machine: Machine) -> None:
        for alias, target in ((BIT_BAND_RAM, 0x20000000), (BIT_BAND_PERIPHERAL, 0x40000000)):
            if alias == BIT_BAND_PERIPHERAL and not self.board.ideal:  # lies inside the register space
                window = BitBandWindow(*self._bit_band(0, target))
                self.windows.append((alias, alias + BIT_BAND_SIZE, window))
                continue
            self._map_io(machine, alias, BIT_BAND_SIZE, *self._bit_band(alias, target))

    def _bit_band(self, alias: int, target: int):
        def place(address: int) -> tuple[int, int]:
            bit = (address - alias) // 4
            return target + bit // 8, bit % 8

        def read(address: int, size: int) -> int:
            byte, bit = place(address)
            return self.bus_read(byte, 1)[0] >> bit & 1

        def write(address: int, size: int, value: int) -> None:
            byte, bit = place(address)
            before = self.bus_read(byte, 1)[0]
            self.bus_write(byte, bytes(((before & ~(1 << bit)) | (value & 1) << bit,)))

        return read, write

    # --- what pricing and the report ask --------------------------------------------------------------------------------------
    def use_attributes(self, control: C.SystemControl) -> bool:
        """Cut the memories by the attributes that the MPU gives them; True if that changed anything."""
        changed = self.attributes.update(control.protected_regions(), control.cache_control)
        others = len(self.memories) + len(OTHERS)
        self.names[others:] = [memory.name for memory, _ in self.attributes.variants()]
        return changed

    def is_register(self, region: int) -> bool:
        """True for the index of a region that is no memory."""
        return len(self.memories) <= region < len(self.memories) + len(OTHERS)

    def is_writable(self, address: int) -> bool:
        """True in RAM."""
        return any(
            start <= address < start + memory.size
            for memory in self.memories
            if memory.writable
            for start in (memory.address, *memory.aliases)
        )

    def region_table(self, what_if: WhatIf) -> list[tuple[int, int, int, int]]:
        """Rows of start, end, host pointer, index into ``names``."""
        rows = [self._moved(move) for move in what_if.moves]
        rows += [
            (piece.start, piece.end, self._host(piece.memory) + piece.offset, piece.region) for piece in self.attributes.pieces
        ]
        for index, memory in enumerate(self.memories):
            for start in (memory.address, *memory.aliases):
                rows.append((start, start + memory.size, self._host(index), index))
        count = len(self.memories)
        port = self.board.parameters.get("single_cycle_io")
        if port:
            rows.append((port[0], port[0] + port[1], 0, count))
        rows.append((PERIPHERALS, PERIPHERALS_END, 0, count + 1))
        rows.append((C.START, C.START + C.SIZE, 0, count + 2))
        rows.append((0, 1 << 32, 0, count + 3))
        return rows

    def _moved(self, move: Move) -> tuple[int, int, int, int]:
        """The row of a range that is assumed to lie in another memory."""
        found = self.engine.find_buffer(move.start, move.end - move.start)
        assert found is not None
        view, offset = found
        return move.start, move.end, view.ctypes.data + offset, self.names.index(move.region)

    def _host(self, memory: int) -> int:
        return int(self.views[self.memories[memory].name].ctypes.data)

    def refusing(self) -> list[int]:
        """Regions whose stores fault: read-only memories that no controller programs, and where nothing is."""
        programmed = self.programmed()
        elsewhere = len(self.memories) + len(OTHERS) - 1
        return [elsewhere, *(i for i, m in self._numbered() if not m.writable and i not in programmed)]

    def programmed(self) -> list[int]:
        """Regions whose stores go to a controller."""
        return [i for i, m in self._numbered() if m.controller and not m.writable and not self.board.ideal]

    def _numbered(self) -> list[tuple[int, MemoryRegion]]:
        """Memories and their variants, each with the index of its region."""
        variants = (memory for memory, _ in self.attributes.variants())
        return [*enumerate(self.memories), *enumerate(variants, len(self.memories) + len(OTHERS))]

    def timing(self, machine: Machine, what_if: WhatIf) -> MemoryTiming:
        """Timing of each region with the wait states that the firmware has programmed, or that are assumed."""
        return memory_timing(tuple(self.memories), machine, OTHERS, what_if, self.attributes.variants())

    def lanes(self, machine: Machine, what_if: WhatIf) -> tuple[MemoryTiming, ...]:
        """``timing`` with 0, 1, ... wait states."""
        return lanes_of(tuple(self.memories), machine, OTHERS, what_if, self.attributes.variants())
