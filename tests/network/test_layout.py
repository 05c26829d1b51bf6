"""Orders of elements: views that move nothing, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from mcusim.network import operators as ops
from mcusim.network.builder import Builder
from mcusim.network.layout import ORDERS, Value, channels_last
from mcusim.network.reference import run

SHAPES = ((2, 12, 3, 4), (24, 3, 4), (2, 3, 2, 2, 3, 4), (6, 4, 1, 12), (2, 144), (288,), (1, 2, 12, 12))


@pytest.mark.parametrize("seed", range(40))
def test_any_views_one_after_another_give_what_numpy_gives(seed: int) -> None:
    generator = np.random.default_rng(seed)
    shape = SHAPES[generator.integers(3)]
    order = ORDERS[generator.integers(3)](len(shape))
    builder = Builder("views")
    value = builder.input("x", shape, order)
    x = expected = np.arange(288, dtype=np.float32).reshape(shape)
    for _ in range(generator.integers(1, 6)):
        if generator.random() < 0.5:
            new = SHAPES[generator.integers(len(SHAPES))]
            value, expected = builder.reshape(value, new), expected.reshape(new)
        else:
            axes = tuple(int(axis) for axis in generator.permutation(expected.ndim))
            value, expected = builder.transpose(value, axes), expected.transpose(axes)
        assert isinstance(value, Value)
    network = builder.network({"y": builder.reshape(value, (288, 1))})
    assert all(isinstance(layer.operator, ops.Reshape | ops.Transpose) for layer in network.layers)
    met = run(network, {"x": np.ascontiguousarray(x.transpose(order))})["y"]
    np.testing.assert_array_equal(met.reshape(-1), expected.reshape(-1))


def test_there_and_back_is_no_layer() -> None:
    builder = Builder("views")
    value = builder.transpose(builder.input("x", (1, 6, 5, 4), channels_last(4)), (0, 2, 3, 1))
    value = builder.transpose(builder.reshape(value, (5, 2, 2, 2, 3)), (0, 3, 4, 1, 2))
    value = builder.reshape(builder.transpose(value, (1, 2, 0, 3, 4)), (1, 6, 5, 4))
    assert isinstance(value, Value)
    assert builder.stored(value, channels_last(4)) == "x"
    assert not builder.layers


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_a_value_of_one_element_can_be_an_output(rank: int) -> None:
    builder = Builder("one")
    value = builder.input("x", (1,) * rank, channels_last(rank))
    network = builder.network({"y": builder.unary("y", ops.Function.RELU, value)})
    assert network.tensors["y"].shape == (1,) * rank
