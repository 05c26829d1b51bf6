"""What each ONNX operator becomes: a table from names to layers.

Quantised models are read as float ones whose tensors have scales: what lies between DequantizeLinear and QuantizeLinear is
computed in integers by lowering.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, prod

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder import Constant, Operand, Unsupported
from mcusim.network.layout import Value
from mcusim.network.onnx_file import NUMBERS
from mcusim.network.onnx_view import Item, Stored, View, ranges
from mcusim.network.shapes import same_padding
from mcusim.network.tensor import Quantization

# Quantisation


def _scales(view: View, scale: int, zero: int, rank: int, kind: str | None = None) -> tuple[Quantization, str]:
    """Scales as for int8, and the type that the file stores in."""
    steps = view.constant(scale, "scale").reshape(-1).astype(np.float64)
    zeros = view.constant(zero, "zero point") if view.optional(zero) is not None else None
    stored = kind or ("uint8" if zeros is None else str(zeros.dtype))
    if stored not in ("int8", "uint8", "int32"):
        raise Unsupported(f"quantisation to {stored} is not supported; int8 and uint8 are")
    points = np.zeros(1, np.int64) if zeros is None else zeros.reshape(-1).astype(np.int64)
    points = points - (128 if stored == "uint8" else 0)
    points = np.broadcast_to(points, steps.shape) if points.size == 1 else points
    if points.shape != steps.shape or not np.all((steps > 2.0**-60) & (steps < 2.0**60)):
        raise Unsupported(f"its {steps.size} scales (positive numbers are allowed) and {points.size} zero points are no pairs")
    if view.get("block_size", 0):
        raise Unsupported("scales for each block are not supported")
    axis = view.builder.axis(int(view.get("axis", 1)), rank) if steps.size > 1 else None
    return Quantization(tuple(steps.tolist()), tuple(int(p) for p in points), axis), stored


def _along(scales: Quantization, values: Sequence[float], rank: int) -> np.ndarray:
    shape = [1] * rank
    if scales.axis is not None:
        shape[scales.axis] = -1
    return np.array(values, np.float64).reshape(shape if scales.axis is not None else ())


def _dequantized(view: View, index: int, scale: int, zero: int) -> Operand:
    item = view.item(index)
    if isinstance(item, Stored) and isinstance(item.operand, Value):
        scales, _ = _scales(view, scale, zero, len(item.shape), item.type)
        return _annotated(view, item, scales)
    if isinstance(item, Stored):
        return item.operand
    if isinstance(item, Value):
        raise Unsupported(f"its input {index} is of real numbers")
    kind = str(item.data.dtype)
    scales, _ = _scales(view, scale, zero, item.data.ndim, kind)
    if scales.axis is not None and item.data.shape[scales.axis] != len(scales.scales):
        raise Unsupported(f"it has {len(scales.scales)} scales along axis {scales.axis} of {item.data.shape}")
    stored = item.data.astype(np.float64) - (128 if kind == "uint8" else 0)
    real = (stored - _along(scales, scales.zero_points, stored.ndim)) * _along(scales, scales.scales, stored.ndim)
    return Constant(item.name, real, None if kind == "int32" else scales)


def _annotated(view: View, item: Stored, scales: Quantization) -> Value:
    """The real values of a stored tensor, whose scales are noted if this is the first to say them."""
    value, known = item.operand, item.scales or view.builder.annotations.get(item.operand.name)
    assert isinstance(value, Value)
    if known is not None and known != scales:
        raise Unsupported(f"{value.name!r} is stored with the scale {known.scales[0]:g} and read with {scales.scales[0]:g}")
    if len(scales.scales) > 1:
        raise Unsupported("scales of each channel are supported for constants only")
    view.builder.annotations[value.name] = scales
    return value


def _quantized(view: View, operand: Operand, scales: Quantization, kind: str, output: str) -> Stored:
    """Real numbers as stored: a constant is rounded, a value goes on under a name that has the scales."""
    if isinstance(operand, Constant):
        least = -128
        steps, zeros = (_along(scales, v, operand.data.ndim) for v in (scales.scales, scales.zero_points))
        rounded = np.clip(np.round(operand.data / steps) + zeros, least, 127)
        return Stored(Constant(operand.name, (rounded - zeros) * steps, scales), scales, kind)
    if len(scales.scales) > 1:
        raise Unsupported("scales of each channel are supported for constants only")
    builder = view.builder
    if builder.annotations.get(operand.name) == scales:
        return Stored(operand, scales, kind)
    (name,) = builder.emit(ops.Reshape(builder.tensors[operand.name].shape), [operand.name], output)
    builder.annotations[name] = scales
    return Stored(replace(operand, name=name), scales, kind)


def _quantize(view: View) -> list[Item]:
    x = view.operand(0)
    scales, kind = _scales(view, 1, 2, len(x.shape))
    return [_quantized(view, x, scales, kind, view.output)]


def _dequantize(view: View) -> list[Item]:
    return [_dequantized(view, 0, 1, 2)]


def _integer(operator: str, *triples: tuple[int, int, int], output: int, bias: int | None = None) -> Translation:
    """A QOperator: the float ``operator`` between inputs (tensor, scale, zero point) and an output (its scale's input)."""

    def translate(view: View) -> list[Item]:
        inputs: list[Item | None] = [_dequantized(view, *triple) for triple in triples]
        if bias is not None and view.optional(bias) is not None:
            steps = view.constant(1, "scale").reshape(-1).astype(np.float64) * view.constant(4, "scale").reshape(-1)
            offset = view.operand(bias)
            inputs.append(Constant(getattr(offset, "name", ""), view.constant(bias, "bias").astype(np.float64) * steps))
        (result,) = TRANSLATIONS[operator](replace(view, inputs=tuple(inputs)))
        assert not isinstance(result, Stored)
        scales, kind = _scales(view, output, output + 1, len(result.shape))
        return [_quantized(view, result, scales, kind, view.output)]

    return translate


def _q_conv(view: View) -> list[Item]:
    """QLinearConv: weights have scales along their first axis."""
    node = replace(view.node, attributes={**view.node.attributes, "axis": 0})
    return _integer("Conv", (0, 1, 2), (3, 4, 5), output=6, bias=8)(replace(view, node=node))


def _q_matmul(view: View) -> list[Item]:
    node = replace(view.node, attributes={**view.node.attributes, "axis": -1})
    return _integer("MatMul", (0, 1, 2), (3, 4, 5), output=6)(replace(view, node=node))


def _q_gemm(view: View) -> list[Item]:
    axis = 0 if view.get("transB", 0) else 1
    node = replace(view.node, attributes={**view.node.attributes, "axis": axis})
    return _integer("Gemm", (0, 1, 2), (3, 4, 5), output=7, bias=6)(replace(view, node=node))


def _q_concat(view: View) -> list[Item]:
    parts = tuple(_dequantized(view, i, i + 1, i + 2) for i in range(2, len(view.inputs), 3))
    (result,) = _concat(replace(view, inputs=parts))
    assert isinstance(result, Value)
    scales, kind = _scales(view, 0, 1, len(result.shape))
    return [_quantized(view, result, scales, kind, view.output)]


def _on_stored(translate: Translation) -> Translation:
    """An operator that moves elements or chooses among them, on stored integers too: their scales go with them."""

    def result(view: View) -> list[Item]:
        first = view.optional(0)
        if not isinstance(first, Stored):
            return translate(view)
        if any(isinstance(x, Stored) and x.scales != first.scales for x in view.inputs):
            raise Unsupported("it joins integers of different scales")
        inputs = tuple(x.operand if isinstance(x, Stored) else x for x in view.inputs)
        made = translate(replace(view, inputs=inputs))
        scales = first.scales or view.builder.annotations.get(first.operand.name)
        if scales is None:
            raise Unsupported("it works on integers whose scale is not known yet")
        for item in made:
            assert not isinstance(item, Stored)
            if isinstance(item, Value):
                view.builder.annotations[item.name] = scales
        return [Stored(item, scales, first.type) for item in made if not isinstance(item, Stored)]

    return result


# Windows


def _pads(view: View, size: Sequence[int], window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> list[int]:
    rank, kind = len(size), view.get("auto_pad", "NOTSET")
    if kind == "NOTSET":
        pads = view.get("pads", [0] * 2 * rank)
        if len(pads) != 2 * rank:
            raise Unsupported(f"it has {len(pads)} pads for {rank} axes")
        return list(pads)
    if kind == "VALID":
        return [0] * 2 * rank
    if kind not in ("SAME_UPPER", "SAME_LOWER"):
        raise Unsupported(f"its auto_pad is {kind}")
    view.builder.pair(stride, "stride")
    pairs = [same_padding(*numbers) for numbers in zip(size, window, stride, dilation, strict=True)]
    pairs = [pair[::-1] for pair in pairs] if kind == "SAME_LOWER" else pairs
    return [pair[0] for pair in pairs] + [pair[1] for pair in pairs]


def _conv(view: View) -> list[Item]:
    x, weights = view.operand(0), view.operand(1)
    rank = len(x.shape) - 2
    window = weights.shape[2:]
    if view.get("kernel_shape", list(window)) != list(window):
        raise Unsupported(f"its kernel_shape {view.get('kernel_shape')} is not that of its filter {weights.shape}")
    stride, dilation = view.get("strides", [1] * rank), view.get("dilations", [1] * rank)
    result = view.builder.conv(
        view.output,
        x,
        weights,
        view.operand(2) if view.optional(2) is not None else None,
        stride=stride,
        dilation=dilation,
        pads=_pads(view, x.shape[2:], window, stride, dilation),
        groups=view.get("group", 1),
    )
    return [result]


def _conv_transpose(view: View) -> list[Item]:
    x, weights = view.operand(0), view.operand(1)
    rank = len(x.shape) - 2
    stride = view.get("strides", [1] * rank)
    if view.get("group", 1) != 1 or set(view.get("dilations", [1])) != {1}:
        raise Unsupported("a transposed convolution with groups or dilation is not supported")
    extra, pads = view.get("output_padding", [0] * rank), view.get("pads", [0] * 2 * rank)
    wanted, kind = view.get("output_shape"), view.get("auto_pad", "NOTSET")
    if wanted is not None or kind in ("SAME_UPPER", "SAME_LOWER"):
        sizes = [n * s for n, s in zip(x.shape[2:], stride, strict=True)] if wanted is None else list(wanted)[-rank:]
        axes = zip(x.shape[2:], weights.shape[2:], stride, extra, sizes, strict=True)
        total = [(n - 1) * s + k + e - size for n, k, s, e, size in axes]
        less = [t // 2 if kind != "SAME_LOWER" else t - t // 2 for t in total]
        pads = [*less, *(t - b for t, b in zip(total, less, strict=True))]
    bias = view.operand(2) if view.optional(2) is not None else None
    return [view.builder.conv_transpose(view.output, x, weights, bias, stride=stride, pads=pads, extra=extra)]


def _pool(function: ops.Pooling) -> Translation:
    def translate(view: View) -> list[Item]:
        x, window = view.operand(0), view.get("kernel_shape", [])
        rank = len(x.shape) - 2
        stride, dilation = view.get("strides", [1] * rank), view.get("dilations", [1] * rank)
        if set(dilation) - {1}:
            raise Unsupported(f"its dilation is {dilation}; pooling without is supported")
        if len([n for n in view.node.outputs if n]) > 1:
            raise Unsupported("the indices of its largest elements are not supported")
        pads = _pads(view, x.shape[2:], window, stride, dilation)
        made = view.builder.pool(
            view.output,
            function,
            x,
            window=window,
            stride=stride,
            pads=pads,
            up=bool(view.get("ceil_mode", 0)),
            counted=bool(view.get("count_include_pad", 0)),
        )
        return [made]

    return translate


def _global(function: ops.Reduction) -> Translation:
    def translate(view: View) -> list[Item]:
        x = view.value(0)
        return [view.builder.reduce(view.output, function, x, range(2, len(x.shape)), True)]

    return translate


def _reduce(function: ops.Reduction) -> Translation:
    def translate(view: View) -> list[Item]:
        x = view.value(0)
        axes = view.listed("axes", 1, "axes")
        if not axes and view.get("noop_with_empty_axes", 0):
            return [x]
        return [view.builder.reduce(view.output, function, x, axes or range(len(x.shape)), bool(view.get("keepdims", 1)))]

    return translate


def _normalization(view: View) -> list[Item]:
    if view.get("training_mode", 0):
        raise Unsupported("it normalises by the batch (training_mode); export the network for inference")
    gamma, beta, mean, variance = (view.constant(i, "statistics").astype(np.float64).reshape(-1) for i in (1, 2, 3, 4))
    factor = gamma / np.sqrt(variance + float(view.get("epsilon", 1e-5)))
    return [view.builder.normalized(view.output, view.value(0), factor, beta - mean * factor)]


# Products


def _gemm(view: View) -> list[Item]:
    builder = view.builder
    x, weights = view.operand(0), view.operand(1)
    alpha, beta = float(view.get("alpha", 1.0)), float(view.get("beta", 1.0))
    x = builder.transpose(x, (1, 0)) if view.get("transA", 0) else x
    weights = weights if view.get("transB", 0) else builder.transpose(weights, (1, 0))
    if isinstance(weights, Value) or isinstance(x, Constant):
        raise Unsupported("its second matrix is not constant; use MatMul and Add")
    if alpha != 1:
        weights = Constant(f"{weights.name}/scaled", weights.data * alpha)
    bias = view.operand(2) if view.optional(2) is not None else None
    if isinstance(bias, Constant):
        bias = bias if beta == 1 else Constant(f"{bias.name}/scaled", bias.data * beta)
        if bias.data.size in (1, weights.shape[0]):
            whole = np.broadcast_to(bias.data.reshape(-1), (weights.shape[0],))
            return [builder.linear(view.output, x, weights, Constant(bias.name, whole))]
    if bias is None:
        return [builder.linear(view.output, x, weights, None)]
    product = builder.linear(f"{view.output}/product", x, weights, None)
    if isinstance(bias, Value) and beta != 1:
        bias = builder.binary(f"{view.output}/scaled", ops.Arithmetic.MUL, bias, builder.number(beta))
    return [builder.binary(view.output, ops.Arithmetic.ADD, product, bias)]


def _matmul(view: View) -> list[Item]:
    return [view.builder.matmul(view.output, view.operand(0), view.operand(1))]


# Elements


def _binary(function: ops.Arithmetic) -> Translation:
    """Two or more, one after another."""

    def translate(view: View) -> list[Item]:
        result = view.operand(0)
        for index in range(1, len(view.inputs)):
            result = view.builder.binary(view.output, function, result, view.operand(index))
        return [result]

    return translate


def _div(view: View) -> list[Item]:
    divisor = view.operand(1)
    if isinstance(divisor, Value) or not np.all(divisor.data):
        raise Unsupported("its divisor is not constant, or zero")
    inverse = Constant(f"{divisor.name}/inverse", 1.0 / divisor.data.astype(np.float64))
    return [view.builder.binary(view.output, ops.Arithmetic.MUL, view.operand(0), inverse)]


def _pow(view: View) -> list[Item]:
    if view.number(1, "exponent") != 2:
        raise Unsupported(f"its exponent is {view.number(1, 'exponent')}; 2 is supported")
    return [view.builder.binary(view.output, ops.Arithmetic.MUL, view.value(0), view.value(0))]


def _unary(function: ops.Function) -> Translation:
    return lambda view: [view.builder.unary(view.output, function, view.value(0))]


def _clip(view: View) -> list[Item]:
    low, high = (
        view.number(i, name) if view.optional(i) is not None else float(view.get(name, default))
        for i, name, default in ((1, "min", float("-inf")), (2, "max", float("inf")))
    )
    low, high = (float(np.sign(b)) * np.inf if abs(b) > 1e38 else b for b in (low, high))
    return [view.builder.clip(view.output, view.value(0), low, high)]


def _hard_sigmoid(view: View) -> list[Item]:
    alpha, beta = float(view.get("alpha", 0.2)), float(view.get("beta", 0.5))
    return [view.builder.hard_sigmoid(view.output, view.value(0), alpha, beta)]


def _leaky(view: View) -> list[Item]:
    return [view.builder.unary(view.output, ops.Function.LEAKY_RELU, view.value(0), float(view.get("alpha", 0.01)))]


def _prelu(view: View) -> list[Item]:
    slope = view.operand(1)
    if isinstance(slope, Value):
        raise Unsupported("its slope is not constant")
    return [view.builder.slopes(view.output, view.value(0), slope)]


def _softmax(view: View) -> list[Item]:
    x, builder = view.value(0), view.builder
    if view.opset >= 13:
        return [builder.softmax(view.output, x, view.get("axis", -1))]
    axis = builder.axis(view.get("axis", 1), len(x.shape))
    flat = builder.reshape(x, (prod(x.shape[:axis]), prod(x.shape[axis:])))
    assert isinstance(flat, Value)
    return [builder.reshape(builder.softmax(view.output, flat, 1), x.shape)]


def _cast(view: View) -> list[Item]:
    if NUMBERS.get(view.get("to", 0)) not in ("float32", "float64"):
        raise Unsupported(f"it casts to {NUMBERS.get(view.get('to', 0), view.get('to', 0))}; to float is supported")
    return [view.operand(0)]


# Places


def _new_shape(view: View) -> tuple[int, ...]:
    old = view.item(0).shape
    shape = view.listed("shape", 1, "new shape")
    if shape is None:
        raise Unsupported("its new shape is left out")
    if not view.get("allowzero", 0):
        shape = [old[i] if size == 0 and i < len(old) else size for i, size in enumerate(shape)]
    rest = prod(size for size in shape if size != -1)
    if shape.count(-1) > 1 or min(shape, default=1) < -1 or (-1 in shape and (rest == 0 or prod(old) % rest)):
        raise Unsupported(f"its new shape is {tuple(shape)} for {prod(old)} elements")
    return tuple(prod(old) // rest if size == -1 else size for size in shape)


def _flattened(view: View) -> tuple[int, ...]:
    shape = view.item(0).shape
    axis = view.get("axis", 1)
    axis = axis if axis == len(shape) else view.builder.axis(axis, len(shape))
    return prod(shape[:axis]), prod(shape[axis:])


def _squeezed(view: View) -> tuple[int, ...]:
    shape = view.item(0).shape
    axes = view.listed("axes", 1, "axes")
    gone = {view.builder.axis(axis, len(shape)) for axis in axes} if axes else {i for i, n in enumerate(shape) if n == 1}
    if any(shape[axis] != 1 for axis in gone):
        raise Unsupported(f"it squeezes axes {sorted(gone)} of {shape}, which are not all 1")
    return tuple(n for i, n in enumerate(shape) if i not in gone)


def _unsqueezed(view: View) -> tuple[int, ...]:
    shape = list(view.item(0).shape)
    axes = view.listed("axes", 1, "axes") or []
    for axis in sorted(view.builder.axis(axis, len(shape) + len(axes)) for axis in axes):
        shape.insert(axis, 1)
    return tuple(shape)


def _reshaped(shape: Callable[[View], tuple[int, ...]]) -> Translation:
    return lambda view: [view.builder.reshape(view.operand(0), shape(view))]


def _transpose(view: View) -> list[Item]:
    x = view.operand(0)
    return [view.builder.transpose(x, view.get("perm", list(range(len(x.shape)))[::-1]))]


def _concat(view: View) -> list[Item]:
    parts = [view.operand(i) for i in range(len(view.inputs))]
    if len(parts) == 1:
        return [parts[0]]
    return [view.builder.concatenation(view.output, parts, view.get("axis", 0))]


def _split(view: View) -> list[Item]:
    x, outputs = view.value(0), view.node.outputs
    axis = view.builder.axis(view.get("axis", 0), len(x.shape))
    sizes = view.listed("split", 1, "sizes")
    if sizes is None:
        part = ceil(x.shape[axis] / len(outputs))
        sizes = [part] * (len(outputs) - 1) + [x.shape[axis] - part * (len(outputs) - 1)]
    return list(view.builder.split(outputs, x, axis, sizes))


def _slice(view: View) -> list[Item]:
    return [view.builder.cut(view.output, view.value(0), ranges(view))]


def _gather(view: View) -> list[Item]:
    """Of a value: elements at equal distances."""
    x, indices = view.value(0), view.constant(1, "indices")
    axis = view.builder.axis(view.get("axis", 0), len(x.shape))
    places = [int(i) % x.shape[axis] for i in indices.reshape(-1)[: 1 << 16]]
    step = places[1] - places[0] if len(places) > 1 else 1
    taken = range(places[0], places[0] + step * len(places), step) if step else range(0)
    if list(taken) != places or indices.ndim > 1 or indices.size > 1 << 16:
        raise Unsupported("it gathers elements that do not lie at equal distances")
    cut = view.builder.cut(view.output, x, {axis: taken})
    return [view.builder.reshape(cut, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))]


def _pad(view: View) -> list[Item]:
    x = view.value(0)
    if view.get("mode", "constant") != "constant":
        raise Unsupported(f"its mode is {view.get('mode')}; constant is supported")
    pads = view.listed("pads", 1, "pads") or []
    value = view.number(2, "value") if view.optional(2) is not None else float(view.get("value", 0.0))
    axes = [view.builder.axis(a, len(x.shape)) for a in view.whole(3, "axes")] if view.optional(3) else range(len(x.shape))
    if len(pads) != 2 * len(axes):
        raise Unsupported(f"it has {len(pads)} pads for {len(axes)} axes")
    before, after = [0] * len(x.shape), [0] * len(x.shape)
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    return [view.builder.pad(view.output, x, before, after, value)]


def _resize(view: View) -> list[Item]:
    """Nearest, by the indices that ONNX's rules give."""
    x = view.value(0)
    if view.get("mode", "nearest") != "nearest":
        raise Unsupported(f"its mode is {view.get('mode')}; nearest is supported")
    old = view.node.name == "Upsample" or view.opset < 11
    scales = view.optional(1 if old else 2)
    sizes = None if old else view.listed("", 3, "sizes")
    factors = view.get("scales")
    if isinstance(scales, Constant) and scales.data.size:
        factors = [float(s) for s in scales.data.reshape(-1)]
    if sizes is None and (factors is None or len(factors) != len(x.shape) or not all(0 < f < 4096 for f in factors)):
        raise Unsupported("it has neither sizes nor a scale for each axis that are constant")
    sizes = sizes or [int(n * f) for n, f in zip(x.shape, factors, strict=True)]
    factors = factors if factors else [m / n for n, m in zip(x.shape, sizes, strict=True)]
    if len(sizes) != len(x.shape) or tuple(sizes[:2]) != x.shape[:2] or not all(0 < n <= 4096 for n in sizes[2:]):
        raise Unsupported(f"it resizes {x.shape} to {tuple(sizes)}; height and width can be resized")
    rule = "asymmetric" if old else view.get("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else view.get("nearest_mode", "round_prefer_floor")
    if rule not in COORDINATES or rounding not in ROUNDINGS:
        raise Unsupported(f"its rules {rule} and {rounding} are not supported")
    places = [
        np.clip(ROUNDINGS[rounding](COORDINATES[rule](np.arange(m), f, n, m)), 0, n - 1).astype(np.int64)
        for n, m, f in zip(x.shape[2:], sizes[2:], factors[2:], strict=True)
    ]
    return [view.builder.resize(view.output, x, *(places if len(places) == 2 else [np.zeros(1, np.int64), *places]))]


COORDINATES: dict[str, Callable[[np.ndarray, float, int, int], np.ndarray]] = {
    "asymmetric": lambda i, f, n, m: i / f,
    "half_pixel": lambda i, f, n, m: (i + 0.5) / f - 0.5,
    "pytorch_half_pixel": lambda i, f, n, m: (i + 0.5) / f - 0.5 if m > 1 else i * 0.0,
    "align_corners": lambda i, f, n, m: i * (n - 1) / (m - 1) if m > 1 else i * 0.0,
}
"""Where output i lies in the input: (i, scale, size of the input, size of the output)."""
ROUNDINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def _depth_to_space(view: View) -> list[Item]:
    builder, x, block = view.builder, view.value(0), view.get("blocksize", 1)
    n, c, h, w = x.shape
    if block < 1 or c % (block * block):
        raise Unsupported(f"{c} channels are no blocks of {block}x{block}")
    depth, first = c // (block * block), view.get("mode", "DCR") == "DCR"
    parts = builder.reshape(x, (n, block, block, depth, h, w) if first else (n, depth, block, block, h, w))
    turned = builder.transpose(parts, (0, 3, 4, 1, 5, 2) if first else (0, 1, 4, 2, 5, 3))
    return [builder.reshape(turned, (n, depth, h * block, w * block))]


def _space_to_depth(view: View) -> list[Item]:
    builder, x, block = view.builder, view.value(0), view.get("blocksize", 1)
    n, c, h, w = x.shape
    if block < 1 or h % block or w % block:
        raise Unsupported(f"{h}x{w} is no whole number of blocks of {block}x{block}")
    parts = builder.reshape(x, (n, c, h // block, block, w // block, block))
    return [builder.reshape(builder.transpose(parts, (0, 3, 5, 1, 2, 4)), (n, c * block * block, h // block, w // block))]


def _expand(view: View) -> list[Item]:
    x, shape = view.operand(0), view.whole(1, "shape")
    if np.broadcast_shapes(x.shape, tuple(shape)) != x.shape:
        raise Unsupported(f"it stretches {x.shape} to {tuple(shape)}")
    return [x]


Translation = Callable[[View], "list[Item]"]
TRANSLATIONS: dict[str, Translation] = {
    "Add": _binary(ops.Arithmetic.ADD),
    "AveragePool": _pool(ops.Pooling.AVERAGE),
    "BatchNormalization": _normalization,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _on_stored(_concat),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _on_stored(_depth_to_space),
    "DequantizeLinear": _dequantize,
    "Div": _div,
    "Dropout": lambda view: [view.operand(0)],
    "Expand": _expand,
    "Flatten": _on_stored(_reshaped(_flattened)),
    "Gather": _on_stored(_gather),
    "Gemm": _gemm,
    "GlobalAveragePool": _global(ops.Reduction.MEAN),
    "GlobalMaxPool": _on_stored(_global(ops.Reduction.MAX)),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _unary(ops.Function.HARD_SWISH),
    "Identity": _on_stored(lambda view: [view.operand(0)]),
    "LeakyRelu": _leaky,
    "MatMul": _matmul,
    "Max": _binary(ops.Arithmetic.MAXIMUM),
    "MaxPool": _on_stored(_pool(ops.Pooling.MAX)),
    "Min": _binary(ops.Arithmetic.MINIMUM),
    "Mul": _binary(ops.Arithmetic.MUL),
    "Neg": lambda view: [view.builder.binary(view.output, ops.Arithmetic.MUL, view.value(0), view.builder.number(-1.0))],
    "Pad": _pad,
    "Pow": _pow,
    "PRelu": _prelu,
    "QGemm": _q_gemm,
    "QLinearAdd": _integer("Add", (0, 1, 2), (3, 4, 5), output=6),
    "QLinearAveragePool": _integer("AveragePool", (0, 1, 2), output=3),
    "QLinearConcat": _q_concat,
    "QLinearConv": _q_conv,
    "QLinearGlobalAveragePool": _integer("GlobalAveragePool", (0, 1, 2), output=3),
    "QLinearLeakyRelu": _integer("LeakyRelu", (0, 1, 2), output=3),
    "QLinearMatMul": _q_matmul,
    "QLinearMul": _integer("Mul", (0, 1, 2), (3, 4, 5), output=6),
    "QLinearSigmoid": _integer("Sigmoid", (0, 1, 2), output=3),
    "QLinearSoftmax": _integer("Softmax", (0, 1, 2), output=3),
    "QuantizeLinear": _quantize,
    "ReduceMax": _reduce(ops.Reduction.MAX),
    "ReduceMean": _reduce(ops.Reduction.MEAN),
    "ReduceMin": _reduce(ops.Reduction.MIN),
    "ReduceSum": _reduce(ops.Reduction.SUM),
    "Relu": _unary(ops.Function.RELU),
    "Reshape": _on_stored(_reshaped(_new_shape)),
    "Resize": _on_stored(_resize),
    "Sigmoid": _unary(ops.Function.LOGISTIC),
    "Slice": _on_stored(_slice),
    "Softmax": _softmax,
    "SpaceToDepth": _on_stored(_space_to_depth),
    "Split": _on_stored(_split),
    "Squeeze": _on_stored(_reshaped(_squeezed)),
    "Sub": _binary(ops.Arithmetic.SUB),
    "Sum": _binary(ops.Arithmetic.ADD),
    "Swish": _unary(ops.Function.SILU),
    "Tanh": _unary(ops.Function.TANH),
    "Transpose": _on_stored(_transpose),
    "Unsqueeze": _on_stored(_reshaped(_unsqueezed)),
    "Upsample": _on_stored(_resize),
}
"""Layers that each operator becomes."""
