"""Synthetic sets of our own: images and audio features of adjustable difficulty, where no data set is at hand.

A class is a number of **prototypes**: smooth random fields. A sample is a prototype of its class, turned, scaled, shifted,
dimmed, and covered with noise. What makes a set hard is mostly how many prototypes a class has: they have little in common, so
that each takes features of its own and a small network runs out of them. Real sets have more structure than that: accuracies
here are comparable with one another, not with those of MNIST, CIFAR-10 or Speech Commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CHUNK = 1000
"""Samples that are made at a time, so that the coordinates of a large set need little memory."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a set is made of. ``shape``: channels, height, width of a sample; ``grain``: pixels over which fields change.

    ``turn``: largest angle in radians; ``zoom``: largest change of size, as a part; ``shift``: largest displacement, as a part
    of each side; ``dim``: least contrast, of 1; ``noise``: standard deviation, where fields have 1.
    """

    shape: tuple[int, int, int]
    classes: int
    prototypes: int
    grain: float
    turn: float
    zoom: float
    shift: tuple[float, float]
    dim: float
    noise: float


@dataclass(frozen=True, slots=True)
class Samples:
    """``x``: float32 [samples, channels, height, width]; ``y``: class numbers, int64 [samples]."""

    x: np.ndarray
    y: np.ndarray


def drawn(recipe: Recipe, seed: int, train: int, test: int) -> tuple[Samples, Samples]:
    """``train`` and ``test`` samples of the same prototypes; more of one changes nothing of the other, nor of those before."""
    fields, first, second = np.random.SeedSequence(seed).spawn(3)
    prototypes = _prototypes(recipe, np.random.default_rng(fields))
    return _samples(recipe, prototypes, first, train), _samples(recipe, prototypes, second, test)


def _prototypes(recipe: Recipe, random: np.random.Generator) -> np.ndarray:
    """Smooth fields, [classes * prototypes, channels, height, width], of mean 0 and standard deviation 1 each."""
    white = random.normal(size=(recipe.classes * recipe.prototypes, *recipe.shape))
    fields = np.fft.irfft2(np.fft.rfft2(white) * _low_pass(recipe), recipe.shape[1:])
    fields -= fields.mean((1, 2, 3), keepdims=True)
    fields /= fields.std((1, 2, 3), keepdims=True)
    return np.asarray(fields, np.float32)


def _low_pass(recipe: Recipe) -> np.ndarray:
    """A Gaussian of ``grain`` pixels, as it is after Fourier's transformation."""
    down = np.fft.fftfreq(recipe.shape[1])[:, None]
    right = np.fft.rfftfreq(recipe.shape[2])[None, :]
    return np.exp(-2 * (np.pi * recipe.grain) ** 2 * (down**2 + right**2))


def _samples(recipe: Recipe, prototypes: np.ndarray, source: np.random.SeedSequence, count: int) -> Samples:
    chunks = list(_chunks(recipe, prototypes, source, count))
    return Samples(np.concatenate([each.x for each in chunks])[:count], np.concatenate([each.y for each in chunks])[:count])


def _chunks(
    recipe: Recipe, prototypes: np.ndarray, source: np.random.SeedSequence, count: int
) -> Iterator[Samples]:
    """Whole chunks, each with a stream of its own, so that a longer set begins like a shorter one."""
    for stream in source.spawn(max(-(-count // CHUNK), 1)):
        random = np.random.default_rng(stream)
        which = random.integers(0, len(prototypes), CHUNK)
        x = _warped(prototypes, which, *_maps(recipe, random))
        x *= random.uniform(recipe.dim, 1.0, (CHUNK, 1, 1, 1)).astype(np.float32)
        x += recipe.noise * random.standard_normal(x.shape, np.float32)
        yield Samples(x, which // recipe.prototypes)


def _maps(recipe: Recipe, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A matrix [samples, 2, 2] and an offset [samples, 2] in pixels, from places of a sample to places of its prototype."""
    angle = random.uniform(-recipe.turn, recipe.turn, CHUNK)
    size = 1 + random.uniform(-recipe.zoom, recipe.zoom, CHUNK)
    cosine, sine = np.cos(angle) / size, np.sin(angle) / size
    matrices = np.stack([cosine, -sine, sine, cosine], 1).reshape(-1, 2, 2)
    reach = np.array(recipe.shift) * recipe.shape[1:]
    return matrices.astype(np.float32), random.uniform(-reach, reach, (CHUNK, 2)).astype(np.float32)


def _warped(prototypes: np.ndarray, which: np.ndarray, matrices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Prototypes read at mapped places, between four pixels; what is read beyond an edge comes from the opposite one."""
    channels, height, width = prototypes.shape[1:]
    middle = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).reshape(-1, 2) - middle
    places = grid.astype(np.float32) @ matrices.transpose(0, 2, 1) + offsets[:, None] + middle
    whole = np.floor(places)
    rest, corner = places - whole, whole.astype(np.int32)
    flat = prototypes.reshape(len(prototypes), channels, -1)
    result = np.zeros((len(which), channels, height * width), np.float32)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - rest[..., 0]) * np.abs(1 - right - rest[..., 1])
            place = (corner[..., 0] + down) % height * width + (corner[..., 1] + right) % width
            for channel in range(channels):
                result[:, channel] += weight * flat[which[:, None], channel, place]
    return result.reshape(-1, channels, height, width)
