"""Store: simulated networks in an SQLite file, each once for a board and a state of the simulator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from cost_models.costs import NETWORK, Costs
from cost_models.descriptors import uses_dsp
from cost_models.errors import CostModelError
from cost_models.layers import CODES, LAYER, OPERATORS, Layers

SCHEMA = "cost_models.dataset/1"

COLUMNS = tuple(name for name in LAYER.names or () if name != "operator")
SIZES = NETWORK.names or ()

TABLES = f"""
create table if not exists about (schema text not null);
create table if not exists networks (
    digest text not null, board text not null, simulator text not null, family text not null, name text not null,
    clock_hertz integer not null, {", ".join(f"{name} integer not null" for name in SIZES)},
    primary key (digest, board, simulator)
) without rowid;
create table if not exists layers (
    digest text not null, board text not null, simulator text not null, place integer not null, name text not null,
    operator text not null, {", ".join(f"{name} integer not null" for name in COLUMNS)},
    cycles integer not null, joules real, events text not null,
    primary key (digest, board, simulator, place)
) without rowid;
create table if not exists samples (
    seed integer not null, number integer not null, board text not null, simulator text not null, digest text not null,
    error text not null, primary key (seed, number, board, simulator)
) without rowid;
"""
"""``samples``: which network a seed and a number gave, or why it could not be simulated. ``events``: JSON."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one layer took; ``joules`` is None on a board without energy table; ``events`` as JSON."""

    name: str
    cycles: int
    joules: float | None
    events: str


@dataclass(frozen=True, slots=True)
class Simulated:
    """A sample, simulated; ``error`` says why not, and ``layers`` and ``costs`` are empty then.

    ``sizes``: in the order of NETWORK.
    """

    seed: int
    number: int
    board: str
    simulator: str
    digest: str
    family: str
    name: str
    error: str = ""
    clock_hertz: int = 0
    sizes: tuple[int, ...] = ()
    table: tuple[tuple[int, ...], ...] = ()
    costs: tuple[LayerCost, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What its rows are found by."""
        return self.digest, self.board, self.simulator


@dataclass(frozen=True, slots=True)
class Examples:
    """Networks of a board and what they took; ``families``: of each network. ``digest``: of all of it, for reproduction."""

    layers: Layers
    costs: Costs
    families: tuple[str, ...]
    digest: str

    def selected(self, networks: Sequence[int]) -> Examples:
        """Some of the networks."""
        costs = self.costs.selected(networks, self.layers.starts)
        return Examples(self.layers.selected(networks), costs, tuple(self.families[i] for i in networks), self.digest)


class Store:
    """A file of simulated networks. What is in it after a kill are whole networks."""

    def __init__(self, path: str | Path, written: bool = True) -> None:
        """``written``: whether it is made where it is not there, and added to. CostModelError where ``path`` is no dataset."""
        self.path = Path(path)
        self.connection = self._opened(written)

    def _opened(self, written: bool) -> sqlite3.Connection:
        try:
            connection = _made(self.path) if written else _found(self.path)
            found = connection.execute("select schema from about").fetchall()
        except sqlite3.Error as error:
            raise CostModelError(f"{self.path}: no dataset: {error}") from None
        if found != [(SCHEMA,)]:
            raise CostModelError(f"{self.path}: a dataset of schema {found}, allowed: {SCHEMA!r}")
        return connection

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def done(self, seed: int, board: str, simulator: str) -> set[int]:
        """Numbers of samples that are there, with or without an answer."""
        rows = self.connection.execute(
            "select number from samples where seed = ? and board = ? and simulator = ?", (seed, board, simulator)
        )
        return {number for (number,) in rows}

    def answered(self, board: str, simulator: str) -> list[tuple[str, str]]:
        """Digests of all networks that were simulated, or could not be, each with the reason why not."""
        asked = "select digest, min(error) from samples where board = ? and simulator = ? group by digest"
        return self.connection.execute(asked, (board, simulator)).fetchall()

    def holds(self, key: tuple[str, str, str]) -> bool:
        """Whether a network is there."""
        return bool(self._count("networks where digest = ? and board = ? and simulator = ?", key))

    def count(self) -> tuple[int, int]:
        """Networks and layers."""
        return self._count("networks"), self._count("layers")

    def _count(self, what: str, values: Sequence[str] = ()) -> int:
        (number,) = self.connection.execute(f"select count(*) from {what}", values).fetchone()
        return int(number)

    def add(self, one: Simulated) -> bool:
        """Keep a sample, in one transaction; whether its network was new."""
        new = not one.error and not self.holds(one.key)
        with self.connection as connection:
            if new:
                place = (*one.key, one.family, one.name, one.clock_hertz, *one.sizes)
                connection.execute(f"insert into networks values ({_marks(place)})", place)
                rows = [
                    (*one.key, number, cost.name, OPERATORS[row[0]], *row[1:], cost.cycles, cost.joules, cost.events)
                    for number, (row, cost) in enumerate(zip(one.table, one.costs, strict=True))
                ]
                connection.executemany(f"insert into layers values ({_marks(rows[0])})", rows)
            told = (one.seed, one.number, one.board, one.simulator, one.digest, one.error)
            connection.execute("insert or replace into samples values (?, ?, ?, ?, ?, ?)", told)
        return new

    def boards(self) -> tuple[str, ...]:
        """Boards that there are networks of."""
        return tuple(name for (name,) in self.connection.execute("select distinct board from networks order by board"))

    def examples(self, board: str, simulator: str = "") -> Examples:
        """All networks of a board, in the order of their digests. ``simulator``: of which state of it, "" for the only one.

        CostModelError where there are none, or where several states are mixed.
        """
        simulator = simulator or self._only_simulator(board)
        where = "where board = ? and simulator = ?"
        networks = self.connection.execute(
            f"select digest, family, name, clock_hertz, {', '.join(SIZES)} from networks {where} order by digest",
            (board, simulator),
        ).fetchall()
        rows = self.connection.execute(
            f"select digest, name, operator, {', '.join(COLUMNS)}, cycles, joules from layers {where} order by digest, place",
            (board, simulator),
        ).fetchall()
        return _examples(board, networks, rows)

    def _only_simulator(self, board: str) -> str:
        found = [s for (s,) in self.connection.execute("select distinct simulator from networks where board = ?", (board,))]
        if len(found) != 1:
            states = f"states {', '.join(found)} of the simulator: name one" if found else f"none; it has {self.boards()}"
            raise CostModelError(f"{self.path}: networks of {board}: {states}")
        return str(found[0])


def _made(path: Path) -> sqlite3.Connection:
    """A file that is added to, with its tables."""
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript(TABLES)
        if connection.execute("select count(*) from about").fetchone() == (0,):
            connection.execute("insert into about values (?)", (SCHEMA,))
    return connection


def _found(path: Path) -> sqlite3.Connection:
    """A file that is only read. SQLite may write for one thing: what a killed command has left half done is undone."""
    if not path.is_file():
        raise CostModelError(f"{path}: no such dataset")
    if not path.stat().st_size:
        raise CostModelError(f"{path}: no dataset: the file is empty")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
    connection.execute("pragma query_only = on")
    return connection


def _examples(board: str, networks: Sequence[tuple], rows: Sequence[tuple]) -> Examples:
    table = np.array([(CODES[row[2]], *row[3:-2]) for row in rows], LAYER)
    owners = [row[0] for row in rows]
    starts = np.flatnonzero([i == 0 or owners[i] != owners[i - 1] for i in range(len(owners))])
    layers = Layers(table, starts, tuple(n[2] for n in networks), tuple(row[1] for row in rows))
    costs = Costs(
        board,
        max((n[3] for n in networks), default=0),
        np.array([row[-2] for row in rows], np.int64),
        np.array([np.nan if row[-1] is None else row[-1] for row in rows], np.float64),
        np.array([n[4:] for n in networks], NETWORK),
        uses_dsp(board),
    )
    told = sha256(repr((networks, rows)).encode()).hexdigest()[:32]
    return Examples(layers, costs, tuple(n[1] for n in networks), told)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


@contextmanager
def opened(path: str | Path, written: bool = True) -> Iterator[Store]:
    """A store, closed at the end. ``written``: see Store."""
    store = Store(path, written)
    try:
        yield store
    finally:
        store.close()
