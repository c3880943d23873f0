"""Corpora of a sensitivity benchmark: JSON lines with gold spans, and the gold classes beside them.

A row is one object: `text`, and where known `spans` (objects with start, end, label; offsets in characters),
`source`, `doc_id` and `meta` (`span_gold: false`: the spans are not complete).
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from clearway.body import kind_of
from clearway.errors import TrainingDataError
from clearway.request import MAX_CHARACTERS

CLASSES_FILE: Final = "classes.csv"
_ENDINGS: Final = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Gold:
    """A value in a text: its place and its label in the words of the corpus."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt with what is known of it; `repr` shows no text.

    Attributes:
        text: The prompt.
        source: What its numbers are added up under.
        doc_id: The corpus's own id.
        spans: Gold spans.
        classes: Gold data classes; None where nobody said.
        has_all_spans: False where values may stand in it that no span names.
        kind: For generated rows the generator's kind, else empty.
        pair: Id of its minimal pair, else empty.
        template: Id of its template, else empty; rows of one template are not independent.
    """

    text: str = field(repr=False)
    source: str
    doc_id: str
    spans: tuple[Gold, ...] = ()
    classes: frozenset[str] | None = None
    has_all_spans: bool = True
    kind: str = ""
    pair: str = ""
    template: str = ""


def default_corpora() -> tuple[Path, ...]:
    """Every file of rows in `$CLEARWAY_CORPORA/pii`, sorted.

    Raises:
        TrainingDataError: The variable is not set, or there is no such file.
    """
    folder = os.environ.get("CLEARWAY_CORPORA")
    if not folder:
        raise TrainingDataError(
            "CLEARWAY_CORPORA: expected the folder that holds pii/*.jsonl.gz, got nothing; set it, or name "
            "files with --corpus"
        )
    files = sorted(path for path in (Path(folder) / "pii").glob("*") if path.name.endswith(_ENDINGS))
    if not files:
        raise TrainingDataError(
            f"{Path(folder) / 'pii'}: expected files {' or '.join(_ENDINGS)}, got none; "
            "name files with --corpus"
        )
    return tuple(files)


def read_corpora(paths: Sequence[Path], classes: Path | None, known: Collection[str]) -> list[Row]:
    """Rows of the files with their gold classes.

    Args:
        paths: Files of rows.
        classes: Gold classes; by default `classes.csv` beside a file, where there is one.
        known: Data classes of the detector.

    Raises:
        TrainingDataError: A file is missing or a row is not as described; the text names file and line.
    """
    gold: dict[str, frozenset[str]] = {}
    beside = sorted({path.parent / CLASSES_FILE for path in paths})
    for path in [classes] if classes else [path for path in beside if path.is_file()]:
        gold |= read_classes(path, known)
    return [replace(row, classes=gold.get(row.doc_id)) for path in paths for row in read_rows(path)]


def read_rows(path: Path) -> list[Row]:
    """Rows of one file; its name is the source where it holds only one.

    Raises:
        TrainingDataError: The file is missing or a row is not as described.
    """
    rows = [_row(path, number, line) for number, line in _lines(path)]
    if len({row.source for row in rows}) > 1:
        return rows
    return [replace(row, source=_stem(path)) for row in rows]


def read_classes(path: Path, known: Collection[str]) -> dict[str, frozenset[str]]:
    """Gold classes by doc_id, from a CSV file with the columns doc_id and classes (`a|b`; empty: none).

    Raises:
        TrainingDataError: The file is missing, has other columns, or names a class that is not known.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns, lines = reader.fieldnames or [], list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise TrainingDataError(f"{path}: expected a CSV file, got {type(error).__name__}") from error
    if not {"doc_id", "classes"} <= set(columns):
        raise TrainingDataError(f"{path}: expected the columns doc_id and classes, got others")
    gold = {}
    for number, line in enumerate(lines, start=2):
        named = frozenset((line["classes"] or "").split("|")) - {""}
        if not named <= set(known):
            expected = ", ".join(sorted(known))
            raise TrainingDataError(
                f"{path}: line {number}: classes: expected some of {expected}, got another"
            )
        gold[line["doc_id"]] = named
    return gold


def drawn(rows: Sequence[Row], sample: int | None, seed: int) -> list[Row]:
    """At most `sample` rows of each source, in their order; all where None."""
    if sample is None:
        return list(rows)
    by_source: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        by_source.setdefault(row.source, []).append(index)
    kept: set[int] = set()
    for source in sorted(by_source):
        indices = by_source[source]
        kept |= set(Random(f"{seed}:{source}").sample(indices, min(sample, len(indices))))  # noqa: S311
    return [rows[index] for index in sorted(kept)]


def clean_texts(rows: Sequence[Row]) -> list[str]:
    """Texts of the sources that hold no value at all: no row of theirs has a class or a span."""
    mixed = {row.source for row in rows if row.classes != frozenset() or row.spans or row.kind}
    return [row.text for row in rows if row.source not in mixed]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.name.endswith(".gz") else raw).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise TrainingDataError(f"{path}: expected JSON lines, got {type(error).__name__}") from error
    yield from ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _row(path: Path, number: int, line: str) -> Row:
    where = f"{path}: line {number}"
    try:
        given = json.loads(line)
    except ValueError:
        raise TrainingDataError(f"{where}: expected one JSON object, got no JSON") from None
    if not isinstance(given, dict):
        raise TrainingDataError(f"{where}: expected one JSON object, got {kind_of(given)}")
    text = _typed(given, "text", str, None, where)
    if not 1 <= len(text) <= MAX_CHARACTERS:
        raise TrainingDataError(f"{where}: text: expected 1 to {MAX_CHARACTERS} characters, got {len(text)}")
    spans = _typed(given, "spans", list, [], where)
    return Row(
        text=text,
        source=_typed(given, "source", str, _stem(path), where),
        doc_id=_typed(given, "doc_id", str, f"{_stem(path)}/{number - 1}", where),
        spans=tuple(_span(span, len(text), f"{where}: spans[{i}]") for i, span in enumerate(spans)),
        has_all_spans=_typed(given, "meta", dict, {}, where).get("span_gold") is not False,
    )


def _span(given: object, length: int, where: str) -> Gold:
    if not isinstance(given, dict):
        raise TrainingDataError(f"{where}: expected an object, got {kind_of(given)}")
    start, end = (_typed(given, name, int, None, where) for name in ("start", "end"))
    if not 0 <= start < end <= length:
        raise TrainingDataError(f"{where}: expected 0 <= start < end <= {length}, got {start} and {end}")
    return Gold(start, end, _typed(given, "label", str, None, where))


def _typed(given: Mapping[str, Any], name: str, kind: type, default: Any, where: str) -> Any:
    value = given.get(name, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TrainingDataError(f"{where}: {name}: expected {kind_of(kind())}, got {kind_of(value)}")
    return value


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl")
