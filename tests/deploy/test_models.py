"""Public networks as firmware: outputs on the target are those of the NumPy twin.

``make models`` runs all of a folder on four cores with 20 inputs each; otherwise two networks on one core show the way.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcusim.network import load
from mcusim.network.reference import run
from tests.deploy.target import answers, assert_same, samples
from tests.network.agreement import models

SWEEP = "MCUSIM_MODELS" in os.environ
CORES = ("m0plus", "m4", "m7", "m33") if SWEEP else ("m4",)
INPUTS = 20 if SWEEP else 2
PATHS = [pytest.param(path, id=path.stem) for path in models() if SWEEP or path.stem in ("kws_ref_model", "ad01_int8")]


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("path", PATHS or [None])
def test_a_model_gives_what_its_twin_gives(path: Path | None, core: str, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("the model files are not there")
    network = load(path)
    inputs = samples(network, INPUTS)
    assert_same(answers(network, core, inputs, tmp_path), [run(network, each) for each in inputs])
