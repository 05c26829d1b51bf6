"""Heuristics: how much each structure (filter, row) or each weight of a network is worth; the least are pruned.

L1 and L2 norms look at weights; gradient and activation at what the rectifier behind a layer gives for a batch of samples:

* gradient: | mean over samples and places of dL/da * a |. P. Molchanov et al., Pruning convolutional neural networks (2017).
* activation: 1 - APoZ, APoZ the part of zeros among a. H. Hu et al., Network trimming (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.networks import Prunable, layers_of

STRUCTURED, ELEMENT_WISE, WHOLE = "structured", "element-wise", "dense"
"""Strategies: filters and rows are removed; single weights become 0; neither."""

Scores = Mapping[str, Tensor]
"""By layer: worth of each output channel [channels], or of each weight (of the weights' shape)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples to look at: ``x`` [samples, channels, height, width], classes ``y`` [samples], and a seed for what is random."""

    x: Tensor
    y: Tensor
    seed: int = 0


def structures_of(module: Prunable) -> Mapping[str, nn.Module]:
    """Those whose output channels may be removed: all but the one that gives the classes."""
    return {name: each for name, each in layers_of(module).items() if name != module.classifier}


def _norms(power: int) -> Callable[[Prunable, Batch], Scores]:
    def scores(module: Prunable, batch: Batch) -> Scores:
        del batch
        return {name: each.weight.detach().flatten(1).norm(power, 1) for name, each in structures_of(module).items()}

    return scores


def gradient(module: Prunable, batch: Batch) -> Scores:
    """Molchanov's Taylor expansion: what the loss would change by if an activation were 0."""
    with _watched(module) as met:
        f.cross_entropy(module(batch.x), batch.y).backward()
        found = {name: _by_channel(a.detach() * a.grad).mean(1).abs() for name, a in met.items() if a.grad is not None}
    module.zero_grad(set_to_none=True)
    return _of_layers(module, found)


def activation(module: Prunable, batch: Batch) -> Scores:
    """How often the rectifier gives something: 1 - APoZ."""
    with torch.no_grad(), _watched(module) as met:
        module(batch.x)
        found = {name: (_by_channel(a) != 0).float().mean(1) for name, a in met.items()}
    return _of_layers(module, found)


def random_structures(module: Prunable, batch: Batch) -> Scores:
    """Of the seed alone."""
    source = torch.Generator().manual_seed(batch.seed)
    return {name: torch.rand(len(each.weight), generator=source) for name, each in structures_of(module).items()}


def level(module: Prunable, batch: Batch) -> Scores:
    """Magnitudes of weights."""
    del batch
    return {name: each.weight.detach().abs() for name, each in layers_of(module).items()}


def random_weights(module: Prunable, batch: Batch) -> Scores:
    """Of the seed alone; weights that are 0 already are worth less than all others."""
    source = torch.Generator().manual_seed(batch.seed)
    layers = layers_of(module).items()
    return {name: torch.rand(each.weight.shape, generator=source) * (each.weight.detach() != 0) for name, each in layers}


@contextmanager
def _watched(module: Prunable) -> Iterator[dict[str, Tensor]]:
    """What rectifiers give, by name, in evaluation mode; with gradients, where there are any."""
    met: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(part: nn.Module, inputs: object, output: Tensor) -> None:
            del part, inputs
            if output.requires_grad:
                output.retain_grad()
            met[name] = output

        return hook

    names = set(module.activation_of.values())
    hooks = [module.get_submodule(name).register_forward_hook(watch(name)) for name in names]
    training = module.training
    module.eval()
    try:
        yield met
    finally:
        module.train(training)
        for hook in hooks:
            hook.remove()


def _by_channel(values: Tensor) -> Tensor:
    """[channels, all else]."""
    return values.transpose(0, 1).flatten(1)


def _of_layers(module: Prunable, by_activation: Mapping[str, Tensor]) -> Scores:
    found = {}
    for layer in structures_of(module):
        if layer not in module.activation_of:
            raise StudyError(f"{type(module).__name__}: no rectifier is named for layer {layer!r} (activation_of)")
        found[layer] = by_activation[module.activation_of[layer]]
    return found


@dataclass(frozen=True, slots=True)
class Heuristic:
    """``structured``: whether whole filters and rows are removed, or single weights set to 0. ``gentle``: whether what goes is
    missed little, so that a short training with small steps mends it.
    """

    structured: bool
    scores: Callable[[Prunable, Batch], Scores]
    gentle: bool = False


HEURISTICS: Mapping[str, Heuristic] = {
    "l1": Heuristic(True, _norms(1)),
    "l2": Heuristic(True, _norms(2)),
    "gradient": Heuristic(True, gradient),
    "activation": Heuristic(True, activation),
    "random": Heuristic(True, random_structures),
    "level": Heuristic(False, level, gentle=True),
    "random_weights": Heuristic(False, random_weights),
}
"""By name, as the paper compares them."""


def heuristic(name: str) -> Heuristic:
    """StudyError where there is none of that name."""
    if name not in HEURISTICS:
        raise StudyError(f"no heuristic {name!r}; allowed: {', '.join(HEURISTICS)}")
    return HEURISTICS[name]
