"""What each builtin operator of TensorFlow Lite becomes: a table from names to layers."""

from __future__ import annotations

import tflite

from mcusim.network import operators as ops
from mcusim.network.tflite import convolution, cutting, elementwise, pooling, recurrent, shaping
from mcusim.network.tflite.view import Translation

TRANSLATIONS: dict[str, Translation] = {
    "ADD": elementwise.binary(ops.Arithmetic.ADD, tflite.AddOptions),
    "AVERAGE_POOL_2D": pooling.pool(ops.Pooling.AVERAGE),
    "BATCH_MATMUL": convolution.batch_matmul,
    "CONCATENATION": shaping.concatenation,
    "CONV_2D": convolution.convolution,
    "DEPTHWISE_CONV_2D": convolution.depthwise,
    "DEQUANTIZE": elementwise.dequantize,
    "EXPAND_DIMS": shaping.reshaped(shaping.expanded),
    "FULLY_CONNECTED": convolution.fully_connected,
    "HARD_SWISH": elementwise.unary(ops.Function.HARD_SWISH),
    "LEAKY_RELU": elementwise.leaky_relu,
    "LOGISTIC": elementwise.unary(ops.Function.LOGISTIC),
    "MAXIMUM": elementwise.binary(ops.Arithmetic.MAXIMUM),
    "MAX_POOL_2D": pooling.pool(ops.Pooling.MAX),
    "MEAN": pooling.reduce(ops.Reduction.MEAN),
    "MINIMUM": elementwise.binary(ops.Arithmetic.MINIMUM),
    "MUL": elementwise.binary(ops.Arithmetic.MUL, tflite.MulOptions),
    "PACK": shaping.pack,
    "PAD": shaping.pad,
    "PADV2": shaping.pad,
    "QUANTIZE": elementwise.quantize,
    "REDUCE_MAX": pooling.reduce(ops.Reduction.MAX),
    "REDUCE_MIN": pooling.reduce(ops.Reduction.MIN),
    "RELU": elementwise.unary(ops.Function.RELU),
    "RELU6": elementwise.unary(ops.Function.RELU6),
    "RELU_N1_TO_1": elementwise.unary(ops.Function.RELU_N1_TO_1),
    "RESHAPE": shaping.reshaped(shaping.new_shape),
    "RESIZE_NEAREST_NEIGHBOR": shaping.resize_nearest,
    "SLICE": cutting.cut,
    "SOFTMAX": elementwise.softmax,
    "SPLIT": cutting.split,
    "SPLIT_V": cutting.split_v,
    "SQUEEZE": shaping.reshaped(shaping.squeezed),
    "STRIDED_SLICE": cutting.strided_slice,
    "SUB": elementwise.binary(ops.Arithmetic.SUB, tflite.SubOptions),
    "SUM": pooling.reduce(ops.Reduction.SUM),
    "SVDF": recurrent.svdf,
    "TANH": elementwise.unary(ops.Function.TANH),
    "TRANSPOSE": shaping.transpose,
    "TRANSPOSE_CONV": convolution.transposed,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm,
    "UNPACK": shaping.unpack,
}
"""Layers that each operator becomes."""
