"""Logs of EEMBC's EnergyRunner and of the runner of MLPerf Tiny: latency and energy per inference.

* ``m-lap-us-MICROSECONDS`` twice bracket the inferences of ``infer N W``; the difference over N is a latency;
* ``Median throughput is X inf./sec.`` sums up the windows of a performance run;
* ``Energy/Inf : X uJ/inf`` is one window of an energy run, ``Median energy cost is X uJ/inf.`` their median.

Source: eembc/energyrunner:README.md@00cb1aba45544dadfd55a97eb332c253e37e8f68 (laps), and mlcommons/tiny:benchmark/runner/
main.py and script.py @09f3bf8a291fa16c0128dc2e982f784832df69a6, whose summaries repeat those of EnergyRunner. Anything may
stand in front of these texts in a line (time, device).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calibration.measurements import Measurement
from calibration.text import Place, number, read_text, shown

TEXTS = {
    "lap": re.compile(r"m-lap-us-(\S*)"),
    "inferences": re.compile(r"\binfer (\d+)(?: \d+)?\b"),
    "throughput": re.compile(r"Median throughput is\s+(\S+) inf\./sec\."),
    "energy window": re.compile(r"Energy/Inf\s*:\s*(\S+) uJ/inf"),
    "energy": re.compile(r"Median energy cost is\s+(\S+) uJ/inf\."),
}
"""What is looked for in a line, by name."""
MICRO = 1e-6
FEWEST_FOR_SPREAD = 2


def read(path: str | Path, name: str, board: str, **subject: Any) -> tuple[Measurement, ...]:
    """Latency and energy of one inference of ``name``, whichever the log has. ``subject``: further fields of ``Measurement``.

    MeasurementError for a log without either, for damaged lines, and for a log of several runs.
    """
    place = Place(str(path))
    found = {kind: [value for each, _, value in _found(place) if each == kind] for kind in TEXTS}
    latencies = list(_latencies(place))
    for kind in ("throughput", "energy"):
        if len(found[kind]) > 1:
            raise place.error(f"{len(found[kind])} lines of median {kind}", "a log of one run")
    fields = {"source": place.path, **subject}
    answers: list[Measurement] = []
    if latencies or found["throughput"]:
        seconds = statistics.median(latencies) if latencies else 1 / found["throughput"][0]
        answers.append(Measurement(name, "latency", seconds, "s", board, uncertainty=_spread(latencies), **fields))
    energies = found["energy window"]
    if energies or found["energy"]:
        micro = found["energy"][0] if found["energy"] else statistics.median(energies)
        answers.append(Measurement(name, "energy", micro, "uJ", board, uncertainty=_spread(energies), **fields))
    if not answers:
        raise place.error("neither laps nor medians", "a log with m-lap-us-, Median throughput or Median energy cost")
    return tuple(answers)


def _found(place: Place) -> Iterator[tuple[str, int, float]]:
    """Kind, line and value of everything that is looked for."""
    for line, text in enumerate(read_text(place.path).split("\n"), 1):
        for kind, form in TEXTS.items():
            if found := form.search(text):
                value = number(place.at(line), found[1])
                if value < 0 or (value == 0 and kind != "lap"):
                    raise place.at(line).error(shown(found[0]), "a number above 0")
                yield kind, line, value


def _latencies(place: Place) -> Iterator[float]:
    """Seconds per inference of each pair of laps that follows an ``infer``."""
    inferences, first = 0.0, None
    for kind, line, value in _found(place):
        if kind == "inferences":
            inferences, first = value, None
        elif kind == "lap" and inferences:
            if first is None:
                first = value
                continue
            if value <= first:
                raise place.at(line).error(f"a lap of {value:.0f} us after one of {first:.0f} us", "laps in order of time")
            yield (value - first) * MICRO / inferences
            inferences, first = 0.0, None


def _spread(values: list[float]) -> float | None:
    """Standard deviation of the median's windows; None of fewer than two."""
    return statistics.stdev(values) if len(values) >= FEWEST_FOR_SPREAD else None
