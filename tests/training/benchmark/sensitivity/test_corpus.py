"""Corpora of the sensitivity benchmark: what is read, and what is refused and how."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from clearway.errors import TrainingDataError
from clearway.request import MAX_CHARACTERS
from training.benchmark.sensitivity.corpus import (
    Gold,
    Row,
    clean_texts,
    default_corpora,
    drawn,
    read_classes,
    read_corpora,
    read_rows,
)

CLASSES = ("contact", "financial")


def _write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_rows_carry_spans_and_gold_classes(tmp_path: Path) -> None:
    """The name of a file is the source where it holds one; classes.csv beside it is found by itself."""
    span = {"start": 3, "end": 7, "label": "CREDIT_CARD"}
    rows = [
        {"text": "My 4111", "spans": [span], "source": "upstream", "doc_id": "a/0"},
        {"text": "No card", "doc_id": "a/1", "source": "upstream", "meta": {"span_gold": False}},
        {"text": "Who knows", "doc_id": "a/2", "source": "upstream"},
    ]
    (tmp_path / "classes.csv").write_text("doc_id,classes\na/0,contact|financial\na/1,\n")
    path = tmp_path / "mine.jsonl.gz"
    path.write_bytes(gzip.compress(_write(tmp_path / "plain", *rows).read_bytes()))
    first, second, third = read_corpora([path], None, CLASSES)
    assert first.spans == (Gold(3, 7, "CREDIT_CARD"),)
    assert first.classes == frozenset({"contact", "financial"})
    assert (second.classes, second.has_all_spans) == (frozenset(), False)
    assert third.classes is None
    assert {row.source for row in (first, second, third)} == {"mine"}


def test_sources_of_one_file_stay_apart(tmp_path: Path) -> None:
    """A file of several sources keeps their names; ids are made where there are none."""
    path = _write(tmp_path / "two.jsonl", {"text": "a", "source": "x"}, {"text": "b", "source": "y"})
    assert [(row.source, row.doc_id) for row in read_rows(path)] == [("x", "two/0"), ("y", "two/1")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "expected one JSON object, got no JSON"),
        ("[]", "expected one JSON object, got a list"),
        ("{}", "text: expected a string, got null"),
        ('{"text": ""}', f"text: expected 1 to {MAX_CHARACTERS} characters, got 0"),
        ('{"text": "a", "spans": 1}', "spans: expected a list, got a number"),
        ('{"text": "a", "spans": ["b"]}', "spans[0]: expected an object, got a string"),
        (
            '{"text": "a", "spans": [{"start": 0, "end": 2, "label": "X"}]}',
            "spans[0]: expected 0 <= start < end <= 1, got 0 and 2",
        ),
        (
            '{"text": "a", "spans": [{"start": true, "end": 1, "label": "X"}]}',
            "spans[0]: start: expected a number, got a boolean",
        ),
        (
            '{"text": "a", "spans": [{"start": 0, "end": 1}]}',
            "spans[0]: label: expected a string, got null",
        ),
        ('{"text": "a", "meta": 3}', "meta: expected an object, got a number"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, line: str, fault: str) -> None:
    """The text names file, line and field, and quotes no value."""
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n")
    with pytest.raises(TrainingDataError) as caught:
        read_rows(path)
    assert str(caught.value) == f"{path}: line 2: {fault}"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("missing.jsonl", None, "FileNotFoundError"),
        ("broken.jsonl.gz", b"no gzip", "BadGzipFile"),
        ("binary.jsonl", b"\xff\xfe\x00", "UnicodeDecodeError"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str, content: bytes | None, fault: str) -> None:
    """Missing, damaged or binary: the text says what was expected."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainingDataError) as caught:
        read_rows(path)
    assert str(caught.value) == f"{path}: expected JSON lines, got {fault}"


def test_gold_classes_must_be_known(tmp_path: Path) -> None:
    """A class that the detector does not have is a fault, as are other columns and a missing file."""
    path = tmp_path / "classes.csv"
    with pytest.raises(TrainingDataError) as caught:
        read_classes(path, CLASSES)
    assert str(caught.value) == f"{path}: expected a CSV file, got FileNotFoundError"
    path.write_text("id,class\n1,2\n")
    with pytest.raises(TrainingDataError) as caught:
        read_classes(path, CLASSES)
    assert str(caught.value) == f"{path}: expected the columns doc_id and classes, got others"
    path.write_text("doc_id,classes\na,contact\nb,telepathy\n")
    with pytest.raises(TrainingDataError) as caught:
        read_classes(path, CLASSES)
    assert str(caught.value) == f"{path}: line 3: classes: expected some of contact, financial, got another"


def test_default_corpora_are_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file of rows in its folder `pii`; what is missing is said."""
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    with pytest.raises(TrainingDataError) as caught:
        default_corpora()
    assert str(caught.value) == (
        "CLEARWAY_CORPORA: expected the folder that holds pii/*.jsonl.gz, got nothing; set it, or name files "
        "with --corpus"
    )
    monkeypatch.setenv("CLEARWAY_CORPORA", str(tmp_path))
    with pytest.raises(TrainingDataError) as caught:
        default_corpora()
    assert str(caught.value) == (
        f"{tmp_path / 'pii'}: expected files .jsonl or .jsonl.gz, got none; name files with --corpus"
    )
    (tmp_path / "pii").mkdir()
    for name in ("b.jsonl.gz", "a.jsonl", "classes.csv"):
        (tmp_path / "pii" / name).touch()
    assert [path.name for path in default_corpora()] == ["a.jsonl", "b.jsonl.gz"]


def test_a_sample_bounds_each_source() -> None:
    """At most so many of each, the same ones for a seed, in their order; all of them without a bound."""
    rows = [Row(str(index), f"s{index % 2}", str(index)) for index in range(40)]
    chosen = drawn(rows, 5, 0)
    assert chosen == drawn(rows, 5, 0) != drawn(rows, 5, 1)
    assert [row.source for row in chosen].count("s0") == 5 == len(chosen) - 5
    assert chosen == sorted(chosen, key=lambda row: int(row.doc_id))
    assert drawn(rows, None, 0) == rows


def test_clean_texts_come_from_clean_sources() -> None:
    """A source with one class or one span lends no text that is to be free of data."""
    none: frozenset[str] = frozenset()
    rows = [
        Row("clean", "a", "1", classes=none),
        Row("named", "b", "2", (Gold(0, 5, "PERSON"),), none),
        Row("also b", "b", "3", classes=none),
        Row("unknown", "c", "4"),
    ]
    assert clean_texts(rows) == ["clean"]


def test_repr_shows_no_text() -> None:
    """A row in a traceback quotes nothing."""
    assert "4111" not in repr(Row("my card 4111", "a", "1"))
