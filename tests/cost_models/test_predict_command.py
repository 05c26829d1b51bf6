"""``mcusim predict``: what it tells, what it adds up, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cost_models import progress
from cost_models.explain import explain
from cost_models.predict_command import predict_command
from cost_models.progress import ERASE, Progress
from cost_models.sampling import sample
from mcusim import network as networks
from tests.cost_models.shipping import BOARDS, Command, Outcome, fitted, ran, ship


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command; files are called after the numbers of samples."""
    ship(tmp_path, monkeypatch)
    load = networks.load
    monkeypatch.setattr(networks, "load", lambda path: sample(3, int(path)) if path.isdigit() else load(path))

    def call(*arguments: str) -> Outcome:
        return ran(predict_command, capsys, *arguments)

    return call


def test_each_network_has_a_row_for_each_board(predict: Command) -> None:
    outcome = predict("0", "3")
    assert (outcome.code, outcome.err) == (0, "")
    rows = [line.split()[:4] for line in outcome.out.splitlines()[2:8]]
    names = [sample(3, number).name for number in (0, 3)]
    assert rows == [[name, board, "yes", "yes"] for name in names for board in BOARDS]
    assert "in brackets: 90% intervals" in outcome.out


def test_the_legend_says_when_a_fit_is_not_sure_and_of_which_kernels_figures_are(predict: Command) -> None:
    out = " ".join(predict("0").out.split())
    assert "maybe where an interval ends beyond, or where no RAM of the board holds the arena as it is" in out
    assert "those of dense kernels ('--sparse never')" in out


def test_json_has_every_figure_with_its_interval(predict: Command) -> None:
    found = json.loads(predict("0", "--boards", "m7", "--share", "0.5", "--json").out)
    (answer,) = found["answers"]
    assert (found["schema"], found["model"], found["share"]) == ("mcusim.predict/1", "linear", 0.5)
    told = fitted("m7").predict(sample(3, 0)).latency_seconds
    assert answer["latency_seconds"]["value"] == pytest.approx(told.values[0], rel=1e-4)
    assert answer["latency_seconds"]["low"] == pytest.approx(told.interval(0.5)[0][0], rel=1e-4)
    assert answer["energy_joules"]["value"] > 0
    assert (answer["fits"], answer["in_domain"], answer["room"]["flash_bytes"]) == ("yes", True, 4 << 20)


def test_terms_add_up_to_the_cycles() -> None:
    model, network = fitted("m4"), sample(3, 0)
    terms, state = explain(model, network), model.learnt
    cycles = model.predict(network).latency_seconds.values[0] * state.clock_hertz
    assert sum(term.cycles for term in terms) == pytest.approx(cycles)
    assert {term.name for term in terms} <= {layer.name for layer in network.layers}


def test_an_explanation_names_layers_kinds_and_terms(predict: Command) -> None:
    out = predict("0", "--boards", "m4", "--explain").out
    assert f"{sample(3, 0).name} on m4: " in out
    explained = json.loads(predict("0", "--boards", "m4", "--explain", "--json").out)["answers"][0]["explained"]
    most = max(explained, key=lambda each: each["cycles"])
    assert f"{most['name']} ({most['kind']})" in out
    assert f"{most['term']} " in out
    assert most["cycles"] == pytest.approx(most["count"] * most["cycles_each"])


def test_another_clock_scales_an_ideal_core(predict: Command) -> None:
    slow, fast = (
        json.loads(predict("0", "--boards", "m4", "--json", *more).out)["answers"][0]["latency_seconds"]["value"]
        for more in ((), ("--clock", "4e6"))
    )
    assert slow == pytest.approx(4 * fast)


def test_what_is_wrong_with_a_file_is_a_sentence_and_the_others_are_answered(predict: Command) -> None:
    outcome = predict("0", "nothing.tflite", "net.xyz", "--boards", "m4")
    assert outcome.code == 2
    assert sample(3, 0).name in outcome.out
    assert outcome.err.splitlines() == [
        "mcusim: nothing.tflite: cannot be read: No such file or directory",
        "mcusim: net.xyz: no importer for .xyz; there are importers for .onnx, .tflite",
    ]


@pytest.mark.parametrize("told", ["", "models/", "/there/models/"])
@pytest.mark.parametrize("mark", [": damaged", ", node 12 (ZEROS_LIKE), which writes 'x': not supported"])
def test_a_file_that_is_refused_is_named_once(
    predict: Command, monkeypatch: pytest.MonkeyPatch, told: str, mark: str
) -> None:
    def refuse(path: str) -> None:
        raise networks.NetworkError(f"unsup.tflite{mark}")

    monkeypatch.setattr(networks, "load", refuse)
    outcome = predict(f"{told}unsup.tflite", "--board", "m4")
    assert (outcome.code, outcome.err) == (2, f"mcusim: {told}unsup.tflite: {mark[2:]}\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--board", "m7", "--board", "m4"),
        ("--boards", "m7,m4"),
        ("--boards", "m7, m4,"),
        ("--board", "m7,", "--boards", "m4", "--board", "m7"),
    ],
)
def test_boards_are_asked_for_one_by_one_or_with_commas_between(predict: Command, options: tuple[str, ...]) -> None:
    found = json.loads(predict("0", "--json", *options).out)
    assert [answer["board"] for answer in found["answers"]] == ["m7", "m4"]


def test_all_boards_can_be_asked_for_by_that_word(predict: Command) -> None:
    assert predict("0", "--board", "all").out == predict("0").out


def test_help_says_that_json_goes_to_standard_output(predict: Command) -> None:
    assert "takes no file" in " ".join(predict("--help").out.split())


def test_a_layer_that_no_model_knows_is_named_with_its_file(predict: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from mcusim.network.operators import Function, Unary
    from tests.deploy.networks import Sketch

    draw = Sketch(x=(1, 8, 8, 4))
    draw.layer(Unary(Function.RELU_N1_TO_1), ("x",), "y", (1, 8, 8, 4))
    monkeypatch.setattr(networks, "load", lambda path: draw.network("y"))
    outcome = predict("odd.onnx", "--boards", "m4")
    assert outcome.code == 2
    assert outcome.err.startswith("mcusim: odd.onnx on m4: sketch, layer make_y (Unary relu_n1_to_1): of a kind")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--share", "0.3"), "an interval of 0.3; allowed: 0.5, 0.8"),
        (("--boards", "toaster"), "no linear model of board 'toaster' is shipped; there are those of: m4"),
        (("--boards", ","), "--board ',' names no board; allowed: all, NAME, NAME,NAME"),
        (("--model", "oracle"), "no oracle models are there; there are: linear, simulate"),
        (("--model", "trees"), "no trees models are there; 'mcusim models train' makes them; there are: linear, simulate"),
        (("--explain",), "--explain for 3 boards; allowed: one"),
        (("--clock", "1e9", "--boards", "nucleo-f746zg"), "a clock of 1000000000 Hz; allowed on nucleo-f746zg"),
        (("--clock", "1e9", "--model", "simulate"), "--clock with --model simulate; allowed: the linear one"),
        (("--clock", "fast"), "'fast' is no clock"),
        (("--weights", "ram", "--model", "analytic"), "--weights and --kernels with --model analytic; allowed: the linear one"),
        (("--weights", "ram", "--clock", "1e6"), "--clock with --weights or --kernels; allowed: one question at a time"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_asked_is_refused(predict: Command, arguments: tuple[str, ...], text: str) -> None:
    outcome = predict("0", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert text in outcome.err


def test_a_memory_that_a_board_has_not_is_refused(predict: Command) -> None:
    outcome = predict("0", "--weights", "drawer", "--boards", "nucleo-f746zg")
    assert (outcome.code, outcome.out) == (4, "")
    assert "board nucleo-f746zg has no memory 'drawer' to put things in; it has: ram" in outcome.err


def test_progress_is_shown_after_a_while_and_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown, hidden = Terminal(), io.StringIO()
    for stream in (shown, hidden):
        now[0] = 0.0
        told = Progress(3, "networks", stream=stream)
        told.step("a")
        now[0] = 2.5
        told.step("b")
        told.end()
    assert shown.getvalue() == f"{ERASE}2 of 3 networks: b{ERASE}"
    assert hidden.getvalue() == ""
