"""Workers: tasks in the order of need, processes that die, and what stays of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cost_models import CostModelError, dataset
from cost_models.dataset import Making, Progress
from cost_models.store import opened
from cost_models.workers import Here, Processes, Workers, answers
from tests.cost_models.contracts import check_a_deadly_sample, check_a_killed_worker, check_an_interruption
from tests.cost_models.faked_worker import deadly
from tests.support.firmware import REPOSITORY


@pytest.fixture
def processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(dataset, "answered", deadly)  # of processes that are begun from here
    with Processes(2) as found:
        yield found


def test_a_killed_process_loses_no_sample_and_doubles_none(
    processes: Workers, folder: Path, expected: list[tuple], tmp_path: Path
) -> None:
    check_a_killed_worker(processes, folder, expected, tmp_path / "costs.sqlite")


def test_a_sample_that_kills_processes_again_and_again_is_noted(
    processes: Workers, folder: Path, expected: list[tuple], tmp_path: Path
) -> None:
    check_a_deadly_sample(processes, folder, expected, tmp_path / "costs.sqlite")


def test_an_interrupted_run_goes_on_where_it_was(processes: Workers, expected: list[tuple], tmp_path: Path) -> None:
    check_an_interruption(processes, expected, tmp_path / "costs.sqlite")


ORPHANS = r"""
import os, signal, time
from cost_models.workers import Processes
def ask(task):
    os.write(1, b"%d\n" % os.getpid())
    time.sleep(0.2)
workers = Processes(2)
for future in [workers.submit(ask, n) for n in range(2)]:
    future.result()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_the_one_that_began_them() -> None:
    """Their pipe is read to its end, which comes when the last of them has let go of it."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, env=environment, timeout=30)
    assert ended.returncode == -signal.SIGKILL
    assert len(set(ended.stdout.split())) == 2


def test_a_worker_that_draws_another_network_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "costs.sqlite") as store:
        making = Making(store, Progress(0, 1), {}, None)
        assert list(making.unknown([(0, 0, "m4")])) == [(0, 0, "m4")]
        with pytest.raises(CostModelError, match="made another network of sample 0 of seed 0"):
            making.keep(replace(dataset.drawn((0, 0, "m4")), digest="another"))


class Cancelling(Here):
    """Workers whose scheduler goes away."""

    def submit(self, ask: Any, task: Any) -> Future[Any]:
        gone: Future[Any] = Future()
        gone.cancel()
        gone.set_running_or_notify_cancel()
        return gone


def test_a_scheduler_that_goes_away_is_an_error() -> None:
    with pytest.raises(CostModelError, match="the workers are gone"):
        list(answers(Cancelling(), str, [1], str))


class Slow(Here):
    """Four at a time; answers come when there is no room left."""

    def __init__(self) -> None:
        self.running: list[tuple[Future[Any], Any]] = []
        self.most = 0

    def width(self) -> int:
        return 4

    def submit(self, ask: Any, task: Any) -> Future[Any]:
        self.running.append((Future(), task))
        self.most = max(self.most, sum(not each.done() for each, _ in self.running))
        if self.most == 4 or task == 9:
            for each, given in self.running:
                if not each.done():
                    each.set_result(ask(given))
        return self.running[-1][0]


def test_no_more_tasks_are_on_their_way_than_there_is_room_for() -> None:
    workers = Slow()
    assert sorted(answers(workers, str, range(10), str)) == sorted(map(str, range(10)))
    assert workers.most == 4
