"""Fixtures of the program tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcusim import program
from mcusim.errors import ProgramError
from mcusim.program import Program

LoadBytes = Callable[..., Program]


@pytest.fixture
def load_bytes(tmp_path: Path) -> LoadBytes:
    """Loads bytes as if they were a file: ``load_bytes(image, load_address=...)``."""

    def load(image: bytes, **options: Any) -> Program:
        path = tmp_path / "image"
        path.write_bytes(image)
        return program.load(path, **options)

    return load


@pytest.fixture
def refusal(load_bytes: LoadBytes) -> Callable[..., str]:
    """The message of the ProgramError that loading these bytes raises."""

    def message(image: bytes, **options: Any) -> str:
        with pytest.raises(ProgramError) as caught:
            load_bytes(image, **options)
        return str(caught.value)

    return message
