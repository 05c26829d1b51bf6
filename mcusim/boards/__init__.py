"""Boards as data: one TOML file per board, over one file per chip."""

from mcusim.boards.board import Board, Firmware, MemoryRegion, PeripheralSpec
from mcusim.boards.files import chip_names, names
from mcusim.boards.loader import load

__all__ = ["Board", "Firmware", "MemoryRegion", "PeripheralSpec", "chip_names", "load", "names"]
