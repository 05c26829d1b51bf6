"""Layers of float32 on the target: bit for bit what the twin gives, which adds products one after another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mcusim.deploy.kernels import Kernels
from mcusim.deploy.lower import lower
from mcusim.network import ElementType, Layer, Network, NetworkError, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import run
from mcusim.network.shapes import output_shapes
from tests.deploy.operators import cases_of, joined
from tests.deploy.target import answers, assert_same, network_of, samples

CORES = ("m0plus", "m4", "m7")
GROUPS = {
    "sums": ("conv_2d", "depthwise_conv_2d", "fully_connected"),
    "elements": (
        "add", "sub", "mul", "minimum", "maximum", "relu", "relu6", "relu_n1_to_1", "leaky_relu", "logistic", "hard_swish",
    ),
    "windows": ("average_pool_2d", "max_pool_2d", "mean", "sum", "reduce_max", "reduce_min", "softmax"),
    "moves": ("reshape", "pad", "padv2", "concatenation", "split", "slice", "transpose", "quantize"),
}  # fmt: skip
"""Operators, as the names of the cases begin."""


def floats(name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> Tensor:
    return Tensor(name, shape, ElementType.FLOAT32, data=data)


def layer(operator: ops.Operator, input_: tuple[int, ...], filter_: tuple[int, ...], bias: int, seed: int) -> Network:
    """One layer with random weights; ``bias``: its length, 0 for none."""
    random = np.random.default_rng(seed)
    reads = ("in", "filter", "bias" if bias else "")
    (output,) = output_shapes(Layer("layer", operator, reads, ("out",)), [input_, filter_, (bias,) if bias else None])
    weights = random.normal(size=filter_).astype(np.float32)
    tensors = [floats("in", input_), floats("filter", filter_, weights), floats("out", output)]
    tensors += [floats("bias", (bias,), random.normal(size=bias).astype(np.float32))] if bias else []
    return network_of("layer", tensors, (operator, " ".join(reads), "out"))


ODD = ("convolutions", "depthwise convolutions", "fully connected layers")


def odd_layers(kind: str) -> Iterator[Network]:
    """Layers whose widths, channels and paddings leave rests of all kinds."""
    random = np.random.default_rng(7)
    for seed in range(16):
        bounds = list(ops.Activation)[seed % 4]
        height, width, depth, outputs = (int(random.integers(1, most)) for most in (7, 9, 8, 7))
        window, groups = (int(random.integers(1, 4)), int(random.integers(1, 5))), 1 + (seed % 5 == 0)
        down, right, *dilation = random.integers(1, 3, 4).tolist()
        high, wide = ((k - 1) * d for k, d in zip(window, dilation, strict=True))
        common = ((down, right), tuple(dilation), ops.Padding(high // 2, high - high // 2, wide // 2 + 1, wide + 1))
        biased, shape = seed % 3 > 0, (1 + seed % 2, height, width, depth * groups)
        if kind == "convolutions":
            outputs *= groups
            yield layer(ops.Conv2D(*common, bounds), shape, (outputs, *window, depth), outputs * biased, seed)
        elif kind == "depthwise convolutions":
            times = 1 + (seed % 4 == 3)
            outputs = times * shape[3]
            yield layer(ops.DepthwiseConv2D(*common, times, bounds), shape, (1, *window, outputs), outputs * biased, seed)
        else:
            filters = (outputs, 3 * depth)
            yield layer(ops.FullyConnected(bounds), (1 + seed % 3, 3 * depth), filters, outputs * biased, seed)


@pytest.mark.parametrize("core", ["m0plus", "m4", "m7"])
def test_convolutions_of_many_channels_go_in_parts(core: str, tmp_path: Path) -> None:
    same = ops.Conv2D(padding=ops.Padding(1, 1, 1, 1))
    network = joined({
        "deep": layer(same, (1, 3, 4, 31), (22, 3, 3, 31), 22, 1), "groups": layer(same, (1, 2, 3, 64), (26, 3, 3, 32), 26, 2),
        "wide": layer(same, (1, 5, 6, 3), (90, 3, 3, 3), 0, 3),
    })  # fmt: skip
    inputs = samples(network, 1)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("group", [*GROUPS, *ODD])
def test_layers_of_float32_give_what_their_twins_give(group: str, core: str, tmp_path: Path) -> None:
    if group in GROUPS:
        networks = cases_of(*(f"{name} float32" for name in GROUPS[group]), folder=tmp_path)
    else:
        networks = {f"{number}": each for number, each in enumerate(odd_layers(group))}
    network = joined(networks)
    inputs = samples(network, 2)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


def test_softmax_takes_values_far_from_one_another(tmp_path: Path) -> None:
    tensors = [floats("in", (4, 3)), floats("out", (4, 3))]
    network = network_of("softmax", tensors, (ops.Softmax(1.0), "in", "out"))
    values = np.array([[0, -87.5, -1e-9], [-103.5, 0, -200], [3e38, -3e38, 3e38], [-np.inf, 1, 1]], np.float32)
    with np.errstate(over="ignore"):
        wanted = run(network, {"in": values})
    assert_same(answers(network, "m0plus", [{"in": values}], tmp_path), [wanted])


def test_integers_among_floats_are_refused() -> None:
    tensors = [Tensor("in", (1, 4), ElementType.INT32), floats("filter", (3, 4), np.zeros((3, 4), np.float32)),
               floats("out", (1, 3))]  # fmt: skip
    network = network_of("mixed", tensors, (ops.FullyConnected(), "in filter", "out"))
    with pytest.raises(NetworkError, match="its tensors are int32, float32, float32; there is a kernel for float32"):
        lower(network, Kernels("m4"), lambda check: 0)
