"""Warmth: when compiled code is worth loading, which takes seconds, and half a minute the first time on a machine."""

from __future__ import annotations

import sys


class Warmth:
    """Of a ``module`` that is compiled as it is imported.

    It pays for ``many`` at once, and after ``patience`` of them one by one, by when plain code has taken as long as loading
    would have (the bound of ski rental: never more than twice what was best).
    """

    def __init__(self, module: str, many: int, patience: int) -> None:
        self.module, self.many, self.patience = module, many, patience
        self.asked = 0

    def pays(self, count: int) -> bool:
        """Whether compiled code should answer ``count`` more."""
        self.asked += count
        return self.module in sys.modules or count >= self.many or self.asked > self.patience
