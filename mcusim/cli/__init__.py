"""The command ``mcusim``. Other packages add commands through the entry points of group ``mcusim.commands``."""

from mcusim.cli.app import main

__all__ = ["main"]
