"""Samples: inputs for a network in its stored form, random or from a labelled set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mcusim.errors import McusimError
from mcusim.network import ElementType, Network, Tensor
from mcusim.network.layout import as_stored

Sample = Mapping[str, np.ndarray]
"""An array for each input of the network, by name."""


class DataError(McusimError):
    """A labelled set that cannot be read, or that does not suit the network."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Samples of a network with one input, and the number of the class of each."""

    samples: tuple[Sample, ...]
    labels: tuple[int, ...]


def random_samples(network: Network, count: int, seed: int = 0) -> list[Sample]:
    """Any stored value for integers, normal numbers for floats; the same for the same seed."""
    random = np.random.default_rng(seed)
    return [{name: _random(network.tensors[name], random) for name in network.inputs} for _ in range(count)]


def _random(tensor: Tensor, random: np.random.Generator) -> np.ndarray:
    if tensor.type is ElementType.FLOAT32:
        return random.normal(size=tensor.shape).astype(np.float32)
    if tensor.type is ElementType.BOOL:
        return random.integers(0, 2, tensor.shape).astype(np.bool_)
    info = np.iinfo(tensor.type.value)
    return random.integers(info.min, info.max, tensor.shape, tensor.type.value, endpoint=True)


def labelled_set(path: str, network: Network) -> LabelledSet:
    """The set in a file ``.npz`` (arrays ``x`` and ``y``) or in a folder with a folder of ``.npy`` files for each class.

    Classes of folders are numbered in the order of their names; where the names are numbers, by these. Values of the input's
    own type are taken as stored; others are real numbers and quantised. Images may have channels first.
    DataError where it cannot be used.
    """
    if len(network.inputs) != 1:
        raise DataError(f"{path}: labelled sets are for networks with one input; {network.name} has {len(network.inputs)}")
    tensor = network.tensors[network.inputs[0]]
    place = Path(path)
    values, labels = _folder(place) if place.is_dir() else _archive(place)
    if not labels:
        raise DataError(f"{path}: holds no samples; allowed: an .npz with x and y, or a folder of .npy files for each class")
    return LabelledSet(tuple({tensor.name: _stored(path, value, tensor)} for value in values), tuple(labels))


def calibration_samples(path: str | Path) -> list[np.ndarray]:
    """Inputs that are typical for a network with one input, without labels: array ``x`` of an .npz, or all .npy of a folder."""
    place = Path(path)
    files = sorted(place.rglob("*.npy")) if place.is_dir() else []
    values = [_array(file) for file in files] if place.is_dir() else [_opened(place, ("x",))["x"]]
    if not values:
        raise DataError(f"{path}: holds no samples; allowed: an .npz with x, or a folder of .npy files")
    return values


def _array(file: Path) -> np.ndarray:
    try:
        value: np.ndarray = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from None
    return value


def _opened(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of an archive, by name."""
    wanted = " and ".join(names)
    try:
        with np.load(path, allow_pickle=False) as archive:
            if missing := [name for name in names if name not in archive.files]:
                raise DataError(f"{path}: no array {missing[0]!r}; it has: {', '.join(archive.files)}")
            return {name: archive[name] for name in names}
    except (OSError, ValueError, BadZipFile) as error:
        raise DataError(f"{path}: cannot be read as .npz: {error}") from None
    except AttributeError:
        raise DataError(f"{path}: holds one array; allowed: an .npz with {wanted}") from None


def _archive(path: Path) -> tuple[Sequence[np.ndarray], list[int]]:
    arrays = _opened(path, ("x", "y"))
    values, labels = arrays["x"], arrays["y"]
    classes = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1)
    if len(values) != len(classes):
        raise DataError(f"{path}: {len(values)} samples in x, {len(classes)} labels in y")
    return list(values), [int(each) for each in classes]


def _folder(path: Path) -> tuple[Sequence[np.ndarray], list[int]]:
    names = sorted(each.name for each in path.iterdir() if each.is_dir())
    numbered = all(name.isascii() and name.isdigit() for name in names)
    values, labels = [], []
    for number, name in enumerate(names):
        for file in sorted((path / name).glob("*.npy")):
            values.append(_array(file))
            labels.append(int(name) if numbered else number)
    return values, labels


def _stored(path: str, value: np.ndarray, tensor: Tensor) -> np.ndarray:
    if value.size != tensor.elements:
        raise DataError(f"{path}: a sample of shape {value.shape}; the network's input has the shape {tensor.shape}")
    value = as_stored(value, tensor.shape).reshape(tensor.shape)
    if value.dtype == np.dtype(tensor.type.value) or tensor.quantization is None:
        return value.astype(tensor.type.value)
    info, coding = np.iinfo(tensor.type.value), tensor.quantization
    return np.clip(np.rint(value / coding.scale) + coding.zero_point, info.min, info.max).astype(tensor.type.value)
