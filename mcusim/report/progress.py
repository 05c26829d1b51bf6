"""How far a run has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a run: simulated ``seconds`` and ``cycles`` since reset, ``instructions``, time on the host."""

    seconds: float
    cycles: int
    instructions: int
    wall_seconds: float
