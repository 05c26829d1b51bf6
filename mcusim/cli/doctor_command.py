"""``mcusim doctor``: what makes a firmware slow, and what each change would save."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcusim.cli import run_options
from mcusim.cli.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from mcusim.report.progress import Progress

QUIET_SECONDS = 1.0
"""Shorter examinations show no progress."""
ERASE = "\r\x1b[K"

HELP = """Say what makes the firmware slow on its board, with the cycles that each change would save.

Each change is priced by running the program under it. IMAGE may also be a report of 'mcusim run --json', which names
program and board; the program must not have changed since.

\b
Examples:
  mcusim doctor build/app.elf --board nucleo-h743zi
  mcusim doctor report.json
  mcusim doctor build/app.elf --board nucleo-l4r5zi --until done --json - | jq .findings
"""


def doctor_command(
    image: Annotated[str, typer.Argument(metavar="IMAGE|REPORT", help="Program file, or the JSON report of a run.")],
    board: Annotated[str | None, run_options.BOARD] = None,
    core: Annotated[str | None, run_options.CORE] = None,
    load_address: Annotated[Any, run_options.LOAD_ADDRESS] = None,
    vector_table: Annotated[Any, run_options.VECTOR_TABLE] = None,
    send: Annotated[list[Any] | None, run_options.SEND] = None,
    until: Annotated[Any, run_options.UNTIL] = None,
    max_instructions: Annotated[Any, run_options.MAX_INSTRUCTIONS] = None,
    semihosting_root: Annotated[Path | None, run_options.SEMIHOSTING_ROOT] = None,
    json: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write the diagnosis as JSON (docs/doctor.md); - is stdout.")
    ] = None,
) -> None:
    from mcusim.doctor import diagnose, program_of, write_diagnosis
    from mcusim.report import write_atomically

    check_outputs({"--json": json}, {"the image": [image]})
    subject = program_of(image)
    if board is None and core is None:
        board = subject.board or None
    if (board is None) == (core is None):
        met = "both --board and --core" if board is not None else "neither --board nor --core"
        raise typer.BadParameter(f"{met} given; allowed: one of them, or a report that names its board")
    status = Status()
    try:
        diagnosis = diagnose(
            subject.image, board=board, core=core, load_address=load_address, vector_table=vector_table,
            send=tuple(send or ()), until=until, max_instructions=max_instructions, semihosting_root=semihosting_root,
            watch=status.show, check=subject.check,
        )  # fmt: skip
    finally:
        status.finish()
    if json != STDOUT:
        write_diagnosis(diagnosis, sys.stdout)
    if json == STDOUT:
        sys.stdout.write(diagnosis.to_json() + "\n")
    elif json is not None:
        write_atomically(json, diagnosis.to_json() + "\n")


class Status:
    """A progress line on stderr, where that is a terminal."""

    def __init__(self) -> None:
        self.started, self.visible = time.perf_counter(), False

    def show(self, label: str, progress: Progress) -> None:
        """Draw the line anew: which run this is, and how far it has come."""
        from mcusim.cli.screen import progress_line

        if sys.stderr.isatty() and time.perf_counter() - self.started >= QUIET_SECONDS:
            sys.stderr.write(f"{ERASE}{label}: {progress_line(progress)}")
            sys.stderr.flush()
            self.visible = True

    def finish(self) -> None:
        """Erase the line."""
        if self.visible:
            sys.stderr.write(ERASE)
            sys.stderr.flush()
