"""Datasets over Dask: a real cluster of processes, of which some die; nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cost_models import CostModelError, cluster, dataset
from cost_models.dataset import Progress, make, simulated
from cost_models.dataset_command import dataset_command
from cost_models.state import State, state_of
from cost_models.store import opened
from cost_models.workers import Workers, answers
from mcusim.cli import app
from tests.cost_models.contracts import SAMPLES, check_a_deadly_sample, check_a_killed_worker, check_an_interruption
from tests.cost_models.test_dataset import rows

dask = pytest.importorskip("dask", reason="datasets over Dask take the package dask[distributed]")
distributed = pytest.importorskip("distributed", reason="datasets over Dask take the package dask[distributed]")


@pytest.fixture(scope="module")
def scheduler(known_folder: Path) -> Iterator[str]:
    """The address of a cluster of two processes; Dask gives a task up with the first worker that dies over it."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL",
            preload=["tests.cost_models.faked_worker"],
        ) as found,
    ):  # fmt: skip
        yield found.scheduler_address


@pytest.fixture
def workers(scheduler: str) -> Iterator[Workers]:
    with cluster.Cluster(scheduler) as found:
        yield found


def test_a_killed_worker_loses_no_sample_and_doubles_none(
    workers: Workers, folder: Path, expected: list[tuple], tmp_path: Path
) -> None:
    check_a_killed_worker(workers, folder, expected, tmp_path / "costs.sqlite")


def test_a_sample_that_kills_workers_again_and_again_is_noted(
    workers: Workers, folder: Path, expected: list[tuple], tmp_path: Path
) -> None:
    check_a_deadly_sample(workers, folder, expected, tmp_path / "costs.sqlite")


def test_an_interrupted_run_goes_on_where_it_was(workers: Workers, expected: list[tuple], tmp_path: Path) -> None:
    check_an_interruption(workers, expected, tmp_path / "costs.sqlite")


def test_at_the_end_nothing_is_on_its_way_at_the_scheduler(scheduler: str, tmp_path: Path) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with opened(tmp_path / "costs.sqlite") as store, pytest.raises(KeyboardInterrupt), cluster.Cluster(scheduler) as workers:
        make(store, ["m4"], 0, SAMPLES, workers, interrupt)
    with distributed.Client(scheduler, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0


def test_workers_of_dask_simulate_what_this_process_does(scheduler: str, folder: Path, tmp_path: Path) -> None:
    (folder / "real").touch()
    with opened(tmp_path / "here.sqlite") as here, opened(tmp_path / "there.sqlite") as there:
        with cluster.Cluster(scheduler) as workers:
            assert make(there, ["m4"], 2, 1, workers).new == 1
        here.add(simulated((2, 0, "m4")))
    assert rows(tmp_path / "here.sqlite") == rows(tmp_path / "there.sqlite")


def test_a_worker_in_another_state_is_refused(
    scheduler: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def older(board: str) -> State:
        return replace(state_of(board), simulator="0123456789abcdef")

    monkeypatch.setattr(dataset, "state_of", older)
    told = r"worker \d+ on \S+ would simulate m4 otherwise: simulator [0-9a-f]{16} instead of 0123456789abcdef"
    with opened(tmp_path / "costs.sqlite") as store, cluster.Cluster(scheduler) as workers:
        with pytest.raises(CostModelError, match=told):
            make(store, ["m4"], 0, 3, workers)
        assert rows(store.path) == []


def test_a_worker_that_lacks_the_package_is_refused(
    scheduler: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "only_here.py").write_text("def ask(task):\n    return task\n")
    monkeypatch.syspath_prepend(tmp_path)
    from only_here import ask  # type: ignore[import-not-found]

    with cluster.Cluster(scheduler) as workers, pytest.raises(CostModelError, match=r"a worker lacks .* 'only_here'"):
        list(answers(workers, ask, [1], ask))


def test_the_command_says_that_there_is_no_scheduler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 0.3)
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert _run(tmp_path, "--scheduler", address) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"mcusim: {address}: no scheduler of Dask: ")
    assert told.count("\n") == 1
    assert _run(tmp_path, "--scheduler", "somewhere") == 2
    assert capsys.readouterr().err.startswith("mcusim: somewhere: no scheduler of Dask: ")


def test_the_command_takes_a_scheduler_and_sums_up_as_json(
    scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], expected: list[tuple]
) -> None:
    assert _run(tmp_path, "--scheduler", scheduler, "--json", "-", "--quiet") == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("layers") == sum(len(row) > 15 for row in rows(tmp_path / "costs.sqlite"))
    assert told == {
        "file": str(tmp_path / "costs.sqlite"), "networks": SAMPLES, "samples": SAMPLES, "found_samples": 0,
        "new_networks": SAMPLES, "failed_samples": 0,
    }  # fmt: skip
    assert rows(tmp_path / "costs.sqlite") == expected


def _run(folder: Path, *options: str) -> int:
    command = [str(folder / "costs.sqlite"), "--board", "m4", "--samples", str(SAMPLES), *options]
    return app.run(command, app.single(dataset_command))
