"""Which kernels a network is lowered to: ours, or a user's checkout of CMSIS-NN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kernels_c import ROOT
from mcusim.deploy.call import EXTRA, FLOAT
from mcusim.deploy.sparse_choice import POLICIES
from mcusim.errors import McusimError

EXTRAS = (EXTRA, FLOAT)
"""Headers of kernels that CMSIS-NN lacks."""


class KernelError(McusimError):
    """A kernel library cannot be used."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """``cmsis_nn``: root of a checkout of CMSIS-NN (it has ``Include`` and ``Source``); None for our own kernels.

    ``sparse``: when layers keep only those weights that are not zero, a key of ``POLICIES``. CMSIS-NN has no kernels for that.
    """

    core: str
    cmsis_nn: Path | None = None
    sparse: str = "auto"

    def __post_init__(self) -> None:
        if self.cmsis_nn is not None and not _api(self.cmsis_nn / "Include").is_file():
            raise KernelError(f"{self.cmsis_nn} is no checkout of CMSIS-NN: it has no file Include/arm_nnfunctions.h")
        if self.sparse not in POLICIES:
            raise KernelError(f"{self.sparse!r} does not say when layers are sparse; allowed: {', '.join(POLICIES)}")

    @property
    def own(self) -> bool:
        """Whether they are ours."""
        return self.cmsis_nn is None

    @property
    def functions(self) -> frozenset[str]:
        """Names of the kernels that there are: the library's, and ours that CMSIS-NN has no counterpart of."""
        return self.own_functions if self.cmsis_nn is None else self.own_functions | declared(_api(self.cmsis_nn / "Include"))

    @property
    def own_functions(self) -> frozenset[str]:
        """Names of the kernels that are ours."""
        own = ROOT / "include"
        return extra_functions() | (declared(_api(own)) if self.cmsis_nn is None else frozenset())

    @property
    def walks(self) -> frozenset[str]:
        """Names of the functions that tell what kernels promise: ours only, nothing is known of others."""
        return declared(ROOT / "include" / "nn_walks.h") if self.own else frozenset()

    def __str__(self) -> str:
        return "mcusim's kernels" if self.own else f"CMSIS-NN in {self.cmsis_nn}"


@cache
def declared(header: Path) -> frozenset[str]:
    """Names of the kernels that a header declares."""
    return frozenset(re.findall(r"\b((?:arm|nn)_\w+)\(", header.read_text(encoding="utf-8")))


def extra_functions() -> frozenset[str]:
    """Names of the kernels that are ours whatever library is used."""
    return frozenset().union(*(declared(ROOT / "include" / name) for name in EXTRAS))


def _api(folder: Path) -> Path:
    return folder / "arm_nnfunctions.h"
