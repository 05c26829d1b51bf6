"""Sparse kernels on the simulated target give what the dense layers' NumPy twin gives, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mcusim import boards
from mcusim.deploy.build import BuildOptions, sources_of
from mcusim.deploy.sparse import FORMATS
from mcusim.deploy.sparse_layers import kept_weights
from mcusim.network import Layer, Network, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import run
from tests.deploy.target import answers, assert_same, constant, quantized, samples
from tests.deploy.test_sparse import pruned

CORES = ("m0plus", "m3", "m4", "m7")
SIZE = (2, 7, 6, 5)
"""Of the input: two images."""
ZERO = -7


@dataclass(frozen=True)
class Convolution:
    """A convolution of ``SIZE``: padding is (top, bottom, left, right)."""

    outputs: int
    taps: tuple[int, int]
    density: float
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    activation: ops.Activation = ops.Activation.NONE
    scale: float = 0.002
    with_bias: bool = True

    @property
    def operator(self) -> ops.Conv2D:
        top, bottom, left, right = self.padding
        padding = ops.Padding(top=top, bottom=bottom, left=left, right=right)
        return ops.Conv2D(stride=self.stride, padding=padding, dilation=self.dilation, activation=self.activation)

    @property
    def output(self) -> tuple[int, ...]:
        before = self.padding[0] + self.padding[1], self.padding[2] + self.padding[3]
        reach = [(taps - 1) * step + 1 for taps, step in zip(self.taps, self.dilation, strict=True)]
        sizes = [(SIZE[i + 1] + before[i] - reach[i]) // self.stride[i] + 1 for i in range(2)]
        return SIZE[0], *sizes, self.outputs


CONVOLUTIONS = (
    Convolution(7, (1, 1), 0.5),
    Convolution(64, (1, 1), 0.05, with_bias=False),
    Convolution(9, (3, 3), 0.2, (1, 1, 1, 1), activation=ops.Activation.RELU6),
    Convolution(4, (3, 3), 0.9, (0, 1, 1, 0), (2, 2)),
    Convolution(5, (3, 2), 0.3, (2, 2, 1, 1), (1, 2), (2, 2)),
    Convolution(3, (7, 6), 1.0),
    Convolution(6, (7, 6), 0.7, (3, 3, 5, 5), (3, 1), activation=ops.Activation.RELU),
    Convolution(5, (3, 3), 0.0, (1, 1, 1, 1)),
    Convolution(4, (3, 3), 0.4, (1, 1, 1, 1), scale=4.0),
)  # fmt: skip
"""The last one's sums are scaled to the left: not as nn_scale.h does."""
CONNECTED = ((7, 0.3, 7), (8, 0.1, 1), (13, 0.0, 1), (1, 1.0, 1), (6, 0.01, 6), (5, 0.6, 5))
"""Outputs, density, scales."""


def parallel(source: Tensor, parts: Sequence[tuple[ops.Operator, Sequence[Tensor], Tensor]], *shaping: Layer) -> Network:
    """Layers that all read ``source`` (or what ``shaping`` makes of it, when it is called ``flat``)."""
    tensors = {source.name: source}
    layers = list(shaping)
    for number, (operator, constants, output) in enumerate(parts):
        tensors |= {tensor.name: tensor for tensor in (*constants, output)}
        reads = "flat" if isinstance(operator, ops.FullyConnected) else source.name
        layers.append(Layer(f"layer{number}", operator, (reads, *(tensor.name for tensor in constants)), (output.name,)))
    return Network("sparse", tensors, tuple(layers), (source.name,), tuple(output.name for *_, output in parts))


def convolutions() -> Network:
    """Each reads the same input."""
    random = np.random.default_rng(3)
    parts = []
    for number, case in enumerate(CONVOLUTIONS):
        taps = int(np.prod(case.taps))
        weights = pruned(case.outputs, taps * SIZE[3], case.density, seed=number).reshape(case.outputs, *case.taps, SIZE[3])
        constants = [constant(f"w{number}", weights, random.uniform(0.5, 1.5, case.outputs) * case.scale, 0)]
        if case.with_bias:
            constants.append(constant(f"b{number}", random.integers(-900, 900, case.outputs, np.int32), [1.0]))
        parts.append((case.operator, constants, quantized(f"out{number}", case.output, 0.03, -20)))
    return parallel(quantized("in", SIZE, 0.02, ZERO), parts)


def connected(depth: int = 210, vectors: int = 2) -> Network:
    """Each reads the same vectors, a few with gaps wider than 4096."""
    random = np.random.default_rng(4)
    parts = []
    for number, (outputs, density, scales) in enumerate(CONNECTED):
        weights = pruned(outputs, depth, density, seed=number)
        constants = [
            constant(f"w{number}", weights, random.uniform(0.001, 0.004, scales), 0 if scales > 1 else None),
            constant(f"b{number}", random.integers(-900, 900, outputs, np.int32), [1.0]),
        ]
        parts.append((ops.FullyConnected(), constants, quantized(f"out{number}", (vectors, outputs), 0.9, 4)))
    return parallel(quantized("flat", (vectors, depth), 0.02, ZERO), parts)


NETWORKS = {"convolutions": convolutions, "connected": connected}


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_sparse_layers_give_what_dense_ones_give(name: str, form: str, core: str, tmp_path: Path) -> None:
    network = NETWORKS[name]()
    inputs = samples(network, 2)
    options = BuildOptions(sparse=form, defines={"NETWORK_CHECK": 2})
    assert len(list(kept_weights(network, sources_of(network, boards.load(core), options).steps))) == len(network.layers)
    assert_same(answers(network, core, inputs, tmp_path, options), [run(network, each) for each in inputs])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_gaps_wider_than_any_step_are_crossed(core: str, form: str, tmp_path: Path) -> None:
    depth = 9000
    weights = np.zeros((6, depth), np.int8)
    for row, places in enumerate(((0,), (8999,), (255, 511, 767), (256, 4353, 8999), (), (1, 257, 514, 5000))):
        weights[row, list(places)] = (5, -7, 11, 127)[: len(places)]
    constants = [constant("w", weights, [0.02]), constant("b", np.zeros(6, np.int32), [1.0])]
    network = parallel(quantized("flat", (1, depth)), [(ops.FullyConnected(), constants, quantized("out", (1, 6), 0.5))])
    inputs = samples(network, 2)
    assert_same(answers(network, core, inputs, tmp_path, BuildOptions(sparse=form)), [run(network, each) for each in inputs])


def test_extreme_values_do_not_run_over(tmp_path: Path) -> None:
    """Products of two weights of -128 and two inputs of -128 need more than 16 bits."""
    weights = np.full((4, 1, 1, 6), -128, np.int8)
    constants = [constant("w", weights, [0.001] * 4, 0), constant("b", np.zeros(4, np.int32), [1.0])]
    out = quantized("out", (1, 3, 3, 4), 0.5, -3)
    network = parallel(quantized("in", (1, 3, 3, 6), 0.05, 127), [(ops.Conv2D(), constants, out)])
    inputs = [{"in": np.full((1, 3, 3, 6), value, np.int8)} for value in (-128, 127)]
    for core in ("m0plus", "m4"):
        found = answers(network, core, inputs, tmp_path, BuildOptions(sparse="rows"))
        assert_same(found, [run(network, each) for each in inputs])


def layers_of(outputs: int, count: int) -> Network:
    """``count`` fully connected layers of 200 inputs, of whose weights 2 % are left."""
    parts = []
    for number in range(count):
        weights = constant(f"w{number}", pruned(outputs, 200, 0.02, seed=number), [0.01])
        parts.append((ops.FullyConnected(), [weights], quantized(f"out{number}", (1, outputs), 0.5)))
    return parallel(quantized("flat", (1, 200)), parts)


@pytest.mark.parametrize(("count", "policy", "sparse"), [(1, "auto", 0), (1, "size", 0), (2, "auto", 2), (1, "speed", 1)])
def test_layers_become_sparse_where_together_they_save_more_than_the_kernel_takes(count: int, policy: str, sparse: int) -> None:
    network = layers_of(5, count)
    sources = sources_of(network, boards.load("m4"), BuildOptions(sparse=policy))
    assert len(list(kept_weights(network, sources.steps))) == sparse


def with_constants(operator: ops.Conv2D | ops.FullyConnected) -> Network:
    """Of 64 outputs every third has a scale of next to nothing and weights of any kind, and every ninth no weights either."""
    random, scales = np.random.default_rng(5), np.full(64, 0.01)
    weights, bias = pruned(64, 240, 0.05, seed=1), random.integers(-900, 900, 64, np.int32)
    scales[::3], weights[::3], weights[::9] = 1e-12, random.integers(-127, 128, (22, 240)), 0
    bias[1] = 10**8  # saturated whatever the input, and scaled as others are
    bias[18], bias[27], scales[27] = 1 - 2**31, 2 * 10**9, 1e-7  # of none with weights could it be told
    flat = isinstance(operator, ops.FullyConnected)
    shapes = ((2, 240), (64, 240), (2, 64)) if flat else ((1, 6, 6, 240), (64, 1, 1, 240), (1, 6, 6, 64))
    constants = [constant("w", weights.reshape(shapes[1]), scales, 0), constant("b", bias, [1.0])]
    source = quantized("flat" if flat else "in", shapes[0], 0.05, ZERO)
    return parallel(source, [(operator, constants, quantized("out", shapes[2], 0.5, -20))])


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("activation", [ops.Activation.NONE, ops.Activation.RELU])
@pytest.mark.parametrize("operator", [ops.Conv2D, ops.FullyConnected])
def test_constant_outputs_need_no_weights(
    operator: type[ops.Conv2D] | type[ops.FullyConnected], form: str, core: str, activation: ops.Activation, tmp_path: Path
) -> None:
    network = with_constants(operator(activation=activation))
    inputs = samples(network, 2)
    found = answers(network, core, inputs, tmp_path, BuildOptions(sparse=form))
    assert_same(found, [run(network, each) for each in inputs])
    for policy in ("rows", "auto"):
        (kept,) = kept_weights(network, sources_of(network, boards.load(core), BuildOptions(sparse=policy)).steps)
        assert kept.size_bytes < 2.1 * np.count_nonzero(pruned(64, 240, 0.05, seed=1)) + 2 * 64


@pytest.mark.parametrize(("policy", "kept"), [("auto", 0), ("speed", 0), ("size", 1), ("rows", 1), ("never", 0)])
def test_layers_that_are_scaled_in_the_long_way_are_sparse_only_where_cycles_do_not_matter(policy: str, kept: int) -> None:
    weights = pruned(64, 240, 0.05, seed=1).reshape(64, 1, 1, 240)
    for scales, expected in (([0.01] * 63 + [8.0], kept), ([0.01] * 64, int(policy != "never"))):
        part = ops.Conv2D(), [constant("w", weights, scales, 0)], quantized("out", (1, 6, 6, 64), 0.5)
        network = parallel(quantized("in", (1, 6, 6, 240)), [part])
        sources = sources_of(network, boards.load("m4"), BuildOptions(sparse=policy))
        assert len(list(kept_weights(network, sources.steps))) == expected


def test_flash_and_comments_tell_what_is_saved() -> None:
    network, board = layers_of(100, 1), boards.load("m4")
    dense, sparse = (sources_of(network, board, BuildOptions(sparse=policy)) for policy in ("never", "auto"))
    (kept,) = kept_weights(network, sparse.steps)
    assert kept.dense_bytes == 20_000
    bias_and_scale = 4 * 100 + 4 + 4
    assert dense.weight_bytes - sparse.weight_bytes == kept.dense_bytes - kept.size_bytes - bias_and_scale
    assert f"{kept.size_bytes:,} bytes instead of 20,000" in sparse.files["network.c"]
