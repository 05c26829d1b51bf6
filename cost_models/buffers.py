"""Buffers of a network, as the memory planner has them, as tables."""

from __future__ import annotations

import numpy as np

from cost_models.arena import STEP, TENSOR, Arenas
from cost_models.labels import labels_of
from cost_models.traits import factors_of, multipliers_of, unfit_channels
from mcusim.deploy.bodies import bodies_of
from mcusim.deploy.lifetimes import ELEMENT_WISE, Lifetimes, buffers_of
from mcusim.network import ElementType, Layer, Network
from mcusim.network import operators as ops

Constants = set[tuple[str, tuple[int, ...], bytes]]
"""Arrays that are in flash: element types, shapes and contents."""


def arenas_of(network: Network) -> Arenas:
    """Those of one network. Buffers and views are those of the memory planner."""
    lifetimes = buffers_of(network)
    places = {buffer.name: place for place, buffer in enumerate(lifetimes.buffers)}
    views = {(view.part, view.whole) for view in lifetimes.views}
    constants: Constants = set()
    steps = np.zeros(len(network.layers), STEP)
    steps[list(PLANNED)] = [_step(network, layer, places, views, constants) for layer in network.layers]
    steps["label_bytes"] = labels_of(network)
    steps["inputs"][0], steps["outputs"][-1] = len(network.inputs), len(network.outputs)
    steps["floats"][0] = any(network.tensors[name].type is ElementType.FLOAT32 for name in network.inputs)
    return Arenas(_tensors(network, lifetimes, places), np.zeros(1, np.int64), steps)


PLANNED = ("scratch_bytes", "constant_bytes", "target", "source", "other", "batches", "odd", "free")
"""Columns of STEP in the order of ``_step``."""


def _tensors(network: Network, lifetimes: Lifetimes, places: dict[str, int]) -> np.ndarray:
    rows = np.zeros(len(places), TENSOR)
    for row, buffer in zip(rows, lifetimes.buffers, strict=True):
        row["bytes"], row["first"], row["last"] = buffer.size_bytes, buffer.first, buffer.last
        row["element_bytes"] = network.tensors[buffer.name].type.size_bytes
    for body in bodies_of(lifetimes.buffers, lifetimes.views):
        inside = [places[box.buffer.name] for box in body.boxes]
        rows["body"][inside], rows["offset"][inside] = min(inside), [box.offset for box in body.boxes]
    return rows


def _step(
    network: Network, layer: Layer, places: dict[str, int], views: set[tuple[str, str]], constants: Constants
) -> tuple[int, ...]:
    first, *others = dict.fromkeys(layer.inputs)
    other = others[0] if others and isinstance(layer.operator, ELEMENT_WISE) else ""
    source = network.tensors[first] if first else None
    batches = source.shape[0] if source is not None and len(source.shape) == 4 else 1
    return (
        _scratch(network, layer), _constants(network, layer, constants), places[layer.outputs[0]], places.get(first, -1),
        places.get(other, -1), batches, _odd(network, layer), _free(layer, views),
    )  # fmt: skip


def _free(layer: Layer, views: set[tuple[str, str]]) -> bool:
    match layer.operator:
        case ops.Reshape() | ops.Slice() | ops.Split():
            return all((output, layer.inputs[0]) in views for output in layer.outputs)
        case ops.Concatenation():
            return all((name, layer.outputs[0]) in views for name in layer.inputs)
    return False


def _scratch(network: Network, layer: Layer) -> int:
    """Operands of a matrix product that are turned over (rules/products.py); the cells of an LSTM."""
    match layer.operator:
        case ops.BatchMatMul(transpose_left=left, transpose_right=right):
            sizes = [0, 0]
            for place, turned in enumerate((left, not right)):
                tensor = network.tensors[layer.inputs[place]]
                sizes[place] = -(-tensor.size_bytes // 8) * 8 if turned and not (tensor.constant and place) else 0
            return sum(sizes)
        case ops.UnidirectionalLstm():
            from mcusim.network.reference.recurrent import CELL_STATE

            return network.tensors[layer.inputs[CELL_STATE]].shape[1]
    return 0


def _odd(network: Network, layer: Layer) -> bool:
    source = network.inputs_of(layer)[0]
    if source is None or source.type is not ElementType.INT8:
        return isinstance(layer.operator, ops.Pad)
    match layer.operator:
        case ops.Pad(before=before, after=after):
            return len(source.shape) != 4 or source.constant or bool(before[0] or after[0])
        case ops.Conv2D() | ops.DepthwiseConv2D():
            return unfit_channels(network, layer) > 0
        case ops.FullyConnected():
            return _one_scale(network, layer)
        case ops.Binary():
            return network.tensors[layer.inputs[1]].shape != source.shape
    return False


def _factors(network: Network, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Multiplier and shift of each output channel, as arrays of the firmware."""
    weights = network.inputs_of(layer)[1]
    assert weights is not None
    channels = weights.shape[3 if isinstance(layer.operator, ops.DepthwiseConv2D) else 0]
    pairs = multipliers_of(factors_of(network, layer))
    multipliers, shifts = (np.ascontiguousarray(np.broadcast_to(each, channels), np.int32) for each in pairs)
    return multipliers, shifts


PER_CHANNEL = (ops.Conv2D, ops.DepthwiseConv2D, ops.TransposeConv2D)
TABLE_BYTES = 256


def _constants(network: Network, layer: Layer, seen: Constants) -> int:
    """Bytes of the arrays that a layer adds to flash."""
    tensors = [tensor for tensor in network.inputs_of(layer) if tensor is not None and tensor.constant]
    arrays = [np.asarray(tensor.data) for tensor in tensors if tensor.data is not None]
    several = isinstance(layer.operator, ops.FullyConnected) and not _one_scale(network, layer)
    if isinstance(layer.operator, PER_CHANNEL) or several:
        arrays += _factors(network, layer)
    total = TABLE_BYTES if isinstance(layer.operator, ops.Unary) else 0
    for array in arrays:
        key = array.dtype.str, array.shape, array.tobytes()
        total += 0 if key in seen else -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        seen.add(key)
    return total


ALIGNMENT = 16
"""Of an array in flash (write_assembly of mcusim.deploy.build)."""


def _one_scale(network: Network, layer: Layer) -> bool:
    weights = network.inputs_of(layer)[1]
    return weights is None or weights.quantization is None or len(weights.quantization.scales) == 1
