"""The networks of MLPerf Tiny as firmware: outputs on the target are those of the NumPy twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcusim.network import NetworkError, load
from mcusim.network.reference import run
from tests.deploy.target import answers, assert_same, samples
from tests.network.agreement import models

PATHS = [path for path in models() if path.parent.name == "mlperf_tiny"]


@pytest.mark.slow
@pytest.mark.parametrize("core", ["m0plus", "m4", "m7", "m33"])
@pytest.mark.parametrize("path", PATHS or [None], ids=lambda path: path.stem if path else "none")
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
