"""Training: steps, losses, statistics of normalisations."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the study takes PyTorch (mcusim[study])")
pytest.importorskip("torch_pruning", reason="the study takes torch-pruning (mcusim[study])")

from experiments.deep_compression.networks import Architecture  # noqa: E402
from experiments.deep_compression.training import (  # noqa: E402
    Lessons,
    Training,
    batches,
    fit,
    logits_of,
    loss_of,
    recalibrate,
)


def lessons(count: int = 40, shape: tuple[int, ...] = (1, 28, 28)) -> Lessons:
    random = np.random.default_rng(0)
    return Lessons.of(random.normal(2, 3, (count, *shape)).astype(np.float32), random.integers(0, 4, count))


def test_every_sample_comes_before_any_comes_again() -> None:
    rows = batches(10, Training(steps=5, batch=5), seed=0)
    assert [len(each) for each in rows] == [5] * 5
    assert sorted([*rows[0], *rows[1]]) == sorted([*rows[2], *rows[3]]) == list(range(10))
    assert [len(each) for each in batches(3, Training(steps=2, batch=64), seed=0)] == [3, 3]


def test_a_teacher_counts_as_far_as_is_wished() -> None:
    said, y, taught = torch.tensor([[2.0, 0.0]]), torch.tensor([1]), torch.tensor([[0.0, 3.0]])
    plain = -np.log(np.exp(0) / (np.exp(2) + np.exp(0)))
    assert loss_of(said, y, taught, Training(1)).item() == pytest.approx(plain)
    p, q = (np.exp(np.array(each) / 3) / np.exp(np.array(each) / 3).sum() for each in ([0, 3], [2, 0]))
    alike = 9 * float(np.sum(p * np.log(p / q)))
    found = loss_of(said, y, taught, Training(1, distilled=0.4)).item()
    assert found == pytest.approx(0.6 * plain + 0.4 * alike, rel=1e-5)
    assert loss_of(said, y, None, Training(1, distilled=0.4)).item() == pytest.approx(plain)


def test_the_same_seed_trains_the_same_network() -> None:
    one, two = (Architecture("lenet", 4, 0.1).built(seed=1) for _ in range(2))
    for module in (one, two):
        fit(module, lessons(), Training(3, batch=16), seed=5)
    assert np.array_equal(logits_of(one, lessons().x), logits_of(two, lessons().x))
    assert not one.training


def test_recalibrated_normalisations_hold_the_statistics_of_the_data() -> None:
    module, given = Architecture("ds_cnn", 4, 0.1).built(seed=1), lessons(shape=(1, 49, 10))
    weights = module.stem.weight.clone()
    recalibrate(module, given, batch=40)
    met = module.stem(given.x).detach()
    torch.testing.assert_close(module.norm.running_mean, met.mean((0, 2, 3)))
    torch.testing.assert_close(module.norm.running_var, met.var((0, 2, 3)))
    assert torch.equal(module.stem.weight, weights)
    assert module.norm.momentum == 0.1
    recalibrate(Architecture("lenet", 4, 0.1).built(), given)
