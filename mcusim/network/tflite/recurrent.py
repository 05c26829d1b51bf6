"""Layers with a state: SVDF and LSTM."""

from __future__ import annotations

import tflite

from mcusim.network import operators as ops
from mcusim.network.network import Unsupported
from mcusim.network.tensor import Tensor
from mcusim.network.tflite.options import activation_of, refuse_hybrid
from mcusim.network.tflite.view import Step, View


def svdf(view: View) -> list[Step]:
    options = view.options(tflite.SVDFOptions)
    x, feature, time, state = view.input(0), view.input(1), view.input(2), view.input(4)
    refuse_hybrid(x, feature)
    _stateful(state)
    return view.step(ops.Svdf(options.Rank(), activation_of(options)), x, feature, time, view.optional(3), state)


def _stateful(state: Tensor) -> None:
    if not state.variable:
        raise Unsupported(f"its state {state.name!r} is no variable")


def lstm(view: View) -> list[Step]:
    options = view.options(tflite.UnidirectionalSequenceLSTMOptions)
    if options.FusedActivationFunction() != tflite.ActivationFunctionType.TANH:
        raise Unsupported("its cell's activation is not TANH")
    if options.DiagonalRecurrentTensors():
        raise Unsupported("diagonal recurrent weights are not supported")
    inputs = tuple(view.optional(i) for i in range(24))
    refuse_hybrid(view.input(0), view.input(2))
    _stateful(view.input(18))
    _stateful(view.input(19))
    scales = tuple(None if t is None else t.quantization for t in view.intermediates)
    operator = ops.UnidirectionalLstm(bool(options.TimeMajor()), options.CellClip(), options.ProjClip(), scales)
    return view.step(operator, *inputs)
