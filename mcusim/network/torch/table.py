"""What each ATen operator becomes: a table from names to layers."""

from __future__ import annotations

from mcusim.network import operators as ops
from mcusim.network.network import Unsupported
from mcusim.network.torch import convolution, elementwise, pooling, shaping
from mcusim.network.torch.view import Item, Translation, View


def _log_softmax(view: View) -> Item:
    raise Unsupported("it is a logarithm; end the network with softmax or without")


TRANSLATIONS: dict[str, Translation] = {
    "aten._adaptive_avg_pool2d.default": pooling.adaptive,
    "aten._log_softmax.default": _log_softmax,
    "aten._native_batch_norm_legit_no_training.default": convolution.normalization,
    "aten._softmax.default": elementwise.softmax,
    "aten._to_copy.default": shaping.same,
    "aten._unsafe_view.default": shaping.reshape,
    "aten.adaptive_avg_pool1d.default": pooling.adaptive,
    "aten.adaptive_avg_pool2d.default": pooling.adaptive,
    "aten.add.Scalar": elementwise.binary(ops.Arithmetic.ADD),
    "aten.add.Tensor": elementwise.binary(ops.Arithmetic.ADD),
    "aten.addmm.default": convolution.addmm,
    "aten.alias.default": shaping.same,
    "aten.amax.default": pooling.reduce(ops.Reduction.MAX),
    "aten.amin.default": pooling.reduce(ops.Reduction.MIN),
    "aten.as_strided.default": shaping.same,  # where it keeps each element's place, see the importer
    "aten.avg_pool1d.default": pooling.pool(ops.Pooling.AVERAGE),
    "aten.avg_pool2d.default": pooling.pool(ops.Pooling.AVERAGE),
    "aten.bmm.default": convolution.matmul,
    "aten.cat.default": shaping.concatenation,
    "aten.clamp.default": elementwise.clip(float("-inf"), float("inf")),
    "aten.clone.default": shaping.same,
    "aten.constant_pad_nd.default": shaping.pad,
    "aten.convolution.default": convolution.convolution,
    "aten.detach.default": shaping.same,
    "aten.div.Scalar": elementwise.divided,
    "aten.div.Tensor": elementwise.divided,
    "aten.expand.default": shaping.same,
    "aten.flatten.using_ints": shaping.reshape,
    "aten.hardsigmoid.default": elementwise.hard_sigmoid,
    "aten.hardswish.default": elementwise.unary(ops.Function.HARD_SWISH),
    "aten.hardtanh.default": elementwise.clip(-1.0, 1.0),
    "aten.leaky_relu.default": elementwise.leaky_relu,
    "aten.lift_fresh_copy.default": shaping.same,
    "aten.linear.default": convolution.linear,
    "aten.matmul.default": convolution.matmul,
    "aten.max_pool2d_with_indices.default": pooling.pool(ops.Pooling.MAX),
    "aten.maximum.default": elementwise.binary(ops.Arithmetic.MAXIMUM),
    "aten.mean.default": pooling.reduce(ops.Reduction.MEAN),
    "aten.mean.dim": pooling.reduce(ops.Reduction.MEAN),
    "aten.minimum.default": elementwise.binary(ops.Arithmetic.MINIMUM),
    "aten.mm.default": convolution.matmul,
    "aten.mul.Scalar": elementwise.binary(ops.Arithmetic.MUL),
    "aten.mul.Tensor": elementwise.binary(ops.Arithmetic.MUL),
    "aten.neg.default": elementwise.negative,
    "aten.permute.default": shaping.permute,
    "aten.pow.Tensor_Scalar": elementwise.power,
    "aten.prelu.default": elementwise.prelu,
    "aten.relu.default": elementwise.unary(ops.Function.RELU),
    "aten.reshape.default": shaping.reshape,
    "aten.rsub.Scalar": elementwise.binary(ops.Arithmetic.SUB, reverse=True),
    "aten.select.int": shaping.select,
    "aten.sigmoid.default": elementwise.unary(ops.Function.LOGISTIC),
    "aten.silu.default": elementwise.unary(ops.Function.SILU),
    "aten.slice.Tensor": shaping.cut,
    "aten.split.Tensor": shaping.split,
    "aten.split_with_sizes.default": shaping.split,
    "aten.squeeze.default": shaping.reshape,
    "aten.squeeze.dim": shaping.reshape,
    "aten.squeeze.dims": shaping.reshape,
    "aten.sub.Scalar": elementwise.binary(ops.Arithmetic.SUB),
    "aten.sub.Tensor": elementwise.binary(ops.Arithmetic.SUB),
    "aten.sum.dim_IntList": pooling.reduce(ops.Reduction.SUM),
    "aten.t.default": shaping.swap,
    "aten.tanh.default": elementwise.unary(ops.Function.TANH),
    "aten.transpose.int": shaping.swap,
    "aten.unsqueeze.default": shaping.reshape,
    "aten.upsample_nearest1d.vec": shaping.upsample,
    "aten.upsample_nearest2d.vec": shaping.upsample,
    "aten.view.default": shaping.reshape,
}
"""Layers that each operator becomes; those that give several results in ATen give a tuple."""

KEPT = (
    "aten.hardsigmoid.default",
    "aten.hardswish.default",
    "aten.linear.default",
    "aten.matmul.default",
    "aten.prelu.default",
    "aten.silu.default",
    "aten.upsample_nearest1d.vec",
    "aten.upsample_nearest2d.vec",
)
"""Operators that are not to be decomposed: they are layers here."""
