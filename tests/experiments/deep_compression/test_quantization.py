"""Quantisation: ranges, fake quantisation against what int8 stores, and training with it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from experiments.deep_compression.data import Data, Source, loaded  # noqa: E402
from experiments.deep_compression.errors import StudyError  # noqa: E402
from experiments.deep_compression.forward import constants_of, forward, outputs, right, stored_order  # noqa: E402
from experiments.deep_compression.networks import Architecture  # noqa: E402
from experiments.deep_compression.pruning import keep  # noqa: E402
from experiments.deep_compression.quantization import (  # noqa: E402
    AFFINE,
    SCHEMES,
    _Faking,
    aware,
    faked,
    filters_of,
    quantized,
    ranges_of,
)
from experiments.deep_compression.skeleton import exported  # noqa: E402
from experiments.deep_compression.training import Lessons, Training, fit  # noqa: E402
from mcusim.network import Network, Quantization  # noqa: E402
from mcusim.network.quantize import calibrated, quantize  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def data() -> Data:
    return loaded("lenet", Source(train=600, test=400, prototypes=1))


@pytest.fixture(scope="module")
def network(data: Data) -> Network:
    """A small LeNet that knows the easy set, most of its weights pruned."""
    module = Architecture("lenet", 10, 0.1).built(seed=0)
    fit(module, Lessons.of(data.train.x, data.train.y), Training(80, 5e-3), seed=0)
    keep(module, {name: each.weight.detach().abs() for name, each in module.named_modules() if hasattr(each, "weight")}, 3000)
    return exported(module)


def test_ranges_are_those_that_mcusim_measures(network: Network, data: Data) -> None:
    x = data.train.x[:6]
    found, slow = ranges_of(network, torch.from_numpy(x)), calibrated(network, [x])
    assert set(found) == set(slow)
    for name, ends in slow.items():
        assert found[name] == pytest.approx(ends, rel=1e-4, abs=1e-5)


def test_int8_is_what_mcusim_quantises_to(network: Network, data: Data) -> None:
    x = data.train.x[:6]
    found, expected = quantized(network, ranges_of(network, torch.from_numpy(x))), quantize(network, [x])
    assert found.layers == expected.layers
    for name in filters_of(network):
        np.testing.assert_array_equal(found.tensors[name].data, expected.tensors[name].data)


@pytest.mark.parametrize("coding", [Quantization((0.1,), (3,)), Quantization((0.1, 0.5), (0, 0), 0)])
def test_faked_values_are_what_is_stored_and_gradients_stop_outside(coding: Quantization) -> None:
    values = torch.tensor([[-100.0, -0.26, 0.0], [0.24, 0.3, 1000.0]], requires_grad=True)
    found = faked(values, coding)
    steps = torch.tensor(coding.scales).reshape(-1, 1)
    zero = torch.tensor(coding.zero_points).reshape(-1, 1)
    expected = (torch.clamp(torch.round(values / steps) + zero, -128, 127) - zero) * steps
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert values.grad.tolist() == [[0, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_training_sees_is_what_the_kernels_compute(network: Network, data: Data, scheme: str) -> None:
    """Roundings of float32 are one step at most, and seldom."""
    ranges = ranges_of(network, torch.from_numpy(data.train.x[:200]))
    deployed, faking = quantized(network, ranges, scheme), _Faking(network, dict(ranges), scheme)
    with torch.no_grad():
        said = forward(network, faking.weights(constants_of(network)), stored_order(torch.from_numpy(data.test.x)), faking.see)
    coding = deployed.tensors[deployed.outputs[0]].quantization
    assert coding is not None
    steps = said.numpy() / coding.scale + coding.zero_point - outputs(deployed, data.test.x)
    assert np.abs(steps).max() < 2.5
    assert (np.abs(steps) > 0.5).mean() < 0.05


def test_training_keeps_what_is_pruned_and_carries_its_ranges(network: Network, data: Data) -> None:
    ranges = ranges_of(network, torch.from_numpy(data.train.x[:200]))
    lessons = Lessons.of(data.train.x, data.train.y)
    trained = aware(network, lessons, Training(40, 1e-3), 0, ranges)
    for name in filters_of(network):
        before, after = network.tensors[name].data, trained.network.tensors[name].data
        assert before is not None
        assert after is not None
        np.testing.assert_array_equal(after[before == 0], 0)
        assert not np.array_equal(before, after)
    assert set(trained.ranges) == set(ranges)
    assert trained.ranges != ranges
    deployed = quantized(trained.network, trained.ranges)
    for name, tensor in deployed.tensors.items():
        if name in trained.ranges and tensor.quantization is not None and name == network.outputs[0]:
            low, high = trained.ranges[name]
            assert tensor.quantization.scale == pytest.approx((high - low) / 255, rel=1e-5)
    x, y = data.test.x, data.test.y
    assert right(deployed, x, y).mean() >= right(quantized(network, ranges), x, y).mean() - 0.01


def test_affine_weights_have_one_scale_and_a_zero_point(network: Network, data: Data) -> None:
    ranges = ranges_of(network, torch.from_numpy(data.train.x[:50]))
    deployed, zeros = quantized(network, ranges, AFFINE), []
    for name in filters_of(network):
        data_, coding = network.tensors[name].data, deployed.tensors[name].quantization
        assert data_ is not None
        assert coding is not None
        assert coding.scale == pytest.approx((data_.max() - data_.min()) / 255, rel=1e-6)
        zeros.append(coding.zero_point)
    assert any(zeros)  # one of them may be 0 by chance
    with pytest.raises(StudyError, match="no scheme 'int4'"):
        quantized(network, ranges, "int4")
