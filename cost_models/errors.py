"""Errors of cost models."""

from __future__ import annotations

from mcusim.errors import McusimError


class CostModelError(McusimError):
    """A model that there is not, or a question that a model cannot answer; names what was met and what is allowed."""
