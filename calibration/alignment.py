"""A power trace laid over marks: which stretch of it is which run of which mark, and what energy each took.

Two ways:

* ``by_lines``: a digital line is high while a mark runs. It has the trace's own clock. Pulses and breaks shorter than a limit
  are glitches, and are dropped.
* ``by_stamps``: the host stamped begins and ends as they came over a serial port. Its clock has an offset and a drift, and each
  stamp is late by some jitter. Steps of the current are searched; offset and drift are those under which most stamps meet one
  (a vote over pairs), refined by a Theil-Sen line, from which outliers drop out. Each stamp then is moved to its step.

``energies`` integrates: a sample is a mean over its period, so energy is exact between samples, and a stretch may begin
anywhere. Stretches with gaps are refused, or bridged with the mean of both sides, and then say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.instruments.marks_log import MarksLog, Stamp, Total
from calibration.instruments.trace import GAP, UNKNOWN, Floats, Levels, Trace
from calibration.text import Place

GLITCH_PERIODS = 2.5
"""Pulses and breaks below this many periods are glitches, unless somebody gives another limit."""
UNIFORM = 12**-0.5
"""Standard deviation of what lies anywhere within 1."""
MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
DRIFT, TOLERANCE_SECONDS = 1e-3, 2e-3
"""By how much the host's clock may run off the trace's, and by how much one stamp may be late or early against the others."""
STEP_DEVIATIONS, STEP_SHARE = 6.0, 0.05
"""A step of the current is above this many deviations of the noise, and this share of the current's whole range."""
LONGEST_SIDE = 50
"""Samples that are averaged on each side of a step, at most."""
BALLOTS = 300_000_000
"""Pairs of a stamp and a step that are counted at most, over all rates: some seconds of work."""
FEWEST_STAMPS, FEWEST_MET = 4, 0.5
AGREEMENT = 0.1
"""How far cycles and the time of their stretch may be apart before they are not of one mark."""

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Windows:
    """Runs of marks in a trace: ``names`` (n), ``begins`` and ``ends`` (n,) in the trace's seconds.

    ``deviations`` (n, 2) are the standard uncertainties of both.
    ``how`` says how they were found, ``notes`` what is to be known of it.
    """

    names: tuple[str, ...]
    begins: Floats
    ends: Floats
    deviations: Floats
    how: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkEnergy:
    """Means over the runs of one mark, each with its standard uncertainty; ``bridged`` runs had gaps."""

    name: str
    runs: int
    joules: float
    joules_deviation: float
    seconds: float
    seconds_deviation: float
    bridged: int = 0

    @property
    def watts(self) -> float:
        """Mean power."""
        return self.joules / self.seconds


# --- by lines -----------------------------------------------------------------------------------------------------------
def pulses(seconds: Floats, levels: Levels, shortest_seconds: float) -> Floats:
    """(m, 2): first sample of each high stretch and first after it, in seconds, without glitches below ``shortest_seconds``.

    Where a level is unknown, the one before holds. A stretch that is not there whole is left out. An edge that bounces lies
    where it first moved.
    """
    known = np.flatnonzero(levels != UNKNOWN)
    if not len(known):
        return np.empty((0, 2))
    held = levels[known[np.maximum(np.searchsorted(known, np.arange(len(levels)), side="right") - 1, 0)]]
    starts = np.flatnonzero(np.diff(held, prepend=held[0] ^ 1))
    ends = np.append(seconds[starts[1:]], np.inf)  # the last stretch is not known to end
    begins = np.append(-np.inf, seconds[starts[1:]])  # nor the first to begin
    long = ends - begins >= shortest_seconds
    level, begin, end = held[starts[long]], begins[long], ends[long]
    if not len(level):
        return np.empty((0, 2))
    first = np.flatnonzero(np.diff(level, prepend=level[0] ^ 1))  # neighbours of one level became one
    last = np.append(first[1:], len(level)) - 1
    # an edge lies where the stretch before it ended, so that it does not move by its own bouncing
    edges = np.stack((np.append(begin[:1], end[last[:-1]]), end[last]), axis=1)
    return edges[(level[first] == 1) & np.all(np.isfinite(edges), axis=1)]


def by_lines(
    trace: Trace, lines: Mapping[str, str], totals: Sequence[Total] = (), shortest_seconds: float | None = None
) -> Windows:
    """The runs of marks by their digital lines: ``lines`` names the mark of each line.

    A name of "" stands for all marks of ``totals`` in turns, which then have to run equally often. MeasurementError for lines
    that the trace lacks, and for other numbers of pulses than ``totals`` say.
    """
    place, shortest = Place(trace.path), GLITCH_PERIODS * trace.period if shortest_seconds is None else shortest_seconds
    names: list[str] = []
    found: list[Floats] = []
    for line, name in lines.items():
        if line not in trace.lines:
            raise place.error(f"no line {line!r}", ", ".join(trace.lines) or "a trace with digital lines")
        # a level is that of the sample's begin, so an edge lies anywhere between two of them
        edges = pulses(trace.seconds, trace.lines[line], shortest) - trace.period / 2
        names += _names(place.at(0, f"line {line}"), name, totals, len(edges))
        found.append(edges)
    edges = np.concatenate(found) if found else np.empty((0, 2))
    if not len(edges):
        raise place.error(f"no pulse on {', '.join(lines) or 'any line'}", f"pulses of at least {shortest:g} s")
    order = np.argsort(edges[:, 0], kind="stable")
    deviations = np.full((len(edges), 2), trace.period * UNIFORM)
    how = f"line {', '.join(lines)}"
    return Windows(tuple(names[number] for number in order), edges[order, 0], edges[order, 1], deviations, how)


def _names(place: Place, name: str, totals: Sequence[Total], count: int) -> list[str]:
    """Marks of the pulses of one line."""
    counts = {total.name: total.count for total in totals}
    if name:
        expected = counts.get(name, count)
        marks = [name]
    else:
        if len(set(counts.values())) != 1:
            raise place.error(f"marks that run {sorted(set(counts.values()))} times", "equal counts, or a line for each mark")
        expected, marks = sum(counts.values()), list(counts)
    if count != expected:
        raise place.error(f"{count} pulses", f"{expected}, as the marks say (is the trace longer than one run?)")
    return (marks * count)[:count]


# --- by stamps ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ClockLine:
    """The host's clock in the trace's: ``trace = offset + rate * host``; ``deviation`` is that of one stamp, in seconds."""

    offset: float
    rate: float
    deviation: float


def steps(trace: Trace, shortest_seconds: float) -> Floats:
    """(m,): times at which the current steps up or down, where levels last for ``shortest_seconds`` at least."""
    side = int(np.clip(shortest_seconds / (4 * trace.period), 1, LONGEST_SIDE))
    total = np.concatenate(([0.0], np.cumsum(trace.amperes)))
    if len(trace.amperes) < 2 * side:
        return np.empty(0)
    middle = np.arange(side, len(trace.amperes) - side + 1)
    change = (total[middle + side] - 2 * total[middle] + total[middle - side]) / side
    noise = MAD * float(np.median(np.abs(change - np.median(change))))
    low, high = np.percentile(trace.amperes, (1, 99))
    above = np.abs(change) > max(STEP_DEVIATIONS * noise, STEP_SHARE * (high - low), 1e-12)
    side_of_zero = np.where(above, np.sign(change), 0).astype(np.int8)
    starts = np.flatnonzero(np.diff(side_of_zero, prepend=0))
    groups = [(a, b) for a, b in zip(starts, np.append(starts[1:], len(change)), strict=True) if above[a]]
    peaks = np.array([a + int(np.argmax(np.abs(change[a:b]))) for a, b in groups], int)
    return trace.seconds[np.minimum(middle[peaks], len(trace.seconds) - 1)]


def fit_clock(place: Place, host: Floats, edges: Floats) -> ClockLine:
    """The line under which most of ``host`` (n,) meet one of ``edges`` (m,), both in seconds.

    MeasurementError where too few meet, or where two offsets are as good as each other (a pattern that repeats).
    """
    if len(host) < FEWEST_STAMPS or len(edges) < FEWEST_STAMPS:
        raise place.error(f"{len(host)} stamps and {len(edges)} steps of the current", f"at least {FEWEST_STAMPS} of both")
    _check_work(place, host, edges)
    zero = float(host[0])
    line = _vote(place, host - zero, edges)
    tolerance = TOLERANCE_SECONDS
    for _ in range(3):
        met, nearest = _meet(host - zero, edges, line, tolerance)
        if met.sum() < max(FEWEST_STAMPS, FEWEST_MET * len(host)):
            raise place.error(f"{met.sum()} of {len(host)} stamps near a step of the current", "most of them")
        line = _theil_sen((host - zero)[met], edges[nearest[met]])
        tolerance = min(TOLERANCE_SECONDS, max(4 * line.deviation, 1e-5))
    return ClockLine(line.offset - line.rate * zero, line.rate, line.deviation)


def _check_work(place: Place, host: Floats, edges: Floats) -> None:
    """Refuse what cannot be one recording, and what would take too long."""
    stamped, recorded = float(host[-1] - host[0]), float(edges[-1] - edges[0])
    if stamped > (1 + DRIFT) * recorded + 2 * TOLERANCE_SECONDS:
        met = f"stamps over {stamped:g} s and steps of the current over {recorded:g} s"
        raise place.error(met, "a trace that holds all stamps")
    if len(host) * len(edges) * (2 * _reach(stamped) + 1) + recorded / TOLERANCE_SECONDS > BALLOTS:
        met = f"{len(host)} stamps and {len(edges)} steps of the current in {stamped:g} s"
        raise place.error(met, "a shorter recording, or a digital line")


def _reach(span: float) -> int:
    """Rates above and below 1 that have to be tried."""
    return int(np.ceil(DRIFT * span / TOLERANCE_SECONDS))


def _vote(place: Place, host: Floats, edges: Floats) -> ClockLine:
    """Offset and rate with most pairs of stamp and edge, to within the tolerance."""
    span = max(float(host[-1] - host[0]), TOLERANCE_SECONDS)
    ballots = []
    for number in range(-_reach(span), _reach(span) + 1):
        rate = 1 + number * TOLERANCE_SECONDS / span
        bins = np.floor((edges[:, None] - rate * host[None, :]) / TOLERANCE_SECONDS).astype(np.int64).ravel()
        votes = np.bincount(bins - bins.min())
        both = votes + np.append(votes[1:], 0)  # a cluster may lie on the border of two bins
        best = int(np.argmax(both))
        rest = np.concatenate((both[: max(best - 2, 0)], both[best + 3 :]))
        offset = (best + int(bins.min()) + 1) * TOLERANCE_SECONDS
        ballots.append((int(both[best]), -abs(number), rate, offset, int(rest.max(initial=0))))
    count, _, rate, offset, second = max(ballots)
    if second >= count:
        raise place.error("stamps that fit the trace at two offsets", "a pattern that does not repeat, or a digital line")
    return ClockLine(offset, rate, TOLERANCE_SECONDS)


def _meet(host: Floats, edges: Floats, line: ClockLine, tolerance: float) -> tuple[NDArray[np.bool_], Indices]:
    """Which stamps have an edge within ``tolerance``, and the nearest edge of each."""
    times = line.offset + line.rate * host
    after = np.clip(np.searchsorted(edges, times), 1, len(edges) - 1)
    nearest = np.where(times - edges[after - 1] < edges[after] - times, after - 1, after)
    return np.abs(edges[nearest] - times) <= tolerance, nearest


def _theil_sen(host: Floats, edges: Floats) -> ClockLine:
    """The line of median slope through pairs, which a minority of wrong ones does not move."""
    sample = np.linspace(0, len(host) - 1, min(len(host), 1000)).astype(int)
    x, y = host[sample], edges[sample]
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first] > (x[-1] - x[0]) / 4  # near ones say little of the slope
    rate = float(np.median((y[second] - y[first])[apart] / (x[second] - x[first])[apart])) if np.any(apart) else 1.0
    rest = edges - rate * host
    offset = float(np.median(rest))
    return ClockLine(offset, rate, MAD * float(np.median(np.abs(rest - offset))))


def by_stamps(trace: Trace, stamps: Sequence[Stamp]) -> Windows:
    """The runs of marks by stamps of the host's clock, each begin and end moved to the step of the current that it belongs to.

    MeasurementError where stamps and current cannot be brought together, see ``fit_clock``.
    """
    host = np.array([stamp.seconds for stamp in stamps])
    place = Place(trace.path)
    lengths = np.diff(host)[np.diff(host) > TOLERANCE_SECONDS]
    edges = steps(trace, float(lengths.min()) if len(lengths) else 0.0)
    line = fit_clock(place, host, edges)
    met, nearest = _meet(host, edges, line, max(4 * line.deviation, 2 * trace.period))
    times = np.where(met, edges[nearest], line.offset + line.rate * host)
    deviations = np.where(met, trace.period * UNIFORM, max(line.deviation, trace.period * UNIFORM))
    begins, ends, names = [], [], []
    last: dict[str, int] = {}
    for number, stamp in enumerate(stamps):
        if stamp.begins:
            last[stamp.name] = number
        else:
            names.append(stamp.name)
            begins.append(last[stamp.name])
            ends.append(number)
    notes = (
        f"host clock: offset {line.offset:.6f} s, {1e6 * (line.rate - 1):+.1f} ppm, jitter {1e6 * line.deviation:.0f} us",
        f"{int(met.sum())} of {len(host)} stamps at a step of the current",
    )
    pairs = np.stack((deviations[begins], deviations[ends]), axis=1)
    return Windows(tuple(names), times[begins], times[ends], pairs, "stamps of the host", notes)


# --- energy -------------------------------------------------------------------------------------------------------------
def energies(trace: Trace, windows: Windows, supply_volts: float | None = None, bridge_gaps: bool = False) -> list[MarkEnergy]:
    """Energy, time and their uncertainties of each mark, in the order of first runs.

    MeasurementError for windows outside the trace, and for gaps inside one unless ``bridge_gaps``.
    """
    place, bridged = Place(trace.path), _with_gaps(trace, windows)
    if np.any(bridged) and not bridge_gaps:
        number = int(np.argmax(bridged))
        met = f"a gap in the samples within {windows.names[number]}, from {windows.begins[number]:.6f} s"
        raise place.error(met, "whole stretches (--bridge-gaps takes the mean of both sides)")
    if np.min(windows.begins) < trace.seconds[0] or np.max(windows.ends) > trace.seconds[-1] + trace.period:
        raise place.error("marks that begin before the trace or end after it", "a trace that holds all of them")
    if np.any(windows.ends <= windows.begins):
        raise place.error("marks that end where they begin", "marks longer than the trace can tell")
    knots, joules = _cumulated(trace, supply_volts)
    energy = np.interp(windows.ends, knots, joules) - np.interp(windows.begins, knots, joules)
    return [_mark(windows, energy, bridged, name) for name in dict.fromkeys(windows.names)]


def _cumulated(trace: Trace, supply_volts: float | None) -> tuple[Floats, Floats]:
    """Energy from the begin to each knot: begins of samples, and the end of the last."""
    watts = trace.watts(supply_volts)
    span = np.append(np.diff(trace.seconds), trace.period)
    own = np.where(span > GAP * trace.period, trace.period, span)
    between = (watts + np.append(watts[1:], 0.0)) / 2
    joules = np.concatenate(([0.0], np.cumsum(watts * own + between * (span - own))))
    return np.append(trace.seconds, trace.seconds[-1] + trace.period), joules


def _with_gaps(trace: Trace, windows: Windows) -> NDArray[np.bool_]:
    """(n,): windows that a gap reaches into."""
    if not len(trace.gaps):
        return np.zeros(len(windows.names), bool)
    begun = np.searchsorted(trace.gaps[:, 0], windows.ends)  # gaps that begin before the window's end
    ended = np.searchsorted(trace.gaps[:, 1], windows.begins, side="right")  # gaps that end before its begin
    return begun > ended


def _mark(windows: Windows, energy: Floats, bridged: NDArray[np.bool_], name: str) -> MarkEnergy:
    own = np.array([each == name for each in windows.names])
    count = int(own.sum())
    joules, seconds = energy[own], (windows.ends - windows.begins)[own]
    edges = np.sqrt(np.sum(windows.deviations[own] ** 2, axis=1))
    watts = joules / seconds
    return MarkEnergy(
        name, count, float(joules.mean()), _uncertainty(joules, watts * edges), float(seconds.mean()),
        _uncertainty(seconds, edges), int(bridged[own].sum()),
    )  # fmt: skip


def _uncertainty(values: Floats, deviations: Floats) -> float:
    """Of a mean: from the scatter of the runs, or from what is known of each, whichever is more.

    What is known does not become less with more runs: edges are late, and samples smear them, alike in each.
    """
    known = float(deviations.mean())
    scatter = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return max(known, scatter)


def check_clock(place: Place, marks: Sequence[MarkEnergy], log: MarksLog, clock_hertz: float) -> float:
    """The trace's seconds over those of the cycles: 1 but for the drift of both clocks.

    MeasurementError where a mark is off by more than ``AGREEMENT``: its stretch is that of something else, or the clock is.
    """
    cycles = {total.name: total.cycles / total.count for total in log.totals}
    ratios = {mark.name: mark.seconds * clock_hertz / cycles[mark.name] for mark in marks if mark.name in cycles}
    for name, ratio in ratios.items():
        if abs(ratio - 1) > AGREEMENT:
            met = f"{name} for {ratio:.3f} times the time of its cycles at {clock_hertz:g} Hz"
            raise place.error(met, f"within {AGREEMENT:.0%} (is the clock right, and is the line that of the mark?)")
    return float(np.median(list(ratios.values()))) if ratios else 1.0
