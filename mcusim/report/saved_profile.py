"""A saved profile: what ``mcusim retime`` prices again. Schema ``mcusim.profile/1``, described in docs/schema_profile_1.md."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mcusim.report.codec import from_plain, to_plain
from mcusim.report.files import write_atomically
from mcusim.report.report import Exit, MarkUse, ProgramFile, ReportError

SCHEMA = "mcusim.profile/1"
FILE_BYTES_MAX, TEXT_BYTES_MAX = 32 << 20, 256 << 20
"""Largest file, and largest text in it, that is read."""
LANES = 16
"""Numbers of wait states for which stalls are told: 0 to 15."""
NUMBER_MAX = 1 << 62
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A pair of ``--send``; bytes are written as the characters U+0000 to U+00FF."""

    after: str
    text: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A memory that answers as another one does."""

    memory: str
    like: str


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What took effect over what the firmware programmed; null where its registers counted."""

    clock_hertz: int | None = None
    wait_states: int | None = None
    caches: bool | None = None
    prefetch: bool | None = None
    placement: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedRun:
    """How to run the program again. ``board`` is a name or a path, ``""`` where the board was no file."""

    board: str
    load_address: int | None = None
    vector_table: int | None = None
    send: tuple[Exchange, ...] = ()
    until: str | None = None
    max_instructions: int | None = None
    max_seconds: float | None = None
    timeout_seconds: float | None = None
    semihosting_root: str | None = None
    strict: bool = False
    assumed: Assumptions = field(default_factory=Assumptions)


@dataclass(frozen=True, slots=True)
class Epoch:
    """From ``cycle`` on the core ran at ``hertz``; with n wait states all along, ``lanes[n]`` cycles later (or earlier)."""

    cycle: int
    hertz: int
    lanes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stalls:
    """Cycles spent waiting for memories, for one cause: in the run, and with 0, 1, ... 15 wait states all along."""

    cause: str
    cycles: int
    lanes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FunctionProfile:
    """A function's own cycles without and in stalls, and its own events."""

    name: str
    address: int
    cycles: int
    stall_cycles: int
    lanes: tuple[int, ...]
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PathEvents:
    """What one kind of access (fetch, read, write) to one memory saw: lines or words asked for, stall cycles of the run."""

    memory: str
    kind: str
    units: int
    stall_cycles: int


@dataclass(frozen=True, slots=True)
class CacheEvents:
    """Look-ups of one cache."""

    name: str
    hits: int
    misses: int
    writebacks: int


@dataclass(frozen=True, slots=True)
class DeviceEvents:
    """Accesses of one memory behind caches and buffers: random reads, words found read ahead, stores."""

    name: str
    reads: int
    hits_ahead: int
    writes: int


@dataclass(frozen=True, slots=True)
class Flash:
    """The flash whose wait states software sets, as programmed at the end; ``clock_ratio``: core cycles a flash cycle."""

    wait_states: int
    clock_ratio: int = 1


@dataclass(frozen=True, slots=True)
class SteeringUse:
    """Something by which time steered the run: ``kind`` is counter, event, interrupt, sleep, clock or limit."""

    kind: str
    what: str
    address: int | None = None
    place: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """Counts of one run, from which other wait states, clocks and supplies are priced. ``causes`` holds no stalls.

    ``events`` are what costs energy; empty in files of versions that did not count them.
    """

    program: ProgramFile
    run: SavedRun
    board: str
    board_hash: str
    core: str
    version: str
    exit: Exit
    cycles: int
    instructions: int
    clock_epochs: tuple[Epoch, ...]
    causes: Mapping[str, int]
    stalls: tuple[Stalls, ...] = ()
    functions: tuple[FunctionProfile, ...] = ()
    marks: tuple[MarkUse, ...] = ()
    paths: tuple[PathEvents, ...] = ()
    caches: tuple[CacheEvents, ...] = ()
    devices: tuple[DeviceEvents, ...] = ()
    flash: Flash | None = None
    clock_bound: tuple[str, ...] = ()
    steering: tuple[SteeringUse, ...] = ()
    events: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    schema: str = SCHEMA

    def to_json(self) -> str:
        """The profile as JSON text, keys in the order of the schema."""
        plain = to_plain(self)
        return json.dumps({"schema": plain.pop("schema"), **plain}, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "profile") -> SavedProfile:
        """The profile that ``to_json`` wrote. ReportError, with ``where``, for a text that is none or contradicts itself."""
        try:
            plain = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ReportError(f"{where}: not JSON: {error}") from None
        schema = plain.get("schema") if isinstance(plain, dict) else None
        if schema != SCHEMA:
            raise ReportError(f"{where}: a file of schema {schema!r}, allowed: {SCHEMA!r}")
        try:
            _check_numbers(plain)
            profile = from_plain(cls, plain, "profile")
            _check(profile)
        except (TypeError, ValueError, RecursionError) as error:
            raise ReportError(f"{where}: {error}") from None
        return profile


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _check_numbers(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _check_numbers(item)
    elif isinstance(value, list):
        for item in value:
            _check_numbers(item)
    elif isinstance(value, int) and not -NUMBER_MAX < value < NUMBER_MAX:
        raise ValueError(f"the number {str(value)[:40]} is out of range")


def _check(profile: SavedProfile) -> None:
    """ValueError where the numbers of a profile contradict each other."""
    _check_signs(profile)
    lanes = [(f"stalls of {row.cause!r}", row.lanes) for row in profile.stalls]
    lanes += [(f"function {row.name!r}", row.lanes) for row in profile.functions]
    lanes += [(f"clock epoch at cycle {row.cycle}", row.lanes) for row in profile.clock_epochs]
    for name, row in lanes:
        if len(row) != LANES:
            raise ValueError(f"{name}: {len(row)} lanes, allowed: {LANES}")
    epochs = profile.clock_epochs
    if not epochs or epochs[0].cycle or any(a.cycle > b.cycle for a, b in pairwise(epochs)):
        raise ValueError("clock_epochs: allowed are one or more, the first at cycle 0, in order of time")
    stalls = sum(row.cycles for row in profile.stalls)
    whole = sum(profile.causes.values()) + stalls
    if whole != profile.cycles:
        raise ValueError(f"causes and stalls add up to {whole:,} cycles, but the run has {profile.cycles:,}")
    functions = sum(row.cycles + row.stall_cycles for row in profile.functions)
    if functions != profile.cycles:
        raise ValueError(f"functions add up to {functions:,} cycles, but the run has {profile.cycles:,}")
    _check_events(profile)
    for number in range(LANES):
        by_cause = sum(row.lanes[number] for row in profile.stalls)
        by_function = sum(row.lanes[number] for row in profile.functions)
        if by_cause != by_function:
            raise ValueError(f"{number} wait states: {by_cause:,} stall cycles by cause, {by_function:,} by function")


def _check_events(profile: SavedProfile) -> None:
    """Where events were counted, those of functions add up to all, and the cycles among them to those of the run."""
    totals: Counter[tuple[str, str]] = Counter()
    for function in profile.functions:
        totals.update({(kind, what): count for kind, row in function.events.items() for what, count in row.items()})
    for kind, row in profile.events.items():
        for what, count in row.items():
            if count < 0 or totals[kind, what] != count:
                raise ValueError(f"events: {count:,} of {kind} {what}, but {totals[kind, what]:,} in functions")
    if profile.events and sum(profile.events.get("cycles", {}).values()) != profile.cycles:
        raise ValueError(f"events: their cycles do not add up to those of the run, {profile.cycles:,}")


def _check_signs(profile: SavedProfile) -> None:
    numbers = [profile.cycles, profile.instructions, *profile.causes.values()]
    for stalls in profile.stalls:
        numbers += [stalls.cycles, *stalls.lanes]
    for function in profile.functions:
        numbers += [function.cycles, function.stall_cycles, *function.lanes]
    if profile.flash is not None:
        numbers += [profile.flash.wait_states, profile.flash.clock_ratio - 1]
    if any(number < 0 for number in numbers):
        raise ValueError(f"{min(numbers)}: a count below what is possible")
    if any(epoch.hertz <= 0 for epoch in profile.clock_epochs):
        raise ValueError("clock_epochs: a clock of 0 Hz or less")


def save(profile: SavedProfile, path: str | os.PathLike[str]) -> None:
    """Write ``profile`` to ``path``, compressed where the name ends in .gz: whole or not at all."""
    text = profile.to_json()
    if os.fspath(path).endswith(".gz"):
        write_atomically(path, gzip.compress(text.encode("utf-8"), mtime=0))
    else:
        write_atomically(path, text)


def load(path: str | os.PathLike[str]) -> SavedProfile:
    """The profile in the file at ``path``; ReportError, with the path, for what is none."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise ReportError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > FILE_BYTES_MAX:
        raise ReportError(f"{name}: larger than {FILE_BYTES_MAX:,} bytes, the most that is read of a profile")
    return SavedProfile.from_json(_unpacked(data, name) if data.startswith(GZIP) else data, name)


def _unpacked(data: bytes, name: str) -> bytes:
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(data, TEXT_BYTES_MAX)
    except zlib.error as error:
        raise ReportError(f"{name}: damaged: {error}") from None
    if not inflate.eof:
        problem = f"unpacks to more than {TEXT_BYTES_MAX:,} bytes" if inflate.unconsumed_tail else "damaged: it ends too early"
        raise ReportError(f"{name}: {problem}")
    return text
