"""What is built: text, sizes, caches, and the same program from either form of the weights."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

import mcusim
from kernels_c.toolchain import ALWAYS
from mcusim import boards
from mcusim.deploy.build import BuildOptions, build, sources_of
from mcusim.deploy.firmware import TooLarge, fed
from mcusim.deploy.library import Recipe, objects
from mcusim.deploy.lower import identifiers
from mcusim.deploy.placement import Placement
from mcusim.errors import McusimError, ProgramError
from mcusim.network import ElementType, Network, NetworkError
from mcusim.network import operators as ops
from mcusim.network.reference import run
from tests.deploy.networks import Sketch
from tests.deploy.target import network_of, quantized
from tests.deploy.test_target_agrees import small
from tests.support.firmware import build_text, compiler

M4 = boards.load("m4")


def xorshift_bytes(count: int) -> bytes:
    """What main.c fills inputs with."""
    state, found = 1, bytearray()
    for _ in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        found.append(state >> 24)
    return bytes(found)


@pytest.fixture(scope="module")
def network() -> Network:
    return small()


@pytest.fixture(scope="module")
def elf(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(network, M4, tmp_path_factory.mktemp("firmware") / "small.elf").elf


def test_a_program_prints_checksums_values_and_marks_of_its_layers(network: Network, elf: Path) -> None:
    report = mcusim.run(elf, board="m4")
    given = xorshift_bytes(network.tensors["in"].size_bytes)
    values = np.frombuffer(given, np.int8).reshape(network.tensors["in"].shape)
    out = run(network, {"in": values})["out"]
    lines = report.serial.splitlines()
    assert lines[1] == f"#input 0 in int8 192 0x{zlib.crc32(given):08x}"
    assert lines[2].startswith(f"#output 0 out int8 240 0x{zlib.crc32(out.tobytes()):08x}")
    assert [int(word) for word in lines[2].split()[6:]] == out.reshape(-1)[:16].tolist()
    assert [mark.name for mark in report.marks] == ["conv2d_0", "pool2d_1", "binary_2", "concatenation_3", "pad_4"]
    assert lines[-1] == "#end"


def test_layers_that_have_nothing_to_do_are_neither_called_nor_marked(network: Network) -> None:
    code = sources_of(network, M4).files["network.c"]
    assert "reshape_5" in code
    assert "RUN(6" not in code


def test_marks_name_the_layers_that_run(network: Network) -> None:
    marks = sources_of(network, M4).marks
    assert list(marks.values()) == ["conv2d_0", "pool2d_1", "binary_2", "concatenation_3", "pad_4"]
    assert list(marks) == [layer.name for layer in network.layers[:5]]


def test_a_program_without_marks_prints_none(network: Network, tmp_path: Path) -> None:
    firmware = build(network, M4, tmp_path / "small.elf", BuildOptions(marks=False))
    report = mcusim.run(firmware.elf, board="m4")
    assert "#output" in report.serial
    assert not report.marks


def test_sizes_add_up_to_what_the_program_takes(network: Network, tmp_path: Path) -> None:
    firmware = build(network, M4, tmp_path / "small.elf")
    sizes, memory = firmware.sizes, mcusim.run(firmware.elf, board="m4").memory
    assert sizes.flash == memory.flash_bytes
    assert sizes.static + sizes.arena == memory.ram_static_bytes
    assert sizes.arena == firmware.sources.arena_bytes
    assert sizes.weights == firmware.sources.weight_bytes
    assert sizes.ram == sizes.static + sizes.arena + sizes.stack_reserve


def test_the_readable_weights_are_those_that_are_assembled(network: Network, elf: Path) -> None:
    sources = sources_of(network, M4)
    text = sources.files["weights.c"].replace('"weights.h"', "<stdint.h>")
    uses = "".join(f'__asm__ volatile("" :: "r"({array.name}));' for array in sources.arrays)
    other = build_text(f"{text}\nint main(void) {{ {uses} return 0; }}\n", "m4")
    for array in sources.arrays:
        assert bytes_of(other, array.name) == bytes_of(elf, array.name) == array.data.tobytes()


def bytes_of(elf: Path, name: str) -> bytes:
    with elf.open("rb") as file:
        image = ELFFile(file)
        symbol = image.get_section_by_name(".symtab").get_symbol_by_name(name)[0]
        section = image.get_section(symbol["st_shndx"])
        start = symbol["st_value"] - section["sh_addr"]
        return section.data()[start : start + symbol["st_size"]]


def test_generated_code_compiles_without_a_warning(network: Network, tmp_path: Path) -> None:
    sources = sources_of(network, M4)
    for name, text in sources.files.items():
        (tmp_path / name).write_text(text)
    for name in ("network.c", "weights.c", "main.c"):
        for marks in (0, 1):
            made = compiler("").compile_object(
                tmp_path / name, tmp_path / f"{name}_{marks}.o", "m4", flags=("-O2", "-Werror", *ALWAYS), includes=(tmp_path,),
                defines={"MCUSIM_MARKS": marks, "NETWORK_CHECK": marks},
            )  # fmt: skip
            assert made.stat().st_size > 0


def test_equal_constants_are_kept_once(network: Network) -> None:
    arrays = sources_of(network, M4).arrays
    assert len({(array.data.dtype, array.data.tobytes()) for array in arrays}) == len(arrays)


def test_only_one_word_tells_a_program_that_reads_samples(elf: Path, tmp_path: Path) -> None:
    changed = fed(elf, tmp_path / "fed.elf").read_bytes()
    before = elf.read_bytes()
    assert len(changed) == len(before)
    assert sum(a != b for a, b in zip(before, changed, strict=True)) == 1


def test_a_program_of_others_cannot_be_fed(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="no symbol network_switch"):
        fed(build_text("int main(void) { return 0; }", "m4"), tmp_path / "fed.elf")


def test_objects_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_CACHE", str(tmp_path / "cache"))
    source = tmp_path / "one.c"
    source.write_text("int one(void) { return 1; }\n")
    recipe = Recipe((source,), "m4", "", ("-O1",))
    (first,) = objects(recipe, compiler(""))
    made = first.stat().st_mtime_ns
    assert objects(recipe, compiler(""))[0].stat().st_mtime_ns == made
    assert objects(replace(recipe, flags=("-O2",)), compiler(""))[0].parent != first.parent
    source.write_text("int one(void) { return 2; }\n")
    assert objects(recipe, compiler(""))[0].parent != first.parent


def test_identifiers_are_words_of_c_and_all_different() -> None:
    names = ["conv/1:0", "conv.1_0", "Conv 1 0", "2d", "for", "a" * 80, "", "ü", "arm_softmax_s8", "memcpy"]
    found = identifiers(names)
    assert len({word.upper() for word in found.values()}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z_]\w*", word, re.ASCII) for word in found.values())
    assert not {"for", "memcpy", "arm_softmax_s8"} & set(found.values())


class Unheard:
    """An operator that no rule knows."""


def test_an_operator_without_kernel_is_named_with_its_layer_and_what_there_is() -> None:
    tensors = [quantized("in", (1, 2, 3)), quantized("out", (1, 2, 3))]
    network = network_of("new", tensors, (Unheard(), "in", "out"))  # type: ignore[arg-type]
    told = r"layer unheard_0 \(Unheard\).*there are kernels for: .*Conv2D"
    with pytest.raises(NetworkError, match=told):
        sources_of(network, M4)


def test_types_without_kernel_are_named() -> None:
    tensors = [quantized("in", (1, 4)), quantized("out", (1, 4), kind=ElementType.UINT8)]
    network = network_of("types", tensors, (ops.Binary(ops.Arithmetic.ADD), "in in", "out"))
    told = "its tensors are int8, int8, uint8; there are kernels for int8, int8, int8, and for int16, int16, int16"
    with pytest.raises(NetworkError, match=told):
        sources_of(network, M4)


def test_a_folder_that_is_no_cmsis_nn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(McusimError, match="no checkout of CMSIS-NN"):
        sources_of(small(), M4, BuildOptions(cmsis_nn=tmp_path))


def test_a_network_that_is_too_large_for_the_board_is_told_by_how_much(tmp_path: Path) -> None:
    large = 4 << 20
    tensors = [quantized("in", (1, large)), quantized("out", (1, large), 0.1)]
    network = network_of("large", tensors, (ops.Binary(ops.Arithmetic.ADD), "in in", "out"))
    with pytest.raises(TooLarge, match=r"does not fit on m4: RAM [\d,]+ bytes of 1,048,576, [\d,]+ too many \(arena 4,194,304"):
        build(network, M4, tmp_path / "large.elf")


def test_what_a_bootloader_takes_is_no_room_for_a_network(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match=r"flash 1,0\d\d,\d{3} bytes of 983,040, [\d,]+ too many"):
        build(wide(), boards.load("nano-33-ble"), tmp_path / "network.elf", BuildOptions(sparse="never"))


def wide() -> Network:
    """A megabyte of weights."""
    draw = Sketch(x=(1, 1000))
    weights = draw.constant("weights", (1000, 1000))
    draw.layer(ops.FullyConnected(), ("x", weights, ""), "y", (1, 1000))
    return draw.network("y")


@pytest.mark.parametrize(("memory", "told"), [("ram", "RAM"), ("dtcm", "dtcm")])
def test_weights_that_a_memory_does_not_hold_are_told_by_how_much(memory: str, told: str, tmp_path: Path) -> None:
    options = BuildOptions(sparse="never", placement=Placement(memory))
    with pytest.raises(TooLarge, match=rf"on nucleo-h743zi: {told} 1,0\d\d,\d{{3}} bytes of [\d,]+, [\d,]+ too many"):
        build(wide(), boards.load("nucleo-h743zi"), tmp_path / "network.elf", options)


def test_kernels_in_ram_take_ram(tmp_path: Path) -> None:
    board = boards.load("nucleo-h743zi")
    there, copied = (
        build(small(), board, tmp_path / "network.elf", BuildOptions(placement=Placement(kernels=kernels))).sizes
        for kernels in ("flash", "itcm")
    )
    taken = dict(copied.memories)["itcm"]
    assert taken > 1000
    assert dict(there.memories)["itcm"] == 0
    assert copied.static - there.static == pytest.approx(taken, abs=16)  # and a line in the table of what is copied
