"""Operators as data: what a layer computes, without its tensors.

Names and meanings follow TensorFlow Lite's builtin operators; shapes are NHWC. Padding is always explicit (importers resolve
SAME and VALID); flatten, squeeze and expand_dims are Reshape. The order of a layer's inputs is stated with each operator; an
optional input that is left out is "".

Operators of a training graph (gradients, updates) are further dataclasses here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mcusim.network.tensor import Quantization


class Activation(Enum):
    """A bound on the output that the layer applies itself; the value is (low, high) in real numbers."""

    NONE = (float("-inf"), float("inf"))
    RELU = (0.0, float("inf"))
    RELU_N1_TO_1 = (-1.0, 1.0)
    RELU6 = (0.0, 6.0)


@dataclass(frozen=True, slots=True)
class Padding:
    """Rows above and below, columns left and right; the value of the input's real 0."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


Pair = tuple[int, int]
"""Height, width."""


@dataclass(frozen=True, slots=True)
class Conv2D:
    """Inputs: input [N,H,W,C], filter [C_out,K_h,K_w,C/groups], bias [C_out] or ""; groups follow from the shapes."""

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = Padding()
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class DepthwiseConv2D:
    """Inputs: input [N,H,W,C], filter [1,K_h,K_w,C*multiplier], bias or "". Output channel c*multiplier+m is of input c."""

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = Padding()
    multiplier: int = 1
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class TransposeConv2D:
    """Inputs: input [N,H,W,C], filter [C_out,K_h,K_w,C], bias or "". ``padding`` is what the output lacks at its edges."""

    stride: Pair = (1, 1)
    padding: Padding = Padding()
    output_size: Pair = (1, 1)
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class FullyConnected:
    """Inputs: input (its last dimension, or all but the first, is C), filter [C_out,C], bias or ""."""

    activation: Activation = Activation.NONE
    keep_dimensions: bool = False


class Arithmetic(Enum):
    """What two tensors are joined by, element by element, each broadcast to the shape of the result."""

    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


@dataclass(frozen=True, slots=True)
class Binary:
    """Inputs: left, right."""

    function: Arithmetic
    activation: Activation = Activation.NONE


class Function(Enum):
    """A function of each element on its own."""

    RELU = "relu"
    RELU6 = "relu6"
    RELU_N1_TO_1 = "relu_n1_to_1"
    LEAKY_RELU = "leaky_relu"
    LOGISTIC = "logistic"
    TANH = "tanh"
    HARD_SWISH = "hard_swish"
    SILU = "silu"


@dataclass(frozen=True, slots=True)
class Unary:
    """Input: one. ``alpha``: the slope below zero of LEAKY_RELU."""

    function: Function
    alpha: float = 0.0


class Pooling(Enum):
    """What a window is reduced to."""

    AVERAGE = "average"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Pool2D:
    """Input: [N,H,W,C]. Padding takes no part: an average is over the elements inside."""

    function: Pooling
    window: Pair
    stride: Pair = (1, 1)
    padding: Padding = Padding()
    activation: Activation = Activation.NONE


class Reduction(Enum):
    """What the reduced axes become."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class Reduce:
    """Input: one. ``axes`` are not negative and ascend."""

    function: Reduction
    axes: tuple[int, ...]
    keep_dimensions: bool = False


@dataclass(frozen=True, slots=True)
class Pad:
    """Input: one. ``before`` and ``after`` have an entry for each axis; ``value`` is as stored."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float = 0


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Inputs: any number, joined along ``axis`` (not negative)."""

    axis: int
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class Reshape:
    """Input: one; the elements in the same order under another shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Input: one. Outputs: parts along ``axis``, ``sizes`` long."""

    axis: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """Input: one. From ``begin``, ``size`` elements, every ``stride``-th (may be negative); an entry for each axis."""

    begin: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transpose:
    """Input: one. Axis i of the output is axis ``permutation[i]`` of the input."""

    permutation: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResizeNearest:
    """Input: [N,H,W,C]."""

    size: Pair
    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True, slots=True)
class Softmax:
    """Input: one; along the last axis."""

    beta: float = 1.0


@dataclass(frozen=True, slots=True)
class Quantize:
    """Input: float or quantised (then the stored values are scaled anew); the output's quantisation says to what."""


@dataclass(frozen=True, slots=True)
class Dequantize:
    """Input: quantised; output float."""


@dataclass(frozen=True, slots=True)
class BatchMatMul:
    """Inputs: left [...,M,K], right [...,K,N]; ``transpose_…``: the last two axes lie the other way round."""

    transpose_left: bool = False
    transpose_right: bool = False


@dataclass(frozen=True, slots=True)
class Svdf:
    """Inputs: input [N,C], feature weights [F,C], time weights [F,T], bias [F/rank] or "", state [N,F*T] (variable)."""

    rank: int = 1
    activation: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class UnidirectionalLstm:
    """Inputs as TensorFlow Lite's UNIDIRECTIONAL_SEQUENCE_LSTM orders them (24); cell and output state are variables.

    ``intermediates``: quantisation of the four gates before their layer normalisation, and of the hidden state (integers only).
    """

    time_major: bool = False
    cell_clip: float = 0.0
    projection_clip: float = 0.0
    intermediates: tuple[Quantization | None, ...] = ()


Operator = (
    Conv2D | DepthwiseConv2D | TransposeConv2D | FullyConnected | Binary | Unary | Pool2D | Reduce | Pad | Concatenation
    | Reshape | Split | Slice | Transpose | ResizeNearest | Softmax | Quantize | Dequantize | BatchMatMul | Svdf
    | UnidirectionalLstm
)  # fmt: skip
