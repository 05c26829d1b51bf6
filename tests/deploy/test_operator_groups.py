"""Groups of operators on the four ideal boards, bit for bit what their twins give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcusim.deploy.kernels import Kernels
from mcusim.deploy.lower import lower
from mcusim.network import ElementType, Network, NetworkError, Quantization, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import initial_state, run
from tests.deploy.operators import cases_of, joined, network_of_case
from tests.deploy.target import answers, assert_same, constant, network_of, quantized, samples
from tests.network.cases import CASES

MOVED = (
    "reshape", "pad", "padv2", "concatenation", "split", "split_v", "slice", "strided_slice", "transpose",
    "resize_nearest_neighbor", "pack", "unpack", "quantize", "dequantize",
)  # fmt: skip
CORES = ("m0plus", "m4", "m7", "m33")
MOVES_16 = tuple(name for name in CASES if name.endswith(" int16") and name.split(maxsplit=1)[0] in MOVED)
GROUPS = {
    "transposed convolutions": ("transpose_conv int8",),
    "matrix products": ("batch_matmul int8",),
    "convolutions of int16": ("conv_2d int16", "transpose_conv int16"),
    "depthwise convolutions of int16": ("depthwise_conv_2d int16",),
    "fully connected layers of int16": ("fully_connected int16", "batch_matmul int16"),
    "arithmetic of int16": ("add int16", "sub int16", "mul int16", "minimum int16", "maximum int16"),
    "functions of int16": (
        "relu int16", "relu6 int16", "leaky_relu int16", "logistic int16", "tanh int16", "softmax int16",
    ),
    "reductions of int16": (
        "average_pool_2d int16", "max_pool_2d int16", "mean int16", "reduce_max int16", "reduce_min int16",
    ),
    "moves of int16": MOVES_16,
}  # fmt: skip
"""What the names of the cases begin with."""
STATEFUL = ("svdf int8", "lstm int8")


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("group", GROUPS)
def test_operators_of_a_group_give_what_their_twins_give(group: str, core: str, tmp_path: Path) -> None:
    network = joined(cases_of(*GROUPS[group], folder=tmp_path))
    inputs = samples(network, 3)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


@pytest.mark.parametrize("core", CORES)
def test_layers_with_a_state_remember_what_their_twins_remember(core: str, tmp_path: Path) -> None:
    network = joined(cases_of(*STATEFUL, folder=tmp_path))
    inputs, state = samples(network, 6), initial_state(network)
    assert_same(answers(network, core, inputs, tmp_path, keep_state=True), [run(network, i, state=state) for i in inputs])


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_matrix_products_turn_both_operands_over_and_take_constants(core: str, tmp_path: Path) -> None:
    values = np.random.default_rng(4).integers(-128, 128, (3, 5, 6), np.int8)
    matrix = Tensor("matrix", values.shape, ElementType.INT8, Quantization((0.02,), (-9,)), values)
    tensors = [quantized("in", (3, 5, 4)), matrix, quantized("first", (3, 4, 6), 0.3), quantized("out", (3, 6, 6), 0.4, -3)]
    network = network_of("products", tensors, (ops.BatchMatMul(True, False), "in matrix", "first"),
                         (ops.BatchMatMul(True, False), "first first", "out"))  # fmt: skip
    inputs = samples(network, 2)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


def test_an_svdf_layer_without_relu_is_refused(tmp_path: Path) -> None:
    network = network_of_case("svdf int8 of rank 1", tmp_path)
    (layer,) = network.layers
    plain = replace(layer, operator=replace(layer.operator, activation=ops.Activation.NONE))
    with pytest.raises(NetworkError, match=r"layer svdf_0 \(Svdf\): its activation is NONE; allowed: RELU"):
        lower(replace(network, layers=(plain,)), Kernels("m4"), lambda check: 0)


LONG = {
    "fully connected": (ops.FullyConnected(), (2, 1300), (3, 1300), (2, 3)),
    "convolution": (ops.Conv2D(), (1, 3, 3, 200), (3, 3, 3, 200), (1, 1, 1, 3)),
    "depthwise": (ops.DepthwiseConv2D(), (1, 27, 20, 5), (1, 26, 20, 5), (1, 2, 1, 5)),
}
"""More products in a sum than 32 bits hold: operator, and shapes of input, weights and output."""


def long_sum(name: str, bias: bool) -> Network:
    """A layer of int16 whose weights are as low as can be, but for the last channel's."""
    operator, input_, filter_, output = LONG[name]
    low = np.full(filter_, -128, np.int8)
    low[..., -1] = 127
    weights = Tensor("weights", filter_, ElementType.INT8, Quantization((0.004,), (0,)), low)
    wide = constant("bias", np.arange(output[-1], dtype=np.int64) * 2**33, [1.0])
    tensors = [quantized("in", input_, 0.003, 0, ElementType.INT16), quantized("out", output, 40.0, 0, ElementType.INT16)]
    reads = "in weights bias" if bias else "in weights"
    return network_of(name, [*tensors, weights, *([wide] if bias else [])], (operator, reads, "out"))


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_long_sums_of_int16_have_room(core: str, tmp_path: Path) -> None:
    network = joined({f"{name} {bias}": long_sum(name, bias) for name in LONG for bias in (False, True)})
    low = {name: np.full(network.tensors[name].shape, -32768, np.int16) for name in network.inputs}
    inputs = [low, *samples(network, 1)]
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


CELLS, FORGET_PEEPHOLE = "c", 10


@pytest.mark.parametrize(
    ("scale", "peephole", "told"),
    [
        (2.0**-8, "", r"its cells have the scale 0.00390625; allowed: a power of two, 2\*\*-15 to 2\*\*-9, zero point 0"),
        (0.001, "", r"its cells have the scale 0.001[0-9]*; allowed: a power of two"),
        (2.0**-11, "bf", "it has peepholes or layer normalisation; allowed: neither"),
    ],
)
def test_lstm_layers_that_the_kernel_lacks_are_refused(scale: float, peephole: str, told: str, tmp_path: Path) -> None:
    network = network_of_case("lstm int8 plain", tmp_path)
    (layer,) = network.layers
    cells = replace(network.tensors[CELLS], quantization=Quantization((scale,), (0,)))
    inputs = tuple(peephole if place == FORGET_PEEPHOLE else name for place, name in enumerate(layer.inputs))
    changed = replace(network, tensors={**network.tensors, CELLS: cells}, layers=(replace(layer, inputs=inputs),))
    with pytest.raises(NetworkError, match=told):
        lower(changed, Kernels("m4"), lambda check: 0)


@pytest.mark.parametrize("function", [ops.Function.SILU, ops.Function.HARD_SWISH])
def test_functions_that_tensorflow_lite_lacks_for_int16_are_refused(function: ops.Function) -> None:
    tensors = [quantized(name, (1, 4), zero=0, kind=ElementType.INT16) for name in ("in", "out")]
    network = network_of("function", tensors, (ops.Unary(function), "in", "out"))
    with pytest.raises(NetworkError, match=f"no kernel of int16 for {function.value}; there are kernels for relu, relu6"):
        lower(network, Kernels("m4"), lambda check: 0)


def test_a_bias_of_a_type_that_its_kernel_does_not_take_is_refused() -> None:
    wrong = constant("bias", np.zeros(5, np.int32), [1.0])
    network = long_sum("depthwise", True)
    network = replace(network, tensors={**network.tensors, "bias": wrong})
    with pytest.raises(NetworkError, match="its bias 'bias' is int32; allowed: int64"):
        lower(network, Kernels("m4"), lambda check: 0)


def test_depthwise_filters_of_int16_that_are_too_wide_are_refused() -> None:
    network = long_sum("depthwise", False)
    wide = {"in": (1, 1, 509, 5), "weights": (1, 1, 509, 5), "out": (1, 1, 1, 5)}
    tensors = {name: replace(network.tensors[name], shape=shape, data=None) for name, shape in wide.items()}
    tensors["weights"] = replace(tensors["weights"], data=np.zeros(wide["weights"], np.int8))
    with pytest.raises(NetworkError, match="its filter is 509 taps wide; allowed for int16: 508 at most"):
        lower(replace(network, tensors=tensors), Kernels("m4"), lambda check: 0)
