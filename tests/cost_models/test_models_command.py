"""``mcusim models``: trained in order, with errors of what was not seen; listed, evaluated and described."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cost_models import CostModelError, Linear, dataset, shipped, training
from cost_models.accuracy import errors_of
from cost_models.estimates import Estimate
from cost_models.evaluate import held
from cost_models.files import read_training
from cost_models.models_command import app, train_models
from cost_models.store import opened
from cost_models.student import reach
from cost_models.training import Trainer, gathered
from tests.cost_models.shipping import Command, ran
from tests.cost_models.test_dataset import faked

BOARDS = ("m7", "nucleo-f746zg", "nucleo-h743zi")


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A dataset of made-up costs."""
    path = tmp_path_factory.mktemp("data") / "costs.sqlite"
    with pytest.MonkeyPatch.context() as patch, opened(path) as store:
        patch.setattr(dataset, "answered", faked)
        dataset.make(store, BOARDS, 3, 42)
    yield path


@pytest.fixture(scope="module")
def trainer(costs: Path) -> Trainer:
    return Trainer(gathered([costs]))


@pytest.fixture(scope="module")
def trained(costs: Path, trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models of it."""
    folder = tmp_path_factory.mktemp("models") / "new"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "DATA", folder)
        patch.setattr(training, "Trainer", lambda data: trainer)
        train_models([costs], ["m7", "nucleo-f746zg"], quiet=True)
    return folder


@pytest.fixture
def models(trained: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, where those models are shipped, and what was fitted once is not fitted again."""
    monkeypatch.setattr(shipped, "DATA", trained)
    monkeypatch.setattr(training, "Trainer", lambda data: trainer)
    return lambda *arguments: ran(app, capsys, *arguments)


def test_ideal_cores_come_first_and_are_what_other_boards_build_on(trainer: Trainer) -> None:
    assert tuple(trainer.data) == BOARDS
    core, board = trainer.fitted("m7", "linear"), trainer.fitted("nucleo-f746zg", "linear")
    assert isinstance(core, Linear) and isinstance(board, Linear)
    assert core.prior is None
    assert board.prior is core


def test_what_is_held_out_is_not_seen_on_the_ideal_core_either(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    unseen = frozenset(held(trainer.data["nucleo-f746zg"]).layers.names)
    seen: list[str] = []
    fit = Linear.fit
    monkeypatch.setattr(Linear, "fit", lambda model, layers, costs: seen.extend(layers.names) or fit(model, layers, costs))
    Trainer(trainer.data).fitted("nucleo-f746zg", "linear", unseen)
    assert len(seen) == 2 * (len(set(trainer.data["m7"].layers.names)) - len(unseen))
    assert not unseen & set(seen)


def test_a_file_says_what_was_learnt_from_and_how_far_off_it_is(trained: Path, trainer: Trainer) -> None:
    examples = trainer.data["nucleo-f746zg"]
    found = read_training(trained / "nucleo-f746zg.linear.json")
    assert (found.digest, found.networks, found.layers) == (examples.digest, len(examples.layers), len(examples.layers.table))
    assert sum(found.families.values()) == found.networks
    accuracy = found.accuracy
    assert set(accuracy.held_out) == {"latency"}
    assert set(accuracy.by_family) == set(accuracy.without_family) == set(found.families)
    assert accuracy.held_out["latency"].median < 0.05
    assert accuracy.held_out["latency"].kendall_tau > 0.9
    assert len(accuracy.points.met) == len(accuracy.points.told) == accuracy.held_out["latency"].networks


def test_models_are_listed_with_their_errors(models: Command) -> None:
    lines = models().out.splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [[b, m] for b in ("m7", "nucleo-f746zg") for m in ("analytic", "linear")]
    found = json.loads(models("--json").out)
    assert json.loads(models("list", "--json").out) == found
    assert [each["board"] for each in found] == ["m7", "m7", "nucleo-f746zg", "nucleo-f746zg"]
    assert found[1]["training"]["accuracy"]["held_out"]["latency"]["coverage"]["0.9"] > 0.5
    assert found[1]["bytes"] > 1000


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_listed(
    models: Command, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "DATA", shutil.copytree(trained, tmp_path / "models"))
    (tmp_path / "models" / "m33.linear.json").write_text('{"schema": "cost_models.model/1"}')
    outcome = models()
    assert outcome.code == 2
    assert "m33.linear.json: cost_models.model/1; allowed: " in outcome.err
    assert "nucleo-f746zg" in outcome.out


def test_evaluation_holds_out_networks_families_and_boards(models: Command, costs: Path) -> None:
    out = models("evaluate", str(costs), "--board", "nucleo-f746zg").out
    titles = ("networks held out", "the same, by family", "families left out", "boards left out of the training, told by ten")
    found = [line for line in out.splitlines() if line.startswith(titles)]
    assert [line.startswith(title) for line, title in zip(found, titles, strict=True)] == [True] * 4


def test_an_evaluation_as_json_has_every_model_and_every_board_left_out(models: Command, costs: Path) -> None:
    found = json.loads(models("evaluate", str(costs), "--board", "nucleo-f746zg", "--json").out)
    assert [(each["board"], each["model"]) for each in found["models"]] == [
        ("nucleo-f746zg", "analytic"), ("nucleo-f746zg", "linear"),
    ]  # fmt: skip
    assert found["without_board"]["nucleo-f746zg"]["latency"]["median"] < 0.05


def test_a_card_says_what_a_model_is(models: Command) -> None:
    out = models("card", "nucleo-f746zg").out
    for text in ("linear: For each way through the kernels", "networks, ", "kinds of layers: ", "networks held out", "limits"):
        assert text in out


def test_a_page_has_the_plots_and_the_tables(models: Command, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    models("card", "m7", "--html", str(tmp_path / "card.html"))
    page = (tmp_path / "card.html").read_text()
    for text in ("latency of networks held out", "median error by family", "<h2>families left out of the training</h2>"):
        assert text in page


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("card", "toaster"), "no linear model of board 'toaster' is shipped; there are those of: m7, nucleo-f746zg"),
        (("card", "m7", "--model", "simulate"), "no model 'simulate' is kept in a file; there are: analytic, linear"),
        (("train", "nothing.sqlite"), "nothing.sqlite: no such dataset"),
        (("card", "m7", "--html", "/nowhere/card.html"), "cannot be written: there is no folder /nowhere"),
    ],
)
def test_what_is_not_there_is_a_sentence(models: Command, arguments: tuple[str, ...], text: str) -> None:
    outcome = models(*arguments)
    assert outcome.code in (2, 7)
    assert text in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_an_empty_file_is_no_dataset_and_stays_empty(models: Command, tmp_path: Path, command: str) -> None:
    (tmp_path / "empty.sqlite").touch()
    outcome = models(command, str(tmp_path / "empty.sqlite"))
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"mcusim: {tmp_path}/empty.sqlite: no dataset: the file is empty\n"
    assert (tmp_path / "empty.sqlite").read_bytes() == b""


def test_a_dataset_without_networks_trains_nothing(models: Command, tmp_path: Path) -> None:
    with opened(tmp_path / "new.sqlite"):
        pass
    outcome = models("train", str(tmp_path / "new.sqlite"), "--output", str(tmp_path / "models"))
    assert (outcome.code, outcome.out) == (2, "")
    assert "new.sqlite: no networks; 'mcusim dataset " in outcome.err
    assert not (tmp_path / "models").exists()


def test_a_board_that_is_asked_for_or_twice_there_is_told(models: Command, costs: Path) -> None:
    assert "no networks of m4 in" in models("train", str(costs), "--board", "m4").err
    assert "networks of m7, which an earlier dataset has too" in models("train", str(costs), str(costs)).err


def test_few_networks_of_one_family_are_no_reason_to_fail(trainer: Trainer) -> None:
    one = trainer.data["m7"]
    few = one.selected([place for place, family in enumerate(one.families) if family == "dense"][:6])
    _, told = Trainer({"m7": few}).trained("m7", "linear")
    assert told.accuracy.without_family == {}
    with pytest.raises(CostModelError, match="no such dataset"):
        gathered(["none.sqlite"])


def test_intervals_of_few_measurements_are_those_of_student() -> None:
    """Percentage points of the t distribution, as in any table of it."""
    table = {(0.9, 9): 1.833, (0.99, 2): 9.925, (0.95, 4): 2.776, (0.5, 1): 1.0, (0.99, 100): 2.626}
    for (share, freedom), wanted in table.items():
        assert reach(share, freedom) == pytest.approx(wanted, rel=1e-3)


def test_errors_count_what_lies_within_and_what_intervals_hold() -> None:
    met = np.array([100.0, 100.0, 100.0, 100.0])
    found = errors_of(Estimate(np.array([101.0, 107.0, 80.0, 100.0]), np.full(4, 5.0)), met)
    assert (found.networks, found.within_5_percent, found.within_10_percent) == (4, 0.5, 0.75)
    assert found.largest == pytest.approx(0.2)
    assert found.coverage == {0.5: 0.5, 0.8: 0.5, 0.9: 0.75, 0.95: 0.75, 0.99: 0.75}
