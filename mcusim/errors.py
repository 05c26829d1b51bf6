"""Errors of mcusim: each says what was met, where, and what is allowed."""


class McusimError(Exception):
    """Base of all errors that mcusim raises on purpose.

    ``exit_code`` is what the command line returns for it (documented in docs/exit_codes.md).
    """

    exit_code = 2


class ProgramError(McusimError):
    """A program file cannot be used: not readable, wrong machine, damaged, or too large for the board."""

    exit_code = 3


class BoardError(McusimError):
    """A board is unknown, or its TOML file is wrong."""

    exit_code = 4


class UnsupportedError(McusimError):
    """Something real that mcusim does not model (TrustZone secure state, Helium, a second core, ...)."""

    exit_code = 5


class RerunError(McusimError):
    """An answer needs the program to run again, and that was forbidden or is not possible."""

    exit_code = 8


class DecodeError(McusimError):
    """Halfwords that are no instruction of the Thumb instruction set."""

    exit_code = 6
