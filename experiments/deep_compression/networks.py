"""Networks of the study as modules of PyTorch, each with a ``width`` so that smaller dense ones exist.

What pruning has to know of a network beside its layers is said by the network itself: ``activation_of`` names the rectifier
that a layer's outputs go through (gradient and activation heuristics look there), ``classifier`` the layer whose outputs are
classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from experiments.deep_compression.convolution import Projection
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.fused import rectified_pool


class Prunable(nn.Module):
    """A module with what pruning asks of it. ``input_shape``: channels, height, width of a sample."""

    input_shape: ClassVar[tuple[int, int, int]]
    activation_of: Mapping[str, str]
    classifier: str

    def example(self) -> Tensor:
        """An input of one sample, as torch.export and the dependency graph want it."""
        return torch.zeros(1, *self.input_shape)


def channels(count: int, width: float) -> int:
    """A number of channels at ``width``: the nearest whole one, 1 at least."""
    return max(1, round(count * width))


class LeNet(Prunable):
    """The MNIST network of PyTorch's examples: two convolutions, two layers of rows; 1,199,882 parameters at ``width`` 1.

    There is no softmax at the end, which changes no class, and no dropout, with which it learns more slowly.
    """

    input_shape = (1, 28, 28)
    classifier = "rows2"

    def __init__(self, classes: int = 10, width: float = 1.0) -> None:
        super().__init__()
        first, second, third = (channels(count, width) for count in (32, 64, 128))
        self.conv1, self.active1 = nn.Conv2d(1, first, 3), nn.ReLU()
        self.conv2, self.active2 = nn.Conv2d(first, second, 3), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.rows1, self.active3, self.rows2 = nn.Linear(second * 12 * 12, third), nn.ReLU(), nn.Linear(third, classes)
        self.activation_of = {"conv1": "active1", "conv2": "active2", "rows1": "active3"}

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.active1(self.conv1(x)))
        x = rectified_pool(x) if self.training else self.pool(self.active2(x))
        x = self.active3(self.rows1(torch.flatten(x, 1)))
        y: Tensor = self.rows2(x)
        return y


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is a convolution of 1 x 1 where sizes change (K. He et al., 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.active1, self.active2 = nn.ReLU(), nn.ReLU()
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.shortcut = Projection(inputs, outputs, stride) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(self.active1(self.norm1(self.conv1(x)))))
        z: Tensor = self.active2(y + self.shortcut(x))
        return z


class ResNet8(Prunable):
    """The CIFAR-10 network of MLPerf Tiny: a stem and three blocks of 16, 32 and 64 channels, 77,946 parameters."""

    input_shape = (3, 32, 32)
    classifier = "rows"

    def __init__(self, classes: int = 10, width: float = 1.0) -> None:
        super().__init__()
        first, second, third = (channels(count, width) for count in (16, 32, 64))
        self.stem, self.norm, self.active = nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        self.block1, self.block2, self.block3 = Block(first, first, 1), Block(first, second, 2), Block(second, third, 2)
        self.pool, self.rows = nn.AdaptiveAvgPool2d(1), nn.Linear(third, classes)
        self.activation_of = {"stem": "active"}
        for name in ("block1", "block2", "block3"):
            self.activation_of |= {f"{name}.conv1": f"{name}.active1"}
            self.activation_of |= {f"{name}.{layer}": f"{name}.active2" for layer in ("conv2", "shortcut")}

    def forward(self, x: Tensor) -> Tensor:
        x = self.block3(self.block2(self.block1(self.active(self.norm(self.stem(x))))))
        y: Tensor = self.rows(torch.flatten(self.pool(x), 1))
        return y


class Separable(nn.Module):
    """A depthwise convolution and one of 1 x 1, both normalised and rectified."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.deep, self.norm1 = nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs)
        self.active1, self.active2 = nn.ReLU(), nn.ReLU()
        self.point, self.norm2 = nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.active1(self.norm1(self.deep(x)))
        y: Tensor = self.active2(self.norm2(self.point(x)))
        return y


class DSCNN(Prunable):
    """The keyword spotter of Y. Zhang et al., Hello Edge (2017), in its small size: 64 channels, four separable blocks."""

    input_shape = (1, 49, 10)
    classifier = "rows"

    def __init__(self, classes: int = 12, width: float = 1.0) -> None:
        super().__init__()
        count = channels(64, width)
        self.stem, self.norm = nn.Conv2d(1, count, (10, 4), 2, (5, 1), bias=False), nn.BatchNorm2d(count)
        self.active = nn.ReLU()
        self.block1, self.block2 = Separable(count, count), Separable(count, count)
        self.block3, self.block4 = Separable(count, count), Separable(count, count)
        self.pool, self.rows = nn.AdaptiveAvgPool2d(1), nn.Linear(count, classes)
        self.activation_of = {"stem": "active"}
        for name in ("block1", "block2", "block3", "block4"):
            self.activation_of |= {f"{name}.deep": f"{name}.active1", f"{name}.point": f"{name}.active2"}

    def forward(self, x: Tensor) -> Tensor:
        x = self.active(self.norm(self.stem(x)))
        x = self.block4(self.block3(self.block2(self.block1(x))))
        y: Tensor = self.rows(torch.flatten(self.pool(x), 1))
        return y


NETWORKS: Mapping[str, Callable[..., Prunable]] = {"lenet": LeNet, "resnet8": ResNet8, "ds_cnn": DSCNN}
"""By name: (classes, width) -> module."""

MOST_WIDTH = 4.0


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network by name, for so many classes, its channels times ``width``. StudyError where there is none like that."""

    network: str
    classes: int
    width: float = 1.0

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise StudyError(f"no network {self.network!r}; allowed: {', '.join(NETWORKS)}")
        if not (0 < self.width <= MOST_WIDTH and self.classes > 1):
            raise StudyError(f"{self}: a width above 0 and up to {MOST_WIDTH} and two classes at least are allowed")

    def built(self, seed: int = 0) -> Prunable:
        """A module with weights of ``seed``."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._made()

    def outlined(self) -> Prunable:
        """A module without memory: it has shapes alone."""
        with torch.device("meta"):
            return self._made()

    def _made(self) -> Prunable:
        return NETWORKS[self.network](self.classes, width=self.width)

    def size(self) -> int:
        """Number of parameters as deployed."""
        return parameters(self.outlined())


def layers_of(module: nn.Module) -> Mapping[str, nn.Module]:
    """Layers with weights, by name."""
    return {name: each for name, each in module.named_modules() if isinstance(each, nn.Conv2d | nn.Linear)}


def biases(module: nn.Module) -> int:
    """One for each output channel of each layer: normalisations are folded into the layers before them when deployed."""
    return sum(len(each.weight) for each in layers_of(module).values())


def parameters(module: nn.Module) -> int:
    """Number of parameters as deployed: weights and biases of all layers."""
    return biases(module) + sum(each.weight.numel() for each in layers_of(module).values())
