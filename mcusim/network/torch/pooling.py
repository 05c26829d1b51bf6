"""Pooling by windows, and reductions along axes."""

from __future__ import annotations

from mcusim.network import operators as ops
from mcusim.network.network import Unsupported
from mcusim.network.torch.view import Item, Translation, View


def pool(function: ops.Pooling) -> Translation:
    def translate(view: View) -> Item:
        x = view.operand(0)
        rank = len(x.shape) - 2
        window = view.numbers(1, "kernel_size", rank)
        stride, pads = view.numbers(2, "stride", rank, window), view.numbers(3, "padding", rank, [0])
        stride = stride or window
        if function is ops.Pooling.MAX:
            if set(view.numbers(4, "dilation", rank, [1])) != {1}:
                raise Unsupported("pooling with dilation is not supported")
            up, counted = view.get(5, "ceil_mode", False), False
        else:
            up, counted = view.get(4, "ceil_mode", False), view.get(5, "count_include_pad", True)
            if view.get(6, "divisor_override"):
                raise Unsupported("its divisor_override is not supported")
        made = view.builder.pool(
            view.output, function, x, window=window, stride=stride, pads=[*pads, *pads], up=up, counted=counted
        )
        return made if function is ops.Pooling.AVERAGE else (made,)

    return translate


def adaptive(view: View) -> Item:
    """To one place: the mean. To a whole part of the places: windows side by side."""
    x = view.value(0)
    size = view.numbers(1, "output_size", len(x.shape) - 2)
    if set(size) == {1}:
        return view.builder.reduce(view.output, ops.Reduction.MEAN, x, range(2, len(x.shape)), True)
    if any(n < 1 or m % n for n, m in zip(size, x.shape[2:], strict=True)):
        raise Unsupported(f"adaptive pooling from {x.shape[2:]} to {tuple(size)} is not supported: windows would differ")
    window = [m // n for n, m in zip(size, x.shape[2:], strict=True)]
    return view.builder.pool(view.output, ops.Pooling.AVERAGE, x, window=window, stride=window, pads=[0] * 2 * len(size))


def reduce(function: ops.Reduction) -> Translation:
    def translate(view: View) -> Item:
        x = view.value(0)
        axes = view.get(1, "dim", [])
        axes = [axes] if isinstance(axes, int) else list(axes)
        keep = bool(view.get(2, "keepdim", False))
        return view.builder.reduce(view.output, function, x, axes or range(len(x.shape)), keep)

    return translate
