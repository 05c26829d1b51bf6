"""State: all that a sample and its figures depend on besides seed, number and board. Workers have to be in the client's."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

DIGITS = 16
"""Hexadecimal digits of digests in datasets and messages."""


@dataclass(frozen=True, slots=True)
class State:
    """Digests of sources and of a board as its file says it; ``compiler`` with its version."""

    simulator: str
    samples: str
    compiler: str
    board: str

    def differences(self, other: State) -> str:
        """What another state has otherwise, for people."""
        ours, theirs = asdict(self), asdict(other)
        return ", ".join(f"{name} {theirs[name]} instead of {ours[name]}" for name in ours if ours[name] != theirs[name])


@cache
def state_of(board: str) -> State:
    """The state of this process."""
    from kernels_c.toolchain import find_compiler
    from mcusim import boards

    compiler = find_compiler()
    return State(
        simulator_digest(), samples_digest(), f"{compiler.name} {compiler.version}", _digest(repr(boards.load(board)).encode())
    )


def simulator_digest() -> str:
    """Which state of the simulator and its kernels costs come from."""
    from mcusim.bench.answers import own_digest

    return own_digest()[:DIGITS]


def samples_digest() -> str:
    """Which state of this package samples and their tables come from."""
    return _digest(b"\0".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGITS]
