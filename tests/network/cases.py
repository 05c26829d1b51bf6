"""Networks of one operator each, of every type that TensorFlow Lite's reference kernels have: name -> file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tflite

from tests.support.tflite_files import File, N, T, constant

SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
NONE, RELU, RELU_N1, RELU6 = (
    tflite.ActivationFunctionType.NONE,
    tflite.ActivationFunctionType.RELU,
    tflite.ActivationFunctionType.RELU_N1_TO_1,
    tflite.ActivationFunctionType.RELU6,
)
Case = tuple[str, File]


def rng(name: str) -> np.random.Generator:
    return np.random.default_rng(sum(map(ord, name)))


def data(type: str, shape: tuple[int, ...], seed: int, quantized: bool = True) -> T:
    """An activation: of the type's usual quantisation, which varies with the seed."""
    scale = 0.013 + 0.017 * (seed % 7)
    if type == "float32" or not quantized:
        return T(shape, type)
    zeros = {"int8": (seed * 37) % 256 - 128, "uint8": (seed * 37) % 256, "int16": 0}
    return T(shape, type, scale / 200 if type == "int16" else scale, zeros.get(type, 0))


def weights(name: str, type: str, shape: tuple[int, ...], channels: int = 0, axis: int = 0) -> T:
    """A filter; with ``channels`` quantised per channel."""
    generator = rng(name)
    if type == "float32":
        return constant(generator.standard_normal(shape) * 0.3, "float32")
    values = generator.integers(-127, 128, shape) if type != "uint8" else generator.integers(0, 256, shape)
    scale = generator.uniform(0.001, 0.01, channels).tolist() if channels else 0.004
    return constant(values, type, scale=scale, axis=axis, zero=77 if type == "uint8" else 0)


def bias(name: str, type: str, x: T, w: T, count: int = 0) -> T:
    count = count or w.shape[0]
    generator = rng(name + "bias")
    if x.type == "float32":
        return constant(generator.standard_normal(count), "float32")
    scales = np.asarray(w.scale) * x.scale
    return constant(generator.integers(-3000, 3000, count), type, scale=scales.tolist() if scales.ndim else float(scales))


def one(node: N, **tensors: T) -> File:
    """A file of one node; its input tensors that are not constant are the network's inputs."""
    inputs = [n for n in node.inputs if n and tensors[n].data is None and not tensors[n].variable]
    return File(tensors, [node], list(dict.fromkeys(inputs)), list(node.outputs))


TYPES = {
    "int8": ("int8", "int32"),
    "int16": ("int8", "int64"),
    "int16_bias32": ("int8", "int32"),
    "uint8": ("uint8", "int32"),
    "float32": ("float32", "float32"),
}


def sums() -> Iterator[Case]:
    """Convolutions and fully connected layers."""
    shapes = [
        ("same", (1, 7, 6, 4), (5, 3, 3, 4), SAME, (1, 1), (1, 1), RELU),
        ("strided", (2, 8, 9, 3), (4, 3, 2, 3), SAME, (2, 3), (1, 1), RELU6),
        ("valid", (1, 6, 6, 2), (3, 2, 3, 2), VALID, (1, 2), (1, 1), NONE),
        ("dilated", (1, 9, 9, 2), (3, 3, 3, 2), SAME, (1, 1), (2, 2), RELU_N1),
        ("point", (1, 4, 4, 8), (6, 1, 1, 8), VALID, (1, 1), (1, 1), NONE),
    ]
    for kind, (weight, accumulator) in TYPES.items():
        for shape in shapes:
            yield conv(kind, weight, accumulator, *shape)
            yield depthwise(kind, weight, accumulator, *shape)
        if kind not in ("uint8",):
            yield conv(kind, weight, accumulator, "grouped", (1, 5, 5, 6), (4, 3, 3, 3), SAME, (1, 1), (1, 1), NONE)
        yield from transposed(kind, weight, accumulator)
        yield from connected(kind, weight, accumulator)


def typed(kind: str) -> str:
    return kind.split("_")[0]


def extent(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    return -(-size // stride) if padding == SAME else -(-(size - (kernel - 1) * dilation) // stride)


def extra(kind: str) -> dict[str, int]:
    """The field by which a 16 bit layer asks for accumulators of 32 bits."""
    return {"QuantizedBiasType": tflite.TensorType.INT32} if kind == "int16_bias32" else {}


def conv(kind, weight, accumulator, name, shape, kernel, padding, stride, dilation, activation) -> Case:  # type: ignore[no-untyped-def]
    name = f"conv_2d {kind} {name}"
    x = data(typed(kind), shape, len(name))
    w = weights(name, weight, kernel, 0 if kind == "uint8" else kernel[0])
    size = [extent(shape[i + 1], kernel[i + 1], stride[i], dilation[i], padding) for i in (0, 1)]
    y = data(typed(kind), (shape[0], *size, kernel[0]), len(name) + 3)
    options = {
        "Padding": padding,
        "StrideH": stride[0],
        "StrideW": stride[1],
        "DilationHFactor": dilation[0],
        "DilationWFactor": dilation[1],
        "FusedActivationFunction": activation,
    }
    node = N("CONV_2D", ["x", "w", "b"], ["y"], ("Conv2DOptions", options | extra(kind)))
    return name, one(node, x=x, w=w, b=bias(name, accumulator, x, w), y=y)


def depthwise(kind, weight, accumulator, name, shape, kernel, padding, stride, dilation, activation) -> Case:  # type: ignore[no-untyped-def]
    name = f"depthwise_conv_2d {kind} {name}"
    multiplier = 2 if "strided" in name else 1
    stride = (stride[0], stride[0])
    x = data(typed(kind), shape, len(name))
    channels = shape[3] * multiplier
    w = weights(name, weight, (1, kernel[1], kernel[2], channels), 0 if kind == "uint8" else channels, 3)
    size = [extent(shape[i + 1], kernel[i + 1], stride[i], dilation[i], padding) for i in (0, 1)]
    y = data(typed(kind), (shape[0], *size, channels), len(name) + 3)
    options = {
        "Padding": padding,
        "StrideH": stride[0],
        "StrideW": stride[1],
        "DepthMultiplier": multiplier,
        "DilationHFactor": dilation[0],
        "DilationWFactor": dilation[1],
        "FusedActivationFunction": activation,
    }
    b = bias(name, "int64" if kind.startswith("int16") else accumulator, x, w, channels)
    return name, one(N("DEPTHWISE_CONV_2D", ["x", "w", "b"], ["y"], ("DepthwiseConv2DOptions", options)), x=x, w=w, b=b, y=y)


def transposed(kind: str, weight: str, accumulator: str) -> Iterator[Case]:
    for label, padding, stride, size, kernel in (
        ("same", SAME, (2, 2), (8, 6), (3, 3)),
        ("valid", VALID, (2, 3), (9, 8), (3, 2)),
        ("cropped", SAME, (2, 2), (7, 5), (4, 5)),
    ):
        name = f"transpose_conv {kind} {label}"
        rows, columns = (extent(size[i], kernel[i], stride[i], 1, padding) for i in (0, 1))
        x = data(typed(kind), (1, rows, columns, 3), len(name))
        w = weights(name, weight, (4, *kernel, 3), 0 if kind == "uint8" else 4)
        y = data(typed(kind), (1, *size, 4), len(name) + 3)
        options = {"Padding": padding, "StrideH": stride[0], "StrideW": stride[1], **extra(kind)}
        if label == "cropped":
            node = N("TRANSPOSE_CONV", ["s", "w", "x"], ["y"], ("TransposeConvOptions", options))
            yield name, one(node, s=constant([1, *size, 4]), w=w, x=x, y=y)
        else:
            node = N("TRANSPOSE_CONV", ["s", "w", "x", "b"], ["y"], ("TransposeConvOptions", options))
            yield name, one(node, s=constant([1, *size, 4]), w=w, x=x, b=bias(name, accumulator, x, w), y=y)


def connected(kind: str, weight: str, accumulator: str) -> Iterator[Case]:
    for label, shape, keep, per_channel in (
        ("plain", (3, 20), False, False),
        ("per channel", (1, 20), False, True),
        ("flattened", (2, 2, 5, 2), False, False),
        ("kept", (2, 3, 20), True, False),
    ):
        if kind == "uint8" and per_channel:
            continue
        name = f"fully_connected {kind} {label}"
        x = data(typed(kind), shape, len(name))
        w = weights(name, weight, (7, 20), 7 if per_channel else 0)
        y = data(typed(kind), (*shape[:-1], 7) if keep else (int(np.prod(shape)) // 20, 7), len(name) + 3)
        options = {"FusedActivationFunction": RELU if keep else NONE, "KeepNumDims": keep, **extra(kind)}
        node = N("FULLY_CONNECTED", ["x", "w", "b"], ["y"], ("FullyConnectedOptions", options))
        yield name, one(node, x=x, w=w, b=bias(name, accumulator, x, w), y=y)
    name = f"fully_connected {kind} without bias"
    x, w = data(typed(kind), (2, 20), len(name)), weights(name, weight, (7, 20))
    node = N("FULLY_CONNECTED", ["x", "w", ""], ["y"], ("FullyConnectedOptions", extra(kind)))
    yield name, one(node, x=x, w=w, y=data(typed(kind), (2, 7), len(name) + 3))


def products() -> Iterator[Case]:
    """Batch matrix products."""
    for kind in ("int8", "int16", "float32"):
        for label, left, right, flip in (
            ("plain", (2, 4, 5), (2, 5, 3), (False, False)),
            ("broadcast", (2, 3, 4, 5), (5, 3), (False, False)),
            ("transposed", (3, 5, 4), (1, 3, 5), (True, True)),
        ):
            name = f"batch_matmul {kind} {label}"
            shape = {"plain": (2, 4, 3), "broadcast": (2, 3, 4, 3), "transposed": (3, 4, 3)}[label]
            tensors = {"x": data(kind, left, 3), "z": data(kind, right, 5), "y": data(kind, shape, 6)}
            options = {"AdjX": flip[0], "AdjY": flip[1]}
            yield name, one(N("BATCH_MATMUL", ["x", "z"], ["y"], ("BatchMatMulOptions", options)), **tensors)


def arithmetic() -> Iterator[Case]:
    """Two tensors joined."""
    for operator, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
        for kind in ("int8", "uint8", "int16", "float32", "int32"):
            for label, right, activation in (
                ("alike", (2, 3, 4), RELU),
                ("stretched", (3, 1), NONE),
                ("scalar", (), RELU6),
            ):
                name = f"{operator.lower()} {kind} {label}"
                fields = {"FusedActivationFunction": activation}
                fields |= {"PotScaleInt16": False} if operator != "MUL" else {}
                quantized = kind != "int32"
                tensors = {
                    "x": data(kind, (2, 3, 4), 2, quantized),
                    "z": data(kind, right, 4, quantized),
                    "y": data(kind, (2, 3, 4), 6, quantized),
                }
                yield name, one(N(operator, ["x", "z"], ["y"], (options, fields)), **tensors)
    for operator in ("MINIMUM", "MAXIMUM"):
        for kind in ("int8", "uint8", "int16", "float32", "int32"):
            same = data(kind, (2, 3, 4), 5, kind != "int32")
            other = data(kind, (4,), 5, kind != "int32")
            node = N(operator, ["x", "z"], ["y"], ("MaximumMinimumOptions", {}))
            yield f"{operator.lower()} {kind}", one(node, x=same, z=other, y=same)


UNIT = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0), "float32": (None, 0)}
SIGNED = {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0), "float32": (None, 0)}


def functions() -> Iterator[Case]:
    """Functions of one tensor."""
    shape = (2, 5, 31)
    for kind in ("int8", "uint8", "int16", "float32"):
        for operator in ("RELU", "RELU6", "RELU_N1_TO_1")[: 2 if kind == "int16" else 3]:
            yield f"{operator.lower()} {kind}", one(N(operator, ["x"], ["y"]), x=data(kind, shape, 4), y=data(kind, shape, 2))
        for alpha in (0.3, 0.01, -0.4):
            node = N("LEAKY_RELU", ["x"], ["y"], ("LeakyReluOptions", {"Alpha": alpha}))
            yield f"leaky_relu {kind} {alpha}", one(node, x=data(kind, shape, 4), y=data(kind, shape, 2))
        for operator, ends in (("LOGISTIC", UNIT), ("TANH", SIGNED), ("SOFTMAX", UNIT)):
            options = ("SoftmaxOptions", {"Beta": 1.0}) if operator == "SOFTMAX" else None
            for label, scale in (("coarse", 0.1), ("fine", 0.003)):
                x = data(kind, shape, 3)
                x = x if x.scale is None else T(shape, kind, scale / (100 if kind == "int16" else 1), x.zero)
                y = T(shape, kind, *ends[kind])
                yield f"{operator.lower()} {kind} {label}", one(N(operator, ["x"], ["y"], options), x=x, y=y)
        if kind != "int16":
            for seed in (0, 2, 5):
                x, y = data(kind, shape, seed), data(kind, shape, seed + 1)
                yield f"hard_swish {kind} {seed}", one(N("HARD_SWISH", ["x"], ["y"]), x=x, y=y)
    for scale in (1 / 4096, 1 / 2048):
        for operator in ("LOGISTIC", "TANH"):
            x, y = T(shape, "int16", scale), T(shape, "int16", 1 / 32768)
            yield f"{operator.lower()} int16 power of two {scale}", one(N(operator, ["x"], ["y"]), x=x, y=y)
    x, y = T((3, 4, 9), "int8", 0.5, 3), T((3, 4, 9), "int8", 1 / 256, -128)
    yield "softmax int8 beta", one(N("SOFTMAX", ["x"], ["y"], ("SoftmaxOptions", {"Beta": 0.7})), x=x, y=y)


def scales() -> Iterator[Case]:
    """Quantize and dequantize."""
    shape = (2, 3, 17)
    for target in ("int8", "uint8", "int16"):
        node = N("QUANTIZE", ["x"], ["y"])
        yield f"quantize float32 to {target}", one(node, x=T(shape, "float32"), y=data(target, shape, 3))
        for source in ("int8", "uint8", "int16"):
            if (source, target) not in (("uint8", "int16"), ("int16", "uint8")):
                yield f"quantize {source} to {target}", one(node, x=data(source, shape, 4), y=data(target, shape, 2))
        yield f"dequantize {target}", one(N("DEQUANTIZE", ["x"], ["y"]), x=data(target, shape, 3), y=T(shape, "float32"))
    yield "quantize by 128", one(N("QUANTIZE", ["x"], ["y"]), x=T(shape, "uint8", 0.5, 128), y=T(shape, "int8", 0.5, 0))
    channels = T((2, 3), "int8", [0.1, 0.2, 0.4], [1, -5, 7], axis=1)
    yield "quantize per channel", one(N("QUANTIZE", ["x"], ["y"]), x=T((2, 3), "float32"), y=channels)


def reductions() -> Iterator[Case]:
    """Pooling and reduction along axes."""
    for kind in ("int8", "uint8", "int16", "float32"):
        for operator in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            for label, shape, window, stride, padding, activation in (
                ("valid", (2, 6, 8, 3), (2, 3), (2, 2), VALID, NONE),
                ("same", (1, 7, 7, 2), (3, 3), (2, 2), SAME, RELU),
                ("whole", (1, 5, 4, 6), (5, 4), (1, 1), VALID, RELU6),
            ):
                size = [extent(shape[i + 1], window[i], stride[i], 1, padding) for i in (0, 1)]
                x, y = data(kind, shape, 4), data(kind, (shape[0], *size, shape[3]), 4)
                options = {
                    "Padding": padding,
                    "FilterHeight": window[0],
                    "FilterWidth": window[1],
                    "StrideH": stride[0],
                    "StrideW": stride[1],
                    "FusedActivationFunction": activation,
                }
                yield f"{operator.lower()} {kind} {label}", one(N(operator, ["x"], ["y"], ("Pool2DOptions", options)), x=x, y=y)
        for operator in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
            for axes, keep in (([1, 2], True), ([1, 2], False), ([-1], False), ([0, 3], True), ([2, 1, 2], False)):
                shape = (2, 5, 4, 3)
                kept = {axis % 4 for axis in axes}
                size = [1 if i in kept else n for i, n in enumerate(shape) if keep or i not in kept]
                if operator == "SUM" and kind in ("int8", "int16"):
                    continue  # the reference kernel reads these as bytes without sign (test_sums_of_signed_bytes…)
                alike = operator.startswith("REDUCE")
                x, y = data(kind, shape, 4), data(kind, tuple(size), 4 if alike else 6)
                node = N(operator, ["x", "a"], ["y"], ("ReducerOptions", {"KeepDims": keep}))
                yield f"{operator.lower()} {kind} {axes} {keep}", one(node, x=x, a=constant(axes), y=y)


def moves() -> Iterator[Case]:
    """What moves elements about."""
    for kind in ("int8", "uint8", "int16", "float32"):
        for name, file in _moves(kind):
            yield f"{name} {kind}", file


def _moves(kind: str) -> Iterator[Case]:
    def t(*shape: int) -> T:
        return data(kind, shape, 5)

    x = t(2, 3, 4)
    node = N("RESHAPE", ["x", "s"], ["y"], ("ReshapeOptions", {"NewShape": [6, 4]}))
    yield "reshape", one(node, x=x, s=constant([6, -1]), y=t(6, 4))
    yield "reshape by options", one(N("RESHAPE", ["x"], ["y"], ("ReshapeOptions", {"NewShape": [4, -1]})), x=x, y=t(4, 6))
    yield "squeeze", one(N("SQUEEZE", ["x"], ["y"], ("SqueezeOptions", {"SqueezeDims": [1, -1]})), x=t(2, 1, 3, 1), y=t(2, 3))
    yield "squeeze all", one(N("SQUEEZE", ["x"], ["y"], ("SqueezeOptions", {})), x=t(2, 1, 3, 1), y=t(2, 3))
    node = N("EXPAND_DIMS", ["x", "a"], ["y"], ("ExpandDimsOptions", {}))
    yield "expand_dims", one(node, x=t(2, 3), a=constant(-2), y=t(2, 1, 3))
    paddings = constant([[0, 0], [1, 2], [0, 3]])
    yield "pad", one(N("PAD", ["x", "p"], ["y"], ("PadOptions", {})), x=x, p=paddings, y=t(2, 6, 7))
    value = constant([7], kind, scale=x.scale, zero=x.zero) if x.scale else constant([7], kind)
    yield "padv2", one(N("PADV2", ["x", "p", "v"], ["y"], ("PadV2Options", {})), x=x, p=paddings, v=value, y=t(2, 6, 7))
    join = ("ConcatenationOptions", {"Axis": -2})
    yield "concatenation", one(N("CONCATENATION", ["x", "z", "x"], ["y"], join), x=x, z=t(2, 1, 4), y=t(2, 7, 4))
    parts = N("SPLIT", ["a", "x"], ["y", "z"], ("SplitOptions", {"NumSplits": 2}))
    yield "split", one(parts, a=constant(2), x=x, y=t(2, 3, 2), z=t(2, 3, 2))
    parts = N("SPLIT_V", ["x", "s", "a"], ["y", "z"], ("SplitVOptions", {"NumSplits": 2}))
    yield "split_v", one(parts, x=x, s=constant([1, -1]), a=constant(1), y=t(2, 1, 4), z=t(2, 2, 4))
    begin, size = constant([0, 1, 1]), constant([-1, 2, 2])
    yield "slice", one(N("SLICE", ["x", "b", "s"], ["y"], ("SliceOptions", {})), x=x, b=begin, s=size, y=t(2, 2, 2))
    for label, options, shape in (
        ("strided", {"BeginMask": 1, "EndMask": 4}, (2, 2, 2)),
        ("shrunk", {"ShrinkAxisMask": 2}, (1, 1)),
    ):
        node = N("STRIDED_SLICE", ["x", "b", "e", "s"], ["y"], ("StridedSliceOptions", options))
        ends = {"b": constant([1, -1, 0]), "e": constant([2, 0, 3]), "s": constant([1, 1, 3])}
        ends = ends if label == "shrunk" else ends | {"s": constant([1, -1, 2]), "e": constant([2, 0, 2])}
        yield f"strided_slice {label}", one(node, x=x, y=t(*shape), **ends)
    node = N("TRANSPOSE", ["x", "p"], ["y"], ("TransposeOptions", {}))
    yield "transpose", one(node, x=x, p=constant([2, 0, 1]), y=t(4, 2, 3))
    for corners, centers in ((False, False), (True, False), (False, True)):
        for label, to in (("larger", (7, 10)), ("smaller", (2, 3)), ("odd", (5, 9))):
            options = {"AlignCorners": corners, "HalfPixelCenters": centers}
            node = N("RESIZE_NEAREST_NEIGHBOR", ["x", "s"], ["y"], ("ResizeNearestNeighborOptions", options))
            yield (
                f"resize_nearest_neighbor {label} {corners} {centers}",
                one(node, x=t(1, 4, 6, 2), s=constant(list(to)), y=t(1, *to, 2)),
            )
    yield "pack", one(N("PACK", ["x", "z"], ["y"], ("PackOptions", {"ValuesCount": 2, "Axis": 1})), x=x, z=x, y=t(2, 2, 3, 4))
    node = N("UNPACK", ["x"], ["y", "z"], ("UnpackOptions", {"Num": 2, "Axis": 0}))
    yield "unpack", one(node, x=x, y=t(3, 4), z=t(3, 4))


def recurrent() -> Iterator[Case]:
    """Layers with a state."""
    for rank in (1, 2):
        filters, memory, depth, units = 4 * rank, 5, 6, 4
        for kind in ("int8", "float32"):
            name = f"svdf {kind} of rank {rank}"
            x, y = data(kind, (2, depth), 4), T((2, units), kind, *((0.05, -128) if kind == "int8" else ()))
            feature = weights(name, kind, (filters, depth))
            stored = ("int16", 0.002) if kind == "int8" else (kind, None)
            state = T((2, filters * memory), *stored, variable=True)
            time = rng(name).standard_normal((filters, memory))
            time = constant(time * 9000, "int16", scale=0.0001) if kind == "int8" else constant(time, "float32")
            offset = rng(name).integers(-900, 900, units)
            offset = constant(offset, "int32", scale=0.0001) if kind == "int8" else constant(offset / 900, "float32")
            node = N("SVDF", ["x", "f", "t", "b", "s"], ["y"], ("SVDFOptions", {"Rank": rank, "FusedActivationFunction": RELU}))
            yield name, one(node, x=x, f=feature, t=time, b=offset, s=state, y=y)
    for kind in ("int8", "float32"):
        for label in ("plain", "coupled", "projected", "time major", "clipped"):
            yield lstm(kind, label)


def lstm(kind: str, label: str) -> Case:
    name = f"lstm {kind} {label}"
    steps, depth, cells = 3, 5, 4
    hidden = 3 if label == "projected" else cells
    generator = rng(name)
    first = (steps, 2) if label == "time major" else (2, steps)
    state = {"int8": (0.0078, 3), "float32": ()}[kind]
    tensors = {
        "x": T((*first, depth), kind, *((0.02, 5) if kind == "int8" else ())),
        "y": T((*first, hidden), kind, *state),
        "h": T((2, hidden), kind, *state, variable=True),
        "c": T((2, cells), "int16" if kind == "int8" else kind, 2.0**-11 if kind == "int8" else None, variable=True),
        "hidden": T((1,), kind, *((0.0079, -4) if kind == "int8" else ())),
        "gate": T((1,), "int16" if kind == "int8" else kind, 2.0**-12 if kind == "int8" else None),
    }
    for gate in ("i", "f", "g", "o"):
        tensors[f"w{gate}"] = weights(name + "w" + gate, kind, (cells, depth))
        tensors[f"r{gate}"] = weights(name + "r" + gate, kind, (cells, hidden))
        offset = generator.integers(-900, 900, cells)
        tensors[f"b{gate}"] = constant(offset, "int32", scale=8e-5) if kind == "int8" else constant(offset / 900, "float32")
    tensors["p"] = weights(name + "p", kind, (hidden, cells))
    there = {"i": label != "coupled"}
    gates = [there.get(g, True) for g in "ifgo"]
    inputs = ["x", *(f"{m}{g}" if k else "" for m in "wr" for g, k in zip("ifgo", gates, strict=True)), "", "", ""]
    inputs += [f"b{g}" if k else "" for g, k in zip("ifgo", gates, strict=True)]
    inputs += ["p" if label == "projected" else "", "", "h", "c", "", "", "", ""]
    options = {
        "FusedActivationFunction": tflite.ActivationFunctionType.TANH,
        "TimeMajor": label == "time major",
        "CellClip": 0.3 if label == "clipped" else 0.0,
        "ProjClip": 0.0,
    }
    node = N(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs,
        ["y"],
        ("UnidirectionalSequenceLSTMOptions", options),
        ["gate", "gate", "gate", "gate", "hidden"],
    )
    used = {n: tensors[n] for n in dict.fromkeys([*inputs, "y", "hidden", "gate"]) if n}
    return name, one(node, **used)


CASES = dict(
    case for group in (sums, products, arithmetic, functions, scales, reductions, moves, recurrent) for case in group()
)
