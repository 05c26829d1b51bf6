"""The importer of .tflite files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tflite

from mcusim.network import Network, NetworkError, load
from mcusim.network import operators as ops
from mcusim.network.macs import network_macs
from mcusim.network.reference import run
from mcusim.network.shapes import check_shapes
from tests.network.agreement import assert_agrees, models
from tests.network.cases import CASES
from tests.support.tflite_files import File, N, T, constant

MACS = {
    "ad01_int8": 264192,
    "kws_ref_model": 2656768,
    "pretrainedResnet_quant": 12501632,
    "str_ww_ref_model": 826368,
    "vww_96_int8": 7489664,
    "fdmobilenet_0.25_224_int8": 11783232,
    "gmp_wl_24_int8": 66304,
    "mobilenet_v2_0.35_128_int8": 18947072,
    "squeezenet_v1.1_128_int8": 80217280,
    "stmnist_v1_int8": 1076384,
    "yamnet_256_64x96_int8": 23902720,
}

Importer = Callable[[File], Network]


@pytest.fixture
def imported(tmp_path: Path) -> Importer:
    """The network of a file that is written for it."""

    def result(file: File | bytes) -> Network:
        path = tmp_path / "given.tflite"
        path.write_bytes(file if isinstance(file, bytes) else file.bytes())
        return load(path)

    return result


@pytest.mark.parametrize("path", models() or [None], ids=lambda path: path.name if path else "none")
def test_public_networks_are_imported_whole(path: Path | None) -> None:
    if path is None:
        pytest.skip("the public networks are not here (MCUSIM_MODELS names their folder)")
    network = load(path)
    check_shapes(network)
    assert network.name == path.stem
    assert network_macs(network) == MACS.get(path.stem, network_macs(network))
    read = {name for layer in network.layers for name in layer.inputs}
    assert all(layer.outputs[0] in read or layer.outputs[0] in network.outputs for layer in network.layers)


def test_same_padding_becomes_explicit_with_the_odd_row_below(imported: Importer) -> None:
    (layer,) = imported(CASES["conv_2d int8 strided"]).layers
    assert layer.name == "conv_2d_0"
    operator = layer.operator
    assert isinstance(operator, ops.Conv2D)
    assert operator.padding == ops.Padding(0, 1, 0, 0)
    assert operator.stride == (2, 3)
    assert operator.activation is ops.Activation.RELU6


def test_quantisation_is_per_tensor_or_per_channel(imported: Importer) -> None:
    network = imported(CASES["depthwise_conv_2d int8 same"])
    assert network.tensors["x"].quantization.axis is None
    assert network.tensors["w"].quantization.axis == 3
    assert len(network.tensors["w"].quantization.scales) == 4
    assert network.tensors["w"].constant
    assert not network.tensors["w"].data.flags.writeable


def test_names_are_made_unique(imported: Importer) -> None:
    node = N("ADD", ["a", "b"], ["y"], ("AddOptions", {}))
    tensors = {name: T((2,), "float32") for name in "aby"}
    network = imported(File(tensors, [node], ["a", "b"], ["y"], names={"a": "same", "b": "same", "y": ""}))
    assert network.inputs == ("same_0", "same_1")
    assert network.outputs == ("tensor_2",)


def test_what_is_left_out_is_an_empty_name(imported: Importer) -> None:
    (layer,) = imported(CASES["fully_connected int8 without bias"]).layers
    assert layer.inputs == ("x", "w", "")


def test_a_cut_that_drops_an_axis_becomes_two_layers(imported: Importer) -> None:
    network = imported(CASES["strided_slice shrunk int8"])
    assert [layer.name for layer in network.layers] == ["strided_slice_0", "strided_slice_0.1"]
    assert network.layers[0].outputs == ("y/slice",)
    assert network.tensors["y/slice"].shape == (1, 1, 1)


def test_arithmetic_on_shapes_is_folded(imported: Importer) -> None:
    """reshape(x, [shape(x)[0] * 2, 6]) as exporters write it."""
    tensors = {
        "x": T((2, 3, 4), "float32"),
        "shape": T((3,), "int32"),
        "batch": T((), "int32"),
        "twice": T((), "int32"),
        "to": T((2,), "int32"),
        "y": T((1, 1), "float32"),
        "zero": constant([0]),
        "one": constant([1]),
        "two": constant(2),
        "six": constant(6),
    }
    nodes = [
        N("SHAPE", ["x"], ["shape"], ("ShapeOptions", {"OutType": tflite.TensorType.INT32})),
        N("STRIDED_SLICE", ["shape", "zero", "one", "one"], ["batch"], ("StridedSliceOptions", {"ShrinkAxisMask": 1})),
        N("MUL", ["batch", "two"], ["twice"], ("MulOptions", {})),
        N("PACK", ["twice", "six"], ["to"], ("PackOptions", {"ValuesCount": 2})),
        N("RESHAPE", ["x", "to"], ["y"], ("ReshapeOptions", {})),
    ]
    file = File(tensors, nodes, ["x"], ["y"])
    network = imported(file)
    assert [layer.operator for layer in network.layers] == [ops.Reshape((4, 6))]
    assert network.tensors["y"].shape == (4, 6)
    assert set(network.tensors) == {"x", "y"}
    assert_agrees(network, file.bytes(), times=1)


def test_an_open_batch_is_the_one_of_the_file(imported: Importer) -> None:
    node = N("RELU", ["x"], ["y"])
    file = File({"x": T((1, 4), "float32", signature=(-1, 4)), "y": T((1, 4), "float32")}, [node], ["x"], ["y"])
    assert imported(file).tensors["y"].shape == (1, 4)


def relu(**more: object) -> File:
    return File({"x": T((2, 4)), "y": T((2, 4))}, [N("RELU", ["x"], ["y"])], ["x"], ["y"], **more)  # type: ignore[arg-type]


def changed(name: str, tensors: Mapping[str, T] | None = None, **fields: object) -> File:
    """A case with other tensors or nodes."""
    file = CASES[name]
    return replace(file, tensors={**file.tensors, **(tensors or {})}, **fields)


def with_options(name: str, **options: object) -> File:
    file = CASES[name]
    (node,) = file.nodes
    kind, fields = node.options
    return replace(file, nodes=[replace(node, options=(kind, {**fields, **options}))])


CONV = CASES["conv_2d int8 same"]
ERRORS: dict[str, tuple[File | bytes, str]] = {
    "other files": (b"\x7fELF" + bytes(60), "no TensorFlow Lite file: the identifier TFL3 is not at byte 4"),
    "an empty file": (b"", "no TensorFlow Lite file"),
    "a cut file": (CONV.bytes()[:400], "damaged: its records lead out of the file's 400 bytes"),
    "several subgraphs": (relu(subgraphs=2), "it has 2 subgraphs; networks of one"),
    "an unsupported operator": (
        replace(relu(), nodes=[N("RELU", ["x"], ["z"]), N("COS", ["z"], ["y"])], tensors={name: T((2,)) for name in "xzy"}),
        r"node 1 \(COS\), which writes 'y': the operator is not supported; supported are ADD, ",
    ),
    "a custom operator": (
        replace(relu(custom="Mine"), nodes=[N("CUSTOM", ["x"], ["y"])]),
        r"node 0 \(custom operator 'Mine'\), which writes 'y': the operator is not supported",
    ),
    "a dynamic shape": (
        changed("relu float32", {"x": T((1, 1, 31), "float32", signature=(-1, -1, 31))}),
        r"input 'x': its shape \?x\?x31 is dynamic; export the network with a fixed shape",
    ),
    "a shape that is not known": (
        changed("reshape float32", {"s": T((2,), "int32")}, inputs=["x", "s"]),
        r"node 0 \(RESHAPE\), which writes 'y': its new shape \('s'\) is not constant; dynamic shapes are not supported",
    ),
    "a wrong number of elements": (
        changed("reshape float32", {"s": constant([5, 5])}),
        r"node 0 \(RESHAPE\).* layer reshape_0 \(Reshape\): 24 elements do not fill 5x5; its inputs are 2x3x4",
    ),
    "shapes that do not go together": (
        changed("conv_2d int8 same", {"x": T((1, 7, 6, 3), "int8", 0.1)}),
        r"\(CONV_2D\).*\(Conv2D\): its input has 3 channels, no multiple of the filter's 4; its inputs are 1x7x6x3, 5x3x3x4",
    ),
    "an unsupported type": (
        changed("relu float32", {"x": T((2, 5, 31), "float16")}),
        "elements of type FLOAT16 are not supported",
    ),
    "a fused activation": (
        with_options("add float32 alike", FusedActivationFunction=tflite.ActivationFunctionType.SIGN_BIT),
        "its fused activation SIGN_BIT is not supported",
    ),
    "dynamic-range quantisation": (
        changed("fully_connected int8 plain", {"x": T((3, 20), "float32"), "y": T((3, 7), "float32")}),
        r"its input is float32 and its weights are int8 \(dynamic-range quantisation\)",
    ),
    "16 bit sums of the old kind": (
        replace(
            with_options("add int16 alike", PotScaleInt16=True),
            tensors={name: T((2, 3, 4), "int16", 2.0**-12) for name in "xzy"},
        ),
        "its flag pot_scale_int16 asks for the old arithmetic",
    ),
    "types that do not go together": (
        changed("relu int8", {"y": T((2, 5, 31), "uint8", 0.1)}),
        r"layer relu_0 \(Unary\): types do not go together: its inputs are int8; its outputs are uint8",
    ),
    "a zero point out of range": (
        changed("relu int8", {"y": T((2, 5, 31), "int8", 0.1, 128)}),
        "tensor 'y': a zero point that int8 does not hold",
    ),
    "a stride without bounds": (
        with_options("conv_2d int8 same", StrideW=1 << 20),
        "its stride is 1x1048576; allowed is 1 to 4096 each way",
    ),
    "a reader before its writer": (
        replace(relu(), nodes=[N("RELU", ["z"], ["y"]), N("RELU", ["x"], ["z"])], tensors={n: T((2,)) for n in "xyz"}),
        "it reads 'z' before any node wrote it",
    ),
    "a tensor with two writers": (
        replace(relu(), nodes=[N("RELU", ["x"], ["y"]), N("RELU", ["x"], ["y"])]),
        "it writes 'y', which has its value already",
    ),
    "an axis that is not there": (
        changed("mean float32 [-1] False", {"a": constant([4])}),
        "its axis is 4, but the tensor has 4 dimensions",
    ),
    "scales that are not positive": (
        changed("relu int8", {"x": T((2, 5, 31), "int8", 0.0)}),
        "a scale that is not a number of ",
    ),
    "scales of another number": (
        changed("relu int8", {"x": T((2, 5, 31), "int8", [0.1, 0.2], axis=1)}),
        r"2 scales for axis 1 of shape \(2, 5, 31\)",
    ),
    "data of another size": (
        changed("relu int8", {"x": T((2, 5, 31), "int8", 0.1, data=np.zeros(7, np.int8))}, inputs=[]),
        "damaged: its buffer holds 7 bytes, its shape 2x5x31 of int8 needs 310",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_wrong_is_one_sentence(name: str, imported: Importer) -> None:
    file, text = ERRORS[name]
    with pytest.raises(NetworkError, match=text) as met:
        imported(file)  # type: ignore[arg-type]
    assert "given.tflite" in str(met.value)
    assert "\n" not in str(met.value)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be read: No such file or directory"):
        load(tmp_path / "absent.tflite")


def test_a_suffix_without_importer_is_told(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"no importer for \.bin; there are importers for .*\.tflite"):
        load(tmp_path / "network.bin")


SEEDED = [
    "conv_2d int8 same",
    "strided_slice shrunk int8",
    "concatenation int8",
    "lstm int8 plain",
    "split_v float32",
    "pack int8",
]


@pytest.mark.parametrize("name", SEEDED)
def test_mutated_files_are_imported_or_refused(name: str, tmp_path: Path) -> None:
    """Bytes changed at random: a Network comes of it, which then runs or is refused, or a NetworkError; nothing else."""
    content, path, refused = CASES[name].bytes(), tmp_path / "mutated.tflite", 0
    for seed in range(150):
        path.write_bytes(mutated(content, np.random.default_rng(seed)))
        try:
            network = load(path)
        except NetworkError:
            refused += 1
            continue
        assert network.layers is not None
    assert refused > 20


def mutated(content: bytes, generator: np.random.Generator) -> bytes:
    """One to eight bytes changed, words set to extremes, or the end cut off; the identifier stays."""
    data = bytearray(content)
    for _ in range(generator.integers(1, 9)):
        place = int(generator.integers(8, len(data) - 4))
        if generator.random() < 0.5:
            data[place] = int(generator.integers(0, 256))
        else:
            data[place : place + 4] = int(generator.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000])).to_bytes(4, "little")
    return bytes(data[: int(generator.integers(100, len(data)))] if generator.random() < 0.2 else data)


def test_a_small_file_cannot_ask_for_much(imported: Importer) -> None:
    """Many tensors that share one long list of scales: refused when more is read than the file could hold."""
    tensors = {f"t{i}": T((2, 4)) for i in range(50)}
    content = bytearray(File(tensors, [N("RELU", ["t0"], ["t1"])], ["t0"], ["t1"]).bytes())
    model = tflite.Model.GetRootAs(content)
    start = model.Subgraphs(0)._tab.Vector(model.Subgraphs(0)._tab.Offset(4)) - 4
    content[start : start + 4] = (1 << 28).to_bytes(4, "little")
    with pytest.raises(NetworkError, match="damaged: it refers to more records than its"):
        imported(bytes(content))  # type: ignore[arg-type]


def test_networks_are_imported_without_loading_an_importer() -> None:
    code = "import sys, mcusim.network; print(any(m in sys.modules for m in ('tflite', 'rich', 'unicorn', 'numba')))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_an_imported_network_runs(imported: Importer) -> None:
    network = imported(CASES["relu float32"])
    x = np.linspace(-1, 1, 310, dtype=np.float32).reshape(2, 5, 31)
    assert (run(network, {"x": x})["y"] == np.maximum(x, 0)).all()
