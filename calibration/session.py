"""The log of a calibration: what was measured, line by line as it came, so that an interruption loses nothing.

A file of JSON lines. The first says what is measured (``Subject``); each further one is an ``Event``. Every line ends with the
CRC-32 of the rest of it, and reaches the disk before the next is thought of. A last line that was cut off while it was written
is dropped; anything else that is not as written is an error.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mcusim.errors import McusimError

SCHEMA = "mcusim.calibrate.log/1"


class SessionError(McusimError):
    """A log that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: board, image (SHA-256 of what is loaded), build number, kind of link, seed and noise."""

    board: str
    image: str
    build: int
    link: str
    seed: int
    noise: float
    version: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Rounds of a body: cycles that n more copies took, and the checksum of what it computed."""

    body: str
    cycles: tuple[int, ...]
    checksum: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Bodies to be measured next, in this order."""

    bodies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """Parameters that counts are taken around from here on, where they are not the table's."""

    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Power of an energy loop at a clock: mean watts of slices, in their order."""

    loop: str
    hertz: int
    watts: tuple[float, ...]


Event = Measured | Chosen | Around | Drawn
KINDS: Mapping[str, type[Any]] = {"measured": Measured, "chosen": Chosen, "around": Around, "drawn": Drawn}
NAMES = {kind: name for name, kind in KINDS.items()}


class Session:
    """A log, open for appending, and the events that were in it. Nobody else can open it meanwhile."""

    def __init__(self, path: Path, subject: Subject, note: Callable[[str], None] = lambda text: None) -> None:
        self.path, self.subject, self.note = path, subject, note
        self.events: list[Event] = []
        self._descriptor = _opened(path)
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    @property
    def measured(self) -> list[Measured]:
        """All measurements."""
        return [event for event in self.events if isinstance(event, Measured)]

    def append(self, event: Event) -> None:
        """Add an event; it is on the disk when this returns."""
        self._write({NAMES[type(event)]: asdict(event)})
        self.events.append(event)

    def close(self) -> None:
        """Let others open it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self) -> None:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self.note(f"{self.path}: the last line was cut off while it was written, and is dropped")
            os.truncate(self.path, whole)
        lines = data[:whole].splitlines()
        if not lines:
            self._write({"log": SCHEMA, **asdict(self.subject)})
            return
        self._check_subject(_line(self.path, 1, lines[0]))
        self.events = [_event(self.path, number, _line(self.path, number, line)) for number, line in enumerate(lines[1:], 2)]

    def _check_subject(self, found: Mapping[str, Any]) -> None:
        if found.get("log") != SCHEMA:
            raise SessionError(f"{self.path}: line 1: log {found.get('log')!r}; allowed: {SCHEMA}")
        for field in fields(Subject):
            was, now = found.get(field.name), getattr(self.subject, field.name)
            if was != now and field.name != "version":
                raise SessionError(
                    f"{self.path}: is the log of another session: {field.name} was {was!r}, and is {now!r}; "
                    "allowed: the same, or another folder with --work"
                )

    def _write(self, fields: Mapping[str, Any]) -> None:
        text = json.dumps(fields, separators=(",", ":"))
        line = f'{text[:-1]},"crc":{zlib.crc32(text.encode())}}}\n'
        try:
            os.write(self._descriptor, line.encode())
            os.fsync(self._descriptor)
        except OSError as error:
            raise SessionError(f"{self.path}: cannot be written: {error.strerror}") from None


def _opened(path: Path) -> int:
    """Descriptor of the log, locked."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as error:
        raise SessionError(f"{path}: cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SessionError(f"{path}: another calibration writes it; allowed: one at a time") from None
    return descriptor


def _line(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """The fields of a line whose CRC is right."""
    text, _, crc = line.decode("utf-8", "replace").rpartition(',"crc":')
    try:
        found, told = zlib.crc32(f"{text}}}".encode()), int(crc.removesuffix("}"))
        fields = json.loads(f"{text}}}") if found == told else None
        if isinstance(fields, dict):
            return fields
    except (ValueError, RecursionError):
        pass
    text = f"is damaged: {line[:60]!r}; allowed: lines as written, or another folder with --work"
    raise SessionError(f"{path}: line {number}: {text}")


def _event(path: Path, number: int, fields: Mapping[str, Any]) -> Event:
    name = next(iter(fields), "")
    if name not in KINDS:
        raise SessionError(f"{path}: line {number}: {name!r} is no event; allowed: {', '.join(KINDS)}")
    try:
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in fields[name].items()}
        event: Event = KINDS[name](**values)
    except (AttributeError, TypeError):
        raise SessionError(f"{path}: line {number}: is no {name!r} as this version writes it") from None
    return event
