"""Calls of C kernels as frozen data: function, arguments, constants, scratch memory. Knows nothing of how C is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mcusim.network import Layer

C_TYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t",
    "int64": "int64_t", "float32": "float", "float64": "double", "bool": "uint8_t",
}  # fmt: skip
"""Element types of tensors in C."""


@dataclass(frozen=True, slots=True)
class Constant:
    """An array in the program: weights, biases, multipliers, tables. ``name`` is what it is to its layer (``"weights"``)."""

    name: str
    data: np.ndarray = field(compare=False)
    symbol: str = ""

    @property
    def c_type(self) -> str:
        """Type of an element in C."""
        return C_TYPES[str(self.data.dtype)]


@dataclass(frozen=True, slots=True)
class Struct:
    """A ``static const`` structure of a layer; ``fields`` are numbers, constants (as pointers) and nested tuples of them."""

    type: str
    name: str
    fields: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a tensor that is no constant lies, ``offset_bytes`` behind its start."""

    tensor: str
    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """A ``cmsis_nn_context``: ``bytes`` of the layer's scratch memory from ``offset_bytes`` on; none where 0.

    Rules leave both 0 and name the function that tells the bytes (``SizeCheck``).
    """

    name: str = "scratch"
    bytes: int = 0
    offset_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ScratchPointer:
    """A plain pointer to ``bytes`` of the layer's scratch memory, in front of the contexts."""

    c_type: str
    bytes: int
    offset_bytes: int = 0


SCRATCH_ALIGNMENT = 8


def aligned(size: int) -> int:
    """Bytes of scratch memory that ``size`` bytes take, so that what follows is aligned."""
    return size + -size % SCRATCH_ALIGNMENT


EXTRA = "nn_extra.h"
"""The header of kernels that CMSIS-NN lacks."""
FLOAT = "nn_float.h"
"""The header of kernels of float32."""
NULL = None
Argument = int | float | Constant | Struct | Pointer | Context | ScratchPointer | None
"""What is passed to a function, in C's order; None is NULL."""


@dataclass(frozen=True, slots=True)
class SizeCheck:
    """The function that tells a context's bytes, and its arguments."""

    function: str
    arguments: tuple[Argument, ...]
    context: str = "scratch"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a C function. ``status``: it returns an ``arm_cmsis_nn_status``. ``header`` declares it."""

    function: str
    arguments: tuple[Argument, ...]
    status: bool = True
    header: str = "arm_nnfunctions.h"
    checks: tuple[SizeCheck, ...] = ()


class Loop(NamedTuple):
    """``rounds`` times; each goes so many bytes further than the one before."""

    rounds: int
    target_step: int
    source_step: int


@dataclass(frozen=True, slots=True)
class Copy:
    """``bytes`` from one tensor to another, in nested loops; nothing where the plan has put both at one place."""

    target: Pointer
    source: Pointer | Constant
    bytes: int
    loops: tuple[Loop, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What runs for one layer. ``name`` is its identifier in C, and the name of its mark."""

    name: str
    layer: Layer
    calls: tuple[Call | Copy, ...]
    scratch_bytes: int = 0
