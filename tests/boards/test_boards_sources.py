"""Sources of values in board files: which sentence speaks for which value, and what is refused."""

from __future__ import annotations

import pytest

from mcusim import boards
from mcusim.boards import files, sources
from mcusim.boards.sources import Source
from mcusim.errors import BoardError

BASE = """core = "m4"
clock_hertz = 1_000_000
[sources]
core = "document: a manual"
clock_hertz = "measured: a frequency counter"
memories = "default: as on another chip"
"memories.ram.size" = "fitted, n = 3, error 1.5 %: a bench"
[memories.ram]
address = 0x2000_0000
size = "64K"
kind = "ram"
[memories.rom]
address = 0
size = "4K"
kind = "rom"
source = "chapter 7"
"""


@pytest.fixture
def write(tmp_path):
    """Writes files, each based on the one before; the path of the last."""

    def write_files(*texts: str):
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.toml"
            path.write_text(f'base = "{number - 1}.toml"\n{text}' if number else text)
        return path

    return write_files


def said(path) -> dict[str, str]:
    """The source of each value as a sentence."""
    return {each.key: str(each.source) for each in sources.stated(path)}


@pytest.mark.parametrize("name", boards.names())
def test_every_value_of_a_board_that_comes_along_has_a_source(name):
    assert [each.key for each in sources.stated(name) if each.source is None] == []


@pytest.mark.parametrize("name", files.chip_names())
def test_every_value_of_a_chip_has_a_source_too(name):
    assert [each.key for each in sources.stated(files.DATA / "chips" / f"{name}.toml") if each.source is None] == []


def test_doubts_and_fits_are_said_where_there_are_some():
    found = {each.key: each.source for each in sources.stated("nucleo-l4r5zi")}
    fit = found["memories.sram3.opening_cycles"]
    assert (fit.kind, fit.measurements, fit.error) == ("fitted", 35, 0.005)
    assert {each.key: each.source.kind for each in sources.stated("nucleo-h743zi")}["parameters.buses.axi.cycles"] == "default"


def test_the_longest_beginning_of_a_key_speaks_for_it(write):
    found = said(write(BASE))
    assert found["core"] == "document: a manual"
    assert found["memories.ram.address"] == "default: as on another chip"
    assert found["memories.ram.size"] == "fitted, n = 3, error 1.5 %: a bench"


def test_a_text_beside_values_speaks_for_them_and_is_none_itself(write):
    found = said(write(BASE))
    assert found["memories.rom.size"] == "document: chapter 7"
    assert "memories.rom.source" not in found


def test_a_beginning_is_one_of_whole_names(write):
    text = 'core = "m4"\n[sources]\n"memories.ram" = "document: this"\n[memories]\n'
    rows = 'ram = { address = 0, size = 16, kind = "ram" }\nram2 = { address = 32, size = 16, kind = "ram" }\n'
    found = said(write(text + rows))
    assert (found["memories.ram.size"], found["memories.ram2.size"]) == ("document: this", "None")


def test_what_a_base_says_holds_for_its_own_values_only(write):
    found = said(write(BASE, '[memories.ram]\nsize = "32K"\n'))
    assert (found["memories.ram.size"], found["memories.ram.address"]) == ("None", "default: as on another chip")


def test_a_file_speaks_for_its_own_values_and_for_those_of_its_base(write):
    own = '[sources]\n"memories.ram" = "document: a schematic"\n'
    found = said(write(BASE, '[memories.ram]\nsize = "32K"\n' + own))
    assert (found["memories.ram.size"], found["memories.ram.address"]) == ("document: a schematic",) * 2


def test_a_shorter_beginning_does_not_replace_a_longer_one_of_the_base(write):
    found = said(write(BASE, '[sources]\nmemories = "chosen: for fun"\n'))
    assert found["memories.ram.size"] == "fitted, n = 3, error 1.5 %: a bench"
    assert found["memories.ram.address"] == "chosen: for fun"


def test_sources_of_memories_that_a_file_takes_away_are_no_error(write):
    path = write(BASE, "[memories.ram]\nremove = true\n")
    assert [region.name for region in boards.load(path).memories] == ["rom"]
    assert "memories.ram.size" not in said(path)


def test_a_source_for_what_is_not_there_is_refused_with_file_and_key(write):
    path = write(BASE, '[sources]\n"memories.flash.size" = "document: x"\n')
    with pytest.raises(BoardError, match=r"1\.toml: sources\.memories\.flash\.size: no such key"):
        boards.load(path)


@pytest.mark.parametrize(
    "sentence", ["RM0432", "guessed: x", "fitted: x", "document, n = 3, error 1 %: x", "document: ", "default"]
)
def test_sentences_of_another_form_are_refused_with_what_is_allowed(write, sentence):
    path = write(f'core = "m4"\n[sources]\ncore = "{sentence}"\n')
    with pytest.raises(BoardError, match=r"0\.toml: sources\.core: .* is no source; allowed is 'KIND: .*fitted, n = 35, error"):
        boards.load(path)


def test_a_list_of_documents_is_told_where_it_belongs(write):
    with pytest.raises(BoardError, match=r"not a table of keys and sentences; documents go into documents"):
        boards.load(write('core = "m4"\nsources = ["RM0432"]\n'))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("RM0432, chapter 3", Source("document", "RM0432, chapter 3")),
        ("default: as elsewhere", Source("default", "as elsewhere")),
        ("fitted, n = 3, error 2 %: bench", Source("fitted", "bench", 3, 0.02)),
        ("fitted: bench", Source("fitted", "bench")),
        ("fitted n=12, ± 0.01", Source("fitted", "n=12, ± 0.01", 12)),
        ("measured, own bench", Source("measured", "own bench")),
        ("documents of Nordic", Source("document", "documents of Nordic")),
        ("see: chapter 3", Source("document", "see: chapter 3")),
    ],
)
def test_a_text_beside_a_value_may_begin_with_a_kind(text, source):
    assert sources.parse_beside(text) == source


def test_rows_of_a_list_of_tables_are_values_with_sources_of_their_own():
    rows = [{"hertz": 1, "source": "a"}, {"hertz": 2, "source": "b"}]
    found = dict(sources.leaves({"energy": {"core_volts": rows}}))
    assert found == {"energy.core_volts.0.hertz": 1, "energy.core_volts.1.hertz": 2}
