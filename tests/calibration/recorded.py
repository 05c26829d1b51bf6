"""Cycles of programs of ours as this simulator gave them: a guard against regressions, which says nothing of silicon.

    python -m tests.calibration.recorded

writes them anew, after a change that is meant to move them.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import mcusim
from calibration import measurements
from calibration.measurements import Measurement
from mcusim import boards
from mcusim.boards import Board
from mcusim.deploy.layout import support_of
from tests.support.firmware import build_firmware

FILE = Path(__file__).with_name("recorded.csv")
BOARDS = (
    "m0", "m0plus", "m3", "m4", "m33", "m7", "nucleo-l4r5zi", "nucleo-g0b1re", "nucleo-u575zi-q", "nucleo-h743zi",
    "f746g-disco", "nano-33-ble", "nrf5340-dk", "raspberry-pi-pico", "raspberry-pi-pico-2",
)  # fmt: skip
SOURCE = "simulated by mcusim {}: a guard against regressions, not a measurement of silicon"
TOLERANCES = {"flash": 0.002, "external": 0.02}
"""By the kind of memory that code lies in. The loops are assembly; what a compiler puts around them is a few cycles in
thousands, and a few lines of caches, which cost more where a flash is a serial one.
"""


def build(board: str) -> Path:
    """The program of ``board``: its marks are what is recorded."""
    support = support_of(boards.load(board))
    return build_firmware(
        ["recorded.c", "recorded.S", "src/marks.c", *support.sources], support.core, fpu=support.fpu, layout=support.layout,
        console=support.console, defines=support.defines,
    )  # fmt: skip


def place(folder: Path, names: tuple[str, ...] = BOARDS) -> Path:
    """``folder``, with the program of each board in it as BOARD.elf."""
    for name in names:
        shutil.copy(build(name), folder / f"{name}.elf")
    return folder


def tolerance_on(board: Board) -> float:
    """The relative error that another compiler may make."""
    kinds = {region.name: region.kind for region in board.memories}
    return TOLERANCES[kinds[board.firmware.flash]] if board.firmware else TOLERANCES["flash"]


def record(folder: Path) -> list[Measurement]:
    """What the simulator says now."""
    source = SOURCE.format(mcusim.__version__)
    return [
        Measurement(f"{name} {mark.name}", "cycles", mark.cycles / mark.count, "cycles", name, source,
                    program=f"{name}.elf", mark=mark.name, tolerance=tolerance_on(boards.load(name)))
        for name in BOARDS
        for mark in mcusim.run(folder / f"{name}.elf", board=name).marks
    ]  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measurements.write(FILE, record(place(Path(folder))))
