"""Scratch memory of kernels, in bytes: what their ``..._get_buffer_size`` functions answer on the target.

The generated firmware can ask the functions themselves and compare (``NETWORK_CHECK``): tests do so for our kernels, and
firmware with CMSIS-NN always does, since its sizes may change from one release to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from math import prod

from kernels_c import source
from mcusim.deploy.kernels import KernelError
from mcusim.deploy.rules.subject import Subject

QUADS, DEPTHWISE = "src/nn_convolve_quads.c", "src/nn_depthwise_dsp.c"
PAIR_BYTES = 40
"""sizeof(struct nn_pair) of kernels_c/include/nn_quads.h."""


def scratch_bytes(subject: Subject, function: str) -> int:
    """Bytes that a kernel wants for a layer; 0 for kernels that want none, and where it is not known."""
    rule = (OWN if subject.kernels.own else CMSIS_NN).get(function)
    return rule(subject) if rule is not None else 0


def quads(subject: Subject) -> int:
    """Ours, with the DSP extension: panels of pairs of channels, and a column of inputs where these do not lie in a row."""
    if not subject.kernels.dsp:
        return 0
    channels, height, width, depth = subject.input(1).shape
    column = align4(height * width * depth)
    gathered_pair = 4 * column + PAIR_BYTES
    in_place_pair = gathered_pair + 8 * height * width
    gathered = pairs_in(macro(QUADS, "GATHERED_BYTES"), gathered_pair, channels) * gathered_pair + 2 * column
    in_place = pairs_in(macro(QUADS, "IN_PLACE_BYTES"), in_place_pair, channels) * in_place_pair
    return gathered if gathered > in_place or depth % 4 else in_place


def strips(subject: Subject) -> int:
    """Ours, with the DSP extension, for one output channel an input channel: strips of inputs for 3x3, else a group of taps."""
    source, (_, height, width, _) = subject.input(), subject.input(1).shape
    if not subject.kernels.dsp or subject.operator.multiplier != 1:
        return 0
    if (height, width) != (3, 3):
        return height * width * 2 * macro(DEPTHWISE, "GROUP")
    strip = (source.shape[1] + 2) * macro("include/nn_depthwise_tiles.h", "NN_STRIP_ROW_BYTES")
    room, wanted = macro(DEPTHWISE, "STRIPS_BYTES") // strip, (source.shape[2] + 2) // 2 + 1
    return max(min(room, wanted), 2) * strip


@cache
def macro(file: str, name: str) -> int:
    """The number that a file of kernels_c defines a macro to be: sizes that are tuned there."""
    found = re.search(rf"^#define {name} (\d+)$", source(file).read_text(), re.MULTILINE)
    if found is None:
        raise KernelError(f"kernels_c/{file} does not define {name} as a number")
    return int(found[1])


def pairs_in(room: int, pair: int, channels: int) -> int:
    """Pairs of channels that are in scratch memory at once."""
    return max(min(room // pair, (channels + 1) // 2), 1)


def im2col(subject: Subject) -> int:
    """CMSIS-NN: two columns of the filter's size as 16-bit words, none for 1x1."""
    weights, operator, source = subject.input(1), subject.operator, subject.input()
    pointwise = weights.shape[1:3] == (1, 1) and operator.dilation == (1, 1) and weights.shape[3] == source.shape[3]
    if pointwise and not (operator.padding.top or operator.padding.left):
        return 0
    return 4 * align4(weights.shape[1] * weights.shape[2] * source.shape[3])


def depthwise_window(subject: Subject) -> int:
    """CMSIS-NN: a window of all channels as 16-bit words, unless it is 3x3."""
    weights, operator, source = subject.input(1), subject.operator, subject.input()
    same_channels = source.shape[3] == weights.shape[3] and source.shape[0] == 1
    if not (same_channels and operator.dilation == (1, 1)) or not subject.kernels.dsp:
        return 0
    if weights.shape[1:3] == (3, 3) and operator.padding.top <= 1 and operator.padding.left <= 1:
        return 0
    return 2 * prod(weights.shape[1:3]) * source.shape[3]


def pixel_sums(subject: Subject) -> int:
    """CMSIS-NN: sums of a pixel's channels."""
    return 4 * subject.input().shape[3] if subject.kernels.dsp else 0


def align4(value: int) -> int:
    """The next multiple of 4."""
    return value + -value % 4


Sizes = Mapping[str, Callable[[Subject], int]]

OWN: Sizes = {"arm_convolve_wrapper_s8": quads, "arm_depthwise_conv_wrapper_s8": strips}
CMSIS_NN: Sizes = {
    "arm_convolve_wrapper_s8": im2col,
    "arm_depthwise_conv_wrapper_s8": depthwise_window,
    "arm_avgpool_s8": pixel_sums,
}
