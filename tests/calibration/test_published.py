from __future__ import annotations

import os
from pathlib import Path

import pytest

from calibration import measurements, published
from calibration.measurements import MeasurementError
from mcusim import boards
from tests.support.firmware import REPOSITORY

FIRMWARE = "round,submitter,board,clock_hz,benchmark,measured_latency_s,energy_mode_latency_s,measured_energy_j,"
FIRMWARE += "inference_engine,compiler,hardware_notes,git_blob,source\n"
RESULT = "v9,somebody,NUCLEO-L4R5ZI,1e6,kws,0.5,0.4,0.002,engine,gcc,Operating at 1.8V / Single Bank Mode,abc,a:b@c\n"
TABLES = {
    "pqm4_l4r5zi_cycles.csv": "scheme,implementation,operation,executions,cycles_mean,relative_spread,stack_bytes,board,"
    "clock_hz,flash_wait_states,compiler,source\nkem,ref,decaps,10,1000,0.001,64,NUCLEO-L4R5ZI,20000000,0,gcc,a:b@c\n",
    "embench_f407_16mhz.csv": "benchmark,iterations,cycles_per_iteration,board,clock_hz,flash_wait_states,embench_version,"
    "compiler,source\ncrc,16,500,STM32F4DISCOVERY (STM32F407VG),16000000,0,2,gcc,a:b@c\n",
    "crypto_m4_cycles.csv": "function,core,cycles,conditions,source\nX,Cortex-M4,77,none,a:b@c\n",
    "mlperf_tiny_firmware.csv": FIRMWARE + RESULT,
    "stm32_modelzoo_h747.csv": "model,model_format,input_shape,dataset,board,clock_hz,tool,latency_ms,tflite_file,"
    "tflite_match,source\nnet,int8,8x8,,STM32H747I-DISCO,400000000,tool 1,7,net.tflite,exact,a:b@c\n",
    "tinyengine_h743.csv": "network,framework,latency_ms,peak_sram_kb,flash_kb,board,clock_hz,status,source\n"
    "net,engine,7,8,9,STM32H743,,ok,a:b@c\nnet,other,,8,9,STM32H743,,out of memory,a:b@c\n",
    "rp2040_person_detect_layers.csv": "configuration,layer_index,operator,time_us,board,clock_hz,model,library,source\n"
    "single-core,2,CONV_2D,60,Raspberry Pi Pico (RP2040),125000000,net,lib,a:b@c\n",
    "mcxn947.csv": "model,optimisation,cycles_per_inference,board,clock_hz,software,source\n"
    "net,-Os,50,FRDM-MCXN947,150000000,zephyr,a:b@c\n",
    "coremark_vendor.csv": "target,core,clock_hz,coremark_per_mhz,conditions,trust_grade,source\n"
    "Arm headline Cortex-M3,Cortex-M3,,3,max,C,a\nSTM32X1 8 MHz,Cortex-M4,8000000,2,max,D,b\n",
}  # fmt: skip
"""Made-up rows in the columns of the published tables."""
EXPECTED = {
    "pqm4_l4r5zi_cycles.csv": [("cycles", 1000, "cycles", "nucleo-l4r5zi"), ("stack", 64, "B", "nucleo-l4r5zi")],
    "embench_f407_16mhz.csv": [("cycles", 500, "cycles", "stm32f4discovery")],
    "crypto_m4_cycles.csv": [("cycles", 77, "cycles", "m4")],
    "mlperf_tiny_firmware.csv": [
        ("latency", 0.5, "s", published.SINGLE_BANK), ("latency", 0.4, "s", published.SINGLE_BANK),
        ("energy", 0.002, "J", published.SINGLE_BANK),
    ],
    "stm32_modelzoo_h747.csv": [("latency", 7, "ms", "stm32h747i-disco")],
    "tinyengine_h743.csv": [("latency", 7, "ms", "stm32h743"), ("ram", 8, "kB", "stm32h743"), ("flash", 9, "kB", "stm32h743")],
    "rp2040_person_detect_layers.csv": [("latency", 60, "us", "raspberry-pi-pico")],
    "mcxn947.csv": [("cycles", 50, "cycles", "frdm-mcxn947")],
    "coremark_vendor.csv": [("coremark", 3, "CoreMark/MHz", "m3"), ("coremark", 2, "CoreMark/MHz", "stm32x1")],
}  # fmt: skip
SHARED = Path(os.environ.get("MCUSIM_MEASUREMENTS", REPOSITORY.parent / "shared" / "measurements"))


@pytest.fixture
def folder(tmp_path):
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", EXPECTED)
def test_each_table_becomes_measurements(folder, name):
    found = [(m.quantity, m.value, m.unit, m.board) for m in published.load_table(folder / name)]
    assert found == EXPECTED[name]


def test_conditions_of_a_result_are_kept(folder):
    latency, _, energy = published.load_table(folder / "mlperf_tiny_firmware.csv")
    assert (latency.name, latency.clock_hertz, latency.supply_volts, latency.compiler, latency.source) == (
        "mlperf kws", 1e6, 1.8, "gcc", "a:b@c",
    )  # fmt: skip
    stated = ("submitter=somebody", "round=v9", "software=engine", "image=abc", "flash bank mode=single", "mode=performance")
    for text in stated:
        assert text in latency.conditions
    assert "mode=energy" in energy.conditions


def test_the_results_table_has_the_columns_of_the_results(tmp_path):
    header = FIRMWARE.replace("measured_latency_s", "latency_s").replace("measured_energy_j", "energy_j")
    header = header.replace("git_blob", "model").replace("source", "operating_system,source")
    path = tmp_path / "mlperf_tiny_results_calibration.csv"
    path.write_text(header + RESULT.replace("0.002", "").replace("abc", "net,").replace("Single", "Dual"))
    found = list(published.load_table(path))
    assert [m.quantity for m in found] == ["latency", "latency"]
    assert {m.board for m in found} == {"nucleo-l4r5zi"}
    assert "model=net; flash bank mode=dual" in found[0].conditions


def test_a_whole_folder_can_be_written_as_measurements_and_read_again(folder):
    (folder / "boards.csv").write_text("board\nany\n")
    found = published.load(folder)
    assert len(found) == sum(map(len, EXPECTED.values()))
    measurements.write(folder / "all.out", found)
    assert measurements.read(folder / "all.out") == found


def test_unknown_tables_and_folders_without_tables_are_refused(folder, tmp_path_factory):
    (folder / "other.csv").write_text("a\n1\n")
    with pytest.raises(MeasurementError, match=r"other\.csv: met a table without a reader; allowed: pqm4"):
        published.load(folder)
    with pytest.raises(MeasurementError, match="no table of measurements"):
        published.load(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize(
    ("name", "old", "new", "met"),
    [
        ("mcxn947.csv", "50", "fifty", r"line 2, column 3 \(cycles_per_inference\): met 'fifty'"),
        ("mcxn947.csv", "50", "-50", "met '-50'; allowed: a number above 0"),
        ("mcxn947.csv", "FRDM-MCXN947", "FRDM", r"column 4 \(board\): met 'FRDM'; allowed: DISCO"),
        ("mcxn947.csv", "software", "hardware", "line 1: met no column 'software'"),
        ("mcxn947.csv", "a:b@c", "", "line 2: met source nothing"),
        ("crypto_m4_cycles.csv", "77,", "", "line 2: met 4 cells"),
        ("stm32_modelzoo_h747.csv", ",7,", ",7e9,", "met value 7e"),
    ],
)
def test_wrong_rows_are_named_with_their_line(folder, name, old, new, met):
    path = folder / name
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(MeasurementError, match=met):
        published.load(folder)


def test_boards_are_those_of_board_files_but_where_none_is_known():
    without = {"stm32h743", "m55"}
    assert {*published.BOARDS.values(), published.SINGLE_BANK, *published.IDEAL.values()} - set(boards.names()) == without


@pytest.mark.skipif(not SHARED.is_dir(), reason="the tables of published measurements are not there")
def test_the_published_tables_are_read_whole(tmp_path):
    found = published.load(SHARED)
    assert {m.quantity for m in found} >= {"latency", "cycles", "energy"}
    measurements.write(tmp_path / "all.csv", found)
    assert measurements.read(tmp_path / "all.csv") == found
