"""Measurements as records, read from and written to CSV (docs/measurements.md documents the schema).

A ``Measurement`` keeps value and unit as they were written; ``si_value`` is the same in SI units. A file that says anything
unclear is refused as a whole, with line and column.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from calibration.text import MeasurementError, Place, Row, rows, shown
from mcusim.report.files import write_atomically

SCHEMA = "mcusim.measurements/1"
FIRST_LINE = f"#{SCHEMA}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: what it measures, and how many SI units it is."""

    dimension: str
    factor: Fraction


def _scaled(dimension: str, base: str, prefixes: str) -> dict[str, Unit]:
    powers = {"G": 9, "M": 6, "k": 3, "": 0, "m": -3, "u": -6, "µ": -6, "n": -9}
    return {prefix + base: Unit(dimension, Fraction(10) ** powers[prefix]) for prefix in ("", *prefixes)}


UNITS = MappingProxyType({
    **_scaled("time", "s", "muµn"),
    **_scaled("energy", "J", "muµn"),
    **_scaled("power", "W", "muµn"),
    **_scaled("current", "A", "muµn"),
    **_scaled("voltage", "V", "muµ"),
    **_scaled("frequency", "Hz", "kMG"),
    **_scaled("bytes", "B", "kM"),
    "KiB": Unit("bytes", Fraction(1 << 10)), "MiB": Unit("bytes", Fraction(1 << 20)),
    "cycles": Unit("cycles", Fraction(1)),
    "CoreMark/MHz": Unit("score", Fraction(1)),
})  # fmt: skip
SI_UNITS = MappingProxyType({
    "time": "s", "energy": "J", "power": "W", "current": "A", "voltage": "V", "frequency": "Hz", "bytes": "B",
    "cycles": "cycles", "score": "CoreMark/MHz",
})  # fmt: skip
LARGEST = MappingProxyType({
    "time": 1e6, "energy": 1e6, "power": 100.0, "current": 10.0, "voltage": 60.0, "frequency": 10e9, "bytes": 1e9,
    "cycles": 1e15, "score": 100.0,
})  # fmt: skip
"""In SI units: more than a microcontroller can have. A value beyond it has the wrong unit."""
QUANTITIES = MappingProxyType({
    "latency": "time", "cycles": "cycles", "energy": "energy", "power": "power", "current": "current", "voltage": "voltage",
    "stack": "bytes", "ram": "bytes", "flash": "bytes", "coremark": "score",
})  # fmt: skip
"""What can be measured, and in which dimension. All are of one run of what ``name`` says; power and current are means."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value and what is needed to take it again.

    ``name`` says what was measured (a network, a layer, a benchmark), ``board`` on which board by its name in mcusim's board
    files. ``value`` is of one run, in ``unit``; ``uncertainty`` its standard deviation, in the same unit. ``clock_hertz``,
    ``supply_volts``, ``revision`` (of the board) and ``compiler`` are empty or None where nobody said. ``conditions`` is text,
    by custom ``key=value; key=value``. ``program`` is the image, relative to the file; ``mark`` a mark in it, "" for the whole
    run. ``tolerance`` is the relative error that ``mcusim verify`` allows.
    """

    name: str
    quantity: str
    value: float
    unit: str
    board: str
    source: str
    uncertainty: float | None = None
    revision: str = ""
    clock_hertz: float | None = None
    supply_volts: float | None = None
    compiler: str = ""
    conditions: str = ""
    program: str = ""
    mark: str = ""
    tolerance: float | None = None

    @property
    def si_value(self) -> float:
        """``value`` in the SI unit of its dimension (cycles and bytes are theirs)."""
        return float(Fraction(self.value) * UNITS[self.unit].factor)

    @property
    def subject(self) -> Measurement:
        """The same with the figures left out: two measurements of one subject contradict or repeat each other."""
        return replace(self, value=0.0, unit="", uncertainty=None, tolerance=None)


COLUMNS = tuple(field.name for field in fields(Measurement))
REQUIRED = tuple(field.name for field in fields(Measurement) if field.default is MISSING)
NUMBERS = frozenset(field.name for field in fields(Measurement) if "float" in str(field.type))
ABOVE_ZERO = ("value", "clock_hertz", "supply_volts", "tolerance")


def read(path: str | Path) -> tuple[Measurement, ...]:
    """The measurements of a file, in its order. MeasurementError, with line and column, for anything that is not right."""
    return read_all([path])


def read_all(paths: Iterable[str | Path]) -> tuple[Measurement, ...]:
    """The measurements of several files, which must not repeat each other."""
    found: list[Measurement] = []
    places: dict[Measurement, Place] = {}
    for path in paths:
        for row in rows(path, FIRST_LINE, _check_header):
            measurement = _measurement(row)
            earlier = places.setdefault(measurement.subject, row.place)
            if earlier is not row.place:
                met = f"{measurement.quantity} of {measurement.name!r}, which stands in {earlier.path}, line {earlier.line} too"
                raise row.place.error(met, "each measurement once (repetitions differ in their conditions)")
            found.append(measurement)
    return tuple(found)


def write(path: str | Path, measurements: Sequence[Measurement]) -> None:
    """Write ``measurements`` so that ``read`` gives them back: under a temporary name, then renamed.

    MeasurementError, before anything is written, for what ``read`` would refuse.
    """
    write_atomically(path, to_text(measurements, str(path)))


def to_text(measurements: Sequence[Measurement], name: str = "measurements") -> str:
    """The file as text; ``name`` stands for it in errors."""
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(COLUMNS)
    seen: set[Measurement] = set()
    for count, measurement in enumerate(measurements, 3):
        for column, met, allowed in problems(measurement):
            raise Place(name, count, column).error(met, allowed)
        if measurement.subject in seen:
            raise Place(name, count).error(f"{measurement.quantity} of {measurement.name!r} again", "each measurement once")
        seen.add(measurement.subject)
        table.writerow([_cell(getattr(measurement, column)) for column in COLUMNS])
    return f"{FIRST_LINE}\n{lines.getvalue()}"


def _cell(value: str | float | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def problems(measurement: Measurement) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a record: column, what was met, what is allowed."""
    for column in COLUMNS:
        value = getattr(measurement, column)
        if isinstance(value, str):
            if column in REQUIRED and not value:
                yield column, "nothing", "a text"
            if not value.isprintable() or value != value.strip():
                yield column, shown(value), "printable characters, without space at the ends"
        elif value is not None and (not math.isfinite(value) or value < 0 or (value == 0 and column in ABOVE_ZERO)):
            yield column, repr(value), "a finite number above 0"
    yield from _unit_problems(measurement)


def _unit_problems(measurement: Measurement) -> Iterator[tuple[str, str, str]]:
    unit, dimension = UNITS.get(measurement.unit), QUANTITIES.get(measurement.quantity)
    if dimension is None:
        yield "quantity", shown(measurement.quantity), ", ".join(QUANTITIES)
    elif unit is None:
        yield "unit", shown(measurement.unit), ", ".join(UNITS)
    elif unit.dimension != dimension:
        fitting = ", ".join(name for name, each in UNITS.items() if each.dimension == dimension)
        yield "unit", f"{measurement.unit!r} for a {measurement.quantity}", fitting
    elif math.isfinite(measurement.value) and measurement.si_value > LARGEST[dimension]:
        yield "value", f"{measurement.value:g} {measurement.unit}", f"up to {LARGEST[dimension]:g} {SI_UNITS[dimension]}"


def _check_header(header: Row) -> None:
    for name in header.values:
        if name not in COLUMNS:
            raise header.column(name).error(shown(name), ", ".join(COLUMNS))
    for name in REQUIRED:
        if name not in header.values:
            raise header.place.error(f"no column {name!r}", f"a header with {', '.join(REQUIRED)} at least")


def _measurement(row: Row) -> Measurement:
    values = {name: _value(row, name) for name in row.header}
    measurement = Measurement(**values)  # type: ignore[arg-type]  # columns are the fields, by name
    for column, met, allowed in problems(measurement):
        raise (row.column(column) if column in row.header else row.place).error(met, allowed)
    return measurement


def _value(row: Row, name: str) -> str | float | None:
    if name not in NUMBERS:
        return row.text(name)
    return row.number(name) if row.text(name) or name in REQUIRED else None


__all__ = [
    "COLUMNS", "FIRST_LINE", "QUANTITIES", "SCHEMA", "UNITS", "Measurement", "MeasurementError", "problems", "read", "read_all",
    "to_text", "write",
]  # fmt: skip
