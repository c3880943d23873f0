"""YAML files that operators own, read strictly: every fault names the file, the line and the remedy."""

from __future__ import annotations

import difflib
import warnings
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError

from clearway.errors import ConfigurationError

MAX_FILE_BYTES = 4 * 1024 * 1024
# What the library lets through of Python's own where a value or a key is odd.
_LIBRARY_FAULTS = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError)


class Strict(BaseModel):
    """A mapping in a file: no unknown key, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


_Model = TypeVar("_Model", bound=Strict)
Location = tuple[str | int, ...]


class YamlFile:
    """A parsed file that still knows on which line each value stands.

    Args:
        path: File to read; UTF-8, at most `MAX_FILE_BYTES`.
        error: Class to raise, so that the reader learns which part of the configuration is wrong.

    Raises:
        ConfigurationError: The file is missing, too large, not YAML, or has a key twice.
    """

    def __init__(self, path: Path, error: type[ConfigurationError]) -> None:
        self.path = path
        self._error = error
        self._root, self._values = self._read()

    def parse(self, model: type[_Model]) -> _Model:
        """The file as `model`.

        Raises:
            ConfigurationError: The first fault, with its line and remedy.
        """
        try:
            return model.model_validate(self._values)
        except ValidationError as fault:
            first = _telling(fault.errors(include_url=False, include_input=False))
            location = tuple(step for step in first["loc"] if step != "[key]")
            raise self.fault(location, _remedy(first, location, model)) from None

    def fault(self, location: Location, text: str) -> ConfigurationError:
        """An error about the value at `location`, ready to raise."""
        return self._error(f"{self.path.name}, line {self.line(location)}: {text}")

    def line(self, location: Location) -> int:
        """Line of the value at `location`, or of its nearest parent that has one; from 1."""
        node, line = self._root, 1
        for key in location:
            try:
                marks = node.lc.data[key]
                line, node = marks[0] + 1, node[key]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line

    def _read(self) -> tuple[Any, Any]:
        try:
            data = self.path.read_bytes()
        except OSError as fault:
            raise self._error(f"{self.path}: cannot be read ({fault.strerror}); restore the file") from fault
        if len(data) > MAX_FILE_BYTES:
            raise self._error(f"{self.path.name}: expected at most {MAX_FILE_BYTES} bytes, got {len(data)}")
        yaml = YAML(typ="rt")
        yaml.Constructor = _Constructor
        try:
            with warnings.catch_warnings(action="error", category=ReusedAnchorWarning):
                root = yaml.load(data.decode("utf-8"))
            return root, _plain(root)
        except UnicodeDecodeError as fault:
            raise self._error(
                f"{self.path.name}: expected UTF-8, got a bad byte at offset {fault.start}"
            ) from None
        except DuplicateKeyError as fault:
            raise self._error(
                f"{self.path.name}, line {_mark(fault)}: a key stands twice; keep one"
            ) from None
        except _ImpossibleValueError as fault:
            raise self._error(
                f"{self.path.name}, line {_mark(fault)}: no such date, number or character; correct the value"
            ) from None
        except YAMLError as fault:
            raise self._error(
                f"{self.path.name}, line {_mark(fault)}: not YAML; correct the syntax"
            ) from None
        except ReusedAnchorWarning:
            raise self._error(f"{self.path.name}: an anchor stands twice; rename one") from None
        except (RecursionError, *_LIBRARY_FAULTS):
            raise self._error(
                f"{self.path.name}: nested too deep, or a key that is no text; write it as in data/"
            ) from None


class _ImpossibleValueError(ConstructorError):
    """A scalar has the form of a date, a number or a character, but there is no such one."""


class _Constructor(RoundTripConstructor):
    """Says where an impossible value stands; the library lets Python's own error through."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """What the node says; `deep` as in the library."""
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, str):
                value.encode("utf-8")
            return value
        except _LIBRARY_FAULTS:
            raise _ImpossibleValueError(problem_mark=node.start_mark) from None


def _mark(fault: YAMLError) -> int:
    mark = fault.problem_mark if isinstance(fault, MarkedYAMLError) else None
    return mark.line + 1 if mark is not None else 1


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return node


def _telling(faults: list[Any]) -> Any:
    """The first fault; of a missing and an unknown key in one mapping the unknown one: it explains both."""
    first = faults[0]
    beside = [f for f in faults if f["type"] == "extra_forbidden" and f["loc"][:-1] == first["loc"][:-1]]
    return beside[0] if beside and first["type"] == "missing" else first


def _remedy(fault: Any, location: Location, model: type[BaseModel]) -> str:
    place = next((step for step in reversed(location) if isinstance(step, str)), "file")
    name = str(location[-1]) if fault["type"] == "invalid_key" else place
    known = _field_names(model, location[:-1])
    if fault["type"] == "extra_forbidden":
        with_unit = sorted(field for field in known if field.startswith(f"{name}_"))
        if with_unit:
            return f"{name}: unit is missing; write {with_unit[0]}"
        close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        return f"{name}: unknown key; " + (f"did you mean {close[0]}?" if close else "remove it")
    if fault["type"] == "missing":
        return f"{name}: required key is missing; add it"
    if fault["type"] == "model_type":
        return f"{name}: expected a mapping; write the keys {', '.join(_field_names(model, location))}"
    text = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {text[0].lower()}{text[1:]}; correct the value"


def _field_names(model: type[BaseModel], location: Location) -> list[str]:
    """Keys of the mapping at `location`, in the order of their declaration."""
    for step in location:
        inner = [m for n, a in _fields(model) if n == step for m in _models_in(a)]
        model = inner[0] if inner else model
    return [name for name, _ in _fields(model)]


def _fields(model: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(info.alias or name, info.annotation) for name, info in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
