from __future__ import annotations

import random
from dataclasses import replace

import pytest

from calibration import measurements
from calibration.measurements import COLUMNS, FIRST_LINE, QUANTITIES, UNITS, Measurement, MeasurementError
from calibration.text import TABLE_BYTES
from tests.calibration.records import ENERGY, LATENCY, RECORDS

HEADER = "name,quantity,value,unit,board,source"
GOOD = "demo,latency,12.5,ms,nucleo-l4r5zi,bench"


@pytest.fixture
def table(tmp_path):
    """Writes a file of measurements from lines."""

    def write(*lines: str, end: str = "\n"):
        path = tmp_path / "m.csv"
        path.write_bytes(("\n".join((FIRST_LINE, HEADER, *lines)) + end).encode())
        return path

    return write


def test_what_is_written_is_read_back_the_same(tmp_path):
    path = tmp_path / "m.csv"
    measurements.write(path, RECORDS)
    assert measurements.read(path) == RECORDS
    measurements.write(path, measurements.read(path))
    assert measurements.read(path) == RECORDS
    assert [each.name for each in tmp_path.iterdir()] == ["m.csv"]


def test_values_are_known_in_si_units_and_keep_their_own():
    assert (LATENCY.value, LATENCY.unit, LATENCY.si_value) == (12.5, "ms", 0.0125)
    assert ENERGY.si_value == pytest.approx(310.25e-6, rel=1e-15)
    assert replace(LATENCY, quantity="ram", value=4.0, unit="KiB").si_value == 4096


def test_every_quantity_has_units_and_every_unit_an_si_unit():
    for dimension in QUANTITIES.values():
        assert any(unit.dimension == dimension for unit in UNITS.values())
    for unit in UNITS.values():
        assert UNITS[measurements.SI_UNITS[unit.dimension]].factor == 1
        assert unit.dimension in measurements.LARGEST


def test_columns_come_in_any_order_and_only_six_are_needed(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(f"{FIRST_LINE}\nunit,value,name,board,source,quantity\ncycles,100,demo,m4,bench,cycles\n")
    assert measurements.read(path) == (Measurement("demo", "cycles", 100.0, "cycles", "m4", "bench"),)


def test_files_with_windows_line_ends_and_a_byte_order_mark_are_the_same(tmp_path):
    path = tmp_path / "m.csv"
    measurements.write(path, RECORDS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert measurements.read(path) == RECORDS


@pytest.mark.parametrize(
    ("row", "where", "met"),
    [
        (GOOD.replace("ms", "mss"), "line 3, column 4 (unit)", "'mss'"),
        (GOOD.replace("ms", "mJ"), "line 3, column 4 (unit)", "'mJ' for a latency"),
        (GOOD.replace("latency", "speed"), "line 3, column 2 (quantity)", "'speed'"),
        (GOOD.replace("12.5", "nan"), "line 3, column 3 (value)", "'nan'"),
        (GOOD.replace("12.5", "inf"), "line 3, column 3 (value)", "'inf'"),
        (GOOD.replace("12.5", "1e999"), "line 3, column 3 (value)", "'1e999'"),
        (GOOD.replace("12.5", "-1"), "line 3, column 3 (value)", "-1"),
        (GOOD.replace("12.5", "0"), "line 3, column 3 (value)", "0.0"),
        (GOOD.replace("12.5", ""), "line 3, column 3 (value)", "''"),
        (GOOD.replace("12.5", "1_000"), "line 3, column 3 (value)", "'1_000'"),
        (GOOD.replace("12.5", "1,2"), "line 3", "7 cells"),
        (GOOD.replace("12.5,ms", "3e9,s"), "line 3, column 3 (value)", "3e+09 s"),
        (GOOD.replace("demo", ""), "line 3, column 1 (name)", "nothing"),
        (GOOD.replace("demo", "de\tmo"), "line 3, column 1", "'de\\tmo'"),
        (GOOD.replace("demo", '"demo'), "line 3", "unexpected end of data"),
        ("demo,latency,12.5", "line 3", "3 cells"),
        ("", "line 3", "0 cells"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named_with_line_and_column(table, row, where, met):
    path = table(row)
    with pytest.raises(MeasurementError) as caught:
        measurements.read(path)
    assert str(caught.value).startswith(f"{path}, {where}")
    assert met in str(caught.value)
    assert "; allowed: " in str(caught.value)


@pytest.mark.parametrize(
    ("content", "met"),
    [
        (b"", "an empty file"),
        (f"{FIRST_LINE}\n{HEADER}\n{GOOD}".encode(), "line 3: met a last line without its end"),
        (f"{FIRST_LINE}\n{HEADER}\n{GOOD}\n".encode("utf-16"), "line 1, byte 4: met a NUL byte"),
        (f"{FIRST_LINE}\n{HEADER}\nd\xb5{GOOD}\n".encode("latin-1"), "line 3, byte 2: met the byte 0xb5"),
        (f"{FIRST_LINE}\n{HEADER}\n\0\n".encode(), "line 3, byte 1: met a NUL byte"),
        (f"{HEADER}\n{GOOD}\n".encode(), f"line 1: met '{HEADER}'; allowed: '#mcusim.measurements/1'"),
        (b"#mcusim.measurements/2\n", "allowed: '#mcusim.measurements/1'"),
        (f"{FIRST_LINE}\n".encode(), "line 2: met ''"),
        (f"{FIRST_LINE}\n{HEADER},volts\n".encode(), "column 7 (volts)"),
        (f"{FIRST_LINE}\n{HEADER},name\n".encode(), "all different"),
        (f"{FIRST_LINE}\nname,value\n".encode(), "no column 'quantity'"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_and_the_place_is_named(tmp_path, content, met):
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    with pytest.raises(MeasurementError) as caught:
        measurements.read(path)
    assert met in str(caught.value)


def test_a_measurement_that_stands_twice_is_refused_with_both_lines(table):
    path = table(GOOD, GOOD.replace("demo", "other"), GOOD.replace("12.5", "12.6"))
    with pytest.raises(MeasurementError, match=r"line 5: met latency of 'demo', which stands in .*, line 3 too"):
        measurements.read(path)


def test_a_file_given_twice_is_refused(table):
    path = table(GOOD)
    with pytest.raises(MeasurementError, match="line 3 too"):
        measurements.read_all([path, path])


def test_a_file_that_is_too_large_is_refused_before_it_is_understood(tmp_path):
    path = tmp_path / "m.csv"
    with path.open("wb") as file:
        file.truncate(TABLE_BYTES + 1)
    with pytest.raises(MeasurementError, match="more than 67,108,864 bytes"):
        measurements.read(path)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(MeasurementError, match="cannot be read"):
        measurements.read(tmp_path / name)


def test_nothing_is_written_that_would_not_be_read(tmp_path):
    path = tmp_path / "m.csv"
    for wrong in (replace(LATENCY, unit="mJ"), replace(LATENCY, value=float("nan")), replace(LATENCY, name="a\nb")):
        with pytest.raises(MeasurementError):
            measurements.write(path, [wrong])
    with pytest.raises(MeasurementError, match="line 4: met latency of 'demo' again"):
        measurements.write(path, [LATENCY, replace(LATENCY, value=3.0)])
    assert not path.exists()


@pytest.mark.parametrize("seed", range(40))
def test_mutated_files_are_read_or_refused_never_anything_else(tmp_path, seed):
    rng = random.Random(seed)
    data = bytearray(measurements.to_text(RECORDS).encode())
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                del data[place : place + rng.randint(1, 30)]
            case 2:
                data[place:place] = rng.choice([b",", b'"', b"\n", b"\0", b"1e99", "µ".encode(), b"\xff", b"-"])
            case 3:
                data[place:place] = data[rng.randrange(len(data)) :][:40]
    path = tmp_path / "m.csv"
    path.write_bytes(data)
    try:
        found = measurements.read(path)
    except MeasurementError as error:
        assert str(path) in str(error)
    else:
        measurements.write(path, found)
        assert measurements.read(path) == found


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_files_cut_off_anywhere_inside_a_line_are_refused(tmp_path, share):
    data = measurements.to_text(RECORDS).encode()
    path = tmp_path / "m.csv"
    path.write_bytes(data[: len(data) * share // 100])
    if not data[: len(data) * share // 100].endswith(b"\n"):
        with pytest.raises(MeasurementError):
            measurements.read(path)


def test_the_page_lists_every_column_quantity_and_unit():
    from tests.support.firmware import REPOSITORY

    page = (REPOSITORY / "docs" / "measurements.md").read_text()
    for name in (*COLUMNS, *QUANTITIES, *UNITS):
        assert f"`{name}`" in page, name
