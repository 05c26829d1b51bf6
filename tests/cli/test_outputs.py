"""What a command would write is looked at before it runs: nothing that is read is lost, and no two files are one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from mcusim.cli.outputs import check_outputs
from mcusim.report import ReportError


def test_files_that_can_be_written_leave_no_trace(tmp_path: Path) -> None:
    check_outputs({"--json": tmp_path / "a.json", "--html": tmp_path / "a.html", "--trace": None}, {"a model": ["net.tflite"]})
    assert not list(tmp_path.iterdir())


def test_stdout_is_for_json_alone() -> None:
    check_outputs({"--json": "-"}, {})
    with pytest.raises(typer.BadParameter, match="--html -: only --json goes to stdout"):
        check_outputs({"--html": "-"}, {})


@pytest.mark.parametrize("way", ["path", "link", "hard link"])
def test_what_is_read_is_not_written_over_by_whatever_name(tmp_path: Path, way: str) -> None:
    model, other = tmp_path / "net.tflite", tmp_path / "other"
    model.write_bytes(b"weights")
    if way != "path":
        (os.symlink if way == "link" else os.link)(model, other)
    with pytest.raises(typer.BadParameter, match=r"--json .* would overwrite a model"):
        check_outputs({"--json": model if way == "path" else other}, {"a model": ["else.tflite", model]})
    assert model.read_bytes() == b"weights"


def test_two_options_need_two_files(tmp_path: Path) -> None:
    twice = {"--json": tmp_path / "a", "--html": f"{tmp_path}/./a"}
    with pytest.raises(typer.BadParameter, match=r"--json and --html would both write .*; allowed: a file each"):
        check_outputs(twice, {})


def test_what_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="there is no folder"):
        check_outputs({"--json": tmp_path / "none" / "a.json"}, {})
