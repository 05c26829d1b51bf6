"""Operators: names and codes of what layers compute."""

from __future__ import annotations

OPERATORS = (
    "Conv2D", "DepthwiseConv2D", "TransposeConv2D", "FullyConnected", "Binary add", "Binary sub", "Binary mul",
    "Binary minimum", "Binary maximum", "Unary relu", "Unary relu6", "Unary relu_n1_to_1", "Unary leaky_relu",
    "Unary logistic", "Unary tanh", "Unary hard_swish", "Unary silu", "Pool2D average", "Pool2D max", "Reduce mean",
    "Reduce sum", "Reduce max", "Reduce min", "Pad", "Concatenation", "Reshape", "Split", "Slice", "Transpose",
    "ResizeNearest", "Softmax", "Quantize", "Dequantize", "BatchMatMul", "Svdf", "UnidirectionalLstm",
)  # fmt: skip
"""Names of operators (``mcusim.network.table.operator_name``); the code of one is its place. Only ever appended to."""

CODES = {name: code for code, name in enumerate(OPERATORS)}
