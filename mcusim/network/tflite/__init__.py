"""TensorFlow Lite files: load_tflite. The table of operators is in table.py."""

from mcusim.network.tflite.importer import load_tflite

__all__ = ["load_tflite"]
