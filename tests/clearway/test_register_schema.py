"""The published JSON Schemas are those of the code, and the shipped files fit them."""

from __future__ import annotations

from datetime import date
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from clearway.installation import data_folder
from clearway.register_schema import register_schemas

FOLDER = data_folder() / "register"
FILES = ("providers", "models", "prices", "reviews")


def read(name: str) -> Any:
    """A file as an editor sees it: YAML 1.2 has no dates, they are texts."""
    return as_editor(YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yaml").read_text("utf-8")))


def as_editor(value: Any) -> Any:
    """The value with its dates as texts."""
    if isinstance(value, dict):
        return {key: as_editor(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_editor(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def validator(name: str) -> Any:
    """The published schema of a file."""
    schema = YAML(typ="safe", pure=True).load((FOLDER / "schema" / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schemas_are_those_of_the_code() -> None:
    """Run `python -m clearway.register_schema` after changing a field."""
    published = {path.name: path.read_text("utf-8") for path in (FOLDER / "schema").iterdir()}
    assert published == register_schemas()


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_files_fit_and_name_their_schema(name: str) -> None:
    """An editor finds the schema by the first line, and has nothing to complain of."""
    first = (FOLDER / f"{name}.yaml").read_text("utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=schema/{name}.schema.json"
    validator(name).validate(read(name))


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("providers", ("providers", 0, "prompts", "kept_days"), "30"),
        ("providers", ("providers", 0, "nmae"), "OpenAI"),
        ("providers", ("providers", 0, "review"), {"reviewer": "r"}),
        ("models", ("models", 0, "id"), "Upper Case"),
        ("prices", ("prices", 0, "input_usd_per_mtok"), "1e3"),
        ("reviews", ("reviews", 0, "evidence_sha256"), "none"),
        ("reviews", ("reviews", 0, "findings"), []),
    ],
)
def test_an_editor_marks_a_mistake(name: str, path: tuple[Any, ...], value: Any) -> None:
    """What the register refuses to load, the schema refuses too."""
    content = read(name)
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        validator(name).validate(content)
