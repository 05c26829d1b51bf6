"""The importer of .onnx files, against onnx's own reference evaluator."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcusim.network import ElementType, Network, NetworkError, load
from mcusim.network import operators as ops
from mcusim.network.element_types import check_element_types
from mcusim.network.reference import run
from mcusim.network.shapes import check_shapes

pytest.importorskip("onnx")

from tests.support.onnx_files import Model

Importer = Callable[[Model], Network]
Case = tuple[str, Model]


@pytest.fixture
def imported(tmp_path: Path) -> Importer:
    """The network of a model that is written for it."""

    def result(model: Model | bytes) -> Network:
        path = tmp_path / "given.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.bytes())
        network = load(path)
        check_shapes(network)
        for layer in network.layers:
            check_element_types(layer, network.inputs_of(layer), network.outputs_of(layer))
        return network

    return result


def rng(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def some(name: str, *shape: int) -> np.ndarray:
    return (rng(name).standard_normal(shape) * 0.5).astype(np.float32)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def one(kind: str, constants: Mapping[str, np.ndarray] | None = None, /, **attributes: Any) -> Model:
    """x and constants to y."""
    constants = constants or {}
    return Model([(kind, ["x", *constants], ["y"], attributes)], constants)


def convolutions() -> Iterator[Case]:
    for label, shape, attributes in (
        ("plain", (5, 4, 3, 3), {}),
        ("padded", (5, 4, 3, 3), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
        ("dilated", (5, 4, 2, 2), {"dilations": [2, 3]}),
        ("same", (5, 4, 2, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("same lower", (5, 4, 2, 3), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ("grouped", (6, 2, 3, 3), {"group": 2}),
        ("depthwise", (4, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
        ("depthwise multiplied", (8, 1, 3, 3), {"group": 4}),
    ):
        yield f"Conv {label}", one("Conv", {"w": some("w", *shape), "b": some("b", shape[0])}, **attributes)
    x = {"x": (1, 4, 9)}
    weights = {"w": some("w", 5, 4, 3)}
    yield "Conv of one dimension", Model([("Conv", ["x", "w"], ["y"], {"strides": [2]})], weights, x)
    for label, attributes in (
        ("plain", {}),
        ("strided", {"strides": [2, 3], "pads": [1, 0, 0, 1]}),
        ("extended", {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
    ):
        yield f"ConvTranspose {label}", one("ConvTranspose", {"w": some("w", 4, 3, 3, 2), "b": some("b", 3)}, **attributes)


def windows() -> Iterator[Case]:
    for kind in ("MaxPool", "AveragePool"):
        yield f"{kind} plain", one(kind, kernel_shape=[2, 3], strides=[2, 2])
        yield f"{kind} padded", one(kind, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        yield f"{kind} rounded up", one(kind, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    yield "AveragePool counted", one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    yield "GlobalAveragePool", one("GlobalAveragePool")
    yield "GlobalMaxPool", one("GlobalMaxPool")
    for kind in ("ReduceMean", "ReduceMax", "ReduceMin"):
        yield f"{kind} of channels", one(kind, {"a": whole(1)}, keepdims=0)
        yield f"{kind} of places", one(kind, {"a": whole(-1, 2)}, keepdims=0)
    yield "ReduceSum", one("ReduceSum", {"a": whole(1, 3)}, keepdims=1)
    yield "Softmax of channels", one("Softmax", axis=1)
    yield "Softmax of columns", one("Softmax", axis=3)


def elements() -> Iterator[Case]:
    for kind in ("Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Identity", "Neg"):
        yield kind, one(kind)
    yield "PRelu", one("PRelu", {"s": some("s", 4, 1, 1)})
    for low, high in ((0, 6), (-1, 1), (-0.25, 0.5)):
        bounds = {"low": np.array(low, np.float32), "high": np.array(high, np.float32)}
        yield f"Clip {low} {high}", one("Clip", bounds)
    for kind in ("Add", "Sub", "Mul", "Max", "Min"):
        yield f"{kind} channels", one(kind, {"c": some("c", 4, 1, 1)})
        yield f"{kind} places", one(kind, {"c": some("c", 7, 6)})
        yield f"{kind} itself", Model([("Relu", ["x"], ["r"], {}), (kind, ["r", "x"], ["y"], {})])
        yield f"{kind} from the left", Model([(kind, ["c", "x"], ["y"], {})], {"c": some("c", 1)})
    yield "Div", one("Div", {"c": some("c", 1, 4, 1, 1) + 2})
    yield "Pow", one("Pow", {"c": np.array(2, np.float32)})
    yield "SiLU", Model([("Sigmoid", ["x"], ["s"], {}), ("Mul", ["x", "s"], ["y"], {})])
    yield "hard swish", Model([("HardSigmoid", ["x"], ["s"], {"alpha": 1 / 6}), ("Mul", ["x", "s"], ["y"], {})])
    nodes = [
        ("Add", ["x", "three"], ["a"], {}),
        ("Clip", ["a", "low", "six"], ["c"], {}),
        ("Mul", ["x", "c"], ["p"], {}),
        ("Div", ["p", "six"], ["y"], {}),
    ]
    numbers = {name: np.array(value, np.float32) for name, value in (("three", 3), ("low", 0), ("six", 6))}
    yield "hard swish in parts", Model(nodes, numbers)
    statistics = {"g": some("g", 4) + 2, "b": some("b", 4), "m": some("m", 4), "v": some("v", 4) ** 2 + 0.5}
    yield "BatchNormalization", one("BatchNormalization", statistics)
    nodes = [
        ("Conv", ["x", "w"], ["c"], {}),
        ("BatchNormalization", ["c", *statistics], ["n"], {}),
        ("Relu", ["n"], ["y"], {}),
    ]
    yield "BatchNormalization folded", Model(nodes, {**statistics, "w": some("w", 4, 4, 3, 3)})


def places() -> Iterator[Case]:
    yield "Pad", one("Pad", {"p": whole(0, 1, 2, 0, 0, 0, 1, 3), "v": np.array(0.5, np.float32)})
    yield "Concat", Model([("Relu", ["x"], ["r"], {}), ("Concat", ["r", "x"], ["y"], {"axis": 1})])
    yield "Reshape", one("Reshape", {"s": whole(1, 2, -1, 6)})
    yield "Flatten", one("Flatten")
    yield "Transpose", one("Transpose", perm=[0, 3, 1, 2])
    yield "Slice", one("Slice", {"b": whole(1, 5), "e": whole(4, -8), "a": whole(1, 2), "s": whole(1, -2)})
    yield "Split", Model([("Split", ["x", "s"], ["a", "y"], {"axis": 1})], {"s": whole(1, 3)}, outputs=("y", "a"))
    yield "Gather", one("Gather", {"i": whole(0, 2)}, axis=1)
    yield "Gather one", one("Gather", {"i": np.array(2)}, axis=2)
    yield "Squeeze", Model(
        [("ReduceMean", ["x", "a"], ["r"], {"keepdims": 1}), ("Squeeze", ["r", "a"], ["y"], {})], {"a": whole(2)}
    )
    yield "Unsqueeze", one("Unsqueeze", {"a": whole(0, 5)})
    for mode in ("asymmetric", "half_pixel"):
        rounding = "floor" if mode == "asymmetric" else "round_prefer_floor"
        constants = {"none": np.zeros(0, np.float32), "s": np.array([1, 1, 2, 3], np.float32)}
        yield f"Resize {mode}", one("Resize", constants, coordinate_transformation_mode=mode, nearest_mode=rounding)
    yield "DepthToSpace", one("DepthToSpace", blocksize=2)
    yield "SpaceToDepth", Model([("SpaceToDepth", ["x"], ["y"], {"blocksize": 2})], inputs={"x": (1, 3, 4, 6)})
    yield "shuffled channels", Model(
        [
            ("Conv", ["x", "w"], ["c"], {}),
            ("Reshape", ["c", "apart"], ["a"], {}),
            ("Transpose", ["a"], ["t"], {"perm": [0, 2, 1, 3, 4]}),
            ("Reshape", ["t", "joined"], ["j"], {}),
            ("Conv", ["j", "w"], ["y"], {}),
        ],
        {"w": some("w", 4, 4, 1, 1), "apart": whole(1, 2, 2, 7, 6), "joined": whole(1, 4, 7, 6)},
    )


def products() -> Iterator[Case]:
    constants = {"w": some("w", 168, 5), "b": some("b", 5)}
    flat = ("Flatten", ["x"], ["f"], {})
    yield "Gemm of an image", Model([flat, ("Gemm", ["f", "w", "b"], ["y"], {})], constants)
    yield "Gemm scaled", Model([flat, ("Gemm", ["f", "w", "b"], ["y"], {"alpha": 0.5, "beta": 2.0})], constants)
    turned = {"w": constants["w"].T.copy(), "b": constants["b"]}
    yield "Gemm transposed", Model([flat, ("Gemm", ["f", "w", "b"], ["y"], {"transB": 1})], turned)
    nodes = [flat, ("Relu", ["f"], ["r"], {}), ("MatMul", ["r", "w"], ["m"], {}), ("Add", ["m", "b"], ["y"], {})]
    yield "MatMul and Add", Model(nodes, constants)
    yield "MatMul of rows", Model([("MatMul", ["x", "w"], ["y"], {})], {"w": some("w", 6, 5)})
    nodes = [("Transpose", ["x"], ["t"], {"perm": [0, 1, 3, 2]}), ("MatMul", ["x", "t"], ["y"], {})]
    yield "MatMul of two values", Model(nodes)


CASES = dict(case for group in (convolutions, windows, elements, places, products) for case in group())


def given(network: Network, name: str, value: np.ndarray) -> np.ndarray:
    """A value in the order in which the network holds it."""
    shape = network.tensors[name].shape
    return value if value.shape == shape else np.moveaxis(value, 1, -1)


def assert_close(network: Network, model: Model, steps: float = 0.0, times: int = 2) -> None:
    """Outputs as onnx has them: floats closely, quantised ones within ``steps``."""
    generator = rng(str(model.nodes))
    for _ in range(times):
        inputs = {name: (generator.standard_normal(shape) * 1.5).astype(np.float32) for name, shape in model.inputs.items()}
        met = run(network, {name: given(network, name, value) for name, value in inputs.items()})
        for name, expected in zip(network.outputs, model.expected(inputs), strict=True):
            value = met[name].astype(np.float64)
            value = value if value.shape == expected.shape else np.moveaxis(value, -1, 1)
            assert value.shape == expected.shape
            np.testing.assert_allclose(value, expected, 1e-5 if not steps else 0, steps or 3e-5)


@pytest.mark.parametrize("name", CASES)
def test_float_operators_compute_what_onnx_computes(name: str, imported: Importer) -> None:
    network = imported(CASES[name])
    assert all(tensor.type is ElementType.FLOAT32 for tensor in network.tensors.values())
    assert_close(network, CASES[name])


@pytest.mark.parametrize("kind", ["SAME_UPPER", "SAME_LOWER", None])
def test_a_transposed_convolution_of_a_given_size_has_the_padding_that_makes_it(kind: str | None, imported: Importer) -> None:
    size = {"output_shape": [14, 12]} if kind is None else {"auto_pad": kind}
    (layer,) = imported(one("ConvTranspose", {"w": some("w", 4, 3, 3, 2)}, strides=[2, 2], **size)).layers
    edge = ops.Padding(1, 0, 0, 0) if kind == "SAME_LOWER" else ops.Padding(0, 1, 0, 0)
    assert layer.operator == ops.TransposeConv2D((2, 2), edge, (14, 12))


def kinds(network: Network) -> list[type]:
    return [type(layer.operator) for layer in network.layers]


LAYERS = {
    "Transpose": [ops.Reshape],
    "shuffled channels": [ops.Conv2D, ops.Reshape, ops.Transpose, ops.Reshape, ops.Conv2D],
    "Gemm of an image": [ops.Reshape, ops.FullyConnected],
    "MatMul and Add": [ops.Unary, ops.Reshape, ops.FullyConnected],
    "BatchNormalization": [ops.DepthwiseConv2D],
    "BatchNormalization folded": [ops.Conv2D],
    "SiLU": [ops.Unary],
    "hard swish": [ops.Unary],
    "hard swish in parts": [ops.Unary],
    "Softmax of channels": [ops.Softmax],
    "Squeeze": [ops.Reduce, ops.Reshape],
}


@pytest.mark.parametrize("name", LAYERS)
def test_elements_move_only_where_they_must(name: str, imported: Importer) -> None:
    assert kinds(imported(CASES[name])) == LAYERS[name]


def test_a_model_that_is_channels_last_at_its_ends_has_no_transposes(imported: Importer) -> None:
    nodes = [
        ("Transpose", ["x"], ["c"], {"perm": [0, 3, 1, 2]}),
        ("Conv", ["c", "w"], ["r"], {}),
        ("Transpose", ["r"], ["y"], {"perm": [0, 2, 3, 1]}),
    ]
    model = Model(nodes, {"w": some("w", 5, 6, 3, 3)})
    network = imported(model)
    assert kinds(network) == [ops.Conv2D]
    assert network.tensors["x"].shape == (1, 4, 7, 6)
    assert_close(network, model)


def test_arithmetic_on_shapes_is_folded(imported: Importer) -> None:
    nodes = [
        ("Shape", ["x"], ["s"], {}),
        ("Gather", ["s", "zero"], ["n"], {}),
        ("Unsqueeze", ["n", "axis"], ["first"], {}),
        ("Concat", ["first", "rest"], ["to"], {"axis": 0}),
        ("Reshape", ["x", "to"], ["y"], {}),
    ]
    model = Model(nodes, {"zero": np.array(0), "axis": whole(0), "rest": whole(-1)}, {"x": (2, 3, 5)})
    network = imported(model)
    assert [layer.operator for layer in network.layers] == [ops.Transpose((0, 2, 1)), ops.Reshape((2, 15))] or kinds(
        network
    ) == [ops.Reshape]
    assert_close(network, model)


# Quantised models


def quantised(model: Model, kind: str = "int8", skip: tuple[str, ...] = ()) -> Model:
    """A float model with QuantizeLinear and DequantizeLinear around every value but ``skip``, and its weights in int8."""
    generator = rng(str(model.nodes))
    inputs = {name: (generator.standard_normal(shape) * 1.5).astype(np.float32) for name, shape in model.inputs.items()}
    written = [name for _, _, outputs, _ in model.nodes for name in outputs]
    values = dict(zip(written, Model(model.nodes, model.constants, model.inputs, written).expected(inputs), strict=True))
    values = {**inputs, **values}
    nodes, constants = [], dict(model.constants)
    least = -128 if kind == "int8" else 0

    def ends(name: str, target: str) -> None:
        low, high = min(values[name].min(), 0.0) * 1.5, max(values[name].max(), 0.0) * 1.5 + 1e-3
        scale = np.float32((high - low) / 255)
        constants[f"{name}/scale"] = np.array(scale, np.float32)
        constants[f"{name}/zero"] = np.array(round(least - low / scale), kind)
        nodes.append(("QuantizeLinear", [name, f"{name}/scale", f"{name}/zero"], [f"{name}/q"], {}))
        nodes.append(("DequantizeLinear", [f"{name}/q", f"{name}/scale", f"{name}/zero"], [target], {}))

    def weights(name: str, axis: int) -> str:
        if f"{name}/w" in constants:
            return f"{name}/d"
        data = np.moveaxis(model.constants[name], axis, 0)
        scale = (np.abs(data).reshape(len(data), -1).max(1) / 127).astype(np.float32)
        across = scale.reshape(-1, *[1] * (data.ndim - 1))
        constants[f"{name}/w"] = np.moveaxis(np.round(data / across).astype(np.int8), 0, axis)
        constants[f"{name}/scale"], constants[f"{name}/zero"] = scale, np.zeros(len(data), np.int8)
        nodes.append(("DequantizeLinear", [f"{name}/w", f"{name}/scale", f"{name}/zero"], [f"{name}/d"], {"axis": axis}))
        return f"{name}/d"

    turned = any(attributes.get("transB") for *_, attributes in model.nodes)
    axes = {"Conv": 0, "ConvTranspose": 1, "Gemm": 0 if turned else 1, "MatMul": 1}
    for name in model.inputs:
        ends(name, f"{name}/d")
    known = {name: f"{name}/d" for name in model.inputs}
    for operator, reads, writes, attributes in model.nodes:
        reads = [
            weights(name, axes[operator]) if i == 1 and operator in axes and name in constants else known.get(name, name)
            for i, name in enumerate(reads)
        ]
        nodes.append((operator, reads, writes, attributes))
        for name in writes:
            if name not in skip:
                last = name in model.outputs
                ends(name, f"{name}/last" if last else f"{name}/d")
                known[name] = f"{name}/d"
    return Model(nodes, constants, model.inputs, [f"{name}/last" for name in model.outputs], opset=model.opset)


def after_relu(name: str) -> Model:
    """A case with a rectifier behind it that is not quantised apart."""
    model = CASES[name]
    renamed = [(k, r, ["before" if w == "y" else w for w in writes], a) for k, r, writes, a in model.nodes]
    return Model([*renamed, ("Relu", ["before"], ["y"], {})], model.constants, model.inputs)


SEVERAL = ("PRelu", "HardSigmoid", "BatchNormalization", "hard swish")
"""What becomes several layers between which nothing says a scale, so that they stay float."""
INTEGERS = [name for name in CASES if not name.startswith(SEVERAL)]


def step(model: Model, output: str = "y") -> float:
    return float(model.constants[f"{output}/scale"])


def allowed(name: str, model: Model) -> float:
    """One step of the output; of chains more, and of averages over windows half a step of the input: they are rounded to it."""
    if name in ("shuffled channels", "SiLU"):
        return 3 * step(model)
    return step(model) + (step(model, "x") / 2 if name.startswith("AveragePool") else 0)


@pytest.mark.parametrize("kind", ["int8", "uint8"])
@pytest.mark.parametrize("name", INTEGERS)
def test_quantised_operators_are_within_a_step_of_onnx(name: str, kind: str, imported: Importer) -> None:
    model = quantised(CASES[name], kind, ("f", "m") if len(CASES[name].nodes) < 5 else ())
    network = imported(model)
    inside = [layer for layer in network.layers if not isinstance(layer.operator, ops.Quantize | ops.Dequantize)]
    assert all(network.tensors[name].type is ElementType.INT8 for layer in inside for name in layer.outputs)
    assert_close(network, model, steps=allowed(name, model) * 1.001)


@pytest.mark.parametrize("name", ["Conv padded", "Gemm of an image", "Add channels", "ConvTranspose strided"])
def test_a_rectifier_between_layer_and_scale_is_fused(name: str, imported: Importer) -> None:
    model = quantised(after_relu(name), skip=("before", "f"))
    network = imported(model)
    assert ops.Unary not in kinds(network)
    assert any(getattr(layer.operator, "activation", None) is ops.Activation.RELU for layer in network.layers)
    assert_close(network, model, steps=1.001 * step(model))


def test_weights_are_those_of_the_file(imported: Importer) -> None:
    model = quantised(CASES["Conv padded"])
    network = imported(model)
    (conv,) = [layer for layer in network.layers if isinstance(layer.operator, ops.Conv2D)]
    weights, bias = network.tensors[conv.inputs[1]], network.tensors[conv.inputs[2]]
    np.testing.assert_array_equal(weights.data, model.constants["w/w"].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(np.float32(weights.quantization.scales), model.constants["w/scale"])
    assert weights.quantization.axis == 0
    assert bias.type is ElementType.INT32
    np.testing.assert_allclose(bias.quantization.scales, model.constants["w/scale"] * float(model.constants["x/scale"]), 1e-6)


def q_conv(kind: str) -> Model:
    generator = np.random.default_rng(5)
    constants = {
        "xs": np.float32(0.02),
        "xz": np.array(3 if kind == "int8" else 131, kind),
        "w": generator.integers(-127, 128, (5, 4, 3, 3), np.int8),
        "ws": generator.uniform(0.001, 0.01, 5).astype(np.float32),
        "wz": np.zeros(5, np.int8),
        "ys": np.float32(0.05),
        "yz": np.array(-7 if kind == "int8" else 121, kind),
        "b": generator.integers(-900, 900, 5, np.int32),
        "v": generator.integers(-127, 128, (100, 3), np.int8),
        "vs": np.float32(0.004),
        "vz": np.array(0, np.int8),
        "zs": np.float32(0.2),
        "zz": np.array(5 if kind == "int8" else 133, kind),
        "to": whole(1, -1),
    }
    nodes = [
        ("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["c"], {}),
        ("Reshape", ["c", "to"], ["f"], {}),
        ("QLinearMatMul", ["f", "ys", "yz", "v", "vs", "vz", "zs", "zz"], ["y"], {}),
    ]
    constants = {name: np.asarray(data) for name, data in constants.items()}
    return Model(nodes, constants, {"x": (1, 4, 7, 6)}, ("y",), {"x": kind, "y": kind})


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_operators_on_integers_are_within_a_step_of_onnx(kind: str, imported: Importer) -> None:
    model = q_conv(kind)
    network = imported(model)
    assert kinds(network) == [ops.Conv2D, ops.Reshape, ops.FullyConnected]
    assert {network.tensors[n].type for n in ("x", "y")} == {ElementType.INT8}
    low = np.iinfo(kind).min
    x = np.random.default_rng(6).integers(low, low + 256, (1, 4, 7, 6)).astype(kind)
    less = 128 if kind == "uint8" else 0
    met = run(network, {"x": np.moveaxis(x.astype(int) - less, 1, -1).astype(np.int8)})["y"].astype(int)
    (expected,) = model.expected({"x": x})
    assert np.abs(met - (expected.astype(int) - less)).max() <= 1


# What is wrong


def chain(**changes: Any) -> Model:
    return Model(**{"nodes": [("Relu", ["x"], ["y"], {})], **changes})


ERRORS: dict[str, tuple[Model | bytes, str]] = {
    "other files": (b"\x7fELF" + bytes(60), "no ONNX file, or a damaged one"),
    "an empty file": (b"", "no ONNX file, or a damaged one: it has no graph with nodes"),
    "a cut file": (CASES["Conv plain"].bytes()[:300], "no ONNX file, or a damaged one"),
    "an unsupported operator": (
        chain(nodes=[("Relu", ["x"], ["r"], {}), ("Cos", ["r"], ["y"], {})]),
        r"node 1 \(Cos 'Cos1'\), which writes 'y': the operator is not supported; supported are Add, ",
    ),
    "a dynamic shape": (
        chain(inputs={"x": (1, 4, "height", 6)}),
        r"input 'x': its axis 2 \('height'\) is dynamic; export the network with a fixed shape",
    ),
    "a shape that is not known": (
        chain(nodes=[("Reshape", ["x", "s"], ["y"], {})], inputs={"x": (1, 4), "s": (2,)}, types={"s": "int8"}),
        r"node 0 \(Reshape 'Reshape0'\), which writes 'y': its input 1 is of int8",
    ),
    "an input of another type": (chain(types={"x": "int64"}), "input 'x': it is of int64; supported are float32, int8, uint8"),
    "wrong channels": (one("Conv", {"w": some("w", 5, 3, 3, 3)}), "4 channels, 1 groups and a filter of"),
    "weights that are not constant": (
        Model([("Relu", ["x"], ["r"], {}), ("Conv", ["x", "r"], ["y"], {})]),
        r"node 1 \(Conv 'Conv1'\), which writes 'y': its filter \('r'\) is not constant",
    ),
    "an axis that is not there": (one("Softmax", axis=4), "its axis is 4, but the tensor has 4 dimensions"),
    "a mode": (one("Pad", {"p": whole(0, 0, 1, 1, 0, 0, 1, 1)}, mode="reflect"), "its mode is reflect; constant is supported"),
    "a stride without bounds": (
        one("Conv", {"w": some("w", 5, 4, 3, 3)}, strides=[1 << 20, 1]),
        "its stride is 1048576x1; allowed is 1 to 4096 each way",
    ),
    "a reader before its writer": (chain(nodes=[("Relu", ["z"], ["y"], {})]), "it reads 'z' before any node wrote it"),
    "two writers": (
        chain(nodes=[("Relu", ["x"], ["y"], {}), ("Relu", ["x"], ["y"], {})]),
        "it writes 'y', which has its value already",
    ),
    "an attribute of another kind": (
        one("Conv", {"w": some("w", 5, 4, 3, 3)}, strides="two"),
        "its attribute 'strides' is 'two'",
    ),
    "statistics of the batch": (
        one("BatchNormalization", {n: some(n, 4) for n in "gbmv"}, training_mode=1),
        "it normalises by the batch",
    ),
    "two scales of one tensor": (
        Model(
            [
                ("QuantizeLinear", ["x", "s", "z"], ["q"], {}),
                ("DequantizeLinear", ["q", "other", "z"], ["y"], {}),
            ],
            {"s": np.float32(0.5), "other": np.float32(0.25), "z": np.int8(0)},
        ),
        "'q' is stored with the scale 0.5 and read with 0.25",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_wrong_is_one_sentence(name: str, imported: Importer) -> None:
    model, text = ERRORS[name]
    with pytest.raises(NetworkError, match=text) as met:
        imported(model)  # type: ignore[arg-type]
    assert "given.onnx" in str(met.value)
    assert "\n" not in str(met.value)


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in [name for name in sys.modules if name.startswith("mcusim.network.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(NetworkError, match=r"needs the package onnx: pip install 'mcusim\[onnx\]'"):
        load(tmp_path / "given.onnx")


def test_an_open_batch_is_one(imported: Importer) -> None:
    assert imported(chain(inputs={"x": ("batch", 3)})).tensors["y"].shape == (1, 3)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_files_are_refused_or_read(seed: int, tmp_path: Path) -> None:
    """Bytes changed at random: a network or one NetworkError, nothing else."""
    generator = np.random.default_rng(seed)
    whole_files = [q_conv("int8").bytes(), quantised(CASES["Gemm of an image"]).bytes(), CASES["Resize half_pixel"].bytes()]
    path = tmp_path / "given.onnx"
    for _ in range(60):
        data = bytearray(whole_files[generator.integers(len(whole_files))])
        for place in generator.integers(0, len(data), generator.integers(1, 8)):
            data[place] = generator.integers(256)
        path.write_bytes(data)
        try:
            check_shapes(load(path))
        except NetworkError as error:
            assert "\n" not in str(error)
