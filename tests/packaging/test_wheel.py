"""The wheel outside the repository: what `pip install mcusim` gives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.firmware import REPOSITORY

pytestmark = pytest.mark.slow

SHIPPED = ["mcusim", "kernels_c", "calibration", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since setuptools leaves its own build folder beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SHIPPED:
        origin = REPOSITORY / name
        copy = shutil.copytree if origin.is_dir() else shutil.copy
        copy(origin, folder / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    subprocess.run([*command, "--wheel-dir", "dist"], cwd=folder, check=True)
    return next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; the packages that it needs are lent by the one that runs the tests."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(command, check=True)
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(elsewhere: Path, *command: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [str(elsewhere / "venv" / "bin" / command[0]), *command[1:]],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_data_file_and_no_test(wheel: Path) -> None:
    names = names_of(wheel)
    data = [*(REPOSITORY / "mcusim" / "boards" / "data").rglob("*"), *(REPOSITORY / "mcusim" / "report").glob("*.json")]
    c_files = [path for path in (REPOSITORY / "kernels_c").rglob("*") if path.suffix in (".c", ".h", ".in")]
    missing = {str(path.relative_to(REPOSITORY)) for path in [*data, *c_files] if path.is_file()} - names
    assert not missing
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "build"))]


def test_python_modules_of_the_wheel_are_those_of_the_repository(wheel: Path) -> None:
    modules = {
        str(path.relative_to(REPOSITORY)) for package in SHIPPED[:3] for path in (REPOSITORY / package).rglob("*.py")
    }
    assert {name for name in names_of(wheel) if name.endswith(".py")} == modules


COMMANDS = [("calibrate", "--budget"), ("measure", "--bridge-gaps"), ("verify", "--tolerance")]


@pytest.mark.parametrize(("command", "option"), COMMANDS)
def test_commands_of_calibration_are_commands_of_mcusim(elsewhere: Path, command: str, option: str) -> None:
    assert option in run(elsewhere, "mcusim", command, "--help")


def test_mcusim_runs_a_program_outside_the_repository(elsewhere: Path) -> None:
    place = run(elsewhere, "python", "-c", "import mcusim; print(mcusim.__file__)")
    assert Path(place.strip()).is_relative_to(elsewhere)
    run(elsewhere, "python", "-m", "kernels_c.build", "demo", "--core", "m7", "--output", "demo.elf")
    run(elsewhere, "mcusim", "run", "demo.elf", "--core", "m7", "--json", "report.json")
    report = json.loads((elsewhere / "report.json").read_text())
    assert report["schema"] == "mcusim.run/1"
    assert report["exit"] == {"reason": "exit", "code": 0} | report["exit"]
    assert "as recomputed" in report["serial"]


def test_mcusim_lists_its_boards_outside_the_repository(elsewhere: Path) -> None:
    printed = run(elsewhere, "mcusim", "boards")
    for path in (REPOSITORY / "mcusim" / "boards" / "data").glob("*.toml"):
        assert path.stem in printed
