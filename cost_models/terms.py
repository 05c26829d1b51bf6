"""Terms: how often the parts of a kernel run for a layer, worked out from its row of the table.

Each function takes a row (``cost_models.LAYER`` as a record or a named tuple), fills ``out`` and gives the row's kind, its place in
``cost_models.kinds.KINDS``, where the terms have names. They follow the loops of the kernels in kernels_c/src, so that a cost is
a sum of terms with a coefficient each. Plain arithmetic on numbers, since ``cost_models.fast`` compiles the very same source.

Not followed: where in a layer channels lie whose scale does not fit (their share is taken), sizes of caches.
"""

from __future__ import annotations

from cost_models.kinds import (
    ADD, AVERAGE, COPY, DENSE, DENSE_SMALL, DENSE_WIDE, DEPTHWISE_FOURS, DEPTHWISE_PIXEL, DEPTHWISE_PLAIN, DEPTHWISE_TAPS,
    FOURS, GATHERED, MAXIMUM, OCTETS, PAD, PLAIN, QUADS, REDUCE, REST, SOFTMAX, TILES_1, TILES_2,
    TRANSPOSED,
)  # fmt: skip
from cost_models.operators import CODES, OPERATORS

WEIGHTS_BYTES, OCTET_CHANNELS, PAIRS_BYTES, PAIR, FOUR_CHANNELS = 5120, 64, 2048, 40, 64
"""Scratch memory for weights, and the structures beside them (nn_convolve_octets.c, _quads.c, _fours.c)."""
TAPS_BYTES, TAPS_CHANNELS, STRIPS_BYTES, FEW_OUTPUTS = 1536, 64, 4096, 16
"""The same of nn_depthwise_dsp.c, and of nn_depthwise_tiling.h."""
(
    CONVOLUTION, DEPTHWISE, TRANSPOSED_CONVOLUTION, FULLY_CONNECTED, PRODUCT, FIRST_BINARY, LAST_BINARY, AVERAGE_POOL,
    MAXIMUM_POOL, FIRST_REDUCE, LAST_REDUCE, PADDING, FIRST_MOVE, LAST_MOVE, VIEW, RESIZING, SOFT_MAXIMUM,
) = (
    CODES[name] for name in (
        "Conv2D", "DepthwiseConv2D", "TransposeConv2D", "FullyConnected", "BatchMatMul", "Binary add", "Binary maximum",
        "Pool2D average", "Pool2D max", "Reduce mean", "Reduce min", "Pad", "Concatenation", "Transpose", "Reshape",
        "ResizeNearest", "Softmax",
    )
)  # fmt: skip
OPERATOR_COUNT = len(OPERATORS)
LONG_ROW = 128
"""Bytes of a row from which on padding writes edges alone (mcusim/deploy/rules/shaping.py)."""
FOURS_PAY = 12
"""Rows that pay for spread inputs (FOURS of nn_dense.c)."""


def parts(whole, size):
    """How many of ``size`` cover ``whole``."""
    return (whole + size - 1) // size


def axis(count, size, kernel, stride, dilation, before):
    """Along one axis, of ``count`` outputs whose window may stick out of ``size`` inputs, ``before`` of them in front.

    Outputs that stick out in front, and behind; taps inside, summed over the outputs; stretches of outputs whose taps inside are
    the same, their taps summed, and those of odd length.
    """
    reach = (kernel - 1) * dilation + 1
    front = min(parts(before, stride), count)
    inside_end = max((size - reach + before) // stride + 1, front) if size - reach + before >= 0 else front
    inside_end = min(inside_end, count)
    inside = inside_end - front
    taps = inside * kernel
    stretches = 1 if inside else 0
    stretch_taps = kernel if inside else 0
    odd = inside % 2
    for behind in range(2):
        begin, end = (inside_end, count) if behind else (0, front)
        last_first = last_end = -1
        length = 0
        for place in range(begin, end):
            origin = place * stride - before
            first = 0 if origin >= 0 else min(parts(-origin, dilation), kernel)
            last = max(min(parts(max(size - origin, 0), dilation), kernel), first)
            taps += last - first
            if first != last_first or last != last_end:
                stretches += 1
                stretch_taps += last - first
                odd += length % 2
                length = 0
            length += 1
            last_first, last_end = first, last
        odd += length % 2
    return front, count - inside_end, taps, stretches, stretch_taps, odd


def convolution(row, dsp, out):
    """Conv2D of int8."""
    flat = (
        row.kernel_height * row.kernel_width == 1 and row.stride_height * row.stride_width == 1
        and row.input_height == row.output_height and row.input_width == row.output_width
    )  # fmt: skip
    height = 1 if flat and dsp else row.output_height
    width = row.output_height * row.output_width if flat and dsp else row.output_width
    in_height = 1 if flat and dsp else row.input_height
    in_width = row.input_height * row.input_width if flat and dsp else row.input_width
    top, bottom, taps_down, down, taps_of_down, odd_down = axis(
        height, in_height, row.kernel_height, row.stride_height, row.dilation_height, row.padding_top
    )  # fmt: skip
    left, right, taps_across, across, taps_of_across, odd_across = axis(
        width, in_width, row.kernel_width, row.stride_width, row.dilation_width, row.padding_left
    )  # fmt: skip
    groups = row.groups
    depth, outputs = row.input_channels // groups, row.output_channels // groups
    taps = row.kernel_height * row.kernel_width
    window, pixels = taps * depth, height * width
    inside = (height - top - bottom) * (width - left - right)
    taps_inside = taps_down * taps_across
    stretches = groups == 1 and (row.dilation_width == 1 or row.kernel_width == 1)
    in_place = dsp and stretches and depth % 4 == 0
    column = parts(window, 4) * 4
    unfit, constant = row.unfit_channels, row.constant_channels
    structure = OCTET_CHANNELS if dsp else FOUR_CHANNELS
    at_once = max(min(WEIGHTS_BYTES // (8 * column + structure), parts(row.output_channels, 4)), 1)
    enough = 2 if taps == 1 else 4
    pays = row.output_channels >= 4 and at_once >= min(enough, parts(row.output_channels, 4))
    if in_place and (not pays or unfit > 0):
        out[17] = row.clamps * pixels * row.output_channels
        return _quads(
            row, out, pixels, taps_inside, taps_down, taps_across, down, across, taps_of_down * taps_of_across, odd_down, odd_across, height
        )
    blocks = parts(outputs, 4 * at_once)
    share = 1 - (1 - 1 / (blocks * groups)) ** row.unfit_fours if unfit else 0.0
    if outputs < 4:
        share = 1.0
    plain = share * row.output_channels
    out[12] = plain * pixels
    out[13] = plain * taps_down * width
    out[14] = plain * taps_inside
    out[15] = plain * taps_inside * (depth // 4)
    out[16] = plain * taps_inside * (depth % 4)
    out[17] = row.clamps * pixels * row.output_channels if dsp else 0
    out[0] = 1
    out[30] = row.weight_bytes
    if share == 1.0:
        out[18] = out[15] * (depth % 4 > 0)
        out[19] = pixels
        return PLAIN
    size = parts(parts(outputs, blocks), 4) * 4
    whole, last = size // 4, outputs - (blocks - 1) * size
    fours = groups * ((blocks - 1) * whole + parts(last, 4)) * (1 - share)
    rests = groups * ((last % 4 > 0) + 0) * (1 - share)
    blocks = blocks * groups * (1 - share)
    words = column // 4
    out[1] = fours
    out[2] = fours * words
    if dsp:
        pairs = parts(pixels, 2)
        out[3] = blocks * pixels
        out[4] = blocks * pairs
        out[5] = blocks * pairs * words
        out[6] = pairs * fours
        out[7] = pairs * fours * words
        out[8] = pairs * fours * parts(words, 2)
        out[9] = pairs * rests
        out[10] = pairs * (blocks if last >= 4 else blocks - groups)
        out[11] = blocks * height
    else:
        out[3] = blocks * pixels
        out[4] = blocks * pixels * row.kernel_height
        out[5] = pixels * fours
        out[6] = pixels * fours * words
        aligned = 1.0 if depth % 4 == 0 and stretches else 0.5 if depth % 2 == 0 else 0.25
        runs = taps_down * (width if stretches else taps_across)
        out[7] = blocks * taps_inside * depth * aligned
        out[8] = blocks * taps_inside * depth * (1 - aligned)
        out[9] = blocks * (pixels * taps - taps_inside) * depth
        out[10] = blocks * runs
        out[11] = fours * (column - window)
        return FOURS
    edge = pixels - inside
    if in_place:
        out[18] = blocks * pairs * row.kernel_height
        touched = _pairs_at_edges(height - top - bottom, width, left, right, pixels - (height - top - bottom) * width)
        out[19] = blocks * touched
        out[20] = blocks * touched * words
        out[21] = blocks * touched * row.kernel_height
        out[22] = out[18] * (row.kernel_width * depth // 4 % 2)
        return OCTETS
    run = row.kernel_width * depth
    within = inside if stretches else 0
    edge = pixels - within
    out[18] = blocks * within
    out[19] = blocks * within * row.kernel_height
    out[20] = blocks * within * row.kernel_height * (run // 4)
    out[21] = blocks * within * row.kernel_height * (run % 4)
    out[22] = blocks * edge
    out[23] = blocks * edge * words
    edge_taps = taps_inside - within * taps
    if stretches:
        out[24] = blocks * edge_taps / max(row.kernel_width, 1)
        out[25] = blocks * edge_taps * depth / 4
    else:
        out[26] = blocks * edge_taps
        out[27] = blocks * edge_taps * (depth // 4)
        out[28] = blocks * edge_taps * (depth % 4)
    out[29] = out[20] * (run % 4 > 0)
    return GATHERED


def _pairs_at_edges(inner, width, left, right, others):
    """Pairs of neighbouring outputs, row after row, with at least one at an edge; ``others``: outputs of rows all at an edge."""
    if width % 2 == 0:
        each = parts(left, 2) + parts(right, 2)
        return inner * min(each, width // 2) + others / 2
    each = (parts(left, 2) + parts(right, 2) + parts(left + right, 2)) / 2
    return inner * min(each, width / 2) + others / 2


def _quads(row, out, pixels, taps_inside, taps_down, taps_across, down, across, stretch_taps, odd_down, odd_across, height):
    depth, taps = row.input_channels, row.kernel_height * row.kernel_width
    constant = row.constant_channels
    plain = row.unfit_channels - constant
    pairs = parts(row.output_channels - row.unfit_channels, 2)
    at_once = max(min(PAIRS_BYTES // (4 * taps * depth + 8 * taps + PAIR), parts(row.output_channels, 2)), 1)
    rectangles = down * across
    words = depth // 4
    out[0] = 1
    out[1] = pairs
    out[2] = pairs * taps
    out[3] = pairs * taps * words
    out[4] = parts(pairs, at_once) * rectangles
    out[5] = pairs * rectangles
    out[6] = pairs * stretch_taps
    out[7] = pairs * height * across
    out[30] = row.weight_bytes
    odd = odd_down * odd_across
    quads = (pixels + odd) / 2
    rows = taps_down / height
    run = taps_across * height / pixels * words
    loops = run / (row.kernel_width * words) * parts(row.kernel_width * words, 4)
    out[8] = pairs * quads
    out[9] = pairs * odd
    out[10] = pairs * quads * rows
    out[11] = pairs * taps_inside * words / 2
    out[18] = pairs * quads * rows * loops
    out[19] = pairs * odd * rows * run
    out[23] = pairs * height * odd_across
    out[20] = row.output_channels
    out[21] = constant
    out[22] = constant * pixels
    out[12] = plain * pixels
    out[13] = plain * taps_down * pixels / height
    out[14] = plain * taps_inside
    out[15] = plain * taps_inside * words
    return QUADS


def depthwise(row, dsp, out):
    """DepthwiseConv2D of int8."""
    turn = dsp and row.output_channels == row.input_channels >= 4 and row.input_width == 1 and row.kernel_width == 1 and row.output_width == 1 and row.padding_left == 0
    if turn:
        height, width, kernel_height, kernel_width = 1, row.output_height, 1, row.kernel_height
        _, _, taps_down, _, _, _ = 0, 0, 1, 1, 1, 0
        left, right, taps_across, _, _, _ = axis(
            width, row.input_height, kernel_width, row.stride_height, row.dilation_height, row.padding_top
        )  # fmt: skip
    else:
        height, width, kernel_height, kernel_width = row.output_height, row.output_width, row.kernel_height, row.kernel_width
        _, _, taps_down, _, _, _ = axis(
            height, row.input_height, kernel_height, row.stride_height, row.dilation_height, row.padding_top
        )  # fmt: skip
        left, right, taps_across, _, _, _ = axis(
            width, row.input_width, kernel_width, row.stride_width, row.dilation_width, row.padding_left
        )  # fmt: skip
    channels, pixels, taps = row.output_channels, height * width, kernel_height * kernel_width
    out[30] = row.weight_bytes
    taps_inside = taps_down * taps_across
    out[0] = 1
    if row.output_channels != row.input_channels or channels < 4:
        return _depthwise_plain(out, channels, pixels, taps_down * width, taps_inside)
    groups = parts(channels, 4)
    if not dsp:
        out[1] = height
        out[2] = pixels
        out[3] = pixels * groups
        out[4] = groups * taps_down * width
        out[5] = groups * taps_inside
        out[6] = row.unfit_channels * pixels
        return DEPTHWISE_FOURS
    out[1] = row.clamps * pixels * channels
    strips_rows = height + 2 if row.stride_height == 1 else 2 * height + 1
    tiles = (
        kernel_height == 3 and kernel_width == 3 and row.dilation_height == 1 and row.dilation_width == 1
        and row.stride_height == row.stride_width and row.stride_height <= 2 and height >= 2
        and row.padding_top <= strips_rows <= row.input_height + 2 and pixels > FEW_OUTPUTS
    )  # fmt: skip
    at_once = 1 if tiles else max(min(TAPS_BYTES // (8 * taps + TAPS_CHANNELS), groups), 1)
    blocks = parts(groups, at_once) if channels % 4 == 0 else parts(channels // 4, at_once) + 1
    share = min(row.unfit_fours / groups, 1.0) if at_once == 1 else 1 - (1 - 1 / blocks) ** row.unfit_fours
    plain = share * channels
    out[2] = plain * pixels
    out[3] = plain * taps_down * width
    out[4] = plain * taps_inside
    if share == 1.0:
        return _depthwise_plain(out, channels, pixels, taps_down * width, taps_inside)
    groups = groups * (1 - share)
    blocks = blocks * (1 - share)
    out[5] = groups
    if tiles:
        across = 2 if row.stride_height == 1 else 1
        strips = parts(width, across)
        room = max(min(STRIPS_BYTES // (16 * (row.input_height + 2)), (row.input_width + 2) // 2 + 1), 2) - 1
        walks = parts(strips, room)
        half = width % across
        out[6] = groups * walks
        out[7] = groups * (strips + 1)
        out[8] = groups * (strips + 1) * strips_rows
        out[9] = groups * (strips - half)
        out[10] = groups * (strips - half) * parts(height, 2)
        out[11] = groups * half
        out[12] = groups * half * parts(height, 2)
        out[13] = groups * (height % 2) * strips
        out[14] = groups * (walks - 1) * strips_rows
        return TILES_1 if row.stride_height == 1 else TILES_2
    if pixels == 1:
        out[6] = groups * taps_down
        out[7] = groups * taps_inside
        return DEPTHWISE_PIXEL
    edge = left + right
    inner = width - edge
    size = min(at_once, groups)
    out[6] = groups * taps
    out[7] = blocks * height
    out[8] = blocks * height * (edge + (1 if inner else 0))
    calls = edge + (inner if inner < size else size)
    out[9] = blocks * height * calls
    out[10] = groups * pixels
    out[11] = groups * taps_down * width
    out[12] = groups * taps_inside
    return DEPTHWISE_TAPS


def _depthwise_plain(out, channels, pixels, rows, taps):
    out[1] = 0
    out[2] = channels * pixels
    out[3] = channels * rows
    out[4] = channels * taps
    out[5] = pixels
    return DEPTHWISE_PLAIN


def transposed(row, dsp, out):
    """TransposeConv2D of int8."""
    outputs = row.output_height * row.output_width * row.output_channels
    taps = row.input_height * row.input_width * row.kernel_height * row.kernel_width * row.output_channels
    out[0] = 1
    out[1] = row.output_height * row.output_width
    out[2] = outputs
    out[3] = row.input_height * row.kernel_height * row.output_width * row.output_channels
    out[4] = taps
    out[5] = taps * (row.input_channels // 4)
    out[6] = taps * (row.input_channels % 4)
    out[7] = out[5] * (row.input_channels % 4 > 0)
    return TRANSPOSED


def dense(row, dsp, product, out):
    """FullyConnected and BatchMatMul of int8: vectors times rows."""
    rows = row.output_channels
    vectors = max(row.output_bytes // rows, 1)
    depth = max(row.macs // (vectors * rows), 1)
    product = 1 if product else 0
    out[0] = 1
    out[1] = vectors
    out[18] = product
    out[19] = product * vectors * rows
    out[20] = product * rows * depth
    if not dsp:
        fours = parts(rows, 4) if rows >= 4 else 0
        out[2] = vectors * rows
        out[3] = vectors * fours
        out[4] = vectors * fours * depth
        out[5] = 0 if fours else vectors * rows * depth
        return DENSE_SMALL
    able = rows if depth % 4 == 0 else rows - 1
    shared = 1 if row.scales <= 1 else 0
    fours = able // 4 if able >= FOURS_PAY and shared and row.unfit_channels == 0 else 0
    if product and row.unfit_channels > 0:
        out[2] = vectors * rows
        out[21] = vectors * rows * depth
        return DENSE_WIDE
    left = rows - 4 * fours
    words = parts(depth, 4)
    out[2] = vectors * rows * (shared + 0)
    out[3] = vectors * fours
    out[4] = vectors * fours * words
    out[5] = vectors * fours * parts(words, 4)
    out[6] = vectors * words * (fours > 0)
    out[7] = vectors * (left // 2)
    out[8] = vectors * (left // 2) * (depth // 8)
    out[9] = vectors * (left // 2) * (depth % 8)
    out[10] = vectors * (left % 2)
    out[11] = vectors * (left % 2) * (depth // 4)
    out[12] = vectors * (left % 2) * (depth % 4)
    out[13] = vectors * left * (1 - shared)
    out[22] = vectors * (left // 2) * (depth >= 8)
    out[14] = vectors * 4 * fours * row.clamps
    out[15] = vectors * (left // 2) * (depth // 8) * (depth % 4 > 0)
    out[16] = vectors * fours * words * (depth % 4 > 0)
    out[17] = vectors * rows * (row.unfit_channels > 0)
    out[30] = row.weight_bytes
    return DENSE if fours else DENSE_WIDE


def pool(row, dsp, average, out):
    """Pool2D of int8."""
    _, _, taps_down, _, _, _ = axis(row.output_height, row.input_height, row.kernel_height, row.stride_height, 1, row.padding_top)
    _, _, taps_across, _, _, _ = axis(row.output_width, row.input_width, row.kernel_width, row.stride_width, 1, row.padding_left)
    pixels, channels = row.output_height * row.output_width, row.output_channels
    windows_rows, taps = taps_down * row.output_width, taps_down * taps_across
    if row.kernel_width >= row.input_width:
        windows_rows = pixels
    wide = 4 if dsp else 1
    eights = channels // 8 if dsp and not average else 0
    fours = (channels - 8 * eights) // 4 if dsp else 0
    ones = channels - 8 * eights - 4 * fours
    several = 4 if average else 2
    out[0] = 1
    out[1] = pixels
    out[2] = pixels * fours
    out[3] = windows_rows * fours
    out[4] = taps * fours
    out[5] = windows_rows * fours * (row.kernel_width % several)
    out[6] = pixels * ones
    out[7] = windows_rows * ones
    out[8] = taps * ones
    out[9] = pixels * eights
    out[10] = windows_rows * eights
    out[11] = taps * eights
    out[12] = pixels * channels * (row.kernel_height * row.kernel_width > 361)
    out[13] = row.clamps * pixels * (channels // wide)
    return AVERAGE if average else MAXIMUM


def reduce(row, dsp, out):
    """Reduce of int8, along rows and columns or along channels."""
    outputs, inputs = row.output_bytes, row.input_bytes
    kept, calls = row.output_channels, 1
    if row.output_channels != row.input_channels:
        kept, calls = 1, outputs
    elif row.output_width != row.input_width and row.output_height == row.input_height:
        calls = row.output_height
    elif row.output_width == row.input_width:
        kept = row.output_width * row.output_channels * (row.output_height if row.output_height == row.input_height else 1)
    fours = kept // 4 if dsp else 0
    ones = kept - 4 * fours
    window = inputs / outputs
    out[0] = 1
    out[1] = calls
    out[2] = calls * fours
    out[3] = calls * fours * window
    out[4] = calls * ones
    out[5] = calls * ones * window
    out[6] = calls * fours * window * (window > 256)
    return REDUCE


def binary(row, dsp, out):
    """Binary of int8."""
    elements = row.output_bytes
    second = row.input_bytes - elements
    if row.weight_bytes > 0:
        second = row.weight_bytes
    rows, length = 1, elements
    if 1 < second < elements:
        rows, length = elements // row.output_channels, row.output_channels
    if second == row.output_channels == 1:
        rows, length = 1, elements
    fours = length // 4 if dsp else 0
    out[0] = 1
    out[1] = rows
    out[2] = rows * fours
    out[3] = rows * (length - 4 * fours)
    out[4] = rows * fours * row.clamps
    return ADD


def softmax(row, out):
    """Softmax of int8."""
    rows = row.output_bytes // row.output_channels
    out[0] = 1
    out[1] = rows
    out[2] = row.output_bytes - rows
    out[3] = rows * max(row.output_channels - 64, 0)
    return SOFTMAX


def padding(row, out):
    """Pad of int8: rows and their edges where rows are long, else the value everywhere and then the input."""
    run = max(row.run_bytes, 1)
    runs = row.input_bytes / run
    out[0] = 1
    if row.input_width * row.input_channels >= LONG_ROW:
        out[1] = row.input_height
        out[2] = row.input_bytes / 16
        out[3] = row.output_bytes - row.input_bytes
        out[4] = row.output_height - row.input_height
    else:
        out[5] = runs
        out[6] = runs * (run // 4)
        out[7] = runs * (run % 4)
        out[8] = row.output_bytes / 4
    return PAD


def moved(row, out):
    """What moves elements."""
    run = max(row.run_bytes, 1)
    runs = row.output_bytes / run
    long = run >= 16
    out[0] = 1
    out[1] = runs
    out[2] = runs * (run // 16)
    out[3] = runs * (run % 16 // 4)
    out[4] = runs * (run % 4)
    out[5] = runs * long
    out[6] = row.output_height
    out[7] = row.output_height * row.output_width
    out[8] = row.input_bytes / 4
    out[9] = row.output_bytes / 4
    return COPY


def sized(row, out):
    """Everything else: by element."""
    out[0] = 1
    out[1] = row.output_bytes
    out[2] = row.input_bytes
    out[3] = row.macs
    out[4] = row.weight_bytes
    out[5] = row.output_height * row.output_width * row.output_channels
    out[6] = row.output_bytes * row.scales if row.weight_bytes == 0 else 0
    return REST


def terms(row, dsp, out):
    """The kind of a row, and its terms in ``out``, an array of zeros. REST counts from there on, a kind for each operator."""
    operator = row.operator
    if row.element_bytes == 1:
        if operator == CONVOLUTION:
            return convolution(row, dsp, out)
        if operator == DEPTHWISE:
            return depthwise(row, dsp, out)
        if operator == TRANSPOSED_CONVOLUTION:
            return transposed(row, dsp, out)
        if operator == FULLY_CONNECTED or operator == PRODUCT:
            return dense(row, dsp, operator == PRODUCT, out)
        if FIRST_BINARY <= operator <= LAST_BINARY:
            return binary(row, dsp, out) + min(operator - FIRST_BINARY, 3)
        if operator == AVERAGE_POOL or operator == MAXIMUM_POOL:
            return pool(row, dsp, operator == AVERAGE_POOL, out)
        if FIRST_REDUCE <= operator <= LAST_REDUCE:
            return reduce(row, dsp, out) + (1 if operator >= FIRST_REDUCE + 2 else 0)
        if operator == PADDING:
            return padding(row, out)
        if operator != VIEW and FIRST_MOVE <= operator <= LAST_MOVE:
            return moved(row, out)
        if operator == RESIZING:
            return moved(row, out) + 1
        if operator == SOFT_MAXIMUM:
            return softmax(row, out)
    size = 0 if row.element_bytes == 1 else 1 if row.element_bytes == 2 else 2 if row.element_bytes == 4 else 3
    return sized(row, out) + operator + OPERATOR_COUNT * size
