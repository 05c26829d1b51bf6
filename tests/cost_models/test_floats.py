"""Networks of float32 in cost models: told apart, sizes as those of builds, refused where nothing was learnt of them."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models import CostModelError, exact_sizes, from_network, load
from cost_models.flash import KERNELS, calls_of
from cost_models.frames import frame_of
from cost_models.layers import is_float
from cost_models.sizes import sizes_on
from mcusim import boards
from mcusim.deploy.build import sources_of
from mcusim.deploy.call import Call
from mcusim.network import ElementType, Network, Tensor
from mcusim.network import operators as ops
from tests.deploy.target import network_of


def floats(name: str, *shape: int, constant: bool = False) -> Tensor:
    data = np.random.default_rng(len(name)).normal(size=shape).astype(np.float32) if constant else None
    return Tensor(name, shape, ElementType.FLOAT32, data=data)


def small() -> Network:
    """Layers of the kinds that there are kernels for."""
    tensors = [
        floats("in", 1, 9, 9, 3), floats("filter", 8, 3, 3, 3, constant=True), floats("bias", 8, constant=True),
        floats("features", 1, 9, 9, 8), floats("taps", 1, 3, 3, 8, constant=True), floats("deep", 1, 9, 9, 8),
        floats("sum", 1, 9, 9, 8), floats("pooled", 1, 4, 4, 8), floats("mean", 1, 8),
        floats("matrix", 5, 8, constant=True), floats("dense", 1, 5), floats("out", 1, 5),
    ]  # fmt: skip
    same = ops.Padding(1, 1, 1, 1)
    return network_of(
        "floats", tensors,
        (ops.Conv2D(padding=same, activation=ops.Activation.RELU), "in filter bias", "features"),
        (ops.DepthwiseConv2D(padding=same), "features taps", "deep"),
        (ops.Binary(ops.Arithmetic.ADD), "features deep", "sum"),
        (ops.Pool2D(ops.Pooling.MAX, (2, 2), (2, 2)), "sum", "pooled"),
        (ops.Reduce(ops.Reduction.MEAN, (1, 2)), "pooled", "mean"),
        (ops.FullyConnected(), "mean matrix", "dense"),
        (ops.Softmax(1.0), "dense", "out"),
    )  # fmt: skip


def test_layers_of_floats_are_told_apart_and_no_model_guesses_at_them() -> None:
    layers = from_network(small())
    assert is_float(layers.table).all() and layers.table["macs"].sum() > 0
    with pytest.raises(CostModelError, match="of a kind that this model has learnt nothing of"):
        load("nucleo-l4r5zi").predict(layers)


def test_kernels_of_floats_are_those_of_a_build() -> None:
    sources = sources_of(small(), boards.load("m4"))
    called = {call.function for step in sources.steps for call in step.calls if isinstance(call, Call)}
    assert {KERNELS[k] for k in np.flatnonzero(calls_of(from_network(small()))[0])} == called


@pytest.mark.parametrize("board", ["nucleo-f746zg", "raspberry-pi-pico", "nano-33-ble"])
def test_ram_of_floats_is_that_of_a_build_and_flash_near_it(board: str) -> None:
    exact, layers = exact_sizes(small(), board), from_network(small())
    told = frame_of(board).ram_bytes(layers)
    assert (told.values[0], told.deviations[0]) == (exact.ram_bytes, 0)
    _, flash = sizes_on(board).predict(layers)
    assert abs(flash.values[0] - exact.flash_bytes) < 4 * flash.deviations[0]
