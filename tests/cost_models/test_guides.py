"""The programs of docs/guides run, in small."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from cost_models import Estimates, decisions
from cost_models.exact import ExactSizes
from cost_models.model import WIDEN, Networks
from tests.cost_models.shipping import fitted, ship
from tests.support.firmware import REPOSITORY

GUIDES = REPOSITORY / "docs" / "guides"

SMALL = {"CANDIDATES": 8, "TRIALS": 12, "ROUNDS": 1}
"""Last of the constants in the line that ends with them, and what they are here."""


def run(name: str) -> None:
    """The program of a page; its limit is one that costs made up for a core of 1 MHz can meet."""
    (program,) = re.findall(r"```python\n(.*?)```", (GUIDES / name).read_text(), re.DOTALL)
    for constant, value in SMALL.items():
        program = re.sub(rf"({constant} = .*), \d+\n", rf"\1, {value}\n", program)
    exec(compile(program.replace("<=10ms", "<=1s"), name, "exec"), {})


class Simulated:
    """In place of the simulator: what a model of made-up costs says."""

    def __init__(self, board: str) -> None:
        self.board = board

    def predict(self, networks: Networks, *, outside: str = WIDEN) -> Estimates:
        return fitted(self.board).predict(networks, outside=outside)


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of made-up costs; and nothing is built or simulated, which is another test's."""
    ship(tmp_path, monkeypatch)
    monkeypatch.setattr(decisions, "exact_sizes", lambda network, board: ExactSizes(20_000, 60_000, True))
    monkeypatch.setattr(decisions, "Simulate", Simulated)


def test_random_search_tells_how_many_simulations_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    run("random_search.md")
    out = capsys.readouterr().out
    assert re.search(r"\d of \d networks meet latency_seconds<=1s, ram_bytes<=64Ki\n", out)
    assert re.search(r"it took \d+ simulations and \d+ builds\n", out)


def test_optuna_finds_networks_within_the_limits(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("optuna", reason="Optuna is not installed (mcusim[optuna])")
    run("optuna.md")
    assert re.search(r"\d+ of 12 trials meet .*\n\{'width': \d+, .* below the limit\n", capsys.readouterr().out)


def test_botorch_finds_networks_within_the_limits(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("botorch", reason="BoTorch is not installed (mcusim[botorch])")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BoTorch's own
        run("botorch.md")
    assert re.search(r"\d+ of 7 points meet .*\n\[.*\]: settled by .* below the limit\n", capsys.readouterr().out)
