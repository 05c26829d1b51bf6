"""Ctrl-C ends a run wherever it comes, with the report so far; whoever else handles SIGINT gets it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcusim
from mcusim.machine.ctrl_c import CtrlC
from mcusim.report.progress import Progress
from tests.support.firmware import SEMIHOSTING

WAIT_SECONDS = 0.03
LIMIT = {"core": "m4", "timeout_seconds": 60}
LIMITED = {"core": "m4", "timeout_seconds": 1}
# Every turn native code calls Python for the register, which is where a signal that came before is raised.
READS_A_REGISTER = "int main(void) { for (;;) *(volatile unsigned *)0xe000e018; }"
STAYS_NATIVE = "int main(void) { for (volatile unsigned i = 0;; i++); }"
# SYS_OPEN (1) for writing (mode 4), then SYS_WRITE (5), by Arm IHI 0100.
WRITES_A_FILE = f"""{SEMIHOSTING}
int main(void) {{
    const unsigned open[] = {{(unsigned)"told.txt", 4, 8}};
    const unsigned write[] = {{(unsigned)call(1, open), (unsigned)"whole", 5}};
    call(5, write);
    for (volatile unsigned i = 0;; i++);
}}
"""


def woken() -> None:
    """Nothing runs that would have to stop."""


class SigintSoon:
    """Progress of a run, which sends this process a SIGINT from another thread soon after it began."""

    def __init__(self) -> None:
        self.timer: threading.Timer | None = None

    def __call__(self, progress: Progress) -> None:
        if self.timer is None:
            self.timer = threading.Timer(WAIT_SECONDS, lambda: os.kill(os.getpid(), signal.SIGINT))
            self.timer.start()


@pytest.mark.parametrize("source", [READS_A_REGISTER, STAYS_NATIVE])
@pytest.mark.parametrize("time", range(4))
def test_a_run_ends_with_the_report_so_far(build_source, source: str, time: int) -> None:
    elf = build_source(source, "m4")
    before = signal.getsignal(signal.SIGINT)
    report = mcusim.run(elf, **LIMIT, progress=SigintSoon())
    assert report.exit.reason == "interrupted" and report.cycles > 10_000
    assert sum(function.self_cycles for function in report.functions) == report.cycles
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("source", [READS_A_REGISTER, STAYS_NATIVE])
def test_who_wants_the_whole_run_or_nothing_gets_no_report(build_source, source: str) -> None:
    elf = build_source(source, "m4")
    with pytest.raises(KeyboardInterrupt):
        mcusim.run(elf, **LIMIT, progress=SigintSoon(), report_interrupted=False)


@pytest.mark.filterwarnings("error")
def test_files_that_firmware_left_open_are_closed(build_source, tmp_path: Path) -> None:
    elf = build_source(WRITES_A_FILE, "m4")
    with pytest.raises(KeyboardInterrupt):
        mcusim.run(elf, **LIMIT, progress=SigintSoon(), report_interrupted=False, semihosting_root=tmp_path)
    assert (tmp_path / "told.txt").read_text() == "whole"


def test_it_is_raised_between_two_blocks() -> None:
    with pytest.raises(KeyboardInterrupt), CtrlC(woken) as ctrl_c:
        signal.raise_signal(signal.SIGINT)
        reached = True
        ctrl_c.heed()
        reached = False
    assert reached


def test_one_that_nobody_heeded_is_raised_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), CtrlC(woken):
        signal.raise_signal(signal.SIGINT)


def test_an_error_is_not_lost_in_it() -> None:
    with pytest.raises(ValueError, match="first"), CtrlC(woken):
        signal.raise_signal(signal.SIGINT)
        raise ValueError("first")


def test_the_second_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), CtrlC(woken):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it waited")


@pytest.fixture
def handled() -> Iterator[list[int]]:
    numbers: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGINT, before)


def test_a_handler_of_the_host_is_called_and_the_run_goes_on(build_source, handled: list[int]) -> None:
    report = mcusim.run(build_source(READS_A_REGISTER, "m4"), **LIMITED, progress=SigintSoon())
    assert (report.exit.reason, handled) == ("timeout", [signal.SIGINT])


def test_where_it_is_ignored_a_run_goes_on(build_source) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        report = mcusim.run(build_source(READS_A_REGISTER, "m4"), **LIMITED, progress=SigintSoon())
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.exit.reason == "timeout"


def test_a_run_in_a_thread_leaves_signals_alone(build_source) -> None:
    elf, endings = Path(build_source("int main(void) { return 0; }", "m4")), []
    thread = threading.Thread(target=lambda: endings.append(mcusim.run(elf, core="m4").exit.reason))
    thread.start()
    thread.join()
    assert endings == ["exit"]
