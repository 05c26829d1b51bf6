"""Which kernels a network is lowered to: ours, or a user's checkout of CMSIS-NN; and what of the core they make use of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcusim.errors import McusimError

DSP_CORES = ("m4", "m7", "m33")
"""Cores with the DSP extension (the M33 in its usual configuration)."""


class KernelError(McusimError):
    """A kernel library cannot be used."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """``cmsis_nn``: root of a checkout of CMSIS-NN (it has ``Include`` and ``Source``); None for our own kernels."""

    core: str
    cmsis_nn: Path | None = None

    def __post_init__(self) -> None:
        if self.cmsis_nn is not None and not (self.cmsis_nn / "Include" / "arm_nnfunctions.h").is_file():
            raise KernelError(f"{self.cmsis_nn} is no checkout of CMSIS-NN: it has no file Include/arm_nnfunctions.h")

    @property
    def own(self) -> bool:
        """Whether they are ours."""
        return self.cmsis_nn is None

    @property
    def dsp(self) -> bool:
        """Whether the core has the DSP extension."""
        return self.core in DSP_CORES
