"""No kernel promises too much: with outputs laid over inputs as closely as promised, firmware gives what the twin gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import mcusim
from mcusim import boards
from mcusim.deploy.arrangement import Arrangement
from mcusim.deploy.buffers import Place, Plan
from mcusim.deploy.build import BuildOptions, build_sources, making_for, written
from mcusim.deploy.firmware import fed
from mcusim.deploy.lifetimes import buffers_of, scratch_name
from mcusim.deploy.lower import scratch_of
from mcusim.deploy.walks import Planes, Promise, Walk, distance_bytes
from mcusim.network import Layer, Network, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import run
from mcusim.network.shapes import output_shapes
from tests.deploy.target import CHECKED, assert_same, constant, outputs_in, quantized, samples

CORES = ("m0plus", "m3", "m4", "m7", "m33")
DSP = ("m4", "m7", "m33")
NO, SAME, AFTER = ops.Padding(), ops.Padding(1, 1, 1, 1), ops.Padding(0, 1, 0, 1)
WIDE = ops.Padding(2, 2, 2, 2)
VANISHING = 1e-10
"""A scale of weights at which outputs of a channel hardly depend on its inputs: kernels calculate it in another way."""


@dataclass(frozen=True)
class Case:
    """A layer: its input, its filter (outputs, height, width) and how it moves. ``outputs`` 0: a depthwise one."""

    shape: tuple[int, int, int]
    outputs: int
    taps: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: ops.Padding = NO
    dilation: tuple[int, int] = (1, 1)
    multiplier: int = 1
    groups: int = 1
    pooling: ops.Pooling | None = None
    scale: float = 0.003
    activation: ops.Activation = ops.Activation.NONE
    pads: tuple[tuple[int, ...], tuple[int, ...]] | None = None


CASES = [
    # convolutions of one tap, as many channels, more, fewer, odd ones, and more than scratch memory holds at once
    Case((7, 5, 8), 8, (1, 1)), Case((6, 7, 8), 16, (1, 1)), Case((6, 7, 16), 8, (1, 1)), Case((5, 5, 7), 9, (1, 1)),
    Case((5, 3, 4), 3, (1, 1)), Case((4, 4, 64), 96, (1, 1)), Case((4, 4, 12), 12, (1, 1), (2, 2)),
    Case((3, 5, 160), 12, (1, 1)), Case((6, 6, 8), 12, (1, 1), scale=VANISHING),
    Case((6, 6, 6), 12, (1, 1), scale=VANISHING),
    # of more taps
    Case((9, 8, 3), 8, (3, 3), (2, 2), AFTER), Case((9, 8, 3), 3, (3, 3), padding=SAME),
    Case((8, 7, 4), 8, (3, 3), padding=SAME), Case((8, 9, 4), 4, (3, 3)), Case((9, 9, 5), 6, (3, 3), padding=SAME),
    Case((8, 8, 4), 4, (5, 5), (1, 2), WIDE), Case((9, 9, 4), 5, (3, 3), padding=WIDE, dilation=(2, 2)),
    Case((20, 6, 1), 6, (10, 4), (2, 2), WIDE), Case((8, 9, 4), 8, (1, 3), (1, 2), ops.Padding(0, 0, 1, 1)),
    Case((6, 6, 16), 16, (3, 3), padding=SAME), Case((8, 8, 4), 8, (3, 3), padding=SAME, activation=ops.Activation.RELU6),
    Case((7, 6, 8), 8, (3, 3), padding=SAME, groups=2), Case((7, 6, 8), 8, (3, 3), padding=SAME, groups=4),
    # depthwise: in tiles, all at once and in parts; with other taps; odd channels; several outputs for an input
    Case((10, 12, 8), 0, (3, 3), padding=SAME), Case((48, 22, 4), 0, (3, 3), padding=SAME),
    Case((40, 31, 8), 0, (3, 3), padding=SAME), Case((13, 9, 12), 0, (3, 3), (2, 2), SAME),
    Case((12, 10, 4), 0, (3, 3), (2, 2), AFTER), Case((9, 14, 8), 0, (3, 3)),
    Case((9, 11, 8), 0, (3, 3), padding=ops.Padding(2, 0, 2, 0)), Case((44, 16, 4), 0, (3, 3), (2, 2), SAME),
    Case((10, 12, 7), 0, (3, 3), padding=SAME), Case((10, 12, 3), 0, (3, 3), padding=SAME),
    Case((9, 9, 8), 0, (5, 5), padding=WIDE), Case((9, 9, 8), 0, (3, 3), padding=WIDE, dilation=(2, 2)),
    Case((4, 4, 24), 0, (3, 3), padding=SAME), Case((10, 10, 4), 0, (3, 3), padding=SAME, multiplier=2),
    Case((12, 1, 8), 0, (3, 1), padding=ops.Padding(1, 1, 0, 0)),
    Case((10, 12, 8), 0, (3, 3), padding=SAME, scale=VANISHING), Case((6, 6, 64), 0, (5, 5), padding=WIDE),
    Case((10, 12, 8), 0, (3, 3), padding=SAME, activation=ops.Activation.RELU), Case((6, 8, 8), 0, (2, 2), (2, 2)),
    Case((45, 33, 4), 0, (3, 3)), Case((38, 21, 4), 0, (3, 3), padding=ops.Padding(1, 1, 2, 0)),
    # pooling
    Case((8, 8, 5), 0, (2, 2), (2, 2), pooling=ops.Pooling.MAX),
    Case((9, 7, 9), 0, (3, 3), (1, 1), SAME, pooling=ops.Pooling.MAX),
    Case((9, 7, 12), 0, (3, 3), (2, 2), pooling=ops.Pooling.MAX),
    Case((8, 8, 8), 0, (2, 2), (2, 2), pooling=ops.Pooling.AVERAGE),
    Case((9, 7, 6), 0, (3, 3), (1, 1), SAME, pooling=ops.Pooling.AVERAGE),
    Case((6, 5, 4), 0, (6, 5), pooling=ops.Pooling.AVERAGE),
    # edges
    Case((8, 7, 5), 0, (1, 1), pads=((0, 0, 0, 0), (0, 1, 1, 0))),
    Case((4, 40, 4), 0, (1, 1), pads=((0, 1, 1, 0), (0, 1, 1, 0))),
    Case((4, 29, 5), 0, (1, 1), pads=((0, 3, 2, 0), (0, 0, 0, 0))),
    Case((3, 50, 3), 0, (1, 1), pads=((0, 1, 1, 2), (0, 1, 0, 1))),
]  # fmt: skip


@cache
def all_cases() -> Network:
    """One layer for each case, side by side: each has an input and an output of its own."""
    random = np.random.default_rng(11)
    tensors: dict[str, Tensor] = {}
    layers = []
    for number, case in enumerate(CASES):
        layer, used = layer_of(number, case, random)
        layers.append(layer)
        tensors |= {tensor.name: tensor for tensor in used}
    count = range(len(CASES))
    return Network("cases", tensors, tuple(layers), tuple(f"in{i}" for i in count), tuple(f"out{i}" for i in count))


def layer_of(number: int, case: Case, random: np.random.Generator) -> tuple[Layer, list[Tensor]]:
    source = quantized(f"in{number}", (1, *case.shape), 0.02, -7)
    moved = case.pooling or case.pads
    target = quantized(f"out{number}", (1,), 0.02 if moved else 0.03, -7 if moved else 5)
    operator, inputs, constants = operator_of(number, case, random)
    layer = Layer(f"layer{number}", operator, (source.name, *inputs), (target.name,))
    (shape,) = output_shapes(layer, [source.shape, *(tensor.shape for tensor in constants)])
    return layer, [source, *constants, replace(target, shape=shape)]


def operator_of(number: int, case: Case, random: np.random.Generator) -> tuple[ops.Operator, tuple[str, ...], list[Tensor]]:
    if case.pooling:
        return ops.Pool2D(case.pooling, case.taps, case.stride, case.padding), (), []
    if case.pads:
        return ops.Pad(*case.pads, -7), (), []
    channels = case.shape[2]
    outputs = case.outputs or channels * case.multiplier
    shape = (outputs, *case.taps, channels // case.groups) if case.outputs else (1, *case.taps, outputs)
    scales = random.uniform(case.scale / 4, case.scale, outputs)
    weights = constant(f"w{number}", random.integers(-127, 128, shape, np.int8), scales, 0 if case.outputs else 3)
    bias = constant(f"b{number}", random.integers(-900, 900, outputs, np.int32), [1.0])
    names = (weights.name, bias.name)
    if case.outputs:
        return ops.Conv2D(case.stride, case.dilation, case.padding, case.activation), names, [weights, bias]
    operator = ops.DepthwiseConv2D(case.stride, case.dilation, case.padding, case.multiplier, case.activation)
    return operator, names, [weights, bias]


def promises_of(core: str, options: BuildOptions = CHECKED) -> dict[str, Promise]:
    making = making_for(boards.load(core), options)
    return dict(making.promises(making.lower(all_cases())))


def overlaid(core: str, promises: dict[str, Promise], closer: int = 0, options: BuildOptions = CHECKED) -> Arrangement:
    """Every output as close to its input as promised, or by so many pixels closer; apart where nothing is promised."""
    network = all_cases()
    steps = making_for(boards.load(core), options).lower(network)
    places, end = {}, 0
    for layer, step in zip(network.layers, steps, strict=True):
        source, target = network.tensors[layer.inputs[0]], network.tensors[layer.outputs[0]]
        distance = target.size_bytes
        match promises.get(layer.name):
            case Planes():
                distance = 0
            case Walk() as walk:
                distance = min(distance, max(distance_bytes(network, layer, walk) - closer * target.shape[3], 0))
        places |= {target.name: Place("ram", end), source.name: Place("ram", end + distance)}
        end += max(target.size_bytes, distance + source.size_bytes)
        end += -end % 16
        if step.scratch_bytes:
            places[scratch_name(layer.name)] = Place("ram", end)
            end += step.scratch_bytes + -step.scratch_bytes % 16
    plan = Plan(places, {"ram": end}, end, False, "as promised")
    return Arrangement(network, steps, buffers_of(network, scratch_of(steps)), plan)


def outputs(
    core: str, arrangement: Arrangement, folder: Path, options: BuildOptions = CHECKED
) -> list[dict[str, np.ndarray]]:
    network, board = all_cases(), boards.load(core)
    firmware = build_sources(written(arrangement, board, options), board, folder / "network.elf", options)
    elf = fed(firmware.elf, folder / "fed.elf")
    inputs = samples(network, 1)
    (folder / "inputs.bin").write_bytes(b"".join(inputs[0][name].tobytes() for name in network.inputs))
    report = mcusim.run(elf, board=core, semihosting_root=folder)
    assert (report.exit.reason, report.exit.code) == ("exit", 0), report.serial
    return outputs_in(network, (folder / "outputs.bin").read_bytes(), 1)


@cache
def wanted() -> list[dict[str, np.ndarray]]:
    return [run(all_cases(), each) for each in samples(all_cases(), 1)]


@pytest.mark.parametrize("core", CORES)
def test_outputs_may_lie_as_close_to_inputs_as_promised(core: str, tmp_path: Path) -> None:
    assert_same(outputs(core, overlaid(core, promises_of(core)), tmp_path), wanted())


@pytest.mark.parametrize("core", ["m0plus", "m4"])
@pytest.mark.parametrize(("form", "promise"), [("rows", Walk(4, buffered=True)), ("fours", Walk())])
def test_sparse_convolutions_keep_their_promise_too(form: str, promise: Walk, core: str, tmp_path: Path) -> None:
    options = replace(CHECKED, sparse=form)
    promises = promises_of(core, options)
    sparse = [f"layer{number}" for number, case in enumerate(CASES) if case.outputs and case.groups == 1]
    assert {promises[name] for name in sparse} == {promise}
    assert_same(outputs(core, overlaid(core, promises, options=options), tmp_path, options), wanted())


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_outputs_that_lie_three_pixels_closer_overwrite_inputs(core: str, tmp_path: Path) -> None:
    promises = promises_of(core)
    got = outputs(core, overlaid(core, promises, closer=3), tmp_path)
    wrong = [name for name, value in wanted()[0].items() if not np.array_equal(got[0][name], value)]
    assert len(wrong) > len(promises) // 3


@pytest.mark.parametrize("core", CORES)
def test_every_kind_of_promise_is_tried(core: str) -> None:
    promises = promises_of(core)
    kinds = {(type(promise), getattr(promise, "buffered", False)) for promise in promises.values()}
    wanted_kinds = {(Walk, False), (Walk, True), (Planes, False)} if core in DSP else {(Walk, False)}
    assert kinds == wanted_kinds
    assert len(promises) < len(CASES)


def test_nothing_is_promised_for_kernels_of_others(tmp_path: Path) -> None:
    (tmp_path / "Include").mkdir()
    (tmp_path / "Include" / "arm_nnfunctions.h").write_text("void arm_nothing(void);\n")
    assert BuildOptions(cmsis_nn=tmp_path).kernels("m4").walks == frozenset()
