"""The programs of docs/cost_models.md run."""

from __future__ import annotations

import re
import shlex

import typer
from pytest import CaptureFixture

from cost_models.dataset_command import dataset_command
from mcusim.cli import app
from tests.support.firmware import REPOSITORY

PAGE = (REPOSITORY / "docs" / "cost_models.md").read_text()


def test_the_examples_of_the_page_run(capsys: CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/cost_models.md", "exec"), names)
    assert "('ds_cnn_1_1', 'wider') True" in capsys.readouterr().out


def test_the_commands_of_the_page_have_the_options_that_it_says() -> None:
    lines = re.findall(r"^mcusim dataset (.*)$", PAGE, re.MULTILINE)
    assert len(lines) == 3
    command = typer.main.get_command(app.single(dataset_command))
    for line in lines:
        assert command.make_context("dataset", shlex.split(line)).params["output"] == "costs.sqlite"
