"""Paper: figures of the study that this one follows, as read off its slides, to stand beside ours.

M. Deutel, P. Woller, C. Mutschler, J. Teich: Energy-efficient deployment of deep learning applications on Cortex-M based
microcontrollers using deep compression (arXiv 2205.10369; MBMV 2023). Read off logarithmic axes: 10 % of doubt each. None of it
takes part in what is worked out here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.deep_compression.heuristics import ELEMENT_WISE, STRUCTURED

DOUBT = 0.1
"""Relative, of figures that were read off."""

ACCURACY: Mapping[str, Sequence[tuple[float, float]]] = {
    STRUCTURED: ((1.0, 1.0), (0.01, 1.0), (0.004, 0.98), (0.0025, 0.95), (0.001, 0.91), (0.0006, 0.71)),
    ELEMENT_WISE: ((1.0, 1.0), (0.05, 1.0), (0.02, 0.96), (0.01, 0.90)),
}
"""Relative size and relative accuracy: L1 and L2, and Level."""

FLASH_BYTES_PER_NONZERO = {"float32": 6.0, "int8": 3.0}
"""An index of 16 bits and the value; taken where it is smaller than the dense weights."""

LENET_PARAMETERS = 1_199_882


@dataclass(frozen=True, slots=True)
class Figure:
    """A network on a Raspberry Pi Pico. ``type``: uint8 stands as int8. ``bytes`` are those of the radar plot."""

    strategy: str
    type: str
    sparsity: float
    energy_joules: float
    latency_seconds: float
    flash_bytes: float
    ram_bytes: float


def _rows(strategy: str, *rows: tuple[str, float, float, float, float, float]) -> tuple[Figure, ...]:
    """From mWs, ms, KiB, KiB."""
    return tuple(
        Figure(strategy, kind, sparsity, energy / 1e3, latency / 1e3, flash * 1024, ram * 1024)
        for kind, sparsity, energy, latency, flash, ram in rows
    )


PICO: Sequence[Figure] = (
    *_rows(
        STRUCTURED,
        ("float32", 0.834, 237, 2930, 785, 98), ("int8", 0.834, 35, 400, 198, 26),
        ("float32", 0.9918, 15.6, 190, 39, 25), ("int8", 0.9918, 4.1, 50, 9.8, 8.5),
        ("float32", 0.997, 6.2, 76, 11, 16), ("int8", 0.997, 2.1, 25, 2.9, 4.6),
    ),
    *_rows(
        ELEMENT_WISE,
        ("float32", 0.96, 82, 1030, 288, 235), ("float32", 0.98, 54, 680, 145, 235), ("int8", 0.98, 35, 394, 73, 60),
    ),
)  # fmt: skip
"""Two rows of the slides said to be of 95 % are left out: their flash is that of 90 %."""
