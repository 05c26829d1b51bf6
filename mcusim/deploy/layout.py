"""From a board file to what a build for the board needs: memory layout, sources, defines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kernels_c.toolchain import MAIN, Bank, Layout
from mcusim.boards import Board, MemoryRegion
from mcusim.boards.board import Firmware
from mcusim.deploy.buffers import Memory
from mcusim.errors import BoardError

END = "board/end.c"
CONSOLE = ("src/uart_text.c",)
GENERIC_CONSOLE = (*CONSOLE, "src/uart_semihosting.c")
WORD_RAM = ("ram", "tcm")
"""Kinds of memory that data and code can be put into."""


@dataclass(frozen=True)
class Support:
    """What ``Compiler.compile`` gets for a board: ``core``, ``fpu``, ``layout``, ``console``, ``defines``, and ``sources``
    besides those of the program.
    """

    core: str
    fpu: str
    layout: Layout
    sources: tuple[str, ...] = ()
    console: tuple[str, ...] = GENERIC_CONSOLE
    defines: Mapping[str, object] = field(default_factory=dict)


def support_of(
    board: Board, *, flash: str = "", ram: Sequence[str] = (), stack: str = "", stack_bytes: int = Layout.stack_bytes
) -> Support:
    """What a build for ``board`` needs; the arguments choose other memories than its file does, see ``layout_of``.

    An ideal board has no clock to set up and prints by semihosting.
    """
    layout = layout_of(board, flash=flash, ram=ram, stack=stack, stack_bytes=stack_bytes)
    firmware = board.firmware
    if firmware is None:
        return Support(board.core, board.fpu, layout)
    sources = (*(f"board/{name}" for name in firmware.sources), END)
    return Support(board.core, board.fpu, layout, sources, CONSOLE, defines_of(board))


def layout_of(
    board: Board, *, flash: str = "", ram: Sequence[str] = (), stack: str = "", stack_bytes: int = Layout.stack_bytes
) -> Layout:
    """Where firmware lies on ``board``: memories as its file's table ``[firmware]`` says, or by name as given.

    ``ram`` are the memories of .data, .bss and heap, which must touch; all others are banks. Raises BoardError for a memory
    that is not there, and for a board without the table, unless it is ideal.
    """
    firmware = board.firmware
    if firmware is None:
        if board.ideal:
            return Layout(stack_bytes=stack_bytes)
        raise BoardError(f"board {board.name}: no table [firmware] says how to build for it")
    memories = {region.name: region for region in board.memories}
    names = tuple(ram) or firmware.ram
    code = _memory(board, memories, flash or firmware.flash)
    origin, size = _joined(board, [_memory(board, memories, name) for name in names], firmware.sizes)
    banks = tuple(_bank(region, firmware.sizes) for region in board.memories if _is_bank(region, names, firmware))
    return Layout(
        code.address, _size(code, firmware.sizes), origin, size, stack_bytes, banks,
        _stack(board, stack or firmware.stack, names, banks), firmware.vectors_offset, tuple(firmware.headers.items()),
        tables=True,
    )  # fmt: skip


def defines_of(board: Board) -> dict[str, object]:
    """C macros of the board's sources: those of its file, and clock, crystal and serial port as it says elsewhere."""
    assert board.firmware is not None
    serial = next((spec for spec in board.peripherals if spec.name == board.serial), None)
    found: dict[str, object] = {"BOARD_START": 1, "BOARD_HERTZ": board.rated_hertz}
    crystal = crystal_of(board)
    if crystal:
        found["BOARD_CRYSTAL_HERTZ"] = crystal
    if serial is not None:
        found["BOARD_SERIAL"] = f"{serial.address:#010x}"
    return found | {name: _literal(name, value) for name, value in board.firmware.defines.items()}


def _literal(name: str, value: int | str) -> int | str:
    """Addresses and bit patterns are easier to read in hexadecimal."""
    return f"{value:#x}" if isinstance(value, int) and value > 0xFFFF and not name.endswith("HERTZ") else value


CRYSTALS = ("hse", "xosc")
"""What board files call the crystal oscillator: a clock of the clock peripheral, or a peripheral."""


def crystal_of(board: Board) -> int:
    """Frequency of the board's crystal, or of the clock fed in there, in hertz; 0 where it has none or nothing is said."""
    for spec in board.peripherals:
        if spec.name in CRYSTALS:
            return int(spec.parameters.get("hertz", 0))
        clocks = spec.parameters.get("clocks", {}) if spec.name == board.clock_peripheral else {}
        for name in CRYSTALS:
            if name in clocks:
                return int(clocks[name].get("hertz", 0))
    return 0


def _memory(board: Board, memories: Mapping[str, MemoryRegion], name: str) -> MemoryRegion:
    if name not in memories:
        raise BoardError(f"board {board.name} has no memory {name!r}; it has: {', '.join(memories)}")
    return memories[name]


def _size(region: MemoryRegion, sizes: Mapping[str, int]) -> int:
    return min(region.size, sizes.get(region.name, region.size))


def _joined(board: Board, regions: Sequence[MemoryRegion], sizes: Mapping[str, int]) -> tuple[int, int]:
    """Address and bytes of memories that follow one another, at one of their addresses each."""
    first = regions[0]
    end = first.address + _size(first, sizes)
    for region in regions[1:]:
        if end not in (region.address, *region.aliases):
            text = f"memory {region.name} does not begin at {end:#010x}, where the one before ends"
            raise BoardError(f"board {board.name}: {text}")
        end += _size(region, sizes)
    return first.address, end - first.address


def _is_bank(region: MemoryRegion, main: Sequence[str], firmware: Firmware) -> bool:
    usable = region.kind in WORD_RAM and region.writable and not region.alias_of
    return usable and region.name not in main and _size(region, firmware.sizes) > 0


def arena_memories(
    board: Board, layout: Layout, names: Sequence[str] = (), alone: Collection[str] = ()
) -> tuple[Memory, ...]:
    """Memories of the arena in the order in which they are filled, in bytes, less the reserve of the stack.

    Without ``names``: the main RAM, then the banks in the order of the board's file, those that touch as one; what lies beside
    the core as its memory of code comes last.
    """
    banks = joined_banks(board, layout, alone)
    of_code = {region.name for region in board.memories if region.bus == "itcm"}
    chosen = names or (MAIN, *sorted((bank.name for bank in banks), key=lambda name: name in of_code))
    sizes = {MAIN: layout.ram_bytes} | {bank.name: bank.bytes for bank in (*layout.banks, *banks)}
    sizes[layout.stack] -= layout.stack_bytes
    return tuple(Memory(name, sizes[name], number) for number, name in enumerate(chosen))


def with_joined(board: Board, layout: Layout, names: Iterable[str], alone: Collection[str] = ()) -> Layout:
    """A layout with those of the board's joined banks that are among ``names``."""
    there, wanted = {bank.name for bank in layout.banks}, set(names)
    joined = (bank for bank in joined_banks(board, layout, alone) if bank.name in wanted - there)
    return replace(layout, banks=(*layout.banks, *joined))


def joined_banks(board: Board, layout: Layout, alone: Collection[str] = ()) -> tuple[Bank, ...]:
    """Banks that touch, in the order of the board's file, as one memory each, named after all of them (``"sram2_sram3"``).

    Banks touch where one has an address at which it follows the other. Those of ``alone``, and that of the stack, stay by
    themselves.
    """
    apart = {layout.stack, *alone}
    regions = {region.name: region for region in board.memories}
    groups: list[list[MemoryRegion]] = []
    banks = [bank for bank in layout.banks if bank.name in regions]
    sizes = {bank.name: bank.bytes for bank in banks}
    for bank in banks:
        region = regions[bank.name]
        if groups and not apart & {bank.name, groups[-1][-1].name} and _touch([*groups[-1], region], sizes) is not None:
            groups[-1].append(region)
        else:
            groups.append([region])
    return tuple(_group(group, sizes) for group in groups)


def _group(regions: Sequence[MemoryRegion], sizes: Mapping[str, int]) -> Bank:
    start = regions[0].address if len(regions) == 1 else _touch(regions, sizes)
    assert start is not None
    return Bank("_".join(region.name for region in regions), start, sum(sizes[region.name] for region in regions))


def _touch(regions: Sequence[MemoryRegion], sizes: Mapping[str, int]) -> int | None:
    """Where memories begin if they follow one another, at one of their addresses each; None where they do not."""
    for start in (regions[0].address, *regions[0].aliases):
        end = start
        for region in regions:
            if end not in (region.address, *region.aliases):
                break
            end += sizes[region.name]
        else:
            return start
    return None


def _bank(region: MemoryRegion, sizes: Mapping[str, int]) -> Bank:
    return Bank(region.name, region.address, _size(region, sizes))


def _stack(board: Board, name: str, main: Sequence[str], banks: Sequence[Bank]) -> str:
    if name in main:
        return MAIN
    if name not in {bank.name for bank in banks}:
        allowed = ", ".join((*main, *(bank.name for bank in banks)))
        raise BoardError(f"board {board.name}: no stack in {name!r}; allowed are {allowed}")
    return name
