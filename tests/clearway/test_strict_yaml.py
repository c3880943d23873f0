"""YAML files: every fault names the file, the line and the remedy, and nothing else is ever raised."""

from __future__ import annotations

import contextlib
import re
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import Field, StrictInt, StrictStr

from clearway.errors import ConfigurationError, PolicyError, RegisterError
from clearway.strict_yaml import MAX_FILE_BYTES, Strict, YamlFile


class Engine(Strict):
    """A nested mapping with a unit in a key."""

    power_kw: Annotated[StrictInt, Field(ge=1)]
    built_on: date | None = None


class Ship(Strict):
    """A file."""

    name: StrictStr
    class_: StrictStr = Field(default="none", alias="class")
    engines: tuple[Engine, ...] = ()
    ports: dict[Annotated[StrictStr, Field(pattern="^[a-z]+$")], Engine] = Field(default_factory=dict)


TOO_ODD = "nested too deep, or a key that is no text; write it as in data/"


def write(folder: Path, text: str) -> Path:
    """A file with this content."""
    path = folder / "ship.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    """A file becomes its model, whatever its order, comments, anchors and byte order mark."""
    text = "\ufeff# x\nengines: [&e {power_kw: 0x10, built_on: 2026-01-31}, *e]\nname: 'No'\nclass: a\n"
    ship = YamlFile(write(tmp_path, text), ConfigurationError).parse(Ship)
    engine = Engine(power_kw=16, built_on=date(2026, 1, 31))
    assert ship == Ship.model_validate({"name": "No", "class": "a", "engines": [engine, engine]})


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "file: expected a mapping; write the keys name, class, engines, ports"),
        ("- 1", 1, "file: expected a mapping; write the keys name, class, engines, ports"),
        ("class: x", 1, "name: required key is missing; add it"),
        ("name: x\n\nnmae: y", 3, "nmae: unknown key; did you mean name?"),
        ("name: x\npower_kw: 1", 2, "power_kw: unknown key; remove it"),
        ("name: 7", 1, "name: input should be a valid string; correct the value"),
        ("name: x\n1: x", 2, "1: keys should be strings; correct the value"),
        ("name: x\nengines:\n  - power: 1", 3, "power: unit is missing; write power_kw"),
        ("name: x\nengines:\n  - power_kw: 1\n    power: 1", 4, "power: unit is missing; write power_kw"),
        ("name: x\nengines:\n  - built_on: 2026-01-01", 3, "power_kw: required key is missing; add it"),
        (
            "name: x\nengines:\n- power_kw: 1\n- power_kw: 0",
            4,
            "power_kw: input should be greater than or equal to 1; correct the value",
        ),
        (
            "name: x\nengines: [{power_kw: 1.0}]",
            2,
            "power_kw: input should be a valid integer; correct the value",
        ),
        ("name: x\nports: {a: }", 2, "a: expected a mapping; write the keys power_kw, built_on"),
        ("name: x\nports: {A: {}}", 2, "A: string should match pattern '^[a-z]+$'; correct the value"),
        ("name: x\nname: y", 2, "a key stands twice; keep one"),
        ("name: x\nclass: [", 2, "not YAML; correct the syntax"),
        ("name: x\n---\nname: y", 2, "not YAML; correct the syntax"),
        (
            "name: x\nengines:\n- built_on: 2026-13-45",
            3,
            "no such date, number or character; correct the value",
        ),
        (f"name: x\nclass: {'9' * 5_000}", 2, "no such date, number or character; correct the value"),
        ('name: "\\ud800"', 1, "no such date, number or character; correct the value"),
    ],
)
def test_a_fault_names_line_and_remedy(tmp_path: Path, text: str, line: int, message: str) -> None:
    """Each mistake is refused with the file, the line it stands on and what to do."""
    expected = rf"\Aship\.yaml, line {line}: {re.escape(message)}\Z"
    with pytest.raises(ConfigurationError, match=expected):
        YamlFile(write(tmp_path, text), ConfigurationError).parse(Ship)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "ship.yaml: expected UTF-8, got a bad byte at offset 0"),
        (b"#" * (MAX_FILE_BYTES + 1), "ship.yaml: expected at most 4194304 bytes, got 4194305"),
        (b"[" * 1_000, f"ship.yaml: {TOO_ODD}"),
        (b"&a\nname: *a", f"ship.yaml: {TOO_ODD}"),
        (b"? - : 1", f"ship.yaml: {TOO_ODD}"),
        (b"name: &a x\nclass: &a y", "ship.yaml: an anchor stands twice; rename one"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    """What is wrong as a whole has no line."""
    path = tmp_path / "ship.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=rf"\A{re.escape(message)}\Z"):
        YamlFile(path, ConfigurationError)


def test_a_missing_file(tmp_path: Path) -> None:
    """The text names the whole path."""
    path = tmp_path / "ship.yaml"
    text = f"{path}: cannot be read (No such file or directory); restore the file"
    with pytest.raises(ConfigurationError, match=rf"\A{re.escape(text)}\Z"):
        YamlFile(path, ConfigurationError)


@pytest.mark.parametrize("error", [RegisterError, PolicyError])
def test_the_reader_learns_which_part_is_wrong(tmp_path: Path, error: type[ConfigurationError]) -> None:
    """The error is of the class that the caller named, while reading and while parsing."""
    with pytest.raises(error):
        YamlFile(tmp_path / "none.yaml", error)
    with pytest.raises(error):
        YamlFile(write(tmp_path, "{}"), error).parse(Ship)


def test_the_line_of_a_missing_value_is_its_parents(tmp_path: Path) -> None:
    """A location that the file does not hold stands where the nearest parent does."""
    file = YamlFile(write(tmp_path, "name: x\nengines:\n  - power_kw: 1\n"), ConfigurationError)
    places = [("name",), ("engines", 0, "power_kw"), ("engines", 0, "nothing"), ("engines", 5), ("no", "no")]
    assert [file.line(place) for place in places] == [1, 3, 3, 2, 1]


PIECES = """name:_ class:_ engines: ports: \\n \\n__ -_ [ ] { } ,_ :_ &a_ *a ?_ !!int_ !!binary_ !x_
2026-02-30 0x 1e "\\ud800" ' # <<:_ --- %YAML \\t 1:61 .inf ~ \x07"""
yaml_like = st.lists(
    st.sampled_from(
        [piece.replace("_", " ").replace("\\n", "\n").replace("\\t", "\t") for piece in PIECES.split()]
    ),
    max_size=12,
).map("".join)


@settings(max_examples=150, deadline=None)
@example(b"? - :")
@example(b"!!int")
@example(b"&! : &!")
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | yaml_like.map(str.encode))
def test_nothing_else_is_raised(data: bytes) -> None:
    """Whatever the bytes of a file, they parse or are refused by an error of ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ship.yaml"
        path.write_bytes(data)
        with contextlib.suppress(ConfigurationError):
            YamlFile(path, ConfigurationError).parse(Ship)
