"""References: what a network's outputs have to be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np

from mcusim.bench.bench_report import Check
from mcusim.bench.question import Question
from mcusim.bench.samples import Sample
from mcusim.errors import UnsupportedError
from mcusim.network import Network
from mcusim.network.reference import Rules, run

LITE = "TensorFlow Lite, BUILTIN_REF"
TWIN = "mcusim.network.reference"


def checked(question: Question, network: Network, samples: Sequence[Sample], outputs: Sequence[Sample]) -> Check:
    """Outputs compared with those of TensorFlow Lite's reference kernels; of our NumPy twin where no ``.tflite`` was given."""
    from_lite = question.model_file is not None and question.model_file.lower().endswith(".tflite")
    wanted = _of_lite(str(question.model_file), network, samples) if from_lite else [run(network, each) for each in samples]
    differences = [difference(one, other) for one, other in zip(outputs, wanted, strict=True)]
    differing = sum(distance > allowed for distance, allowed in differences)
    largest = max((distance for distance, _ in differences), default=0)
    micro = _differing_from_micro(network, samples, outputs) if differing else None
    return Check(LITE if from_lite else TWIN, len(samples), differing, largest, micro)


def _differing_from_micro(network: Network, samples: Sequence[Sample], outputs: Sequence[Sample]) -> int:
    wanted = [run(network, each, rules=Rules.MICRO) for each in samples]
    pairs = [difference(one, other) for one, other in zip(outputs, wanted, strict=True)]
    return sum(distance > allowed for distance, allowed in pairs)


def difference(got: Sample, wanted: Sample) -> tuple[int, int]:
    """Largest difference of one sample's outputs, and how much is allowed: floats may differ by one in the last place."""
    largest, allowed = 0, 0
    for name, value in wanted.items():
        distance = _distance(np.asarray(got[name]), np.asarray(value))
        if distance > largest:
            largest, allowed = distance, int(value.dtype == np.float32)
    return largest, allowed


def _distance(one: np.ndarray, other: np.ndarray) -> int:
    if one.dtype == np.float32:
        one, other = _ordered(one), _ordered(other)
    return int(np.abs(one.astype(np.int64).reshape(-1) - other.astype(np.int64).reshape(-1)).max(initial=0))


def _ordered(values: np.ndarray) -> np.ndarray:
    """Floats as integers in the order of the reals; both zeros are 0."""
    bits = np.ascontiguousarray(values).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _of_lite(path: str, network: Network, samples: Sequence[Sample]) -> list[Sample]:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise UnsupportedError("--check of a .tflite file needs TensorFlow Lite: pip install ai-edge-litert") from None
    with open(path, "rb") as file, _quiet():
        interpreter = Interpreter(
            model_content=file.read(), experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
        )
        interpreter.allocate_tensors()
    ends = interpreter.get_input_details(), interpreter.get_output_details()
    return [_invoke(interpreter, network, sample, *ends) for sample in samples]


def _invoke(interpreter, network: Network, sample: Sample, inputs, outputs) -> Sample:  # type: ignore[no-untyped-def]
    interpreter.reset_all_variables()
    for name, detail in zip(network.inputs, inputs, strict=True):
        interpreter.set_tensor(detail["index"], sample[name].reshape(detail["shape"]))
    interpreter.invoke()
    found = [interpreter.get_tensor(detail["index"]) for detail in outputs]
    return dict(zip(network.outputs, found, strict=True))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What the interpreter's C++ side prints goes nowhere."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
