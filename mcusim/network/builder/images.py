"""Images: layers that move a window over the rows and columns of N,C,H,W (one-dimensional: N,C,L)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcusim.network import operators as ops
from mcusim.network.builder.draft import Operand
from mcusim.network.builder.shaping import Shaping
from mcusim.network.layout import Value, channels_last, value_of
from mcusim.network.limits import MAX_STEP, pair
from mcusim.network.network import Unsupported


class Images(Shaping):
    """Images are stored channels last."""

    def image(self, x: Operand) -> Operand:
        """N,C,H,W; N,C,L gets a height of 1."""
        if len(x.shape) == 3:
            return self.reshape(x, (*x.shape[:2], 1, x.shape[2]))
        if len(x.shape) != 4:
            raise Unsupported(f"its input has {len(x.shape)} dimensions; 3 (one-dimensional) and 4 are supported")
        return x

    def pair(self, numbers: Sequence[int], what: str) -> ops.Pair:
        height, width = numbers if len(numbers) == 2 else (1, *numbers)
        return pair(height, width, what)

    def padding(self, pads: Sequence[int]) -> ops.Padding:
        """Of begins and then ends."""
        top, left, bottom, right = pads if len(pads) == 4 else (0, pads[0], 0, pads[1])
        if not all(0 <= pad <= MAX_STEP for pad in (top, left, bottom, right)):
            raise Unsupported(f"its padding is {tuple(pads)}; allowed is 0 to {MAX_STEP}")
        return ops.Padding(top, bottom, left, right)

    def over_image(self, operator: ops.Operator, inputs: Sequence[str], output: str, rank: int) -> Value:
        """A layer that reads an image, channels last; its result in the rank that the source gives it."""
        (name,) = self.emit(operator, inputs, output)
        n, h, w, c = self.tensors[name].shape
        value = value_of(name, (n, c, h, w), channels_last(4))
        return value if rank == 4 else replace(value, shape=(n, c, w))

    def pool(
        self,
        output: str,
        function: ops.Pooling,
        x: Operand,
        *,
        window: Sequence[int],
        stride: Sequence[int],
        pads: Sequence[int],
        up: bool = False,
        counted: bool = False,
    ) -> Value:
        """``up``: the number of places is rounded up. ``counted``: averages are over the padding, too."""
        rank, image = len(x.shape), self.image(x)
        sizes, steps, edge = self.pair(window, "window"), self.pair(stride, "stride"), self.padding(pads)
        if counted and function is ops.Pooling.AVERAGE and edge != ops.Padding():
            image = self.pad(f"{output}/pad", image, (0, 0, edge.top, edge.left), (0, 0, edge.bottom, edge.right), 0.0)
            edge = ops.Padding()
        if up:
            bottom = _rest(image.shape[2], edge.top, edge.bottom, sizes[0], steps[0])
            right = _rest(image.shape[3], edge.left, edge.right, sizes[1], steps[1])
            edge = replace(edge, bottom=edge.bottom + bottom, right=edge.right + right)
        operator = ops.Pool2D(function, sizes, steps, edge)
        return self.over_image(operator, [self.stored(image, channels_last(4))], output, rank)

    def resize(self, output: str, x: Operand, places: Sequence[np.ndarray]) -> Value:
        """``places``: rows (two-dimensional) and columns of the input, as indices.

        Unsupported where no rule of ResizeNearest gives these.
        """
        rows, columns = places if len(places) == 2 else (np.zeros(1, np.int64), *places)
        rank, image = len(x.shape), self.image(x)
        size = self.pair((len(rows), len(columns)), "size")
        for corners, centers in ((False, False), (False, True), (True, False)):
            rules = [_nearest(n, m, corners, centers) for n, m in zip(image.shape[2:], size, strict=True)]
            if np.array_equal(rules[0], rows) and np.array_equal(rules[1], columns):
                operator = ops.ResizeNearest(size, corners, centers)
                return self.over_image(operator, [self.stored(image, channels_last(4))], output, rank)
        raise Unsupported(f"its rule of taking nearest elements from {image.shape[2:]} to {size} is not supported")


def _rest(size: int, before: int, after: int, window: int, stride: int) -> int:
    """What is to be added after for a last place that is not whole; it must begin inside."""
    total = size + before + after - window
    rest = -total % stride
    return rest if total + rest < size + before else 0


def _nearest(size: int, count: int, corners: bool, centers: bool) -> np.ndarray:
    """The index that ResizeNearest takes at each place (float32, as the kernels have it)."""
    step = np.float32(size - 1) / np.float32(count - 1) if corners and count > 1 else np.float32(size) / np.float32(count)
    at = (np.arange(count, dtype=np.float32) + np.float32(0.5 if centers else 0.0)) * step
    return np.clip(np.floor(at + np.float32(0.5)) if corners else np.floor(at), 0, size - 1).astype(np.int64)
