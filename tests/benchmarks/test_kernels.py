"""The table of cycles by layer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.kernels import LAYERS, Row, lines_of, main


def test_a_layer_is_measured_on_the_board_at_its_rated_clock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--match", "kws fc", "--json", str(tmp_path / "rows.json")]) == 0
    (row,) = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert (row["model"], row["layer"], row["macs"], row["other_cycles"]) == ("kws", "fc", 768, 0)
    assert row["cycles"] > 768
    assert str(row["cycles"]) in capsys.readouterr().out


def test_a_folder_without_cmsis_nn_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--match", "kws fc", "--cmsis-nn", str(tmp_path)]) == 2
    assert f"{tmp_path} holds no CMSIS-NN" in capsys.readouterr().err


def test_the_table_sums_up_each_model() -> None:
    lines = lines_of([Row("kws", "conv1", 100, 200, 400), Row("kws", "fc", 100, 100, 100)])
    assert lines[-1].split() == ["kws", "all", "200", "300", "1.50", "500", "2.50", "0.60"]


def test_the_layers_have_the_multiplications_of_their_models() -> None:
    # 2.66 M and 12.5 M: MLPerf Tiny's models as TensorFlow Lite's files have them.
    totals = {model: sum(layer.macs for layer in LAYERS if layer.model == model) for model in ("kws", "ic", "vww", "ad")}
    assert totals == {"kws": 2656768, "ic": 12501632, "vww": 7489664, "ad": 264192}
