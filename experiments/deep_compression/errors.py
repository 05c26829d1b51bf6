"""Errors of the study."""

from __future__ import annotations

from mcusim.errors import McusimError


class StudyError(McusimError):
    """Data, a network or a question of the study that is not as it must be; names what was met and what is allowed."""
