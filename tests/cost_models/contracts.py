"""What all workers keep to, whichever of them die: nothing is lost, nothing comes twice. Workers are faked_worker's."""

from __future__ import annotations

from pathlib import Path

import pytest

from cost_models import dataset
from cost_models.dataset import Progress, make
from cost_models.sampling import sample
from cost_models.store import opened
from cost_models.workers import Workers
from tests.cost_models.test_dataset import rows

SAMPLES = 18


def check_a_killed_worker(workers: Workers, folder: Path, expected: list[tuple], path: Path) -> None:
    """No sample is lost and none is doubled."""
    (folder / sample(0, 5).name).write_text("1")
    with opened(path) as store:
        assert make(store, ["m4"], 0, SAMPLES, workers) == Progress(SAMPLES, SAMPLES, 0, SAMPLES, 0)
    assert (folder / sample(0, 5).name).read_text() == "0"
    assert rows(path) == expected


def check_a_deadly_sample(workers: Workers, folder: Path, expected: list[tuple], path: Path) -> None:
    """It is noted, and all others are there."""
    (folder / sample(0, 5).name).write_text("99")
    with opened(path) as store:
        assert make(store, ["m4"], 0, SAMPLES, workers) == Progress(SAMPLES, SAMPLES, 0, SAMPLES - 1, 1)
        failed = store.connection.execute("select number, error from samples where error <> ''").fetchall()
        assert make(store, ["m4"], 0, SAMPLES, workers).found == SAMPLES
    assert failed == [(5, "worker processes died while it was simulated, alone as well")]
    digest = dataset.drawn((0, 5, "m4")).digest
    assert [row for row in rows(path) if digest not in row] == [row for row in expected if digest not in row]


def check_an_interruption(workers: Workers, expected: list[tuple], path: Path) -> None:
    """It leaves whole networks, and the next run goes on where it was."""

    def interrupt(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    with opened(path) as store:
        with pytest.raises(KeyboardInterrupt):
            make(store, ["m4"], 0, SAMPLES, workers, interrupt)
        assert set(rows(path)) < set(expected)
        assert make(store, ["m4"], 0, SAMPLES, workers).found == 4
    assert rows(path) == expected
