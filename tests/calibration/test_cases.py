from __future__ import annotations

import hashlib

import pytest

from calibration.cases import CalibrationError, by_program, find_cases, simulate
from tests.calibration.samples import add_program, write_table


@pytest.fixture
def places(tmp_path):
    """Folders of measurements and of programs."""
    (tmp_path / "programs").mkdir()
    (tmp_path / "measurements").mkdir()
    return tmp_path / "measurements", tmp_path / "programs"


def test_a_program_is_found_by_its_place_and_runs(places, build_source):
    measurements, programs = places
    write_table(measurements, "crypto_m4_cycles.csv", ("X25519 scalarmult", 10_000))
    add_program(build_source, programs, "x25519.elf")
    (case,), missing = find_cases(measurements, programs)
    assert (case.name, case.cycles, case.same, missing) == ("x25519", 10_000, True, [])
    cycles = simulate([case])["x25519"]
    assert 7_000 < cycles < 20_000  # a thousand turns of a load, an addition, a store, a comparison and a branch


def test_cycles_are_scaled_to_the_measured_number_of_iterations(places, build_source):
    measurements, programs = places
    write_table(measurements, "crypto_m4_cycles.csv", ("X25519 scalarmult", 1))
    write_table(measurements, "embench_f407_16mhz.csv", ("loop", 160_000, 16, 100))
    add_program(build_source, programs, "x25519.elf")
    add_program(build_source, programs, "embench/loop.elf")
    cases, _ = find_cases(measurements, programs)
    on_discovery, once = (simulate([case])[case.name] for case in cases)
    assert on_discovery == pytest.approx(16 * once, rel=0.3)  # another board, its stack in another RAM


@pytest.mark.parametrize(("rebuilt", "same"), [(1000, True), (1005, True), (1006, False), (None, False)])
def test_a_rebuilt_program_is_the_same_while_its_text_is_within_half_a_percent(places, build_source, rebuilt, same):
    measurements, programs = places
    write_table(measurements, "pqm4_l4r5zi_cycles.csv", ("kem", "clean", "decaps", 5, 1000))
    add_program(build_source, programs, "pqm4/kem_clean_speed.elf")
    if rebuilt is not None:
        (programs / "text_bytes.csv").write_text(f"program,text_bytes\npqm4/kem_clean_speed.elf,{rebuilt}\n")
    (case,), _ = find_cases(measurements, programs)
    assert case.same is same
    assert case.board == "nucleo-l4r5zi"


def test_images_are_known_by_the_git_object_of_their_content(places):
    measurements, programs = places
    data = b"image"
    blob = hashlib.sha1(b"blob 5\0" + data).hexdigest()
    (programs / "anything.bin").write_bytes(data)
    write_table(
        measurements, "mlperf_tiny_firmware.csv",
        ("NUCLEO-L4R5ZI", "ST", "kws", blob, "Flash in single bank mode", 0.5),
        ("NUCLEO-L4R5ZI", "Bosch", "ad", "0" * 40, "", 0.25),
    )  # fmt: skip
    (case,), missing = find_cases(measurements, programs)
    assert (case.board, case.cycles) == ("nucleo-l4r5zi-single-bank", 500_000)  # microseconds
    assert missing == ["mlperf nucleo-l4r5zi bosch ad"]


def test_what_is_not_at_hand_is_listed(places):
    measurements, programs = places
    write_table(measurements, "embench_f407_16mhz.csv", ("crc32", 1, 16, 1))
    assert find_cases(measurements, programs) == ([], ["embench crc32"])


def test_operations_of_one_program_run_together(places, build_source):
    measurements, programs = places
    write_table(
        measurements, "pqm4_l4r5zi_cycles.csv", ("kem", "clean", "keygen", 5, 1), ("kem", "clean", "decaps", 6, 1)
    )
    add_program(build_source, programs, "pqm4/kem_clean.elf")
    cases, _ = find_cases(measurements, programs)
    assert [len(group) for group in by_program(cases)] == [2]


def test_a_program_that_prints_nothing_of_the_kind_is_an_error(places, build_source):
    measurements, programs = places
    write_table(measurements, "pqm4_l4r5zi_cycles.csv", ("kem", "clean", "decaps", 5, 1))
    add_program(build_source, programs, "pqm4/kem_clean.elf", "int main(void) { return 0; }")
    (case,), _ = find_cases(measurements, programs)
    with pytest.raises(CalibrationError, match="printed no 'decaps cycles:'"):
        simulate([case])


@pytest.mark.parametrize("missing", ["measurements", "programs"])
def test_folders_that_are_none_are_named(tmp_path, missing):
    for name in {"measurements", "programs"} - {missing}:
        (tmp_path / name).mkdir()
    with pytest.raises(CalibrationError, match=missing):
        find_cases(tmp_path / "measurements", tmp_path / "programs")
