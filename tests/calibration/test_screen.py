"""Progress of a campaign: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.calibration.calibrating import COMMAND, ENVIRONMENT, run


def test_a_terminal_sees_a_bar_that_goes_away(tmp_path: Path) -> None:
    host, terminal = pty.openpty()
    command = [*COMMAND, "--board", "m0", "--via", "sim", "--seed", "3", "--budget", "12"]
    environment = {**ENVIRONMENT, "TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    seen = b""
    try:
        while piece := os.read(host, 65536):
            seen += piece
    except OSError:  # the terminal is closed
        pass
    assert process.stdout is not None and b"settled by 12 measurements" in process.stdout.read()
    process.stdout.close()
    assert process.wait() in (0, 1)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode("utf-8", "replace"))  # without colours
    assert "settled, 12 measurements of 11 bodies" in text and ", next " in text and "━" in text
    assert "my-board.toml: " in text.rstrip().splitlines()[-1]


def test_a_file_gets_lines(tmp_path: Path) -> None:
    _, _, errors = run(tmp_path, "--via", "sim", "--seed", "3", "--budget", "12")
    assert "12 measurements of 11 bodies, 0 of 30 settled\n" in errors and "\x1b" not in errors
