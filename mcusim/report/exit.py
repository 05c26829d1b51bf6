"""Exit codes of ``mcusim``: the one table. docs/exit_codes.md explains them and is tested against it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExitCode:
    """One way for the command to end. ``name`` is the ``exit.reason`` of the report, or the error without a report."""

    code: int
    name: str
    meaning: str


FIRMWARE = "exit"
"""Reason of a run whose firmware ended by itself; the process returns the firmware's code."""

REASONS = (
    ExitCode(0, "until", "serial output contained the text of --until"),
    ExitCode(10, "fault", "a fault that the firmware does not handle"),
    ExitCode(11, "lockup", "the core locked up: a fault inside a fault handler"),
    ExitCode(12, "max_instructions", "the limit of --max-instructions was reached"),
    ExitCode(13, "max_seconds", "the limit of --max-seconds (simulated time) was reached"),
    ExitCode(14, "timeout", "the limit of --timeout (host time) was reached"),
    ExitCode(15, "until_not_seen", "the firmware ended by itself before the text of --until appeared"),
    ExitCode(16, "asleep", "the core sleeps and nothing is left that could wake it"),
    ExitCode(17, "unmodelled", "with --strict: an access to a register that no model knows"),
    ExitCode(18, "endless_loop", "the firmware branches to itself and no interrupt can end it"),
    ExitCode(19, "reset_loop", "the firmware resets itself again and again"),
    ExitCode(130, "interrupted", "stopped with Ctrl-C; the report covers the run so far"),
)
"""Reasons of ``Report.exit`` other than the firmware's own exit."""

ERRORS = (
    ExitCode(1, "misfit", "`mcusim calibrate` found that the model does not explain the measurements"),
    ExitCode(2, "usage", "wrong use of the command line, or an error of no other kind (McusimError)"),
    ExitCode(3, "ProgramError", "the program file cannot be used"),
    ExitCode(4, "BoardError", "the board is unknown or its file is wrong"),
    ExitCode(5, "UnsupportedError", "something real that mcusim does not model"),
    ExitCode(6, "DecodeError", "halfwords that are no instruction"),
    ExitCode(7, "ReportError", "a report cannot be read or written"),
    ExitCode(8, "RerunError", "an answer needs the program to run again, which --pure forbids or which is not possible"),
    ExitCode(9, "regression", "`mcusim verify` found a simulation further from its measurement than allowed"),
    ExitCode(70, "internal", "a defect of mcusim; please report it"),
    ExitCode(141, "pipe", "the reader of the output went away (as in `mcusim run ... | head -1`)"),
)
"""Codes of runs that ended without a report."""

_CODES = {row.name: row.code for row in REASONS}


def code_of(reason: str, firmware_code: int = 0) -> int:
    """The process's exit code for an exit reason; ``firmware_code`` counts for reason ``"exit"`` only.

    A process returns 8 bits, so a firmware code outside 0..255 becomes 255. KeyError for an unknown reason.
    """
    if reason == FIRMWARE:
        return firmware_code if 0 <= firmware_code <= 255 else 255
    return _CODES[reason]
