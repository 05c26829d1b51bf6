"""Data of the study: real sets from a folder, or stand-ins; every one says which it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.deep_compression import loaders
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.synthetic import Recipe, Samples, drawn

ENOUGH = 10_000
"""Samples for testing that a claim of "no loss" needs at least."""

LEVELS = {
    "images": Recipe((1, 28, 28), 10, 24, 2.0, 0.2, 0.06, (0.06, 0.06), 0.6, 0.5),
    "colours": Recipe((3, 32, 32), 10, 10, 2.0, 0.25, 0.07, (0.07, 0.07), 0.6, 1.0),
    "audio": Recipe((1, 49, 10), 12, 10, 1.5, 0.0, 0.07, (0.08, 0.03), 0.6, 1.0),
}
"""Synthetic sets. ``images`` was set once, so that LeNet gets nearly all right and a dense network of 5 % of its parameters,
trained to the end, loses more than a point against it: 99.65 % and 98.42 % of 10,000 samples with 40,000 to train on (seed 0).
With more motion (0.25, 0.07) they get 99.1 % and 96.7 %, with less (0.15, 0.05) they differ by half a point. The two other sets
have not been set by measuring."""

REAL: Mapping[str, Callable[[Path, int], tuple[Samples, Samples]]] = {
    "images": loaders.mnist, "colours": loaders.cifar10, "audio": loaders.speech_commands,
}  # fmt: skip
KINDS = {"lenet": "images", "resnet8": "colours", "ds_cnn": "audio"}
"""What each network takes."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where data come from. ``folder``: of a real set, "" for a stand-in: ``synthetic`` or scikit-learn's ``digits``.

    ``train``, ``test``: samples at most, 0 for all of a real set; ``prototypes`` a class of a synthetic set, 0 for the usual.
    """

    folder: str = ""
    stand_in: str = "synthetic"
    train: int = 40_000
    test: int = ENOUGH
    prototypes: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Data:
    """Samples of mean 0 and standard deviation 1 (those of ``train``), and what they are."""

    name: str
    classes: int
    train: Samples
    test: Samples

    def digest(self) -> bytes:
        """Changes with any of the samples."""
        found = hashlib.sha256()
        for each in (self.train, self.test):
            found.update(np.ascontiguousarray(each.x).data)
            found.update(np.ascontiguousarray(each.y).data)
        return found.digest()


def loaded(network: str, source: Source) -> Data:
    """The data for a network by name. StudyError where they cannot be read, or do not suit it."""
    if network not in KINDS:
        raise StudyError(f"no network {network!r}; allowed: {', '.join(KINDS)}")
    kind = KINDS[network]
    if source.train < 0 or source.test < 0 or source.prototypes < 0:
        raise StudyError(f"{source}: numbers of samples and prototypes below 0")
    if source.folder:
        train, test = REAL[kind](Path(source.folder), source.seed)
        name = f"{REAL[kind].__name__} of a folder"
    elif source.stand_in in STAND_INS:
        train, test, name = STAND_INS[source.stand_in](kind, source)
    else:
        raise StudyError(f"no stand-in {source.stand_in!r}; allowed: {', '.join(STAND_INS)}")
    return _scaled(name, _first(train, source.train, source.seed), _first(test, source.test, source.seed))


def _first(samples: Samples, count: int, seed: int) -> Samples:
    """At most so many samples, 0 for all, in an order of ``seed``: files are sorted, and the first few stand for all."""
    chosen = np.random.default_rng(seed).permutation(len(samples.y))[: count or None]
    return Samples(samples.x[chosen], samples.y[chosen])


def _scaled(name: str, train: Samples, test: Samples) -> Data:
    if not len(train.y) or not len(test.y):
        raise StudyError(f"{name}: {len(train.y)} samples to train on and {len(test.y)} to test with; both are needed")
    mean, deviation = float(train.x.mean()), float(train.x.std()) or 1.0
    parts = [replace(each, x=((each.x - mean) / deviation).astype(np.float32)) for each in (train, test)]
    return Data(name, int(max(train.y.max(), test.y.max())) + 1, *parts)


def _synthetic(kind: str, source: Source) -> tuple[Samples, Samples, str]:
    recipe = LEVELS[kind]
    recipe = replace(recipe, prototypes=source.prototypes or recipe.prototypes)
    if source.train < 1 or source.test < 1:
        raise StudyError(f"{source.train} samples to train on and {source.test} to test with; a synthetic set needs both")
    return *drawn(recipe, source.seed, source.train, source.test), f"synthetic {kind} ({recipe.prototypes} prototypes a class)"


def _digits(kind: str, source: Source) -> tuple[Samples, Samples, str]:
    """scikit-learn's 1,797 real digits of 8 x 8, three times as large and in the middle of 28 x 28; a fifth is for testing."""
    if kind != "images":
        raise StudyError(f"digits are images of one channel; they do not stand in for {kind}")
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise StudyError("digits need scikit-learn: pip install 'mcusim[study]'") from None
    x, y = load_digits(return_X_y=True)
    large = np.pad(x.reshape(-1, 8, 8).repeat(3, 1).repeat(3, 2) / 16, ((0, 0), (2, 2), (2, 2)))[:, None]
    order = np.random.default_rng(source.seed).permutation(len(y))
    test, train = order[: len(y) // 5], order[len(y) // 5 :]
    parts = [Samples(large[rows].astype(np.float32), y[rows].astype(np.int64)) for rows in (train, test)]
    return parts[0], parts[1], "scikit-learn digits"


STAND_INS = {"synthetic": _synthetic, "digits": _digits}
"""By name: (kind, source) -> samples to train on, samples to test with, what they are."""
