"""Skeletons: what a module becomes as a Network, kept by its shape, so that thousands of modules need few exports.

torch.export takes seconds; pruned networks of one shape differ in their weights alone. So a module of each shape is exported
once with its parameters numbered from 1, and the numbers that arrive in the network say where each weight goes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.networks import Prunable
from mcusim.network import Network, Tensor
from mcusim.network.torch import from_torch

MOST = 2**24
"""Numbers up to this one are exact in float32."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A float network, and for each of its constants which parameters (flat, one after the other) stand in it."""

    network: Network
    places: Mapping[str, np.ndarray]

    def filled(self, parameters: np.ndarray) -> Network:
        """The network with these parameters."""
        return with_constants(self.network, {name: parameters[place] for name, place in self.places.items()})


KNOWN: dict[tuple[object, ...], Skeleton] = {}
"""Skeletons of this process by the shapes of parameters."""


def exported(module: Prunable) -> Network:
    """The module as a float Network, normalisations folded into the layers before them."""
    plain = folded(module)
    parameters = dict(plain.named_parameters())
    key = (type(module).__name__, *((name, tuple(each.shape)) for name, each in parameters.items()))
    if key not in KNOWN:
        KNOWN[key] = _skeleton(type(module).__name__, plain, module.example())
    return KNOWN[key].filled(np.concatenate([each.detach().numpy().reshape(-1) for each in parameters.values()]))


def folded(module: Prunable) -> nn.Module:
    """A copy for inference: no dropout, each normalisation in its convolution."""
    from torch.fx.experimental.optimization import fuse

    training = module.training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch to itself
        plain: nn.Module = fuse(module.eval())
    module.train(training)
    return plain


def _skeleton(name: str, plain: nn.Module, example: torch.Tensor) -> Skeleton:
    count = 0
    with torch.no_grad():
        kept = [each.clone() for each in plain.parameters()]
        for each in plain.parameters():
            each.copy_(torch.arange(count + 1, count + 1 + each.numel()).reshape(each.shape))
            count += each.numel()
        if count >= MOST:
            raise StudyError(f"{name}: {count} parameters cannot be numbered in float32; {MOST - 1} are allowed")
        network = replace(from_torch(plain, example), name=name)
        for each, value in zip(plain.parameters(), kept, strict=True):
            each.copy_(value)
    places = {key: _places(name, tensor, count) for key, tensor in network.tensors.items() if tensor.data is not None}
    if sum(place.size for place in places.values()) != count:
        raise StudyError(f"{name}: of {count} parameters {sum(p.size for p in places.values())} arrive in the network")
    return Skeleton(network, places)


def _places(name: str, tensor: Tensor, count: int) -> np.ndarray:
    assert tensor.data is not None
    place = np.rint(tensor.data).astype(np.int64) - 1
    if not np.array_equal(place + 1, tensor.data) or place.min() < 0 or place.max() >= count:
        raise StudyError(f"{name}: constant {tensor.name!r} does not hold parameters as they are")
    return place


def with_constants(network: Network, constants: Mapping[str, np.ndarray]) -> Network:
    """The network with other values of some constants."""
    tensors = dict(network.tensors)
    for name, values in constants.items():
        data = np.array(values, np.float32).reshape(tensors[name].shape)
        data.flags.writeable = False
        tensors[name] = replace(tensors[name], data=data)
    return replace(network, tensors=tensors)
