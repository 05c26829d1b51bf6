"""Layers: networks as a table of numbers, a row for each layer. All that cost models see of a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from cost_models.arena import Arenas, joined_arenas
from cost_models.errors import CostModelError
from cost_models.operators import CODES, OPERATORS
from cost_models.traits import traits
from mcusim.network import ElementType, Layer, Network, Tensor
from mcusim.network.macs import layer_macs
from mcusim.network.operators import Conv2D, DepthwiseConv2D, Pad, Padding, Pair, Pool2D, TransposeConv2D
from mcusim.network.table import constant_bytes, operator_name

LAYER = np.dtype(
    [("operator", np.uint8), ("element_bytes", np.uint8)]
    + [(name, np.int32) for name in (
        "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
        "kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width",
        "padding_top", "padding_bottom", "padding_left", "padding_right", "groups",
    )]
    + [(name, np.int64) for name in ("macs", "weight_bytes", "input_bytes", "output_bytes", "live_bytes")]
    + [("clamps", np.uint8)]
    + [(name, np.int32) for name in ("scales", "unfit_channels", "unfit_fours", "constant_channels", "run_bytes")]
)  # fmt: skip
"""A row of the table. Heights, widths and channels of the first input and the first output, batches on top of each other.

``element_bytes``: of the wider of first input and output. ``weight_bytes``: constants as stored in the network (weights,
biases). ``input_bytes``: of all inputs that are no constants. ``live_bytes``: of all tensors that are alive while the layer
runs, scratch memory not among them. Windows are 1x1 for operators without; a mean over rows and columns is no window.

What kernels look at besides shapes, 0 where a table is made by hand and nothing is known: ``clamps``, 1 where the activation
bounds outputs more narrowly than their type does; ``scales``, how many scales weights have (1: one for all), of a Quantize 1
where integers are scaled anew, of a Softmax how many quarters its largest exponent can have;
``unfit_channels``, output channels whose scale is outside what fast kernels take (``nn_scale_fits`` of
kernels_c/include/nn_scale.h), ``unfit_fours``, fours of channels with such a one, and ``constant_channels``, those of them that
have one output whatever the input; ``run_bytes``, how many bytes operators that move elements move at a time. Not in the
table: values of weights and scales otherwise.
"""


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers of one network or many, one after the other; ``starts[i]`` is the first row of network i.

    ``table``: array of LAYER. ``names``: of the networks. ``layer_names``: of the rows, or () where there are none.
    ``arenas``: what RAM is planned with, or None where there is none of it: then RAM is an estimate.
    """

    table: np.ndarray
    starts: np.ndarray
    names: tuple[str, ...]
    layer_names: tuple[str, ...] = ()
    arenas: Arenas | None = None

    def __post_init__(self) -> None:
        if self.table.dtype != LAYER:
            raise CostModelError(f"a layer table of {self.table.dtype}; expected cost_models.layers.LAYER")
        if len(self.starts) != len(self.names) or not _ascend(self.starts, len(self.table)):
            raise CostModelError(
                f"starts {self.starts.tolist()} for {len(self.table)} layers of {len(self.names)} networks;"
                " expected the first row of each network, from 0 up, none empty"
            )

    def __len__(self) -> int:
        """The number of networks."""
        return len(self.names)

    @property
    def counts(self) -> np.ndarray:
        """The number of layers of each network."""
        return np.diff(self.starts, append=len(self.table))

    @property
    def owners(self) -> np.ndarray:
        """The network of each row, by its place."""
        return np.repeat(np.arange(len(self)), self.counts)

    def per_network(self, values: np.ndarray) -> np.ndarray:
        """Sums of ``values`` (one for each row) over the layers of each network."""
        return np.add.reduceat(values, self.starts) if len(self) else np.zeros(0)

    def largest(self, values: np.ndarray) -> np.ndarray:
        """The greatest of ``values`` in each network."""
        return np.maximum.reduceat(values, self.starts) if len(self) else np.zeros(0)

    def called(self, row: int) -> str:
        """A row, for people: network, layer and operator."""
        network = self.names[int(np.searchsorted(self.starts, row, "right")) - 1]
        name = self.layer_names[row] if self.layer_names else f"number {row}"
        return f"{network}, layer {name} ({OPERATORS[self.table['operator'][row]]})"

    def selected(self, networks: Sequence[int]) -> Layers:
        """Some of the networks, in the order asked for."""
        ends = self.starts + self.counts
        rows = [np.arange(self.starts[i], ends[i]) for i in networks]
        places = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        starts = np.cumsum([0, *map(len, rows)])[:-1]
        names = tuple(self.layer_names[row] for row in places) if self.layer_names else ()
        arenas = None if self.arenas is None else self.arenas.selected(networks, places)
        return Layers(self.table[places], starts, tuple(self.names[i] for i in networks), names, arenas)


def _ascend(starts: np.ndarray, rows: int) -> bool:
    edges = [*starts.tolist(), rows]
    return edges[0] == 0 and all(a < b for a, b in pairwise(edges))


def from_network(network: Network) -> Layers:
    """The table of one network. CostModelError for an operator without a code, or for a network without layers."""
    from cost_models.buffers import arenas_of

    live = live_bytes(network)
    rows = [_row(network, layer, alive) for layer, alive in zip(network.layers, live, strict=True)]
    table = np.array(rows, LAYER)
    names = tuple(layer.name for layer in network.layers)
    return Layers(table, np.zeros(1, np.int64), (network.name,), names, arenas_of(network))


def joined(parts: Iterable[Layers]) -> Layers:
    """Networks of several tables in one, in order."""
    parts = list(parts)
    before = np.cumsum([0, *(len(part.table) for part in parts)])
    named, arenas = all(part.layer_names for part in parts), [part.arenas for part in parts if part.arenas is not None]
    return Layers(
        np.concatenate([part.table for part in parts]) if parts else np.zeros(0, LAYER),
        np.concatenate([part.starts + offset for part, offset in zip(parts, before, strict=False)] or [np.zeros(0, np.int64)]),
        tuple(name for part in parts for name in part.names),
        tuple(name for part in parts for name in part.layer_names) if named else (),
        joined_arenas(arenas) if len(arenas) == len(parts) else None,
    )


def live_bytes(network: Network) -> list[int]:
    """Bytes of the tensors that hold something while each layer runs: the least arena that this layer needs, less scratch."""
    steps, ends = range(len(network.layers)), set(network.outputs)
    first = dict.fromkeys((*network.inputs, *(n for n, t in network.tensors.items() if t.variable)), -1)
    last: dict[str, int] = {}
    for step, layer in enumerate(network.layers):
        first |= dict.fromkeys(layer.outputs, step)
        last |= dict.fromkeys((*layer.inputs, *layer.outputs), step)
    stays = {name for name in first if name in ends or network.tensors[name].variable}
    spans = [(first[n], len(steps) if n in stays else last.get(n, 0), network.tensors[n].size_bytes) for n in first]
    return [sum(size for begin, end, size in spans if begin <= step <= end) for step in steps]


def _row(network: Network, layer: Layer, live: int) -> tuple[int, ...]:
    name = operator_name(layer)
    if name not in CODES:
        known = ", ".join(OPERATORS)
        raise CostModelError(f"{network.name}, layer {layer.name}: operator {name} has no code; there are: {known}")
    moving = [t for t in network.inputs_of(layer) if t is not None and not t.constant]
    source = network.inputs_of(layer)[0] or network.outputs_of(layer)[0]
    target = network.outputs_of(layer)[0]
    return (
        CODES[name], max(source.type.size_bytes, target.type.size_bytes),
        *_image(source.shape), *_image(target.shape), *_window(network, layer), _groups(layer, source, network),
        layer_macs(network, layer), constant_bytes(network, layer), sum(t.size_bytes for t in moving),
        sum(t.size_bytes for t in network.outputs_of(layer)), live, *traits(network, layer),
    )  # fmt: skip


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width, channels: what comes before the last two axes is height."""
    padded = (1,) * (3 - len(shape)) + shape
    return prod(padded[:-2]), padded[-2], padded[-1]


def _window(network: Network, layer: Layer) -> tuple[int, ...]:
    """Kernel, stride, dilation and padding."""
    operator, one = layer.operator, (1, 1)
    kernel: Pair = one
    if isinstance(operator, Conv2D | DepthwiseConv2D | TransposeConv2D):
        shape = network.tensors[layer.inputs[1]].shape
        kernel = shape[1], shape[2]
    elif isinstance(operator, Pool2D):
        kernel = operator.window
    stride, dilation = getattr(operator, "stride", one), getattr(operator, "dilation", one)
    if len(stride) != 2:  # a slice steps along all axes
        stride = one
    padding = getattr(operator, "padding", Padding())
    if isinstance(operator, Pad) and len(operator.before) == 4:
        padding = Padding(operator.before[1], operator.after[1], operator.before[2], operator.after[2])
    return *kernel, *stride, *dilation, padding.top, padding.bottom, padding.left, padding.right


def _groups(layer: Layer, source: Tensor, network: Network) -> int:
    if isinstance(layer.operator, DepthwiseConv2D):
        return source.shape[-1]
    if isinstance(layer.operator, Conv2D):
        return source.shape[-1] // network.tensors[layer.inputs[1]].shape[-1]
    return 1


def is_float(table: np.ndarray) -> np.ndarray:
    """Rows whose first input or output has elements of more than two bytes."""
    return np.asarray(table["element_bytes"] >= ElementType.FLOAT32.size_bytes)
