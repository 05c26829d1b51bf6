"""load: a network from a file, by the suffix of its name."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from mcusim.network.network import Network, NetworkError

LOADERS = {
    ".onnx": ("mcusim.network.onnx", "load_onnx"),
    ".tflite": ("mcusim.network.tflite", "load_tflite"),
}
"""Module and function for each suffix; imported when a file asks for it, since importers need packages of their own."""


def load(path: str | os.PathLike[str]) -> Network:
    """The network of a file. NetworkError for a suffix without importer, and for whatever the importer finds wrong."""
    suffix = Path(path).suffix.lower()
    if suffix not in LOADERS:
        met = suffix or "a name without suffix"
        raise NetworkError(f"{path}: no importer for {met}; there are importers for {', '.join(sorted(LOADERS))}")
    module, function = LOADERS[suffix]
    network: Network = getattr(import_module(module), function)(path)
    return network
