"""ONNX files: load_onnx. The table of operators is in table.py."""

from mcusim.network.onnx.importer import load_onnx

__all__ = ["load_onnx"]
