"""arm_convolve_s8 against the definition of a quantised convolution, in NumPy and exact integers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels_c import kernels
from tests.kernels_c.test_requantize import doubling_high_multiply, rounded_half_away
from tests.support.host import host_library

SUCCESS, ARGUMENT_ERROR = 0, -1


def struct(name: str, *fields: tuple[str, type]) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


Int = ctypes.c_int32
Context = struct("Context", ("buf", ctypes.c_void_p), ("size", Int))
Dims = struct("Dims", ("n", Int), ("h", Int), ("w", Int), ("c", Int))
Tile = struct("Tile", ("w", Int), ("h", Int))
Activation = struct("Activation", ("min", Int), ("max", Int))
Scales = struct("Scales", ("multiplier", ctypes.c_void_p), ("shift", ctypes.c_void_p))
Settings = struct(
    "Settings",
    ("input_offset", Int),
    ("output_offset", Int),
    ("stride", Tile),
    ("padding", Tile),
    ("dilation", Tile),
    ("activation", Activation),
)


@dataclass(frozen=True)
class Layer:
    batches: int
    height: int
    width: int
    groups: int
    group_inputs: int
    group_outputs: int
    taps: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    input_offset: int
    output_offset: int
    activation: tuple[int, int]
    seed: int

    @property
    def output_size(self) -> tuple[int, int]:
        sizes = ((self.height, 0), (self.width, 1))
        return tuple(  # type: ignore[return-value]
            max(1, (size + 2 * self.padding[i] - self.dilation[i] * (self.taps[i] - 1) - 1) // self.stride[i] + 1)
            for size, i in sizes
        )


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
layers = st.builds(
    Layer,
    batches=st.integers(1, 2),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    groups=st.integers(1, 3),
    group_inputs=st.integers(1, 5),
    group_outputs=st.integers(1, 3),
    taps=pairs,
    stride=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=pairs,
    input_offset=st.integers(-127, 128),
    output_offset=st.integers(-128, 127),
    activation=st.sampled_from([(-128, 127), (-5, 127), (-128, 60)]),
    seed=st.integers(0, 2**32 - 1),
)


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    return host_library(kernels())


class Tensors:
    def __init__(self, layer: Layer) -> None:
        random = np.random.default_rng(layer.seed)
        inputs, outputs = layer.groups * layer.group_inputs, layer.groups * layer.group_outputs
        self.input = random.integers(-128, 128, (layer.batches, layer.height, layer.width, inputs), np.int8)
        self.filter = random.integers(-127, 128, (outputs, *layer.taps, layer.group_inputs), np.int8)
        self.bias = random.integers(-5000, 5000, outputs, np.int32)
        self.multiplier = random.integers(2**30, 2**31, outputs, np.int64).astype(np.int32)
        self.shift = random.integers(-11, -5, outputs).astype(np.int32)
        self.output = np.zeros((layer.batches, *layer.output_size, outputs), np.int8)


def expected(layer: Layer, tensors: Tensors) -> np.ndarray:
    """The definition: pad with zero points, sum over taps, scale, clamp."""
    (top, left), (down, across) = layer.padding, layer.dilation
    shifted = tensors.input.astype(np.int64) + layer.input_offset
    padded = np.pad(shifted, ((0, 0), (top, top + 8), (left, left + 8), (0, 0)))  # the least output may reach beyond
    result = np.zeros(tensors.output.shape, np.int8)
    for n, y, x, channel in np.ndindex(result.shape):
        first = channel // layer.group_outputs * layer.group_inputs
        row, column = y * layer.stride[0], x * layer.stride[1]
        window = padded[
            n,
            row : row + down * (layer.taps[0] - 1) + 1 : down,
            column : column + across * (layer.taps[1] - 1) + 1 : across,
            first : first + layer.group_inputs,
        ]
        total = int((window * tensors.filter[channel]).sum()) + int(tensors.bias[channel])
        high = doubling_high_multiply(total, int(tensors.multiplier[channel]))
        scaled = rounded_half_away(high, -int(tensors.shift[channel])) + layer.output_offset
        result[n, y, x, channel] = min(max(scaled, layer.activation[0]), layer.activation[1])
    return result


def convolve(
    library: ctypes.CDLL, layer: Layer, tensors: Tensors, *, bias: bool = True, filter_channels: int = 0
) -> int:
    def tile(pair: tuple[int, int]) -> ctypes.Structure:
        return Tile(w=pair[1], h=pair[0])

    outputs = tensors.output.shape[3]
    chosen = Settings(
        layer.input_offset,
        layer.output_offset,
        tile(layer.stride),
        tile(layer.padding),
        tile(layer.dilation),
        Activation(*layer.activation),
    )
    by = ctypes.byref
    return library.arm_convolve_s8(
        by(Context()),
        by(chosen),
        by(Scales(tensors.multiplier.ctypes.data, tensors.shift.ctypes.data)),
        by(Dims(*tensors.input.shape)),
        tensors.input.ctypes.data_as(ctypes.c_void_p),
        by(Dims(outputs, *layer.taps, filter_channels or layer.group_inputs)),
        tensors.filter.ctypes.data_as(ctypes.c_void_p),
        by(Dims(1, 1, 1, outputs)),
        tensors.bias.ctypes.data_as(ctypes.c_void_p) if bias else None,
        None,
        by(Dims(*tensors.output.shape)),
        tensors.output.ctypes.data_as(ctypes.c_void_p),
    )


@settings(max_examples=150, deadline=None)
@given(layer=layers)
def test_any_convolution_equals_its_definition(library: ctypes.CDLL, layer: Layer) -> None:
    tensors = Tensors(layer)
    assert convolve(library, layer, tensors) == SUCCESS
    np.testing.assert_array_equal(tensors.output, expected(layer, tensors))


PLAIN = Layer(1, 4, 4, 1, 2, 3, (3, 3), (1, 1), (1, 1), (1, 1), 7, -3, (-128, 127), 11)


def test_a_missing_bias_counts_as_zero(library: ctypes.CDLL) -> None:
    tensors = Tensors(PLAIN)
    assert convolve(library, PLAIN, tensors, bias=False) == SUCCESS
    tensors.bias[:] = 0
    np.testing.assert_array_equal(tensors.output, expected(PLAIN, tensors))


def test_channels_that_make_no_whole_groups_are_refused(library: ctypes.CDLL) -> None:
    tensors = Tensors(PLAIN)
    assert convolve(library, PLAIN, tensors, filter_channels=3) == ARGUMENT_ERROR
    assert not tensors.output.any()
