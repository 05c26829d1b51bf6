"""What a small network takes on boards: figures that add up, checks, sets with labels, boards that are too small."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import mcusim
from mcusim import boards
from mcusim.bench import ArenaPart, BenchReport, Result, Room, asking
from mcusim.bench.page import page
from mcusim.bench.references import difference
from mcusim.bench.samples import DataError, labelled_set
from mcusim.bench.table import fit_text, layer_row, total_lines
from mcusim.network import Network, NetworkError
from mcusim.network import operators as ops
from mcusim.network.reference import run
from mcusim.report import ReportError
from tests.deploy.target import constant, network_of, quantized
from tests.deploy.test_target_agrees import small
from tests.network.agreement import models

SCHEMA = json.loads(files("mcusim.bench").joinpath("bench_1.schema.json").read_text())
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "schema_bench_1.md").read_text()


def dense() -> Network:
    """Three classes from four numbers."""
    random = np.random.default_rng(3)
    tensors = [
        quantized("in", (1, 4), 0.02, -7),
        constant("filter", random.integers(-127, 128, (3, 4), np.int8), [0.004]),
        constant("bias", random.integers(-900, 900, 3, np.int32), [1.0]),
        quantized("out", (1, 3), 0.03, -20),
    ]
    return network_of("dense", tensors, (ops.FullyConnected(), "in filter bias", "out"))


@pytest.fixture(scope="module")
def report() -> BenchReport:
    return mcusim.bench(small(), "m4", check=3, cache=False)


@pytest.fixture(scope="module")
def result(report: BenchReport) -> Result:
    (found,) = report.results
    return found


def test_layers_add_up_to_the_latency(result: Result) -> None:
    assert result.latency_cycles == sum(layer.cycles or 0 for layer in result.layers)
    assert result.latency_seconds == result.latency_cycles / result.clock_hertz
    assert sum(layer.share or 0 for layer in result.layers) == pytest.approx(1)
    assert result.macs == sum(layer.macs for layer in result.layers) > 0


def test_memory_adds_up(result: Result) -> None:
    ram, flash = result.ram_bytes, result.flash_bytes
    assert ram.total == ram.arena + ram.stack + ram.static
    assert flash.total == flash.code + flash.weights
    assert sum(layer.flash_bytes for layer in result.layers) == flash.weights
    assert max(layer.ram_live_bytes for layer in result.layers) == result.arena_lower_bound_bytes == ram.arena
    assert ram.stack > 0


def test_every_tensor_has_the_place_and_the_lifetime_that_the_network_gives_it(result: Result) -> None:
    """Worked out by hand: shapes of int8, and who reads whom; doubled and padded are views of nothing, out is one of padded."""
    told = {each.name: (each.bytes, each.first, each.last) for each in result.tensors if not each.name.endswith(":scratch")}
    assert told == {
        "in": (8 * 8 * 3, -1, 0),
        "features": (8 * 8 * 4, 0, 1),
        "small": (4 * 4 * 4, 1, 2),
        "sum": (4 * 4 * 4, 2, 3),
        "doubled": (4 * 4 * 8, 3, 4),
        "padded": (6 * 5 * 8, 4, 5),
        "out": (6 * 5 * 8, 5, 5),
    }
    places = {each.name: each.offset for each in result.tensors}
    assert places["out"] == places["padded"]
    assert places["sum"] == places["small"]
    for one in result.tensors:
        for other in result.tensors:
            apart = one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset
            later = one.last < other.first or other.last < one.first
            follows = one.last == other.first or other.last == one.first  # the output of a layer may lie over its input
            assert one is other or apart or later or follows, (one, other)


def test_the_page_draws_every_tensor(report: BenchReport) -> None:
    drawing = page(report)
    for each in report.results[0].tensors:
        assert f"{each.name}: {each.bytes} bytes at {each.offset} to {each.offset + each.bytes}" in drawing


def test_outputs_are_compared_with_the_twin_where_no_file_was_given(result: Result) -> None:
    assert result.bit_exact
    assert (result.check.samples, result.check.differing, result.check.reference) == (3, 0, "mcusim.network.reference")


def test_nothing_is_compared_unless_asked() -> None:
    (found,) = mcusim.bench(dense(), "m4", cache=False).results
    assert found.bit_exact is found.check is found.accuracy is None


def test_a_report_is_of_its_schema_and_survives_json(report: BenchReport) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(report.to_json()), SCHEMA)
    assert BenchReport.from_json(report.to_json()) == report


def test_every_key_of_the_schema_is_explained() -> None:
    for part in (SCHEMA, *SCHEMA["$defs"].values()):
        for key in part["properties"]:
            assert f"| `{key}` |" in PAGE


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "mcusim.run/1"}', '{"schema": "mcusim.bench/1", "results": 1}'])
def test_another_text_is_no_report(text: str) -> None:
    with pytest.raises(ReportError):
        BenchReport.from_json(text)


def test_a_board_that_is_too_small_is_an_answer() -> None:
    board = boards.load("nucleo-l4r5zi")
    assert board.firmware is not None
    tiny = replace(board, firmware=replace(board.firmware, sizes={**board.firmware.sizes, "flash": 4096}))
    (found,) = mcusim.bench(small(), tiny, cache=False).results
    assert not found.fits
    assert found.latency_seconds is found.latency_cycles is None
    assert found.room.flash_missing == found.flash_bytes.total - 4096
    assert re.match(r"no: [\d,]+ bytes of flash are missing", fit_text(found.room))
    assert all(layer.cycles is None for layer in found.layers)


def test_a_labelled_set_runs_on_the_target(tmp_path: Path) -> None:
    network = dense()
    x = np.random.default_rng(1).integers(-128, 128, (6, 4), np.int8)
    y = np.array([run(network, {"in": each.reshape(1, 4)})["out"].argmax() for each in x])
    y[0] = (y[0] + 1) % 3
    np.savez(tmp_path / "set.npz", x=x, y=y)
    (found,) = mcusim.bench(network, "m4", data=tmp_path / "set.npz", cache=False).results
    assert (found.accuracy.right, found.accuracy.samples) == (5, 6)


def test_real_numbers_of_a_set_are_quantised_and_folders_are_classes(tmp_path: Path) -> None:
    for name, value in (("cat", 0.1), ("dog", 100.0)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "one.npy", np.full(4, value, np.float32))
    found = labelled_set(str(tmp_path), dense())
    assert found.labels == (0, 1)
    assert [sample["in"][0, 0] for sample in found.samples] == [-2, 127]


@pytest.mark.parametrize(
    "arrays", [{"x": np.zeros((2, 4))}, {"x": np.zeros((2, 4)), "y": np.zeros(3)}, {"x": np.zeros((2, 5)), "y": np.zeros(2)}]
)
def test_a_set_that_does_not_suit_is_refused(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(DataError, match=r"set\.npz"):
        labelled_set(str(tmp_path / "set.npz"), dense())


def test_the_same_question_is_answered_from_the_cache(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path))
    first = mcusim.bench(dense(), "m4")
    monkeypatch.setattr(asking, "answer", None)
    assert mcusim.bench(dense(), "m4") == first
    with pytest.raises(TypeError):
        mcusim.bench(dense(), "m4", seed=1)


def test_of_several_questions_those_without_answer_are_failures(tmp_path: Path) -> None:
    found = mcusim.bench([dense(), tmp_path / "none.tflite"], ["m4"], cache=False, jobs=1)
    assert [each.model for each in found.results] == ["dense"]
    assert [(each.model, each.board) for each in found.failures] == [("none", "m4")]


def test_one_question_without_answer_raises() -> None:
    with pytest.raises(NetworkError):
        mcusim.bench("model.docx", "m4")


def test_floats_may_differ_by_one_in_the_last_place() -> None:
    one = np.float32(1)
    values = [one, np.nextafter(one, np.float32(2))]
    assert difference({"y": np.array(values[:1])}, {"y": np.array(values[1:])}) == (1, 1)
    assert difference({"y": np.float32([0.0])}, {"y": np.float32([-0.0])}) == (0, 0)
    assert difference({"y": np.int8([127])}, {"y": np.int8([-128])}) == (255, 0)


@pytest.mark.parametrize(("apart", "agrees"), [(5e-6, True), (2e-5, False)])
def test_floats_behind_an_exponential_may_differ_by_a_part_of_the_largest(apart: float, agrees: bool) -> None:
    wanted = np.float32([1, 1e-3])
    distance, allowed = difference({"y": wanted + np.float32([0, apart])}, {"y": wanted}, close=True)
    assert (distance <= allowed) == agrees


def test_a_page_has_every_layer_and_stands_by_itself(report: BenchReport, result: Result) -> None:
    text = page(report)
    assert all(f"<td>{layer.name}</td>" in text.replace(' class="word"', "") for layer in result.layers)
    assert not re.search(r"https?://|<script|src=", text)


def test_totals_are_told_in_lines(result: Result) -> None:
    told = "\n".join(total_lines(result))
    assert "the smallest there is" in told
    assert "bit exact, 3 outputs" in told
    assert layer_row(result.layers[0])[:3] == ("conv2d_0", "Conv2D", "1x8x8x4")


@pytest.mark.parametrize(
    ("memory", "board", "ram", "expected"),
    [
        ("sram2_sram3", "nucleo-l4r5zi", 192, "yes, in 2.0 MiB of flash, 192.0 KiB of RAM and 448.0 KiB of sram2_sram3"),
        ("sram3", "nucleo-l4r5zi", 192, "yes, in 2.0 MiB of flash, 192.0 KiB of RAM and 384.0 KiB of sram3"),
        ("ram", "nucleo-l4r5zi", 192, "yes, in 2.0 MiB of flash and 192.0 KiB of RAM"),
        ("sram2", "nucleo-l4r5zi", 100, "yes, in 2.0 MiB of flash, 100.0 KiB of RAM and sram2"),
        ("sram2", "a board of yours", 192, "yes, in 2.0 MiB of flash, 192.0 KiB of RAM and sram2"),
    ],
)
def test_memories_that_hold_the_arena_are_told_with_their_sizes(
    result: Result, memory: str, board: str, ram: int, expected: str
) -> None:
    room = Room(2 << 20, ram << 10, 0, 0)
    there = replace(result, board=board, room=room, arenas=(ArenaPart(memory, 1000),))
    assert f"fits     {expected}" in list(total_lines(there))


@pytest.mark.slow
@pytest.mark.parametrize("path", [p for p in models() if p.parent.name == "mlperf_tiny"] or [None], ids=str)
def test_public_networks_are_bit_exact(path: Path | None) -> None:
    if path is None:
        pytest.skip("the model files are not there")
    (found,) = mcusim.bench(path, "m4", check=2, cache=False).results
    # Fully connected layers round once in TensorFlow Lite and twice in TensorFlow Lite Micro; ten of them in a row show it.
    assert found.bit_exact or (path.stem == "ad01_int8" and found.check.micro_differing == 0)
