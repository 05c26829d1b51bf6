"""The core clock over time: cycles to seconds when the firmware changes its clock as it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Epoch:
    """From ``cycle`` on (``seconds`` after reset) the core runs at ``hertz``."""

    cycle: int
    seconds: Fraction
    hertz: int


def spans(epochs: Sequence[Epoch], cycles: int) -> list[tuple[int, int]]:
    """Clocks in hertz with the cycles spent at each, of a run of ``cycles``."""
    ends = [*(epoch.cycle for epoch in epochs[1:]), cycles]
    return [(epoch.hertz, end - epoch.cycle) for epoch, end in zip(epochs, ends, strict=True)]


class CoreClock:
    """Exact time as a list of epochs."""

    def __init__(self, hertz: int) -> None:
        self.epochs = [Epoch(0, Fraction(0), hertz)]

    @property
    def hertz(self) -> int:
        """Rate at present."""
        return self.epochs[-1].hertz

    def seconds(self, cycle: int) -> Fraction:
        """Time at ``cycle``."""
        epoch = next(epoch for epoch in reversed(self.epochs) if epoch.cycle <= cycle)
        return epoch.seconds + Fraction(cycle - epoch.cycle, epoch.hertz)

    def cycle_at(self, seconds: Fraction) -> int:
        """First cycle at or after ``seconds`` at the present rate."""
        epoch = self.epochs[-1]
        return epoch.cycle + -((epoch.seconds - seconds) * epoch.hertz // 1)

    def change(self, cycle: int, hertz: int) -> None:
        """Run at ``hertz`` from ``cycle`` on."""
        if hertz != self.hertz:
            self.epochs.append(Epoch(cycle, self.seconds(cycle), hertz))
