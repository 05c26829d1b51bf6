"""Ctrl-C during a run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

Frame = FrameType | None


class CtrlC:
    """For the time of a ``with``, SIGINT only calls ``wake``; ``heed`` then does what it would have done at once.

    Python calls the handler of a signal at the first instruction of whatever it runs next. Where the signal came while native
    code ran, that is a function which native code calls, and what the handler raises there is lost: nobody above could catch
    it. A second SIGINT does not wait. Where SIGINT is ignored, and in a thread that gets no signals, nothing changes.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.before = signal.getsignal(signal.SIGINT)
        self.noted = False
        self.taken = callable(self.before) and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> CtrlC:
        if self.taken:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.taken:
            signal.signal(signal.SIGINT, self.before)
        if kind is None:
            self.heed()

    def heed(self) -> None:
        """Call the handler from before if a SIGINT was noted; Python's own raises KeyboardInterrupt."""
        if self.noted:
            self.noted = False
            self._call(None)

    def _note(self, number: int, frame: Frame) -> None:
        if self.noted:
            self._call(frame)
        self.noted = True
        self.wake()

    def _call(self, frame: Frame) -> None:
        assert callable(self.before)
        self.before(signal.SIGINT, frame)
