"""The programs of docs/cost_models.md run."""

from __future__ import annotations

import re

from pytest import CaptureFixture

from tests.support.firmware import REPOSITORY

PAGE = (REPOSITORY / "docs" / "cost_models.md").read_text()


def test_the_examples_of_the_page_run(capsys: CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/cost_models.md", "exec"), names)
    assert "('ds_cnn_1_1', 'wider') True" in capsys.readouterr().out
