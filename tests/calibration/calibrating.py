"""``mcusim calibrate`` as its user calls it, and simulated boards for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from calibration.microbenchmarks.firmware import Microbenchmarks, microbenchmarks_of
from mcusim import boards
from tests.support.firmware import REPOSITORY

SEED = 3
COMMAND = [sys.executable, "-m", "calibration.calibrate_command"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def start(folder: Path, *options: str, command: Sequence[str] = COMMAND) -> subprocess.Popen[str]:
    """The command in ``folder``, running."""
    whole = [*command, "--board", "m0", "-o", "my-board.toml", *options]
    return subprocess.Popen(
        whole, cwd=folder, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip


def run(folder: Path, *options: str) -> tuple[int, str, str]:
    """Exit code of the command, and what it printed."""
    process = start(folder, *options)
    output, errors = process.communicate(timeout=300)
    assert "Traceback" not in errors
    return process.returncode, output, errors


def log_of(folder: Path) -> Path:
    return folder / "calibrate-m0" / "measurements.jsonl"


def interrupt(folder: Path, signal: int, lines: int, *options: str) -> tuple[int, str]:
    """Exit code and messages of the command, which gets the signal once its log has so many lines."""
    command = [sys.executable, "-m", "tests.calibration.interrupted", str(int(signal)), str(lines)]
    process = start(folder, *options, command=command)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


@lru_cache
def commanded(board: str, rounds: int = 5) -> tuple[Microbenchmarks, Path]:
    """Commanded microbenchmarks of a board, and their ELF."""
    made = microbenchmarks_of(boards.load(board), rounds=rounds, energy_seconds=0, commanded=True)
    return made, made.build(Path(mkdtemp()))


def commanded_elf(board: str = "m0", rounds: int = 5) -> Path:
    return commanded(board, rounds)[1]


@contextlib.contextmanager
def simulated_board(elf: Path, options: Sequence[str] = ()) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The serial port of a simulated board, and its process."""
    command = [sys.executable, "-m", "calibration.simulated_board", "--board", "m0", "--elf", str(elf), "--seed", str(SEED)]
    process = subprocess.Popen([*command, *options], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
