"""Pooling over windows."""

from __future__ import annotations

from mcusim.deploy.call import Call, Context, SizeCheck, Struct
from mcusim.deploy.rules.subject import Subject, alike, bounds, dims, near_padding, tile
from mcusim.network.operators import Pooling


def pool(subject: Subject) -> tuple[Call, ...]:
    """``arm_avgpool_s8``, ``arm_max_pool_s8``, or one of theirs for int16."""
    source, target, operator = subject.input(), subject.output, subject.operator
    kind = subject.among(alike(2), source, target)
    if source.quantization != target.quantization:
        raise subject.refused("input and output are quantised differently; allowed: the same scale and zero point")
    average = operator.function is Pooling.AVERAGE
    params = Struct("cmsis_nn_pool_params", "pool_params", (
        tile(operator.stride), near_padding(operator.padding), bounds(subject, operator.activation),
    ))  # fmt: skip
    function = f"arm_avgpool_{kind}" if average else f"arm_max_pool_{kind}"
    sizes = SizeCheck(f"arm_avgpool_{kind}_get_buffer_size", (target.shape[2], source.shape[3]))
    return (
        Call(
            function,
            (Context(), params,
             dims("input", source.shape), subject.value(source), dims("filter", (1, *operator.window, 1)),
             dims("output", target.shape), subject.value(target)),
            checks=(sizes,) if average else (),
        ),
    )  # fmt: skip
