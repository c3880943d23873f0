"""Texts with the spans of persons' names: read from the shared corpora, split, and varied for training."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final
from zlib import crc32

from clearway.errors import TrainingDataError

# Corpus -> its label for a person; no label where the corpus has no gold.
CORPORA: Final = {
    "presidio_synth_v2": "PERSON",
    "presidio_generated_large": "PERSON",
    "wnut17": "person",
    "wikigold": "PER",
    "sec_filings": "PER",
    "clean_prompts": "",
}
_TEST_SHARE: Final = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One text.

    Attributes:
        text: As it stands in the corpus.
        names: Start and end of each person's name.
        source: Corpus, and its part where it has some.
        gold: False where names may stand in the text unmarked.
        test: True where it is held out.
        group: The same for texts of one template or document.
    """

    text: str
    names: tuple[tuple[int, int], ...]
    source: str
    gold: bool
    test: bool
    group: str


def read_corpora(folder: Path) -> list[Row]:
    """Rows of every corpus with names.

    Raises:
        TrainingDataError: A corpus is missing or cannot be read.
    """
    return [row for name, label in CORPORA.items() for row in _read(folder / f"{name}.jsonl.gz", name, label)]


def _read(path: Path, name: str, label: str) -> Iterator[Row]:
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        items = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        raise TrainingDataError(
            f"{path}: expected gzipped JSON lines, got none that can be read; set CLEARWAY_CORPORA"
        ) from None
    for item in items:
        text = item["text"]
        spans = [(s["start"], s["end"]) for s in item["spans"] if s["label"] == label]
        names = tuple((a, b) for a, b in spans if text[a:b].lower() != "nan")
        source = item["source"] if name == "clean_prompts" else name
        yield Row(text, names, source, bool(label), is_held_out(item, name), group_of(item, name))


def is_held_out(item: dict[str, Any], corpus: str) -> bool:
    """Whether a row of a corpus is in the test part: by its template, or by its document."""
    return crc32(group_of(item, corpus).encode()) % _TEST_SHARE == 0


def group_of(item: dict[str, Any], corpus: str) -> str:
    """Template or document of a row.

    The template of a row of the Presidio sets is its text without the values: ids differ between the two.
    """
    return skeleton(item) if corpus.startswith("presidio") else str(item["doc_id"])


def skeleton(item: dict[str, Any]) -> str:
    """The letters of a text without its marked values."""
    text, kept, last = item["text"], [], 0
    for span in sorted(item["spans"], key=lambda s: (s["start"], s["end"])):
        kept.append(text[last : max(last, span["start"])])
        last = max(last, span["end"])
    return re.sub(r"[^a-z]+", " ", ("".join(kept) + text[last:]).lower()).strip()


def varied(rows: list[Row], seed: int) -> Iterator[Row]:
    """Copies of rows in other cases: all lower, all upper, and only the names in lower case."""
    for row in rows:
        random = Random(f"{seed} {crc32(row.text.encode())}")  # noqa: S311 - no secret
        draw = random.random()
        if row.names:
            if draw < 0.55 and len(row.text.lower()) == len(row.text):
                yield _with_text(row, row.text.lower())
            elif draw < 0.85 and len(row.text.upper()) == len(row.text):
                yield _with_text(row, row.text.upper())
            if random.random() < 0.3:
                yield _with_text(row, _lower_names(row))
        elif draw < 0.15 and len(row.text.lower()) == len(row.text):
            yield _with_text(row, row.text.lower())
        elif draw < 0.2 and len(row.text.upper()) == len(row.text):
            yield _with_text(row, row.text.upper())


def _with_text(row: Row, text: str) -> Row:
    return replace(row, text=text)


def _lower_names(row: Row) -> str:
    text = row.text
    for start, end in row.names:
        lower = text[start:end].lower()
        if len(lower) == end - start:
            text = text[:start] + lower + text[end:]
    return text
