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
from mcusim.network import ElementType, Network
from mcusim.network.operators import Function, Softmax
from mcusim.network.reference import Rules, run

LITE = "TensorFlow Lite, BUILTIN_REF"
TWIN = "mcusim.network.reference"


def checked(question: Question, network: Network, samples: Sequence[Sample], outputs: Sequence[Sample]) -> Check:
    """Outputs compared with those of TensorFlow Lite's reference kernels; of our NumPy twin where no ``.tflite`` was given."""
    from_lite = question.model_file is not None and question.model_file.lower().endswith(".tflite")
    wanted = _of_lite(str(question.model_file), network, samples) if from_lite else [run(network, each) for each in samples]
    close = approximates(network)
    differences = [difference(one, other, close) for one, other in zip(outputs, wanted, strict=True)]
    differing = sum(distance > allowed for distance, allowed in differences)
    largest = max((distance for distance, _ in differences), default=0)
    micro = _differing_from_micro(network, samples, outputs) if differing else None
    return Check(LITE if from_lite else TWIN, len(samples), differing, largest, micro)


def _differing_from_micro(network: Network, samples: Sequence[Sample], outputs: Sequence[Sample]) -> int:
    wanted = [run(network, each, rules=Rules.MICRO) for each in samples]
    pairs = [difference(one, other, approximates(network)) for one, other in zip(outputs, wanted, strict=True)]
    return sum(distance > allowed for distance, allowed in pairs)


EXPONENTIAL = (Function.LOGISTIC, Function.SILU)
"""Functions of float32 that are made of exp, which two libraries seldom round alike; softmax is the other."""
CLOSE = 84
"""Units of the last place that are 1e-5 of a value, about."""


def approximates(network: Network) -> bool:
    """Whether a layer of float32 calls exp."""
    return any(
        layer.outputs and network.tensors[layer.outputs[0]].type is ElementType.FLOAT32
        and (isinstance(layer.operator, Softmax) or getattr(layer.operator, "function", None) in EXPONENTIAL)
        for layer in network.layers
    )  # fmt: skip


def difference(got: Sample, wanted: Sample, close: bool = False) -> tuple[int, int]:
    """Largest difference of one sample's outputs, and how much is allowed: floats may differ by one in the last place.

    ``close``: by 1e-5 of the largest value of the output, in whose units of the last place they are measured then.
    """
    largest, allowed = 0, 0
    for name, value in wanted.items():
        floats = value.dtype == np.float32
        measure = _distance_of_largest if close and floats else _distance
        distance = measure(np.asarray(got[name]), np.asarray(value))
        if distance > largest:
            largest, allowed = distance, (CLOSE if close else 1) * int(floats)
    return largest, allowed


def _distance_of_largest(one: np.ndarray, other: np.ndarray) -> int:
    """In units of the last place of the largest value, rounded up."""
    unit = np.spacing(np.abs(other).max(initial=np.finfo(np.float32).tiny))
    apart = np.abs(one.astype(np.float64).reshape(-1) - other.astype(np.float64).reshape(-1))
    return int(np.ceil(apart.max(initial=0.0) / unit))


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
