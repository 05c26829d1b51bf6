"""Kinds: ways through the kernels, and what the time of each grows with. ``cost_models.terms`` counts that for a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cost_models.operators import OPERATORS

WIDTH = 40
"""Places for terms; each kind uses some of them."""

FOOTPRINTS = (1024, 2048, 4096, 8192, 16384, 32768, 65536)
"""Bytes from which on what is passed over again and again may no longer be in a data cache; those of boards lie between."""

SIZES = (1, 2, 4, 8)
"""Bytes of elements."""

(
    PLAIN, QUADS, OCTETS, GATHERED, FOURS, TILES_1, TILES_2, DEPTHWISE_TAPS, DEPTHWISE_PIXEL, DEPTHWISE_PLAIN,
    DEPTHWISE_FOURS, TRANSPOSED, DENSE, DENSE_WIDE, DENSE_SMALL, AVERAGE, MAXIMUM, REDUCE, REDUCE_EXTREME, ADD, SUBTRACT,
    MULTIPLY, EXTREME, SOFTMAX, PAD, COPY, RESIZE, REST,
) = range(28)  # fmt: skip
"""Codes of kinds, which are places in KINDS. REST is the first of those that know no more than sizes: one for each operator and
size of elements."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``terms``: names of those that are counted, by place."""

    name: str
    terms: Mapping[int, str]


FIRST, FIRST_OF_KIN = 38, 39
"""Places of what the first layer of a kind in a network has more, since no cache holds its code: where none of its KIN has run,
and where one has.
"""

CALL = {0: "call", FIRST: "first call", FIRST_OF_KIN: "first call after its kin"}
WEIGHTS = {30: "weight bytes"}
AGAIN_PLACE = 31
AGAIN = {AGAIN_PLACE + place: f"lines read again beyond {size // 1024} KiB" for place, size in enumerate(FOOTPRINTS)}
PLAIN_CONVOLUTION = {12: "plain outputs", 13: "plain rows", 14: "plain taps", 15: "plain words", 16: "plain bytes"}
CLAMPS = {17: "clamped outputs"}
PREPARED = {1: "groups", 2: "group words"}
PLAIN_DEPTHWISE = {2: "plain outputs", 3: "plain rows", 4: "plain taps"}
DEPTHWISE = {**CALL, 1: "clamped outputs", **PLAIN_DEPTHWISE, 5: "groups", **WEIGHTS, **AGAIN}
OCTETS_TERMS = {
    **CALL, **PREPARED, 3: "pixels", 4: "pairs", 5: "words of pairs", 6: "octets", 7: "octet words", 8: "octet loops",
    9: "rests", 10: "runs of octets", 11: "rows", **PLAIN_CONVOLUTION, **CLAMPS, **WEIGHTS, **AGAIN,
}  # fmt: skip
TILES = {
    **DEPTHWISE, 6: "walks", 7: "strips", 8: "strip rows", 9: "whole strips", 10: "tiles", 11: "half strips",
    12: "half tiles",
    13: "odd tiles", 14: "carried rows",
}  # fmt: skip
POOL = {
    **CALL, 1: "windows", 2: "fours", 3: "four rows", 4: "four taps", 5: "odd four rows", 6: "ones", 7: "one rows",
    8: "one taps",
    9: "eights", 10: "eight rows", 11: "eight taps", 12: "divisions", 13: "clamped words", **AGAIN,
}  # fmt: skip
PRODUCT = {18: "product calls", 19: "product outputs", 20: "product bytes", 21: "plain products"}
ELEMENTWISE = {**CALL, 1: "rows", 2: "fours", 3: "ones", 4: "clamped fours"}
REDUCTION = {**CALL, 1: "windows", 2: "fours", 3: "four taps", 4: "ones", 5: "one taps", 6: "large windows", **AGAIN}
MOVED = {
    **CALL, 1: "runs", 2: "blocks", 3: "words", 4: "bytes", 5: "long runs", 6: "rows", 7: "pixels", 8: "input words",
    9: "output words",
}  # fmt: skip
SIZED = {
    **CALL, 1: "output bytes", 2: "input bytes", 3: "multiply-accumulates", 4: "constant bytes", 5: "elements",
    6: "elements scaled anew",
}  # fmt: skip

_COUNTED: Mapping[int, Kind] = {
    PLAIN: Kind("convolution, plain", {
        **CALL, **PLAIN_CONVOLUTION, **CLAMPS, 18: "unaligned words", 19: "pixels", **WEIGHTS, **AGAIN,
    }),
    QUADS: Kind("convolution, quads", {
        **CALL, 1: "pairs", 2: "pair taps", 3: "pair words", 4: "rectangles", 5: "rectangle pairs", 6: "rectangle taps",
        7: "runs", 8: "quads", 9: "odd quads", 10: "quad rows", 11: "quad words", 18: "quad loops", 19: "odd quad words",
        20: "channels", 21: "constant channels", 22: "constant outputs", 23: "odd runs",
        **PLAIN_CONVOLUTION, **CLAMPS, **WEIGHTS, **AGAIN,
    }),
    OCTETS: Kind("convolution, octets", {
        **OCTETS_TERMS, 18: "stretches", 19: "edge pairs", 20: "edge pair words", 21: "edge pair rows", 22: "odd stretches",
    }),
    GATHERED: Kind("convolution, gathered octets", {
        **OCTETS_TERMS, 18: "inner pixels", 19: "inner rows", 20: "inner words", 21: "inner bytes", 22: "edge pixels",
        23: "edge words", 24: "edge rows", 25: "edge row words", 26: "edge taps", 27: "edge tap words", 28: "edge tap bytes",
        29: "unaligned words",
    }),
    FOURS: Kind("convolution, fours", {
        **CALL, **PREPARED, 3: "pixels", 4: "pixel rows", 5: "fours", 6: "four words", 7: "aligned bytes", 8: "other bytes",
        9: "padded bytes", 10: "stretches", 11: "group padding", **PLAIN_CONVOLUTION, **WEIGHTS,
    }),
    TILES_1: Kind("depthwise, tiles of stride 1", TILES),
    TILES_2: Kind("depthwise, tiles of stride 2", TILES),
    DEPTHWISE_TAPS: Kind("depthwise, taps", {
        **DEPTHWISE, 6: "group taps", 7: "rows", 8: "runs", 9: "calls of runs", 10: "fours", 11: "four rows", 12: "four taps",
    }),
    DEPTHWISE_PIXEL: Kind("depthwise, one pixel", {**DEPTHWISE, 6: "four rows", 7: "four taps"}),
    DEPTHWISE_PLAIN: Kind("depthwise, plain", {**DEPTHWISE, 5: "pixels"}),
    DEPTHWISE_FOURS: Kind("depthwise, fours", {
        **CALL, 1: "rows", 2: "pixels", 3: "fours", 4: "four rows", 5: "four taps", 6: "unfit outputs", **WEIGHTS,
    }),
    TRANSPOSED: Kind("transposed convolution", {
        **CALL, 1: "pixels", 2: "outputs", 3: "rows", 4: "taps", 5: "words", 6: "bytes", 7: "unaligned words", **WEIGHTS,
    }),
    DENSE: Kind("fully connected, fours", {
        **CALL, 1: "vectors", 2: "rows", 3: "fours", 4: "four words", 5: "four loops", 6: "spread words", 7: "pairs",
        8: "pair loops",
        9: "pair bytes", 10: "singles", 11: "single words", 12: "single bytes",
        13: "own scales", 22: "long pairs", 14: "clamped outputs",
        15: "unaligned pair loops", 16: "unaligned four words", 17: "unfit rows", **PRODUCT, **WEIGHTS,
    }),
    DENSE_WIDE: Kind("fully connected, pairs", {
        **CALL, 1: "vectors", 2: "rows", 7: "pairs", 8: "pair loops", 9: "pair bytes", 10: "singles", 11: "single words",
        12: "single bytes", 13: "own scales", 22: "long pairs", 15: "unaligned pair loops", 17: "unfit rows",
        **PRODUCT, **WEIGHTS,
    }),
    DENSE_SMALL: Kind("fully connected, small core", {
        **CALL, 1: "vectors", 2: "rows", 3: "fours", 4: "four bytes", 5: "plain bytes", **PRODUCT, **WEIGHTS,
    }),
    AVERAGE: Kind("average pooling", POOL),
    MAXIMUM: Kind("maximum pooling", POOL),
    REDUCE: Kind("mean or sum", REDUCTION),
    REDUCE_EXTREME: Kind("greatest or least of axes", REDUCTION),
    ADD: Kind("addition", ELEMENTWISE),
    SUBTRACT: Kind("subtraction", ELEMENTWISE),
    MULTIPLY: Kind("multiplication", ELEMENTWISE),
    EXTREME: Kind("greater or lesser", ELEMENTWISE),
    SOFTMAX: Kind("softmax", {
        **CALL, 1: "rows", 2: "further elements", 3: "elements not kept", 4: "bits of exponents",
    }),
    PAD: Kind("padding", {
        **CALL, 1: "long rows", 2: "long blocks", 3: "edge bytes", 4: "edge rows", 5: "short runs", 6: "short words",
        7: "short bytes", 8: "filled words",
    }),
    COPY: Kind("moved elements", MOVED),
    RESIZE: Kind("resizing", MOVED),
}  # fmt: skip

KINDS: tuple[Kind, ...] = (
    *(_COUNTED[code] for code in range(REST)),
    *(Kind(f"{name}, {size}-byte elements", SIZED) for size in SIZES for name in OPERATORS),
)
"""By code."""

CODE_OF = {kind.name: code for code, kind in enumerate(KINDS)}

SHARED: Mapping[int, tuple[int, ...]] = {
    PLAIN: (QUADS, OCTETS, GATHERED, FOURS),
    DEPTHWISE_PLAIN: (TILES_1, TILES_2, DEPTHWISE_TAPS, DEPTHWISE_PIXEL),
}
"""Kinds whose plain part is another kind's: some channels of a layer go through that kernel."""

PARTS: Mapping[int, tuple[int, ...]] = {PLAIN: tuple(PLAIN_CONVOLUTION), DEPTHWISE_PLAIN: tuple(PLAIN_DEPTHWISE)}
"""Places of the terms of that part."""

KIN: tuple[tuple[int, ...], ...] = (
    (OCTETS, GATHERED), (TILES_1, TILES_2), (DEPTHWISE_TAPS, DEPTHWISE_PIXEL), (DENSE, DENSE_WIDE), (AVERAGE, MAXIMUM),
    (REDUCE, REDUCE_EXTREME), (ADD, SUBTRACT),
)  # fmt: skip
"""Kinds that share most of their code."""

KINDRED = tuple(next((group[0] for group in KIN if code in group), code) for code in range(len(KINDS)))
"""By code: the first of its KIN, or itself."""
