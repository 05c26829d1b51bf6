"""Whether the NumPy twin gives what TensorFlow Lite's reference kernels give."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mcusim.network import Network
from mcusim.network.reference import initial_state, run


def models() -> list[Path]:
    """Public networks beside the repository, or where MCUSIM_MODELS says; none where there are none."""
    folder = os.environ.get("MCUSIM_MODELS")
    places = [Path(folder)] if folder else [parent / "shared/models" for parent in Path(__file__).resolve().parents]
    return next((found for place in places if (found := sorted(place.glob("**/*.tflite")))), [])


def reference(content: bytes) -> Interpreter:
    """An interpreter with the reference kernels, ready to run."""
    with quiet():
        interpreter = Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
        )
        interpreter.allocate_tensors()
    return interpreter


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What the interpreter's C++ side prints goes nowhere."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def random_inputs(network: Network, generator: np.random.Generator, spread: float = 3.0) -> dict[str, np.ndarray]:
    """Any stored value for integers; floats about 0."""
    values = {}
    for name in network.inputs:
        tensor = network.tensors[name]
        kind = np.dtype(tensor.type.value)
        if kind == np.float32:
            values[name] = (generator.standard_normal(tensor.shape) * spread).astype(np.float32)
        else:
            values[name] = generator.integers(np.iinfo(kind).min, np.iinfo(kind).max, tensor.shape, kind, endpoint=True)
    return values


def assert_agrees(
    network: Network, content: bytes, times: int, ulps: int = 1, absolute: float = 0.0, seed: int = 1
) -> None:
    """Integers equal, floats within ``ulps`` or ``absolute``, on ``times`` random inputs one after another (state is kept)."""
    generator, interpreter, state = np.random.default_rng(seed), reference(content), initial_state(network)
    for number in range(times):
        inputs = random_inputs(network, generator)
        for detail, name in zip(interpreter.get_input_details(), network.inputs, strict=True):
            interpreter.set_tensor(detail["index"], inputs[name])
        interpreter.invoke()
        outputs = run(network, inputs, state=state)
        for detail, name in zip(interpreter.get_output_details(), network.outputs, strict=True):
            assert_equal(outputs[name], interpreter.get_tensor(detail["index"]), f"{name}, inference {number}", ulps, absolute)


def assert_equal(met: np.ndarray, expected: np.ndarray, what: str, ulps: int = 1, absolute: float = 0.0) -> None:
    """Integers equal, floats within ``ulps`` units in the last place or within ``absolute``."""
    assert met.shape == expected.shape, what
    assert met.dtype == expected.dtype, what
    if met.dtype == np.float32:
        apart = np.where(np.abs(met - expected) <= absolute, 0, np.abs(_ordered(met) - _ordered(expected)))
        assert apart.max(initial=0) <= ulps, f"{what}: {apart.max()} ulp apart"
    else:
        differing = np.argwhere(met != expected)
        assert not len(differing), f"{what}: {len(differing)} differ, first {differing[:3].tolist()}"


def _ordered(x: np.ndarray) -> np.ndarray:
    """Floats as integers in the same order, neighbours 1 apart."""
    bits = x.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
