"""Terms: how often the parts of a kernel run for a layer, worked out from its row of the table.

Each function takes a row (``cost_models.LAYER`` as a record or a named tuple), fills ``out``, an array of zeros, and gives the
row's kind, a place in ``cost_models.kinds.KINDS``, where the terms have names. They follow the loops of the kernels in
kernels_c/src, so that a cost is a sum of terms with a coefficient each. Plain arithmetic on numbers, since ``cost_models.fast``
compiles the very same source.

Not followed: where among the channels those lie whose scale does not fit (the share of blocks that they are likely to touch is
taken), which moves of elements the memory plan makes needless, values that data decide, caches.
"""

from __future__ import annotations

from collections import namedtuple
from math import log2

from cost_models.kinds import (
    ADD,
    AGAIN_PLACE,
    AVERAGE,
    COPY,
    DENSE,
    DENSE_SMALL,
    DENSE_WIDE,
    DEPTHWISE_FOURS,
    DEPTHWISE_PIXEL,
    DEPTHWISE_PLAIN,
    DEPTHWISE_TAPS,
    FOOTPRINTS,
    FOURS,
    GATHERED,
    MAXIMUM,
    OCTETS,
    PAD,
    PLAIN,
    QUADS,
    REDUCE,
    RESIZE,
    REST,
    SOFTMAX,
    TILES_1,
    TILES_2,
    TRANSPOSED,
)  # fmt: skip
from cost_models.operators import CODES, OPERATORS

WEIGHTS_BYTES, CHANNELS_BYTES = 5120, 64
"""Scratch memory for weights, and a structure beside each four channels (nn_convolve_octets.c, nn_convolve_fours.c)."""
PAIRS_BYTES, PAIR_BYTES = 2048, 40
"""The same of pairs of channels (nn_convolve_quads.c)."""
TAPS_BYTES = 1536
"""The same of depthwise convolutions (nn_depthwise_dsp.c)."""
STRIPS_BYTES, STRIP_ROW_BYTES, FEW_OUTPUTS = 4096, 16, 16
"""Of their tiles (nn_depthwise_tiling.h)."""
FOURS_PAY = 12
"""Rows that pay for spread inputs (FOURS of nn_dense.c)."""
LONG_ROW = 128
"""Bytes of a row from which on padding writes edges alone (mcusim/deploy/rules/shaping.py)."""
LINE = 32
"""Bytes of a line of a cache."""
KEPT, RECIPROCALS, SUMMED = 64, 361, 256
"""Exponentials kept (nn_softmax.h), divisors with a reciprocal (nn_average.h), sums of a pair (nn_window_sum.h)."""

(
    CONVOLUTION, DEPTHWISE, TRANSPOSED_CONVOLUTION, FULLY_CONNECTED, PRODUCT, FIRST_BINARY, LAST_BINARY, AVERAGE_POOL,
    MAXIMUM_POOL, FIRST_REDUCE, FIRST_EXTREME, LAST_REDUCE, PADDING, FIRST_MOVE, LAST_MOVE, VIEW, RESIZING, SOFT_MAXIMUM,
) = (
    CODES[name] for name in (
        "Conv2D", "DepthwiseConv2D", "TransposeConv2D", "FullyConnected", "BatchMatMul", "Binary add", "Binary maximum",
        "Pool2D average", "Pool2D max", "Reduce mean", "Reduce max", "Reduce min", "Pad", "Concatenation", "Transpose",
        "Reshape", "ResizeNearest", "Softmax",
    )
)  # fmt: skip
OPERATOR_COUNT = len(OPERATORS)

Axis = namedtuple("Axis", "count front behind taps stretches stretch_taps odd")
"""Outputs along an axis: how many, how many stick out of the input in front and behind; their taps inside, summed; stretches of
outputs whose taps are the same, the taps of each summed, and how many are of odd length."""

Window = namedtuple("Window", "down across pixels inside taps")
"""Both axes of outputs; their number, that of those with all taps inside, and taps inside of all."""


def parts(whole, size):
    """How many of ``size`` cover ``whole``."""
    return (whole + size - 1) // size


def axis(count, size, kernel, stride, dilation, before):
    """``count`` outputs whose windows reach over ``size`` inputs, the first of them ``before`` inputs early."""
    room = size - (kernel - 1) * dilation - 1 + before
    front = min(parts(before, stride), count)
    end = min(max(room // stride + 1, front), count) if room >= 0 else front
    inside = end - front
    taps, odd = inside * kernel, inside % 2
    stretches, stretch_taps = (1, kernel) if inside else (0, 0)
    for behind in range(2):
        first_place, last_place = (end, count) if behind else (0, front)
        first_before = last_before = -1
        length = 0
        for place in range(first_place, last_place):
            origin = place * stride - before
            first = min(parts(max(-origin, 0), dilation), kernel)
            last = max(min(parts(max(size - origin, 0), dilation), kernel), first)
            taps += last - first
            if first != first_before or last != last_before:
                stretches += 1
                stretch_taps += last - first
                odd += length % 2
                length = 0
            length += 1
            first_before, last_before = first, last
        odd += length % 2
    return Axis(end + (count - end), front, count - end, taps, stretches, stretch_taps, odd)


def window(down, across):
    """Of two axes."""
    inside = (down.count - down.front - down.behind) * (across.count - across.front - across.behind)
    return Window(down, across, down.count * across.count, inside, down.taps * across.taps)


def window_of(row):
    """The window of a row that has one."""
    down = axis(
        row.output_height, row.input_height, row.kernel_height, row.stride_height, row.dilation_height, row.padding_top
    )  # fmt: skip
    across = axis(
        row.output_width, row.input_width, row.kernel_width, row.stride_width, row.dilation_width, row.padding_left
    )  # fmt: skip
    return window(down, across)


def flat_window_of(row):
    """The same; filters of one tap that meet each input once see one long row (nn_convolve_dsp.c)."""
    same = row.input_height == row.output_height and row.input_width == row.output_width
    if row.kernel_height * row.kernel_width * row.stride_height * row.stride_width == 1 and same:
        pixels = row.output_height * row.output_width
        return window(axis(1, 1, 1, 1, 1, 0), axis(pixels, pixels, 1, 1, 1, 0))
    return window_of(row)


def share_touched(blocks, fours):
    """The part of ``blocks`` that some of ``fours`` are likely to lie in."""
    return 1 - (1 - 1 / blocks) ** fours if fours else 0.0


def convolution(row, dsp, out):
    """Conv2D of int8: which way it goes, and what is the same for all."""
    place = flat_window_of(row) if dsp else window_of(row)
    depth, taps = row.input_channels // row.groups, row.kernel_height * row.kernel_width
    column = parts(taps * depth, 4) * 4
    wanted = parts(row.output_channels, 4)
    at_once = max(min(WEIGHTS_BYTES // (8 * column + CHANNELS_BYTES), wanted), 1)
    stretches = row.groups == 1 and (row.dilation_width == 1 or row.kernel_width == 1)
    in_place = dsp and stretches and depth % 4 == 0
    pays = row.output_channels >= 4 and at_once >= min(2 if taps == 1 else 4, wanted)
    out[0] = 1
    out[17] = row.clamps * place.pixels * row.output_channels if dsp else 0
    out[30] = row.weight_bytes
    if in_place and (not pays or row.unfit_channels > 0):
        return quads(row, place, out)
    return fours_of_channels(row, dsp, place, depth, column, at_once, stretches, in_place, out)


def fours_of_channels(row, dsp, place, depth, column, at_once, stretches, in_place, out):
    """Channels in fours, in as many blocks as scratch memory asks for; blocks whose scales do not fit go in plain loops."""
    outputs, groups = row.output_channels // row.groups, row.groups
    blocks = parts(outputs, 4 * at_once)
    share = share_touched(blocks * groups, row.unfit_fours) if outputs >= 4 else 1.0
    plain_convolution(share * row.output_channels, place, depth, out)
    if share == 1.0:
        out[18] = out[15] * (depth % 4 > 0)
        out[19] = place.pixels
        again(place.pixels, row.weight_bytes / LINE, out)
        return PLAIN
    size = parts(parts(outputs, blocks), 4) * 4
    last = outputs - (blocks - 1) * size
    fours = groups * ((blocks - 1) * (size // 4) + parts(last, 4)) * (1 - share)
    rests = groups * (1 if last % 4 else 0) * (1 - share)
    walks = blocks * groups * (1 - share)
    out[1] = fours
    out[2] = fours * (column // 4)
    if not dsp:
        return small_fours(row, place, depth, column, stretches, walks, fours, out)
    again(parts(place.pixels, 2) * walks, (fours / walks + 0.5) * column / 4, out)
    octets(place, column // 4, walks, fours, rests, walks if last >= 4 else walks - groups, out)
    if in_place:
        return octets_in_place(row, place, depth, column // 4, walks, out)
    return octets_gathered(row, place, depth, column // 4, stretches, walks, out)


def lines_of(pixels, channels, part):
    """Lines of a cache that ``part`` channels of each pixel lie in."""
    return pixels * min(channels, max(part, LINE)) / LINE


def again(passes, lines, out, room=0.0):
    """``lines`` of a cache that are passed over so many times: by what all of them take, or ``room``, if that is more."""
    taken = max(lines * LINE, room)
    for place in range(len(FOOTPRINTS)):
        if taken > FOOTPRINTS[place]:
            out[AGAIN_PLACE + place] += passes * lines


def plain_convolution(channels, place, depth, out):
    """So many channels of nn_convolve_plain.c."""
    out[12] = channels * place.pixels
    out[13] = channels * place.down.taps * place.across.count
    out[14] = channels * place.taps
    out[15] = channels * place.taps * (depth // 4)
    out[16] = channels * place.taps * (depth % 4)


def octets(place, words, walks, fours, rests, runs, out):
    """nn_octets.c: pairs of pixels times fours of channels."""
    pairs = parts(place.pixels, 2)
    out[3] = walks * place.pixels
    out[4] = walks * pairs
    out[5] = walks * pairs * words
    out[6] = pairs * fours
    out[7] = pairs * fours * words
    out[8] = pairs * fours * parts(words, 2)
    out[9] = pairs * rests
    out[10] = pairs * runs
    out[11] = walks * place.down.count


def octets_in_place(row, place, depth, words, walks, out):
    """Inputs of pairs are spread from where they are, but at edges."""
    rows = walks * parts(place.pixels, 2) * row.kernel_height
    touched = walks * pairs_at_edges(place)
    out[18] = rows
    out[19] = touched
    out[20] = touched * words
    out[21] = touched * row.kernel_height
    out[22] = rows * (row.kernel_width * depth // 4 % 2)
    return OCTETS


def pairs_at_edges(place):
    """Pairs of neighbouring outputs, row after row, with at least one at an edge; two rows share a pair where they are odd."""
    across, rows = place.across, place.down.count - place.down.front - place.down.behind
    each = parts(across.front, 2) + parts(across.behind, 2)
    if across.count % 2:
        each = (each + parts(across.front + across.behind, 2)) / 2
    return rows * min(each, across.count / 2) + (place.pixels - rows * across.count) / 2


def octets_gathered(row, place, depth, words, stretches, walks, out):
    """Inputs are gathered first: rows of taps where they are stretches and inside, else tap by tap."""
    run = row.kernel_width * depth
    inner = walks * (place.inside if stretches else 0)
    edge = walks * place.pixels - inner
    edge_taps = walks * place.taps - inner * row.kernel_height * row.kernel_width
    out[18] = inner
    out[19] = inner * row.kernel_height
    out[20] = inner * row.kernel_height * (run // 4)
    out[21] = inner * row.kernel_height * (run % 4)
    out[22] = edge
    out[23] = edge * words
    if stretches:
        out[24] = edge_taps / row.kernel_width
        out[25] = edge_taps * depth / 4
    else:
        out[26] = edge_taps
        out[27] = edge_taps * (depth // 4)
        out[28] = edge_taps * (depth % 4)
    out[29] = out[20] * (run % 4 > 0)
    return GATHERED


def small_fours(row, place, depth, column, stretches, walks, fours, out):
    """nn_convolve_fours.c, without the DSP extension; inputs are read in words where they are aligned."""
    taps = row.kernel_height * row.kernel_width
    aligned = 1.0 if depth % 4 == 0 and stretches else 0.5 if depth % 2 == 0 else 0.25
    out[3] = walks * place.pixels
    out[4] = walks * place.pixels * row.kernel_height
    out[5] = place.pixels * fours
    out[6] = place.pixels * fours * (column // 4)
    out[7] = walks * place.taps * depth * aligned
    out[8] = walks * place.taps * depth * (1 - aligned)
    out[9] = walks * (place.pixels * taps - place.taps) * depth
    out[10] = walks * place.down.taps * (place.across.count if stretches else place.across.taps)
    out[11] = fours * (column - taps * depth)
    return FOURS


def quads(row, place, out):
    """nn_convolve_quads.c: pairs of channels, each through the whole image in rectangles of outputs with the same taps."""
    depth, taps, constant = row.input_channels, row.kernel_height * row.kernel_width, row.constant_channels
    down, across = place.down, place.across
    pairs = parts(row.output_channels - row.unfit_channels, 2)
    at_once = max(min(PAIRS_BYTES // (4 * taps * depth + 8 * taps + PAIR_BYTES), parts(row.output_channels, 2)), 1)
    words, rectangles, odd = depth // 4, down.stretches * across.stretches, down.odd * across.odd
    halves, rows = (place.pixels + odd) / 2, down.taps / down.count
    run = across.taps / across.count * words
    loops = run / (row.kernel_width * words) * parts(row.kernel_width * words, 4)
    made = lines_of(place.pixels, row.output_channels, 2)
    room = row.input_bytes + stretched(place.pixels, row.output_channels, 2)
    again(pairs, row.input_bytes / LINE + made, out, room)
    out[1] = pairs
    out[2] = pairs * taps
    out[3] = pairs * taps * words
    out[4] = parts(pairs, at_once) * rectangles
    out[5] = pairs * rectangles
    out[6] = pairs * down.stretch_taps * across.stretch_taps
    out[7] = pairs * down.count * across.stretches
    out[8] = pairs * halves
    out[9] = pairs * odd
    out[10] = pairs * halves * rows
    out[11] = pairs * place.taps * words / 2
    plain_convolution(row.unfit_channels - constant, place, depth, out)
    out[18] = pairs * halves * rows * loops
    out[19] = pairs * odd * rows * run
    out[20] = row.output_channels
    out[21] = constant
    out[22] = constant * place.pixels
    out[23] = pairs * down.count * across.odd
    return QUADS


def depthwise(row, dsp, out):
    """DepthwiseConv2D of int8: which way it goes."""
    channels = row.output_channels
    out[0] = 1
    out[30] = row.weight_bytes
    if channels != row.input_channels or channels < 4:
        return depthwise_plain(row, window_of(row), out)
    if not dsp:
        return depthwise_fours(row, window_of(row), out)
    column = row.input_width * row.kernel_width * row.output_width == 1 and row.padding_left == 0
    out[1] = row.clamps * row.output_height * row.output_width * channels
    if not column and tiles_serve(row):
        return depthwise_tiles(row, window_of(row), out)
    if column:  # the same in memory as one row
        across = axis(
            row.output_height, row.input_height, row.kernel_height, row.stride_height, row.dilation_height, row.padding_top
        )  # fmt: skip
        return depthwise_taps(row, window(axis(1, 1, 1, 1, 1, 0), across), out)
    return depthwise_taps(row, window_of(row), out)


def both_lines(row, part):
    """Lines of inputs and outputs that ``part`` channels lie in."""
    pixels, made = row.input_height * row.input_width, row.output_height * row.output_width
    return lines_of(pixels, row.input_channels, part) + lines_of(made, row.output_channels, part)


def room_of(row, part):
    """Bytes of a cache that these lines take: where all are a power of two apart, they share some of its sets."""
    return stretched(row.input_height * row.input_width, row.input_channels, part) + stretched(
        row.output_height * row.output_width, row.output_channels, part
    )


def stretched(pixels, channels, part):
    """Of ``part`` channels of each pixel."""
    apart = channels & -channels
    return lines_of(pixels, channels, part) * LINE * (apart / LINE if apart > LINE and part <= LINE else 1.0)


def plain_depthwise(channels, place, out):
    """So many channels of nn_depthwise_plain.c."""
    out[2] = channels * place.pixels
    out[3] = channels * place.down.taps * place.across.count
    out[4] = channels * place.taps


def depthwise_plain(row, place, out):
    """All channels in plain loops."""
    plain_depthwise(row.output_channels, place, out)
    out[1] = 0
    out[5] = place.pixels
    return DEPTHWISE_PLAIN


def depthwise_fours(row, place, out):
    """nn_depthwise_fours.c, without the DSP extension."""
    fours = parts(row.output_channels, 4)
    out[1] = place.down.count
    out[2] = place.pixels
    out[3] = place.pixels * fours
    out[4] = fours * place.down.taps * place.across.count
    out[5] = fours * place.taps
    out[6] = row.unfit_channels * place.pixels
    return DEPTHWISE_FOURS


def strip_rows(row):
    """Rows of inputs that a strip of tiles has."""
    return row.output_height + 2 if row.stride_height == 1 else 2 * row.output_height + 1


def tiles_serve(row):
    """``nn_tiles_serve`` of nn_depthwise_tiling.h."""
    square = row.kernel_height == 3 and row.kernel_width == 3 and row.dilation_height == 1 and row.dilation_width == 1
    steps = row.stride_height == row.stride_width and row.stride_height <= 2
    rows = strip_rows(row)
    fits = row.padding_top <= rows and rows <= row.input_height + 2 and row.output_height >= 2
    return square and steps and fits and row.output_height * row.output_width > FEW_OUTPUTS


def depthwise_tiles(row, place, out):
    """nn_depthwise_tiles.c: a channel in tiles of 2 x 2 outputs, or of two below each other at stride 2."""
    rows, height, width = strip_rows(row), row.output_height, row.output_width
    fours = parts(row.output_channels, 4)
    share = min(row.unfit_fours / fours, 1.0)
    plain_depthwise(share * row.output_channels, place, out)
    if share == 1.0:
        return depthwise_plain(row, place, out)
    fours = fours * (1 - share)
    across = 2 if row.stride_height == 1 else 1
    strips, half = parts(width, across), width % across
    wanted = (row.input_width + 2) // 2 + 1
    room = max(min(STRIPS_BYTES // (STRIP_ROW_BYTES * (row.input_height + 2)), wanted), 2) - 1
    walks = parts(strips, room)
    again(fours, both_lines(row, 4), out, room_of(row, 4))
    out[5] = fours
    out[6] = fours * walks
    out[7] = fours * (strips + 1)
    out[8] = fours * (strips + 1) * rows
    out[9] = fours * (strips - half)
    out[10] = fours * (strips - half) * parts(height, 2)
    out[11] = fours * half
    out[12] = fours * half * parts(height, 2)
    out[13] = fours * (height % 2) * strips
    out[14] = fours * (walks - 1) * rows
    return TILES_1 if row.stride_height == 1 else TILES_2


def depthwise_taps(row, place, out):
    """nn_depthwise_taps.c: four channels of a pixel, tap by tap."""
    channels, taps = row.output_channels, row.kernel_height * row.kernel_width
    fours = parts(channels, 4)
    at_once = max(min(TAPS_BYTES // (8 * taps + CHANNELS_BYTES), fours), 1)
    blocks = parts(fours, at_once) if channels % 4 == 0 else parts(channels // 4, at_once) + 1
    share = share_touched(blocks, row.unfit_fours)
    plain_depthwise(share * channels, place, out)
    if share == 1.0:
        return depthwise_plain(row, place, out)
    fours, blocks = fours * (1 - share), blocks * (1 - share)
    out[5] = fours
    if place.pixels == 1:
        out[6] = fours * place.down.taps
        out[7] = fours * place.taps
        return DEPTHWISE_PIXEL
    again(blocks, both_lines(row, 4 * at_once), out, room_of(row, 4 * at_once))
    edge = place.across.front + place.across.behind
    inner = place.across.count - edge
    out[6] = fours * taps
    out[7] = blocks * place.down.count
    out[8] = blocks * place.down.count * (edge + (1 if inner else 0))
    out[9] = blocks * place.down.count * (edge + min(inner, min(at_once, fours)))
    out[10] = fours * place.pixels
    out[11] = fours * place.down.taps * place.across.count
    out[12] = fours * place.taps
    return DEPTHWISE_TAPS


def transposed(row, out):
    """TransposeConv2D of int8: each output gathers the inputs that reach it."""
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
    out[0] = 1
    out[1] = vectors
    if product:
        out[18] = 1
        out[19] = vectors * rows
        out[20] = rows * depth
    else:
        out[30] = row.weight_bytes
    if product and row.unfit_channels > 0:  # or of weights with a zero point
        out[2] = vectors * rows
        out[21] = vectors * rows * depth
        return DENSE_WIDE if dsp else DENSE_SMALL
    if not dsp:
        fours = parts(rows, 4) if rows >= 4 else 0
        out[2] = vectors * rows
        out[3] = vectors * fours
        out[4] = vectors * fours * depth
        out[5] = 0 if fours else vectors * rows * depth
        return DENSE_SMALL
    return dense_dsp(row, vectors, rows, depth, out)


def dense_dsp(row, vectors, rows, depth, out):
    """nn_dense.c with the DSP extension: rows in fours where there are many with one scale, then in pairs, then one."""
    shared = 1 if row.scales <= 1 else 0
    able = rows if depth % 4 == 0 else rows - 1
    fours = able // 4 if able >= FOURS_PAY and shared and row.unfit_channels == 0 else 0
    left = rows - 4 * fours
    pairs, single, words, ragged = left // 2, left % 2, parts(depth, 4), depth % 4 > 0
    out[2] = vectors * rows * shared
    out[3] = vectors * fours
    out[4] = vectors * fours * words
    out[5] = vectors * fours * parts(words, 4)
    out[6] = vectors * words * (fours > 0)
    out[7] = vectors * pairs
    out[8] = vectors * pairs * (depth // 8)
    out[9] = vectors * pairs * (depth % 8)
    out[10] = vectors * single
    out[11] = vectors * single * (depth // 4)
    out[12] = vectors * single * (depth % 4)
    out[13] = vectors * left * (1 - shared)
    out[14] = vectors * 4 * fours * row.clamps
    out[15] = vectors * pairs * (depth // 8) * ragged
    out[16] = vectors * fours * words * ragged
    out[17] = vectors * rows * (row.unfit_channels > 0)
    out[22] = vectors * pairs * (depth >= 8)
    return DENSE if fours else DENSE_WIDE


def pool(row, dsp, average, out):
    """Pool2D of int8: with the DSP extension four channels at a time, of a maximum eight."""
    place, channels = window_of(row), row.output_channels
    rows = place.down.taps * place.across.count if row.kernel_width < row.input_width else place.pixels
    eights = channels // 8 if dsp and not average else 0
    fours = (channels - 8 * eights) // 4 if dsp else 0
    ones = channels - 8 * eights - 4 * fours
    out[0] = 1
    out[1] = place.pixels
    out[2] = place.pixels * fours
    out[3] = rows * fours
    out[4] = place.taps * fours
    out[5] = rows * fours * (row.kernel_width % (4 if average else 2))
    out[6] = place.pixels * ones
    out[7] = rows * ones
    out[8] = place.taps * ones
    out[9] = place.pixels * eights
    out[10] = rows * eights
    out[11] = place.taps * eights
    out[12] = place.pixels * channels * (row.kernel_height * row.kernel_width > RECIPROCALS)
    out[13] = row.clamps * place.pixels * (channels // (4 if dsp else 1))
    size, at_once = row.kernel_height * row.kernel_width, 8 if eights else 4 if fours else 1
    again(place.pixels * (eights + fours + ones), lines_of(size, channels, at_once), out, stretched(size, channels, at_once))
    return AVERAGE if average else MAXIMUM


def reduction(row, dsp, out):
    """Reduce of int8: windows over rows of neighbours that are kept (nn_reduce.c)."""
    kept, calls = row.output_channels, 1
    if row.output_channels != row.input_channels:
        kept, calls = 1, row.output_bytes
    elif row.output_width != row.input_width and row.output_height == row.input_height:
        calls = row.output_height
    elif row.output_width == row.input_width:
        kept = row.output_width * row.output_channels * (row.output_height if row.output_height == row.input_height else 1)
    fours = kept // 4 if dsp else 0
    ones, size = kept - 4 * fours, row.input_bytes / row.output_bytes
    out[0] = 1
    out[1] = calls
    out[2] = calls * fours
    out[3] = calls * fours * size
    out[4] = calls * ones
    out[5] = calls * ones * size
    out[6] = calls * fours * size * (size > SUMMED)
    at_once = 4 if fours else 1
    again(calls * (fours + ones), lines_of(size, kept, at_once), out, stretched(size, kept, at_once))
    return REDUCE


def binary(row, dsp, out):
    """Binary of int8: one row where nothing is broadcast, else a row for each pixel."""
    second = row.weight_bytes if row.weight_bytes > 0 else row.input_bytes - row.output_bytes
    rows, length = 1, row.output_bytes
    if 1 < second < row.output_bytes:
        rows, length = row.output_bytes // row.output_channels, row.output_channels
    fours = length // 4 if dsp else 0
    out[0] = 1
    out[1] = rows
    out[2] = rows * fours
    out[3] = rows * (length - 4 * fours)
    out[4] = rows * fours * row.clamps
    return ADD


def softmax(row, out):
    """Softmax of int8; the greatest element of a row is cheap, and exponentials beyond KEPT are made twice. One loops over the
    bits of its exponent in quarters (nn_exponential.h), which is half of the largest on average.
    """
    rows = row.output_bytes // row.output_channels
    out[0] = 1
    out[1] = rows
    out[2] = row.output_bytes - rows
    out[3] = rows * max(row.output_channels - KEPT, 0)
    out[4] = (out[2] + out[3]) * log2(1 + row.scales / 2)
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
    """What moves elements, in runs of neighbours."""
    run = max(row.run_bytes, 1)
    runs = row.output_bytes / run
    out[0] = 1
    out[1] = runs
    out[2] = runs * (run // 16)
    out[3] = runs * (run % 16 // 4)
    out[4] = runs * (run % 4)
    out[5] = runs * (run >= 16)
    out[6] = row.output_height
    out[7] = row.output_height * row.output_width
    out[8] = row.input_bytes / 4
    out[9] = row.output_bytes / 4
    return COPY


def sized(row, out):
    """Everything else: by sizes alone."""
    out[0] = 1
    out[1] = row.output_bytes
    out[2] = row.input_bytes
    out[3] = row.macs
    out[4] = row.weight_bytes
    out[5] = row.output_height * row.output_width * row.output_channels
    out[6] = row.output_bytes * row.scales if row.weight_bytes == 0 else 0
    return REST


def sound(row):
    """Whether sizes are 1 and more, and the operator is one; what else a row says may be wrong, but harms nobody."""
    sizes = min(
        row.input_height, row.input_width, row.input_channels, row.output_height, row.output_width, row.output_channels,
        row.kernel_height, row.kernel_width, row.stride_height, row.stride_width, row.dilation_height, row.dilation_width,
        row.groups, row.output_bytes, row.element_bytes,
    )  # fmt: skip
    return sizes >= 1 and row.operator < OPERATOR_COUNT and row.groups <= min(row.input_channels, row.output_channels)


def terms(row, dsp, out):
    """The kind of a row, and its terms in ``out``. ``dsp``: whether kernels use the DSP extension."""
    operator = row.operator
    if row.element_bytes == 1:
        if operator == CONVOLUTION:
            return convolution(row, dsp, out)
        if operator == DEPTHWISE:
            return depthwise(row, dsp, out)
        if operator == TRANSPOSED_CONVOLUTION:
            return transposed(row, out)
        if operator in (FULLY_CONNECTED, PRODUCT):
            return dense(row, dsp, operator == PRODUCT, out)
        if FIRST_BINARY <= operator <= LAST_BINARY:
            return binary(row, dsp, out) + min(operator - FIRST_BINARY, 3)
        if operator in (AVERAGE_POOL, MAXIMUM_POOL):
            return pool(row, dsp, operator == AVERAGE_POOL, out)
        if FIRST_REDUCE <= operator <= LAST_REDUCE:
            return reduction(row, dsp, out) + (1 if operator >= FIRST_EXTREME else 0)
        if operator == PADDING:
            return padding(row, out)
        if operator == RESIZING:
            return moved(row, out) + RESIZE - COPY
        if operator == SOFT_MAXIMUM:
            return softmax(row, out)
        if operator != VIEW and FIRST_MOVE <= operator <= LAST_MOVE:
            return moved(row, out)
    size = 0 if row.element_bytes == 1 else 1 if row.element_bytes == 2 else 2 if row.element_bytes == 4 else 3
    return sized(row, out) + operator + OPERATOR_COUNT * size
