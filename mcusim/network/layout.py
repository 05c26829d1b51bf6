"""Value: a tensor of the network as another framework sees it, with its axes in an order of its own.

Reshapes and transposes of the source change how a stored tensor is seen and move nothing; elements move where an operator
needs them in another order than they are stored in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import prod
from operator import mul

import numpy as np

Shape = tuple[int, ...]
Axes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """``shape`` is the source's. ``parts``: factors above 1 of it, in the source's order of elements; axis i of what is
    stored (but for axes of length 1) is part ``order[i]``.
    """

    name: str
    shape: Shape
    parts: Shape
    order: Axes


def value_of(name: str, shape: Sequence[int], axes: Sequence[int] | None = None) -> Value:
    """A tensor whose stored axis i is axis ``axes[i]`` of ``shape``; in the source's order without ``axes``."""
    shape = tuple(shape)
    long = [axis for axis, size in enumerate(shape) if size > 1]
    order = tuple(long.index(axis) for axis in (range(len(shape)) if axes is None else axes) if axis in long)
    return Value(name, shape, tuple(shape[axis] for axis in long), order)


def channels_last(rank: int) -> Axes:
    """N, C, ... as N, ..., C."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(range(rank))


def as_stated(rank: int) -> Axes:
    """The source's order."""
    return tuple(range(rank))


def images_last(rank: int) -> Axes:
    """Images (4 axes) channels last, others as they are."""
    return channels_last(rank) if rank == 4 else as_stated(rank)


ORDERS = (images_last, channels_last, as_stated)
"""How inputs may be stored, by their rank; of those that need the fewest transposes the first is taken."""


def orders(ranks: Iterable[int]) -> list[Callable[[int], Axes]]:
    """Those of ORDERS that differ for inputs of these ranks."""
    ranks = tuple(ranks)
    different = {tuple(order(rank) for rank in ranks): order for order in reversed(ORDERS)}
    return [order for order in ORDERS if order in different.values()]


def refined(value: Value) -> Value | None:
    """The same with parts so fine that each axis of its shape is made of whole ones; None where there are no such parts."""
    ends = sorted({*accumulate(value.parts, mul), *accumulate((n for n in value.shape if n > 1), mul)})
    starts = [1, *ends][:-1]
    if any(end % start for start, end in zip(starts, ends, strict=True)):
        return None
    sizes = tuple(end // start for start, end in zip(starts, ends, strict=True))
    pieces = _groups(value.parts, sizes)
    return replace(value, parts=sizes, order=tuple(piece for part in value.order for piece in pieces[part]))


def _groups(shape: Shape, parts: Shape) -> list[Axes]:
    """Indices of the parts that make up each axis."""
    result, index = [], 0
    for size in shape:
        first = index
        while prod(parts[first:index]) < size:
            index += 1
        result.append(tuple(range(first, index)))
    return result


def arranged(value: Value, axes: Iterable[int]) -> Axes:
    """The order of parts of a refined value when its axes lie in the order ``axes``."""
    groups = _groups(value.shape, value.parts)
    return tuple(part for axis in axes for part in groups[axis])


def stored_axes(value: Value) -> Axes | None:
    """The order in which a value's axes are stored; None where parts of different axes are mixed."""
    fine = refined(value)
    if fine is None:
        return None
    rank, groups = len(fine.shape), _groups(fine.shape, fine.parts)
    place = {part: i for i, part in enumerate(fine.order)}
    by_place = tuple(sorted(range(rank), key=lambda axis: place[groups[axis][0]] if groups[axis] else -1))
    for axes in (channels_last(rank), tuple(range(rank)), by_place):
        if arranged(fine, axes) == fine.order:
            return axes
    return None


def transposed(value: Value, permutation: Axes) -> Value:
    """A refined value with its axes in another order: nothing moves."""
    parts = arranged(value, permutation)
    place = {part: i for i, part in enumerate(parts)}
    shape = tuple(value.shape[axis] for axis in permutation)
    return Value(value.name, shape, tuple(value.parts[p] for p in parts), tuple(place[p] for p in value.order))


def blocks(order: Axes, wanted: Axes) -> list[Axes]:
    """Runs of ``order`` that stay together in ``wanted``."""
    follower = dict(pairwise(wanted))
    result: list[list[int]] = []
    for part in order:
        if result and follower.get(result[-1][-1]) == part:
            result[-1].append(part)
        else:
            result.append([part])
    return [tuple(block) for block in result]


def as_stored(value: np.ndarray, shape: Shape) -> np.ndarray:
    """An input of ``shape``, whose images are stored channels last, from data with channels first or last; one, or many along a
    first axis.

    Told by the shape: images as wide and high as they have channels stay as they are, and so does what is no image.
    """
    if len(shape) < 3 or value.ndim not in (len(shape) - 1, len(shape)) or value.shape[-len(shape) + 1 :] == shape[1:]:
        return value
    first = value.ndim - len(shape) + 1
    return np.moveaxis(value, first, -1) if value.shape[first:] == (shape[-1], *shape[1:-1]) else value
