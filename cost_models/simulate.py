"""Simulate: the simulator itself behind the interface of cost models. Exact, and seconds for each network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cost_models.errors import CostModelError
from cost_models.estimates import Estimate, Estimates, LayerEstimates, exactly
from cost_models.layers import Layers
from cost_models.model import REFUSE, Networks, Parameters
from mcusim.network import Network


class Simulate(Parameters):
    """``board``: by name or path. ``cache``: keep answers in the user's cache folder, as ``mcusim bench`` does."""

    def __init__(self, board: str, cache: bool = True) -> None:
        self.board = board
        self.cache = cache

    def predict(self, networks: Networks, *, outside: str = REFUSE) -> Estimates:
        """See CostModel; nothing is outside the domain. Layers are those that were built.

        CostModelError for tables of layers, which cannot be run, and for networks that do not fit the board.
        """
        del outside
        results = [self._result(network) for network in _networks(networks)]
        uses = [use for result in results for use in result.layers]
        starts = np.cumsum([0, *(len(result.layers) for result in results)])[:-1]
        known = all(result.energy_joules is not None for result in results) and results
        joules = _estimate([use.energy_joules for use in uses]) if known else None
        rows = LayerEstimates(
            tuple(use.name for use in uses), starts, _estimate([use.seconds for use in uses]), joules, np.ones(len(uses), bool)
        )
        return Estimates(
            self.board,
            tuple(result.model for result in results),
            _estimate([result.latency_seconds for result in results]),
            _estimate([result.energy_joules for result in results]) if known else None,
            _estimate([result.ram_bytes.arena + result.ram_bytes.static for result in results]),
            _estimate([result.flash_bytes.total for result in results]),
            np.ones(len(results), bool),
            np.array([not result.changes for result in results], bool),
            rows,
        )

    def _result(self, network: Network):  # type: ignore[no-untyped-def]
        from mcusim.bench import bench
        from mcusim.deploy.build import BuildOptions

        dense = BuildOptions(sparse="never")  # what the other models tell
        (result,) = bench(network, self.board, options=dense, cache=self.cache).results
        if not result.fits:
            raise CostModelError(f"{network.name} does not fit on {self.board}; RAM and flash: cost_models.exact_sizes")
        return result


def _networks(networks: Networks) -> Sequence[Network]:
    several = [networks] if isinstance(networks, Network | Layers) else networks
    found = [each for each in several if isinstance(each, Network)]
    if len(found) != len(several):
        raise CostModelError("a table of layers cannot be simulated: it has no weights; expected networks")
    return found


def _estimate(values: Sequence[float | None]) -> Estimate:
    return exactly(np.array([0.0 if value is None else value for value in values]))
