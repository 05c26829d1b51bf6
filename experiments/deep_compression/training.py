"""Training: a dense network, fine-tuning of pruned ones, distillation, statistics of normalisations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from experiments.deep_compression.networks import Prunable
from experiments.deep_compression.pruning import Masks, apply_masks


@dataclass(frozen=True, slots=True)
class Training:
    """How a network is trained: ``steps`` of Adam on batches of ``batch``, the rate rising to ``rate`` and falling to 0.

    ``distilled``: how much of the loss is to be like the teacher rather than right (0: no teacher), at ``temperature``
    (G. Hinton et al., Distilling the knowledge in a neural network, 2015). ``patience``: networks with a part of the parameters
    are trained up to so many times as long, since their steps are cheap and they have less to spare.
    """

    steps: int
    rate: float = 1e-3
    batch: int = 32
    distilled: float = 0.0
    temperature: float = 3.0
    patience: float = 1.0

    def longer(self, sparsity: float) -> Training:
        """For a network of which ``sparsity`` is gone: as many times the steps as it has fewer parameters, within patience."""
        return replace(self, steps=round(self.steps * min(self.patience, 1 / (1 - sparsity))))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is trained on: ``x`` [samples, channels, height, width], classes ``y``; ``taught``: a teacher's logits, or None."""

    x: Tensor
    y: Tensor
    taught: Tensor | None = None

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, taught: np.ndarray | None = None) -> Lessons:
        """From arrays."""
        return cls(
            torch.from_numpy(x).to(memory_format=torch.channels_last),
            torch.from_numpy(y),
            None if taught is None else torch.from_numpy(taught),
        )


def loss_of(logits: Tensor, y: Tensor, taught: Tensor | None, how: Training) -> Tensor:
    """Cross entropy with the classes and, as far as is wished, with what the teacher said."""
    loss = f.cross_entropy(logits, y)
    if taught is None or not how.distilled:
        return loss
    t = how.temperature
    alike = f.kl_div(f.log_softmax(logits / t, 1), f.log_softmax(taught / t, 1), reduction="batchmean", log_target=True)
    return (1 - how.distilled) * loss + how.distilled * t * t * alike


def batches(count: int, how: Training, seed: int) -> list[np.ndarray]:
    """Places of the samples of each step: all samples in a random order, again and again."""
    random = np.random.default_rng(seed)
    size = min(how.batch, count)
    rounds = -(-how.steps * size // (count // size * size))
    rows = [random.permutation(count)[: count // size * size].reshape(-1, size) for _ in range(rounds)]
    return list(np.concatenate(rows)[: how.steps])


def fit(module: Prunable, lessons: Lessons, how: Training, seed: int, masks: Masks | None = None, warm: float = 0.3) -> None:
    """Train ``module`` in place. Weights outside of ``masks`` stay 0. ``warm``: part of the steps in which the rate rises."""
    if how.steps < 1:
        return
    module.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(module.parameters(), how.rate, fused=True)  # a tenth faster
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, how.rate, total_steps=how.steps + 1, pct_start=warm)
    for rows in batches(len(lessons.y), how, seed):
        taught = None if lessons.taught is None else lessons.taught[rows]
        loss = loss_of(module(lessons.x[rows]), lessons.y[rows], taught, how)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        if masks is not None:
            apply_masks(module, masks)
    module.eval()


def recalibrate(module: nn.Module, lessons: Lessons, samples: int = 1000, batch: int = 250) -> None:
    """Means and variances of normalisations as they are now, over so many samples; weights stay as they are."""
    norms = [each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    if not norms:
        return
    before = [each.momentum for each in norms]
    for each in norms:
        each.reset_running_stats()
        each.momentum = None  # the mean of all batches
    modes = {each: each.training for each in module.modules()}
    module.eval()
    for each in norms:
        each.train()
    with torch.no_grad():
        for place in range(0, min(samples, len(lessons.y)), batch):
            module(lessons.x[place : place + batch])
    for part, mode in modes.items():
        part.training = mode
    for each, momentum in zip(norms, before, strict=True):
        each.momentum = momentum


def logits_of(module: nn.Module, x: Tensor, batch: int = 100) -> np.ndarray:
    """What a module says in evaluation mode, float32 [samples, classes]."""
    module.eval()
    with torch.inference_mode():
        return np.concatenate([module(x[place : place + batch]).numpy() for place in range(0, len(x), batch)])
