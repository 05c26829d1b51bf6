"""Boards whose flash ``workload.c`` sets up: where a program lies, and what goes into the access control register."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kernels_c.toolchain import Layout
from tests.support.firmware import build_firmware

KIB = 1024


@dataclass(frozen=True)
class Place:
    """A core, a place in memory, and the defines of ``workload.c``."""

    core: str
    layout: Layout
    acr: str
    value: str
    others: dict[str, object] = field(default_factory=dict)


PLACES = {
    "nucleo-l4r5zi": Place("m4", Layout(0x08000000, 256 * KIB, 0x20000000, 192 * KIB), "0x40022000", "0x705"),
    "nucleo-f446re": Place("m4", Layout(0x08000000, 256 * KIB, 0x20000000, 112 * KIB), "0x40023C00", "0x705"),
    "stm32f4discovery": Place("m4", Layout(0x08000000, 256 * KIB, 0x20000000, 112 * KIB), "0x40023C00", "0x005"),
    "nucleo-g0b1re": Place("m0plus", Layout(0x08000000, 256 * KIB, 0x20000000, 128 * KIB), "0x40022000", "0x302"),
    "nucleo-u575zi-q": Place("m33", Layout(0x08000000, 256 * KIB, 0x20000000, 128 * KIB), "0x40022000", "0x104"),
    "nucleo-f746zg": Place("m7", Layout(0x08000000, 256 * KIB, 0x20010000, 128 * KIB), "0x40023C00", "0x307", {"CACHES": 1}),
    "nucleo-h743zi": Place("m7", Layout(0x08000000, 256 * KIB, 0x24000000, 128 * KIB), "0x52002000", "0x34", {"CACHES": 1}),
}
BUFFERED = {"nucleo-l4r5zi", "nucleo-f446re", "nucleo-g0b1re", "nucleo-u575zi-q", "nucleo-f746zg", "nucleo-h743zi"}
"""Where caches or prefetch are on."""


def workload(board: str, **defines: object) -> Path:
    """The ELF of workload.c for ``board``."""
    place = PLACES[board]
    chosen = {"ACR": place.acr, "WAIT_STATES": place.value, "ROUNDS": 4, **place.others, **defines}
    return build_firmware("workload.c", place.core, layout=place.layout, defines=chosen)
