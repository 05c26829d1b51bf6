"""Logistic function and hyperbolic tangent of int16 in fixed point: every input, against the twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mcusim.network.fixed_point import FixedPoint, logistic, tanh
from tests.kernels.calls import Case, check_on_host

EVERY = np.arange(-32768, 32768)
FRACTIONS = range(9, 16)
"""Of cells whose scale is 2**-9 to 2**-15."""


def case(name: str, function: str, answer: np.ndarray) -> Case:
    call = f"({{ for (int32_t i = 0; i < 65536; i++) output[i] = (int16_t){function}; 0; }})"
    return Case(name, call, answer.astype(np.int16))


def test_plain_c_gives_what_the_twin_gives_for_every_input(tmp_path: Path) -> None:
    cases = [case("logistic", "nn_logistic_s16(i - 32768)", logistic(FixedPoint(EVERY, 3, 16)).raw)]
    for fraction in FRACTIONS:
        call = f"nn_hyperbolic_tangent_s16(i - 32768, {fraction})"
        cases.append(case(f"tanh_{fraction}", call, tanh(FixedPoint(EVERY, 15 - fraction, 16)).raw))
    check_on_host(cases, [], tmp_path, "nn_fixed_s16.h")
