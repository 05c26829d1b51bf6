"""Every operator that has a kernel, of every type but float32 (test_floats.py), on the target: many in one program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mcusim.deploy.kernels import Kernels
from mcusim.deploy.lower import lower
from mcusim.network import ElementType, Network, NetworkError
from mcusim.network.reference import run
from tests.deploy.operators import joined, network_of_case
from tests.deploy.target import answers, assert_same, samples
from tests.network.cases import CASES

COUNT_AT_LEAST = 265
"""Cases that can be lowered; more as kernels come."""

TOGETHER = 40
"""Cases in one program: a plan of the memory for more takes longer than all else."""


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Network]:
    """A network of one operator for each case that has a kernel; the others are refused with a sentence."""
    folder = tmp_path_factory.mktemp("cases")
    found = {}
    for name in CASES:
        network = network_of_case(name, folder)
        try:
            lower(network, Kernels("m4"), lambda check: 0)
        except NetworkError as error:
            assert f"layer {network.layers[0].name}" in str(error)
            continue
        if all(not network.tensors[each].constant for each in network.outputs) and not _is_float(network):
            found[name] = network
    return found


def _is_float(network: Network) -> bool:
    ends = (*network.inputs, *network.outputs)
    return all(network.tensors[each].type is ElementType.FLOAT32 for each in ends)


def test_most_cases_have_a_kernel(networks: Mapping[str, Network]) -> None:
    assert len(networks) >= COUNT_AT_LEAST


@pytest.mark.slow
@pytest.mark.parametrize("core", ["m0plus", "m4", "m33"])
def test_operators_on_the_target_give_what_their_twins_give(
    networks: Mapping[str, Network], core: str, tmp_path: Path
) -> None:
    names = list(networks)
    for first in range(0, len(names), TOGETHER):
        network = joined({name: networks[name] for name in names[first : first + TOGETHER]})
        inputs = samples(network, 3)
        assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])
