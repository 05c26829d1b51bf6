"""Cases for the kernels: made-up tensors, the same here and in tests/firmware/kernel_cases.h."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

import numpy as np

from tests.kernels import product_model as model

CONVOLVE, DEPTHWISE, DENSE, MATMUL, TRANSPOSED = range(5)
WRAPPER, BASIC, SPECIAL, FAST = range(4)
"""Which function of the interface: the wrapper, the basic one, or one that serves special shapes."""


@dataclass(frozen=True)
class Case:
    """The members of ``struct kernel_case``, in its order. Of a matrix product, taps are N and H of the right side."""

    kind: int
    entry: int
    n: int
    h: int
    w: int
    c: int
    out_h: int
    out_w: int
    out_c: int
    taps_h: int = 1
    taps_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    padding_h: int = 0
    padding_w: int = 0
    dilation_h: int = 1
    dilation_w: int = 1
    filter_c: int = 1
    multiplier_of_channels: int = 1
    input_offset: int = 0
    filter_offset: int = 0
    output_offset: int = 0
    low: int = -128
    high: int = 127
    shift: int = -9
    bias_range: int = 0
    input_place: int = 0
    filter_place: int = 0
    output_place: int = 0
    seed: int = 1

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Of input, filter and output."""
        inputs, outputs = (self.n, self.h, self.w, self.c), (self.n, self.out_h, self.out_w, self.out_c)
        if self.kind == DENSE:
            return (self.n, self.c), (self.out_c, self.c), (self.n, self.out_c)
        if self.kind == MATMUL:
            batches = (max(self.n, self.taps_h), max(self.h, self.taps_w))
            return inputs, (self.taps_h, self.taps_w, self.out_c, self.c), (*batches, self.w, self.out_c)
        if self.kind == DEPTHWISE:
            return inputs, (self.taps_h, self.taps_w, self.out_c), outputs
        return inputs, (self.out_c, self.taps_h, self.taps_w, self.filter_c), outputs

    def line(self) -> str:
        """The row of the table in C, and the call."""
        values = ", ".join(str(value) for value in astuple(self))
        counts = ", ".join(str(int(np.prod(shape))) for shape in self.shapes)
        return f"    {{ static const struct kernel_case k = {{{values}}}; run_case(&k, {counts}); }}"

    def answer(self) -> str:
        """What the firmware prints for it."""
        return f"0 {checksum(self.outputs()):#010x}"

    def outputs(self) -> np.ndarray:
        """By the model."""
        inputs, filters = self.tensors()
        multiplier = (0x4000_0000 + noise(self.seed + 3, self.out_c) % 0x4000_0000).astype(np.int64)
        shift = self.shift + (noise(self.seed + 4, self.out_c) % 3).astype(np.int64)
        if self.kind == MATMUL or (self.kind == DENSE and self.entry != SPECIAL):
            multiplier, shift = multiplier[:1], shift[:1]
        sums = self.sums(inputs, filters)
        if self.bias_range:
            sums = sums + (noise(self.seed + 2, self.out_c) % (2 * self.bias_range)).astype(np.int64) - self.bias_range
        scale = model.requantized_once if self.kind == DENSE else model.requantized
        return model.finished(scale(sums, multiplier, shift), self.output_offset, (self.low, self.high))

    def tensors(self) -> tuple[np.ndarray, np.ndarray]:
        """Input and filter, offsets added."""
        shapes, offsets = self.shapes[:2], (self.input_offset, self.filter_offset)
        inputs, filters = (
            noise(self.seed + i, int(np.prod(shape))).astype(np.uint8).view(np.int8).astype(np.int64).reshape(shape) + offset
            for i, (shape, offset) in enumerate(zip(shapes, offsets, strict=True))
        )
        return inputs, filters

    def sums(self, inputs: np.ndarray, filters: np.ndarray) -> np.ndarray:
        """Sums of products."""
        out, stride = (self.out_h, self.out_w), (self.stride_h, self.stride_w)
        padding, dilation = (self.padding_h, self.padding_w), (self.dilation_h, self.dilation_w)
        if self.kind == CONVOLVE:
            return model.convolve(inputs, filters, out, stride, padding, dilation)
        if self.kind == DEPTHWISE:
            return model.depthwise(inputs, filters, out, stride, padding, dilation)
        if self.kind == TRANSPOSED:
            return model.transposed(inputs, filters, out, stride, padding)
        return inputs @ np.swapaxes(filters, -1, -2)


def noise(seed: int, count: int) -> np.ndarray:
    """``noise(seed, i)`` of the firmware for i < count, as uint32 in int64."""
    low = np.int64(0xFFFF_FFFF)
    x = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 7919)) * np.uint64(2654435769) & np.uint64(low)
    x = (x ^ (x >> np.uint64(15))) * np.uint64(0x85EB_CA6B) & np.uint64(low)
    return (x ^ (x >> np.uint64(13))).astype(np.int64)


def checksum(values: np.ndarray) -> int:
    """FNV-1a of the bytes."""
    total = 2166136261
    for value in values.tobytes():
        total = (total ^ value) * 16777619 & 0xFFFF_FFFF
    return total


def common(random: np.random.Generator) -> dict[str, int]:
    """What every kind of case has."""
    low, high = ((-128, 127), (-128, 127), (-128, 127), (-20, 90), (-128, 40))[random.integers(5)]
    places = {name: int(random.choice((0, 0, 1, 2, 3))) for name in ("input_place", "filter_place", "output_place")}
    # Shifts of -2 and more leave the range that the loops with the DSP extension scale quickly; so do large biases.
    shift = int(random.choice((-10, -10, -11, -12, -9, -24, -2, 0)))
    bias = int(random.choice((0, 3000, 3000, 20000, 2**30)))
    return {"input_offset": int(random.integers(-127, 129)), "output_offset": int(random.integers(-128, 128)), "low": low,
            "high": high, "shift": shift, "bias_range": bias, "seed": int(random.integers(1, 2**20)), **places}  # fmt: skip


def window(random: np.random.Generator, size: tuple[int, int], taps: tuple[int, int], *, largest: int = 3) -> dict[str, int]:
    """Stride, padding and dilation, and the outputs that come of them; sometimes one more, which sees padding."""
    found: dict[str, int] = {}
    for axis, length, count in zip("hw", size, taps, strict=True):
        stride, dilation = int(random.choice((1, 1, 2, 3))), int(random.choice((1, 1, 1, 2)))
        padding = int(random.integers(0, min(count, largest) + 1))
        outputs = (length + 2 * padding - dilation * (count - 1) - 1) // stride + 1
        found |= {f"stride_{axis}": stride, f"padding_{axis}": padding, f"dilation_{axis}": dilation}
        found[f"out_{axis}"] = max(1, outputs + int(random.choice((0, 0, 0, 1))))
    return found


def convolutions(random: np.random.Generator, count: int) -> list[Case]:
    """Any shapes: in place and gathered, with few weights and many, in groups."""
    found = []
    for _ in range(count):
        groups, inputs = int(random.choice((1, 1, 1, 1, 2, 3))), int(random.choice((1, 2, 3, 4, 4, 5, 8, 8, 12, 16, 20)))
        outputs = groups * int(random.integers(1, 11))
        taps = (int(random.choice((1, 1, 2, 3, 3))), int(random.choice((1, 1, 2, 3, 3, 4))))
        size = (int(random.integers(1, 8)), int(random.integers(1, 8)))
        found.append(Case(CONVOLVE, int(random.integers(2)), int(random.choice((1, 1, 2))), *size, groups * inputs,
                          out_c=outputs, taps_h=taps[0], taps_w=taps[1], filter_c=inputs,
                          **window(random, size, taps), **common(random)))  # fmt: skip
    return found


def depthwise_convolutions(random: np.random.Generator, count: int) -> list[Case]:
    """Any shapes, 3 x 3 taps half of the time."""
    found = []
    for number in range(count):
        inputs, times = int(random.choice((1, 3, 4, 5, 8, 11))), int(random.choice((1, 1, 1, 1, 2, 3)))
        taps = (3, 3) if number % 2 else (int(random.integers(1, 6)), int(random.integers(1, 5)))
        size = (int(random.integers(1, 11)), int(random.integers(1, 11)))
        case = Case(DEPTHWISE, WRAPPER if times > 1 else int(random.choice((WRAPPER, WRAPPER, BASIC, FAST))),
                    int(random.choice((1, 1, 2))), *size, inputs, out_c=inputs * times, taps_h=taps[0], taps_w=taps[1],
                    multiplier_of_channels=times, **window(random, size, taps), **common(random))  # fmt: skip
        if number % 4 == 3:
            stride = int(random.choice((1, 2)))
            outs = {f"out_{axis}": (length + 1) // stride for axis, length in zip("hw", size, strict=True)}
            outs = {name: max(1, value) for name, value in outs.items()}
            plain = {"dilation_h": 1, "dilation_w": 1, "padding_h": 1, "padding_w": 1, "stride_h": stride, "stride_w": stride}
            case = replace(case, **plain, **outs, entry=SPECIAL if times == 1 else WRAPPER)
        found.append(case)
    return found


def products(random: np.random.Generator, count: int) -> list[Case]:
    """Fully connected layers and matrix products in turn."""
    found = []
    for number in range(count):
        depth, rows = int(random.choice((1, 3, 4, 7, 16, 31, 64, 130))), int(random.integers(1, 14))
        offset = int(random.choice((0, 0, 0, 5, -90)))
        if number % 3:
            found.append(Case(DENSE, int(random.choice((WRAPPER, WRAPPER, SPECIAL))), int(random.integers(1, 4)), 1, 1, depth,
                              1, 1, rows, filter_offset=offset, **common(random)))  # fmt: skip
        else:
            left, right = [(1, 1), (2, 3), (1, 3), (2, 1)], [(1, 1), (2, 3)]
            (n, h), (rn, rh) = left[random.integers(4)], right[random.integers(2)]
            # One side's batches are those of the result.
            (n, h) = (n, h) if (rn, rh) == (2, 3) or (n, h) in ((1, 1), (2, 3)) else (2, 3)
            case = Case(MATMUL, 0, n, h, int(random.integers(1, 5)), depth, 1, 1, rows, taps_h=rn, taps_w=rh,
                        filter_offset=offset, **common(random))  # fmt: skip
            found.append(replace(case, bias_range=0))
    return found


def transposed_convolutions(random: np.random.Generator, count: int) -> list[Case]:
    """Any shapes."""
    found = []
    for _ in range(count):
        size = (int(random.integers(1, 6)), int(random.integers(1, 6)))
        taps = (int(random.integers(1, 5)), int(random.integers(1, 5)))
        stride = (int(random.integers(1, 4)), int(random.integers(1, 4)))
        padding = tuple(int(random.integers(0, count)) for count in taps)
        out = [max(1, (size[i] - 1) * stride[i] + taps[i] - 2 * padding[i] + int(random.integers(0, 2))) for i in (0, 1)]
        inputs = int(random.choice((1, 3, 4, 8)))
        found.append(Case(TRANSPOSED, 0, int(random.choice((1, 2))), *size, inputs, *out, int(random.integers(1, 6)), *taps,
                          *stride, *padding, filter_c=inputs, **common(random)))  # fmt: skip
    return found


def chosen() -> list[Case]:
    """Shapes that meet a particular piece of code."""
    one = Case(CONVOLVE, FAST, 1, 3, 5, 16, 3, 5, 8, filter_c=16, input_offset=128, output_offset=-128, bias_range=900, seed=5)
    three = Case(CONVOLVE, WRAPPER, 1, 6, 7, 8, 6, 7, 6, 3, 3, padding_h=1, padding_w=1, filter_c=8, input_offset=-3, seed=6)
    deep = Case(CONVOLVE, WRAPPER, 1, 3, 3, 64, 3, 3, 5, 3, 3, padding_h=1, padding_w=1, filter_c=64, shift=-12, seed=7)
    tiles = Case(DEPTHWISE, SPECIAL, 1, 25, 5, 8, 25, 5, 8, 3, 3, padding_h=1, padding_w=1, input_offset=128, seed=8)
    return [
        one,
        replace(one, entry=SPECIAL),
        replace(one, entry=SPECIAL, out_h=2, out_w=3, stride_h=2, stride_w=2),
        replace(one, out_c=3, input_place=1),
        replace(one, out_c=7, filter_place=3, output_place=1),
        replace(one, n=2, c=260, filter_c=260, out_h=3, out_c=9),
        replace(one, entry=SPECIAL, h=1, out_h=1, w=20, out_w=19, taps_w=5, padding_w=1, c=3, filter_c=3),
        three,
        replace(three, out_c=64, c=4, filter_c=4),
        replace(three, c=1, filter_c=1, taps_h=5, taps_w=4, padding_h=2),
        deep,
        replace(deep, out_c=6, stride_h=2, stride_w=2, out_h=2, out_w=2),
        replace(deep, entry=BASIC, dilation_h=2, dilation_w=2, padding_h=2, padding_w=2),
        replace(deep, out_c=3, dilation_w=2, padding_w=2),
        replace(deep, out_c=1, bias_range=2**30),
        tiles,
        replace(tiles, h=40, out_h=20, w=16, out_w=8, stride_h=2, stride_w=2, padding_h=0, padding_w=0),
        replace(one, out_c=9, shift=-31, bias_range=2**30),
        replace(deep, out_c=6, shift=-27, bias_range=2**30),
        replace(one, n=2, c=64, filter_c=64, out_c=20, shift=-23, bias_range=2**29),
        replace(tiles, c=6, out_c=6, h=7, out_h=7, w=40, out_w=40, input_place=3),
        replace(tiles, entry=FAST, h=20, w=1, taps_h=7, taps_w=1, padding_h=0, padding_w=0, out_h=14, out_w=1),
        replace(tiles, entry=FAST, h=15, w=1, taps_h=15, taps_w=1, padding_h=0, padding_w=0, out_h=1, out_w=1),
        replace(tiles, h=3, w=3, out_h=3, out_w=3, c=40, out_c=40),
        Case(DENSE, WRAPPER, 1, 1, 1, 640, 1, 1, 22, input_offset=-89, bias_range=500, shift=-12, seed=9),
        Case(DENSE, WRAPPER, 2, 1, 1, 61, 1, 1, 8, input_offset=100, seed=10),
    ]


def all_cases() -> list[Case]:
    """The cases of a run; the generator's seed is fixed."""
    random = np.random.default_rng(20)
    return [*chosen(), *convolutions(random, 90), *depthwise_convolutions(random, 60), *products(random, 40),
            *transposed_convolutions(random, 20)]  # fmt: skip
