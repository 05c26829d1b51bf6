"""Kernels: how much scratch memory they take and how far behind their reading they write, by the row of a layer.

Twins of the ``..._get_buffer_size`` functions of kernels_c and of ``nn_walks.c``, named after the C that they follow; a test
holds them to what the compiled ones answer. Like ``packing``, they run as they stand and compiled. A row is one of LAYER, a
step one of STEP, of single numbers. ``dsp``: whether the core has the DSP extension.
"""

from __future__ import annotations

from typing import Any

from cost_models.layers import CODES
from cost_models.packing import NONE, Numbers, numbers

CONV, DEPTHWISE, DENSE, PRODUCT = (CODES[name] for name in ("Conv2D", "DepthwiseConv2D", "FullyConnected", "BatchMatMul"))
AVERAGE_POOL, MAX_POOL, PAD = (CODES[name] for name in ("Pool2D average", "Pool2D max", "Pad"))

GROUP = 4
"""Channels that are calculated at once."""

WEIGHTS_BYTES, PAIRS_BYTES, TAPS_BYTES, STRIPS_BYTES = 5120, 2048, 1536, 4096
"""Of nn_convolve_octets.c and nn_convolve_fours.c, nn_convolve_quads.c, nn_depthwise_dsp.c, nn_depthwise_tiling.h."""

CHANNELS_BYTES, PAIR_BYTES, NARROW_BYTES = 64, 44, 48
"""Sizes of nn_octet_channels, nn_taps_channels and channels; of nn_pair; of nn_narrow_channels."""

STRIP_ROW_BYTES, FEW_OUTPUTS, LONG_ROW = 16, 16, 128
"""Of nn_depthwise_tiles.h, nn_depthwise_tiling.h and mcusim.deploy.rules.shaping."""

FLOAT_BYTES = 4
"""Of an element of float32."""

NEVER = -(1 << 60)
"""Below any distance."""

NO_WALK, UNBUFFERED, BUFFERED, PLANES = range(4)
"""Promises of nn_walks.h."""


def round_up(value: int, multiple: int) -> int:
    """The first multiple at or above ``value``."""
    return (value + multiple - 1) // multiple * multiple


def at_once(room: int, size: int, wanted: int) -> int:
    """How many parts of ``size`` bytes are in scratch memory at once; one at least."""
    return max(min(room // size, wanted), 1)


def filter_size(row: Any) -> int:
    """Weights of one output channel."""
    return row.kernel_height * row.kernel_width * (row.input_channels // max(row.groups, 1))


def quads_of(channels: int) -> int:
    """Groups of channels."""
    return (channels + GROUP - 1) // GROUP


# --- scratch memory ---


def scratch_bytes(row: Any, step: Any, dsp: bool) -> int:
    """Bytes of scratch memory of a layer; kernels of float32 take none."""
    code, wide = row.operator, row.element_bytes == 2
    size = 0
    if row.element_bytes == FLOAT_BYTES:
        size = 0
    elif code == CONV:
        size = convolve_s16_scratch(row, dsp) if wide else convolve_scratch(row, dsp)
    elif code == DEPTHWISE and row.output_channels == row.input_channels and dsp:
        size = depthwise_scratch(row, step, wide)
    elif code in (DENSE, PRODUCT) and dsp and not wide:
        size = dense_scratch(row.macs // max(row.output_bytes, 1))
    return int(step.scratch_bytes + size)


def dense_scratch(depth: int) -> int:
    """nn_dense_scratch."""
    return (depth + 3) // 4 * 8


def convolve_scratch(row: Any, dsp: bool) -> int:
    """arm_convolve_wrapper_s8_get_buffer_size."""
    column = round_up(filter_size(row), 4)
    groups = groups_in_scratch(row)
    if not dsp:
        return groups * group_bytes(row) + 4 * column
    quads = quads_scratch(row) if goes_in_place(row) else 0
    if goes_in_place(row) and not octets_pay(row):
        return quads
    return max(groups * group_bytes(row) + (4 + queue_of(row)) * column, quads)


def group_bytes(row: Any) -> int:
    """Of nn_convolve_octets.c and nn_convolve_fours.c."""
    return 2 * GROUP * round_up(filter_size(row), 4) + CHANNELS_BYTES


def groups_in_scratch(row: Any) -> int:
    """groups_at_once of the same."""
    return at_once(WEIGHTS_BYTES, group_bytes(row), quads_of(row.output_channels))


def queue_of(row: Any) -> int:
    """Pixels that are gathered before they are multiplied."""
    return 8 if round_up(filter_size(row), 4) <= 64 else 2


def octets_pay(row: Any) -> bool:
    """nn_convolve_octets_pay."""
    enough = 2 if row.kernel_height * row.kernel_width == 1 else 4
    return row.output_channels >= GROUP and groups_in_scratch(row) >= min(enough, quads_of(row.output_channels))


def goes_in_place(row: Any) -> bool:
    """nn_goes_in_place."""
    return row.groups == 1 and row.input_channels % 4 == 0 and (row.dilation_width == 1 or row.kernel_width == 1)


def quads_scratch(row: Any) -> int:
    """nn_convolve_quads_scratch."""
    size = 4 * filter_size(row) + 8 * row.kernel_height * row.kernel_width + PAIR_BYTES
    return at_once(PAIRS_BYTES, size, (row.output_channels + 1) // 2) * size


def convolve_s16_scratch(row: Any, dsp: bool) -> int:
    """nn_convolve_s16_scratch."""
    column = round_up(filter_size(row), 2)
    size = NARROW_BYTES + (2 * GROUP * column if dsp else 0)
    return at_once(WEIGHTS_BYTES, size, quads_of(row.output_channels)) * size + (4 if dsp else 2) * round_up(column, 2)


def depthwise_scratch(row: Any, step: Any, wide: bool) -> int:
    """nn_depthwise_dsp_scratch, nn_depthwise_s16_scratch."""
    three = row.kernel_height == 3 and row.kernel_width == 3
    strips = strips_in_scratch(row, step) * strip_bytes(row, step) if three else 0
    return strips if wide else max(strips, taps_in_scratch(row) * taps_bytes(row))


def strip_bytes(row: Any, step: Any) -> int:
    """nn_strip_bytes."""
    return (row.input_height // max(step.batches, 1) + 2) * STRIP_ROW_BYTES


def strips_in_scratch(row: Any, step: Any) -> int:
    """nn_strips_at_once."""
    return max(min(STRIPS_BYTES // strip_bytes(row, step), (row.input_width + 2) // 2 + 1), 2)


def taps_bytes(row: Any) -> int:
    """Of a group of channels in nn_depthwise_dsp.c."""
    return 2 * GROUP * row.kernel_height * row.kernel_width + CHANNELS_BYTES


def taps_in_scratch(row: Any) -> int:
    """groups_at_once of nn_depthwise_dsp.c."""
    return at_once(TAPS_BYTES, taps_bytes(row), quads_of(row.output_channels))


# --- walks ---


def walk(row: Any, step: Any, dsp: bool) -> tuple[int, int]:
    """What the kernel of a layer promises, and of how many pixels (mcusim.deploy.promises)."""
    code = row.operator
    if row.element_bytes == 1:
        if code == CONV:
            return convolve_walk(row, step, dsp)
        if code == DEPTHWISE:
            return depthwise_walk(row, step, dsp)
        if code in (AVERAGE_POOL, MAX_POOL):
            return UNBUFFERED, 1
        if code == PAD and not step.odd and row.input_width * row.input_channels >= LONG_ROW:
            return UNBUFFERED, 1
    return NO_WALK, 0


def convolve_walk(row: Any, step: Any, dsp: bool) -> tuple[int, int]:
    """nn_convolve_walk."""
    in_place = dsp and goes_in_place(row)
    if in_place and (step.odd or not octets_pay(row)):
        return NO_WALK, 0
    if row.output_channels < GROUP * row.groups:
        return UNBUFFERED, 1
    if row.groups != 1 or GROUP * groups_in_scratch(row) < row.output_channels:
        return NO_WALK, 0
    if not dsp or step.odd:
        return UNBUFFERED, 1
    return BUFFERED, 2 if in_place else queue_of(row)


def depthwise_walk(row: Any, step: Any, dsp: bool) -> tuple[int, int]:
    """nn_depthwise_walk."""
    channels = row.output_channels
    if not dsp or channels != row.input_channels or channels < GROUP:
        return UNBUFFERED, 1
    if channels % GROUP != 0 or step.odd or row.input_width == 1:
        return NO_WALK, 0
    if tiles_serve(row, step):
        return PLANES if tiles_walk(row, step) else NO_WALK, 0
    return (UNBUFFERED, row.output_width) if channels <= GROUP * taps_in_scratch(row) else (NO_WALK, 0)


def tiles_serve(row: Any, step: Any) -> bool:
    """nn_tiles_serve."""
    batches, stride = max(step.batches, 1), row.stride_height
    height, rows = row.output_height // batches, row.input_height // batches + 2
    wanted = height + 2 if stride == 1 else 2 * height + 1
    return (
        row.kernel_height == 3 and row.kernel_width == 3 and row.dilation_height == 1 and row.dilation_width == 1
        and stride == row.stride_width and stride <= 2 and height >= 2 and row.padding_top <= wanted
        and wanted <= rows and height * row.output_width > FEW_OUTPUTS
    )  # fmt: skip


def tiles_walk(row: Any, step: Any) -> bool:
    """tiles_walk of nn_depthwise_dsp.c."""
    across, same_height = 2 if row.stride_height == 1 else 1, row.input_height == row.output_height
    same_width, alone = row.input_width == row.output_width, step.batches <= 1
    if (row.output_width + across - 1) // across <= strips_in_scratch(row, step) - 1:
        return alone or (same_height and same_width)
    return row.stride_width == 1 and same_width and row.padding_left < 3 and (alone or same_height)


def distance_bytes(row: Any, step: Any, pixels: int, buffered: bool) -> int:
    """How far below its input the output of a windowed layer of int8 has to start (mcusim.deploy.walks.distance_bytes).

    Pixel i of the output is written when ``pixels`` after it are, or when the windows from it on are still read where buffered;
    that happens at multiples of ``pixels`` only. What is still read then begins in the window's own row, further right, or in a
    later row: so the worst pixel is that of the worst row and the worst column, of those that multiples of ``pixels`` fall on.
    """
    width, outputs = row.output_width, row.output_channels
    ahead = 0 if buffered else pixels
    if goes_straight(row):
        last = (row.output_height * width - 1) // pixels * pixels
        return max(ahead * outputs + max(last * (outputs - row.input_channels), 0), 0)
    columns, worst = numbers(width + 1), numbers(min(pixels, width))
    columns[width] = NONE
    for x in range(len(worst)):
        worst[x] = NEVER
    for x in range(width - 1, -1, -1):
        low = first_read(x * row.stride_width - row.padding_left, row.kernel_width, row.dilation_width, row.input_width)
        columns[x] = lower(low, columns[x + 1])
        if columns[x] != NONE:
            worst[x % pixels] = max(worst[x % pixels], x * outputs - columns[x] * row.input_channels)
    return 0 if columns[0] == NONE else furthest(row, step, pixels, ahead, columns[0], worst)


def goes_straight(row: Any) -> bool:
    """Whether each pixel of the output is of the pixel of the input at its place."""
    return (
        row.kernel_height * row.kernel_width * row.stride_height * row.stride_width == 1
        and row.output_height == row.input_height and row.output_width == row.input_width
        and row.padding_top == 0 and row.padding_left == 0
    )  # fmt: skip


def furthest(row: Any, step: Any, pixels: int, ahead: int, column: int, worst: Numbers) -> int:
    """The distance, from the worst pixel of a row, by its place among ``pixels``, and the first column that is read."""
    width, outputs, line = row.output_width, row.output_channels, row.input_width * row.input_channels
    batches, found, later = max(step.batches, 1), 0, NONE
    height, size = row.output_height // batches, row.input_height // batches
    for y in range(row.output_height - 1, -1, -1):
        batch, inside = y // height, y % height
        low = first_read(inside * row.stride_height - row.padding_top, row.kernel_height, row.dilation_height, size)
        first = -y * width % pixels
        if first < width:
            if later != NONE:
                last = y * width + first + (width - 1 - first) // pixels * pixels
                found = max(found, (last + ahead) * outputs - later * line - column * row.input_channels)
            if low != NONE:
                found = max(found, (y * width + ahead) * outputs - (batch * size + low) * line + worst[first])
        if low != NONE:
            later = lower(batch * size + low, later)
    return found


def first_read(origin: int, taps: int, dilation: int, size: int) -> int:
    """The lowest index inside the input that a window reads along one axis, NONE where it reads none."""
    skipped = (-origin + dilation - 1) // dilation if origin < 0 else 0
    place = origin + skipped * dilation
    return place if skipped < taps and place < size else NONE


def lower(one: int, other: int) -> int:
    """The lower one of two that may be NONE."""
    if one == NONE or other == NONE:
        return max(one, other)
    return min(one, other)
