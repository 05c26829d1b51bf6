from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import prediction_speed
from benchmarks.prediction_speed import DEPTH, ROWS, SCHEMA, Speeds, document, layers_of, lines_of, main, measure, networks_of
from cost_models.layers import OPERATORS
from tests.cost_models.shipping import ship


def test_no_two_networks_are_alike_and_their_rows_agree_with_themselves() -> None:
    made = networks_of(500)
    assert (len(made), set(made.counts.tolist())) == (500, {DEPTH})
    rows = made.table.reshape(500, DEPTH)
    assert len(np.unique(rows)) > 1000
    assert len({row.tobytes() for row in rows}) == 500
    assert (rows["output_channels"][:, :-1] == rows["input_channels"][:, 1:]).all()
    assert {OPERATORS[code] for code in rows["operator"].ravel()} == {"Conv2D", "DepthwiseConv2D"}


def test_the_large_table_is_networks_of_all_families_over_and_over() -> None:
    layers = layers_of(2000)
    assert len(layers.table) >= 2000
    assert len(np.unique(layers.table["operator"])) > 10


def test_what_is_measured_stands_in_the_table_and_in_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ship(tmp_path, monkeypatch)
    monkeypatch.setattr(prediction_speed, "first_answer", lambda *_: 0.5)
    networks = networks_of(60)
    speeds = measure("m4", networks, networks, 1, simulate=False)
    assert min(speeds.layers_per_second, speeds.networks_per_second, speeds.warm_milliseconds, speeds.compiled_over_plain) > 0
    monkeypatch.setattr(prediction_speed, "measure", lambda *_: speeds)
    assert main(["--board", "m4", "--layers", "10", "--networks", "5", "--json", str(tmp_path / "speeds.json")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("| m4, linear; ")
    assert "| first answer of a process | 0.50 s |" in out
    written = json.loads((tmp_path / "speeds.json").read_text())
    assert (written["schema"], written["speeds"]["board"]) == (SCHEMA, "m4")
    assert written["host"]["cores"] >= 1


def test_a_figure_that_was_not_measured_is_a_dash() -> None:
    speeds = Speeds("m4", 1e6, 2e4, 1.234, 0.5, 10.0, None)
    assert len(lines_of(speeds)) == len(ROWS)
    assert lines_of(speeds)[0] == ("layers a second", "1,000,000")
    assert lines_of(speeds)[2] == ("one network, warm", "1.23 ms")
    assert lines_of(speeds)[-1] == ("simulated/predicted", "-")
    assert document(speeds)["speeds"]
