"""Heuristics, each against loops over single weights and activations."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from experiments.deep_compression.errors import StudyError  # noqa: E402
from experiments.deep_compression.heuristics import HEURISTICS, Batch, Scores, heuristic  # noqa: E402
from experiments.deep_compression.networks import NETWORKS, Architecture, Prunable, layers_of  # noqa: E402

SAMPLES = 6


def small(network: str = "lenet") -> Prunable:
    return Architecture(network, 4, 0.1).built(seed=1).eval()


def batch_of(module: Prunable, seed: int = 0) -> Batch:
    source = torch.Generator().manual_seed(seed)
    shape = SAMPLES, *module.input_shape
    return Batch(torch.randn(shape, generator=source), torch.randint(0, 4, (SAMPLES,), generator=source), seed)


def scores(name: str, module: Prunable) -> Scores:
    return heuristic(name).scores(module, batch_of(module))


def activations(module: Prunable, batch: Batch) -> dict[str, torch.Tensor]:
    """What LeNet's rectifiers give, layer by layer."""
    f = torch.nn.functional
    first = f.relu(module.conv1(batch.x))
    second = f.relu(module.conv2(first))
    third = f.relu(module.rows1(f.max_pool2d(second, 2).flatten(1)))
    return {"conv1": first, "conv2": second, "rows1": third}


@pytest.mark.parametrize(("name", "power"), [("l1", 1), ("l2", 2)])
def test_norms_are_sums_over_a_filter(name: str, power: int) -> None:
    module = small()
    found = scores(name, module)
    assert set(found) == {"conv1", "conv2", "rows1"}
    for layer, values in found.items():
        weights = layers_of(module)[layer].weight.detach().numpy()
        for channel, value in enumerate(values.tolist()):
            total = sum(abs(float(weight)) ** power for weight in weights[channel].reshape(-1))
            assert value == pytest.approx(total ** (1 / power), rel=1e-5)


def test_activation_counts_what_is_not_zero() -> None:
    module = small()
    found = scores("activation", module)
    for layer, values in activations(module, batch_of(module)).items():
        for channel in range(values.shape[1]):
            met = values[:, channel].detach().numpy()
            zeros = sum(value == 0 for value in met.reshape(-1)) / met.size
            assert float(found[layer][channel]) == pytest.approx(1 - zeros, abs=1e-6)


def test_gradient_is_the_mean_of_gradient_times_activation() -> None:
    """By differences: dL/da * a summed over a channel is what the loss changes by when the channel grows by a part."""
    module = small().double()
    batch = batch_of(module)
    batch = Batch(batch.x.double(), batch.y)
    found = heuristic("gradient").scores(module, batch)
    for layer, values in activations(module, batch).items():
        for channel in range(values.shape[1]):
            more, less = (loss_with(module, batch, layer, channel, 1 + step) for step in (1e-6, -1e-6))
            mean = (more - less) / 2e-6 / values[:, channel].numel()
            assert float(found[layer][channel]) == pytest.approx(abs(mean), rel=1e-4, abs=1e-9)


def loss_with(module: Prunable, batch: Batch, layer: str, channel: int, by: float) -> float:
    """The loss where a channel of what the rectifier behind a layer gives is so many times as large."""

    def grown(part: object, inputs: object, output: torch.Tensor) -> torch.Tensor:
        factor = torch.ones_like(output)
        factor[:, channel] = by
        return output * factor

    hook = module.get_submodule(module.activation_of[layer]).register_forward_hook(grown)
    loss = torch.nn.functional.cross_entropy(module(batch.x), batch.y)
    hook.remove()
    return float(loss.detach())


def test_looking_at_a_network_leaves_it_as_it_was() -> None:
    module = small("resnet8").train()
    before = {name: each.clone() for name, each in module.state_dict().items()}
    for name in HEURISTICS:
        scores(name, module)
    assert module.training
    assert all(each.grad is None for each in module.parameters())
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())


def test_level_is_the_magnitude_of_each_weight() -> None:
    module = small()
    found = scores("level", module)
    assert set(found) == {"conv1", "conv2", "rows1", "rows2"}
    weights = module.rows2.weight.detach().numpy()
    np.testing.assert_array_equal(found["rows2"].numpy(), np.where(weights < 0, -weights, weights))


@pytest.mark.parametrize("name", ["random", "random_weights"])
def test_random_ones_depend_on_the_seed_alone(name: str) -> None:
    module, other = small(), Architecture("lenet", 4, 0.1).built(seed=2)
    one, same = (heuristic(name).scores(each, batch_of(each, 3)) for each in (module, other))
    third = heuristic(name).scores(module, batch_of(module, 4))
    assert all(torch.equal(one[layer], same[layer]) for layer in one)
    assert not torch.equal(one["conv1"], third["conv1"])


@pytest.mark.parametrize("network", NETWORKS)
def test_every_structure_of_every_network_has_a_score(network: str) -> None:
    module = small(network)
    for name, one in HEURISTICS.items():
        found = scores(name, module)
        for layer, part in layers_of(module).items():
            if layer != module.classifier:
                assert found[layer].shape == (part.weight.shape if not one.structured else part.weight.shape[:1])


def test_an_unknown_heuristic_is_refused() -> None:
    with pytest.raises(StudyError, match="no heuristic 'luck'; allowed: l1, l2, gradient"):
        heuristic("luck")
