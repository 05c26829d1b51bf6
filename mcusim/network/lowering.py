"""lowered: a float network whose tensors have scales, computed in int8 as TensorFlow Lite's kernels compute.

A layer becomes integers where all that it reads and writes has scales; around others the values are dequantised. What the
kernels ask for (scales.py) is kept to; biases are int32 on input scale times weight scale.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.fixed_point import round_half_away
from mcusim.network.fusion import CHANNEL_AXES
from mcusim.network.network import Layer, Network
from mcusim.network.scales import (
    BIAS_LIMIT,
    fixed_scale,
    joins_scales,
    keeps_scale,
    scale_of,
    stored,
    weight_scales,
)
from mcusim.network.tensor import ElementType, Quantization, Tensor


def lowered(
    network: Network, scales: Mapping[str, Quantization], float_ends: Collection[str] = (), per_channel: bool = True
) -> Network:
    """``network`` in int8 where ``scales`` (by tensor; constants may be among them) allow.

    ``float_ends``: inputs and outputs that stay float. ``per_channel``: weights without scales get one for each channel,
    else one. Tensors keep their names; what is added is named after the tensor it comes from.
    """
    network = named(network, scales)
    return _Lowering(network, spread(network, scales), float_ends, per_channel).network()


def named(network: Network, scales: Mapping[str, Quantization]) -> Network:
    """Without reshapes that only give a value its scale, where nothing else reads it: its layer writes it under that name."""
    writers = {name: i for i, layer in enumerate(network.layers) for name in layer.outputs}
    layers: dict[int, Layer] = dict(enumerate(network.layers))
    for number, layer in enumerate(network.layers):
        if not isinstance(layer.operator, ops.Reshape):
            continue
        (x,), (output,) = layer.inputs, layer.outputs
        alone = x in writers and len(list(network.readers(x))) == 1 and x not in network.outputs
        if alone and layer.operator.shape == network.tensors[x].shape and scales.get(x) in (None, scales.get(output)):
            place = writers[output] = writers[x]
            written = layers[place]
            layers[place] = replace(written, outputs=tuple(output if name == x else name for name in written.outputs))
            del layers[number]
    kept = {name for layer in layers.values() for name in (*layer.inputs, *layer.outputs)}
    kept |= {*network.inputs, *network.outputs}
    tensors = {name: tensor for name, tensor in network.tensors.items() if name in kept}
    return replace(network, tensors=tensors, layers=tuple(layers.values()))


def spread(network: Network, scales: Mapping[str, Quantization]) -> dict[str, Quantization]:
    """Scales, and those of tensors that follow from them since elements are only moved or chosen."""
    result = dict(scales)
    for layers, follow in ((network.layers, _forward), (network.layers[::-1], _backward), (network.layers, _forward)):
        for layer in layers:
            follow(network, layer, result)
    return result


def _forward(network: Network, layer: Layer, scales: dict[str, Quantization]) -> None:
    if keeps_scale(layer.operator) and layer.inputs[0] in scales:
        for name in layer.outputs:
            scales.setdefault(name, scales[layer.inputs[0]])


def _backward(network: Network, layer: Layer, scales: dict[str, Quantization]) -> None:
    """To what only this layer reads; not through averages, which are rounded after the scale."""
    average = getattr(layer.operator, "function", None) is ops.Pooling.AVERAGE
    met = {scales.get(name) for name in layer.outputs}
    (only,) = met if len(met) == 1 else (None,)
    if only is None or average or not (keeps_scale(layer.operator) or joins_scales(layer.operator)):
        return
    ends = {*network.inputs, *network.outputs}
    for name in layer.inputs:
        if network.tensors[name].data is None and name not in ends and len(list(network.readers(name))) == 1:
            scales.setdefault(name, only)


class _Lowering:
    """A network on its way to int8. ``integers``: the int8 tensor of each tensor; ``floats``: the float one."""

    def __init__(
        self, network: Network, scales: Mapping[str, Quantization], float_ends: Collection[str], per_channel: bool
    ) -> None:
        self.source, self.scales, self.per_channel = network, scales, per_channel
        self.float_ends = set(float_ends)
        self.tensors: dict[str, Tensor] = {}
        self.layers: list[Layer] = []
        self.integers: dict[str, str] = {}
        self.floats: dict[str, str] = {}
        self.scaled: dict[tuple[str, Quantization], str] = {}

    def network(self) -> Network:
        source = self.source
        inputs = [self.input(name) for name in source.inputs]
        for layer in source.layers:
            self.add(layer)
        outputs = tuple(self.output(name) for name in source.outputs)
        read = {name for layer in self.layers for name in (*layer.inputs, *layer.outputs)}
        tensors = {n: t for n, t in self.tensors.items() if n in read | {*inputs, *outputs}}
        return Network(source.name, tensors, tuple(self.layers), tuple(inputs), outputs)

    # Tensors

    def fresh(self, name: str) -> str:
        while name in self.tensors:
            name += "_"
        return name

    def integer_name(self, name: str) -> str:
        return self.fresh(f"{name}/int8" if name in self.float_ends else name)

    def made(self, name: str, like: str, scales: Quantization | None) -> str:
        """A new tensor of the shape of a source's: int8 with scales, else float."""
        kind = ElementType.FLOAT32 if scales is None else ElementType.INT8
        self.tensors[name] = Tensor(name, self.source.tensors[like].shape, kind, scales)
        return name

    def input(self, name: str) -> str:
        scales = self.scales.get(name)
        if name in self.float_ends or scales is None:
            self.floats[name] = self.made(name, name, None)
        else:
            self.integers[name] = self.made(name, name, scales)
        return name

    def output(self, name: str) -> str:
        if name in self.float_ends or name not in self.scales:
            return self.floating(name)
        return self.integer(name)

    def integer(self, name: str) -> str:
        """The int8 tensor; quantised where it is float so far."""
        if name not in self.integers:
            target = self.made(self.integer_name(name), name, self.scales[name])
            self.layers.append(Layer(f"{target}/quantize", ops.Quantize(), (self.floats[name],), (target,)))
            self.integers[name] = target
        return self.integers[name]

    def floating(self, name: str) -> str:
        """The float tensor; dequantised where it is int8 so far. Constants and variables are taken as they are."""
        if name in self.floats or not name:
            return self.floats.get(name, "")
        tensor = self.source.tensors[name]
        if name not in self.integers:
            self.tensors[name] = tensor
            return name
        target = self.made(self.fresh(name if name in self.float_ends else f"{name}/float"), name, None)
        self.layers.append(Layer(f"{target}/dequantize", ops.Dequantize(), (self.integers[name],), (target,)))
        self.floats[name] = target
        return target

    def requantized(self, name: str, scales: Quantization) -> str:
        """An int8 tensor of the result, on another scale."""
        tensor = self.tensors[name]
        if tensor.quantization == scales:
            return name
        if (name, scales) not in self.scaled:
            target = self.fresh(f"{name}/requantized")
            self.tensors[target] = replace(tensor, name=target, quantization=scales)
            self.layers.append(Layer(f"{target}/quantize", ops.Quantize(), (name,), (target,)))
            self.scaled[name, scales] = target
        return self.scaled[name, scales]

    def constant(self, name: str, data: np.ndarray, kind: ElementType, scales: Quantization) -> str:
        data.flags.writeable = False
        while name in self.tensors:
            other = self.tensors[name]
            if other.data is not None and other.quantization == scales and np.array_equal(other.data, data):
                return name
            name += "_"
        self.tensors[name] = Tensor(name, data.shape, kind, scales, data)
        return name

    # Layers

    def add(self, layer: Layer) -> None:
        tensors = self.source.tensors
        moving = [n for n in layer.inputs if n and not tensors[n].constant]
        rule = next((rule for kinds, rule in RULES if isinstance(layer.operator, kinds)), None)
        if self.renames(layer) and layer.outputs[0] in self.scales:
            self.alias(layer)
        elif (
            rule is None
            or not moving
            or not all(n in self.scales for n in (*moving, *layer.outputs))
            or not rule(self, layer)
        ):
            self.in_floats(layer)

    def renames(self, layer: Layer) -> bool:
        """Whether it is a reshape to the same shape: at most another scale."""
        tensor = self.source.tensors[layer.inputs[0]]
        return layer.operator == ops.Reshape(tensor.shape) and not tensor.constant

    def in_floats(self, layer: Layer) -> None:
        outputs = []
        for name in layer.outputs:
            target = self.fresh(f"{name}/float" if name in self.scales and name not in self.float_ends else name)
            outputs.append(self.made(target, name, None))
            self.floats[name] = target
        self.layers.append(replace(layer, inputs=tuple(map(self.floating, layer.inputs)), outputs=tuple(outputs)))

    def emit(self, layer: Layer, inputs: Sequence[str], scales: Quantization | None = None) -> bool:
        """The layer in int8, its outputs on ``scales`` first, if given, and then on their own."""
        outputs = []
        for name in layer.outputs:
            own = self.scales[name]
            direct = scales is None or scales == own
            made = self.integer_name(name) if direct else self.fresh(f"{name}/unscaled")
            outputs.append(self.made(made, name, own if direct else scales))
        self.layers.append(replace(layer, inputs=tuple(inputs), outputs=tuple(outputs)))
        for name, made in zip(layer.outputs, outputs, strict=True):
            if self.tensors[made].quantization != self.scales[name]:
                target = self.made(self.integer_name(name), name, self.scales[name])
                self.layers.append(Layer(f"{layer.name}/quantize", ops.Quantize(), (made,), (target,)))
                made = target
            self.integers[name] = made
        return True

    def weighted(self, layer: Layer) -> bool:
        """Filter and bias with the scales that follow from the input's."""
        x, filters, *rest = layer.inputs
        weights = self.source.tensors[filters].data
        bias = self.source.tensors[rest[0]].data if rest and rest[0] else None
        if weights is None or (rest and rest[0] and bias is None):
            return False
        axis = CHANNEL_AXES[type(layer.operator)]
        data = self.integer(x)
        step = _scale(self.tensors[data])
        scales = self.scales.get(filters) or weight_scales(weights, axis if self.per_channel else None, step, bias)
        names = [data, self.constant(filters, stored(weights, scales), ElementType.INT8, scales)]
        names.append("" if bias is None else self.bias(rest[0], bias, step, scales))
        return self.emit(layer, names)

    def bias(self, name: str, bias: np.ndarray, step: float, weights: Quantization) -> str:
        steps = np.float64(step) * np.array(weights.scales, np.float64)
        data = np.clip(round_half_away(bias.astype(np.float64) / steps), -BIAS_LIMIT, BIAS_LIMIT).astype(np.int32)
        axis = 0 if len(steps) > 1 else None
        return self.constant(name, data, ElementType.INT32, Quantization(tuple(steps.tolist()), (0,) * len(steps), axis))

    def operand(self, name: str) -> str:
        """An int8 input; a constant gets the scale of its own range."""
        data = self.source.tensors[name].data
        if data is None:
            return self.integer(name)
        scales = self.scales.get(name) or scale_of(data.min(), data.max())
        return self.constant(name, stored(data, scales), ElementType.INT8, scales)

    def plain(self, layer: Layer) -> bool:
        return self.emit(layer, [self.operand(name) for name in layer.inputs], fixed_scale(layer.operator))

    def keeping(self, layer: Layer) -> bool:
        x = self.integer(layer.inputs[0])
        scales = self.tensors[x].quantization
        assert scales is not None
        if isinstance(layer.operator, ops.Pad):
            value = int(stored(np.array(layer.operator.value), scales))
            layer = replace(layer, operator=replace(layer.operator, value=value))
        return self.emit(layer, [x], scales)

    def alias(self, layer: Layer) -> None:
        (x,), (output,) = layer.inputs, layer.outputs
        scales = self.scales[output]
        source = self.integers[x] if x in self.integers else self.floats[x]
        if source == self.integers.get(x) and output not in self.source.outputs:
            self.integers[output] = self.requantized(source, scales)
            return
        target = self.made(self.integer_name(output), output, scales)
        operator = layer.operator if self.tensors[source].quantization == scales else ops.Quantize()
        self.layers.append(replace(layer, operator=operator, inputs=(source,), outputs=(target,)))
        self.integers[output] = target

    def joining(self, layer: Layer) -> bool:
        scales = self.scales[layer.outputs[0]]
        names = []
        for name in layer.inputs:
            data = self.source.tensors[name].data
            if data is None:
                names.append(self.requantized(self.integer(name), scales))
            else:
                names.append(self.constant(name, stored(data, scales), ElementType.INT8, scales))
        return self.emit(layer, names)

    def binary(self, layer: Layer) -> bool:
        return self.joining(layer) if joins_scales(layer.operator) else self.plain(layer)

    def reduce(self, layer: Layer) -> bool:
        return self.keeping(layer) if keeps_scale(layer.operator) else self.plain(layer)


Rule = Callable[[_Lowering, Layer], bool]
RULES: list[tuple[tuple[type, ...], Rule]] = [
    (tuple(CHANNEL_AXES), _Lowering.weighted),
    ((ops.Binary,), _Lowering.binary),
    ((ops.Reduce,), _Lowering.reduce),
    ((ops.Unary, ops.Softmax, ops.BatchMatMul), _Lowering.plain),
    ((ops.Concatenation,), _Lowering.joining),
    (
        (ops.Pool2D, ops.Pad, ops.Reshape, ops.Split, ops.Slice, ops.Transpose, ops.ResizeNearest),
        _Lowering.keeping,
    ),
]
"""What operators become in int8; False where a layer cannot."""


def _scale(tensor: Tensor) -> float:
    assert tensor.quantization is not None
    return tensor.quantization.scale
