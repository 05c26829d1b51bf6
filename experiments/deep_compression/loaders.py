"""Loaders of data sets from a local folder: MNIST's IDX files, CIFAR-10 in its binary version, Speech Commands' WAV files.

Files come from elsewhere: sizes and numbers in them are checked, and what is wrong is said with the file's name. Values are
returned as they are (bytes as 0 to 1, features as logarithms); ``data.py`` brings them to mean 0 and standard deviation 1.
"""

from __future__ import annotations

import gzip
import wave
import zlib
from math import prod
from pathlib import Path

import numpy as np

from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.features import RATE, features
from experiments.deep_compression.synthetic import Samples

MNIST = (("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
CIFAR_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
CIFAR_RECORD = 1 + 3 * 32 * 32
"""Bytes: the class, then planes of red, green and blue."""

KEYWORDS = ("down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes")
"""Classes 0 to 9; then silence (10), cut from the folder of background noise, and all other words (11)."""

MOST_BYTES = 1 << 26
"""Of a file, unpacked; MNIST's largest has 45 MiB."""

NOISE = "_background_noise_"
SILENCES = 0.1
"""Samples of silence, as a part of all others."""


def mnist(folder: Path, seed: int = 0) -> tuple[Samples, Samples]:
    """MNIST, or any set of its format: samples to train on and to test with, [samples, 1, 28, 28]."""
    del seed
    train, test = (_idx_pair(folder, *names) for names in MNIST)
    return train, test


def _idx_pair(folder: Path, images: str, labels: str) -> Samples:
    x, y = idx(_found(folder, images), 3), idx(_found(folder, labels), 1)
    if len(x) != len(y):
        raise StudyError(f"{folder}: {len(x)} images in {images}, {len(y)} labels in {labels}")
    if x.shape[1:] != (28, 28):
        raise StudyError(f"{folder / images}: images of {x.shape[1]} x {x.shape[2]}; 28 x 28 are needed")
    return Samples(x[:, None].astype(np.float32) / 255, y.astype(np.int64))


def _found(folder: Path, name: str) -> Path:
    for each in (folder / name, folder / f"{name}.gz", folder / name.replace("-idx", ".idx")):
        if each.is_file():
            return each
    raise StudyError(f"{folder}: no file {name} or {name}.gz")


def idx(path: Path, axes: int) -> np.ndarray:
    """The bytes of an IDX file of so many ``axes`` (Y. LeCun's format: 0, 0, type, axes, sizes of 32 bits, big end first)."""
    data = _opened(path)
    head = 4 + 4 * axes
    if len(data) < head or data[:2] != b"\0\0" or data[3] != axes:
        raise StudyError(f"{path}: no IDX file of {axes} axes: it begins with {data[:4].hex(' ')}")
    if data[2] != 8:
        raise StudyError(f"{path}: values of type {data[2]:#04x}; bytes (0x08) are needed")
    shape = tuple(int.from_bytes(data[place : place + 4], "big") for place in range(4, head, 4))
    if len(data) - head != prod(shape):
        raise StudyError(f"{path}: {' x '.join(map(str, shape))} bytes are announced, {len(data) - head} follow")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _opened(path: Path) -> bytes:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            data: bytes = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from None
    if len(data) > MOST_BYTES:
        raise StudyError(f"{path}: more than {MOST_BYTES >> 20} MiB, which is the most that is read")
    return data


def cifar10(folder: Path, seed: int = 0) -> tuple[Samples, Samples]:
    """CIFAR-10 in its binary version, [samples, 3, 32, 32]."""
    del seed
    inner = folder / "cifar-10-batches-bin"
    place = inner if inner.is_dir() else folder
    train = [_cifar(place / name) for name in CIFAR_TRAIN]
    joined = Samples(np.concatenate([each.x for each in train]), np.concatenate([each.y for each in train]))
    return joined, _cifar(place / "test_batch.bin")


def _cifar(path: Path) -> Samples:
    data = np.frombuffer(_opened(path), np.uint8)
    if data.size == 0 or data.size % CIFAR_RECORD:
        raise StudyError(f"{path}: {data.size} bytes are no records of {CIFAR_RECORD}")
    rows = data.reshape(-1, CIFAR_RECORD)
    if rows[:, 0].max() > 9:
        raise StudyError(f"{path}: a class {rows[:, 0].max()}; 0 to 9 are allowed")
    return Samples(rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255, rows[:, 0].astype(np.int64))


def speech_commands(folder: Path, seed: int = 0) -> tuple[Samples, Samples]:
    """Speech Commands as 12 classes, [samples, 1, 49, 10]: what ``testing_list.txt`` names is for testing.

    Other words than ``KEYWORDS`` are one class; as many of them are taken as there are of a keyword on average.
    """
    listed = folder / "testing_list.txt"
    if not listed.is_file():
        raise StudyError(f"{folder}: no testing_list.txt, which says what is for testing")
    testing = set(_opened(listed).decode(errors="replace").split())
    words = sorted(each.name for each in folder.iterdir() if each.is_dir() and each.name != NOISE)
    if missing := [word for word in KEYWORDS if word not in words]:
        raise StudyError(f"{folder}: no folder {missing[0]!r}; it has {', '.join(words) or 'none'}")
    random = np.random.default_rng(seed)
    paths = _chosen(folder, words, random)
    train, test = ([path for path in paths if (_name(path) in testing) is wanted] for wanted in (False, True))
    return _spoken(folder, train, random), _spoken(folder, test, random)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _chosen(folder: Path, words: list[str], random: np.random.Generator) -> list[Path]:
    known = [path for word in KEYWORDS for path in sorted((folder / word).glob("*.wav"))]
    others = [path for word in words if word not in KEYWORDS for path in sorted((folder / word).glob("*.wav"))]
    count = min(len(others), len(known) // len(KEYWORDS))
    return known + [others[place] for place in random.permutation(len(others))[:count]]


def _spoken(folder: Path, paths: list[Path], random: np.random.Generator) -> Samples:
    if not paths:
        raise StudyError(f"{folder}: no WAV files, or none of them for training or for testing")
    sounds = [sound(path)[:RATE] for path in paths]
    labels = [KEYWORDS.index(path.parent.name) if path.parent.name in KEYWORDS else 11 for path in paths]
    noises = [sound(path) for path in sorted((folder / NOISE).glob("*.wav"))]
    for _ in range(round(SILENCES * len(paths)) if noises else 0):
        noise = noises[random.integers(len(noises))]
        begin = random.integers(max(len(noise) - RATE, 0) + 1)
        sounds.append(noise[begin : begin + RATE] * random.uniform())
        labels.append(10)
    return Samples(np.stack([features(each) for each in sounds])[:, None], np.array(labels, np.int64))


def sound(path: Path) -> np.ndarray:
    """A WAV file of one channel of 16 bits at 16 kHz, as -1 to 1."""
    try:
        with wave.open(str(path)) as file:
            form = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise StudyError(f"{path}: cannot be read as WAV: {error}") from None
    data = data[: len(data) // 2 * 2]  # a file that was cut off may end within a value
    if form != (1, 2, RATE):
        raise StudyError(f"{path}: {form[0]} channels of {8 * form[1]} bits at {form[2]} Hz; 1 of 16 at {RATE} is needed")
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768
