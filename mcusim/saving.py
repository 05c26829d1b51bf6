"""From a machine that has run to a saved profile."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from mcusim.boards import Board
from mcusim.machine.event_counts import Event, nested
from mcusim.machine.layout import LANES
from mcusim.machine.machine import Machine
from mcusim.machine.memory_timing import clock_bound, clock_ratio, flash_wait_states
from mcusim.machine.profile import BlockUse, Profile
from mcusim.report import Exit, MarkUse, ProgramFile
from mcusim.report.codec import to_plain
from mcusim.report.saved_profile import (
    Assumptions,
    CacheEvents,
    DeviceEvents,
    Epoch,
    Exchange,
    Flash,
    FunctionProfile,
    PathEvents,
    Placement,
    SavedProfile,
    SavedRun,
    Stalls,
    SteeringUse,
)

NO_LANES = (0,) * LANES
OVERHEAD = "(exception entry, exit and sleep)"
LIMITS = {"max_seconds": "--max-seconds", "timeout": "--timeout", "interrupted": "Ctrl-C"}


class Names(Protocol):
    """Functions by address."""

    def start(self, address: int) -> int: ...

    def name(self, address: int) -> str: ...


def board_hash(board: Board) -> str:
    """Changes with anything that the board's file says, but for energies: they are priced, not counted."""
    plain = json.dumps(to_plain(replace(board, energy=None)), sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def saved_profile(
    machine: Machine, profile: Profile, names: Names, exit: Exit, board: str,
    load_address: int | None = None, vector_table: int | None = None,
) -> SavedProfile:  # fmt: skip
    """The profile of ``machine`` for a file. ``board``, ``load_address`` and ``vector_table`` are as the run was given them."""
    program, memory, memories = machine.program, machine.recorder.memory, tuple(machine.space.memories)
    stalls = _stalls(profile)
    pipeline: dict[str, int] = defaultdict(int, profile.overhead_cycles)
    for block in profile.blocks:
        for cause, cycles in block.causes.items():
            pipeline[cause] += cycles - block.stalls.get(cause, 0)
    wait_states = flash_wait_states(memories, machine)
    return SavedProfile(
        program=ProgramFile(str(Path(program.path).absolute()), program.format, program.content_hash, program.entry),
        run=_run(machine, board, load_address, vector_table),
        board=machine.board.name,
        board_hash=board_hash(machine.board),
        core=machine.core.name,
        version=_version(),
        exit=exit,
        cycles=profile.cycles,
        instructions=profile.instructions,
        clock_epochs=tuple(
            Epoch(epoch.cycle, epoch.hertz, delays)
            for epoch, delays in zip(machine.clock.epochs, machine.epoch_delays, strict=True)
        ),
        causes={cause: cycles for cause, cycles in sorted(pipeline.items(), key=lambda item: -item[1]) if cycles},
        stalls=stalls,
        functions=_functions(profile, names),
        marks=_marks(machine),
        paths=tuple(PathEvents(use.region, use.kind, use.units, use.stall_cycles) for use in memory.path_uses()),
        caches=tuple(CacheEvents(use.name, use.hits, use.misses, use.writebacks) for use in memory.cache_uses()),
        devices=tuple(DeviceEvents(use.name, use.reads, use.hits_ahead, use.writes) for use in memory.device_uses()),
        flash=None if wait_states is None else Flash(wait_states, clock_ratio(memories, machine)),
        clock_bound=clock_bound(memories, machine),
        steering=_steering(machine),
        events=nested(profile.events),
    )


def _marks(machine: Machine) -> tuple[MarkUse, ...]:
    counts = machine.marks.events
    return tuple(
        MarkUse(name, count, cycles, events=nested(counts.get(name, {})))
        for name, (count, cycles) in machine.serial.marks.items()
    )


def _version() -> str:
    try:
        return version("mcusim")
    except PackageNotFoundError:  # a checkout that is not installed has no metadata
        return ""


def _run(machine: Machine, board: str, load_address: int | None, vector_table: int | None) -> SavedRun:
    options = machine.options
    root = options.semihosting_root
    what_if = options.what_if
    assumed = Assumptions(
        what_if.clock_hertz, what_if.wait_states, what_if.caches, what_if.prefetch,
        tuple(Placement(*pair) for pair in what_if.placement),
    )  # fmt: skip
    return SavedRun(
        board=str(Path(board).absolute()) if board.endswith(".toml") else board,
        load_address=load_address,
        vector_table=vector_table,
        send=tuple(Exchange(after.decode("latin-1"), text.decode("latin-1")) for after, text in options.send),
        until=None if options.until is None else options.until.decode("latin-1"),
        max_instructions=options.max_instructions,
        max_seconds=options.max_seconds,
        timeout_seconds=options.timeout_seconds,
        semihosting_root=None if root is None else str(Path(root).absolute()),
        strict=options.strict,
        assumed=assumed,
    )


def _added(rows: list[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*rows, strict=True)) if rows else NO_LANES


def _stalls(profile: Profile) -> tuple[Stalls, ...]:
    cycles: dict[str, int] = defaultdict(int)
    lanes: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for block in profile.blocks:
        for cause, count in block.stalls.items():
            cycles[cause] += count
        for cause, row in block.lanes.items():
            lanes[cause].append(row)
    return tuple(Stalls(cause, cycles[cause], _added(lanes[cause])) for cause in sorted({*cycles, *lanes}))


def _functions(profile: Profile, names: Names) -> tuple[FunctionProfile, ...]:
    blocks: dict[int, list[BlockUse]] = defaultdict(list)
    for block in profile.blocks:
        blocks[names.start(block.address)].append(block)
    rows = []
    for start, uses in blocks.items():
        stalls = sum(sum(use.stalls.values()) for use in uses)
        cycles = sum(use.cycles for use in uses) - stalls
        lanes = _added([row for use in uses for row in use.lanes.values()])
        if cycles or stalls or any(lanes) or any(any(use.events.values()) for use in uses):
            rows.append(FunctionProfile(names.name(start), start, cycles, stalls, lanes, _events(uses)))
    overhead = sum(profile.overhead_cycles.values())
    if overhead or profile.overhead_events:
        rows.append(FunctionProfile(OVERHEAD, 0, overhead, 0, NO_LANES, nested(profile.overhead_events)))
    return tuple(sorted(rows, key=lambda row: (-row.cycles - row.stall_cycles, row.address)))


def _events(uses: list[BlockUse]) -> dict[str, dict[str, int]]:
    counts: Counter[Event] = Counter()
    for use in uses:
        counts.update(use.events)
    return nested(counts)


def _steering(machine: Machine) -> tuple[SteeringUse, ...]:
    assert machine.finish is not None
    if machine.finish.reason in LIMITS:
        machine.steering.note("limit", LIMITS[machine.finish.reason])
    uses = []
    for reason in machine.steering.reasons.values():
        place, address = "", None
        if reason.address >= 0:
            address, line = reason.address, machine.program.line_at(reason.address)
            place = f"{Path(line[0]).name}:{line[1]}" if line is not None else ""
        uses.append(SteeringUse(reason.kind, reason.what, address, place, reason.count))
    return tuple(uses)
