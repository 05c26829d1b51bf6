"""mcusim deploy: a folder that builds without mcusim."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mcusim.network
from mcusim import boards
from mcusim.cli.app import run as mcusim_command
from mcusim.deploy import project
from mcusim.deploy.build import BuildOptions
from mcusim.deploy.placement import Placement
from mcusim.deploy.project import ProjectError, write_project
from mcusim.report import ReportError
from tests.deploy.test_target_agrees import small
from tests.support.firmware import compiler

needs_make = pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("arm-none-eabi-gcc") is None, reason="needs make and arm-none-eabi-gcc"
)


def clean_environment() -> dict[str, str]:
    """Without Python's paths: nothing of mcusim can be found."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


@needs_make
def test_a_project_builds_with_plain_make_and_runs(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_project(small(), boards.load("m4"), folder)
    made = subprocess.run(["make", "-j2", "-C", folder], env=clean_environment(), capture_output=True, text=True, check=True)
    assert "warning" not in made.stderr
    report = mcusim.run(folder / "build" / "small.elf", board="m4")
    assert report.exit.code == 0
    assert "#output 0 out int8 240" in report.serial


@needs_make
def test_a_project_with_weights_in_ram_builds_without_a_warning(tmp_path: Path) -> None:
    write_project(small(), boards.load("m4"), tmp_path / "project", BuildOptions(placement=Placement("ram")))
    command = ["make", "-C", tmp_path / "project"]
    made = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    assert "arning" not in made.stderr
    assert mcusim.run(tmp_path / "project" / "build" / "small.elf", board="m4").exit.code == 0


@needs_make
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_a_project_builds_with_cmake(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_project(small(), boards.load("m0plus"), folder)
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"]):
        subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, check=True)
    assert mcusim.run(folder / "build" / "small.elf", board="m0plus").exit.code == 0


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ProjectError, match="no project of mcusim"):
        write_project(small(), boards.load("m4"), tmp_path)
    with pytest.raises(ProjectError, match="is a file"):
        write_project(small(), boards.load("m4"), tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("folder", ["/sys/fw", "/proc/fw", "/proc/a/b"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_planned(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def planned(*arguments: object) -> None:
        raise AssertionError("planned")

    monkeypatch.setattr(project, "sources_of", planned)
    monkeypatch.setattr(mcusim.network, "load", lambda model: small())
    assert mcusim_command(["deploy", "model.tflite", "--core", "m4", "-o", folder]) == 7
    first = "/proc/a" if folder == "/proc/a/b" else folder
    assert f"mcusim: {first}: cannot be written: " in capsys.readouterr().err


def test_what_cannot_be_written_later_ends_in_one_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project.shutil, "copyfile", full)
    with pytest.raises(ReportError, match="kernels: cannot be written: No space left on device"):
        write_project(small(), boards.load("m4"), tmp_path / "project")
    (tmp_path / "project" / "network" / "network.c").unlink()
    (tmp_path / "project" / "network" / "network.c").mkdir()
    with pytest.raises(ReportError, match=r"network\.c: cannot be written: Is a directory"):
        write_project(small(), boards.load("m4"), tmp_path / "project")


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    write_project(small(), boards.load("m4"), tmp_path / "a" / "b" / "project")
    assert (tmp_path / "a" / "b" / "project" / "Makefile").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize(("terminal", "options"), [(True, []), (True, ["--quiet"]), (False, [])])
def test_what_goes_on_is_told_on_a_terminal_only(
    terminal: bool, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setattr(mcusim.network, "load", lambda model: small())
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    assert mcusim_command(["deploy", "some.tflite", "--core", "m4", "-o", str(tmp_path / "project"), *options]) == 0
    told = sys.stderr.getvalue()  # type: ignore[attr-defined]
    if terminal and not options:
        assert "some.tflite for m4: planning memory" in told
    else:
        assert told == ""


def test_a_project_is_replaced_by_the_next_one(tmp_path: Path) -> None:
    for _ in range(2):
        write_project(small(), boards.load("m4"), tmp_path / "project")
    assert compiler("").name == "gcc" or (tmp_path / "project" / "libc" / "string.h").is_file()


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(b"")
    assert mcusim_command(["deploy", str(model), "--core", "m4", "-o", str(tmp_path / "out")]) == 2
    assert "no importer for .bin" in capsys.readouterr().err
    assert mcusim_command(["deploy", str(model), "-o", str(tmp_path / "out")]) == 2
    assert "neither --board nor --core" in capsys.readouterr().err
