"""Pruning: what is removed, what hangs together, and that the rest computes what it did."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from experiments.deep_compression.errors import StudyError  # noqa: E402
from experiments.deep_compression.heuristics import HEURISTICS, Batch, structures_of  # noqa: E402
from experiments.deep_compression.networks import NETWORKS, Architecture, Prunable, layers_of, parameters  # noqa: E402
from experiments.deep_compression.pruning import (  # noqa: E402
    apply_masks,
    check_attainable,
    keep,
    masks_of,
    narrowed,
    pruned,
    remove,
    target_of,
)
from experiments.deep_compression.states import packed, restored, state_of, unpacked  # noqa: E402
from experiments.deep_compression.training import Lessons, Training, fit  # noqa: E402

SPARSITIES = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.994, 0.997, 0.999)


def batch_of(module: Prunable) -> Batch:
    source = torch.Generator().manual_seed(0)
    shape = 8, *module.input_shape
    return Batch(torch.randn(shape, generator=source), torch.randint(0, 10, (8,), generator=source))


def test_lenet_has_the_parameters_of_pytorchs_example() -> None:
    assert Architecture("lenet", 10).size() == 1_199_882
    module = Architecture("lenet", 10).outlined()
    assert sum(each.numel() for each in module.parameters()) == 1_199_882


def test_parameters_are_those_that_are_deployed() -> None:
    """Normalisations come to one bias for each channel."""
    assert Architecture("ds_cnn", 12).size() == 64 * 41 + 4 * (64 * 10 + 64 * 65) + 12 * 65


@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_the_target_is_the_widest_network_that_is_small_enough(sparsity: float) -> None:
    whole = Architecture("lenet", 10)
    found = narrowed(whole, sparsity)
    assert found.size() <= (1 - sparsity) * 1_199_882
    assert Architecture("lenet", 10, found.width * (1 + 1e-6)).size() > (1 - sparsity) * 1_199_882
    channels = {name: len(each.weight) for name, each in structures_of(found.outlined()).items()}
    assert dict(target_of(whole, sparsity)) == channels


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", [name for name, one in HEURISTICS.items() if one.structured])
def test_networks_get_smaller_together_with_what_hangs_on_them(network: str, name: str) -> None:
    whole = Architecture(network, 10, 0.5)
    module = whole.built(seed=1)
    for sparsity in (0.5, 0.9):
        pruned(module, name, whole, sparsity, batch_of(module))
        assert parameters(module) == narrowed(whole, sparsity).size()
        assert module(batch_of(module).x).shape == (8, 10)


@pytest.mark.parametrize("network", NETWORKS)
def test_removing_channels_that_do_nothing_changes_nothing(network: str) -> None:
    """The least filters are silenced; without them the rest computes the same, so the right ones went everywhere."""
    whole = Architecture(network, 10, 0.5)
    module = whole.built(seed=1).eval()
    target = dict(target_of(whole, 0.6))
    silent = {name: torch.arange(len(each.weight)) % 3 == 1 for name, each in structures_of(module).items()}
    scores = {name: 1.0 - mask.float() for name, mask in silent.items()}
    norms = [each for each in module.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for name, layer in structures_of(module).items():
            layer.weight[silent[name]] = 0
            if layer.bias is not None:
                layer.bias[silent[name]] = 0
        for norm in norms:
            norm.running_mean.uniform_(0.1, 0.2)
            norm.running_mean[torch.arange(norm.num_features) % 3 == 1] = 0
    target = {name: max(count, int((~silent[name]).sum())) for name, count in target.items()}
    x = batch_of(module).x
    before = module(x)
    remove(module, scores, tuple(target.items()))
    assert {name: len(each.weight) for name, each in structures_of(module).items()} == target
    torch.testing.assert_close(module(x), before, rtol=1e-4, atol=1e-5)


def test_both_sides_of_an_addition_lose_the_same_channels() -> None:
    module = Architecture("resnet8", 10, 0.25).built(seed=1)
    marks = {name: each.weight[:, 0, 0, 0].clone() for name, each in layers_of(module).items() if name != "rows"}
    scores = {name: torch.ones(len(each.weight)) for name, each in structures_of(module).items()}
    scores["stem"] = torch.tensor([1.0, 0.1, 1.0, 1.0])
    scores["block1.conv2"] = torch.tensor([1.0, 1.0, 0.5, 1.0])
    target = {name: len(each.weight) - (name in ("stem", "block1.conv2")) for name, each in structures_of(module).items()}
    remove(module, scores, tuple(target.items()))
    for name in ("stem", "block1.conv2"):
        torch.testing.assert_close(module.get_submodule(name).weight[:, 0, 0, 0], marks[name][[0, 2, 3]])
    assert module.block2.conv1.weight.shape[1] == 3
    assert module.block2.shortcut.weight.shape[1] == 3


def test_the_least_weights_of_the_whole_network_go() -> None:
    module = Architecture("lenet", 10, 0.1).built(seed=1)
    before = torch.cat([each.weight.detach().abs().reshape(-1) for each in layers_of(module).values()])
    scores = HEURISTICS["level"].scores(module, batch_of(module))
    keep(module, scores, 500)
    after = torch.cat([each.weight.detach().abs().reshape(-1) for each in layers_of(module).values()])
    left = 500 - sum(len(each.weight) for each in layers_of(module).values())
    assert int((after != 0).sum()) == left
    assert float(after[after != 0].min()) >= float(before.sort().values[-left])


def test_pruned_weights_stay_pruned_in_training() -> None:
    whole = Architecture("lenet", 10, 0.1)
    module = whole.built(seed=1)
    batch = batch_of(module)
    pruned(module, "level", whole, 0.8, batch)
    masks = masks_of(module)
    fit(module, Lessons(batch.x, batch.y), Training(3, batch=8), seed=0, masks=masks)
    assert all(torch.equal(mask, masks[name]) for name, mask in masks_of(module).items())
    fit(module, Lessons(batch.x, batch.y), Training(1, batch=8), seed=0)
    assert not torch.equal(masks_of(module)["conv2"], masks["conv2"])
    apply_masks(module, masks)
    assert torch.equal(masks_of(module)["conv2"], masks["conv2"])


def test_random_weights_never_come_back() -> None:
    whole = Architecture("lenet", 10, 0.2)
    module = whole.built(seed=1)
    pruned(module, "random_weights", whole, 0.5, batch_of(module))
    before = masks_of(module)
    pruned(module, "random_weights", whole, 0.7, batch_of(module))
    assert all(bool((before[name] | ~mask).all()) for name, mask in masks_of(module).items())
    assert sum(int(mask.sum()) for mask in before.values()) > sum(int(mask.sum()) for mask in masks_of(module).values())


@pytest.mark.parametrize("network", NETWORKS)
def test_a_pruned_network_is_restored_from_bytes(network: str) -> None:
    whole = Architecture(network, 10, 0.5)
    module = whole.built(seed=1)
    pruned(module, "l2", whole, 0.7, batch_of(module))
    again = restored(whole, unpacked(packed(state_of(module))))
    x = batch_of(module).x
    assert torch.equal(again(x), module.eval()(x))
    pruned(again, "l1", whole, 0.9, batch_of(module))
    assert parameters(again) == narrowed(whole, 0.9).size()


def test_states_that_are_none_are_refused() -> None:
    with pytest.raises(StudyError, match="a state that cannot be read"):
        unpacked(b"PK nothing")
    state = state_of(Architecture("ds_cnn", 10).built())
    with pytest.raises(StudyError, match=r"a state without conv1\.weight"):
        restored(Architecture("lenet", 10), state)


def test_what_cannot_be_that_small_is_refused_beforehand() -> None:
    with pytest.raises(StudyError, match="lenet has 185 parameters at least, which is more than 120"):
        check_attainable(Architecture("lenet", 10), "l1", 0.9999)
    with pytest.raises(StudyError, match="level leaves 235 of 1199882 parameters at least"):
        check_attainable(Architecture("lenet", 10), "level", 0.9999)
    with pytest.raises(StudyError, match="a sparsity of 1; allowed"):
        check_attainable(Architecture("lenet", 10), "l1", 1)
