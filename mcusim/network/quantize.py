"""quantize: int8 from a float network and data that are typical for it (post-training quantisation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from mcusim.network.layout import as_stored
from mcusim.network.lowering import lowered
from mcusim.network.network import Network, NetworkError
from mcusim.network.reference import run
from mcusim.network.scales import fixed_scale, joins_scales, keeps_scale, scale_of
from mcusim.network.tensor import ElementType, Quantization, Tensor

Sample = np.ndarray | Sequence[np.ndarray] | Mapping[str, np.ndarray]
Range = tuple[float, float]


def quantize(
    network: Network,
    calibration: Iterable[Sample],
    *,
    moving: float | None = None,
    per_channel: bool = True,
    float_ends: bool = False,
) -> Network:
    """``network`` (float32) in int8: weights symmetric and per channel, activations per tensor, biases int32.

    ``calibration``: values of the inputs (an array, a sequence in the order of the inputs, or a dict by name), each of the
    input's shape, without its first axis where that is 1, or with many samples along it; images may have channels first.
    Ranges are from the least to the largest value met; with ``moving`` (0 to 1, such as 0.99) they are moving averages of those
    of each sample, which outliers sway less. ``float_ends``: inputs and outputs stay float. NetworkError for a network that is
    not float, for no data and for data that do not fit or are not finite.
    """
    kinds = {t.type for t in network.tensors.values() if t.data is None and not t.variable}
    if kinds != {ElementType.FLOAT32}:
        met = ", ".join(sorted(kind.value for kind in kinds))
        raise NetworkError(f"{network.name}: to be quantised it must be float32 throughout; its tensors are {met}")
    if moving is not None and not 0 <= moving < 1:
        raise NetworkError(f"{network.name}: moving is {moving}; from 0 up to, but not, 1 is allowed")
    ranges = calibrated(network, calibration, moving)
    ends = {*network.inputs, *network.outputs} if float_ends else ()
    return lowered(network, activation_scales(network, ranges), ends, per_channel)


def calibrated(network: Network, calibration: Iterable[Sample], moving: float | None = None) -> dict[str, Range]:
    """Least and largest value of every tensor that is no constant, over the samples."""
    ranges: dict[str, Range] = {}
    for number, inputs in enumerate(_samples(network, calibration)):
        values = run(network, inputs, every_tensor=True)
        for name, value in values.items():
            low, high = float(value.min()), float(value.max())
            if not (np.isfinite(low) and np.isfinite(high)):
                raise NetworkError(f"{network.name}: tensor {name!r} is not finite for calibration sample {number}")
            ranges[name] = _joined(ranges.get(name), (low, high), moving)
    if not ranges:
        raise NetworkError(f"{network.name}: there are no calibration data; give at least one sample")
    return ranges


def _joined(old: Range | None, new: Range, moving: float | None) -> Range:
    if old is None:
        return new
    if moving is None:
        return min(old[0], new[0]), max(old[1], new[1])
    return tuple(moving * a + (1 - moving) * b for a, b in zip(old, new, strict=True))  # type: ignore[return-value]


def _samples(network: Network, calibration: Iterable[Sample]) -> Iterator[dict[str, np.ndarray]]:
    for number, sample in enumerate(calibration):
        where = f"{network.name}, calibration sample {number}"
        if isinstance(sample, Mapping):
            given = dict(sample)
        else:
            parts: list[Any] = list(sample) if isinstance(sample, list | tuple) else [sample]
            if len(parts) != len(network.inputs):
                raise NetworkError(f"{where}: it has {len(parts)} arrays; the network has {len(network.inputs)} inputs")
            given = dict(zip(network.inputs, parts, strict=True))
        missing = [name for name in network.inputs if name not in given]
        if missing:
            raise NetworkError(f"{where}: it has no value of input {missing[0]!r}")
        stacks = {name: _stack(where, network.tensors[name], given[name]) for name in network.inputs}
        counts = {len(stack) for stack in stacks.values()}
        if len(counts) > 1:
            raise NetworkError(f"{where}: its arrays hold {', '.join(map(str, sorted(counts)))} samples each")
        for index in range(counts.pop() if counts else 0):
            yield {name: stack[index] for name, stack in stacks.items()}


def _stack(where: str, tensor: Tensor, value: np.ndarray) -> np.ndarray:
    """One or more values of an input, along a new first axis."""
    try:
        array = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        raise NetworkError(f"{where}: the value of {tensor.name!r} is no array of numbers") from None
    shape = tensor.shape
    array = as_stored(array, shape)
    if array.shape == shape:
        return array[None]
    if shape[:1] == (1,) and array.shape[-len(shape) + 1 :] == shape[1:] and array.ndim in (len(shape) - 1, len(shape)):
        return array.reshape(-1, *shape) if prod(array.shape) else array.reshape(0, *shape)
    raise NetworkError(f"{where}: the value of {tensor.name!r} is of shape {array.shape}; {shape} is needed")


def activation_scales(network: Network, ranges: Mapping[str, Range]) -> dict[str, Quantization]:
    """Scales from ranges; tensors that a kernel wants alike share one, and fixed ones have theirs."""
    group = _Groups()
    fixed = {name: scale for layer in network.layers if (scale := fixed_scale(layer.operator)) for name in layer.outputs}
    for layer in network.layers:
        if keeps_scale(layer.operator):
            for name in layer.outputs:
                group.join(layer.inputs[0], name)
    settled = {group.first(name): scale for name, scale in fixed.items()}
    for layer in network.layers:
        if joins_scales(layer.operator):
            for name in layer.inputs:
                ends = (group.first(name), group.first(layer.outputs[0]))
                if name in ranges and not any(end in settled for end in ends):
                    group.join(name, layer.outputs[0])
    wide: dict[str, Range] = {}
    for name, met in ranges.items():
        first = group.first(name)
        wide[first] = _joined(wide.get(first), met, None)
    return {name: settled.get(group.first(name)) or scale_of(*wide[group.first(name)]) for name in ranges}


class _Groups:
    """Names that go together."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}

    def first(self, name: str) -> str:
        while name in self.parents:
            name = self.parents[name]
        return name

    def join(self, left: str, right: str) -> None:
        a, b = self.first(left), self.first(right)
        if a != b:
            self.parents[b] = a
