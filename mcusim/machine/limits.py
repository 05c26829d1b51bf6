"""Limits of a run: instructions, simulated seconds, host seconds; and the progress line."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING

from mcusim.report.progress import Progress

if TYPE_CHECKING:
    from mcusim.machine.machine import Machine

PROGRESS_SECONDS = 0.25
CLOSE_CYCLES = 32
"""How far an instruction limit may be overrun, about."""
SLICE_CYCLES = 20_000_000
"""Cycles after which Python looks in (time limits, progress) when nothing else is due."""


class Limits:
    """Checked between blocks; ``horizon`` says how far the run may go unchecked."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.next_progress = PROGRESS_SECONDS
        self.next_count = 0

    def horizon(self) -> int:
        """Cycle at which Python looks in at the latest: a slice on, or where a limit may be reached."""
        horizon = self.time_horizon()
        if self.machine.options.max_instructions is not None:
            horizon = min(horizon, self.next_count)
        return horizon

    def time_horizon(self) -> int:
        """``horizon`` while no instruction runs."""
        horizon = self.machine.recorder.cycles + SLICE_CYCLES
        if self.machine.options.max_seconds is not None:
            horizon = min(horizon, self.machine.clock.cycle_at(Fraction(self.machine.options.max_seconds)))
        return horizon

    def seconds(self) -> float:
        """Simulated time since reset."""
        return float(self.machine.clock.seconds(self.machine.now()))

    def check(self) -> None:
        options = self.machine.options
        wall = time.perf_counter() - self.machine.started
        if options.timeout_seconds is not None and wall > options.timeout_seconds:
            self.machine.end("timeout", text=f"host time limit of {options.timeout_seconds:g} s reached")
        if options.max_seconds is not None and self.seconds() >= options.max_seconds:
            self.machine.end("max_seconds", text=f"simulated time limit of {options.max_seconds:g} s reached")
        if options.max_instructions is not None and self._reached(options.max_instructions):
            self.machine.end("max_instructions", text=f"instruction limit of {options.max_instructions:,} reached")
        if options.progress is not None and wall >= self.next_progress:
            self.next_progress = wall + PROGRESS_SECONDS
            machine = self.machine
            options.progress(Progress(self.seconds(), machine.recorder.cycles, machine.instruction_count(), wall))

    def _reached(self, limit: int) -> bool:
        """Count exactly, but only when enough cycles have passed for the limit to be possible (two instructions a cycle)."""
        cycles = self.machine.recorder.cycles
        if cycles < self.next_count:
            return False
        missing = limit - self.machine.instruction_count()
        self.next_count = cycles + max(missing // 2, CLOSE_CYCLES)
        return missing <= 0
