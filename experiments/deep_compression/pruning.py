"""Pruning: single weights become 0, or filters and rows are removed with all that depends on them.

* Of single weights the least of the **whole network** go, not the least of each layer: a layer that has 98 % of all weights
  (LeNet's first rows) then gives most of them, and small layers keep theirs. Biases stay.
* Of structures each layer loses the **same part**, so that all heuristics and seeds have the same shapes at a sparsity: those
  of a dense network of less ``width``. They are compared at equal costs then, and costs are measured once for a shape.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.heuristics import Batch, Scores, heuristic, structures_of
from experiments.deep_compression.networks import Architecture, Prunable, biases, layers_of

Masks = dict[str, Tensor]
"""By layer: where weights are not pruned, of their shape."""

HALVINGS = 40
LEAST_WIDTH = 1e-6
"""Times the whole: one channel everywhere."""


def pruned(module: Prunable, name: str, architecture: Architecture, sparsity: float, batch: Batch) -> None:
    """Prune a ``module`` of ``architecture`` in place, by the heuristic ``name``, until ``sparsity`` of all parameters are
    gone.

    StudyError where nothing that small exists (see ``check_attainable``).
    """
    one = heuristic(name)
    scores = one.scores(module, batch)
    if one.structured:
        remove(module, scores, target_of(architecture, sparsity))
    else:
        keep(module, scores, round((1 - sparsity) * architecture.size()))


def check_attainable(architecture: Architecture, name: str, sparsity: float) -> None:
    """StudyError where a heuristic cannot leave so little of a network."""
    if not 0 <= sparsity < 1:
        raise StudyError(f"a sparsity of {sparsity}; allowed: 0 up to, but not, 1")
    if heuristic(name).structured:
        target_of(architecture, sparsity)
        return
    least, size = biases(architecture.outlined()) + 1, architecture.size()
    if (1 - sparsity) * size < least:
        raise StudyError(f"{architecture.network}: {name} leaves {least} of {size} parameters at least, since biases stay")


# Single weights


def keep(module: Prunable, scores: Scores, count: int) -> None:
    """Set all weights to 0 but those that are worth most, so that ``count`` parameters are left, biases and all."""
    layers = layers_of(module)
    weights = sum(each.weight.numel() for each in layers.values())
    left = count - biases(module)
    if left < 1:
        raise StudyError(f"{count} parameters are fewer than the biases of {type(module).__name__}")
    worth = torch.cat([scores[name].reshape(-1) for name in layers])
    kept = torch.zeros(weights, dtype=torch.bool)
    kept[worth.topk(min(left, weights)).indices] = True
    with torch.no_grad():
        for layer, mask in zip(layers.values(), kept.split([e.weight.numel() for e in layers.values()]), strict=True):
            layer.weight.mul_(mask.reshape(layer.weight.shape))


def masks_of(module: Prunable) -> Masks:
    """Where weights are not 0: what is pruned stays so when these are multiplied with."""
    return {name: each.weight.detach() != 0 for name, each in layers_of(module).items()}


def apply_masks(module: Prunable, masks: Masks) -> None:
    """Set what is pruned to 0 again, after a step of an optimiser."""
    with torch.no_grad():
        for name, mask in masks.items():
            weight = module.get_submodule(name).weight
            assert isinstance(weight, Tensor)
            weight.mul_(mask)


# Structures


@lru_cache
def narrowed(architecture: Architecture, sparsity: float) -> Architecture:
    """The widest of the same network that has at most so many parameters; found by halving, since sizes rise with width."""
    low, high, most = LEAST_WIDTH * architecture.width, architecture.width, (1 - sparsity) * architecture.size()
    least = replace(architecture, width=low).size()
    if least > most:
        raise StudyError(f"{architecture.network} has {least} parameters at least, which is more than {most:.0f}")
    if sparsity == 0:
        return architecture
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if replace(architecture, width=middle).size() <= most else (low, middle)
    return replace(architecture, width=low)


@lru_cache
def target_of(architecture: Architecture, sparsity: float) -> tuple[tuple[str, int], ...]:
    """Output channels that are left of each layer."""
    small = narrowed(architecture, sparsity).outlined()
    return tuple((name, len(each.weight)) for name, each in structures_of(small).items())


def remove(module: Prunable, scores: Scores, target: tuple[tuple[str, int], ...]) -> None:
    """Remove the output channels that are worth least, with all that depends on them, until each layer has its target.

    What must be alike (both sides of an addition, a depthwise convolution and what it reads) is judged together: by the sum of
    its layers' scores, each divided by its mean.
    """
    import torch_pruning

    names = {each: name for name, each in structures_of(module).items()}
    wanted, ignored = dict(target), [module.get_submodule(module.classifier)]
    training = module.training
    module.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library to itself
        graph = torch_pruning.DependencyGraph().build_dependency(module, module.example())
        for group in graph.get_all_groups(ignored_layers=ignored, root_module_types=[nn.Conv2d, nn.Linear]):
            worth = _worth(group, names, scores)
            surplus = len(worth) - wanted[names[group[0].dep.target.module]]
            if surplus > 0:
                least = worth.argsort(stable=True)[:surplus].tolist()
                root = group[0].dep
                graph.get_pruning_group(root.target.module, root.handler, sorted(least)).prune()
    module.train(training)


def _worth(group: object, names: dict[nn.Module, str], scores: Scores) -> Tensor:
    """The worth of each channel of a group; torch_pruning says with each layer which of its channels hang together."""
    total: Tensor | None = None
    for item in group:  # type: ignore[attr-defined]
        name = names.get(item.dep.target.module)
        if name is None or "out" not in item.dep.handler.__name__:
            continue
        score = scores[name]
        part = (score / score.mean().clamp_min(1e-12))[torch.tensor(item.idxs)]
        total = part if total is None else total + part
    assert total is not None  # the root itself is one of them
    return total
