"""Sparse layers of float32 on the target give what the dense ones give there, in every bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcusim import boards
from mcusim.bench import bench
from mcusim.deploy.build import BuildOptions, sources_of
from mcusim.deploy.sparse_layers import kept_weights
from mcusim.network import Network, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import run
from tests.deploy.operators import joined
from tests.deploy.target import CHECKED, Arrays, answers, assert_same, network_of
from tests.deploy.test_floats import CORES, ODD, floats, layer, odd_layers

DENSE, ROWS = (replace(CHECKED, sparse=policy) for policy in ("never", "rows"))
DENSITIES = (0.0, 0.05, 0.3, 0.6, 1.0)
SAME = ops.Padding(1, 1, 1, 1)


def pruned(network: Network, density: float, seed: int = 0) -> Network:
    """The network with that part of its weights left; half of the zeros are -0."""
    random = np.random.default_rng(seed)
    tensors = dict(network.tensors)
    for weights in (network.tensors[each.inputs[1]] for each in network.layers if len(each.inputs) > 1):
        assert weights.data is not None
        zeros = random.choice(np.array([0.0, -0.0], np.float32), weights.shape)
        tensors[weights.name] = replace(weights, data=np.where(random.random(weights.shape) < density, weights.data, zeros))
    return replace(network, tensors=tensors)


def odd_networks() -> Iterator[Network]:
    """One group, any taps, strides, paddings and dilations; and what those lack: gaps wider than a step, and large windows."""
    for kind in (ODD[0], ODD[2]):
        yield from (each for each in odd_layers(kind) if "groups" not in kinds_of(each))
    yield layer(ops.FullyConnected(), (2, 700), (3, 700), 3, 20)
    yield layer(ops.Conv2D(padding=SAME), (1, 3, 3, 70), (5, 3, 3, 70), 0, 21)
    yield layer(ops.Conv2D(padding=ops.Padding(3, 3, 4, 4), dilation=(2, 3)), (2, 5, 4, 2), (6, 4, 4, 2), 6, 22)


def kinds_of(network: Network) -> set[str]:
    (only,) = network.layers
    source, weights = (network.tensors[name] for name in only.inputs[:2])
    return {"groups"} if isinstance(only.operator, ops.Conv2D) and source.shape[3] != weights.shape[3] else set()


def with_zeros(network: Network, count: int) -> list[dict[str, np.ndarray]]:
    """Random inputs, a fifth of them 0, a fifth -0, some so small that products vanish."""
    random = np.random.default_rng(5)

    def values(tensor: Tensor) -> np.ndarray:
        drawn = random.normal(size=tensor.shape) * random.choice([0.0, -0.0, 1e-38, 1.0, 1.0], tensor.shape)
        return drawn.astype(np.float32)

    return [{name: values(network.tensors[name]) for name in network.inputs} for _ in range(count)]


def assert_same_bits(got: Sequence[Arrays], wanted: Sequence[Arrays]) -> None:
    assert_same([{name: each[name].view(np.int32) for name in each} for each in got],
                [{name: each[name].view(np.int32) for name in each} for each in wanted])  # fmt: skip


@pytest.mark.parametrize("core", CORES)
def test_sparse_layers_of_float32_give_the_bits_of_dense_ones(core: str, tmp_path: Path) -> None:
    networks = {f"{n}": pruned(each, DENSITIES[n % 5], n) for n, each in enumerate(odd_networks())}
    network = joined(networks)
    inputs = with_zeros(network, 2)
    assert len(list(kept_weights(network, sources_of(network, boards.load(core), ROWS).steps))) == len(network.layers)
    found = answers(network, core, inputs, tmp_path, ROWS)
    assert_same_bits(found, answers(network, core, inputs, tmp_path, DENSE))
    assert_same(found, [run(network, each) for each in inputs])


def lenet() -> Network:
    """Two convolutions, max pooling and two fully connected layers for pictures of 12 x 12, 95 % of the weights zero."""
    random = np.random.default_rng(8)

    def drawn(name: str, *shape: int) -> Tensor:
        return floats(name, shape, random.normal(size=shape).astype(np.float32))

    tensors = [
        floats("in", (1, 12, 12, 1)), drawn("w1", 8, 3, 3, 1), drawn("b1", 8), floats("a", (1, 10, 10, 8)),
        drawn("w2", 16, 3, 3, 8), drawn("b2", 16), floats("b", (1, 8, 8, 16)), floats("c", (1, 4, 4, 16)),
        floats("d", (1, 256)), drawn("w3", 32, 256), drawn("b3", 32), floats("e", (1, 32)), drawn("w4", 10, 32),
        drawn("b4", 10), floats("out", (1, 10)),
    ]  # fmt: skip
    relu = ops.Activation.RELU
    network = network_of(
        "lenet", tensors, (ops.Conv2D(activation=relu), "in w1 b1", "a"), (ops.Conv2D(activation=relu), "a w2 b2", "b"),
        (ops.Pool2D(ops.Pooling.MAX, (2, 2), (2, 2)), "b", "c"), (ops.Reshape((1, 256)), "c", "d"),
        (ops.FullyConnected(relu), "d w3 b3", "e"), (ops.FullyConnected(), "e w4 b4", "out"),
    )  # fmt: skip
    return pruned(network, 0.05, 2)


@pytest.mark.parametrize("policy", ["auto", "rows"])
def test_a_pruned_lenet_gives_the_same_with_and_without_its_zeros(policy: str) -> None:
    network, board = lenet(), "raspberry-pi-pico"
    options = BuildOptions(sparse=policy)
    (dense,) = bench(network, board, check=2, options=DENSE, cache=False).results
    (sparse,) = bench(network, board, check=2, options=options, cache=False).results
    assert (dense.bit_exact, sparse.bit_exact) == (True, True)
    assert dense.sparse == ()
    assert any("weights as rows" in line for line in sparse.sparse)
    assert sparse.latency_cycles is not None and dense.latency_cycles is not None
    assert sparse.latency_cycles < 0.2 * dense.latency_cycles
    assert sparse.flash_bytes.total < dense.flash_bytes.total


def test_weights_that_are_not_finite_stay_dense() -> None:
    network = pruned(layer(ops.FullyConnected(), (1, 700), (9, 700), 0, 3), 0.05)
    weights = network.tensors["filter"]
    assert weights.data is not None
    board = boards.load("m4")
    assert list(kept_weights(network, sources_of(network, board, ROWS).steps))
    data = weights.data.copy()
    data[2, 3] = np.inf
    changed = replace(network, tensors={**network.tensors, "filter": replace(weights, data=data)})
    assert not list(kept_weights(changed, sources_of(changed, board, ROWS).steps))


@pytest.mark.parametrize("operator", [ops.Conv2D(padding=SAME), ops.FullyConnected()])
def test_blocks_of_four_are_for_int8_only(operator: ops.Operator) -> None:
    shapes = ((1, 64), (8, 64)) if isinstance(operator, ops.FullyConnected) else ((1, 4, 4, 8), (8, 3, 3, 8))
    network = pruned(layer(operator, *shapes, 8, 1), 0.05)
    sources = sources_of(network, boards.load("m4"), BuildOptions(sparse="fours"))
    assert not list(kept_weights(network, sources.steps))
