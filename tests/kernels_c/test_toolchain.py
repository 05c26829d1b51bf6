from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from kernels_c import ROOT, source
from kernels_c.toolchain import FINDERS, TARGETS, Compiler, Layout, ToolchainError, ask, find_compiler

NOTHING = "int main(void) { return 0; }\n"
EF_ARM_ABI_FLOAT_HARD = 0x400  # ELF for the Arm Architecture (IHI 0044), table 4-2

COMPILERS = [name for name, finder in FINDERS.items() if finder() is not None]


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    path = tmp_path / "nothing.c"
    path.write_text(NOTHING)
    return path


def vectors_of(elf: Path) -> list[int]:
    with elf.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".vectors")
        assert section["sh_addr"] == 0
        data = section.data()
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


@pytest.mark.parametrize("core", TARGETS)
def test_every_core_gets_an_arm_elf_with_a_vector_table(core: str, nothing: Path) -> None:
    elf = find_compiler().compile([nothing], nothing.with_suffix(".elf"), core)
    with elf.open("rb") as file:
        parsed = ELFFile(file)
        assert parsed["e_machine"] == "EM_ARM"
        entry = parsed["e_entry"]
        symbols = {symbol.name: symbol["st_value"] for symbol in parsed.get_section_by_name(".symtab").iter_symbols()}
    vectors = vectors_of(elf)
    assert len(vectors) == 16 + 32
    assert vectors[0] == 0x2010_0000
    assert vectors[1] == symbols["Reset_Handler"] == entry
    assert vectors[1] & 1
    assert vectors[15] == symbols["Default_Handler"]
    assert vectors[7] == 0


@pytest.mark.slow
@pytest.mark.parametrize("core", TARGETS)
def test_both_compilers_agree_on_the_float_abi(core: str, nothing: Path) -> None:
    for name in COMPILERS:
        elf = find_compiler(name).compile([nothing], nothing.with_name(f"{name}.elf"), core)
        with elf.open("rb") as file:
            hard = bool(ELFFile(file)["e_flags"] & EF_ARM_ABI_FLOAT_HARD)
        assert hard == bool(TARGETS[core].fpu), name


@pytest.mark.parametrize("name", COMPILERS)
def test_the_kernels_compile_without_a_warning(name: str, nothing: Path) -> None:
    kernels = [path for path in sorted((ROOT / "src").glob("*.c")) if path.name not in BUILT_ANYWAY]
    compiler = find_compiler(name)
    elf = compiler.compile([nothing, *kernels], nothing.with_suffix(".elf"), "m4", flags=("-O2", "-Werror", "-Wshadow"))
    assert elf.exists()  # a warning would have been an error


BUILT_ANYWAY = {"startup.c", "uart_text.c", "uart_semihosting.c", "memory.c", "newlib_calls.c"}


def test_a_program_lives_where_its_layout_says(nothing: Path) -> None:
    layout = Layout(0x0800_0000, 0x1_0000, ram_origin=0x2400_0000, ram_bytes=0x4000, stack_bytes=0x800)
    elf = find_compiler().compile([nothing], nothing.with_suffix(".elf"), "m7", layout=layout)
    with elf.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".vectors")
        assert section["sh_addr"] == 0x0800_0000
        assert int.from_bytes(section.data()[:4], "little") == 0x2400_4000


def test_the_linker_template_leaves_nothing_unfilled() -> None:
    assert not re.search(r"@\w+@", Layout().script())


def test_data_that_leaves_no_room_for_the_stack_does_not_link(nothing: Path) -> None:
    nothing.write_text("volatile char big[0x3c00]; int main(void) { return big[0]; }\n")
    with pytest.raises(ToolchainError, match="RAM is too small"):
        find_compiler("gcc" if "gcc" in COMPILERS else "zig").compile(
            [nothing], nothing.with_suffix(".elf"), "m4", layout=Layout(ram_bytes=0x4000, stack_bytes=0x800)
        )


def test_a_source_with_an_error_leaves_no_elf_and_shows_the_compilers_words(nothing: Path) -> None:
    elf = nothing.with_suffix(".elf")
    elf.write_bytes(b"of yesterday")
    nothing.write_text("int main(void) { return undeclared; }\n")
    with pytest.raises(ToolchainError, match="undeclared"):
        find_compiler().compile([nothing], elf, "m4")
    assert not elf.exists()


def test_a_compiler_is_asked_again_only_where_its_file_has_changed(tmp_path: Path) -> None:
    script, asked = tmp_path / "compiler", tmp_path / "asked"
    script.write_text(f"#!/bin/sh\necho x >> {asked}\nwc -l < {asked}\n")
    script.chmod(0o755)
    assert [ask(str(script)) for _ in range(3)] == ["1", "1", "1"]
    os.utime(script, ns=(0, 0))
    assert ask(str(script)) == "2"


def test_an_unknown_core_is_refused_with_the_known_ones(nothing: Path) -> None:
    with pytest.raises(ToolchainError, match=r"'m99'.*m0, m0plus, m3, m4, m7, m33"):
        find_compiler().compile([nothing], nothing.with_suffix(".elf"), "m99")


def test_an_unknown_compiler_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolchainError, match=r"'armclang'.*gcc, zig"):
        find_compiler("armclang")


def test_a_library_that_the_compiler_lacks_is_refused(nothing: Path) -> None:
    compiler = Compiler("zig", "0", ("false",))
    with pytest.raises(ToolchainError, match="no C library 'newlib'; it has: none"):
        compiler.compile([nothing], nothing.with_suffix(".elf"), "m4", library="newlib")


def test_the_environment_chooses_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCUSIM_COMPILER", COMPILERS[-1])
    assert find_compiler().name == COMPILERS[-1]


def test_without_any_compiler_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernels_c.toolchain.FINDERS", {"gcc": lambda: None, "zig": lambda: None})
    with pytest.raises(ToolchainError, match="pip install ziglang"):
        find_compiler()


def test_a_file_that_kernels_c_lacks_is_not_found() -> None:
    with pytest.raises(FileNotFoundError, match=r"no file src/nowhere\.c"):
        source("src/nowhere.c")
