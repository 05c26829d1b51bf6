"""Convolutions and fully connected layers of int8 and float32 whose weights are mostly zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from mcusim.deploy.call import EXTRA, FLOAT, Argument, Call, Constant, Context, SizeCheck, Struct
from mcusim.deploy.rules.subject import Subject, bounds, channel_scales, dims, zero_of
from mcusim.deploy.sparse import FORMATS, SparseWeights, kept_bytes
from mcusim.deploy.sparse_choice import CODE_BYTES, DENSE, POLICIES, Form, Place, chosen
from mcusim.deploy.sparse_layers import FLOAT_STRUCT, STRUCT
from mcusim.network import ElementType
from mcusim.network.fixed_point import multiply

SHIFTS = -21, -1
"""Of factors from sum to output that can be scaled as kernels_c/include/nn_scale.h does."""
QUARTER = 1 << 30, -1
"""A factor of 0.25 as multiplier and shift: four times a value becomes the value."""
DEEPEST = 16384
"""Weights of an output at most for kernels to see that it is constant (kernels_c/include/nn_convolve.h)."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What outputs of int8 are made of: ``weights`` [outputs, depth], ``bias`` with what the zero point of the input adds,
    multiplier and shift of each.

    Outputs that are constant whatever the input, as trained networks have them whose scale is next to nothing, have no weights
    here, and a bias and a factor that give the constant. ``idle``: those among them that dense kernels pass over.
    """

    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    idle: int

    @property
    def is_scaled_fast(self) -> bool:
        """Whether kernels can scale all outputs in the short way, which estimates of cycles are made for."""
        return bool(_scaled_fast(self.multipliers, self.shifts).all())


def weights_of(subject: Subject, operator: str) -> SparseWeights | None:
    """The weights of a layer as the policy of ``subject.kernels`` wants them; None for the dense kernel."""
    found = _form_of(subject, operator).weights
    if found is not None and POLICIES[subject.kernels.sparse].weighs_code and _saved(subject, operator) < CODE_BYTES[operator]:
        return None
    return found


def _form_of(subject: Subject, operator: str) -> Form:
    tensor = subject.input(1)
    dense = Form(DENSE, tensor.size_bytes, 0.0)
    if not subject.kernels.own or tensor.data is None or _is_in_groups(subject):
        return dense
    weights = tensor.data.reshape(tensor.shape[0], -1)
    policy, place = subject.kernels.sparse, Place(subject.kernels.core, operator, prod(subject.output.shape) // len(weights))
    if tensor.type is ElementType.FLOAT32:  # zeros times what is not finite would count
        return chosen(policy, place, weights) if np.isfinite(weights).all() else dense
    if not _is_symmetric(subject):
        return dense
    sums = sums_of(subject)
    if np.any(sums.bias != sums.bias.astype(np.int32)) or (POLICIES[policy].weighs_cycles and not sums.is_scaled_fast):
        return dense
    return chosen(policy, replace(place, idle=sums.idle), sums.weights)


def sums_of(subject: Subject) -> Sums:
    """Of a layer whose weights have no zero points. Constant outputs are told apart where each has a scale of its own: those
    that dense kernels see to be constant, and those without weights.
    """
    tensor = subject.input(1)
    assert tensor.data is not None
    weights, bias = tensor.data.reshape(tensor.shape[0], -1), subject.bias(2)
    start = np.zeros(len(weights), np.int64) if bias is None else bias.data.reshape(-1).astype(np.int64)
    multipliers, shifts = (np.array(each, np.int64) for each in channel_scales(subject, tensor, len(weights)))
    folded = start - zero_of(subject.input(), subject) * weights.sum(axis=1, dtype=np.int64)
    depth = weights.shape[1]
    reach = np.full(len(weights), depth * 255 * 128 if depth <= DEEPEST else 2**31)
    _, seen = _constants(subject, start, multipliers, shifts, reach)
    values, constant = _constants(subject, start, multipliers, shifts, np.where(weights.any(axis=1), reach, 0))
    zero = zero_of(subject.output, subject)
    idle = seen & ~_scaled_fast(multipliers, shifts) & (len(tensor.shape) == 4)  # fully connected kernels pass over nothing
    return Sums(
        np.where(constant[:, None], np.int8(0), weights), np.where(constant, 4 * (values - zero), folded),
        np.where(constant, QUARTER[0], multipliers), np.where(constant, QUARTER[1], shifts), int(idle.sum()),
    )  # fmt: skip


def _scaled_fast(multipliers: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    return np.asarray((shifts >= SHIFTS[0]) & (shifts <= SHIFTS[1]) & (multipliers >= 0))


def _constants(
    subject: Subject, bias: np.ndarray, multipliers: np.ndarray, shifts: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Least value of each output, and whether it is the greatest as well: the twin of ``nn_channel_is_constant``.

    ``reach``: how far the sum of products may be from 0, of each output.
    """
    quantization = subject.input(1).quantization
    if quantization is None or len(quantization.scales) < len(bias):
        return bias, np.zeros(len(bias), bool)
    known = (multipliers >= 0) & (shifts <= 0) & (np.abs(bias) + reach < 2**31)
    low, high = bounds(subject, subject.operator.activation)
    ends = (multiply(np.where(known, bias, 0) + side * reach, multipliers, np.minimum(shifts, 0)) for side in (-1, 1))
    least, greatest = (np.clip(end + zero_of(subject.output, subject), low, high) for end in ends)
    return least, known & (least == greatest)


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


def _arrays(sparse: SparseWeights) -> tuple[Constant, ...]:
    arrays = {name: getattr(sparse, name) for name in ("counts", "steps", "values")}
    return tuple(Constant(name, kept_bytes(array)) for name, array in arrays.items())


def _tables(subject: Subject, sparse: SparseWeights) -> tuple[Struct, Constant]:
    weights = Struct(STRUCT, "weights", (*_arrays(sparse), FORMATS[sparse.format]))
    return weights, subject.constant("bias", sums_of(subject).bias)


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
        sums = sums_of(subject)
        return subject.constant("multiplier", sums.multipliers), subject.constant("shift", sums.shifts), 1
    return subject.constant("multiplier", [multiplier]), subject.constant("shift", [shift]), 0


def convolution(subject: Subject, sparse: SparseWeights, params: Struct, shapes: tuple[Struct, Struct, Struct]) -> Call:
    """``nn_convolve_sparse_s8``."""
    weights, bias = _tables(subject, sparse)
    sums, function = sums_of(subject), "nn_convolve_sparse_s8"
    scales = subject.constant("multiplier", sums.multipliers), subject.constant("shift", sums.shifts)
    quantization = Struct("cmsis_nn_per_channel_quant_params", "quant_params", scales)
    arguments = (
        Context(), params, quantization, shapes[0], subject.value(subject.input()), shapes[1], weights, bias, shapes[2],
        subject.value(subject.output),
    )  # fmt: skip
    return Call(function, arguments, header=EXTRA, checks=(SizeCheck(f"{function}_get_buffer_size", (shapes[1],)),))


def fully_connected_f32(subject: Subject, sparse: SparseWeights, bounds: Struct, bias: Argument) -> Call:
    """``nn_fully_connected_sparse_f32``."""
    arguments = (
        bounds, prod(subject.output.shape) // sparse.outputs, sparse.depth, sparse.outputs, subject.value(subject.input()),
        Struct(FLOAT_STRUCT, "weights", _arrays(sparse)), bias, subject.value(subject.output),
    )  # fmt: skip
    return Call("nn_fully_connected_sparse_f32", arguments, status=False, header=FLOAT)


def convolution_f32(subject: Subject, sparse: SparseWeights, dense: tuple[Argument, ...]) -> Call:
    """``nn_convolve_sparse_f32``; ``dense``: the arguments of ``nn_convolve_f32``."""
    params, input_dims, source, filter_dims, _, *after = dense
    weights, function = Struct(FLOAT_STRUCT, "weights", _arrays(sparse)), "nn_convolve_sparse_f32"
    arguments = (Context(), params, input_dims, source, filter_dims, weights, *after)
    return Call(
        function, arguments, header=FLOAT, checks=(SizeCheck(f"{function}_get_buffer_size", (filter_dims,)),)
    )  # fmt: skip
