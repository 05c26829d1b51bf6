"""One small file for each format, as its source writes it, and what becomes of damaged ones."""

from __future__ import annotations

import random

import numpy as np
import pytest

from calibration.instruments import FORMATS, Trace, energyrunner, marks_log, read_trace
from calibration.text import MeasurementError

SAMPLES = {
    "PPK2": ("ppk.csv", "Timestamp(ms),Current(uA),D0-D7,D0,D1,D2,D3,D4,D5,D6,D7\n"
             "0,1000.000,00000000,0,0,0,0,0,0,0,0\n0.01,2000.500,10000001,1,0,0,0,0,0,0,1\n"
             "0.02,3000.000,X-000000,X,-,0,0,0,0,0,0\n0.03,-0.250,00000000,0,0,0,0,0,0,0,0\n"),
    "Joulescope": ("js.csv", "# time,JS220-001122.i,JS220-001122.v,JS220-001122.0\n"
                   "0.000000000000000000e+00,1.0e-03,3.0e+00,0.0\n1.0e-05,2.0005e-03,3.1e+00,1.0e+00\n2.0e-05,3.0e-03,3.0,4.0e-01\n"
                   "3.0e-05,-2.5e-07,3.0,0.0\n"),
    "Joulescope statistics": ("stats.csv", "#time,current,voltage,power,charge,energy\n"
                              "0.0,0.001,3,0.003,0,0\n0.5,0.0020005,3.1,0.006,0.001,0.003\n1.0,0.003,3,0.009,0,0\n1.5,-2.5e-7,3,0,0,0\n"),
    "Joulescope UTC": ("utc.csv", "#time,current,voltage,power,charge,energy\n"
                       "20260131T235959.0Z,0.001,3,0.003,0,0\n20260131T235959.5Z,0.0020005,3.1,0.006,0,0\n"
                       "20260201T000000.0Z,0.003,3,0.009,0,0\n20260201T000000.5Z,-2.5e-7,3,0,0,0\n"),
    "Joulescope logger": ("log.csv", "#= header=time,current,voltage,power,charge,energy,current_min,current_max\n"
                          "#= units=s,A,V,W,C,J,A,A\n#= start_time=1700000000\n"
                          "0.5,0.001,3,0.003,0,0,0,0\n1.0,0.0020005,3.1,0.006,0,0,0,0\n1.5,0.003,3,0,0,0,0,0\n2.0,-2.5e-7,3,0,0,0,0,0\n"),
    "Otii": ("otii.csv", '"Wall-clock time (UTC)","Arc Main Current (A)","Arc Main Voltage (V)","Arc GPI1"\n'
             '"2026-01-31T12:00:00.000Z","0.001","3","0"\n"2026-01-31T12:00:00.250Z","0.0020005","3.1","1"\n'
             '"2026-01-31T12:00:00.500Z","0.003","3","0"\n"2026-01-31T12:00:00.750Z","-2.5e-7","3","0"\n'),
    "Otii, one channel": ("Main current - Arc.csv",
                          "Timestamp,Value\n0,0.001\n0.00025,0.0020005\n0.0005,0.003\n0.00075,-2.5e-7\n"),
    "PowerShield, table": ("shield.csv", "Time (ms);Current (nA)\n0;1000000\n0.01;2000500\n0.02;3000000\n0.03;-250\n"),
    "PowerShield": ("shield.txt", "PowerShield > ack freq 10k\nPowerShield > ack volt 3000m\n1000-06\nevent 1 ris\n2000-06\n"
                    "TimeStamp: 000s 000ms, buff 05%\n3000-06\n0000-07\nevent 2 ris\n0000-07\n"),
}  # fmt: skip
AMPERES = [0.001, 0.0020005, 0.003, -2.5e-7]


@pytest.fixture
def file(tmp_path):
    """Writes a file of that name."""

    def write(name: str, text: str | bytes):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "PowerShield"])
def test_each_format_gives_time_and_current_in_si_units(file, name):
    trace = read_trace(file(*SAMPLES[name]))
    assert trace.instrument == name.split(",")[0].split()[0]
    assert trace.amperes == pytest.approx(AMPERES)
    assert len(trace.gaps) == 0
    assert np.allclose(np.diff(trace.seconds), trace.period)


def test_every_format_has_a_sample():
    assert {name.split(",")[0].split()[0] for name in SAMPLES} == {each.name for each in FORMATS}


PERIODS = {
    "PPK2": 1e-5, "Joulescope": 1e-5, "Otii": 0.25, "Otii, one channel": 2.5e-4, "Joulescope UTC": 0.5,
    "PowerShield, table": 1e-5,
}  # fmt: skip


@pytest.mark.parametrize(("name", "period"), PERIODS.items())
def test_times_are_in_seconds(file, name, period):
    assert read_trace(file(*SAMPLES[name])).period == pytest.approx(period, rel=1e-6)


def test_digital_lines_are_levels_and_unknown_where_they_were_not_recorded(file):
    lines = read_trace(file(*SAMPLES["PPK2"])).lines
    assert list(lines) == [f"D{number}" for number in range(8)]
    assert lines["D0"].tolist() == [0, 1, -1, 0]
    assert lines["D1"].tolist() == [0, 0, -1, 0]
    assert lines["D7"].tolist() == [0, 1, 0, 0]
    assert read_trace(file(*SAMPLES["Joulescope"])).lines["0"].tolist() == [0, 1, 0, 0]
    assert read_trace(file(*SAMPLES["Otii"])).lines["Arc GPI1"].tolist() == [0, 1, 0, 0]


def test_power_needs_a_voltage_from_the_file_or_from_the_caller(file):
    assert read_trace(file(*SAMPLES["Joulescope"])).watts(99.0)[1] == pytest.approx(0.0020005 * 3.1)
    trace = read_trace(file(*SAMPLES["PPK2"]))
    assert trace.watts(3.0)[0] == pytest.approx(0.003)
    with pytest.raises(MeasurementError, match="a trace without voltage"):
        trace.watts()


def test_the_stream_of_the_power_shield_has_its_settings_and_events(file):
    trace = read_trace(file(*SAMPLES["PowerShield"]))
    assert trace.period == pytest.approx(1e-4)
    assert trace.volts == 3.0
    assert trace.amperes == pytest.approx([0.001, 0.002, 0.003, 0, 0])
    assert trace.lines["events"].tolist() == [0, 1, 1, 1, 0]


def test_energies_of_the_power_shield_become_currents(file):
    text = "ack output energy\nack freq 1k\nack volt 2000m\n2000-09\n4000-09\n2000-09\n"
    assert read_trace(file("s.txt", text)).watts() == pytest.approx([0.002, 0.004, 0.002])


def test_samples_that_the_power_shield_lost_are_a_gap(file):
    stamps = "TimeStamp: 000s 000ms, buff 05%\n", "TimeStamp: 000s 010ms, buff 05%\n"
    text = "ack freq 1k\n" + stamps[0] + "1000-06\n" * 8 + stamps[1] + "1000-06\n" * 4
    trace = read_trace(file("s.txt", text))
    assert trace.gaps == pytest.approx(np.array([[0.008, 0.010]]))


def test_missing_samples_are_gaps(file):
    text = "Timestamp(ms),Current(uA)\n" + "".join(f"{n / 100},5\n" for n in (*range(10), *range(20, 30)))
    trace = read_trace(file("p.csv", text))
    assert trace.gaps == pytest.approx(np.array([[1e-4, 2e-4]]))


@pytest.mark.parametrize(
    ("name", "text", "met"),
    [
        ("a.csv", "time;amps\n0;1\n", "line 1: met 'time;amps'; allowed: PPK2: .*; Joulescope: .*; Otii: .*; PowerShield: "),
        ("a.csv", "Timestamp(ms),Current(uA)\n", "line 2: met no samples"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n", "met 1 samples"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n1,\n", "line 3, column 2: met ''"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n\n1,5\n", "line 3: met 0 cells; allowed: 2"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n1,nan\n", "line 3, column 2: met 'nan'"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n1,5\n1,5\n", "line 4: met a time of 0.001 in SI units; allowed: a later"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n1,5\nTimestamp(ms),Current(uA)\n0,5\n", "line 4, column 1: met 'Timestamp"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n1,50000000\n", "line 3: met a current of 50 in SI units; allowed: up to"),
        ("a.csv", "Timestamp(ms),Current(uA),D0\n0,5,0\n1,5,2\n", "line 3, column 3: met '2'; allowed: 0, 1, - or X"),
        ("a.csv", "Timestamp(ms),Current(uA),D0-D7\n0,5,00000000\n1,5,0000\n", "line 3, column 3: met '0000'"),
        ("a.csv", "Timestamp(ms),D0-D7\n0,00000000\n", "a column of time and one of current"),
        ("a.csv", "#current,voltage,power,charge,energy\n0,1,2,3,4\n", "a column of time and one of current"),
        ("a.csv", "Timestamp,Value\n0,5\n", "a file whose name tells no channel"),
        ("a.csv", '"Wall-clock time (UTC)","Arc Main Current (A)"\n"yesterday","1"\n', "line 2, column 1: met 'yesterday'"),
        ("a.txt", "PowerShield > ack volt 3300m\n1000-06\n", "without its sampling frequency"),
        ("a.txt", "ack freq 1k\n1000-06\n10x0-06\n", "line 3: met '10x0-06'"),
        ("a.txt", "ack freq many\n1000-06\n", "met freq 'many'"),
        ("a.csv", "Timestamp(ms),Current(uA)\n0,5\n1,5", "line 3: met a last line without its end"),
    ],
)  # fmt: skip
def test_damaged_traces_are_refused_with_line_and_column(file, name, text, met):
    with pytest.raises(MeasurementError, match=met):
        read_trace(file(name, text))


INSERTED = (b",", b'"', b"\n", b"\r", b"\0", b"1e99", "µ".encode(), b"nan", b"-", b"9" * 400)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("name", SAMPLES)
def test_mutated_traces_are_read_or_refused_never_anything_else(file, name, seed):
    rng = random.Random(f"{name} {seed}")
    data = bytearray(SAMPLES[name][1].encode())
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                del data[place : place + rng.randint(1, 20)]
            case 2:
                data[place:place] = rng.choice(INSERTED)
        data = data or bytearray(b"x")
    try:
        trace = read_trace(file(SAMPLES[name][0], bytes(data)))
    except MeasurementError:
        return
    assert isinstance(trace, Trace)
    assert np.all(np.isfinite(trace.amperes))
    assert np.all(np.diff(trace.seconds) > 0)


LOG = """\
boot
12.001 #begin conv1
12.250000 #end conv1
[12.3] #mark conv1 4 10532
#mark softmax 2 99
"""


def test_marks_and_stamps_of_a_serial_log(file):
    log = marks_log.read(file("log.txt", LOG))
    assert [(total.name, total.count, total.cycles) for total in log.totals] == [("conv1", 4, 10532), ("softmax", 2, 99)]
    assert [(stamp.seconds, stamp.begins) for stamp in log.stamps] == [(12.001, True), (12.25, False)]
    conv1, softmax = marks_log.measurements(log, "nucleo-l4r5zi", clock_hertz=80e6)
    assert (conv1.value, conv1.unit, conv1.mark, conv1.clock_hertz) == (2633, "cycles", "conv1", 80e6)
    assert softmax.value == 49.5


@pytest.mark.parametrize(
    ("old", "new", "met"),
    [
        ("4 10532", "4", "line 4: met '#mark conv1 4'; allowed: #mark NAME COUNT CYCLES"),
        ("4 10532", "4 105x2", "line 4"),
        ("4 10532", "0 10532", "line 4"),
        ("softmax", "conv1", "line 5: met the mark 'conv1' again, which stands in line 4 too"),
        ("12.25", "11.25", "line 3: met a time of 11.250000 after a later one"),
        ("12.25", "12:25", "line 3, column 1: met '12:250000'"),
        ("#end", "#begin", "line 3: met #begin conv1"),
        ("12.250000 #end conv1", "", "no #end of conv1"),
    ],
)
def test_damaged_logs_are_refused(file, old, new, met):
    with pytest.raises(MeasurementError, match=met):
        marks_log.read(file("log.txt", LOG.replace(old, new)))


PERFORMANCE = """\
0131.120000 ulp-mlperf: Loading file a.bin
0131.120001 dut: infer 10 1
0131.120001 dut: m-lap-us-1000000
0131.120002 dut: m-lap-us-1500000
0131.120003 dut: infer 10 1
0131.120004 dut: m-lap-us-2000000
0131.120005 dut: m-lap-us-2520000
0131.120006 ulp-mlperf: Median throughput is     19.600 inf./sec.
"""
ENERGY = """\
  Energy/Inf    : 1000.000 uJ/inf
  Energy/Inf    : 1002.000 uJ/inf
  Energy/Inf    : 1001.000 uJ/inf
Median energy cost is 1001.0000 uJ/inf.
"""


def test_latency_and_energy_of_an_inference(file):
    (latency,) = energyrunner.read(file("p.txt", PERFORMANCE), "kws", "nucleo-l4r5zi", supply_volts=1.8)
    assert (latency.quantity, latency.unit, latency.supply_volts) == ("latency", "s", 1.8)
    assert latency.value == pytest.approx(0.051)
    assert latency.uncertainty == pytest.approx(0.002 / 2**0.5)
    (energy,) = energyrunner.read(file("e.txt", ENERGY), "kws", "nucleo-l4r5zi")
    assert (energy.value, energy.unit, energy.uncertainty) == (1001.0, "uJ", 1.0)
    (median,) = energyrunner.read(file("m.txt", PERFORMANCE.splitlines()[-1] + "\n"), "kws", "nucleo-l4r5zi")
    assert median.value == pytest.approx(1 / 19.6)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("nothing\n", "neither laps nor medians"),
        (PERFORMANCE.replace("1500000", "15x0000"), "line 4: met '15x0000'"),
        (PERFORMANCE.replace("1500000", "900000"), "line 4: met a lap of 900000 us after one of 1000000 us"),
        (ENERGY + ENERGY, "2 lines of median energy"),
        (ENERGY.replace("1001.0000", "0"), "line 4: met 'Median energy cost is 0 uJ/inf.'"),
    ],
)
def test_damaged_runner_logs_are_refused(file, text, met):
    with pytest.raises(MeasurementError, match=met):
        energyrunner.read(file("e.txt", text), "kws", "nucleo-l4r5zi")


@pytest.mark.parametrize("seed", range(40))
def test_mutated_logs_are_read_or_refused_never_anything_else(file, seed):
    rng = random.Random(seed)
    for text, read in ((LOG, marks_log.read), (PERFORMANCE + ENERGY, lambda path: energyrunner.read(path, "kws", "m4"))):
        data = bytearray(text.encode())
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(data))
            inserted = (*INSERTED, b"#mark ", b"m-lap-us-", bytes([rng.randrange(256)]))
            data[place : place + rng.randrange(3)] = rng.choice(inserted)
        path = file("log.txt", bytes(data))
        try:
            found = read(path)
        except MeasurementError as error:
            assert "log.txt" in str(error)
        else:
            figures = [row.value for row in found] if isinstance(found, tuple) else [total.count for total in found.totals]
            assert all(figure > 0 for figure in figures)
