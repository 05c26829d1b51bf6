"""Public networks as firmware: outputs on the target are those of the NumPy twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcusim.network import NetworkError, load
from mcusim.network.reference import run
from tests.deploy.target import answers, assert_same, samples
from tests.network.agreement import models

ROUNDED_TWICE = pytest.mark.xfail(reason="fully connected layers of the kernels round twice, those of TensorFlow Lite once")
PATHS = [pytest.param(path, marks=ROUNDED_TWICE, id=path.stem) if path.stem == "ad01_int8" else pytest.param(path, id=path.stem)
         for path in models()]


@pytest.mark.slow
@pytest.mark.parametrize("core", ["m0plus", "m4", "m7", "m33"])
@pytest.mark.parametrize("path", PATHS or [None])
def test_a_model_gives_what_its_twin_gives(path: Path | None, core: str, tmp_path: Path) -> None:
    if path is None:
        pytest.skip("the model files are not there")
    network = load(path)
    inputs = samples(network, 2)
    try:
        got = answers(network, core, inputs, tmp_path)
    except NetworkError as error:
        if "which is not in mcusim's kernels" not in str(error):
            raise
        pytest.skip(str(error))
    assert_same(got, [run(network, each) for each in inputs])
