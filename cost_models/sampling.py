"""Random networks to learn from: cells of known families, and corner shapes. The same seed and number, the same network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mcusim.network import Network
from mcusim.network import operators as ops
from mcusim.network.builder import Builder
from mcusim.network.builder.draft import Constant, Operand
from mcusim.network.fusion import fused
from mcusim.network.layout import Value, channels_last
from mcusim.network.macs import network_macs
from mcusim.network.quantize import quantize
from mcusim.network.shapes import same_padding

MOST_MACS, MOST_WEIGHTS = 6_000_000, 200_000
"""Of a sample: about as many cycles, which are simulated in seconds; and flash enough on every board of interest."""

Pair = tuple[int, int]


class Drawing:
    """A float network in the making, with random weights; values are N,C,H,W."""

    def __init__(self, name: str, random: np.random.Generator) -> None:
        self.builder, self.random, self.count = Builder(name), random, 0

    def one_of(self, *choices: int) -> int:
        """A number of ``choices``."""
        return choices[int(self.random.integers(len(choices)))]

    def between(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, small ones as often as large ones (evenly in their logarithm)."""
        return round(float(np.exp(self.random.uniform(np.log(low), np.log(high)))))

    def named(self, kind: str) -> str:
        """The name of the next layer and its output."""
        self.count += 1
        self.builder.label = f"{kind}_{self.count}"
        return self.builder.label

    def image(self, height: int, width: int, channels: int) -> Value:
        """The network's input."""
        return self.builder.input("input", (1, channels, height, width), channels_last(4))

    def normal(self, *shape: int) -> Constant:
        """Random weights, such that activations keep their size."""
        depth = float(np.prod(shape[1:]) or 1)
        data = self.random.normal(size=shape) * np.sqrt(2 / depth)
        return Constant(f"{self.builder.label}/constant{len(shape)}", data.astype(np.float32))

    def conv(
        self, x: Value, channels: int, kernel: Pair, stride: Pair = (1, 1), groups: int = 1, same: bool = True,
        activation: bool = True,
    ) -> Value:  # fmt: skip
        """A convolution, padded as TensorFlow's SAME or not at all."""
        name = self.named("conv" if groups == 1 else "grouped")
        edges = [same_padding(n, k, s) if same else (0, 0) for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
        pads = [edge[0] for edge in edges] + [edge[1] for edge in edges]
        weights = self.normal(channels, x.shape[1] // groups, *kernel)
        bias = Constant(f"{name}/bias", self.random.normal(size=channels).astype(np.float32) / 8)
        made = self.builder.conv(name, x, weights, bias, stride=stride, dilation=(1, 1), pads=pads, groups=groups)
        return self.builder.unary(f"{name}/relu", ops.Function.RELU6, made) if activation else made

    def depthwise(self, x: Value, kernel: Pair, stride: Pair = (1, 1), same: bool = True) -> Value:
        """A depthwise convolution."""
        return self.conv(x, x.shape[1], kernel, stride, x.shape[1], same)

    def pool(self, x: Value, window: Pair, stride: Pair, function: ops.Pooling) -> Value:
        """A pooling without padding."""
        name = self.named(f"{function.value}_pool")
        return self.builder.pool(name, function, x, window=window, stride=stride, pads=(0, 0, 0, 0))

    def add(self, x: Value, y: Value, function: ops.Arithmetic = ops.Arithmetic.ADD) -> Value:
        """Two values of one shape, joined element by element."""
        return self.builder.binary(self.named(function.value), function, x, y)

    def classes(self, x: Value, count: int) -> Value:
        """Global average, fully connected, softmax."""
        if self.random.integers(2):
            x = self.pool(x, (x.shape[2], x.shape[3]), (1, 1), ops.Pooling.AVERAGE)
        else:
            x = self.builder.reduce(self.named("mean"), ops.Reduction.MEAN, x, (2, 3), True)
        return self.softmax(self.dense(x, count))

    def dense(self, x: Value, count: int) -> Value:
        """A fully connected layer of all elements."""
        flat = self.builder.reshape(x, (1, int(np.prod(x.shape))))
        assert isinstance(flat, Value)
        name = self.named("dense")
        bias = Constant(f"{name}/bias", self.random.normal(size=count).astype(np.float32) / 8)
        return self.builder.linear(name, flat, self.normal(count, flat.shape[1]), bias)

    def softmax(self, x: Value) -> Value:
        """Softmax over the last axis."""
        return self.builder.softmax(self.named("softmax"), x, 1)

    def network(self, output: Operand, any_ends: bool = False) -> Network:
        """The network in int8, its scales from one random input. ``any_ends``: one in four has float inputs and outputs."""
        made = fused(self.builder.network({"output": output}))
        (name,) = made.inputs
        typical = self.random.normal(size=made.tensors[name].shape).astype(np.float32)
        return quantize(made, [typical], float_ends=any_ends and not self.random.integers(4))


def mobilenet(draw: Drawing) -> Value:
    """Depthwise and pointwise convolutions, or inverted residuals (MobileNet v1 and v2, MCUNet)."""
    size, width = draw.between(12, 112), draw.one_of(4, 8, 8, 12, 16)
    x = draw.conv(draw.image(size, size, draw.one_of(1, 3)), width, (3, 3), (2, 2))
    inverted = bool(draw.random.integers(2))
    for _ in range(draw.between(1, 9)):
        x = (_inverted if inverted else _separable)(draw, x)
    return draw.classes(x, draw.between(2, 40)) if draw.random.integers(2) else x


def _separable(draw: Drawing, x: Value) -> Value:
    stride = draw.one_of(1, 1, 2)
    x = draw.depthwise(x, (3, 3), (stride, stride))
    return draw.conv(x, min(256, x.shape[1] * draw.one_of(1, 2, 2)), (1, 1))


def _inverted(draw: Drawing, x: Value) -> Value:
    kernel, stride = draw.one_of(3, 3, 5, 7), draw.one_of(1, 1, 2)
    channels = draw.one_of(x.shape[1], x.shape[1] + 4, x.shape[1] + 8)
    wide = draw.conv(x, x.shape[1] * draw.one_of(3, 4, 6), (1, 1))
    wide = draw.depthwise(wide, (kernel, kernel), (stride, stride))
    narrow = draw.conv(wide, channels, (1, 1), activation=False)
    return draw.add(x, narrow) if narrow.shape == x.shape else narrow


def ds_cnn(draw: Drawing) -> Value:
    """Keyword spotting: one wide convolution over a spectrogram, then separable ones of the same width."""
    x = draw.image(draw.between(16, 49), draw.one_of(10, 10, 13, 20, 40), 1)
    x = draw.conv(x, draw.one_of(16, 24, 32, 48, 64), (draw.one_of(4, 8, 10), 4), (2, draw.one_of(1, 2)))
    for _ in range(draw.between(1, 4)):
        x = draw.conv(draw.depthwise(x, (3, 3)), x.shape[1], (1, 1))
    if draw.random.integers(4):
        return draw.classes(x, draw.one_of(4, 12, 35))
    return draw.softmax(draw.dense(x, draw.one_of(4, 12, 35)))


def resnet(draw: Drawing) -> Value:
    """Residual blocks of two convolutions."""
    size = draw.between(8, 40)
    x = draw.conv(draw.image(size, size, draw.one_of(1, 3, 3)), draw.one_of(4, 8, 16, 16), (3, 3))
    for _ in range(draw.between(1, 4)):
        x = _residual(draw, x)
    return draw.classes(x, draw.one_of(2, 10, 100))


def _residual(draw: Drawing, x: Value) -> Value:
    stride = draw.one_of(1, 2)
    channels = x.shape[1] * stride
    y = draw.conv(draw.conv(x, channels, (3, 3), (stride, stride)), channels, (3, 3), activation=False)
    side = draw.conv(x, channels, (1, 1), (stride, stride), activation=False) if stride > 1 else x
    return draw.add(side, y)


def dense(draw: Drawing) -> Value:
    """Fully connected layers, as in autoencoders."""
    x = draw.image(1, 1, draw.between(4, 640))
    for _ in range(draw.between(1, 5)):
        x = draw.dense(x, draw.between(2, 160))
        x = draw.builder.unary(f"{draw.builder.label}/relu", ops.Function.RELU, x)
    return draw.softmax(x)


def corners(draw: Drawing) -> Value:
    """Odd shapes: channels that are no multiple of 4, maps of 1x1, strides of 3, long kernels, layers that stand alone."""
    x = draw.image(draw.between(1, 32), draw.between(1, 32), draw.between(1, 24))
    for _ in range(draw.between(2, 8)):
        x = CORNERS[int(draw.random.integers(len(CORNERS)))](draw, x)
    return x


def single(draw: Drawing) -> Value:
    """One convolution of any shape."""
    size = draw.between(1, 64)
    return _any_conv(draw, draw.image(size, size, draw.between(1, 96)))


def _kernel(draw: Drawing, x: Value) -> Pair:
    return min(draw.one_of(1, 1, 2, 3, 3, 5, 7), x.shape[2]), min(draw.one_of(1, 1, 2, 3, 3, 5, 7), x.shape[3])


def _any_conv(draw: Drawing, x: Value) -> Value:
    stride = draw.one_of(1, 1, 2, 3)
    same = bool(draw.random.integers(2))
    return draw.conv(x, draw.between(1, 96), _kernel(draw, x), (stride, stride), same=same)


def _pointwise(draw: Drawing, x: Value) -> Value:
    return draw.conv(x, draw.between(1, 96), (1, 1), activation=bool(draw.random.integers(2)))


def _any_depthwise(draw: Drawing, x: Value) -> Value:
    if x.shape[1] == 1:
        return _any_conv(draw, x)
    return draw.depthwise(x, _kernel(draw, x), (draw.one_of(1, 1, 2),) * 2, bool(draw.random.integers(2)))


def _any_pool(draw: Drawing, x: Value) -> Value:
    window = min(draw.one_of(2, 3), x.shape[2]), min(draw.one_of(2, 3), x.shape[3])
    function = ops.Pooling.MAX if draw.random.integers(2) else ops.Pooling.AVERAGE
    return draw.pool(x, window, (draw.one_of(1, 2),) * 2, function)


def _gate(draw: Drawing, x: Value) -> Value:
    function = (ops.Function.LOGISTIC, ops.Function.TANH, ops.Function.HARD_SWISH)[int(draw.random.integers(3))]
    return draw.builder.unary(draw.named(function.value), function, x)


def _product(draw: Drawing, x: Value) -> Value:
    function = (ops.Arithmetic.ADD, ops.Arithmetic.MUL, ops.Arithmetic.SUB)[int(draw.random.integers(3))]
    return draw.add(x, draw.conv(x, x.shape[1], (1, 1), activation=False), function)


def _joined(draw: Drawing, x: Value) -> Value:
    y = draw.conv(x, draw.between(1, 32), (1, 1))
    return draw.builder.concatenation(draw.named("joined"), [x, y], 1)


def _padded(draw: Drawing, x: Value) -> Value:
    return draw.builder.pad(draw.named("padded"), x, (0, 0, 1, 1), (0, 0, 1, 1), 0.0)


CORNERS: Sequence[Callable[[Drawing, Value], Value]] = (
    _any_conv, _any_conv, _pointwise, _pointwise, _any_depthwise, _any_depthwise, _any_pool, _gate, _product, _joined, _padded,
)  # fmt: skip

FAMILIES: dict[str, Callable[[Drawing], Value]] = {
    "mobilenet": mobilenet, "ds_cnn": ds_cnn, "resnet": resnet, "corners": corners, "single": single, "dense": dense,
}  # fmt: skip
"""Families by name; samples take turns."""


def family_of(number: int) -> str:
    """The family of a sample."""
    return tuple(FAMILIES)[number % len(FAMILIES)]


def sample(seed: int, number: int) -> Network:
    """Sample ``number`` of a seed: an int8 network. Those of more than MOST_MACS or MOST_WEIGHTS are drawn again."""
    family, random = family_of(number), np.random.default_rng([seed, number])
    while True:
        draw = Drawing(f"{family}_{seed}_{number}", random)
        value = FAMILIES[family](draw)
        made = draw.builder.network({"output": value})
        weights = sum(t.elements for t in made.tensors.values() if t.constant)
        if network_macs(made) <= MOST_MACS and weights <= MOST_WEIGHTS:
            return draw.network(value, any_ends=True)
