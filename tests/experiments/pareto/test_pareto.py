"""``mcusim pareto``: fronts of tables, told as text, JSON and a page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.pareto.conditions import Condition, parsed
from experiments.pareto.front import Axis, Question, answered, undominated, undominated_plainly
from experiments.pareto.pareto_command import pareto_command
from experiments.pareto.results import ResultsError, read
from experiments.pareto.text import columns_of
from mcusim.cli import app

TABLE = """\
name,type,board,accuracy,latency_seconds,flash_bytes
a,int8,small,0.90,0.001,1000
b,int8,small,0.95,0.002,300000
c,float32,small,0.94,0.030,400000
d,float32,small,0.99,0.040,1200000
e,int8,large,0.90,0.001,1000
f,float32,large,0.99,0.0005,900000
g,float32,large,0.97,,
h,int8,small,0.95,0.002,250000
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "results.csv"
    made.write_text(TABLE)
    return made


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = app.run(list(arguments), app.single(pareto_command))
    told = capsys.readouterr()
    return code, told.out, told.err


def names(path: Path, x: str = "latency_seconds", y: str = "accuracy", conditions: str = "", by: str = "board") -> list[str]:
    """Names of the rows of each front, front after front."""
    question = Question(Axis.read(x, "min"), Axis.read(y, "max"), parsed([conditions] if conditions else []), by)
    found = answered(question, read(path))
    return ["".join(found.results.rows[row]["name"] for row in front.rows) for front in found.fronts]


def test_a_front_is_what_no_other_row_beats(path: Path) -> None:
    assert names(path) == ["abd", "f"]
    assert names(path, by="") == ["f"]
    assert names(path, by="type") == ["ab", "f"]


def test_less_or_more_is_better_as_asked(path: Path) -> None:
    assert names(path, x="flash_bytes", y="latency_seconds:min", by="") == ["af"]
    assert names(path, x="flash_bytes:max", by="") == ["d"]


def test_conditions_leave_rows_out(path: Path) -> None:
    assert names(path, conditions="flash_bytes<=512Ki") == ["ab", "e"]
    assert names(path, conditions="type=float32, latency_seconds>1ms") == ["cd"]
    assert names(path, conditions="board!=large,accuracy>=95%") == ["bd"]


@pytest.mark.parametrize("seed", range(20))
def test_the_walk_finds_what_comparing_all_with_all_does(seed: int) -> None:
    losses = np.random.default_rng(seed).integers(0, 8, (seed * 3 + 1, 2)).astype(float)
    assert undominated(losses).tolist() == undominated_plainly(losses)


def test_rows_that_are_as_good_are_counted_and_the_first_stands_for_them(path: Path) -> None:
    question = Question(Axis("latency_seconds", "min"), Axis("accuracy", "max"), by="board")
    small = answered(question, read(path)).fronts[0]
    assert dict(zip(small.rows, small.alike, strict=True)) == {0: 1, 1: 2, 3: 1}
    assert small.others == (2, 7)


def test_limits_have_the_units_of_their_columns() -> None:
    limits = parsed(["flash_bytes<=256Ki, latency_seconds<20ms", "energy_joules>=3uJ,accuracy>98%,heuristic=l1"])
    assert limits == (
        Condition("flash_bytes", "<=", 262144), Condition("latency_seconds", "<", 0.02), Condition("energy_joules", ">=", 3e-6),
        Condition("accuracy", ">", 0.98), Condition("heuristic", "=", "l1"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("flash_bytes", "is no condition; allowed: COLUMN<=NUMBER"),
        ("flash_bytes<=lots", "'lots' after <=; allowed: a number"),
        ("flash_bytes<=3ms", "unit 'ms'; allowed: B, Ki, KiB, Mi, MiB, or none"),
        ("flash_bytes<=1.2.3", "allowed: a number"),
        ("accuracy<=1e9999999", "'1e9999999' after <=; allowed: a number"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(ResultsError, match=told):
        parsed([text])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: nothing; expected names of columns"),
        ("a,a\n1,2\n", "line 1: a, a; expected names of columns, each once"),
        ("a,b\n", "a table without rows"),
        ("a,b\n1,2\n3\n", "line 3: 1 cells; expected 2"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        ("a,b\n\n1,x\n", "line 3, column b: 'x'; allowed: a number, or nothing"),
        ("a,b\n1,nan\n", "column b: 'nan'; allowed: a number"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv"
    path.write_text(text)
    with pytest.raises(ResultsError, match=told):
        answered(Question(Axis("a", "min"), Axis("b", "max")), read(path))


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x81")
    for name, told in (("binary", "no text in UTF-8"), ("none", "No such file"), (".", "cannot be read")):
        with pytest.raises(ResultsError, match=told):
            read(tmp_path / name)


def test_columns_and_rows_that_are_not_there_are_named(path: Path) -> None:
    with pytest.raises(ResultsError, match=r"no column 'joules'; there are: name, type, board, accuracy"):
        names(path, x="joules")
    with pytest.raises(ResultsError, match=r"of 8 rows, 7 have latency_seconds and accuracy, and none of them meets flash_by"):
        names(path, conditions="flash_bytes<=1Ki, accuracy>=95%")
    with pytest.raises(ResultsError, match="'accuracy:up': 'up'; allowed: min or max"):
        names(path, y="accuracy:up")


def test_the_command_prints_a_table_for_each_board(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, str(path), "--constraint", "flash_bytes<=512Ki")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("board")] == ["board: small", "board: large"]
    assert [cell in out for cell in ("1.00 ms", "0.95", "293.0 KiB", "40.0 ms")] == [True, True, True, False]
    assert out.splitlines()[-1] == "2 rows are beaten, 2 break a condition, 1 have no figures"


def test_what_tells_rows_apart_is_shown_and_not_what_was_measured(tmp_path: Path) -> None:
    measured = [f"key{i},{0.9 - i / 97:.6f},{0.001 + i / 1013:.7f},{i / 89:.6f}" for i in range(20)]
    rows = [f"l{i % 2},{(0.9918, 0.834)[i % 2]},{cells}" for i, cells in enumerate(measured)]
    path = tmp_path / "many.csv"
    head = "heuristic,sparsity,device_key,accuracy,latency_seconds,energy_joules"
    path.write_text("\n".join([head, *reversed(rows)]) + "\n")
    found = answered(Question(Axis("latency_seconds", "min"), Axis("energy_joules", "max")), read(path))
    assert columns_of(found) == ("latency_seconds", "energy_joules", "heuristic", "sparsity")


def test_json_has_the_cells_of_the_table(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, str(path), "--json", "--by", "")
    told = json.loads(out)
    assert (code, told["schema"], told["unknown"]) == (0, "mcusim.pareto/1", 1)
    assert told["fronts"][0]["rows"][0]["latency_seconds"] == "0.0005"
    assert told["y"] == {"column": "accuracy", "sense": "max"}


SEEDS = """\
heuristic,seed,note,fits,accuracy,latency_seconds
l1,0,x,true,0.90,0.001
l1,1,y,,0.94,
l2,0,z,true,0.93,0.001
l2,1,z,false,0.93,0.003
"""


def test_rows_that_are_alike_in_some_columns_are_taken_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "seeds.csv"
    path.write_text(SEEDS)
    found = read(path).grouped(["heuristic"])
    assert found.lines == (2, 4)
    assert [dict(row) for row in found.rows] == [
        {"heuristic": "l1", "seed": "0.5", "note": "", "fits": "true", "accuracy": "0.92", "latency_seconds": "0.001"},
        {"heuristic": "l2", "seed": "0.5", "note": "z", "fits": "", "accuracy": "0.93", "latency_seconds": "0.002"},
    ]
    assert names_of(capsys, str(path)) == ["l2"]  # the luckier seed of two
    assert names_of(capsys, str(path), "--group", "heuristic") == ["l1", "l2"]
    code, _, told = ran(capsys, str(path), "--group", "heuristic,name")
    assert (code, "no column 'name'; there are: heuristic, seed" in told) == (2, True)


def names_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    _, out, _ = ran(capsys, *arguments, "--json")
    return [row["heuristic"] for row in json.loads(out)["fronts"][0]["rows"]]


@pytest.mark.parametrize(
    ("text", "told"), [("a<=1000001", "a<=1000001"), ("a_bytes<256Ki", "a_bytes<262144"), ("a>=95%", "a>=0.95")]
)
def test_conditions_are_told_to_the_last_digit(text: str, told: str) -> None:
    assert str(parsed([text])[0]) == told


def test_the_page_is_one_file_and_says_nothing_that_a_browser_would_run(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    from experiments.pareto.page import figure, page

    path = tmp_path / "results.csv"
    path.write_text(TABLE.replace("a,int8", "<script>x</script>,int8"))
    question = Question(Axis("latency_seconds", "min"), Axis("accuracy", "max"), parsed(["flash_bytes<=1Mi"]))
    found = answered(question, read(path))
    text = page(found)
    assert "<script>x" not in text
    assert "flash_bytes&lt;=1048576" in text
    drawn = figure(found)
    assert [trace.name for trace in drawn.data] == ["front: breaks a condition", "front: beaten", "front"]
    assert list(drawn.data[2].x) == [0.0005]


def test_bad_input_is_a_sentence_and_leaves_no_page(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    code, out, err = ran(capsys, str(path), "--x", "nothing", "--html", str(page))
    assert (code, out) == (2, "")
    assert err.startswith("mcusim: ")
    assert not page.exists()
