"""Datasets as tables of Parquet: what is read back is what the store has."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from cost_models import CostModelError, dataset
from cost_models.dataset import make
from cost_models.dataset_command import dataset_command
from cost_models.parquet import examples, export
from cost_models.store import Examples, opened
from mcusim.cli import app
from tests.cost_models.test_dataset import faked

pyarrow = pytest.importorskip("pyarrow", reason="tables of Parquet take the package pyarrow")


def made(path: Path, samples: int, boards: tuple[str, ...] = ("m4", "m7")) -> Path:
    """A dataset with made up figures."""
    with pytest.MonkeyPatch.context() as patch, opened(path) as store:
        patch.setattr(dataset, "answered", faked)
        make(store, boards, 0, samples)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("store") / "costs.sqlite", 8)


def exported(file: Path, folder: Path) -> Path:
    with opened(file) as store:
        export(store, folder)
    return folder


def parts(found: Examples) -> tuple:
    return *astuple(found.layers), *astuple(found.costs)


def test_examples_of_the_tables_are_those_of_the_store(file: Path, tmp_path: Path) -> None:
    exported(file, tmp_path / "tables")
    with opened(file) as store:
        for board in ("m4", "m7"):
            there, here = examples(tmp_path / "tables", board), store.examples(board)
            assert (there.digest, there.families) == (here.digest, here.families)
            pairs = zip(parts(there), parts(here), strict=True)
            assert all(np.array_equal(one, other) or np.isnan([one, other]).all() for one, other in pairs)


def test_tables_have_all_columns_in_the_order_of_their_keys_and_no_draft_stays(file: Path, tmp_path: Path) -> None:
    from pyarrow.parquet import read_table

    folder = exported(file, tmp_path / "tables")
    assert sorted(path.name for path in folder.iterdir()) == ["layers.parquet", "networks.parquet"]
    with opened(file) as store:
        for name, key in (("networks", "1, 2, 3"), ("layers", "1, 2, 3, 4")):
            wanted = store.connection.execute(f"select * from {name} order by {key}")
            table = read_table(folder / f"{name}.parquet")
            assert table.column_names == [column[0] for column in wanted.description]
            assert [tuple(row.values()) for row in table.to_pylist()] == wanted.fetchall()


def test_the_same_dataset_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "again.sqlite", 8, ("m7", "m4"))
    for path in exported(file, tmp_path / "one").iterdir():
        assert path.read_bytes() == (exported(again, tmp_path / "other") / path.name).read_bytes()


def test_an_empty_dataset_has_no_examples(tmp_path: Path) -> None:
    exported(tmp_path / "empty.sqlite", tmp_path / "tables")
    with pytest.raises(CostModelError, match="tables: networks of m4: none"):
        examples(tmp_path / "tables", "m4")


def test_what_is_no_dataset_or_of_two_datasets_is_refused(file: Path, tmp_path: Path) -> None:
    folder = exported(file, tmp_path / "tables")
    other = exported(made(tmp_path / "other.sqlite", 1), tmp_path / "others")
    (other / "layers.parquet").replace(folder / "layers.parquet")
    with pytest.raises(CostModelError, match=r"layers\.parquet: of another dataset than networks\.parquet beside it"):
        examples(folder, "m4")
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), folder / "layers.parquet")
    with pytest.raises(CostModelError, match=r"layers\.parquet: not the layers of a dataset"):
        examples(folder, "m4")
    (folder / "networks.parquet").write_text("something else")
    with pytest.raises(CostModelError, match=r"networks\.parquet: no dataset"):
        examples(folder, "m4")
    with pytest.raises(CostModelError, match=r"networks\.parquet: no dataset"):
        examples(tmp_path / "nowhere", "m4")


def test_the_command_exports_what_is_there(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([str(file), "--parquet", str(tmp_path / "tables")], app.single(dataset_command)) == 0
    assert capsys.readouterr().out.startswith(f"{file}: 16 networks, ")
    assert len(examples(tmp_path / "tables", "m7").families) == 8
    assert app.run([str(file)], app.single(dataset_command)) == 2
    assert "no --board given; allowed: --board NAME, or --parquet DIR" in capsys.readouterr().err
    blocked = tmp_path / "tables" / "layers.parquet" / "below"
    assert app.run([str(file), "--parquet", str(blocked)], app.single(dataset_command)) == 2
    assert f"{blocked}: cannot be written: Not a directory" in capsys.readouterr().err


def test_a_draft_is_taken_away_where_writing_fails(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cost_models.parquet._batches", full)
    with pytest.raises(CostModelError, match="tables: cannot be written: No space left on device"):
        exported(file, tmp_path / "tables")
    assert list((tmp_path / "tables").iterdir()) == []
