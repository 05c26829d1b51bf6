"""Which kernels a project takes along: all that what it calls needs, as the linker sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from kernels_c.toolchain import find_compiler
from mcusim.deploy.library import Recipe, needed_kernels, objects, own_kernels

NAMES = ("arm_", "nn_")


def symbols(path: Path, *, undefined: bool) -> Iterator[str]:
    """Global names of kernels that an object defines, or that it takes from others."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        for symbol in table.iter_symbols():
            is_global = symbol["st_info"]["bind"] == "STB_GLOBAL" and symbol.name.startswith(NAMES)
            if is_global and (symbol["st_shndx"] == "SHN_UNDEF") == undefined:
                yield symbol.name


@pytest.mark.parametrize(("core", "fpu"), [("m0plus", ""), ("m4", "single")])
def test_every_kernel_that_a_kernel_calls_comes_along(core: str, fpu: str) -> None:
    sources = own_kernels()
    built = dict(zip(sources, objects(Recipe(sources, core, fpu, ("-O2",)), find_compiler()), strict=True))
    home = {name: source for source, path in built.items() for name in symbols(path, undefined=False)}
    assert len(home) > 100
    for source, path in built.items():
        needed = needed_kernels(symbols(path, undefined=False))
        missing = [name for name in symbols(path, undefined=True) if home[name] not in needed]
        assert not missing, f"{source.name} calls {missing}"
