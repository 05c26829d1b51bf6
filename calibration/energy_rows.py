"""Published energies beside the events of the inference that took them: what energy tables of boards are fitted to.

Where the very image is at hand, its events are counted (``IMAGE``). The firmware of other rows is not public; for them stand
events of this project's own firmware of the same network on the same board (``OWN``): stalls and misses as they are, since both
stream the same weights, all else stretched to the cycles that were measured. What is known of that firmware agrees: activations
of NUCLEO-H7A3ZI-Q in AXI SRAM, ICACHE of NUCLEO-U575ZI-Q with two ways, as after reset (its authors' project files and
instructions, mlcommons/tiny_results_v1.0:closed/STMicroelectronics/code).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from calibration import cases, published
from calibration.measurements import Measurement
from mcusim.boards import files
from mcusim.boards.energy_table import ACTIVE, CYCLES, DEVICE_AHEAD, DEVICE_READ, DEVICE_WRITE, MISS, STALL, WRITEBACK
from mcusim.errors import McusimError

FILE = files.DATA / "calibration" / "energy.csv"
FIRST_LINE = "# mcusim.calibration.energy/1: written by python -m calibration.fit_energy"
IMAGE, OWN = "image", "own firmware"
NETWORKS = {"ad": "ad01_int8", "ic": "pretrainedResnet_quant", "kws": "kws_ref_model", "vww": "vww_96_int8"}
"""Files of MLPerf Tiny's networks."""
OTHER_KERNELS = ("reference",)
"""Submitters whose kernels are no one's optimised ones, so that our firmware says nothing about theirs."""
AS_THEY_ARE = frozenset({MISS, WRITEBACK, DEVICE_READ, DEVICE_AHEAD, DEVICE_WRITE})
"""Events that streaming the weights costs, whatever the kernels."""

Events = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class EnergyRow:
    """Joules of one inference as measured, and its events.

    ``setup``: submitter and round; ``events_of``: ``IMAGE`` or ``OWN``.
    """

    name: str
    board: str
    setup: str
    supply_volts: float
    clock_hertz: float
    joules: float
    seconds: float
    events_of: str
    events: Events

    @property
    def cycles(self) -> float:
        """Core cycles of the inference."""
        return sum(self.events[CYCLES].values())


def simulate(measurements: Path, programs: Path, models: Path) -> Iterator[EnergyRow]:
    """Rows of all published energies. McusimError for folders that lack what is needed."""
    images = {cases.git_blob(path): path for pattern in ("**/*.bin", "**/*.hex") for path in sorted(programs.glob(pattern))}
    for energy, latency in _pairs(published.load(measurements)):
        stated = dict(part.split("=", 1) for part in energy.conditions.split("; ") if "=" in part)
        if stated["submitter"] in OTHER_KERNELS:
            continue
        if "image" in stated:
            if stated["image"] not in images:
                raise McusimError(f"{programs}: no image of {energy.name} on {energy.board} (git object {stated['image']})")
            events: Events = cases.events_of_inference(images[stated["image"]], energy.board)
        else:
            events = stretched(own_events(models, energy), latency.si_value * (energy.clock_hertz or 0))
        assert energy.clock_hertz and energy.supply_volts
        yield EnergyRow(
            energy.name, energy.board, f"{stated['submitter']} {stated['round']}", energy.supply_volts, energy.clock_hertz,
            energy.si_value, latency.si_value, IMAGE if "image" in stated else OWN, events,
        )  # fmt: skip


def _pairs(records: Iterable[Measurement]) -> Iterator[tuple[Measurement, Measurement]]:
    """Each energy with the latency of the same mode."""
    found: dict[tuple[str, str, str], dict[str, Measurement]] = {}
    for record in records:
        if "mode=energy" in record.conditions:
            found.setdefault((record.name, record.board, record.conditions), {})[record.quantity] = record
    for pair in found.values():
        if "energy" in pair:
            yield pair["energy"], pair["latency"]


def own_events(models: Path, energy: Measurement) -> Events:
    """Events of one inference of our firmware of the network that a row is of."""
    from mcusim.bench import bench

    path = models / f"{NETWORKS[energy.name.split()[-1]]}.tflite"
    totals: dict[str, dict[str, float]] = {}
    for layer in bench(path, energy.board).results[0].layers:
        for kind, row in layer.events.items():
            for what, count in row.items():
                of_kind = totals.setdefault(kind, {})
                of_kind[what] = of_kind.get(what, 0.0) + count
    return totals


def stretched(events: Events, cycles: float) -> Events:
    """Events of firmware that takes ``cycles`` with the same stalls and misses."""
    stall = events[CYCLES].get(STALL, 0.0)
    factor = (cycles - stall) / events[CYCLES][ACTIVE]
    scaled = {kind: {what: count * (1 if kind in AS_THEY_ARE else factor) for what, count in row.items()}
              for kind, row in events.items()}  # fmt: skip
    return {**scaled, CYCLES: {ACTIVE: cycles - stall, STALL: stall}}


# --- the file -----------------------------------------------------------------------------------------------------------
COLUMNS = tuple(field.name for field in fields(EnergyRow))
NUMBERS = ("supply_volts", "clock_hertz", "joules", "seconds")


def text_of(rows: Iterable[EnergyRow]) -> str:
    """The file of these rows, in the order of boards, set-ups and names; events as JSON."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: (row.board, row.setup, row.name)):
        events = {kind: {what: round(count) for what, count in counts.items()} for kind, counts in row.events.items()}
        cells = {name: getattr(row, name) for name in COLUMNS} | {"events": json.dumps(events, separators=(",", ":"))}
        writer.writerow([f"{value:.12g}" if isinstance(value, float) else value for value in cells.values()])
    return f"{FIRST_LINE}\n{stream.getvalue()}"


def read(file: Path = FILE) -> tuple[EnergyRow, ...]:
    """The rows of such a file. McusimError, with the line, for what is not understood."""
    lines = file.read_text(encoding="utf-8").split("\n", 1)
    if lines[0] != FIRST_LINE:
        raise McusimError(f"{file}: line 1: met {lines[0][:80]!r}; allowed: {FIRST_LINE}")
    return tuple(_row(cells, f"{file}: line {number}") for number, cells in enumerate(csv.DictReader(io.StringIO(lines[1])), 3))


def _row(cells: dict[str, str], place: str) -> EnergyRow:
    try:
        numbers = {name: float(cells[name]) for name in NUMBERS}
        row = EnergyRow(**{**cells, **numbers, "events": json.loads(cells["events"])})  # type: ignore[arg-type]
        sound = all(value > 0 for value in numbers.values()) and row.cycles > 0
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise McusimError(f"{place}: met {cells!r}; allowed: {', '.join(COLUMNS)}") from error
    if not sound:
        raise McusimError(f"{place}: met {numbers!r}; allowed: numbers above 0")
    return row
