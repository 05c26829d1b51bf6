"""Loaders of real sets, on files written here, and what they say of wrong ones."""

from __future__ import annotations

import gzip
import wave
from pathlib import Path

import numpy as np
import pytest

from experiments.deep_compression.data import Source, loaded
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.features import cosines, features, mel_filters
from experiments.deep_compression.loaders import KEYWORDS, MNIST, cifar10, mnist, speech_commands

RANDOM = np.random.default_rng(0)


def idx_file(values: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return head + values.tobytes()


def write_mnist(folder: Path, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """A set in the format of MNIST, half of its files compressed; the images and labels for training."""
    made = {}
    for images, labels in MNIST:
        x, y = RANDOM.integers(0, 256, (count, 28, 28), np.uint8), RANDOM.integers(0, 10, count).astype(np.uint8)
        (folder / images).write_bytes(idx_file(x))
        (folder / f"{labels}.gz").write_bytes(gzip.compress(idx_file(y)))
        made[images] = x, y
    return made[MNIST[0][0]]


def test_mnist_is_read_as_it_was_written(tmp_path: Path) -> None:
    x, y = write_mnist(tmp_path)
    train, test = mnist(tmp_path)
    np.testing.assert_allclose(train.x[:, 0] * 255, x, rtol=1e-6)
    np.testing.assert_array_equal(train.y, y)
    assert test.x.shape == (5, 1, 28, 28)


def test_data_from_a_folder_are_of_mean_0_and_say_what_they_are(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    data = loaded("lenet", Source(str(tmp_path), train=3))
    assert data.name == "mnist of a folder"
    assert data.train.x.shape == (3, 1, 28, 28)
    assert data.test.x.shape == (5, 1, 28, 28)
    assert float(data.train.x.mean()) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data[:-1], r"5 x 28 x 28 bytes are announced, 3919 follow"),
        (lambda data: b"\x1f\x8b" + data[2:], r"no IDX file of 3 axes: it begins with 1f 8b 08 03"),
        (lambda data: data[:2] + b"\x0d" + data[3:], r"values of type 0x0d; bytes"),
        (lambda data: data[:10], r"no IDX file of 3 axes"),
        (lambda data: b"", r"no IDX file of 3 axes"),
        (lambda data: idx_file(np.zeros((5, 4, 4), np.uint8)), r"images of 4 x 4; 28 x 28 are needed"),
        (lambda data: idx_file(np.zeros((4, 28, 28), np.uint8)), r"4 images in .*, 5 labels in"),
    ],
)
def test_damaged_files_are_refused_with_their_name(change, told: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_mnist(tmp_path)
    place = tmp_path / MNIST[0][0]
    place.write_bytes(change(place.read_bytes()))
    with pytest.raises(StudyError, match=f"{tmp_path}.*{told}"):
        mnist(tmp_path)


def test_a_cut_compressed_file_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    place = tmp_path / f"{MNIST[0][1]}.gz"
    place.write_bytes(place.read_bytes()[:12])
    with pytest.raises(StudyError, match=r"cannot be read"):
        mnist(tmp_path)


def test_a_damaged_compressed_file_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    place = tmp_path / f"{MNIST[0][1]}.gz"
    place.write_bytes(place.read_bytes()[:10] + b"\xff" * 20)
    with pytest.raises(StudyError, match=f"{place}: cannot be read"):
        mnist(tmp_path)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path)
    monkeypatch.setattr("experiments.deep_compression.loaders.MOST_BYTES", 1 << 20)
    (tmp_path / f"{MNIST[0][1]}.gz").write_bytes(gzip.compress(bytes(2 << 20)))
    with pytest.raises(StudyError, match=r"labels-idx1-ubyte.gz: more than 1 MiB, which is the most that is read"):
        mnist(tmp_path)


def test_a_set_without_samples_is_refused(tmp_path: Path) -> None:
    for images, labels in MNIST:
        (tmp_path / images).write_bytes(idx_file(np.zeros((0, 28, 28), np.uint8)))
        (tmp_path / labels).write_bytes(idx_file(np.zeros(0, np.uint8)))
    with pytest.raises(StudyError, match="mnist of a folder: 0 samples to train on and 0 to test with; both are needed"):
        loaded("lenet", Source(str(tmp_path)))


def test_files_that_are_sorted_by_class_are_not_read_in_their_order(tmp_path: Path) -> None:
    """A few of the first samples stand for all in several places."""
    for images, labels in MNIST:
        (tmp_path / images).write_bytes(idx_file(np.zeros((1000, 28, 28), np.uint8)))
        (tmp_path / labels).write_bytes(idx_file(np.repeat(np.arange(10), 100).astype(np.uint8)))
    for count in (0, 600, 1000, 5000):
        data = loaded("lenet", Source(str(tmp_path), train=count, test=count))
        for part in (data.train, data.test):
            assert len(part.y) == min(count or 1000, 1000)
            assert len(set(part.y[:50].tolist())) >= 8


def test_numbers_of_samples_below_none_are_refused() -> None:
    for wrong in ({"train": -2}, {"test": -1}, {"prototypes": -3}):
        with pytest.raises(StudyError, match="numbers of samples and prototypes below 0"):
            loaded("lenet", Source(**wrong))  # type: ignore[arg-type]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no file train-images-idx3-ubyte or"):
        mnist(tmp_path)


def test_cifar_is_read_plane_by_plane(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    record = bytes([7]) + bytes([1]) * 1024 + bytes([2]) * 1024 + bytes([3]) * 1024
    for name in ("test_batch.bin", *(f"data_batch_{number}.bin" for number in range(1, 6))):
        (folder / name).write_bytes(record * 2)
    train, test = cifar10(tmp_path)
    assert train.y.tolist() == [7] * 10
    np.testing.assert_allclose(test.x[0, :, 4, 5] * 255, [1, 2, 3], rtol=1e-6)
    (folder / "test_batch.bin").write_bytes(record[:-1])
    with pytest.raises(StudyError, match=r"test_batch.bin: 3072 bytes are no records of 3073"):
        cifar10(tmp_path)
    (folder / "test_batch.bin").write_bytes(bytes([10]) + record[1:])
    with pytest.raises(StudyError, match=r"a class 10; 0 to 9 are allowed"):
        cifar10(tmp_path)


def write_sound(path: Path, values: np.ndarray, rate: int = 16000) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(values * 32767).astype("<i2").tobytes())


def write_words(folder: Path) -> None:
    noise = RANDOM.uniform(-0.5, 0.5, 20000)
    for word in (*KEYWORDS, "bird", "_background_noise_"):
        for number in range(2):
            write_sound(folder / word / f"{number}.wav", noise[: 20000 if word.startswith("_") else 12000])
    (folder / "testing_list.txt").write_text("".join(f"{word}/1.wav\n" for word in (*KEYWORDS, "bird")))


def test_speech_commands_has_keywords_silence_and_other_words(tmp_path: Path) -> None:
    write_words(tmp_path)
    train, test = speech_commands(tmp_path)
    assert train.x.shape[1:] == test.x.shape[1:] == (1, 49, 10)
    assert sorted({*train.y.tolist(), *test.y.tolist()}) == list(range(12))
    assert len(train.y) + len(test.y) == 22 + 2


def test_a_list_and_a_sound_that_are_damaged_end_in_no_traceback(tmp_path: Path) -> None:
    write_words(tmp_path)
    listed = tmp_path / "testing_list.txt"
    listed.write_bytes(b"\xff\xfe\n" + listed.read_bytes())
    place = tmp_path / "yes" / "0.wav"
    place.write_bytes(place.read_bytes()[:-1001])
    train, test = speech_commands(tmp_path)
    assert len(train.y) + len(test.y) == 22 + 2


def test_sounds_of_another_rate_and_missing_words_are_refused(tmp_path: Path) -> None:
    write_words(tmp_path)
    write_sound(tmp_path / "yes" / "0.wav", np.zeros(10), 8000)
    with pytest.raises(StudyError, match=r"0\.wav: 1 channels of 16 bits at 8000 Hz; 1 of 16 at 16000 is needed"):
        speech_commands(tmp_path)
    (tmp_path / "yes" / "0.wav").write_bytes(b"RIFF")
    with pytest.raises(StudyError, match=r"cannot be read as WAV"):
        speech_commands(tmp_path)
    for path in (tmp_path / "yes").iterdir():
        path.unlink()
    (tmp_path / "yes").rmdir()
    with pytest.raises(StudyError, match="no folder 'yes'"):
        speech_commands(tmp_path)


def test_a_tone_is_loudest_in_the_filter_of_its_frequency() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    power = np.abs(np.fft.rfft(tone[:640] * np.hanning(641)[:-1], 1024)) ** 2 @ mel_filters()
    edges = 700 * (np.exp(np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(4000 / 700), 42) / 1127) - 1)
    assert edges[power.argmax()] < 1000 < edges[power.argmax() + 2]


def test_cosines_are_orthonormal_and_short_sounds_end_in_silence() -> None:
    np.testing.assert_allclose(cosines().T @ cosines(), np.eye(10), atol=1e-12)
    found = features(RANDOM.uniform(-1, 1, 1000).astype(np.float32))
    assert found.shape == (49, 10)
    np.testing.assert_allclose(found[10:, 1:], 0, atol=1e-4)
    assert found[:3, 0].min() > 0 > found[10, 0] == found[:, 0].min()
