"""Store: what was worked out, in an SQLite file, each point in one transaction; a kill at any moment leaves whole points."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cost_models.state import simulator_digest
from experiments.deep_compression.errors import StudyError
from experiments.deep_compression.points import Answer, Row

SCHEMA = "experiments.deep_compression/1"

TABLES = """
create table if not exists about (schema text not null);
create table if not exists points (
    key text primary key, rows text not null, state blob not null, ranges text not null, reference blob not null
) without rowid;
create table if not exists costs (
    key text not null, board text not null, simulator text not null, row text not null, primary key (key, board, simulator)
) without rowid;
"""
"""``rows``, ``ranges`` and ``row``: JSON. ``simulator``: the state of it that figures of boards come from."""


class Store:
    """A file of results."""

    def __init__(self, path: Path) -> None:
        """StudyError where ``path`` is something else."""
        self.path = path
        try:
            self.connection = sqlite3.connect(path)
            with self.connection as connection:
                connection.executescript(TABLES)
                if connection.execute("select count(*) from about").fetchone() == (0,):
                    connection.execute("insert into about values (?)", (SCHEMA,))
            found = self.connection.execute("select schema from about").fetchall()
        except sqlite3.Error as error:
            raise StudyError(f"{path}: no results of the study: {error}") from None
        if found != [(SCHEMA,)]:
            raise StudyError(f"{path}: results of schema {found}, allowed: {SCHEMA!r}")

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def keys(self) -> set[str]:
        """Of all points that are there."""
        return {key for (key,) in self.connection.execute("select key from points")}

    def add(self, key: str, answer: Answer) -> None:
        """Keep a point."""
        told = key, json.dumps(answer.rows), answer.state, json.dumps(answer.ranges), answer.reference
        with self.connection as connection:
            connection.execute("insert or replace into points values (?, ?, ?, ?, ?)", told)

    def rows(self, key: str) -> list[Row]:
        """A point's rows; none where it is not there."""
        found = self.connection.execute("select rows from points where key = ?", (key,)).fetchone()
        return [] if found is None else json.loads(found[0])

    def state(self, key: str) -> bytes:
        """The state of a point that is there."""
        return self._of(key, "state")

    def reference(self, key: str) -> bytes:
        """What is kept of a dense network beside its state."""
        return self._of(key, "reference")

    def ranges(self, key: str) -> Mapping[str, tuple[float, float]]:
        """Ranges of a point that is there."""
        return {name: (low, high) for name, (low, high) in json.loads(self._of(key, "ranges")).items()}

    def _of(self, key: str, column: str):  # type: ignore[no-untyped-def]
        found = self.connection.execute(f"select {column} from points where key = ?", (key,)).fetchone()
        if found is None:
            raise StudyError(f"{self.path}: no point {key}")
        return found[0]

    def add_cost(self, key: str, board: str, row: Row) -> None:
        """Keep what a network takes on a board, by the simulator as it is."""
        with self.connection as connection:
            told = key, board, simulator_digest(), json.dumps(row)
            connection.execute("insert or replace into costs values (?, ?, ?, ?)", told)

    def costs(self) -> dict[tuple[str, str], Row]:
        """All that the simulator as it is has said of devices, by key and board."""
        found = self.connection.execute("select key, board, row from costs where simulator = ?", (simulator_digest(),))
        return {(key, board): json.loads(row) for key, board, row in found}


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """A store that is closed at the end."""
    store = Store(path)
    try:
        yield store
    finally:
        store.close()
