"""From a network to buffers: when each tensor is alive, what may share its memory, and what needs no copy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import prod
from types import MappingProxyType
from typing import NamedTuple

from mcusim.deploy.bodies import bodies_of
from mcusim.deploy.buffers import Buffer, Overlay, PlanError, View
from mcusim.deploy.walks import Planes, Promise, distance_bytes
from mcusim.network import Layer, Network, NetworkError, Tensor
from mcusim.network.operators import Activation, Binary, Concatenation, Dequantize, Quantize, Reshape, Slice, Split, Unary

ELEMENT_WISE = (Binary, Unary, Quantize, Dequantize)
"""Operators whose kernels go upwards element by element, and read an element before they write the one at its index."""

NO_BYTES: Mapping[str, int] = MappingProxyType({})
NO_WALKS: Mapping[str, Promise] = MappingProxyType({})


class Lifetimes(NamedTuple):
    """What the planner is asked for a network. Step i is layer i; the caller writes the network's inputs in step -1."""

    buffers: tuple[Buffer, ...]
    overlays: tuple[Overlay, ...]
    views: tuple[View, ...]


def scratch_name(layer: str) -> str:
    """The name of the buffer that is a layer's scratch."""
    return f"{layer}:scratch"


def buffers_of(
    network: Network,
    scratch: Mapping[str, int] = NO_BYTES,
    walks: Mapping[str, Promise] = NO_WALKS,
    alignment: int = 4,
    kept: Collection[str] = (),
) -> Lifetimes:
    """Buffers of the tensors that are not constant, under their names, and of each layer's scratch (``scratch_name``).

    ``scratch``: bytes by layer. ``walks``: promises of the kernels of windowed layers; without one, the output lies beside the
    input. ``kept``: tensors that stay to the end, as outputs and variables do. Network inputs are overwritten after
    their last use.

    A layer whose output is a view (Reshape; Split, Slice and Concatenation along the outermost axis) finds it in its place
    and has nothing to copy: tell it by the places.
    """
    steps = {layer.name: step for step, layer in enumerate(network.layers)}
    if unknown := [name for name in (*scratch, *walks) if name not in steps] + [n for n in kept if n not in network.tensors]:
        raise NetworkError(f"{network.name}: scratch, a walk or 'kept' names {unknown}, no layers or tensors of it")
    tensors = {name: _buffer(network, name, alignment, kept) for name in used(network)}
    buffers = [*tensors.values()]
    buffers += [
        Buffer(scratch_name(name), size, steps[name], steps[name], alignment, traffic_bytes=2 * size)
        for name, size in scratch.items()
        if size
    ]
    if len({buffer.name for buffer in buffers}) < len(buffers):
        raise NetworkError(f"{network.name}: a tensor is called as the scratch of a layer is, {scratch_name('…')!r}; rename it")
    overlays = (o for step, layer in enumerate(network.layers) for o in _overlays(network, layer, walks, tensors, step))
    return Lifetimes(tuple(buffers), tuple(overlays), views_of(network, tuple(tensors.values())))


def used(network: Network) -> list[str]:
    """Tensors that need memory: inputs, outputs and what layers touch, less constants; in the order in which they appear."""
    names = (*network.inputs, *(n for layer in network.layers for n in (*layer.inputs, *layer.outputs)), *network.outputs)
    return [name for name in dict.fromkeys(names) if name and not network.tensors[name].constant]


def _buffer(network: Network, name: str, alignment: int, kept: Collection[str]) -> Buffer:
    tensor, end = network.tensors[name], max(len(network.layers) - 1, 0)
    reads = [step for step, layer in enumerate(network.layers) if name in layer.inputs]
    writes = [step for step, layer in enumerate(network.layers) if name in layer.outputs]
    stays = tensor.variable or name in network.outputs or name in kept
    first = -1 if tensor.variable or not writes else writes[0]
    last = end if stays else max(reads, default=max(first, 0))
    traffic = tensor.size_bytes * (1 + len(reads))
    return Buffer(name, tensor.size_bytes, first, last, max(alignment, tensor.type.size_bytes), traffic_bytes=traffic)


def _overlays(
    network: Network, layer: Layer, walks: Mapping[str, Promise], buffers: Mapping[str, Buffer], step: int
) -> Iterator[Overlay]:
    for output in layer.outputs:
        for name in dict.fromkeys(layer.inputs):
            if name in buffers and buffers[name].first < buffers[name].last == step:
                yield from _overlay(network, layer, walks.get(layer.name), output, name)


def _overlay(network: Network, layer: Layer, walk: Promise | None, output: str, name: str) -> Iterator[Overlay]:
    out, in_ = network.tensors[output], network.tensors[name]
    if isinstance(layer.operator, ELEMENT_WISE) and out.elements == in_.elements:
        yield Overlay(output, name, max(out.size_bytes - in_.size_bytes, 0), out.size_bytes <= in_.size_bytes)
    elif isinstance(walk, Planes):
        if name == layer.inputs[0]:
            yield Overlay(output, name)
    elif walk is not None and name == layer.inputs[0]:
        distance = distance_bytes(network, layer, walk)
        if distance < out.size_bytes:
            yield Overlay(output, name, distance, exact=distance == 0)


def views_of(network: Network, buffers: tuple[Buffer, ...]) -> tuple[View, ...]:
    """Views of tensors in each other, those of earlier layers first; one that contradicts an earlier one is left out."""
    joined = _Joined(buffers)
    for layer in network.layers:
        views = list(_views(network, layer))
        if not joined.grant(views):
            for view in views:
                joined.grant([view])
    return tuple(joined.granted)


class _Joined:
    """Views granted so far, and which buffers they hold together."""

    def __init__(self, buffers: Iterable[Buffer]) -> None:
        self.granted: list[View] = []
        self._buffers = {buffer.name: buffer for buffer in buffers}
        self._together = {name: frozenset((name,)) for name in self._buffers}

    def grant(self, views: list[View]) -> bool:
        """Grant all of ``views``, or none of them if they contradict each other or an earlier one."""
        names = frozenset().union(*(self._together[name] for view in views for name in (view.part, view.whole)))
        earlier = [view for view in self.granted if view.whole in names]
        try:
            bodies = bodies_of([self._buffers[name] for name in sorted(names)], (*earlier, *views))
        except PlanError:
            return False
        for body in bodies:
            self._together |= dict.fromkeys(together := frozenset(box.buffer.name for box in body.boxes), together)
        self.granted += views
        return True


def _views(network: Network, layer: Layer) -> Iterator[View]:
    tensors, input_, output = network.tensors, layer.inputs[0], layer.outputs[0]
    match layer.operator:
        case Reshape():
            views = [View(output, input_)]
        case Slice() as cut if _contiguous(cut, tensors[input_]):
            views = [View(output, input_, _start(cut, tensors[input_]))]
        case Split(axis=axis) if _outermost(tensors[input_], axis):
            views = [View(part, input_, offset) for part, offset in _offsets(tensors, layer.outputs)]
        case Concatenation(axis=axis, activation=Activation.NONE) if _outermost(tensors[output], axis):
            views = [View(part, output, offset) for part, offset in _offsets(tensors, layer.inputs)]
        case _:
            views = []
    yield from (view for view in views if _same_coding(tensors[view.part], tensors[view.whole]))


def _same_coding(part: Tensor, whole: Tensor) -> bool:
    free = not (part.constant or whole.constant or part.variable or whole.variable)
    return free and part.type is whole.type and part.quantization == whole.quantization


def _outermost(whole: Tensor, axis: int) -> bool:
    """Whether parts along ``axis`` lie one after the other, each in one piece."""
    return prod(whole.shape[:axis]) == 1


def _offsets(tensors: Mapping[str, Tensor], parts: Iterable[str]) -> Iterator[tuple[str, int]]:
    offset = 0
    for name in parts:
        yield name, offset
        offset += tensors[name].size_bytes


def _contiguous(operator: Slice, input_: Tensor) -> bool:
    partial = [axis for axis, (size, whole) in enumerate(zip(operator.size, input_.shape, strict=True)) if size != whole]
    return all(s == 1 for s in operator.stride) and all(operator.size[axis] == 1 for axis in range(max(partial, default=0)))


def _start(operator: Slice, input_: Tensor) -> int:
    begin = 0
    for index, size in zip(operator.begin, input_.shape, strict=True):
        begin = begin * size + index
    return begin * input_.type.size_bytes
