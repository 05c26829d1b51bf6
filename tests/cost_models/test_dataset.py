"""Datasets: whole networks after a kill, nothing twice, the same rows from the same seed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cost_models
import mcusim
from cost_models import CostModelError, dataset, exact_sizes
from cost_models.dataset import Progress, make, simulated
from cost_models.dataset_command import dataset_command
from cost_models.layers import from_network
from cost_models.sampling import sample
from cost_models.store import Store, opened
from cost_models.workers import Here
from tests.cost_models.made_up import cycles_of
from tests.cost_models.shipping import ran
from tests.support.firmware import REPOSITORY

FAKED = """
import os, signal, sys
from cost_models import dataset
from cost_models.store import opened
from tests.cost_models.test_dataset import faked
asked = []
def dying(made, network, board):
    asked.append(network)
    if len(asked) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return faked(made, network, board)
dataset.answered = dying
with opened(sys.argv[1]) as store:
    dataset.make(store, ["m4"], 0, 12)
"""


def faked(made, network, board):  # type: ignore[no-untyped-def]
    """What a simulation would give, made up."""
    from cost_models.store import LayerCost

    layers = from_network(network)
    cycles = cycles_of(layers).tolist()
    return made(
        clock_hertz=1_000_000, sizes=(1, 2, 3, 4, 5), table=tuple(map(tuple, layers.table.tolist())),
        costs=tuple(LayerCost(layer.name, n, None, "{}") for layer, n in zip(network.layers, cycles, strict=True)),
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(dataset, "answered", faked)
    with opened(tmp_path / "costs.sqlite") as found:
        yield found


def rows(path: Path) -> list[tuple]:
    with sqlite3.connect(path) as connection:
        tables = [f"select * from {name} order by 1, 2, 3, 4" for name in ("samples", "networks", "layers")]
        return [row for table in tables for row in connection.execute(table)]


def test_what_is_there_is_not_simulated_again(store: Store) -> None:
    assert make(store, ["m4"], 0, 6) == Progress(6, 6, 0, 6, 0)
    assert make(store, ["m4"], 0, 9) == Progress(9, 9, 6, 3, 0)
    assert make(store, ["m4", "m7"], 0, 9) == Progress(18, 18, 9, 9, 0)


def test_a_network_that_comes_twice_is_kept_once(store: Store) -> None:
    one = simulated((0, 4, "m4"))
    assert store.add(one)
    assert not store.add(replace(one, seed=9, number=99, name="the same again"))
    assert store.count() == (1, len(one.table))
    assert store.done(9, "m4", one.simulator) == {99}


@pytest.fixture
def asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Networks and boards that were simulated. Samples of all seeds are those of seed 0 here, and every third is the same."""
    found: list[tuple[str, str]] = []

    def noted(made, network, board):  # type: ignore[no-untyped-def]
        found.append((network.name, board))
        return made(error="too odd") if network.name == sample(0, 2).name else faked(made, network, board)

    dataset._network.cache_clear()
    monkeypatch.setattr(dataset, "answered", noted)
    monkeypatch.setattr(dataset, "sample", lambda _, number: sample(0, number % 3))
    yield found
    dataset._network.cache_clear()


def test_equal_networks_are_simulated_once_on_each_board(store: Store, asked: list[tuple[str, str]]) -> None:
    names = [sample(0, number).name for number in range(3)]
    assert make(store, ["m4"], 0, 9) == Progress(9, 9, 0, 2, 3)
    assert asked == [(name, "m4") for name in names]
    assert make(store, ["m4", "m7"], 8, 4) == Progress(8, 8, 0, 2, 2)
    assert asked[3:] == [(name, "m7") for name in names]
    assert store.connection.execute("select count(*), sum(error = 'too odd') from samples").fetchone() == (17, 5)


def test_a_network_that_waits_for_its_equal_is_noted_with_it(store: Store, asked: list[tuple[str, str]]) -> None:
    """All tasks are taken before the first one is answered."""

    class Wide(Here):
        def width(self) -> int:
            return 99

    assert make(store, ["m4"], 0, 9, Wide()) == Progress(9, 9, 0, 2, 3)
    assert len(asked) == 3
    assert store.count()[0] == 2


def test_what_cannot_be_simulated_is_noted_and_not_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise CostModelError("no such thing")

    monkeypatch.setattr(dataset, "answered", refuse)
    assert make(store, ["m4"], 0, 2) == Progress(2, 2, 0, 0, 2)
    assert make(store, ["m4"], 0, 2) == Progress(2, 2, 2, 0, 0)
    assert store.count() == (0, 0)


def test_a_network_is_kept_whole_or_not_at_all(store: Store) -> None:
    one = simulated((0, 0, "m4"))
    broken = replace(one, costs=(*one.costs[:-1], replace(one.costs[-1], cycles=None)))  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        store.add(broken)
    assert store.count() == (0, 0)
    assert store.done(0, "m4", one.simulator) == set()


def test_after_a_kill_it_goes_on_and_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed.sqlite", tmp_path / "whole.sqlite"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def ended(path: Path, asked: int) -> int:
        """Exit code of a process that kills itself while it is ``asked`` for that many networks."""
        return subprocess.run([sys.executable, "-c", FAKED, str(path), str(asked)], cwd=REPOSITORY, env=environment).returncode

    assert ended(killed, 5) == -signal.SIGKILL
    assert 0 < _samples(killed) < 12
    assert ended(killed, 0) == ended(whole, 0) == 0
    assert rows(killed) == rows(whole)
    assert _samples(whole) == 12


def _samples(path: Path) -> int:
    try:
        with sqlite3.connect(path) as connection:
            return int(connection.execute("select count(*) from samples").fetchone()[0])
    except sqlite3.OperationalError:  # no tables yet, or being written
        return 0


def test_examples_are_what_was_put_in(store: Store) -> None:
    make(store, ["m4"], 0, 6)
    found = store.examples("m4")
    parts = {name: from_network(sample(0, n)) for n in range(6) for name in [sample(0, n).name]}
    assert set(found.layers.names) == set(parts)
    assert np.array_equal(found.layers.table, np.concatenate([parts[name].table for name in found.layers.names]))
    assert np.array_equal(found.costs.cycles, cycles_of(found.layers))
    assert not found.costs.has_energy
    assert found.families == tuple(name.rsplit("_", 2)[0] for name in found.layers.names)
    some = found.selected([3, 1])
    assert some.layers.names == (found.layers.names[3], found.layers.names[1])
    assert np.array_equal(some.costs.cycles, cycles_of(some.layers))


def test_a_board_without_networks_and_a_file_that_is_no_dataset_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CostModelError, match="networks of m7: none; it has"):
        store.examples("m7")
    (tmp_path / "other").write_text("something else entirely, and long enough to be looked at as a database")
    with pytest.raises(CostModelError, match="other: no dataset"):
        Store(tmp_path / "other")


def test_what_is_only_read_is_not_written(store: Store) -> None:
    make(store, ["m4"], 0, 2)
    before = store.path.read_bytes()
    with opened(store.path, written=False) as found:
        assert found.count() == store.count()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            found.add(simulated((0, 2, "m4")))
    assert store.path.read_bytes() == before


def test_what_is_only_read_is_read_after_a_kill_as_well(store: Store, tmp_path: Path) -> None:
    """A journal beside the file takes back what was half done."""
    make(store, ["m4"], 0, 2)
    killed = tmp_path / "killed"
    killed.mkdir()
    store.connection.execute("pragma cache_size = 1")  # the file is written to before the transaction ends
    store.connection.execute("begin")
    store.connection.execute("update layers set cycles = 0, name = hex(randomblob(2000))")
    for path in tmp_path.glob("costs.sqlite*"):
        (killed / path.name).write_bytes(path.read_bytes())
    store.connection.rollback()
    assert (killed / "costs.sqlite-journal").stat().st_size
    with opened(killed / "costs.sqlite", written=False) as found:
        assert found.examples("m4").digest == store.examples("m4").digest


@pytest.mark.parametrize("there", [True, False])
def test_tables_of_a_file_that_is_empty_or_not_there_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    path = tmp_path / "costs.sqlite"
    if there:
        path.touch()
    outcome = ran(dataset_command, capsys, str(path), "--parquet", str(tmp_path / "tables"))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"mcusim: {path}: {'no dataset: the file is empty' if there else 'no such dataset'}\n"
    assert [(each.name, each.stat().st_size) for each in tmp_path.iterdir()] == [("costs.sqlite", 0)] * there


@pytest.mark.parametrize("there", [True, False])
def test_a_dataset_is_made_in_a_file_that_is_empty_or_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(dataset, "answered", faked)
    path = tmp_path / "costs.sqlite"
    if there:
        path.touch()
    outcome = ran(dataset_command, capsys, str(path), "--board", "m4", "--samples", "2", "--jobs", "1", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert "2 networks are new" in outcome.out


def test_a_simulated_sample_is_what_bench_says_and_exact_sizes_are_those_of_its_build() -> None:
    one, network = simulated((0, 4, "nucleo-f746zg")), sample(0, 4)
    (result,) = mcusim.bench(network, "nucleo-f746zg").results
    assert not one.error
    assert sum(cost.cycles for cost in one.costs) == result.latency_cycles
    assert sum(cost.joules or 0 for cost in one.costs) == pytest.approx(result.energy_joules)
    assert one.sizes[0] == result.ram_bytes.arena
    exact = exact_sizes(network, "nucleo-f746zg")
    assert exact == (result.ram_bytes.arena + result.ram_bytes.static, result.flash_bytes.total, True)
    found = cost_models.load("nucleo-f746zg", "simulate").predict(network)
    assert found.latency_seconds.values[0] == result.latency_seconds
    assert (found.ram_bytes.values[0], found.flash_bytes.values[0]) == exact[:2]


def test_the_command_makes_a_dataset_and_says_what_is_in_it(tmp_path: Path) -> None:
    options = ["--board", "m4", "--seed", "3", "--samples", "1", "--jobs", "1"]
    command = [sys.executable, "-m", "cost_models.dataset_command", "costs.sqlite", *options]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    told = [
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment).stdout
        for _ in range(2)
    ]
    assert told[0].startswith("costs.sqlite: 1 networks, ")
    assert told[0].endswith("1 networks are new, 0 failed\n")
    assert told[1].endswith("0 networks are new, 0 failed\n")
