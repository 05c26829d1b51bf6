"""relaxed: neural models in PyTorch, for fitting them, and for costs of layers whose sizes lie between whole numbers.

Rows are tensors here, [rows, 1 + SIZES]: the slot of the kind, then ``cost_models.neural.SIZES`` as float64. Costs have
gradients by all sizes. A kind is none: the way through the kernels is that of the layer which the row was made of, and so are
rests of channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from cost_models.neural import SIZES, Neural, Weights
from cost_models.packed import as_kept
from cost_models.ratios import FURTHEST, RatioFit

KNEE = 0.02
"""Up to this error of a logarithm its square counts, beyond it its size: a few odd layers do not bend the rest."""

PLACE = {name: 1 + place for place, name in enumerate(SIZES)}
BY_INPUTS, BY_OUTPUTS = (
    ("input_channels", "input_bytes"),
    (
        "output_channels", "output_bytes", "macs", "weight_bytes", "unfit_channels", "unfit_fours", "constant_channels",
        "run_bytes",
    ),
)  # fmt: skip
"""Sizes that grow with input channels, and with output channels; those of ALSO_BY_INPUTS do with both, where channels mix."""

ALSO_BY_INPUTS = ("macs", "weight_bytes")

Parts = Sequence[tuple[Tensor, Tensor]]
"""A matrix and an offset for each layer of a network of functions."""


def with_channels(rows: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
    """Rows with so many times the input and output channels each, [rows]; what depends on them is kept in step.

    Biases count as weights; element-wise layers, poolings and depthwise convolutions have as many outputs as inputs, and the
    groups of the latter follow.
    """
    mixes, apart = rows[:, PLACE["mixes"]] > 0, rows[:, PLACE["groups"]] > 1
    one = torch.ones_like(inputs)
    times = dict.fromkeys(SIZES, one) | dict.fromkeys(BY_INPUTS, inputs) | dict.fromkeys(BY_OUTPUTS, outputs)
    times |= {name: torch.where(mixes, inputs * outputs, outputs) for name in ALSO_BY_INPUTS}
    times["groups"] = torch.where(apart & ~mixes, inputs, one)
    return rows * torch.stack([one, *times.values()], dim=1)


def costs(fit: RatioFit, rows: Tensor) -> Tensor:
    """Costs of rows, [quantities, rows]; the twin of ``RatioFit.price``."""
    weights, slots = fit.ratios, rows[:, 0].long()
    assert isinstance(weights, Weights)
    kinds, center, scale = map(torch.as_tensor, (weights.kinds, weights.center, weights.scale))
    parts = [tuple(map(torch.as_tensor, part)) for part in weights.parts]
    logs = _through(parts, torch.cat([kinds[slots], (torch.log1p(rows[:, 1:]) - center) * scale], dim=1)).T
    moved = rows[:, PLACE["input_bytes"]] + rows[:, PLACE["output_bytes"]] + rows[:, PLACE["weight_bytes"]]
    counts = torch.stack([torch.ones_like(moved), moved, rows[:, PLACE["macs"]]], dim=1)
    rough = torch.einsum("rc,qrc->qr", counts, torch.as_tensor(fit.rough.constants)[:, slots])
    return rough * torch.exp(logs.clamp(-FURTHEST, FURTHEST))


def _through(parts: Parts, x: Tensor) -> Tensor:
    for matrix, offset in parts[:-1]:
        x = torch.nn.functional.silu(x @ matrix + offset)
    matrix, offset = parts[-1]
    return x @ matrix + offset


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums are in one order, and threads that these small matrices would wait for, beside those of numba, are none."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def trained(start: Weights, model: Neural, places: np.ndarray, slots: np.ndarray, logs: np.ndarray) -> Weights:
    """Weights after ``model.steps`` of Adam with decay (I. Loshchilov, F. Hutter, Decoupled weight decay regularization, 2019).

    ``places``: logarithms of sizes, centred and scaled, [rows, SIZES]. ``logs``: what is wanted, [quantities, rows].
    """
    x, wanted = _single(places), _single(logs.T)
    which = torch.as_tensor(slots)
    kinds = _single(start.kinds).requires_grad_()
    parts = [(_single(matrix).requires_grad_(), _single(offset).requires_grad_()) for matrix, offset in start.parts]
    free = [kinds, *(each for part in parts for each in part)]
    adam = torch.optim.AdamW(free, lr=model.rate, weight_decay=model.decay)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, model.steps)
    random = np.random.default_rng(model.seed)
    for _ in range(model.steps):
        rows = torch.as_tensor(random.integers(0, len(places), min(model.batch, len(places))))
        told = _through(parts, torch.cat([kinds[which[rows]], x[rows]], dim=1))
        loss = torch.nn.functional.smooth_l1_loss(told, wanted[rows], beta=KNEE)
        adam.zero_grad()
        loss.backward()
        adam.step()
        slower.step()
    return Weights(_kept(kinds), start.center, start.scale, tuple((_kept(matrix), _kept(offset)) for matrix, offset in parts))


def _single(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _kept(values: Tensor) -> np.ndarray:
    return as_kept(values.detach().double().numpy())
