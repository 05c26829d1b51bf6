"""Neural: the ratios of ``cost_models.ratios`` by a small network of smooth functions, so that costs have gradients.

A layer is its kind, as a vector that is learnt, and the logarithms of its sizes; two hidden layers give the logarithm of its
ratio. A network costs the sum of its layers, a set of operators: none knows of another. Fitted by PyTorch
(``cost_models.relaxed``), which also tells costs of sizes between whole numbers; kept as plain numbers, and answered by NumPy
without it. Not modelled: what is sudden, but for rests of channels, which are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cost_models.errors import CostModelError
from cost_models.layers import CODES
from cost_models.model import Networks, layers_of
from cost_models.packed import as_kept, packed, unpacked
from cost_models.ratios import RatioFit, RatioModel

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS = (
    "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels", "kernel_height",
    "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width", "padding_top", "padding_bottom",
    "padding_left", "padding_right", "groups", "macs", "weight_bytes", "input_bytes", "output_bytes", "clamps", "scales",
    "unfit_channels", "unfit_fours", "constant_channels", "run_bytes",
)  # fmt: skip
"""Columns of the table whose logarithms are looked at."""

HELD = ("input fours", "output fours", "output pairs", "mixes")
"""The greatest common divisors of channels with 4 and of the output's width with 2; 1 where each output channel is made of all
input channels."""

SIZES = (*COLUMNS, *HELD)
MIXING = np.array([CODES[name] for name in ("Conv2D", "TransposeConv2D", "FullyConnected", "BatchMatMul")])

LEAST_SCALE = 1e-3
"""Sizes that vary less than this are told as they are."""


def sizes_of(table: np.ndarray) -> np.ndarray:
    """SIZES of each row, [rows, SIZES]."""
    held = (
        np.gcd(table["input_channels"], 4), np.gcd(table["output_channels"], 4), np.gcd(table["output_width"], 2),
        np.isin(table["operator"], MIXING),
    )  # fmt: skip
    return np.stack([*(table[name] for name in COLUMNS), *held], axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Weights:
    """``kinds``, [slots, width of a kind's vector]. ``center`` and ``scale`` of logarithms of sizes, [SIZES]. ``parts``: for
    each layer a matrix, [inputs, outputs], and offsets.
    """

    kinds: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    parts: tuple[tuple[np.ndarray, np.ndarray], ...]

    def places(self, table: np.ndarray) -> np.ndarray:
        """Logarithms of sizes, centred and scaled, [rows, SIZES]."""
        return np.asarray((np.log1p(sizes_of(table)) - self.center) * self.scale)

    def logs(self, table: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Of each row."""
        x = np.concatenate([self.kinds[slots], self.places(table)], axis=1)
        for matrix, offset in self.parts[:-1]:
            x = silu(x @ matrix + offset)
        matrix, offset = self.parts[-1]
        return np.asarray((x @ matrix + offset).T)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "width": len(self.parts[0][1]), "kinds": packed(self.kinds), "center": packed(self.center),
            "scale": packed(self.scale), "matrices": [packed(matrix) for matrix, _ in self.parts],
            "offsets": [packed(offset) for _, offset in self.parts],
        }  # fmt: skip


def silu(x: np.ndarray) -> np.ndarray:
    """x / (1 + exp(-x)) (S. Elfwing et al., Sigmoid-weighted linear units, 2018)."""
    return np.asarray(x / (1 + np.exp(-np.maximum(x, -700))))


class Neural(RatioModel):
    """``width`` of hidden layers, ``kind_width`` of the vector of a kind; ``steps`` of Adam with ``batch`` layers each, the
    first as large as ``rate``; ``decay``: how fast weights fade; ``seed`` of all that is drawn, so that weights are the same on
    each run.
    """

    name: ClassVar[str] = "neural"

    def __init__(
        self, width: int = 48, kind_width: int = 12, steps: int = 1500, batch: int = 256, rate: float = 1e-2,
        decay: float = 0.1, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.width = width
        self.kind_width = kind_width
        self.steps = steps
        self.batch = batch
        self.rate = rate
        self.decay = decay
        self.seed = seed

    def rows(self, networks: Networks) -> Tensor:
        """Layers as a tensor, for ``latency`` and ``energy``: see ``cost_models.relaxed``, which also changes their channels.

        CostModelError for a layer of a kind that this model has learnt nothing of.
        """
        torch, layers, fit = _torch(), layers_of(networks), self._fit()
        slots = fit.rough.slots(layers.table)
        if len(slots) and slots.min() < 0:
            raise CostModelError(f"{layers.called(int(np.argmin(slots)))}: of a kind that this model has learnt nothing of")
        return torch.as_tensor(np.column_stack([slots, sizes_of(layers.table)]))

    def latency(self, rows: Tensor) -> Tensor:
        """Seconds of each of ``rows``, with gradients by their sizes."""
        from cost_models.relaxed import costs

        return costs(self._fit(), rows)[0] / self.learnt.clock_hertz

    def energy(self, rows: Tensor) -> Tensor:
        """Joules of each of ``rows``. CostModelError where the board has no energy table."""
        from cost_models.relaxed import costs

        if len(self.learnt.quantities) < 2:
            raise CostModelError(f"{self.board} has no energy table, so its model tells no energy")
        return costs(self._fit(), rows)[1]

    def _fit(self) -> RatioFit:
        fit = self.learnt.layers
        assert isinstance(fit, RatioFit)
        return fit

    def learn(self, table: np.ndarray, slots: np.ndarray, logs: np.ndarray, kinds: int) -> Weights:
        """Weights that make errors of logarithms small. CostModelError where PyTorch is missing."""
        start = self._drawn(np.log1p(sizes_of(table)), len(logs), kinds)
        if not len(table):
            return start
        _torch()
        from cost_models.relaxed import trained

        return trained(start, self, start.places(table), slots, logs)

    def _drawn(self, logs: np.ndarray, quantities: int, kinds: int) -> Weights:
        """Weights to begin with, of such a size that sums neither grow nor fade (K. He et al., Delving deep into rectifiers,
        2015); of the last layer 0.
        """
        random, rows = np.random.default_rng(self.seed), logs if len(logs) else np.zeros((1, len(SIZES)))
        widths = _widths(self.kind_width, self.width, quantities)
        spread = rows.std(axis=0)
        matrices = [random.normal(0, np.sqrt(2 / left), (left, right)) for left, right in pairwise(widths)]
        matrices[-1][:] = 0
        return Weights(
            random.normal(0, 1, (kinds, self.kind_width)), as_kept(rows.mean(axis=0)),
            as_kept(1 / np.where(spread > LEAST_SCALE, spread, 1)), tuple((each, np.zeros(each.shape[1])) for each in matrices),
        )  # fmt: skip

    @classmethod
    def read_ratios(cls, plain: Mapping[str, Any], quantities: int, kinds: int) -> Weights:
        """The weights that ``Weights.plain`` wrote."""
        vectors = unpacked(plain["kinds"], kinds, -1)
        sides = pairwise(_widths(vectors.shape[1], int(plain["width"]), quantities))
        parts = [
            (unpacked(matrix, *side), unpacked(offset, side[1]))
            for side, matrix, offset in zip(sides, plain["matrices"], plain["offsets"], strict=True)
        ]
        count = len(SIZES)
        return Weights(vectors, unpacked(plain["center"], count), unpacked(plain["scale"], count), tuple(parts))


def _widths(kind: int, hidden: int, quantities: int) -> Sequence[int]:
    return kind + len(SIZES), hidden, hidden, quantities


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise CostModelError("PyTorch fits neural models and is not installed: pip install mcusim[torch]") from None
    return torch
