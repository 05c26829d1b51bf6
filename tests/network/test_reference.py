"""The NumPy twin against TensorFlow Lite's reference kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcusim.network import NetworkError, load
from mcusim.network.reference import Rules, initial_state, run, run_layer
from tests.network.agreement import assert_agrees, models, random_inputs, reference
from tests.network.cases import CASES
from tests.support.tflite_files import File, N, T, constant

LESS_EXACT = {"tanh float32": {"ulps": 2}, "lstm float32": {"absolute": 1e-6}}
"""Where 1 ulp is not to be had: the C library's tanhf is itself up to 2 off; the interpreter's LSTM adds in four lanes."""


@pytest.mark.parametrize("path", models() or [None], ids=lambda path: path.name if path else "none")
def test_public_networks_give_what_the_reference_kernels_give(path: Path | None) -> None:
    if path is None:
        pytest.skip("the public networks are not here (MCUSIM_MODELS names their folder)")
    assert_agrees(load(path), path.read_bytes(), times=1 if path.stat().st_size > 400_000 else 2)


@pytest.mark.parametrize("name", CASES)
def test_each_operator_gives_what_its_reference_kernel_gives(name: str, tmp_path: Path) -> None:
    content = CASES[name].bytes()
    path = tmp_path / "one.tflite"
    path.write_bytes(content)
    assert_agrees(load(path), content, times=4, **LESS_EXACT.get(" ".join(name.split()[:2]), {}))


def test_sums_of_signed_bytes_are_those_of_bytes_without_sign(tmp_path: Path) -> None:
    """The reference kernel of SUM reads int8 as uint8, so the same sum is asked of it with all values 128 higher."""
    signed, unsigned = sum_file("int8", 0), sum_file("uint8", 128)
    path = tmp_path / "sum.tflite"
    path.write_bytes(signed.bytes())
    network, interpreter = load(path), reference(unsigned.bytes())
    inputs = random_inputs(network, np.random.default_rng(3))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], (inputs["x"].astype(int) + 128).astype(np.uint8))
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).astype(int) - 128
    assert (run(network, inputs)["y"] == expected).all()


def sum_file(kind: str, shift: int) -> File:
    node = N("SUM", ["x", "a"], ["y"], ("ReducerOptions", {"KeepDims": True}))
    tensors = {"x": T((2, 5, 3), kind, 0.02, 3 + shift), "a": constant([1]), "y": T((2, 1, 3), kind, 0.06, -7 + shift)}
    return File(tensors, [node], ["x"], ["y"])


def test_fully_connected_layers_round_once_or_twice_by_whose_rules_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "fc.tflite"
    path.write_bytes(CASES["fully_connected int8 plain"].bytes())
    network = load(path)
    generator = np.random.default_rng(0)
    apart = set()
    for _ in range(50):
        inputs = random_inputs(network, generator)
        once, twice = (run(network, inputs, rules=rules)["y"].astype(int) for rules in (Rules.LITE, Rules.MICRO))
        apart |= set((once - twice).reshape(-1).tolist())
    assert apart <= {-1, 0, 1}
    assert len(apart) > 1


@pytest.mark.parametrize("name", ["logistic int8 coarse", "tanh int8 coarse", "logistic int8 fine", "tanh int8 fine"])
def test_functions_in_fixed_point_are_within_one_step_of_their_tables(name: str, tmp_path: Path) -> None:
    path = tmp_path / "one.tflite"
    path.write_bytes(CASES[name].bytes())
    network = load(path)
    inputs = random_inputs(network, np.random.default_rng(0))
    table, fixed = (run(network, inputs, rules=rules)["y"].astype(int) for rules in (Rules.LITE, Rules.MICRO))
    assert np.abs(table - fixed).max() <= 1


def test_state_is_kept_from_one_inference_to_the_next_when_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "one.tflite"
    path.write_bytes(CASES["svdf int8 of rank 1"].bytes())
    network = load(path)
    inputs = random_inputs(network, np.random.default_rng(0))
    state = initial_state(network)
    first = run(network, inputs, state=state)["y"]
    second = run(network, inputs, state=state)["y"]
    assert (first != second).any()
    assert (run(network, inputs)["y"] == first).all()
    assert list(state) == ["s"]


def test_one_layer_runs_on_arrays_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "one.tflite"
    path.write_bytes(CASES["conv_2d int8 same"].bytes())
    network = load(path)
    inputs = random_inputs(network, np.random.default_rng(0))
    (layer,) = network.layers
    assert (run_layer(network, layer, inputs)["y"] == run(network, inputs)["y"]).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "input 'x' has no value; given are none"),
        (np.zeros((1, 7, 6, 4), np.uint8), r"input 'x': given \(1, 7, 6, 4\) of uint8, it is \(1, 7, 6, 4\) of int8"),
        (np.zeros((7, 6, 4), np.int8), r"given \(7, 6, 4\) of int8"),
    ],
)
def test_wrong_inputs_are_told(value: np.ndarray | None, text: str, tmp_path: Path) -> None:
    path = tmp_path / "one.tflite"
    path.write_bytes(CASES["conv_2d int8 same"].bytes())
    with pytest.raises(NetworkError, match=text):
        run(load(path), {} if value is None else {"x": value})
