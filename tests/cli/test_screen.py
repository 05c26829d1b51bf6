"""The firmware's output and the progress line share a terminal."""

from __future__ import annotations

import io

import pytest

from mcusim.cli.screen import Screen, progress_line
from mcusim.report import Progress

NOW = Progress(seconds=0.0125, cycles=1_500_000, instructions=1_000_000, wall_seconds=0.5)
LINE = "12.5 ms simulated, 1,000,000 instructions, 2.0 MIPS"
ERASE = "\r\x1b[K"


class Terminal(io.StringIO):
    """Text that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def output() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO())


def written(output: io.TextIOWrapper) -> bytes:
    return output.buffer.getvalue()  # type: ignore[attr-defined]


def test_progress_line_has_time_instructions_and_speed():
    assert progress_line(NOW) == LINE
    assert progress_line(Progress(0.0, 0, 0, 0.0)) == "0 s simulated, 0 instructions, 0.0 MIPS"


def test_progress_is_erased_before_output_and_at_the_end(output):
    status = Terminal()
    screen = Screen(output, status, quiet=False)
    screen.show_progress(NOW)
    screen.show_serial(b"hello\n")
    screen.show_progress(NOW)
    screen.finish()
    assert status.getvalue() == ERASE + LINE + ERASE + ERASE + LINE + ERASE
    assert written(output) == b"hello\n"


def test_progress_waits_while_a_line_of_the_firmware_is_unfinished(output):
    status = Terminal()
    screen = Screen(output, status, quiet=False)
    screen.show_serial(b"prompt> ")
    screen.show_progress(NOW)
    assert status.getvalue() == ""
    screen.show_serial(b"done\n")
    screen.show_progress(NOW)
    assert LINE in status.getvalue()


@pytest.mark.parametrize(("status", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_progress_is_shown_on_terminals_that_are_not_to_be_quiet(output, status, quiet):
    Screen(output, status, quiet).show_progress(NOW)
    assert status.getvalue() == ""


def test_unfinished_last_line_is_finished(output):
    screen = Screen(output, io.StringIO(), quiet=False)
    screen.show_serial(b"")
    screen.show_serial(b"\xff\x00end")
    screen.finish()
    screen.finish()
    assert written(output) == b"\xff\x00end\n"
