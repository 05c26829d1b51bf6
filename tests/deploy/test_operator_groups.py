"""Groups of operators on the four ideal boards, bit for bit what their twins give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcusim.deploy.kernels import Kernels
from mcusim.deploy.lower import lower
from mcusim.network import ElementType, NetworkError, Quantization, Tensor
from mcusim.network import operators as ops
from mcusim.network.reference import initial_state, run
from tests.deploy.operators import cases_of, joined, network_of_case
from tests.deploy.target import answers, assert_same, network_of, quantized, samples

CORES = ("m0plus", "m4", "m7", "m33")
GROUPS = {
    "transposed convolutions": ("transpose_conv int8",),
    "matrix products": ("batch_matmul int8",),
}
"""What the names of the cases begin with."""
STATEFUL = ("svdf int8",)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("group", GROUPS)
def test_operators_of_a_group_give_what_their_twins_give(group: str, core: str, tmp_path: Path) -> None:
    network = joined(cases_of(*GROUPS[group], folder=tmp_path))
    inputs = samples(network, 3)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


@pytest.mark.parametrize("core", CORES)
def test_layers_with_a_state_remember_what_their_twins_remember(core: str, tmp_path: Path) -> None:
    network = joined(cases_of(*STATEFUL, folder=tmp_path))
    inputs, state = samples(network, 6), initial_state(network)
    assert_same(answers(network, core, inputs, tmp_path, keep_state=True), [run(network, i, state=state) for i in inputs])


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_matrix_products_turn_both_operands_over_and_take_constants(core: str, tmp_path: Path) -> None:
    values = np.random.default_rng(4).integers(-128, 128, (3, 5, 6), np.int8)
    matrix = Tensor("matrix", values.shape, ElementType.INT8, Quantization((0.02,), (-9,)), values)
    tensors = [quantized("in", (3, 5, 4)), matrix, quantized("first", (3, 4, 6), 0.3), quantized("out", (3, 6, 6), 0.4, -3)]
    network = network_of("products", tensors, (ops.BatchMatMul(True, False), "in matrix", "first"),
                         (ops.BatchMatMul(True, False), "first first", "out"))  # fmt: skip
    inputs = samples(network, 2)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])


def test_an_svdf_layer_without_relu_is_refused(tmp_path: Path) -> None:
    network = network_of_case("svdf int8 of rank 1", tmp_path)
    (layer,) = network.layers
    plain = replace(layer, operator=replace(layer.operator, activation=ops.Activation.NONE))
    with pytest.raises(NetworkError, match=r"layer svdf_0 \(Svdf\): its activation is NONE; allowed: RELU"):
        lower(replace(network, layers=(plain,)), Kernels("m4"), lambda check: 0)
