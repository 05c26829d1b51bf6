"""The diagnosis for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TextIO

from mcusim.doctor.diagnosis import Diagnosis, Finding
from mcusim.report.quantity import grouped, printable, share, si

WIDTH, INDENT = 100, "   "
NOTHING = "Nothing found: no change of caches, prefetch, wait states, clock, placement or alignment would save 1 %."


def write_diagnosis(diagnosis: Diagnosis, stream: TextIO) -> None:
    """Print ``diagnosis`` to ``stream``."""
    stream.write("\n".join(_lines(diagnosis)) + "\n")


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    name = printable(diagnosis.program.path)
    yield f"{name} on {diagnosis.board} (core {diagnosis.core})"
    clock = si(diagnosis.clock_hertz, "Hz")
    yield f"{grouped(diagnosis.cycles)} cycles, {si(diagnosis.seconds, 's')}, clock {clock} at the end; {_ended(diagnosis)}"
    if not diagnosis.findings:
        yield ""
        yield from textwrap.wrap(NOTHING, WIDTH)
    for number, finding in enumerate(diagnosis.findings, 1):
        yield ""
        yield from _finding(diagnosis, finding, number)
    if diagnosis.together_cycles is not None and diagnosis.together_seconds is not None:
        yield ""
        cycles, seconds = grouped(diagnosis.together_cycles), si(diagnosis.together_seconds, "s")
        text = f"The changes of memory, clock and data together: {cycles} cycles, {seconds}. Their savings overlap."
        yield from textwrap.wrap(text, WIDTH)


def _ended(diagnosis: Diagnosis) -> str:
    return f"ended by {diagnosis.exit.reason}, code {diagnosis.exit.code}"


def _finding(diagnosis: Diagnosis, finding: Finding, number: int) -> Iterator[str]:
    yield from textwrap.wrap(f"{number}. {finding.what}", WIDTH, subsequent_indent="   ")
    if finding.where:
        yield from textwrap.wrap(
            "in: " + ", ".join(map(printable, finding.where)), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT
        )
    yield from textwrap.wrap(f"-> {finding.advice}", WIDTH, initial_indent="   ", subsequent_indent="      ")
    yield from textwrap.wrap(_saving(diagnosis, finding), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _saving(diagnosis: Diagnosis, finding: Finding) -> str:
    if finding.saved_cycles is None or finding.saved_seconds is None:
        return f"cannot be priced: {finding.not_priced}"
    part = share(round(finding.saved_seconds * 1e12), round(diagnosis.seconds * 1e12))
    time, cycles = f"{si(finding.saved_seconds, 's')} ({part} of the time)", grouped(abs(finding.saved_cycles))
    if finding.saved_cycles < 0:
        return f"saves {time}, though it takes {cycles} cycles more"
    return f"saves {cycles} cycles, {time}"
