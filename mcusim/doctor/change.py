"""A change that the doctor considers."""

from __future__ import annotations

from dataclasses import dataclass

from mcusim.machine.what_if import WhatIf


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is worth pricing: what is found, what to do, and the assumption that stands for it."""

    kind: str
    what: str
    advice: str
    what_if: WhatIf
    where: tuple[str, ...] = ()
