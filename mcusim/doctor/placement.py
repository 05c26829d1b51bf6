"""Code and data that wait for a slow memory while a fast one has room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcusim.boards.board import MemoryRegion
from mcusim.doctor.change import Change
from mcusim.doctor.patient import Patient
from mcusim.machine.what_if import Move, WhatIf
from mcusim.pricing import causes
from mcusim.pricing.memory import FETCH, NO_PATHS, READ
from mcusim.report.quantity import size

WORTH = 0.01
"""Share of the cycles that must be spent waiting."""
COVERED = 0.98
"""Share of the waiting that the functions to move make up, if there is room for them."""
NAMED = 6
BUSES = {"code": ("itcm", "code", "dtcm"), "data": ("dtcm", "system", "code", "ahb", "axi", "")}
"""Buses of fast memories in order of preference; code goes to those named only."""
FETCHING = (causes.FLASH, causes.INSTRUCTION_MISS)


def code_placement(patient: Patient) -> Iterator[Change]:
    """Hot functions into a fast memory that can hold code."""
    report = patient.report
    target = _target(patient, "code")
    if target is None or _waiting(patient, ("fetch",)) < WORTH * report.cycles:
        return
    room, names, moves, covered = _room(patient, target), [], [], 0
    waiting = [(row, sum(row.causes.get(cause, 0) for cause in FETCHING)) for row in report.functions]
    total = sum(cycles for _, cycles in waiting)
    for row, cycles in sorted(waiting, key=lambda item: -item[1]):
        found = patient.program.symbol_at(row.address)
        if not cycles or covered >= COVERED * total:
            break
        if found is None or not 0 < found[0].size <= room or not _slow(patient, row.address, FETCH):
            continue
        room -= found[0].size
        covered += cycles
        names.append(row.name)
        moves.append(Move(row.address, row.address + found[0].size, target.name))
    if moves:
        yield _change("code", "code waits for the memory that it lies in", target, names, moves)


def data_placement(patient: Patient) -> Iterator[Change]:
    """Objects and the stack into a fast memory."""
    target = _target(patient, "data")
    if target is None or _waiting(patient, ("read", "write")) < WORTH * patient.report.cycles:
        return
    room, names, moves = _room(patient, target), [], []
    for name, start, length in sorted(_objects(patient), key=lambda item: item[2]):
        if length <= room:
            room -= length
            names.append(name)
            moves.append(Move(start, start + length, target.name))
    if moves:
        yield _change("data", "data wait for the memory that they lie in", target, names[::-1], moves)


def _change(what: str, found: str, target: MemoryRegion, names: Sequence[str], moves: Sequence[Move]) -> Change:
    moved = sum(move.end - move.start for move in moves)
    advice = f"move {size(moved)} to {target.name} (a section that start-up code copies there)"
    return Change(f"{what}_placement", found, advice, WhatIf(moves=tuple(moves)), tuple(names[:NAMED]))


def _waiting(patient: Patient, kinds: Sequence[str]) -> int:
    return sum(path.stall_cycles for path in patient.report.memory_paths if path.kind in kinds)


def _objects(patient: Patient) -> Iterator[tuple[str, int, int]]:
    """Objects and the main stack where they lie in memory that lets loads wait: name, address, bytes."""
    table = patient.program.vector_table
    vectors = table.address if table is not None else -1
    for symbol in patient.report.symbols:
        if symbol.kind == "object" and symbol.address != vectors and _slow(patient, symbol.address, READ):
            yield symbol.name, symbol.address, symbol.size
    for stack in patient.report.stacks:
        length = stack.limit_bytes or -(-stack.peak_bytes // 8) * 8
        if stack.peak_bytes and _slow(patient, stack.address - length, READ):
            yield f"stack {stack.name}", stack.address - length, length


def _slow(patient: Patient, address: int, kind: int) -> bool:
    recorder = patient.machine.recorder
    return recorder.timing.regions[recorder.regions.at(address)].paths.of(kind) is not None


def _target(patient: Patient, what: str) -> MemoryRegion | None:
    """The fast memory to move to: the one with most room on the bus that suits best."""
    memories, regions = patient.machine.space.memories, patient.machine.recorder.timing.regions
    fast = [
        memory
        for memory, timing in zip(memories, regions, strict=False)
        if timing.paths == NO_PATHS and memory.writable and memory.kind in ("tcm", "ram") and not memory.alias_of
        and memory.bus in BUSES[what] and (what == "data" or memory.executable)
    ]  # fmt: skip
    order = BUSES[what]
    return min(fast, key=lambda memory: (order.index(memory.bus), -_room(patient, memory)), default=None)


def _room(patient: Patient, memory: MemoryRegion) -> int:
    """Bytes of ``memory`` that the program leaves free."""
    used = sum(section.size for section in patient.report.sections if section.region == memory.name)
    for stack in patient.report.stacks:
        if memory.address < stack.address <= memory.address + memory.size:
            used += stack.limit_bytes or stack.peak_bytes
    return memory.size - used
