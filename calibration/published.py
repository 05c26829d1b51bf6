"""Published measurements as records: each table of a folder of measurements by its own reader.

The tables are data of a project, which this package never contains; a folder is given by its path. ``load`` reads all of them,
``TABLES`` says which there are. The rows keep the conditions that their documents state (submitter, round, bank mode of the
flash, software) in ``conditions``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

from calibration.measurements import Measurement, problems
from calibration.text import MeasurementError, Row, rows, shown

SINGLE_BANK = "nucleo-l4r5zi-single-bank"
BOARDS = MappingProxyType({
    "DISCO-F746NG": "f746g-disco", "NUCLEO-H7A3ZI-Q": "nucleo-h7a3zi-q", "NUCLEO-U575ZI-Q": "nucleo-u575zi-q",
    "NUCLEO-U385RG-Q": "nucleo-u385rg-q", "NUCLEO-G0B1RE": "nucleo-g0b1re", "NUCLEO-L4R5ZI": "nucleo-l4r5zi",
    "STM32F4DISCOVERY (STM32F407VG)": "stm32f4discovery", "Raspberry Pi Pico (RP2040)": "raspberry-pi-pico",
    "FRDM-MCXN947": "frdm-mcxn947", "STM32H747I-DISCO": "stm32h747i-disco",
    "STM32H743": "stm32h743",  # which board carried it is not stated, so no board file has this name
})  # fmt: skip
"""Boards by the names of the tables, and by those of mcusim's board files."""
IDEAL = MappingProxyType({
    "Cortex-M0": "m0", "Cortex-M0+": "m0plus", "Cortex-M3": "m3", "Cortex-M4": "m4", "Cortex-M7": "m7", "Cortex-M33": "m33",
    "Cortex-M55": "m55",  # no board file: mcusim does not have this core
})  # fmt: skip
"""Boards of figures that are of a core rather than of a board: mcusim's ideal ones."""
SUPPLY = re.compile(r"(\d+(?:\.\d+)?)\s?V\b")
BANK_MODE = re.compile(r"(single|dual) bank", re.IGNORECASE)
OK = "ok"


def load(folder: str | Path) -> tuple[Measurement, ...]:
    """All measurements of a folder; tables that are not there are left out.

    MeasurementError for a folder without any table, for a table that is not known, and for rows that are wrong (with line and
    column).
    """
    path = Path(folder)
    present = sorted(each.name for each in path.glob("*.csv"))
    for name in present:
        if name not in TABLES and name not in NO_MEASUREMENTS:
            raise MeasurementError(f"{path / name}: met a table without a reader; allowed: {', '.join(TABLES)}")
    if not set(present) & set(TABLES):
        raise MeasurementError(f"{path}: met no table of measurements; allowed: a folder with some of {', '.join(TABLES)}")
    return tuple(measurement for name in TABLES if name in present for measurement in load_table(path / name))


def load_table(path: str | Path) -> Iterator[Measurement]:
    """The measurements of one table, whose reader its name tells."""
    reader = TABLES[Path(path).name]
    for row in rows(path):
        for measurement in reader(row):
            for column, met, allowed in problems(measurement):
                raise row.place.error(f"{column} {met}", allowed)
            yield measurement


def mlperf_board(row: Row) -> str:
    """mcusim's name of the board of a row of MLPerf Tiny; the bank mode of the flash makes another board of the L4R5ZI."""
    single = "single" in row.text("hardware_notes").lower()
    return SINGLE_BANK if single else _named(row, "board", BOARDS)


def _named(row: Row, column: str, names: MappingProxyType[str, str]) -> str:
    met = row.text(column)
    if met not in names:
        raise row.column(column).error(shown(met), ", ".join(names))
    return names[met]


def _conditions(row: Row, **columns: str) -> str:
    """Conditions in words: ``key=column``, without those whose cell is empty."""
    pairs = ((key.replace("_", " "), row.text(column)) for key, column in columns.items())
    return "; ".join(f"{key}={text}" for key, text in pairs if text)


def _measured(row: Row, **fields: Any) -> Measurement:
    """A measurement with what all tables have; ``fields`` say the rest."""
    return Measurement(**{"source": row.text("source"), "clock_hertz": row.optional("clock_hz"), **fields})


Reader = Callable[[Row], Iterator[Measurement]]


def _pqm4(row: Row) -> Iterator[Measurement]:
    common: dict[str, Any] = {
        "name": " ".join(("pqm4", *(row.text(name) for name in ("scheme", "implementation", "operation")))),
        "board": _named(row, "board", BOARDS), "compiler": row.text("compiler"),
        "conditions": _conditions(row, flash_wait_states="flash_wait_states", executions="executions"),
    }  # fmt: skip
    mean = row.positive("cycles_mean")
    spread = row.number("relative_spread") * mean
    yield _measured(row, quantity="cycles", value=mean, unit="cycles", uncertainty=spread, **common)
    yield _measured(row, quantity="stack", value=row.positive("stack_bytes"), unit="B", **common)


def _embench(row: Row) -> Iterator[Measurement]:
    yield _measured(
        row, name=f"embench {row.text('benchmark')}", quantity="cycles", value=row.positive("cycles_per_iteration"),
        unit="cycles", board=_named(row, "board", BOARDS), compiler=row.text("compiler"),
        conditions=_conditions(row, flash_wait_states="flash_wait_states", version="embench_version", iterations="iterations"),
    )  # fmt: skip


def _crypto(row: Row) -> Iterator[Measurement]:
    yield Measurement(
        row.text("function"), "cycles", row.positive("cycles"), "cycles", _named(row, "core", IDEAL), row.text("source"),
        conditions=_conditions(row, note="conditions"),
    )  # fmt: skip


def _mlperf(row: Row, name: str, latency: str, energy: str, **conditions: str) -> Iterator[Measurement]:
    """Latency of the performance mode, and energy with the latency of the energy mode, which belongs to it."""
    notes = row.text("hardware_notes")
    supply, bank = SUPPLY.search(notes), BANK_MODE.search(notes)
    stated = _conditions(row, submitter="submitter", round="round", software="inference_engine", hardware="hardware_notes",
                         **conditions)  # fmt: skip
    stated += f"; flash bank mode={bank[1].lower()}" if bank else ""
    common: dict[str, Any] = {
        "name": name, "board": mlperf_board(row), "compiler": row.text("compiler"),
        "supply_volts": float(supply[1]) if supply else None,
    }  # fmt: skip
    modes = (
        ("latency", latency, "s", "performance"),
        ("latency", "energy_mode_latency_s", "s", "energy"),
        ("energy", energy, "J", "energy"),
    )
    for quantity, column, unit, mode in modes:
        if (value := row.optional(column)) is not None:
            yield _measured(row, quantity=quantity, value=value, unit=unit, conditions=f"{stated}; mode={mode}", **common)


def _mlperf_firmware(row: Row) -> Iterator[Measurement]:
    name = f"mlperf {row.text('benchmark')}"
    yield from _mlperf(row, name, "measured_latency_s", "measured_energy_j", image="git_blob")


def _mlperf_results(row: Row) -> Iterator[Measurement]:
    name = f"mlperf {row.text('benchmark')}"
    yield from _mlperf(row, name, "latency_s", "energy_j", model="model", system="operating_system")


def _modelzoo(row: Row) -> Iterator[Measurement]:
    yield _measured(
        row, name=f"{row.text('model')} {row.text('model_format')} {row.text('input_shape')}", quantity="latency",
        value=row.positive("latency_ms"), unit="ms", board=_named(row, "board", BOARDS),
        conditions=_conditions(row, software="tool", dataset="dataset", model_file="tflite_file", match="tflite_match"),
    )  # fmt: skip


def _tinyengine(row: Row) -> Iterator[Measurement]:
    if row.text("status") != OK:
        return
    common: dict[str, Any] = {
        "name": row.text("network"), "board": _named(row, "board", BOARDS),
        "conditions": _conditions(row, software="framework"),
    }  # fmt: skip
    for quantity, column, unit in (("latency", "latency_ms", "ms"), ("ram", "peak_sram_kb", "kB"), ("flash", "flash_kb", "kB")):
        if (value := row.optional(column)) is not None:
            yield _measured(row, quantity=quantity, value=value, unit=unit, **common)


def _pico_layers(row: Row) -> Iterator[Measurement]:
    yield _measured(
        row, name=f"{row.text('model')} layer {row.text('layer_index')} {row.text('operator')}", quantity="latency",
        value=row.positive("time_us"), unit="us", board=_named(row, "board", BOARDS),
        conditions=_conditions(row, software="library", cores="configuration"),
    )  # fmt: skip


def _mcxn947(row: Row) -> Iterator[Measurement]:
    yield _measured(
        row, name=row.text("model"), quantity="cycles", value=row.positive("cycles_per_inference"), unit="cycles",
        board=_named(row, "board", BOARDS), compiler=row.text("optimisation"), conditions=_conditions(row, software="software"),
    )  # fmt: skip


def _coremark(row: Row) -> Iterator[Measurement]:
    of_core = row.text("target").startswith("Arm headline")
    chip = row.text("target").split(" ")[0].lower()
    yield _measured(
        row, name="coremark", quantity="coremark", value=row.positive("coremark_per_mhz"), unit="CoreMark/MHz",
        board=_named(row, "core", IDEAL) if of_core else chip,
        conditions=_conditions(row, target="target", note="conditions", grade="trust_grade"),
    )  # fmt: skip


TABLES: MappingProxyType[str, Reader] = MappingProxyType({
    "pqm4_l4r5zi_cycles.csv": _pqm4,
    "embench_f407_16mhz.csv": _embench,
    "crypto_m4_cycles.csv": _crypto,
    "mlperf_tiny_firmware.csv": _mlperf_firmware,
    "mlperf_tiny_results_calibration.csv": _mlperf_results,
    "stm32_modelzoo_h747.csv": _modelzoo,
    "tinyengine_h743.csv": _tinyengine,
    "rp2040_person_detect_layers.csv": _pico_layers,
    "mcxn947.csv": _mcxn947,
    "coremark_vendor.csv": _coremark,
})  # fmt: skip
"""The reader of each table."""
NO_MEASUREMENTS = frozenset({"boards.csv"})
"""Tables of such a folder that describe boards."""
