"""run and run_layer: a network, or one layer of it, computed by the kernels of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.network import Layer, Network, NetworkError
from mcusim.network.reference import elements, places, recurrent, sums, windows
from mcusim.network.reference.call import Call, Rules
from mcusim.network.tensor import Tensor

KERNELS: dict[type, Callable[[Call], list[np.ndarray]]] = {
    ops.Conv2D: sums.conv_2d,
    ops.DepthwiseConv2D: sums.depthwise_conv_2d,
    ops.TransposeConv2D: sums.transpose_conv_2d,
    ops.FullyConnected: sums.fully_connected,
    ops.BatchMatMul: sums.batch_matmul,
    ops.Binary: elements.binary,
    ops.Unary: elements.unary,
    ops.Quantize: elements.quantize,
    ops.Dequantize: elements.dequantize,
    ops.Pool2D: windows.pool_2d,
    ops.Reduce: windows.reduce,
    ops.Softmax: windows.softmax,
    ops.Pad: places.pad,
    ops.Concatenation: places.concatenation,
    ops.Reshape: places.reshape,
    ops.Split: places.split,
    ops.Slice: places.cut,
    ops.Transpose: places.transpose,
    ops.ResizeNearest: places.resize_nearest,
    ops.Svdf: recurrent.svdf,
    ops.UnidirectionalLstm: recurrent.lstm,
}


def run(
    network: Network,
    inputs: Mapping[str, np.ndarray],
    *,
    state: MutableMapping[str, np.ndarray] | None = None,
    every_tensor: bool = False,
    rules: Rules = Rules.LITE,
) -> dict[str, np.ndarray]:
    """Outputs by name (with ``every_tensor`` all that layers write) of one inference.

    ``inputs``: an array for each input, of its shape and type. ``state``: values of variables, read and then updated in place
    (see initial_state); without it they start anew. NetworkError for a wrong input or an operator without arithmetic.
    """
    state = initial_state(network) if state is None else state
    arrays = {name: checked(network.tensors[name], inputs) for name in network.inputs}
    for layer in network.layers:
        results = run_layer(network, layer, {**arrays, **state}, rules=rules)
        for name, value in results.items():
            (state if network.tensors[name].variable else arrays)[name] = value
    if every_tensor:
        return arrays
    return {name: arrays[name] if name in arrays else _known(network, name, state) for name in network.outputs}


def run_layer(
    network: Network, layer: Layer, arrays: Mapping[str, np.ndarray], *, rules: Rules = Rules.LITE
) -> dict[str, np.ndarray]:
    """What one layer writes, by name: its outputs and the new values of variables that it reads.

    ``arrays``: values of the inputs; constants need not be among them.
    """
    tensors = network.inputs_of(layer)
    values = tuple(None if tensor is None else _known(network, tensor.name, arrays) for tensor in tensors)
    call = Call(layer, tensors, network.outputs_of(layer), values, rules=rules)
    kernel = KERNELS.get(type(layer.operator))
    if kernel is None:
        raise call.error("there is no arithmetic for this operator")
    results = dict(zip(layer.outputs, kernel(call), strict=True))
    for tensor in call.outputs:
        met = results[tensor.name]
        if met.shape != tensor.shape or met.dtype != np.dtype(tensor.type.value):
            raise call.error(f"gives {tensor.name!r} as {met.shape} of {met.dtype}, not {tensor.shape} of {tensor.type.value}")
    return results | call.updates


def initial_state(network: Network) -> dict[str, np.ndarray]:
    """Variables as they are before the first inference: their data, or the stored value of real 0."""
    return {name: _initial(tensor) for name, tensor in network.tensors.items() if tensor.variable}


def _initial(tensor: Tensor) -> np.ndarray:
    if tensor.data is not None:
        return np.array(tensor.data, tensor.type.value)
    zero = 0 if tensor.quantization is None else tensor.quantization.zero_point
    return np.full(tensor.shape, zero, tensor.type.value)


def checked(tensor: Tensor, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of an input; NetworkError where it is missing or of another shape or type."""
    if tensor.name not in inputs:
        raise NetworkError(f"input {tensor.name!r} has no value; given are {', '.join(map(repr, inputs)) or 'none'}")
    value = np.asarray(inputs[tensor.name])
    if value.shape != tensor.shape or value.dtype != np.dtype(tensor.type.value):
        raise NetworkError(
            f"input {tensor.name!r}: given {value.shape} of {value.dtype}, it is {tensor.shape} of {tensor.type.value}"
        )
    return value


def _known(network: Network, name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if name in arrays:
        return arrays[name]
    data = network.tensors[name].data
    if data is None:
        raise NetworkError(f"{network.name}: tensor {name!r} has no value")
    return data
