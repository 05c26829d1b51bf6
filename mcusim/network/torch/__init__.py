"""Modules of PyTorch: from_torch. The table of operators is in table.py."""

from mcusim.network.torch.importer import from_torch

__all__ = ["from_torch"]
