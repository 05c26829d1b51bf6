"""Where a run writes: the firmware's output as it comes, and a progress line that never tears it."""

from __future__ import annotations

import sys
from typing import BinaryIO, TextIO

from mcusim.report.progress import Progress
from mcusim.report.quantity import grouped, si

_ERASE = "\r\x1b[K"


class Screen:
    """Firmware output goes to ``output``; progress to ``status`` when that is a terminal and ``quiet`` is off.

    The progress line is shown only while the firmware's last line is finished, and erased before more output.
    """

    def __init__(self, output: TextIO, status: TextIO, quiet: bool) -> None:
        self._output: BinaryIO = output.buffer
        self._status = status
        self._shows_progress = status.isatty() and not quiet
        self._progress_visible = False
        self._line_open = False

    def show_serial(self, data: bytes) -> None:
        """Write what the firmware printed, unchanged."""
        if not data:
            return
        self._erase()
        self._output.write(data)
        self._output.flush()
        self._line_open = not data.endswith(b"\n")

    def show_progress(self, progress: Progress) -> None:
        """Draw the progress line anew."""
        if not self._shows_progress or self._line_open:
            return
        self._status.write(_ERASE + progress_line(progress))
        self._status.flush()
        self._progress_visible = True

    def finish(self) -> None:
        """Leave the cursor at the begin of an empty line."""
        self._erase()
        if self._line_open:
            self._output.write(b"\n")
            self._output.flush()
            self._line_open = False

    def _erase(self) -> None:
        if self._progress_visible:
            self._status.write(_ERASE)
            self._status.flush()
            self._progress_visible = False


def progress_line(progress: Progress) -> str:
    """Simulated time, instructions and speed, for one line."""
    rate = progress.instructions / progress.wall_seconds / 1e6 if progress.wall_seconds > 0 else 0.0
    simulated = si(progress.seconds, "s", 3)
    return f"{simulated} simulated, {grouped(progress.instructions)} instructions, {rate:.1f} MIPS"


def screen_for(json_to_stdout: bool, quiet: bool) -> Screen:
    """The screen of this process; the firmware's output makes way for JSON on stdout."""
    return Screen(sys.stderr if json_to_stdout else sys.stdout, sys.stderr, quiet)
