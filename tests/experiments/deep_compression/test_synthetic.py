"""Synthetic sets: the same for the same seed, and read between pixels as an obvious loop does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.deep_compression.data import KINDS, LEVELS, Source, loaded
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.synthetic import CHUNK, _warped, drawn

IMAGES = LEVELS["images"]


def test_a_set_is_that_of_its_seed() -> None:
    first, again, other = (drawn(IMAGES, seed, 50, 20) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.y, two.y)
    assert not np.array_equal(first[0].x, other[0].x)
    assert not np.array_equal(first[0].x[:20], first[1].x)


def test_a_longer_set_begins_like_a_shorter_one() -> None:
    (short, _), (long, test) = drawn(IMAGES, 0, 30, 1), drawn(IMAGES, 0, CHUNK + 30, 5)
    np.testing.assert_array_equal(short.x, long.x[:30])
    assert long.x.shape == (CHUNK + 30, 1, 28, 28)
    assert len(test.y) == 5


@pytest.mark.parametrize("network", KINDS)
def test_every_network_has_a_set_of_all_its_classes(network: str) -> None:
    data = loaded(network, Source(train=400, test=100))
    recipe = LEVELS[KINDS[network]]
    assert data.train.x.shape == (400, *recipe.shape)
    assert data.name == f"synthetic {KINDS[network]} ({recipe.prototypes} prototypes a class)"
    assert set(data.train.y) == set(range(recipe.classes))
    assert (data.train.x.mean(), data.train.x.std()) == pytest.approx((0, 1), abs=1e-3)


def test_without_noise_and_motion_a_sample_is_its_prototype() -> None:
    still = replace(IMAGES, turn=0.0, zoom=0.0, shift=(0.0, 0.0), dim=1.0, noise=0.0, prototypes=1)
    train, _ = drawn(still, 0, 200, 1)
    for number in range(10):
        mine = train.x[train.y == number]
        np.testing.assert_allclose(mine, np.broadcast_to(mine[0], mine.shape), atol=2e-5)


def test_places_between_pixels_are_read_as_a_loop_reads_them() -> None:
    random = np.random.default_rng(0)
    fields = random.normal(size=(2, 1, 5, 4)).astype(np.float32)
    which, matrices = np.array([1, 0]), random.normal(size=(2, 2, 2)).astype(np.float32)
    offsets = random.normal(size=(2, 2)).astype(np.float32)
    found = _warped(fields, which, matrices, offsets)
    for sample in range(2):
        for row, column in np.ndindex(5, 4):
            y, x = matrices[sample] @ np.array([row - 2, column - 1.5]) + offsets[sample] + [2, 1.5]
            expected = 0.0
            for down in (0, 1):
                for right in (0, 1):
                    place = int(np.floor(y)) + down, int(np.floor(x)) + right
                    part = (1 - abs(y - place[0])) * (1 - abs(x - place[1]))
                    expected += part * fields[which[sample], 0, place[0] % 5, place[1] % 4]
            assert found[sample, 0, row, column] == pytest.approx(expected, abs=1e-4)


def test_what_there_is_no_set_of_is_refused() -> None:
    with pytest.raises(StudyError, match="no stand-in 'cats'; allowed: synthetic, digits"):
        loaded("lenet", Source(stand_in="cats"))
    with pytest.raises(StudyError, match="do not stand in for audio"):
        loaded("ds_cnn", Source(stand_in="digits"))
    with pytest.raises(StudyError, match="no network 'vgg'"):
        loaded("vgg", Source())


def test_digits_are_real_and_in_the_middle() -> None:
    pytest.importorskip("sklearn", reason="digits take scikit-learn (mcusim[study])")
    data = loaded("lenet", Source(stand_in="digits"))
    assert data.name == "scikit-learn digits"
    assert len(data.train.y) + len(data.test.y) == 1797
    assert np.ptp(data.train.x[:, 0, :2]) == 0
