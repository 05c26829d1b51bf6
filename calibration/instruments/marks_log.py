"""Serial logs of our marks: totals by name, and time stamps of begins and ends.

* ``#mark NAME COUNT CYCLES`` is what ``kernels_c/src/marks.c`` prints, anywhere in a line (terminal programs put
  stamps in front);
* ``SECONDS #begin NAME`` and ``SECONDS #end NAME``: a line of the program with the host's time in front, as ``ts '%.s'`` of
  moreutils and most terminal programs write it.

All other lines are the program's own and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.measurements import Measurement
from calibration.text import Place, number, read_text, shown

TOTAL = re.compile(r"#mark\s+(.*)")
STAMP = re.compile(r"(\S+)\s+#(begin|end)\s+(\S+)\s*")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
COUNT = re.compile(r"[1-9]\d{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Total:
    """A line ``#mark``: how often the stretch ran, and its cycles altogether. ``line`` is where it stands."""

    name: str
    count: int
    cycles: int
    line: int = 0


@dataclass(frozen=True, slots=True)
class Stamp:
    """A begin or an end of a stretch, by the host's clock."""

    seconds: float
    name: str
    begins: bool


@dataclass(frozen=True, slots=True)
class MarksLog:
    """What a log says of marks: totals in their order, stamps in theirs."""

    path: str
    totals: tuple[Total, ...]
    stamps: tuple[Stamp, ...]


def read(path: str | Path) -> MarksLog:
    """The marks of a log. MeasurementError for lines that are damaged, for a mark printed twice, for stamps out of order."""
    place = Place(str(path))
    lines = list(enumerate(read_text(path).split("\n"), 1))
    return MarksLog(place.path, tuple(_totals(place, lines)), tuple(_stamps(place, lines)))


def read_stamps(path: str | Path) -> tuple[Stamp, ...]:
    """The stamps of a log whose totals are of another kind. MeasurementError for stamps out of order."""
    return tuple(_stamps(Place(str(path)), list(enumerate(read_text(path).split("\n"), 1))))


def _totals(place: Place, lines: Sequence[tuple[int, str]]) -> Iterator[Total]:
    seen: dict[str, int] = {}
    for line, text in lines:
        if not (found := TOTAL.search(text)):
            continue
        words, here = found[1].split(), place.at(line)
        if len(words) != 3 or not NAME.fullmatch(words[0]) or not all(COUNT.fullmatch(word) for word in words[1:]):
            raise here.error(shown(found[0]), "#mark NAME COUNT CYCLES, both whole numbers from 1")
        if words[0] in seen:
            met = f"the mark {words[0]!r} again, which stands in line {seen[words[0]]} too"
            raise here.error(met, "each mark once (a log of one run of the program)")
        seen[words[0]] = line
        yield Total(words[0], int(words[1]), int(words[2]), line)


def _stamps(place: Place, lines: Sequence[tuple[int, str]]) -> Iterator[Stamp]:
    last, open_marks = float("-inf"), set[str]()
    for line, text in lines:
        if not (found := STAMP.fullmatch(text.strip())):
            continue
        here, begins = place.at(line), found[2] == "begin"
        seconds = number(place.at(line, "column 1"), found[1])
        if seconds < last:
            raise here.error(f"a time of {found[1]} after a later one", "stamps in order of time")
        if begins == (found[3] in open_marks):
            raise here.error(f"#{found[2]} {found[3]}", "#begin and #end of a mark in turns")
        open_marks ^= {found[3]}
        last = seconds
        yield Stamp(seconds, found[3], begins)
    if open_marks:
        raise place.error(f"no #end of {', '.join(sorted(open_marks))}", "an #end for each #begin")


def measurements(log: MarksLog, board: str, **subject: Any) -> tuple[Measurement, ...]:
    """Cycles of one run of each mark. ``subject``: further fields of ``Measurement`` (clock, compiler, program, ...)."""
    fields = {"source": log.path, **subject}
    return tuple(
        Measurement(total.name, "cycles", total.cycles / total.count, "cycles", board, mark=total.name, **fields)
        for total in log.totals
    )
