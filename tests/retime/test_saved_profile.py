"""The file of a saved profile: written whole, read with suspicion."""

from __future__ import annotations

import gzip
import json
import random
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import mcusim
from mcusim.errors import McusimError
from mcusim.report import ReportError, saved_profile
from mcusim.report.saved_profile import SCHEMA, SavedProfile
from tests.support.boards import workload

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "schema_profile_1.md").read_text()


@pytest.fixture(scope="module")
def profile():
    kept = []
    send = ((b"ready\xff", b"go\n"),)
    mcusim.run(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi", save_profile=kept.append, send=send, max_instructions=10**9)
    return kept[0]


@pytest.mark.parametrize("name", ["a.json", "a.profile.gz"])
def test_a_profile_survives_its_file_without_loss(profile, tmp_path, name):
    saved_profile.save(profile, tmp_path / name)
    assert saved_profile.load(tmp_path / name) == profile
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_run_saves_what_it_ran(profile, tmp_path):
    path = tmp_path / "a.profile.gz"
    report = mcusim.run(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi", save_profile=path)
    loaded = saved_profile.load(path)
    assert (loaded.cycles, loaded.instructions, loaded.board) == (report.cycles, report.instructions, "nucleo-l4r5zi")
    assert Path(loaded.program.path).is_absolute() and path.stat().st_size < 20_000
    assert profile.run.send[0].after.encode("latin-1") == b"ready\xff"


def test_equal_runs_make_equal_files(tmp_path):
    paths = [tmp_path / "1.gz", tmp_path / "2.gz"]
    for path in paths:
        mcusim.run(workload("nucleo-l4r5zi"), board="nucleo-l4r5zi", save_profile=path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def classes(kind: type) -> dict[str, type]:
    """All dataclasses that a value of ``kind`` holds."""
    found = {kind.__name__: kind}
    for hint in get_type_hints(kind).values():
        for each in (hint, *get_args(hint)):
            if is_dataclass(each) and each.__name__ not in found:
                found |= classes(each)
    return found


def test_the_page_explains_every_key():
    keys = {field.name for kind in classes(SavedProfile).values() for field in fields(kind)}
    assert SCHEMA in PAGE
    assert {key for key in keys if f"`{key}`" not in PAGE} == set()


def with_lanes(plain, lanes):
    """The profile with other lanes of its first stalls."""
    first, *others = plain["stalls"]
    return {**plain, "stalls": [{**first, "lanes": lanes}, *others]}


DAMAGE = {
    "events: 1 of instructions load": lambda plain: {**plain, "events": {**plain["events"], "instructions": {"load": 1}}},
    "events: their cycles do not add up": lambda plain: {**plain, "events": {"fetch": plain["events"]["fetch"]}},
    "not JSON": lambda plain: "{",
    "'mcusim.run/1', allowed: 'mcusim.profile/1'": lambda plain: {**plain, "schema": "mcusim.run/1"},
    "None, allowed": lambda plain: [plain],
    "missing key 'cycles'": lambda plain: {key: value for key, value in plain.items() if key != "cycles"},
    "unknown key 'colour'": lambda plain: {**plain, "colour": 3},
    "profile.cycles: str, allowed: int": lambda plain: {**plain, "cycles": "3"},
    "but the run has": lambda plain: {**plain, "cycles": plain["cycles"] + 1},
    "functions add up to": lambda plain: {**plain, "functions": plain["functions"][1:]},
    "out of range": lambda plain: {**plain, "cycles": 1 << 80},
    "a count below": lambda plain: {**plain, "instructions": -1},
    "15 lanes, allowed: 16": lambda plain: with_lanes(plain, [0] * 15),
    "stall cycles by cause": lambda plain: with_lanes(plain, [1] * 16),
    "clock_epochs: allowed": lambda plain: {**plain, "clock_epochs": []},
    "a clock of 0 Hz": lambda plain: {**plain, "clock_epochs": [{**plain["clock_epochs"][0], "hertz": 0}]},
    "NaN is no number": lambda plain: json.dumps(plain).replace(str(plain["cycles"]), "NaN", 1),
}


@pytest.mark.parametrize("sentence", DAMAGE)
def test_damage_is_told_with_the_file_and_what_is_wrong(profile, tmp_path, sentence):
    damaged = DAMAGE[sentence](json.loads(profile.to_json()))
    path = tmp_path / "damaged.json"
    path.write_text(damaged if isinstance(damaged, str) else json.dumps(damaged))
    with pytest.raises(ReportError, match=re.escape(sentence)) as error:
        saved_profile.load(path)
    assert str(error.value).startswith(str(path))


def test_deep_nesting_and_long_numbers_are_errors_of_ours(tmp_path):
    for text in ("[" * 200_000, '{"schema": ' + "9" * 10_000 + "}"):
        (tmp_path / "deep.json").write_text(text)
        with pytest.raises(ReportError):
            saved_profile.load(tmp_path / "deep.json")


def test_what_unpacks_beyond_all_bounds_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b" " * (1 << 20)))
    monkeypatch.setattr(saved_profile, "TEXT_BYTES_MAX", 1 << 16)
    with pytest.raises(ReportError, match="unpacks to more than 65,536 bytes"):
        saved_profile.load(path)
    monkeypatch.setattr(saved_profile, "FILE_BYTES_MAX", 100)
    with pytest.raises(ReportError, match="larger than 100 bytes"):
        saved_profile.load(path)


def test_no_file_and_a_folder_are_errors_with_the_path(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ReportError, match=f"{re.escape(str(path))}: cannot be read"):
            saved_profile.load(path)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_an_error_or_a_profile_and_never_a_crash(profile, tmp_path, seed):
    chance = random.Random(seed)
    packed = seed % 2 == 1
    data = bytearray(gzip.compress(profile.to_json().encode(), mtime=0) if packed else profile.to_json().encode())
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data))
        action = chance.randrange(3)
        if action == 0:
            data[place] = chance.randrange(256)
        elif action == 1:
            del data[place : place + chance.randrange(1, 40)]
        else:
            data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 8)))
    path = tmp_path / "fuzzed"
    path.write_bytes(data)
    try:
        read = saved_profile.load(path)
        mcusim.retime(read, sweeps={"wait_states": [None, 0, 15]}, pure=True)
    except McusimError as error:
        assert str(error)


@pytest.mark.parametrize("seed", range(200))
def test_a_profile_with_values_of_other_types_is_an_error_or_a_profile(profile, seed):
    chance = random.Random(f"types {seed}")
    plain = json.loads(profile.to_json())
    holder, key = plain, chance.choice(list(plain))
    while isinstance(holder[key], dict | list) and holder[key] and chance.random() < 0.8:
        holder = holder[key]
        key = chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
    holder[key] = chance.choice([None, True, -1, 0, 1 << 70, 1.5, "", "\ud800", [], {}, [1], {"a": 1}])
    try:
        read = SavedProfile.from_json(json.dumps(plain))
        mcusim.retime(read, sweeps={"wait_states": [None, 0, 15]}, pure=True)
    except McusimError as error:
        assert str(error)


def test_a_board_that_is_no_file_cannot_be_run_again(profile):
    with pytest.raises(McusimError, match="saved from a board that is no file"):
        mcusim.retime(replace(profile, run=replace(profile.run, board="")))
