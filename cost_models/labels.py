"""Labels: what flash holds of the names of a network, its layers, inputs and outputs, as mcusim.deploy writes them."""

from __future__ import annotations

from collections.abc import Iterable

from cost_models.arena import RECORD_BYTES
from mcusim.deploy.generate import text_in_c
from mcusim.deploy.lower import identifiers
from mcusim.network import Network

WORD = 4
"""Strings begin at multiples of it; a layer has a pointer to its name."""

GREETING = "#network  "
"""What main.c prints around the name of the network."""


def string_bytes(text: str) -> int:
    """Bytes of a string and the zero behind it, and of what its alignment takes."""
    return -(-(len(text) + 1) // WORD) * WORD


def labels_of(network: Network) -> list[int]:
    """Bytes for each layer, in order; what is the network's, its inputs' and its outputs' is at the first one.

    Equal strings are there once. Not modelled: a name that another one ends with may lie in it.
    """
    seen: set[str] = set()
    names = identifiers(layer.name for layer in network.layers)
    found = [WORD + _new((names[layer.name],), seen) for layer in network.layers]
    ends = [network.tensors[name] for name in (*network.inputs, *network.outputs)]
    texts = [text for tensor in ends for text in (text_in_c(tensor.name), tensor.type.value)]
    found[0] += string_bytes(GREETING + network.name) + RECORD_BYTES * len(ends) + _new(texts, seen)
    return found


def _new(texts: Iterable[str], seen: set[str]) -> int:
    """Bytes of those strings that were not seen before; they are from now on."""
    fresh = [text for text in dict.fromkeys(texts) if text not in seen]
    seen.update(fresh)
    return sum(map(string_bytes, fresh))
