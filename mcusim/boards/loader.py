"""Board files read and checked: TOML in, ``Board`` out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from mcusim.boards import files, sources
from mcusim.boards.board import OTHER_REGIONS, Board, Firmware, MemoryRegion, PeripheralSpec
from mcusim.boards.core_timing import timing_table
from mcusim.boards.energy_table import FETCH, READ, WRITE, energy_table
from mcusim.boards.fields import (
    Field,
    Place,
    address,
    anything,
    choice,
    define,
    difference,
    flag,
    list_of,
    map_of,
    quantity,
    read_table,
    text,
)

CORES = ("m0", "m0plus", "m3", "m4", "m7", "m33")
KINDS = ("flash", "ram", "tcm", "rom", "external")
FPUS = ("", "single", "double")

MEMORY = {
    "address": Field(address, required=True),
    "size": Field(quantity, required=True),
    "kind": Field(choice(*KINDS), required=True),
    "aliases": Field(list_of(address)),
    "alias_of": Field(text),
    "controller": Field(text),
    "slave": Field(quantity),
    "bus": Field(text),
    "clock": Field(text),
    "cache": Field(text),
    "opening_cycles": Field(quantity),
    "extra_wait_states": Field(difference),
    "writable": Field(flag),
    "executable": Field(flag),
    "source": Field(text),
}

PERIPHERAL = {
    "model": Field(text, required=True),
    "address": Field(address, required=True),
    "size": Field(quantity),
    "aliases": Field(list_of(address)),
    "interrupts": Field(map_of(quantity)),
    "parameters": Field(map_of(anything)),
}

FIRMWARE = {
    "sources": Field(list_of(text), required=True),
    "flash": Field(text, required=True),
    "ram": Field(list_of(text), required=True),
    "stack": Field(text, required=True),
    "defines": Field(map_of(define)),
    "sizes": Field(map_of(quantity)),
    "headers": Field(map_of(quantity)),
    "vectors_offset": Field(quantity),
}

BOARD = {
    "name": Field(text),
    "core": Field(choice(*CORES), required=True),
    "description": Field(text),
    "mcu": Field(text),
    "clock_hertz": Field(quantity),
    "rated_hertz": Field(quantity),
    "clock_peripheral": Field(text),
    "fpu": Field(choice(*FPUS)),
    "memories": Field(map_of(lambda value, place: read_table(value, MEMORY, place))),
    "peripherals": Field(map_of(lambda value, place: read_table(value, PERIPHERAL, place))),
    "vector_table": Field(address),
    "serial": Field(text),
    "interrupt_count": Field(quantity),
    "priority_bits": Field(quantity),
    "bit_band": Field(flag),
    "systick_reference_hertz": Field(quantity),
    "parameters": Field(map_of(anything)),
    "documents": Field(list_of(text)),
    "sources": Field(sources.sentences),
    "ideal": Field(flag),
    "firmware": Field(lambda value, place: Firmware(**read_table(value, FIRMWARE, place))),
    "energy": Field(energy_table),
    "timing": Field(timing_table),
}


def load(name_or_path: str | Path) -> Board:
    """The board of that name, or of the TOML file at that path.

    Raises BoardError, with file and key, for anything that is not understood.
    """
    file = files.find(name_or_path)
    place = Place(file)
    layers = files.read_layers(file)
    values = read_table(files.merge_layers(layers), BOARD, place)
    sources.check(layers)
    values.pop(sources.TABLE, None)
    board = Board(**{"name": file.stem, **values, **_parts(values)})
    _check(board, place)
    return board


def _parts(values: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    memories = tuple(MemoryRegion(name=name, **fields) for name, fields in values.get("memories", {}).items())
    peripherals = tuple(PeripheralSpec(name=name, **fields) for name, fields in values.get("peripherals", {}).items())
    return {"memories": memories, "peripherals": peripherals}


def _check(board: Board, place: Place) -> None:
    _check_names(board, place)
    _check_interrupts(board, place)
    _check_overlap(board, place)
    if not 2 <= board.priority_bits <= 8:
        raise place.below("priority_bits").error(f"{board.priority_bits} is not allowed; allowed are 2 to 8")
    if not board.clock_hertz:
        raise place.below("clock_hertz").error("a clock of 0 Hz is not allowed")


def _check_names(board: Board, place: Place) -> None:
    peripherals = {spec.name for spec in board.peripherals}
    regions = {region.name for region in board.memories}
    wanted = [("serial", board.serial, peripherals), ("clock_peripheral", board.clock_peripheral, peripherals)]
    for region in board.memories:
        wanted.append((f"memories.{region.name}.controller", region.controller, peripherals))
        wanted.append((f"memories.{region.name}.cache", region.cache, peripherals))
        wanted.append((f"memories.{region.name}.alias_of", region.alias_of, regions - {region.name}))
    wanted += _firmware_names(board, regions) + _energy_names(board, regions)
    for key, name, allowed in wanted:
        if name and name not in allowed:
            raise place.below(key).error(f"'{name}' is unknown; allowed are {', '.join(sorted(allowed))}")


def _firmware_names(board: Board, regions: set[str]) -> list[tuple[str, str, set[str]]]:
    firmware = board.firmware
    if firmware is None:
        return []
    named = {"flash": (firmware.flash,), "ram": firmware.ram, "stack": (firmware.stack,), "sizes": tuple(firmware.sizes)}
    return [(f"firmware.{key}", name, regions) for key, names in named.items() for name in names]


def _energy_names(board: Board, regions: set[str]) -> list[tuple[str, str, set[str]]]:
    if board.energy is None or board.ideal:
        return []
    joules, allowed = board.energy.joules, regions | set(OTHER_REGIONS)
    return [(f"energy.joules.{kind}.{name}", name, allowed) for kind in (FETCH, READ, WRITE) for name in joules.get(kind, ())]


def _check_interrupts(board: Board, place: Place) -> None:
    for spec in board.peripherals:
        for line, number in spec.interrupts.items():
            if number >= board.interrupt_count:
                key = f"peripherals.{spec.name}.interrupts.{line}"
                raise place.below(key).error(f"{number} is beyond interrupt_count = {board.interrupt_count}")


def _check_overlap(board: Board, place: Place) -> None:
    ranges = []
    for region in board.memories:
        if not region.size:
            raise place.below(f"memories.{region.name}.size").error("0 is not allowed")
        ranges += [(start, start + region.size, f"memories.{region.name}") for start in (region.address, *region.aliases)]
    for spec in board.peripherals:
        ranges += [(start, start + spec.size, f"peripherals.{spec.name}") for start in (spec.address, *spec.aliases)]
    for (first, first_end, first_key), (second, _, second_key) in pairwise(sorted(ranges)):
        if second < first_end:
            text = f"{second:#010x} lies inside {first_key} ({first:#010x} to {first_end - 1:#010x})"
            raise place.below(second_key).error(text)
