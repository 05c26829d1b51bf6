"""Tensors: shape, element type, quantisation, and data where they are constant."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import prod

import numpy as np


class ElementType(Enum):
    """Types of elements; the value is NumPy's name for it."""

    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    BOOL = "bool"

    @property
    def size_bytes(self) -> int:
        """Bytes of one element."""
        return np.dtype(self.value).itemsize


@dataclass(frozen=True, slots=True)
class Quantization:
    """real = scale * (stored - zero_point), for the whole tensor or for each index of ``axis``.

    ``scales`` and ``zero_points`` have one entry (``axis`` None) or one for each index along ``axis``.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None = None

    @property
    def scale(self) -> float:
        """The scale of a tensor quantised as a whole; ValueError where there are several."""
        (scale,) = self.scales
        return scale

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor quantised as a whole; ValueError where there are several."""
        (zero_point,) = self.zero_points
        return zero_point


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a network. ``data`` (read only, of ``shape``) is there for constants: weights, biases, paddings.

    ``variable``: keeps its value from one inference to the next (state of SVDF and LSTM layers); starts as ``data``, or
    as the stored value of real 0.
    """

    name: str
    shape: tuple[int, ...]
    type: ElementType
    quantization: Quantization | None = None
    data: np.ndarray | None = field(default=None, repr=False, compare=False)
    variable: bool = False

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes of the stored elements."""
        return self.elements * self.type.size_bytes

    @property
    def constant(self) -> bool:
        """Whether its value is known before the network runs."""
        return self.data is not None and not self.variable
