"""The report as JSON, its schema, and its page in the documentation."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest

import mcusim.report as report_package
from mcusim.report import Exit, Host, Report, ReportError, text_of
from tests.report.samples import FULL, SPARE

SCHEMA = json.loads(files("mcusim.report").joinpath("run_1.schema.json").read_text())
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "schema_run_1.md").read_text()


@pytest.mark.parametrize("report", [SPARE, FULL], ids=["spare", "full"])
def test_report_survives_json_without_loss(report):
    assert Report.from_json(report.to_json()) == report
    assert Report.from_json(report.to_json(indent=None).encode()) == report


@pytest.mark.parametrize("report", [SPARE, FULL], ids=["spare", "full"])
def test_report_obeys_the_schema(report):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert list(validator.iter_errors(json.loads(report.to_json()))) == []


def test_schema_refuses_what_is_no_report():
    plain = json.loads(FULL.to_json())
    for change in ({"cycles": -1}, {"cycles": 1.5}, {"schema": "mcusim.run/2"}, {"exit": {"reason": "exit"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**plain, **change}, SCHEMA)


def test_json_names_its_schema_first_and_has_the_keys_that_were_promised():
    plain = json.loads(SPARE.to_json())
    assert next(iter(plain)) == "schema" and plain["schema"] == "mcusim.run/1"
    promised = "cycles instructions clock_hertz latency_seconds exit serial memory functions marks host warnings"
    assert set(promised.split()) <= plain.keys()
    assert set(plain["exit"]) >= {"reason", "code"}
    memory = "flash_bytes ram_static_bytes stack_peak_bytes heap_peak_bytes regions"
    assert set(plain["memory"]) == set(memory.split())
    assert json.loads(FULL.to_json())["memory"]["regions"]["flash"] == {"read_bytes": 4096, "written_bytes": 0}
    function = "name address calls self_cycles inclusive_cycles causes events energy_joules"
    assert set(json.loads(FULL.to_json())["functions"][0]) == set(function.split())
    assert set(json.loads(FULL.to_json())["marks"][0]) == {
        "name", "count", "cycles", "causes", "events", "energy_joules",
    }  # fmt: skip
    assert set(plain["host"]) == {"wall_seconds", "instructions_per_second"}


def dataclass_in(hint: Any) -> type | None:
    """The dataclass that a field holds, alone, in a tuple, in a mapping or optionally."""
    if is_dataclass(hint):
        return hint  # type: ignore[return-value]
    return next((found for each in get_args(hint) if (found := dataclass_in(each))), None)


def schema_in(node: dict[str, Any]) -> dict[str, Any]:
    """The object schema that a property holds, alone, in a list, in a mapping or optionally."""
    if "$ref" in node:
        return SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[1]]
    nested = node.get("items") or node.get("additionalProperties") or node["oneOf"][0]
    return schema_in(nested)


def test_schema_has_exactly_the_fields_of_the_dataclasses():
    work, seen = [(Report, SCHEMA)], set()
    while work:
        kind, schema = work.pop()
        seen.add(kind.__name__)
        hints = get_type_hints(kind)
        assert set(schema["properties"]) == set(schema["required"]) == {each.name for each in fields(kind)}, kind
        nested = [(dataclass_in(hint), schema["properties"][name]) for name, hint in hints.items()]
        work += [(each, schema_in(node)) for each, node in nested if each]
    classes = {name for name in report_package.__all__ if is_dataclass(getattr(report_package, name))}
    assert seen == classes - {"Progress"}


def test_page_lists_every_key_with_the_meaning_that_the_schema_gives():
    for node in (SCHEMA, *SCHEMA["$defs"].values()):
        for key, value in node["properties"].items():
            meaning = value.get("description") or schema_in(value)["description"]
            assert any(line.startswith(f"| `{key}` |") and meaning in line for line in PAGE.splitlines()), key
    for name in SCHEMA["$defs"]:
        assert f"## {name}\n" in PAGE


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema": "mcusim.run/2"}, "schema 'mcusim.run/2', allowed: 'mcusim.run/1'"),
        ({"cycles": "many"}, "report.cycles: str, allowed: int"),
        ({"cycles": True}, "report.cycles: bool, allowed: int"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"functions": {}}, "report.functions: dict, allowed: a list"),
        ({"functions": [{"name": "f"}]}, "report.functions[0]: missing key 'address'"),
        ({"memory": {"regions": {"ram": 3}}}, "report.memory: missing key"),
        ({"fault": []}, "report.fault: list, allowed: an object"),
    ],
)
def test_json_that_is_no_report_is_refused_with_the_place(change, expected):
    plain = {**json.loads(FULL.to_json()), **change}
    with pytest.raises(ReportError) as caught:
        Report.from_json(json.dumps(plain))
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", "[" * 100_000, b"\xff\xfe"])
def test_text_that_is_no_json_object_is_refused(text):
    with pytest.raises(ReportError):
        Report.from_json(text)


def test_integer_seconds_are_read_as_seconds():
    assert Report.from_json(replace(SPARE, host=Host(2, 3)).to_json()).host == Host(2.0, 3.0)  # type: ignore[arg-type]


def test_numbers_that_json_does_not_have_are_not_written():
    with pytest.raises(ValueError, match="Out of range"):
        replace(SPARE, latency_seconds=float("nan")).to_json()


def test_serial_output_that_is_no_utf8_is_shown_in_escapes():
    assert text_of("wörld".encode() + b"\xff\n") == "wörld\\xff\n"


def test_reports_are_frozen():
    with pytest.raises(AttributeError):
        SPARE.cycles = 1  # type: ignore[misc]
    assert replace(SPARE, exit=Exit("timeout", 14)).exit.code == 14
