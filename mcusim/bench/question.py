"""A question: which network, on which board, built how, and what else to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcusim import boards, network
from mcusim.bench.samples import calibration_samples
from mcusim.boards import Board
from mcusim.deploy.build import BuildOptions
from mcusim.energy import USUAL_SUPPLY, Supply
from mcusim.network import Network

Model = str | Path | Network
Place = str | Path | Board


@dataclass(frozen=True, slots=True)
class Wishes:
    """``check``: so many random inputs are compared with a reference (0: none). ``data``: a labelled set, "" for none.

    ``supply``: how the board is supplied and used, for energies.
    """

    check: int = 0
    data: str = ""
    seed: int = 0
    supply: Supply = USUAL_SUPPLY


@dataclass(frozen=True, slots=True)
class Question:
    """``model`` and ``board`` as they were given: a path, a name, or the thing itself.

    ``calibration``: samples that a float network is quantised with, "" for a network that is taken as it is.
    """

    model: Model
    board: Place
    options: BuildOptions
    wishes: Wishes
    calibration: str = ""

    @property
    def model_name(self) -> str:
        """What the network is called."""
        return self.model.name if isinstance(self.model, Network) else Path(self.model).stem

    @property
    def board_name(self) -> str:
        """What the board is called, or its file."""
        return self.board.name if isinstance(self.board, Board) else str(self.board)

    @property
    def model_file(self) -> str | None:
        """Path of the network, None for one that comes from no file."""
        return None if isinstance(self.model, Network) else str(self.model)

    @property
    def portable(self) -> bool:
        """Whether another process can be asked: it reads files anew."""
        return not isinstance(self.model, Network) and not isinstance(self.board, Board)

    def load_network(self) -> Network:
        """The network itself. NetworkError where it cannot be read or quantised."""
        found = self.model if isinstance(self.model, Network) else network.load(self.model)
        if not self.calibration:
            return found
        from mcusim.network.quantize import quantize

        return quantize(found, calibration_samples(self.calibration))

    def load_board(self) -> Board:
        """The board itself. BoardError where there is none."""
        return self.board if isinstance(self.board, Board) else boards.load(self.board)
