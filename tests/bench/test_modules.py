"""Float networks in, numbers out: quantised with data that are given as objects or as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mcusim
from mcusim.bench.modules import is_module
from mcusim.bench.question import Question
from mcusim.bench.samples import DataError, calibration_samples
from mcusim.network import ElementType, Network, NetworkError
from mcusim.network import operators as ops
from mcusim.network.layout import as_stored
from mcusim.network.tensor import Tensor
from tests.deploy.target import network_of


def float_network() -> Network:
    """Three numbers from four."""
    random = np.random.default_rng(5)
    tensors = [
        Tensor("in", (1, 4), ElementType.FLOAT32),
        Tensor("filter", (3, 4), ElementType.FLOAT32, data=random.normal(size=(3, 4)).astype(np.float32)),
        Tensor("bias", (3,), ElementType.FLOAT32, data=random.normal(size=3).astype(np.float32)),
        Tensor("out", (1, 3), ElementType.FLOAT32),
    ]
    return network_of("float", tensors, (ops.FullyConnected(), "in filter bias", "out"))


def typical() -> np.ndarray:
    return np.random.default_rng(6).normal(size=(20, 4)).astype(np.float32)


def test_a_float_network_is_quantised_with_the_samples_given() -> None:
    (result,) = mcusim.bench(float_network(), "m4", calibration=iter(typical()), check=3, cache=False).results
    assert result.bit_exact and [layer.operator for layer in result.layers] == ["FullyConnected"]


def test_samples_in_a_file_and_in_memory_give_the_same_answer(tmp_path: Path) -> None:
    np.savez(tmp_path / "typical.npz", x=typical(), y=np.zeros(20))
    (here,) = mcusim.bench(float_network(), "m4", calibration=typical(), cache=False).results
    (file,) = mcusim.bench(float_network(), "m4", calibration=tmp_path / "typical.npz", cache=False).results
    assert here.latency_cycles == file.latency_cycles and here.flash_bytes == file.flash_bytes


def test_a_folder_of_arrays_is_read_whatever_its_folders(tmp_path: Path) -> None:
    for number, value in enumerate(typical()[:3]):
        (tmp_path / str(number)).mkdir()
        np.save(tmp_path / str(number) / "a.npy", value)
    np.testing.assert_array_equal(calibration_samples(tmp_path), typical()[:3])


@pytest.mark.parametrize(("name", "words"), [("none.npz", "cannot be read"), ("folder", "holds no samples")])
def test_data_that_are_not_there_are_refused_by_name(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=words) as caught:
        calibration_samples(tmp_path / name)
    assert name in str(caught.value)


def test_an_archive_without_inputs_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", inputs=typical())
    with pytest.raises(DataError, match="no array 'x'; it has: inputs"):
        calibration_samples(tmp_path / "set.npz")


def test_the_answer_kept_is_another_when_the_samples_change(tmp_path: Path) -> None:
    from mcusim.bench.answers import digest
    from mcusim.bench.question import Wishes
    from mcusim.deploy.build import USUAL

    path = tmp_path / "typical.npz"
    found = set()
    for factor in (1, 2):
        np.savez(path, x=typical() * factor)
        found.add(digest(Question(float_network(), "m4", USUAL, Wishes(), str(path))))
    assert len(found) == 2


@pytest.mark.parametrize(
    ("given", "same"), [((5, 3, 7, 6), False), ((3, 7, 6), False), ((5, 7, 6, 3), True), ((7, 6, 3), True)]
)
def test_images_may_have_channels_first(given: tuple[int, ...], same: bool) -> None:
    value = np.random.default_rng(1).normal(size=given)
    met = as_stored(value, (1, 7, 6, 3))
    np.testing.assert_array_equal(met, value if same else np.moveaxis(value, -3, -1))


@pytest.mark.parametrize("board", ["raspberry-pi-pico", "nucleo-h743zi"])
def test_a_float_network_without_samples_stays_float(board: str) -> None:
    (result,) = mcusim.bench(float_network(), board, check=3, cache=False).results
    assert result.check is not None and (result.bit_exact, result.check.largest_difference) == (True, 0)


def test_a_layer_of_floats_without_kernel_says_what_is_missing() -> None:
    tensors = [Tensor(name, (1, 4), ElementType.FLOAT32) for name in ("in", "out")]
    network = network_of("float", tensors, (ops.Unary(ops.Function.TANH), "in", "out"))
    with pytest.raises(NetworkError, match=r"no kernel of float32 for tanh; .*; quantise the network, with calibration data"):
        mcusim.bench(network, "m4", cache=False)


def test_a_report_reads_as_its_table() -> None:
    report = mcusim.bench(float_network(), "m4", calibration=typical(), cache=False)
    assert "FullyConnected" in str(report) and "flash" in str(report)


def test_a_module_is_told_from_other_models_without_importing_torch() -> None:
    assert not is_module(float_network()) and not is_module("model.tflite")


def test_a_module_of_pytorch_goes_in_as_it_is() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)).eval()
    data = [(torch.randn(8, 1, 8, 8), torch.zeros(8)) for _ in range(2)]
    (result,) = mcusim.bench(net, "m4", calibration=data, check=2, cache=False).results
    assert result.model == "Sequential" and result.bit_exact
    (plain,) = mcusim.bench(net, "m4", example=torch.randn(1, 1, 8, 8), check=2, cache=False).results
    assert plain.bit_exact and plain.flash_bytes.weights > 2 * result.flash_bytes.weights
    with pytest.raises(NetworkError, match="give calibration=samples, or example=one of them to keep float32"):
        mcusim.bench(net, "m4")
