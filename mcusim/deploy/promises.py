"""Promises: how far behind their reading our kernels write, so that the planner may lay an output over its input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mcusim.deploy.call import Argument, Call, Step, Struct
from mcusim.deploy.walks import Planes, Promise, Walk

ASKED: Mapping[str, str] = {
    "arm_convolve_wrapper_s8": "nn_convolve_walk",
    "arm_depthwise_conv_wrapper_s8": "nn_depthwise_walk",
    "nn_convolve_sparse_s8": "nn_convolve_sparse_walk",
}
"""Kernels that go several ways, and the function of kernels_c/include/nn_walks.h that tells what they promise for a layer."""
KEPT: Mapping[str, Promise] = {"arm_avgpool_s8": Walk(), "arm_max_pool_s8": Walk(), "arm_pad_s8": Walk()}
"""Kernels that keep one promise always: they go pixel by pixel (kernels_c/include/nn_window.h, kernels_c/src/arm_pad_s8.c)."""

PARAMS, QUANT, INPUT, FILTER, WEIGHTS, BIAS, OUTPUT = 1, 2, 3, 5, 6, 8, 9
"""Places of the arguments that the functions ask for, in calls of the kernels."""

Ask = Callable[[str, Sequence[Argument]], int]
"""What a function of the kernels answers, called with arguments."""


def promises(steps: Iterable[Step], ask: Ask) -> Mapping[str, Promise]:
    """What our kernels promise for the layers, by name; nothing for those that are left out."""
    found = {step.layer.name: _promise(step, ask) for step in steps}
    return {name: promise for name, promise in found.items() if promise is not None}


def _promise(step: Step, ask: Ask) -> Promise | None:
    match step.calls:
        case (Call(function=function),) if function in KEPT:
            return KEPT[function]
        case (Call(function=function, arguments=arguments),) if function in ASKED:
            return _said(ask(ASKED[function], _given(arguments)))
    return None


def _given(arguments: Sequence[Argument]) -> Sequence[Argument]:
    """What the function takes of a kernel's arguments: of sparse weights, how many rows they take together."""
    match arguments[WEIGHTS]:
        case Struct(type="nn_sparse_weights", fields=(*_, rows)):
            return [int(str(rows))]
    return [arguments[place] for place in (PARAMS, QUANT, INPUT, FILTER, BIAS, OUTPUT)]


def _said(answer: int) -> Promise | None:
    """NN_WALK of nn_walks.h."""
    kind, pixels = answer & 3, answer >> 2
    said: tuple[Promise | None, ...] = (None, Walk(pixels), Walk(pixels, buffered=True), Planes())
    return said[kind]
