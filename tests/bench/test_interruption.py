"""Ctrl-C while networks are simulated ends a bench at once: it is no answer, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import mcusim
from mcusim.bench import trial
from tests.deploy.test_target_agrees import small
from tests.support.firmware import REPOSITORY

WAIT_SECONDS = 0.05

POOL = """
import os, sys, tempfile, time
from mcusim.bench.asking import processes

def at_work(folder):
    with tempfile.TemporaryDirectory(dir=folder):
        os.write(1, b"at work\\n")
        time.sleep(60)

if __name__ == "__main__":
    try:
        with processes(2) as pool:
            for each in [pool.submit(at_work, sys.argv[1]) for _ in range(5)]:
                each.result()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""

IMPORT = """
import sys

class Stopped:
    def find_spec(self, name, path=None, target=None):
        if name == "mcusim.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Stopped())
from mcusim.cli import main
main()
"""


def test_a_run_that_was_stopped_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trial.run

    def stopped(*arguments: Any, **named: Any) -> Any:
        threading.Timer(WAIT_SECONDS, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        return whole(*arguments, **named)

    monkeypatch.setattr(trial, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        mcusim.bench(small(), "m4", check=4000, cache=False)


def test_processes_end_at_once_and_clean_up(tmp_path: Path) -> None:
    program, folder = tmp_path / "pool.py", tmp_path / "work"
    folder.mkdir()
    program.write_text(POOL)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    asked = [sys.executable, str(program), str(folder)]
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as ran:
        assert ran.stdout is not None
        assert [ran.stdout.readline() for _ in range(2)] == ["at work\n"] * 2
        began = time.monotonic()
        os.killpg(ran.pid, signal.SIGINT)
        told, errors = ran.communicate(timeout=50)
    assert time.monotonic() - began < 30
    assert (told.splitlines()[-1], errors, ran.returncode) == ("interrupted", "", 0)
    assert not any(folder.iterdir())


def test_whoever_stops_the_command_while_it_starts_sees_a_sentence() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "mcusim: interrupted\n")
