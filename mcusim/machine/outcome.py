"""What a run is asked to do, and how it ended: plain data around the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mcusim.machine.exceptions import Fault
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
    clock_override_hertz: int | None = None
    wait_states_override: int | None = None
    caches_override: bool | None = None
    prefetch_override: bool | None = None
    placement_override: tuple[tuple[str, str], ...] = ()
    follow_lanes: bool = False
    """Follow the memories with other wait states too, for a profile that can be priced again."""

    def what_ifs(self) -> list[str]:
        """What takes effect over what the firmware programs, in words."""
        switch = {True: "on", False: "off"}
        found = []
        if self.clock_override_hertz is not None:
            found.append(f"a core clock of {self.clock_override_hertz:,} Hz")
        if self.wait_states_override is not None:
            found.append(f"{self.wait_states_override} wait states of the flash")
        if self.caches_override is not None:
            found.append(f"caches {switch[self.caches_override]}")
        if self.prefetch_override is not None:
            found.append(f"prefetch {switch[self.prefetch_override]}")
        return found + [f"memory {name} as fast as {other}" for name, other in self.placement_override]


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
