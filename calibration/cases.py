"""Cases: published measurements whose program is at hand, and what the simulator says to each.

The tables of measurements come with a project's data; the programs are public sources built, or images fetched, by whoever
runs this. They lie in one folder:

* ``pqm4/SCHEME_IMPLEMENTATION*.elf``: the ``speed`` binary of pqm4;
* ``embench/NAME*.elf``: built with a global scale factor of 1, printing ``cycles: N`` for what the benchmark times;
* ``x25519*.elf``: printing ``cycles: N`` for one scalar multiplication;
* images of MLPerf Tiny anywhere in it, known by the git object of their content;
* ``text_bytes.csv`` (columns ``program``, ``text_bytes``): what the rebuilt programs measure by the published method.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from calibration.published import SINGLE_BANK, mlperf_board
from calibration.text import Row, rows
from mcusim import boards
from mcusim import program as programs
from mcusim.boards import Board
from mcusim.boards.calibrated import FITTED, HELD_OUT, ZERO_WAIT
from mcusim.cores import Core
from mcusim.errors import McusimError
from mcusim.machine.event_counts import Event, EventCounts
from mcusim.machine.machine import Machine, Options
from mcusim.machine.pass_counts import PassCounts
from mcusim.run import core_of, flash_address

SAME_PROGRAM = 0.005
"""A rebuilt program counts as the published one while its text differs by no more than this share."""
MEMORY_SYSTEMS = {
    "f746g-disco": "L1 caches, flash over AXI", "nucleo-h7a3zi-q": "L1 caches, flash over AXI",
    "nucleo-u575zi-q": "ICACHE", "nucleo-u385rg-q": "ICACHE", "nucleo-g0b1re": "flash, 2 wait states",
    "nucleo-l4r5zi": "ART, 5 wait states", SINGLE_BANK: "ART, 5 wait states",
}  # fmt: skip
FITTED_CORES = frozenset({"m4"})
"""Cores whose rules were chosen with some of these measurements in view (docs/timing.md); all of a core's count as such."""
PQM4_LABELS = {
    "keygen": "keypair cycles:", "encaps": "encaps cycles:", "decaps": "decaps cycles:", "verify": "verify cycles:",
}  # fmt: skip
SELF_CHECK_FAILED = re.compile(r"ERROR|did not verify|WRONG")
SIGN_NOT_IN_PLACE = ("sphincs", "snova")
"""Schemes whose signing does not take a message that lies in its own output, as pqm4's speed binary hands it over: they reject
their signature there on every machine (seen on QEMU and on x86 too), so the board was measured in that state as well."""
STAMPS = re.compile(r"m-lap-us-(\d+)")
INFERENCES = (1, 3)
NOT_AT_HAND = Path()


class CalibrationError(McusimError):
    """Measurements or programs that cannot be read, or a program that did not print what was measured."""


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement and the program it was taken with. ``cycles`` is what the board took; ``same``: the very program.

    ``program`` is ``NOT_AT_HAND`` where it is not.
    """

    name: str
    family: str
    program: Path
    board: str
    memory: str
    cycles: float
    same: bool
    label: str = ""
    scale: float = 1.0

    @property
    def is_at_hand(self) -> bool:
        """Whether there is a program to run."""
        return self.program != NOT_AT_HAND

    @property
    def is_image(self) -> bool:
        """An image of MLPerf Tiny, driven over its serial port."""
        return self.family.startswith("mlperf")

    @property
    def unit(self) -> str:
        """Unit of ``cycles`` and of what ``simulate`` answers: an image tells microseconds."""
        return "us" if self.is_image else "cycles"

    @property
    def core(self) -> str:
        """The core of its board."""
        return boards.load(self.board).core

    @property
    def use(self) -> str:
        """Whether the core's rules were chosen with this measurement in view."""
        return FITTED if self.core in FITTED_CORES else HELD_OUT


def find_cases(measurements: Path, folder: Path) -> tuple[list[Case], list[str]]:
    """Cases whose program lies in ``folder``, and the names of those whose program does not."""
    cases = all_cases(measurements, folder)
    return [case for case in cases if case.is_at_hand], [case.name for case in cases if not case.is_at_hand]


def all_cases(measurements: Path, folder: Path) -> list[Case]:
    """Every measurement, with its program where that lies in ``folder``."""
    if not measurements.is_dir():
        raise CalibrationError(f"{measurements} is no folder with tables of measurements")
    if not folder.is_dir():
        raise CalibrationError(f"{folder} is no folder with programs")
    texts = _texts(folder)
    return [case for reader in (_pqm4, _embench, _x25519, _mlperf) for case in reader(measurements, folder, texts)]


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a table; none where it is not there."""
    if path.exists():
        yield from rows(path)


def _texts(folder: Path) -> dict[str, int]:
    return {row.text("program"): int(row.positive("text_bytes")) for row in _rows(folder / "text_bytes.csv")}


def _program(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))), NOT_AT_HAND)


def _same(program: Path, folder: Path, texts: dict[str, int], published: Row) -> bool:
    """Whether the text of a rebuilt program has the published size."""
    if program == NOT_AT_HAND:
        return False
    size = texts.get(str(program.relative_to(folder)))
    return size is not None and abs(size / published.positive("text_bytes") - 1) <= SAME_PROGRAM


def _pqm4(measurements: Path, folder: Path, texts: dict[str, int]) -> Iterator[Case]:
    for row in _rows(measurements / "pqm4_l4r5zi_cycles.csv"):
        stem, operation = f"{row.text('scheme')}_{row.text('implementation')}", row.text("operation")
        program = _program(folder, f"pqm4/{stem}[_.]*")
        yield Case(f"pqm4 {stem} {operation}", f"pqm4 {row.text('scheme')}", program, "nucleo-l4r5zi", ZERO_WAIT,
                   row.positive("cycles_mean"), _same(program, folder, texts, row), PQM4_LABELS[operation])  # fmt: skip


def _embench(measurements: Path, folder: Path, texts: dict[str, int]) -> Iterator[Case]:
    for row in _rows(measurements / "embench_f407_16mhz.csv"):
        name, program = f"embench {row.text('benchmark')}", _program(folder, f"embench/{row.text('benchmark')}[_.]*")
        yield Case(name, name, program, "stm32f4discovery", ZERO_WAIT, row.positive("cycles_total"),
                   _same(program, folder, texts, row), "cycles:", row.positive("global_scale_factor"))  # fmt: skip


def _x25519(measurements: Path, folder: Path, texts: dict[str, int]) -> Iterator[Case]:
    for row in _rows(measurements / "crypto_m4_cycles.csv"):
        name, program = "x25519", _program(folder, "x25519*")
        yield Case(name, name, program, "m4", ZERO_WAIT, row.positive("cycles"), program != NOT_AT_HAND, "cycles:")
        # assembly: the same program by nature


def _mlperf(measurements: Path, folder: Path, texts: dict[str, int]) -> Iterator[Case]:
    blobs = {git_blob(path): path for pattern in ("**/*.bin", "**/*.hex") for path in folder.glob(pattern)}
    for row in _rows(measurements / "mlperf_tiny_firmware.csv"):
        name = f"mlperf {row.text('board').lower()} {row.text('submitter').lower()} {row.text('benchmark')}"
        program, board = blobs.get(row.text("git_blob"), NOT_AT_HAND), mlperf_board(row)
        microseconds = row.positive("measured_latency_s") * 1e6
        yield Case(name, name, program, board, MEMORY_SYSTEMS[board], microseconds, program != NOT_AT_HAND)


def git_blob(path: Path) -> str:
    """The name that git gives the content of a file."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


# --- running ------------------------------------------------------------------------------------------------------------
Variant = Callable[[Core, Board], tuple[Core, Board]]
"""Another core and board in place of those of the tables."""


def as_they_are(core: Core, board: Board) -> tuple[Core, Board]:
    """The tables unchanged."""
    return core, board


def simulate(cases: list[Case], variant: Variant = as_they_are) -> dict[str, float]:
    """By name: what the simulator says to cases of one program, in the unit of their measurement.

    Images: microseconds of one inference, from runs of one and of three (the stamps enclose the printing of one of them).
    """
    if cases[0].is_image:
        first, later = (_inference_time(cases[0], count, variant) for count in INFERENCES)
        return {cases[0].name: (later - first) / (INFERENCES[1] - INFERENCES[0])}
    labels = [case.label for case in cases]
    text = _printed(_run(cases[0].program, cases[0].board, variant, (), _last_label(labels)))
    if SELF_CHECK_FAILED.search(text) and not cases[0].program.name.startswith(SIGN_NOT_IN_PLACE):
        raise CalibrationError(f"{cases[0].program}: its self check fails, so it is not the program that was measured")
    return {case.name: _number_behind(case, text) * case.scale for case in cases}


def _last_label(labels: list[str]) -> bytes | None:
    """Text that pqm4 prints when it is through with one round of everything; None for programs that end by themselves."""
    return b"+" if any(label in PQM4_LABELS.values() for label in labels) else None


def _number_behind(case: Case, text: str) -> int:
    found = re.search(re.escape(case.label) + r"\s*(\d+)", text)
    if found is None:
        raise CalibrationError(f"{case.program}: printed no '{case.label}'; it printed: {text[-200:]!r}")
    return int(found.group(1))


def events_of_inference(program: Path, board: str) -> dict[str, dict[str, float]]:
    """Events of one inference of an image of MLPerf Tiny, by kind and what they happened to, from runs of one and of three."""
    first, later = (_events(_driven(program, board, count, as_they_are)) for count in INFERENCES)
    each = {event: (later[event] - first[event]) / (INFERENCES[1] - INFERENCES[0]) for event in later}
    return {kind: {what: count for (of, what), count in each.items() if of == kind and count > 0} for kind, _ in each}


def _events(machine: Machine) -> Counter[Event]:
    return EventCounts(machine, PassCounts(machine.recorder)).now()


def _inference_time(case: Case, count: int, variant: Variant) -> int:
    text = _printed(_driven(case.program, case.board, count, variant))
    stamps = STAMPS.findall(text)
    if len(stamps) < 2:
        raise CalibrationError(f"{case.program}: printed no two time stamps; it printed: {text[-200:]!r}")
    return int(stamps[-1]) - int(stamps[-2])


def _driven(program: Path, board: str, count: int, variant: Variant) -> Machine:
    """The machine after an image has done ``count`` inferences."""
    machine = _run(program, board, variant, ((b"m-ready", b"infer %d 0%%" % count),), b"m-results")
    if "m-results" not in _printed(machine):
        raise CalibrationError(f"{program}: gave no results; it printed: {_printed(machine)[-200:]!r}")
    return machine


def _run(program: Path, board: str, variant: Variant, send: tuple[tuple[bytes, bytes], ...], until: bytes | None) -> Machine:
    loaded_board = boards.load(board)
    core, changed = variant(core_of(loaded_board), loaded_board)
    loaded = programs.load(program, None, None, flash_address(changed))
    machine = Machine(loaded, changed, core, Options(send, until))
    machine.run()
    return machine


def _printed(machine: Machine) -> str:
    return bytes(machine.serial.kept).decode("latin-1")


def by_program(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases grouped by the program that answers them, so that each runs once."""
    groups: dict[Path, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.program, []).append(case)
    return list(groups.values())
