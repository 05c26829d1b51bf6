"""``mcusim calibrate`` in a process that sends itself a signal once its log has so many lines.

    python -m tests.calibration.interrupted SIGNAL LINES [OPTION...]

A watcher outside may come too late: a simulated session lasts a second.
"""

from __future__ import annotations

import os
import signal
import sys

from calibration.calibrate_command import calibrate_command
from calibration.session import Event, Session
from mcusim.cli import app

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts in the background ignore it
number, lines = int(sys.argv[1]), int(sys.argv[2])
append = Session.append


def append_and_die(session: Session, event: Event) -> None:
    append(session, event)
    if len(session.events) + 1 == lines:  # the first line is the subject's
        os.kill(os.getpid(), number)


Session.append = append_and_die  # type: ignore[method-assign]
sys.exit(app.run(sys.argv[3:], app.single(calibrate_command)))
