"""Power traces whose truth is known: marks as pulses of the current, on a digital line and in a log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.instruments.marks_log import Stamp
from calibration.instruments.trace import Trace

PERIOD = 1e-5
IDLE, VOLTS = 2e-3, 3.0
RUNS = (("conv1", 0.0040, 10e-3), ("conv2", 0.0025, 14e-3), ("dense", 0.0060, 8e-3))
"""Name, seconds and amperes of each mark."""


@dataclass(frozen=True)
class Truth:
    """Where the marks lie: name, begin, end; and the energy of one run of each."""

    windows: tuple[tuple[str, float, float], ...]
    joules: dict[str, float]
    seconds: dict[str, float]


def recording(rng: np.random.Generator, rounds: int = 20, noise: float = 3e-4) -> tuple[Trace, Truth]:
    """``rounds`` of all marks with pauses of varying length; the line ``D0`` is high within them."""
    windows, now = [], 0.01
    for _ in range(rounds):
        for name, seconds, _amperes in RUNS:
            windows.append((name, now, now + seconds))
            now += seconds + float(rng.uniform(2e-3, 6e-3))
    time = np.arange(round((now + 0.01) / PERIOD)) * PERIOD
    amperes, line = np.full(len(time), IDLE), np.zeros(len(time), np.int8)
    level = {name: amperes for name, _, amperes in RUNS}
    for name, begin, end in windows:
        share = np.clip((np.minimum(time + PERIOD, end) - np.maximum(time, begin)) / PERIOD, 0, 1)  # of each sample in the mark
        amperes += share * (level[name] - IDLE)
        line[(time >= begin) & (time < end)] = 1
    amperes += rng.normal(0, noise, len(time))
    truth = Truth(
        tuple(windows), {name: seconds * a * VOLTS for name, seconds, a in RUNS}, {name: seconds for name, seconds, _ in RUNS}
    )
    return Trace("made up", "trace.csv", time, amperes, VOLTS, {"D0": line}), truth


def stamps(rng: np.random.Generator, truth: Truth, offset: float, rate: float, jitter: float) -> list[Stamp]:
    """The log of a host whose clock shows ``offset + rate * time``, each stamp off by up to ``jitter``."""
    events = [(time, name, begins) for name, begin, end in truth.windows for time, begins in ((begin, True), (end, False))]
    shown = np.array([offset + rate * time for time, _, _ in events]) + rng.uniform(-jitter, jitter, len(events))
    return [
        Stamp(float(time), name, begins)
        for time, (_, name, begins) in zip(np.maximum.accumulate(shown), events, strict=True)
    ]
