"""A program on a board that can be run again under other assumptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mcusim.boards import Board
from mcusim.doctor.diagnosis import DoctorError
from mcusim.machine.machine import Machine
from mcusim.machine.outcome import Options
from mcusim.machine.what_if import AS_IT_IS, WhatIf
from mcusim.program import Program
from mcusim.report import Progress, Report
from mcusim.run import core_of, report_of

Watch = Callable[[str, Progress], None]
"""Told now and then what is being run, and how far it has come."""
ENDLESS = ("max_seconds", "timeout", "interrupted")
"""Ends that lie at another place of the program when it runs faster."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a run costs."""

    cycles: int
    seconds: float


class Patient:
    """The program as it is: ``machine`` has run, ``report`` tells of it."""

    def __init__(self, program: Program, board: Board, options: Options, watch: Watch | None) -> None:
        self.program, self.board, self.options, self.watch = program, board, options, watch
        self.machine = self._run(AS_IT_IS, "as it is")
        self.report: Report = report_of(self.machine)
        if self.report.exit.reason in ENDLESS:
            raise DoctorError(
                f"the run ended by {self.report.exit.reason} and would do so elsewhere if it were faster: there is nothing "
                "to compare; allowed: a firmware that ends by itself, --until TEXT, or --max-instructions N"
            )

    @property
    def price(self) -> Price:
        """The run as it is."""
        return Price(self.report.cycles, self.report.latency_seconds)

    def priced(self, what_if: WhatIf, label: str) -> Price | None:
        """The run under ``what_if``; None where it ends otherwise: timing steers the program."""
        machine = self._run(what_if, label)
        assert machine.finish is not None and self.machine.finish is not None
        if (machine.finish.reason, machine.finish.code) != (self.machine.finish.reason, self.machine.finish.code):
            return None
        return Price(machine.recorder.cycles, float(machine.clock.seconds(machine.recorder.cycles)))

    def _run(self, what_if: WhatIf, label: str) -> Machine:
        watch = self.watch
        progress = None if watch is None else lambda progress: watch(label, progress)
        options = replace(self.options, what_if=what_if, progress=progress)
        machine = Machine(self.program, self.board, core_of(self.board), options)
        try:
            machine.run()
        except KeyboardInterrupt:
            machine.interrupt()
            raise
        return machine
