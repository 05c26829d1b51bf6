"""What a run is asked to do, and how it ended: plain data around the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mcusim.machine.exceptions import Fault
from mcusim.machine.what_if import AS_IT_IS, WhatIf
from mcusim.report.progress import Progress


@dataclass(frozen=True, slots=True)
class Options:
    """How long to run and what to type; see ``mcusim.run.run``."""

    send: tuple[tuple[bytes, bytes], ...] = ()
    until: bytes | None = None
    max_instructions: int | None = None
    max_seconds: float | None = None
    timeout_seconds: float | None = None
    semihosting_root: str | Path | None = None
    strict: bool = False
    trace_events: int = 0
    serial_output: Callable[[bytes], None] | None = None
    progress: Callable[[Progress], None] | None = None
    bare: bool = False
    what_if: WhatIf = AS_IT_IS
    follow_lanes: bool = False
    """Follow the memories with other wait states too, for a profile that can be priced again."""


@dataclass(slots=True)
class Finish:
    """Why the run ended: a reason of ``mcusim.report.exit``, the process exit code and a sentence."""

    reason: str
    code: int = 0
    text: str = ""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class FaultSnapshot:
    """Registers by name and return addresses, innermost first, at a fault."""

    registers: dict[str, int]
    returns: tuple[int, ...]


@dataclass(slots=True)
class ExceptionCount:
    """How often an exception ran and for how many cycles, nested ones included."""

    count: int = 0
    cycles: int = 0
    since: list[int] = field(default_factory=list)
