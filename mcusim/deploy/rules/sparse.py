"""Convolutions and fully connected layers of int8 whose weights are mostly zero."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from mcusim.deploy.call import EXTRA, Call, Constant, Context, SizeCheck, Struct
from mcusim.deploy.rules.subject import Subject, dims, zero_of
from mcusim.deploy.sparse import FORMATS, SparseWeights, kept_bytes
from mcusim.deploy.sparse_choice import CODE_BYTES, DENSE, POLICIES, Form, Place, chosen
from mcusim.deploy.sparse_layers import STRUCT


def weights_of(subject: Subject, operator: str) -> SparseWeights | None:
    """The weights of a layer as the policy of ``subject.kernels`` wants them; None for the dense kernel."""
    found = _form_of(subject, operator).weights
    if found is not None and POLICIES[subject.kernels.sparse].weighs_code and _saved(subject, operator) < CODE_BYTES[operator]:
        return None
    return found


def _form_of(subject: Subject, operator: str) -> Form:
    tensor = subject.input(1)
    dense = Form(DENSE, tensor.size_bytes, 0.0)
    if not subject.kernels.own or tensor.data is None or not _is_symmetric(subject) or _is_in_groups(subject):
        return dense
    weights = tensor.data.reshape(tensor.shape[0], -1)
    pixels = prod(subject.output.shape) // len(weights)
    found = chosen(subject.kernels.sparse, Place(subject.kernels.core, operator, pixels), weights)
    return dense if found.weights is None or _folded(subject, weights) is None else found


def _saved(subject: Subject, operator: str) -> int:
    """Bytes that all layers of the network save that are calculated by the same kernel."""
    kind, types = type(subject.operator), subject.types(*subject.inputs[:2])
    others = (replace(subject, layer=layer) for layer in subject.network.layers if type(layer.operator) is kind)
    return sum(_form_of(other, operator).saved_bytes for other in others if other.types(*other.inputs[:2]) == types)


def _is_symmetric(subject: Subject) -> bool:
    quantization = subject.input(1).quantization
    return quantization is not None and not any(quantization.zero_points)


def _is_in_groups(subject: Subject) -> bool:
    """Whether a convolution's filters see some of the channels only."""
    weights = subject.input(1)
    return len(weights.shape) == 4 and weights.shape[3] != subject.input().shape[3]


def _folded(subject: Subject, weights: np.ndarray) -> np.ndarray | None:
    """The bias and what the zero point of the input adds to each sum; None where that is more than 32 bits."""
    bias = subject.bias(2)
    start = np.zeros(len(weights), np.int64) if bias is None else bias.data.reshape(-1).astype(np.int64)
    folded = start - zero_of(subject.input(), subject) * weights.sum(axis=1, dtype=np.int64)
    return folded if np.all(folded == folded.astype(np.int32)) else None


def _tables(subject: Subject, sparse: SparseWeights) -> tuple[Struct, Constant]:
    weights = subject.weights(1, "weights").data.reshape(sparse.outputs, sparse.depth)
    arrays = {name: getattr(sparse, name) for name in ("counts", "steps", "values")}
    parts = tuple(Constant(name, kept_bytes(array)) for name, array in arrays.items())
    return Struct(STRUCT, "weights", (*parts, FORMATS[sparse.format])), subject.constant(
        "bias", _folded(subject, weights)
    )


def fully_connected(subject: Subject, sparse: SparseWeights, params: Struct, scales: Struct) -> Call:
    """``nn_fully_connected_sparse_s8``; ``scales``: multiplier and shift, one for all outputs, or an array of one for each."""
    weights, bias = _tables(subject, sparse)
    vectors = prod(subject.output.shape) // sparse.outputs
    quantization = Struct("cmsis_nn_quant_params", "quant_params", _arrays_of(subject, scales))
    arguments = (
        params, quantization, dims("input", (vectors, 1, 1, sparse.depth)), subject.value(subject.input()), weights, bias,
        dims("output", (vectors, 1, 1, sparse.outputs)), subject.value(subject.output),
    )  # fmt: skip
    return Call("nn_fully_connected_sparse_s8", arguments, header=EXTRA)


def _arrays_of(subject: Subject, scales: Struct) -> tuple[object, ...]:
    multiplier, shift = scales.fields
    if isinstance(multiplier, Constant):
        return multiplier, shift, 1
    return subject.constant("multiplier", [multiplier]), subject.constant("shift", [shift]), 0


def convolution(
    subject: Subject, sparse: SparseWeights, params: Struct, quantization: Struct, shapes: tuple[Struct, Struct, Struct]
) -> Call:
    """``nn_convolve_sparse_s8``."""
    weights, bias = _tables(subject, sparse)
    function = "nn_convolve_sparse_s8"
    arguments = (
        Context(), params, quantization, shapes[0], subject.value(subject.input()), shapes[1], weights, bias, shapes[2],
        subject.value(subject.output),
    )  # fmt: skip
    return Call(function, arguments, header=EXTRA, checks=(SizeCheck(f"{function}_get_buffer_size", (shapes[1],)),))
