from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.alignment import by_lines, by_stamps, check_clock, energies, fit_clock, pulses
from calibration.instruments.marks_log import MarksLog, Total
from calibration.instruments.trace import Trace
from calibration.text import MeasurementError, Place
from tests.calibration.synthetic import PERIOD, RUNS, VOLTS, recording, stamps

SEEDS = range(3)
TOTALS = tuple(Total(name, 20, round(20 * seconds * 100e6)) for name, seconds, _ in RUNS)
LOG = MarksLog("log.txt", TOTALS, ())


def deviations(found, truth):
    """Relative errors of energy and time by mark."""
    assert [mark.name for mark in found] == [name for name, _, _ in RUNS]
    return [(mark.joules / truth.joules[mark.name] - 1, mark.seconds / truth.seconds[mark.name] - 1) for mark in found]


@pytest.mark.parametrize("seed", SEEDS)
def test_energy_by_a_line_is_right_to_half_a_percent_in_noise(seed):
    trace, truth = recording(np.random.default_rng(seed))
    windows = by_lines(trace, {"D0": ""}, TOTALS)
    assert windows.names == tuple(name for name, _, _ in truth.windows)
    assert np.abs(deviations(energies(trace, windows), truth)).max() < 0.005


@pytest.mark.parametrize("seed", SEEDS)
def test_glitches_of_a_line_change_nothing(seed):
    rng = np.random.default_rng(seed)
    trace, truth = recording(rng)
    clean = by_lines(trace, {"D0": ""}, TOTALS)
    edges = {int(place) for window in truth.windows for place in np.array(window[1:]) / PERIOD}
    line = trace.lines["D0"].copy()
    for place in 10 * rng.choice(len(line) // 10 - 1, 200, replace=False):
        if all(abs(place - edge) > 6 for edge in edges):
            line[place : place + rng.integers(1, 3)] ^= 1
    disturbed = replace(trace, lines={"D0": line})
    with pytest.raises(MeasurementError, match="pulses; allowed: 60"):
        by_lines(disturbed, {"D0": ""}, TOTALS, shortest_seconds=0.0)
    found = by_lines(disturbed, {"D0": ""}, TOTALS)
    assert found.begins == pytest.approx(clean.begins)
    assert found.ends == pytest.approx(clean.ends)


def test_an_edge_that_bounces_lies_where_it_first_moved():
    levels = np.array([0] * 10 + [1, 0, 1, 0] + [1] * 20 + [0, 1] + [0] * 10, np.int8)
    time = np.arange(len(levels)) * 1.0
    assert pulses(time, levels, 2.5).tolist() == [[10, 34]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("000111000", [[3, 6]]),
        ("111000111", []),  # neither pulse is complete
        ("000---000", []),
        ("--011--110", [[3, 9]]),
        ("000000", []),
        ("------", []),
        ("0111001110", [[1, 4], [6, 9]]),
    ],
)
def test_pulses_are_high_stretches_that_begin_and_end(text, expected):
    levels = np.array([{"0": 0, "1": 1, "-": -1}[letter] for letter in text], np.int8)
    assert pulses(np.arange(len(levels)) * 1.0, levels, 1.5).tolist() == expected


def test_each_mark_may_have_a_line_of_its_own():
    trace, truth = recording(np.random.default_rng(1))
    lines = {}
    for line, (name, _, _) in zip("ABC", RUNS, strict=True):
        level = np.zeros(len(trace.seconds), np.int8)
        for each, begin, end in truth.windows:
            level[(trace.seconds >= begin) & (trace.seconds < end) & (each == name)] = 1
        lines[line] = level
    windows = by_lines(replace(trace, lines=lines), dict(zip("ABC", (name for name, _, _ in RUNS), strict=True)), TOTALS)
    assert windows.names == tuple(name for name, _, _ in truth.windows)


def test_other_pulses_than_the_marks_say_are_refused():
    trace, _ = recording(np.random.default_rng(1))
    with pytest.raises(MeasurementError, match="line D0: met 60 pulses; allowed: 3"):
        by_lines(trace, {"D0": ""}, [replace(total, count=1) for total in TOTALS])
    with pytest.raises(MeasurementError, match="equal counts, or a line for each mark"):
        by_lines(trace, {"D0": ""}, [replace(TOTALS[0], count=1), *TOTALS[1:]])
    with pytest.raises(MeasurementError, match="no line 'D7'; allowed: D0"):
        by_lines(trace, {"D7": "conv1"})
    with pytest.raises(MeasurementError, match="no pulse on D0"):
        by_lines(replace(trace, lines={"D0": np.zeros(len(trace.seconds), np.int8)}), {"D0": "conv1"})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("offset", "rate"), [(0.0, 1.0), (1.7e9, 1 + 80e-6), (-3.0, 1 - 400e-6)])
def test_energy_by_stamps_is_right_in_spite_of_offset_drift_and_jitter(seed, offset, rate):
    rng = np.random.default_rng(seed)
    trace, truth = recording(rng, rounds=40)
    windows = by_stamps(trace, stamps(rng, truth, offset, rate, 4e-4))
    assert windows.names == tuple(name for name, _, _ in truth.windows)
    assert np.abs(deviations(energies(trace, windows), truth)).max() < 0.005
    ppm = float(windows.notes[0].split(" s, ")[1].split(" ppm")[0])
    assert ppm == pytest.approx((1 / rate - 1) * 1e6, abs=150)


def test_steps_that_are_no_marks_and_stamps_that_are_late_do_not_move_the_fit():
    rng = np.random.default_rng(5)
    edges = np.sort(rng.uniform(0, 20, 200))
    host = np.sort(50 + 1.0001 * edges[::2] + rng.normal(0, 1e-4, 100))
    host[::10] += rng.uniform(0.01, 0.02, 10)
    line = fit_clock(Place("trace.csv"), np.sort(host), edges)
    assert line.rate == pytest.approx(1 / 1.0001, abs=5e-6)
    assert line.offset + line.rate * 60 == pytest.approx((60 - 50) / 1.0001, abs=1e-4)


def test_stamps_that_do_not_belong_to_the_trace_are_refused():
    rng = np.random.default_rng(6)
    place = Place("trace.csv")
    with pytest.raises(MeasurementError, match=r"of 40 stamps near a step|two offsets"):
        fit_clock(place, np.sort(rng.uniform(0, 9, 40)), np.sort(rng.uniform(0, 10, 40)))
    with pytest.raises(MeasurementError, match="at two offsets"):
        fit_clock(place, np.arange(20) * 0.1, np.arange(40) * 0.1)
    with pytest.raises(MeasurementError, match="3 stamps"):
        fit_clock(place, np.arange(3.0), np.arange(40) * 0.1)
    with pytest.raises(MeasurementError, match="a trace that holds all stamps"):
        fit_clock(place, np.arange(9) * 1e9, np.arange(40) * 0.1)


def with_gap(trace, begin, end):
    kept = (trace.seconds < begin) | (trace.seconds >= end)
    lines = {name: level[kept] for name, level in trace.lines.items()}
    return replace(trace, seconds=trace.seconds[kept], amperes=trace.amperes[kept], lines=lines)


def test_a_gap_within_a_mark_is_refused_or_bridged_and_told():
    trace, truth = recording(np.random.default_rng(7))
    _, begin, _ = truth.windows[4]
    torn = with_gap(trace, begin + 5e-4, begin + 15e-4)
    assert torn.gaps == pytest.approx(np.array([[begin + 5e-4, begin + 15e-4]]), abs=2 * PERIOD)
    windows = by_lines(torn, {"D0": ""}, TOTALS)
    with pytest.raises(MeasurementError, match="a gap in the samples within conv2"):
        energies(torn, windows)
    found = energies(torn, windows, bridge_gaps=True)
    assert [mark.bridged for mark in found] == [0, 1, 0]
    assert np.abs(deviations(found, truth)).max() < 0.005


def test_a_gap_between_marks_matters_to_none():
    trace, truth = recording(np.random.default_rng(8))
    torn = with_gap(trace, truth.windows[4][2] + 3e-4, truth.windows[5][1] - 3e-4)
    found = energies(torn, by_lines(torn, {"D0": ""}, TOTALS))
    assert np.abs(deviations(found, truth)).max() < 0.005


def test_a_constant_power_gives_energy_as_by_hand():
    levels = np.array([0, 1, 1, 1, 0, 0], np.int8)
    trace = Trace("made up", "t.csv", np.arange(6) * 0.5, np.full(6, 0.002), None, {"D0": levels})
    (mark,) = energies(trace, by_lines(trace, {"D0": "a"}, shortest_seconds=0.0), 3.0)
    assert (mark.runs, mark.seconds) == (1, 1.5)
    assert mark.joules == pytest.approx(0.002 * 3 * 1.5)
    assert mark.watts == pytest.approx(0.006)
    assert mark.seconds_deviation == pytest.approx(0.5 / 6**0.5)  # two edges, each anywhere within a sample
    with pytest.raises(MeasurementError, match="without voltage"):
        energies(trace, by_lines(trace, {"D0": "a"}, shortest_seconds=0.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_lies_within_a_few_uncertainties(seed):
    trace, truth = recording(np.random.default_rng(100 + seed))
    for mark in energies(trace, by_lines(trace, {"D0": ""}, TOTALS)):
        assert abs(mark.joules - truth.joules[mark.name]) < 5 * mark.joules_deviation
        assert mark.joules_deviation < 0.01 * mark.joules


def test_cycles_tell_whether_the_stretches_are_those_of_the_marks():
    trace, _ = recording(np.random.default_rng(9))
    found = energies(trace, by_lines(trace, {"D0": ""}, TOTALS))
    assert check_clock(Place("t.csv"), found, LOG, 100e6) == pytest.approx(1, abs=5e-3)
    with pytest.raises(MeasurementError, match=r"conv1 for 0\.8"):
        check_clock(Place("t.csv"), found, LOG, 80e6)


def test_a_supply_in_volts_is_what_the_trace_has_first():
    trace, truth = recording(np.random.default_rng(10))
    assert trace.volts == VOLTS
    assert np.abs(deviations(energies(trace, by_lines(trace, {"D0": ""}, TOTALS), 99.0), truth)).max() < 0.005
