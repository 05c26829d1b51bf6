"""From a network to calls of kernels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mcusim.deploy.call import Call, Context, ScratchPointer, Step, aligned
from mcusim.deploy.kernels import Kernels
from mcusim.deploy.rules import RULES
from mcusim.deploy.rules.subject import Subject
from mcusim.deploy.scratch import Sizes
from mcusim.network import Network

RESERVED = """
auto bool break case char const continue default do double else enum extern float for goto if inline int long main register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while arena input output memcpy
memset null
"""
"""Words that a layer cannot be called in C."""
PREFIXES = ("arm_", "nn_", "network", "mark", "cmsis_", "scratch")
"""Beginnings of names that are taken."""
NAME_LENGTH = 40
STANDARD = frozenset({"memset"})
"""Functions of C that rules call."""


def lower(network: Network, kernels: Kernels, sizes: Sizes) -> tuple[Step, ...]:
    """What runs for each layer, in order; ``sizes`` tells the bytes of scratch memory that kernels want.

    Raises NetworkError, with the layer and its operator, where no kernel computes it.
    """
    names = identifiers(layer.name for layer in network.layers)
    steps: list[Step] = []
    for layer in network.layers:
        subject = Subject(network, layer, kernels)
        rule = RULES.get(type(layer.operator))
        if rule is None:
            raise subject.refused(f"no kernel computes this operator; there are kernels for: {known_operators()}")
        calls = rule(subject)
        _check_functions(subject, calls)
        calls = tuple(sized(call, sizes) if isinstance(call, Call) else call for call in calls)
        steps.append(Step(names[layer.name], layer, calls, scratch_bytes(calls)))
    return tuple(steps)


def _check_functions(subject: Subject, calls: Iterable[object]) -> None:
    for call in calls:
        if isinstance(call, Call) and call.function not in subject.kernels.functions | STANDARD:
            raise subject.refused(f"it needs the kernel {call.function}, which is not in {subject.kernels}")


def sized(call: Call, sizes: Sizes) -> Call:
    """The call with the bytes of its contexts as their functions tell, one behind the other and all behind plain pointers."""
    told = {check.context: sizes(check) for check in call.checks}
    plain = [a.offset_bytes + a.bytes for a in call.arguments if isinstance(a, ScratchPointer)]
    arguments, offset = [], aligned(max(plain, default=0))
    for argument in call.arguments:
        if isinstance(argument, Context) and argument.name in told:
            argument = replace(argument, bytes=told[argument.name], offset_bytes=offset)
            offset += aligned(argument.bytes)
        arguments.append(argument)
    return replace(call, arguments=tuple(arguments))


def known_operators() -> str:
    """Names of the operators that can be lowered."""
    return ", ".join(sorted(operator.__name__ for operator in RULES))


def scratch_bytes(calls: Iterable[object]) -> int:
    """Bytes of scratch memory that the calls of one layer share."""
    arguments = (argument for call in calls if isinstance(call, Call) for argument in call.arguments)
    contexts = [argument for argument in arguments if isinstance(argument, Context | ScratchPointer)]
    return max((context.offset_bytes + context.bytes for context in contexts), default=0)


def scratch_of(steps: Iterable[Step]) -> Mapping[str, int]:
    """Scratch bytes by layer, as the memory planner wants them."""
    return {step.layer.name: step.scratch_bytes for step in steps if step.scratch_bytes}


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """A C identifier for each name, all different even in capitals, the same for the same names."""
    found: dict[str, str] = {}
    taken = set(RESERVED.split())
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[-NAME_LENGTH:].strip("_") or "layer"
        word = f"layer_{word}" if word[0].isdigit() or word.startswith(PREFIXES) else word
        chosen, number = word, 2
        while chosen.lower() in taken:
            chosen, number = f"{word}_{number}", number + 1
        taken.add(chosen.lower())
        found[name] = chosen
    return found


