"""Post-training quantisation: scales, weights, biases, and what it costs in accuracy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from mcusim.network import ElementType, Network, NetworkError, Quantization
from mcusim.network import operators as ops
from mcusim.network.builder import Builder, Constant
from mcusim.network.element_types import check_element_types
from mcusim.network.fusion import fused
from mcusim.network.layout import Value, channels_last
from mcusim.network.quantize import calibrated, quantize
from mcusim.network.reference import run
from mcusim.network.scales import scale_of, weight_scales
from mcusim.network.shapes import check_shapes


class Small:
    """A float network with a layer of every kind, built by hand; ``random`` seeds its weights."""

    def __init__(self, seed: int = 0) -> None:
        self.generator = np.random.default_rng(seed)
        self.builder = Builder("small")
        self.x = self.builder.input("x", (1, 3, 8, 6), channels_last(4))

    def constant(self, name: str, *shape: int, by: float = 0.3) -> Constant:
        return Constant(name, (self.generator.standard_normal(shape) * by).astype(np.float32))

    def conv(self, name: str, x: Value, shape: tuple[int, ...], groups: int = 1) -> Value:
        steps = {"stride": (1, 1), "dilation": (1, 1), "pads": (1, 1, 1, 1), "groups": groups}
        return self.builder.conv(name, x, self.constant(f"{name}/w", *shape), self.constant(f"{name}/b", shape[0]), **steps)

    def network(self) -> Network:
        b = self.builder
        c = b.unary("r", ops.Function.RELU, self.conv("c", self.x, (8, 3, 3, 3)))
        d = b.unary("d6", ops.Function.RELU6, self.conv("d", c, (8, 1, 3, 3), 8))
        e = b.unary("h", ops.Function.HARD_SWISH, self.conv("e", d, (8, 8, 3, 3)))
        s = b.binary("s", ops.Arithmetic.ADD, c, e)
        g = b.unary("g", ops.Function.LOGISTIC, b.reduce("m", ops.Reduction.MEAN, s, (2, 3), True))
        p = b.pool("p", ops.Pooling.MAX, s, window=(2, 2), stride=(2, 2), pads=(0, 0, 0, 0))
        t = b.unary("t", ops.Function.TANH, p)
        j = b.concatenation("j", [p, t], 1)
        k = b.binary("k", ops.Arithmetic.MUL, s, g)
        q = b.pool("q", ops.Pooling.AVERAGE, k, window=(2, 2), stride=(2, 2), pads=(0, 0, 0, 0))
        z = b.concatenation("z", [j, q], 1)
        f = b.reshape(z, (1, 24 * 4 * 3))
        assert isinstance(f, Value)
        y = b.linear("l", f, self.constant("l/w", 10, 288, by=0.1), self.constant("l/b", 10))
        return fused(b.network({"y": b.softmax("y", y, 1), "logits": y}))


def samples(count: int = 16, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 8, 6, 3)).astype(np.float32)


def stored(value: np.ndarray, scales: Quantization) -> np.ndarray:
    return np.clip(np.round(value / scales.scale) + scales.zero_point, -128, 127).astype(np.int8)


def real(network: Network, name: str, value: np.ndarray) -> np.ndarray:
    scales = network.tensors[name].quantization
    assert scales is not None
    return (value.astype(np.float64) - scales.zero_point) * scales.scale


@pytest.fixture(scope="module")
def network() -> Network:
    return Small().network()


@pytest.fixture(scope="module")
def quantized(network: Network) -> Network:
    return quantize(network, [samples()])


def test_everything_becomes_integers_that_go_together(quantized: Network) -> None:
    check_shapes(quantized)
    for layer in quantized.layers:
        check_element_types(layer, quantized.inputs_of(layer), quantized.outputs_of(layer))
    assert {t.type for t in quantized.tensors.values()} == {ElementType.INT8, ElementType.INT32}
    assert (quantized.inputs, quantized.outputs) == (("x",), ("y", "logits"))


def test_weights_are_symmetric_with_a_scale_for_each_channel(network: Network, quantized: Network) -> None:
    axes = {ops.Conv2D: 0, ops.DepthwiseConv2D: 3, ops.FullyConnected: 0}
    seen = 0
    for layer in quantized.layers:
        if type(layer.operator) not in axes:
            continue
        axis, weights = axes[type(layer.operator)], quantized.tensors[layer.inputs[1]]
        assert weights.quantization is not None and weights.data is not None
        assert weights.quantization.axis == axis
        assert not any(weights.quantization.zero_points)
        peaks = np.abs(np.moveaxis(weights.data.astype(int), axis, 0)).reshape(weights.shape[axis], -1).max(1)
        assert (peaks == 127).all()
        across = [1] * weights.data.ndim
        across[axis] = -1
        scales = np.array(weights.quantization.scales).reshape(across)
        float_weights = network.tensors[layer.inputs[1]].data
        assert (np.abs(weights.data * scales - float_weights) <= scales * 0.5001).all()
        seen += 1
    assert seen == 4


def test_biases_are_on_the_scale_of_their_sums(quantized: Network) -> None:
    for layer in quantized.layers:
        if len(layer.inputs) == 3:
            data, weights, bias = quantized.inputs_of(layer)
            assert data is not None and weights is not None and bias is not None
            assert data.quantization and weights.quantization and bias.quantization
            assert bias.type is ElementType.INT32
            expected = data.quantization.scale * np.array(weights.quantization.scales)
            np.testing.assert_allclose(bias.quantization.scales, expected, 1e-12)


def test_kernels_with_one_scale_get_it(quantized: Network) -> None:
    assert quantized.tensors["y"].quantization == Quantization((1 / 256,), (-128,))
    assert quantized.tensors["g"].quantization == Quantization((1 / 256,), (-128,))
    assert quantized.tensors["t"].quantization == Quantization((1 / 128,), (0,))


def test_layers_that_move_or_choose_keep_their_scale(quantized: Network) -> None:
    for layer in quantized.layers:
        if isinstance(layer.operator, ops.Pool2D | ops.Reshape | ops.Concatenation):
            scales = {t.quantization for t in (*quantized.inputs_of(layer), *quantized.outputs_of(layer)) if t is not None}
            assert len(scales) == 1


def test_the_answer_is_close_to_the_float_one(network: Network, quantized: Network) -> None:
    scales = quantized.tensors["x"].quantization
    assert scales is not None
    errors, agreed, data = [], 0, samples(24, seed=2)
    spread = 0.0
    for x in data:
        expected = run(network, {"x": x[None]})
        met = run(quantized, {"x": stored(x[None], scales)})
        errors.append(np.abs(real(quantized, "logits", met["logits"]) - expected["logits"]).max())
        spread = max(spread, float(np.ptp(expected["logits"])))
        agreed += int(met["y"].argmax() == expected["y"].argmax())
    assert np.mean(errors) < 0.03 * spread
    assert agreed >= 22


def test_ends_may_stay_float(network: Network) -> None:
    mixed = quantize(network, [samples(4)], float_ends=True)
    check_shapes(mixed)
    assert {mixed.tensors[n].type for n in ("x", "y", "logits")} == {ElementType.FLOAT32}
    assert isinstance(mixed.layers[0].operator, ops.Quantize)
    assert np.isclose(run(mixed, {"x": samples(1)})["y"].sum(), 1, atol=0.03)


def test_moving_averages_are_swayed_less_by_an_outlier(network: Network) -> None:
    data = [*samples(8), samples(1)[0] * 50]
    full, moving = calibrated(network, _dicts(data)), calibrated(network, _dicts(data), 0.9)
    assert moving["x"][1] < full["x"][1] / 5
    assert full["x"] == (min(x.min() for x in data), max(x.max() for x in data))


def _dicts(data: Iterable[np.ndarray]) -> list[dict[str, np.ndarray]]:
    return [{"x": x} for x in data]


@pytest.mark.parametrize("seed", range(20))
def test_zero_and_both_ends_are_within_the_scale(seed: int) -> None:
    generator = np.random.default_rng(seed)
    low, high = sorted(generator.standard_normal(2) * 10.0 ** generator.integers(-6, 6))
    scales = scale_of(low, high)
    ends = [(q - scales.zero_point) * scales.scale for q in (-128, 127)]
    assert np.float32(scales.scale) == scales.scale
    assert -128 <= scales.zero_point <= 127
    assert ends[0] <= min(low, 0) + scales.scale * 0.51 and ends[1] >= max(high, 0) - scales.scale * 0.51


def test_a_tensor_of_zeros_has_a_scale() -> None:
    assert scale_of(0.0, 0.0) == Quantization((1.0,), (0,))


def test_a_channel_of_zeros_takes_the_largest_scale_of_the_others() -> None:
    weights = np.array([[1.0, -2.0], [0.0, 0.0], [0.5, 0.25]], np.float32)
    scales = weight_scales(weights, 0, 0.1, None)
    assert scales.scales[1] == scales.scales[0] == np.float32(2 / 127)


def test_a_scale_is_raised_where_a_bias_would_not_fit() -> None:
    weights = np.array([[1e-9], [1.0]], np.float32)
    scales = weight_scales(weights, 0, 0.01, np.array([100.0, 1.0], np.float32))
    assert 100.0 / (0.01 * scales.scales[0]) < 2**31
    assert scales.scales[1] == np.float32(1 / 127)


def test_weights_may_have_one_scale(network: Network) -> None:
    whole = quantize(network, [samples(1)], per_channel=False)
    weights = [whole.tensors[layer.inputs[1]] for layer in whole.layers if len(layer.inputs) == 3]
    assert weights
    assert all(tensor.quantization is not None and len(tensor.quantization.scales) == 1 for tensor in weights)


ERRORS = {
    "no data": ([], "there are no calibration data"),
    "another shape": (
        [np.zeros((5, 5), np.float32)],
        r"sample 0: the value of 'x' is of shape \(5, 5\); \(1, 8, 6, 3\) is needed",
    ),
    "no numbers": ([{"x": "text"}], "the value of 'x' is no array of numbers"),
    "another name": ([{"z": samples(1)}], "it has no value of input 'x'"),
    "too many": ([(samples(1), samples(1))], "it has 2 arrays; the network has 1 inputs"),
    "infinity": ([np.full((1, 8, 6, 3), np.inf, np.float32)], "is not finite for calibration sample 0"),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_wrong_is_one_sentence(name: str, network: Network) -> None:
    data, text = ERRORS[name]
    with pytest.raises(NetworkError, match=text):
        quantize(network, data)  # type: ignore[arg-type]


def test_a_network_of_integers_is_not_quantised_again(quantized: Network) -> None:
    with pytest.raises(NetworkError, match="it must be float32 throughout; its tensors are int8"):
        quantize(quantized, [samples(1)])
