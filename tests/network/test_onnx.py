"""The importer of .onnx files, against onnx's own reference evaluator."""

from __future__ import annotations

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
        ("plain", (5, 4, 3, 2), {}),
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
        ("sized", {"strides": [2, 2], "output_shape": [14, 12]}),
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
        yield f"{kind} of channels", one(kind, axes=[1], keepdims=0)
        yield f"{kind} of places", one(kind, axes=[-1, 2], keepdims=0)
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
        [("ReduceMean", ["x"], ["r"], {"axes": [2], "keepdims": 1}), ("Squeeze", ["r", "a"], ["y"], {})], {"a": whole(2)}
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
            np.testing.assert_allclose(value, expected, 1e-5 if not steps else 0, steps or 1e-5)


@pytest.mark.parametrize("name", CASES)
def test_float_operators_compute_what_onnx_computes(name: str, imported: Importer) -> None:
    network = imported(CASES[name])
    assert all(tensor.type is ElementType.FLOAT32 for tensor in network.tensors.values())
    assert_close(network, CASES[name])
