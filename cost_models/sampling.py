"""Random networks to learn from: cells of known families, and corner shapes. The same seed and number, the same network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mcusim.network import ElementType, Layer, Network, Quantization
from mcusim.network import operators as ops
from mcusim.network.builder import Builder
from mcusim.network.builder.draft import Constant, Operand
from mcusim.network.fusion import fused
from mcusim.network.layout import Value, channels_last
from mcusim.network.lowering import lowered
from mcusim.network.macs import network_macs
from mcusim.network.quantize import activation_scales, calibrated
from mcusim.network.shapes import same_padding

MOST_MACS, MOST_WEIGHTS = 6_000_000, 200_000
"""Of a sample: about as many cycles, which are simulated in seconds; and flash enough on every board of interest."""

LARGE_MACS, LARGE_WEIGHTS, LARGE_EVERY = 30_000_000, 480_000, 8
"""Of one family in turn in every LARGE_EVERY rounds, so that what is learnt reaches networks of the size that people use."""

FADED_EVERY, FADED = 6, (1e-3, 1e-5, 1e-7)
"""One convolution in FADED_EVERY has channels with weights so much smaller, as trained networks have: kernels treat channels
apart whose scale is next to nothing."""

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
        if len(shape) == 4 and not self.random.integers(FADED_EVERY):
            faded = self.random.uniform(size=shape[0]) < self.random.uniform()
            data[faded] *= FADED[int(self.random.integers(len(FADED)))]
        return Constant(f"{self.builder.label}/constant{len(shape)}", data.astype(np.float32))

    def conv(
        self, x: Value, channels: int, kernel: Pair, stride: Pair = (1, 1), groups: int = 1, same: bool = True,
        activation: bool = True, dilation: Pair = (1, 1),
    ) -> Value:  # fmt: skip
        """A convolution, padded as TensorFlow's SAME or not at all."""
        name = self.named("conv" if groups == 1 else "grouped")
        reaches = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        edges = [same_padding(n, k, s) if same else (0, 0) for n, k, s in zip(x.shape[2:], reaches, stride, strict=True)]
        pads = [edge[0] for edge in edges] + [edge[1] for edge in edges]
        weights = self.normal(channels, x.shape[1] // groups, *kernel)
        bias = Constant(f"{name}/bias", self.random.normal(size=channels).astype(np.float32) / 8)
        made = self.builder.conv(name, x, weights, bias, stride=stride, dilation=dilation, pads=pads, groups=groups)
        function = (ops.Function.RELU6, ops.Function.RELU)[int(self.random.integers(2))]
        return self.builder.unary(f"{name}/relu", function, made) if activation else made

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

    def network(self, outputs: Operand | Sequence[Operand], any_ends: bool = False) -> Network:
        """The network in int8, its scales from one random input.

        ``any_ends``: one in four has float inputs and outputs. One in three has a scale for a whole tensor of weights; one in
        six has activations whose range reaches below what their layers give, so that kernels clamp, and one in six takes
        uint8.
        """
        several = outputs if isinstance(outputs, Sequence) else [outputs]
        made = fused(self.builder.network({f"output_{n}" if n else "output": each for n, each in enumerate(several)}))
        typical = {name: self.random.normal(size=made.tensors[name].shape).astype(np.float32) for name in made.inputs}
        ranges = calibrated(made, [typical])
        if not self.random.integers(6):
            ranges = {name: (low - (high - low) / 4, high) for name, (low, high) in ranges.items()}
        ends = {*made.inputs, *made.outputs} if any_ends and not self.random.integers(4) else set()
        whole = lowered(made, activation_scales(made, ranges), ends, per_channel=bool(self.random.integers(3)))
        return whole if ends or self.random.integers(6) else _of_bytes(whole)


def _of_bytes(network: Network) -> Network:
    """With inputs of uint8, as images come."""
    tensors, layers, inputs = dict(network.tensors), [], []
    for name in network.inputs:
        tensor = network.tensors[name]
        assert tensor.quantization is not None
        coding = Quantization(tensor.quantization.scales, (tensor.quantization.zero_points[0] + 128,))
        image = replace(tensor, name=f"{name}/image", type=ElementType.UINT8, quantization=coding)
        tensors[image.name] = image
        layers.append(Layer(f"{name}/quantize", ops.Quantize(), (image.name,), (name,)))
        inputs.append(image.name)
    return replace(network, tensors=tensors, layers=(*layers, *network.layers), inputs=tuple(inputs))


def mobilenet(draw: Drawing) -> Value:
    """Depthwise and pointwise convolutions, or inverted residuals (MobileNet v1 and v2, MCUNet)."""
    size, width = draw.between(12, 112), draw.one_of(4, 8, 8, 12, 16)
    x = draw.conv(draw.image(size, size, draw.one_of(1, 3)), width, (3, 3), (2, 2))
    cell = inverted if draw.random.integers(2) else separable
    for _ in range(draw.between(1, 9)):
        x = cell(draw, x)
    return draw.classes(x, draw.between(2, 40)) if draw.random.integers(2) else x


def separable(draw: Drawing, x: Value) -> Value:
    """A depthwise and a pointwise convolution."""
    stride = draw.one_of(1, 1, 2)
    x = draw.depthwise(x, (3, 3), (stride, stride))
    return draw.conv(x, min(256, x.shape[1] * draw.one_of(1, 2, 2)), (1, 1))


def inverted(draw: Drawing, x: Value) -> Value:
    """An inverted residual: wide, depthwise, narrow."""
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
        x = residual(draw, x)
    return draw.classes(x, draw.one_of(2, 10, 100))


def residual(draw: Drawing, x: Value) -> Value:
    """Two convolutions, and what goes past them."""
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
        if len(x.shape) != 4:
            break
        x = PATCHES[int(draw.random.integers(len(PATCHES)))](draw, x)
    return x


def apart(draw: Drawing) -> list[Value]:
    """Layers that have nothing to do with each other, each with an input of its own: any operator, any shape."""
    return [_alone(draw) for _ in range(draw.between(3, 10))]


def _alone(draw: Drawing) -> Value:
    most = draw.one_of(8, 24, 64)
    draw.named("input")
    shape = (1, draw.between(1, 160), draw.between(1, most), draw.between(1, most))
    while np.prod(shape) > 16_384:
        shape = (1, draw.between(1, 96), draw.between(1, most), draw.between(1, most))
    x = draw.builder.input(draw.builder.fresh("input"), shape, channels_last(4))
    return PATCHES[int(draw.random.integers(len(PATCHES)))](draw, x)


def _kernel(draw: Drawing, x: Value) -> Pair:
    return min(draw.one_of(1, 1, 2, 3, 3, 5, 7), x.shape[2]), min(draw.one_of(1, 1, 2, 3, 3, 5, 7), x.shape[3])


def _strides(draw: Drawing) -> Pair:
    if draw.random.integers(4):
        return (draw.one_of(1, 1, 2, 3),) * 2
    return draw.one_of(1, 2, 3), draw.one_of(1, 2)


def _any_conv(draw: Drawing, x: Value) -> Value:
    kernel, same = _kernel(draw, x), bool(draw.random.integers(2))
    reach = [(n - 1) // max(k - 1, 1) or 1 for n, k in zip(x.shape[2:], kernel, strict=True)]
    dilation = (1, 1) if draw.random.integers(8) else (min(2, reach[0]), min(2, reach[1]))
    if dilation != (1, 1):
        return draw.conv(x, draw.between(1, 64), kernel, (1, 1), same=same, dilation=dilation)
    return draw.conv(x, draw.between(1, 160), kernel, _strides(draw), same=same)


def _square_conv(draw: Drawing, x: Value) -> Value:
    size = min(3, x.shape[2]), min(3, x.shape[3])
    return draw.conv(x, 4 * draw.between(1, 40), size, (draw.one_of(1, 1, 2),) * 2, same=bool(draw.random.integers(4)))


def _grouped_conv(draw: Drawing, x: Value) -> Value:
    groups = draw.one_of(*(g for g in (1, 2, 3, 4, 5, 8) if x.shape[1] % g == 0))
    return draw.conv(x, groups * draw.between(1, 24), _kernel(draw, x), (1, 1), groups, same=bool(draw.random.integers(2)))


def _multiplied_depthwise(draw: Drawing, x: Value) -> Value:
    channels = x.shape[1] * draw.one_of(2, 3, 4)
    return draw.conv(x, channels, _kernel(draw, x), (draw.one_of(1, 2),) * 2, x.shape[1])


def _transposed(draw: Drawing, x: Value) -> Value:
    name, channels, kernel = draw.named("transposed"), draw.between(1, 32), (draw.one_of(2, 3, 4), draw.one_of(2, 3, 4))
    weights = draw.normal(x.shape[1], channels, *kernel)
    bias = Constant(f"{name}/bias", draw.random.normal(size=channels).astype(np.float32) / 8)
    stride = draw.one_of(1, 2, 2)
    return draw.builder.conv_transpose(name, x, weights, bias, stride=(stride, stride), pads=(0, 0, 0, 0), extra=(0, 0))


def _pointwise(draw: Drawing, x: Value) -> Value:
    return draw.conv(x, draw.between(1, 160), (1, 1), activation=bool(draw.random.integers(2)))


def _any_depthwise(draw: Drawing, x: Value) -> Value:
    if x.shape[1] == 1:
        return _any_conv(draw, x)
    return draw.depthwise(x, _kernel(draw, x), _strides(draw), bool(draw.random.integers(2)))


def _square_depthwise(draw: Drawing, x: Value) -> Value:
    if x.shape[1] == 1:
        return _any_conv(draw, x)
    return draw.depthwise(x, (min(3, x.shape[2]), min(3, x.shape[3])), (draw.one_of(1, 1, 2),) * 2)


def _any_pool(draw: Drawing, x: Value) -> Value:
    size = draw.one_of(2, 3, 4, 8)
    window = min(size, x.shape[2]), min(size, x.shape[3])
    function = ops.Pooling.MAX if draw.random.integers(2) else ops.Pooling.AVERAGE
    return draw.pool(x, window, (draw.one_of(1, 2, 3),) * 2, function)


def _rounded_pool(draw: Drawing, x: Value) -> Value:
    """Windows that are cut at the edges."""
    if min(x.shape[2:]) < 3:
        return _any_pool(draw, x)
    function, name = (ops.Pooling.MAX, ops.Pooling.AVERAGE)[int(draw.random.integers(2))], draw.named("pool")
    return draw.builder.pool(name, function, x, window=(3, 3), stride=(draw.one_of(1, 2),) * 2, pads=(1, 1, 1, 1))


UNARY = (
    ops.Function.LOGISTIC, ops.Function.TANH, ops.Function.HARD_SWISH, ops.Function.RELU, ops.Function.RELU6,
    ops.Function.LEAKY_RELU, ops.Function.SILU,
)  # fmt: skip


def _gate(draw: Drawing, x: Value) -> Value:
    function = UNARY[int(draw.random.integers(len(UNARY)))]
    return draw.builder.unary(draw.named(function.value), function, x, 0.125)


ARITHMETIC = (ops.Arithmetic.ADD, ops.Arithmetic.MUL, ops.Arithmetic.SUB, ops.Arithmetic.MAXIMUM, ops.Arithmetic.MINIMUM)


def _product(draw: Drawing, x: Value) -> Value:
    function = ARITHMETIC[int(draw.random.integers(len(ARITHMETIC)))]
    return draw.add(x, draw.conv(x, x.shape[1], (1, 1), activation=False), function)


def _broadcast(draw: Drawing, x: Value) -> Value:
    """With a constant for each channel or for all, or with what is left of the channels after a mean, as gates have it."""
    function, name = ARITHMETIC[int(draw.random.integers(len(ARITHMETIC)))], draw.named("broadcast")
    if draw.random.integers(2):
        shape = (1, x.shape[1] if draw.random.integers(2) else 1, 1, 1)
        other = Constant(f"{name}/other", draw.random.normal(size=shape).astype(np.float32))
        return draw.builder.binary(name, function, x, other)
    mean = draw.builder.reduce(f"{name}/mean", ops.Reduction.MEAN, x, (2, 3), True)
    return draw.builder.binary(name, function, x, mean)


def _reduced(draw: Drawing, x: Value) -> Value:
    reductions = (ops.Reduction.MEAN, ops.Reduction.MEAN, ops.Reduction.SUM, ops.Reduction.MAX, ops.Reduction.MIN)
    axes = ((2, 3), (2, 3), (1,), (2,), (3,))[int(draw.random.integers(5))]
    return draw.builder.reduce(draw.named("reduced"), reductions[int(draw.random.integers(5))], x, axes, True)


def _joined(draw: Drawing, x: Value) -> Value:
    y = draw.conv(x, draw.between(1, 32), (1, 1))
    return draw.builder.concatenation(draw.named("joined"), [x, y], 1)


def _stacked(draw: Drawing, x: Value) -> Value:
    y = draw.conv(x, x.shape[1], (1, 1))
    return draw.builder.concatenation(draw.named("stacked"), [x, y], draw.one_of(2, 3))


def _padded(draw: Drawing, x: Value) -> Value:
    edge = draw.one_of(1, 1, 2, 3)
    return draw.builder.pad(draw.named("padded"), x, (0, 0, edge, edge), (0, 0, edge, draw.one_of(0, 1)), 0.0)


def _cut(draw: Drawing, x: Value) -> Value:
    axis = draw.one_of(1, 2, 3)
    size = x.shape[axis]
    if size < 2:
        return _gate(draw, x)
    first = draw.one_of(0, size // 3)
    return draw.builder.cut(draw.named("cut"), x, {axis: range(first, size, draw.one_of(1, 1, 2))})


def _split(draw: Drawing, x: Value) -> Value:
    axis = draw.one_of(1, 2, 3)
    size = x.shape[axis]
    if size < 2:
        return _gate(draw, x)
    name = draw.named("split")
    left, right = draw.builder.split([f"{name}/a", f"{name}/b"], x, axis, [size // 2, size - size // 2])
    return left if draw.random.integers(2) else right


def _turned(draw: Drawing, x: Value) -> Value:
    """In an order of axes that has to be stored: a product reads it."""
    turned = draw.builder.transpose(x, (0, 1, 3, 2))
    name = draw.named("turned")
    flat = draw.builder.reshape(turned, (1, x.shape[1] * x.shape[3], x.shape[2]))
    assert isinstance(flat, Value)
    return draw.builder.softmax(name, flat, 2)


def _resized(draw: Drawing, x: Value) -> Value:
    by = draw.one_of(2, 2, 3)
    places = [np.arange(n * by) // by for n in x.shape[2:]]
    return draw.builder.resize(draw.named("resized"), x, places)


def _rows_of_softmax(draw: Drawing, x: Value) -> Value:
    return draw.builder.softmax(draw.named("softmax"), x, 1)


def _dense(draw: Drawing, x: Value) -> Value:
    return draw.dense(x, draw.between(1, 160)) if np.prod(x.shape) <= 4096 else _pointwise(draw, x)


def _matmul(draw: Drawing, x: Value) -> Value:
    name = draw.named("product")
    flat = draw.builder.reshape(x, (1, x.shape[1], x.shape[2] * x.shape[3]))
    back = draw.builder.transpose(flat, (0, 2, 1))
    return draw.builder.matmul(name, flat, back)


PATCHES: Sequence[Callable[[Drawing, Value], Value]] = (
    *(_any_conv, _square_conv, _pointwise, _any_depthwise, _square_depthwise, _dense) * 3,
    _grouped_conv, _multiplied_depthwise, _transposed, _any_pool, _any_pool, _rounded_pool, _gate, _gate, _product, _product,
    _broadcast, _broadcast, _reduced, _reduced, _joined, _stacked, _padded, _cut, _split, _turned, _resized, _rows_of_softmax,
    _matmul,
)  # fmt: skip

FAMILIES: dict[str, Callable[[Drawing], Value | list[Value]]] = {
    "mobilenet": mobilenet, "ds_cnn": ds_cnn, "resnet": resnet, "corners": corners, "apart": apart, "dense": dense,
}  # fmt: skip
"""Families by name; samples take turns."""


def family_of(number: int) -> str:
    """The family of a sample."""
    return tuple(FAMILIES)[number % len(FAMILIES)]


def sample(seed: int, number: int) -> Network:
    """Sample ``number`` of a seed: an int8 network. Those of more than MOST_MACS or MOST_WEIGHTS are drawn again."""
    family, random = family_of(number), np.random.default_rng([seed, number])
    large = number // len(FAMILIES) % LARGE_EVERY == LARGE_EVERY - 1
    macs, weights = (LARGE_MACS, LARGE_WEIGHTS) if large else (MOST_MACS, MOST_WEIGHTS)
    while True:
        draw = Drawing(f"{family}_{seed}_{number}", random)
        value = FAMILIES[family](draw)
        several = value if isinstance(value, list) else [value]
        made = draw.builder.network({f"output_{n}": each for n, each in enumerate(several)})
        constants = sum(t.elements for t in made.tensors.values() if t.constant)
        if network_macs(made) <= macs and constants <= weights:
            return draw.network(value, any_ends=True)
