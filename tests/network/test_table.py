"""The table of a network."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from mcusim.network import load
from mcusim.network.table import constant_bytes, described, network_table
from tests.network.cases import CASES


def test_a_row_for_each_layer_then_totals_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(CASES["conv_2d int8 same"].bytes())
    network = load(path)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(network_table(network))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert lines[0] == "small"
    assert lines[1] == "layer operator output type MACs constants"
    assert lines[2] == "conv_2d_0 Conv2D 1x7x6x5 int8 7,560 200 B"
    assert lines[3] == "total 1 layers 7,560 200 B"
    assert lines[4].startswith("input 1x7x6x4 int8 (")
    assert lines[5].endswith(" y")


def test_tensors_are_described_with_their_scales(tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(CASES["quantize per channel"].bytes())
    network = load(path)
    assert described(network.tensors["x"]) == "2x3 float32"
    assert described(network.tensors["y"]) == "2x3 int8 (3 scales on axis 1)"
    assert constant_bytes(network) == 0
