"""RAM and flash as they are: of firmware that is built, but not run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from mcusim import boards
from mcusim.boards import Board
from mcusim.network import Network


class ExactSizes(NamedTuple):
    """``ram_bytes``: arena and static data, without the stack. ``flash_bytes``: code and constants. ``fits``: on the board."""

    ram_bytes: int
    flash_bytes: int
    fits: bool


def exact_sizes(network: Network, board: str | Board) -> ExactSizes:
    """What a network takes, from an ELF that is linked for it: some tenths of a second. NetworkError where no kernel fits.

    Of the dense kernels, as all models: weights that are zero are kept.
    """
    from mcusim.deploy.build import BuildOptions, build_sources, sources_of
    from mcusim.deploy.firmware import TooLarge

    place = board if isinstance(board, Board) else boards.load(board)
    sources = sources_of(network, place, BuildOptions(sparse="never"))
    with tempfile.TemporaryDirectory(prefix="mcusim") as folder:
        try:
            sizes, fits = build_sources(sources, place, Path(folder) / "network.elf").sizes, True
        except TooLarge as error:
            sizes, fits = error.sizes, False
    return ExactSizes(sizes.arena + sizes.static + sizes.weights_in_ram, sizes.flash, fits)
