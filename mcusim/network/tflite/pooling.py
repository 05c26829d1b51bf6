"""Pooling by windows, and reductions along axes."""

from __future__ import annotations

import tflite

from mcusim.network import operators as ops
from mcusim.network.limits import axis_of, pair
from mcusim.network.tflite.options import activation_of, padding_of, stride_of
from mcusim.network.tflite.view import Step, Translation, View


def pool(function: ops.Pooling) -> Translation:
    def translate(view: View) -> list[Step]:
        options = view.options(tflite.Pool2DOptions)
        x = view.image(0)
        window = pair(options.FilterHeight(), options.FilterWidth(), "window")
        stride = stride_of(options)
        padding = padding_of(options, x.shape[1:3], window, stride)
        return view.step(ops.Pool2D(function, window, stride, padding, activation_of(options)), x)

    return translate


def reduce(function: ops.Reduction) -> Translation:
    def translate(view: View) -> list[Step]:
        x = view.input(0)
        axes = {axis_of(axis, len(x.shape)) for axis in view.whole(1, "axes")}
        keep = bool(view.options(tflite.ReducerOptions).KeepDims())
        return view.step(ops.Reduce(function, tuple(sorted(axes)), keep), x)

    return translate
