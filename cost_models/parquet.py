"""A dataset as two flat tables of Parquet for other tools, and back: networks and layers, in the order of their keys."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cost_models.errors import CostModelError
from cost_models.store import SCHEMA, Examples, Store

if TYPE_CHECKING:
    import pyarrow

TABLES = {"networks": "digest, board, simulator", "layers": "digest, board, simulator, place"}
"""Names of tables in the store, and of the files, with their keys."""

ROWS = 20_000
"""In memory at once."""

SCHEMA_KEY, CONTENT_KEY = b"mcusim.schema", b"mcusim.content"
"""Metadata of both files; the content is a digest of the keys of all networks, so that files of two datasets do not mix."""


def export(store: Store, folder: Path) -> None:
    """Write ``networks.parquet`` and ``layers.parquet``, each under a temporary name first. ``events`` of layers are JSON."""
    _pyarrow()
    with store.connection as connection:
        connection.execute("begin")  # one state of the file for both tables
        told = {SCHEMA_KEY: SCHEMA.encode(), CONTENT_KEY: _content(store)}
        try:
            folder.mkdir(exist_ok=True)
            for name in TABLES:
                _write(store, name, folder / f"{name}.parquet", told)
        except OSError as error:
            raise CostModelError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _content(store: Store) -> bytes:
    found = sha256()
    for key in store.connection.execute(f"select {TABLES['networks']} from networks order by {TABLES['networks']}"):
        found.update(repr(key).encode())
    return found.hexdigest()[:32].encode()


def _write(store: Store, name: str, path: Path, told: Mapping[bytes, bytes]) -> None:
    from pyarrow.parquet import ParquetWriter

    schema = _schema(store, name).with_metadata(dict(told))
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with ParquetWriter(draft, schema, compression="zstd") as writer:
            for batch in _batches(store, name, schema):
                writer.write_batch(batch)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _batches(store: Store, name: str, schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    rows = store.connection.execute(f"select * from {name} order by {TABLES[name]}")
    while found := rows.fetchmany(ROWS):
        columns = zip(*found, strict=True)
        yield pyarrow.record_batch([pyarrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _schema(store: Store, name: str) -> pyarrow.Schema:
    """The columns as the store declares them."""
    import pyarrow

    types = {"text": pyarrow.string(), "integer": pyarrow.int64(), "real": pyarrow.float64()}
    declared = store.connection.execute("select name, type, \"notnull\" from pragma_table_info(?)", (name,))
    return pyarrow.schema([pyarrow.field(column, types[kind.lower()], not filled) for column, kind, filled in declared])


def examples(folder: str | Path, board: str, simulator: str = "") -> Examples:
    """What ``Store.examples`` gives of the dataset that was exported to ``folder``. CostModelError where it is none."""
    with closing(Store(":memory:")) as store:
        store.path = Path(folder)
        for name in TABLES:
            _read(store, name, Path(folder) / f"{name}.parquet")
        return store.examples(board, simulator)


def _read(store: Store, name: str, path: Path) -> None:
    pyarrow = _pyarrow()
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            _check(store, name, file.schema_arrow, path)
            for batch in file.iter_batches(ROWS):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                with store.connection as connection:
                    connection.executemany(f"insert into {name} values ({', '.join('?' * batch.num_columns)})", rows)
    except (OSError, pyarrow.ArrowException) as error:
        raise CostModelError(f"{path}: no dataset: {error}") from None


def _check(store: Store, name: str, found: pyarrow.Schema, path: Path) -> None:
    """CostModelError for another table, or one of another dataset than the networks that were read before."""
    told = found.metadata or {}
    if told.get(SCHEMA_KEY) != SCHEMA.encode() or found.names != _schema(store, name).names:
        raise CostModelError(f"{path}: not the {name} of a dataset of schema {SCHEMA!r}")
    if name != "networks" and told.get(CONTENT_KEY) != _content(store):
        raise CostModelError(f"{path}: of another dataset than networks.parquet beside it")


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
    except ImportError:
        raise CostModelError("Parquet takes pyarrow: pip install 'mcusim[parquet]'") from None
    return pyarrow
