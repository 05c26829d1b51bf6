"""Generated code on the simulated target gives what the NumPy twin gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcusim.deploy.build import BuildOptions
from mcusim.network import Network
from mcusim.network import operators as ops
from mcusim.network.reference import run
from tests.deploy.target import answers, assert_same, constant, network_of, quantized, samples

CORES = ("m0plus", "m4", "m7", "m33")


def small() -> Network:
    """A convolution, pooling, a residual connection, a row of other layers."""
    random = np.random.default_rng(5)
    tensors = [
        quantized("in", (1, 8, 8, 3), 0.02, -7),
        constant("filter", random.integers(-127, 128, (4, 3, 3, 3), np.int8), random.uniform(0.001, 0.004, 4), 0),
        constant("bias", random.integers(-900, 900, 4, np.int32), [1.0]),
        quantized("features", (1, 8, 8, 4), 0.03, -20),
        quantized("small", (1, 4, 4, 4), 0.03, -20),
        quantized("sum", (1, 4, 4, 4), 0.05, 2),
        quantized("doubled", (1, 4, 4, 8), 0.05, 2),
        quantized("padded", (1, 6, 5, 8), 0.05, 2),
        quantized("out", (1, 240), 0.05, 2),
    ]
    same = ops.Padding(1, 1, 1, 1)
    return network_of(
        "small", tensors,
        (ops.Conv2D(padding=same, activation=ops.Activation.RELU6), "in filter bias", "features"),
        (ops.Pool2D(ops.Pooling.MAX, (2, 2), (2, 2)), "features", "small"),
        (ops.Binary(ops.Arithmetic.ADD), "small small", "sum"),
        (ops.Concatenation(3), "sum sum", "doubled"),
        (ops.Pad((0, 1, 0, 0), (0, 1, 1, 0), 2), "doubled", "padded"),
        (ops.Reshape((1, 240)), "padded", "out"),
    )  # fmt: skip


@pytest.mark.parametrize("core", CORES)
def test_a_small_network_gives_what_its_twin_gives(core: str, tmp_path: Path) -> None:
    network = small()
    inputs = samples(network, 3)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


def test_weights_can_lie_in_ram(tmp_path: Path) -> None:
    from mcusim.deploy.placement import Placement

    network = small()
    inputs = samples(network, 2)
    options = BuildOptions(placement=Placement("ram"))
    assert_same(answers(network, "m4", inputs, tmp_path, options), [run(network, each) for each in inputs])


MOVES = {
    "a transposition": (ops.Transpose((0, 3, 1, 2)), (1, 5, 2, 3)),
    "every second row, backwards": (ops.Slice((0, 1, 2, 4), (1, 1, 3, 2), (1, 1, -1, -3)), (1, 1, 3, 2)),
    "a part in the middle": (ops.Slice((0, 1, 0, 1), (1, 1, 3, 3), (1, 1, 1, 1)), (1, 1, 3, 3)),
}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("kind", ["int8", "float32"])
def test_elements_are_moved_as_the_twin_moves_them(name: str, kind: str, tmp_path: Path) -> None:
    from mcusim.network import ElementType

    operator, shape = MOVES[name]
    network = network_of("moves", [quantized("in", (1, 2, 3, 5), kind=ElementType(kind)),
                                   quantized("out", shape, kind=ElementType(kind))], (operator, "in", "out"))  # fmt: skip
    inputs = samples(network, 2)
    assert_same(answers(network, "m4", inputs, tmp_path), [run(network, each) for each in inputs])
