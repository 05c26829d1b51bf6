"""One operator, run by the NumPy twin: what our kernels must give bit for bit."""

from __future__ import annotations

import numpy as np

from mcusim.network import ElementType, Layer, Network, Quantization, Tensor
from mcusim.network.operators import Operator
from mcusim.network.reference import run

Coding = tuple[float, int]
"""Scale and zero point."""


def answer(
    operator: Operator, values: np.ndarray, kind: str, shape: tuple[int, ...], codings: tuple[Coding | None, Coding | None]
) -> np.ndarray:
    """What the operator makes of ``values``; ``codings``: of input and output, None for floats."""
    tensors = {
        "in": Tensor("in", values.shape, ElementType(values.dtype.name), quantization(codings[0])),
        "out": Tensor("out", shape, ElementType(kind), quantization(codings[1])),
    }
    network = Network("one", tensors, (Layer("one", operator, ("in",), ("out",)),), ("in",), ("out",))
    return run(network, {"in": values})["out"]


def quantization(coding: Coding | None) -> Quantization | None:
    return None if coding is None else Quantization((coding[0],), (coding[1],))


def random_coding(random: np.random.Generator, kind: str) -> Coding:
    """A scale that float32 has, and a zero point of the type; 16 bits are symmetric."""
    info = np.iinfo(kind)
    scale = float(np.float32(10 ** random.uniform(-2.5, 0.5)))
    return (scale / 256, 0) if kind == "int16" else (scale, int(random.integers(info.min, info.max, endpoint=True)))
