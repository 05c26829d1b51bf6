"""Scratch memory of kernels, in bytes: what their ``..._get_buffer_size`` functions answer on the target.

The generated firmware can ask the functions themselves and compare (``NETWORK_CHECK``); a test does so for every model.
"""

from __future__ import annotations

from mcusim.deploy.rules.subject import Subject
from mcusim.network import Tensor


def convolution(subject: Subject) -> int:
    """``arm_convolve_wrapper_s8_get_buffer_size``: two columns of the filter's size as 16-bit words, none for 1x1."""
    weights, operator = subject.input(1), subject.operator
    pointwise = weights.shape[1:3] == (1, 1) and operator.dilation == (1, 1)
    if pointwise and not any((operator.padding.top, operator.padding.left)) and weights.shape[3] == subject.input().shape[3]:
        return 0
    return 4 * align4(weights.shape[1] * weights.shape[2] * subject.input().shape[3])


def depthwise(subject: Subject) -> int:
    """``arm_depthwise_conv_wrapper_s8_get_buffer_size``."""
    weights, operator, source = subject.input(1), subject.operator, subject.input()
    same_channels = source.shape[3] == weights.shape[3] and source.shape[0] == 1
    if not (same_channels and operator.dilation == (1, 1)) or not subject.kernels.dsp:
        return 0
    if weights.shape[1:3] == (3, 3) and operator.padding.top <= 1 and operator.padding.left <= 1:
        return 0
    return 2 * source.shape[3] * weights.shape[1] * weights.shape[2]


def average_pool(subject: Subject, source: Tensor) -> int:
    """``arm_avgpool_s8_get_buffer_size``: sums of a pixel's channels."""
    return 4 * source.shape[3] if subject.kernels.dsp else 0


def align4(value: int) -> int:
    """The next multiple of 4."""
    return value + -value % 4
