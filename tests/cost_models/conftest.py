"""Fixtures of tests with faked workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cost_models import dataset
from cost_models.dataset import make
from cost_models.store import opened
from tests.cost_models.contracts import SAMPLES
from tests.cost_models.faked_worker import DEADLY
from tests.cost_models.test_dataset import faked, rows


@pytest.fixture(scope="session")
def known_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of faked_worker, known to all processes that begin from now on."""
    found = tmp_path_factory.mktemp("deadly")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DEADLY, str(found))
        yield found


@pytest.fixture
def folder(known_folder: Path) -> Iterator[Path]:
    """The same, empty."""
    yield known_folder
    for path in known_folder.iterdir():
        path.unlink()


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    """What the samples give when one is made after the other, here."""
    path = tmp_path_factory.mktemp("expected") / "costs.sqlite"
    with pytest.MonkeyPatch.context() as patch, opened(path) as store:
        patch.setattr(dataset, "answered", faked)
        make(store, ["m4"], 0, SAMPLES)
    return rows(path)
