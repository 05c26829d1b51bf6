"""Progress of a campaign on stderr: a bar on a terminal, elsewhere a line whenever the fit was looked at."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from calibration.campaign import Campaign


class Screen(Protocol):
    """What hears of a campaign."""

    def tell(self, text: str) -> None:
        """A line that stays."""

    def show(self, campaign: Campaign) -> None:
        """Where a campaign stands."""

    def finish(self) -> None:
        """Leave nothing behind but lines."""


def screen_of_stderr() -> Screen:
    """The screen that suits."""
    return Bar() if sys.stderr.isatty() else Lines()


def _standing(campaign: Campaign) -> tuple[int, int, str]:
    """Targets that are settled, all of them, and what was measured, in words."""
    text = f"{len(campaign.rows)} measurements of {campaign.bodies_measured} bodies"
    return campaign.state.settled, len(campaign.state.doubts), text


class Lines:
    """Lines of text."""

    def __init__(self) -> None:
        self._told = -1

    def tell(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def show(self, campaign: Campaign) -> None:
        if not campaign.queue and len(campaign.rows) != self._told:
            self._told = len(campaign.rows)
            settled, targets, text = _standing(campaign)
            self.tell(f"{text}, {settled} of {targets} settled")

    def finish(self) -> None:
        """Nothing is to be done."""


class Bar:
    """A bar of what is settled, with what was measured and the body that is measured next."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("settled, {task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("firmware is built", total=None)
        self._progress.start()

    def tell(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, campaign: Campaign) -> None:
        settled, targets, text = _standing(campaign)
        following = f", next {campaign.queue[0]}" if campaign.queue else ""
        told = f"{text}{following}"
        self._progress.update(self._task, completed=settled, total=targets, description=told, refresh=True)

    def finish(self) -> None:
        self._progress.stop()
