"""Networks computed by PyTorch, against modules, and against the integer kernels of ``mcusim.network.reference``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from experiments.deep_compression.errors import StudyError  # noqa: E402
from experiments.deep_compression.forward import outputs, right, stored_order  # noqa: E402
from experiments.deep_compression.networks import NETWORKS, Architecture, Prunable  # noqa: E402
from experiments.deep_compression.quantization import AFFINE, SYMMETRIC, quantized, ranges_of  # noqa: E402
from experiments.deep_compression.skeleton import KNOWN, exported, with_constants  # noqa: E402
from mcusim.network import Network  # noqa: E402
from mcusim.network import operators as ops  # noqa: E402
from mcusim.network.macs import network_macs  # noqa: E402
from mcusim.network.reference import run  # noqa: E402
from mcusim.network.scales import stored  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]

SAMPLES = 40


def settled(network: str, width: float = 0.25) -> Prunable:
    """A module whose normalisations have seen something."""
    module = Architecture(network, 10, width).built(seed=1)
    source = torch.Generator().manual_seed(1)
    for each in module.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            each.running_mean.normal_(generator=source)
            each.running_var.uniform_(0.5, 2, generator=source)
            each.weight.data.uniform_(0.5, 1.5, generator=source)
            each.bias.data.normal_(generator=source)
    return module.eval()


def samples(module: Prunable) -> torch.Tensor:
    return torch.randn(SAMPLES, *module.input_shape, generator=torch.Generator().manual_seed(2))


def reference(network: Network, x: torch.Tensor) -> np.ndarray:
    """What the integer kernels give, sample by sample."""
    name = network.inputs[0]
    coding = network.tensors[name].quantization
    assert coding is not None
    given = [stored(stored_order(each[None]).numpy(), coding) for each in x]
    return np.concatenate([run(network, {name: each})[network.outputs[0]] for each in given])


@pytest.mark.parametrize("network", NETWORKS)
def test_an_exported_network_computes_what_its_module_does(network: str) -> None:
    module = settled(network)
    x = samples(module)
    found = exported(module)
    np.testing.assert_allclose(outputs(found, x.numpy()), module(x).detach().numpy(), rtol=1e-3, atol=1e-4)
    name = found.inputs[0]
    once = run(found, {name: stored_order(x[:1]).numpy()})[found.outputs[0]]
    np.testing.assert_allclose(outputs(found, x[:1].numpy()), once, rtol=1e-3, atol=1e-4)


def test_modules_of_one_shape_are_exported_once() -> None:
    one, two = (Architecture("lenet", 10, 0.11).built(seed) for seed in (1, 2))
    KNOWN.clear()
    first, second = exported(one), exported(two)
    assert len(KNOWN) == 1
    assert first.layers == second.layers
    np.testing.assert_array_equal(second.tensors["rows2.weight"].data, two.rows2.weight.detach().numpy())
    assert network_macs(first) == network_macs(second)


def test_training_goes_on_without_changing_what_was_exported() -> None:
    module = settled("ds_cnn")
    network = exported(module)
    before = outputs(network, samples(module).numpy())
    with torch.no_grad():
        for each in module.parameters():
            each.zero_()
    np.testing.assert_array_equal(outputs(network, samples(module).numpy()), before)


@pytest.mark.parametrize("scheme", [SYMMETRIC, AFFINE])
@pytest.mark.parametrize("network", NETWORKS)
def test_integers_are_those_of_the_reference_kernels(network: str, scheme: str) -> None:
    """At most one step apart where a value lies near a half, and that seldom; classes are the same."""
    module = settled(network)
    x, whole = samples(module), exported(module)
    deployed = quantized(whole, ranges_of(whole, x), scheme)
    found, expected = outputs(deployed, x.numpy()), reference(deployed, x)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() <= 0.01
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.99
    np.testing.assert_array_equal(right(deployed, x.numpy(), expected.argmax(1)), found.argmax(1) == expected.argmax(1))


def test_integers_of_symmetric_weights_are_near_the_real_ones() -> None:
    module = settled("lenet")
    x, whole = samples(module), exported(module)
    deployed = quantized(whole, ranges_of(whole, x))
    coding = deployed.tensors[deployed.outputs[0]].quantization
    assert coding is not None
    real = coding.scale * (outputs(deployed, x.numpy()) - coding.zero_point)
    np.testing.assert_allclose(real, outputs(whole, x.numpy()), atol=8 * coding.scale)


def test_operators_that_are_not_computed_here_are_named() -> None:
    network = exported(settled("lenet"))
    layer = replace(network.layers[-1], operator=ops.Softmax(), inputs=network.layers[-1].inputs[:1])
    other = replace(network, layers=(*network.layers[:-1], layer))
    with pytest.raises(StudyError, match=r"layer linear_1.*: Softmax is not computed here"):
        outputs(other, samples(settled("lenet")).numpy())


def test_constants_are_frozen() -> None:
    network = exported(settled("lenet"))
    changed = with_constants(network, {"rows2.bias": np.ones(10)})
    assert changed.tensors["rows2.bias"].data is not None
    assert not changed.tensors["rows2.bias"].data.flags.writeable
    assert network.tensors["rows2.bias"].data is not changed.tensors["rows2.bias"].data
