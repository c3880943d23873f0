"""Texts with their gold data classes, from the shared corpora and from the generator, split by template.

Rows that one template made differ in their values only: what decides the side of a row is the text with its
values removed, so that no template stands on both sides. The tagger of names is split alike.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from clearway.errors import TrainingDataError
from training.sensitivity.generator import examples, sessions
from training.sensitivity.tagger_data import is_held_out, skeleton

CLASSES: Final = (
    "personal",
    "contact",
    "financial",
    "health",
    "government_id",
    "credentials",
    "special_category",
    "trade_secret",
)
CLASS_FILE: Final = "classes.csv"
_PRESIDIO: Final = ("presidio_synth_v2", "presidio_generated_large")
# What each corpus says nothing about; its rows are no evidence against these classes.
_UNSAID: Final = {
    **dict.fromkeys(_PRESIDIO, frozenset({"health", "special_category"})),
    "secrets_gitleaks": frozenset(CLASSES) - {"credentials"},
}
# Wikipedia passages name public persons: no class of theirs is a private person's.
CORPORA: Final = (*_PRESIDIO, "secrets_gitleaks", "clean_prompts", "wikigold")
_TEST_SHARE: Final = 4
Split = Literal["train", "test"]


@dataclass(frozen=True)
class Sample:
    """One request with its gold.

    Attributes:
        texts: Text of each part; no prompt goes further than the process.
        classes: Gold data classes.
        unsaid: Classes that the gold says nothing about.
        spans: Per gold span: part, start, end.
        group: Of the template; folds and splits keep it together.
        source: Corpus, or generator.
        kind: As the generator says, or `corpus`, `clean`.
        pair: Of the minimal pair, or empty.
    """

    texts: tuple[str, ...] = field(repr=False)
    classes: frozenset[str]
    unsaid: frozenset[str]
    spans: tuple[tuple[int, int, int], ...]
    group: str
    source: str
    kind: str
    pair: str = ""


def corpora_folder() -> Path:
    """Folder `pii` of the shared corpora.

    Raises:
        TrainingDataError: `CLEARWAY_CORPORA` is not set, or has no such folder.
    """
    root = os.environ.get("CLEARWAY_CORPORA")
    folder = Path(root or ".") / "pii"
    if root is None or not folder.is_dir():
        raise TrainingDataError(
            "CLEARWAY_CORPORA: expected a folder with the corpora in pii/, got none; see data/corpora.md"
        )
    return folder


def corpus_samples(folder: Path, split: Split) -> list[Sample]:
    """Rows of the shared corpora on one side of the split, in the order of the files.

    Raises:
        TrainingDataError: A file is missing or not as `SOURCES.md` describes it.
    """
    gold = _gold(folder / CLASS_FILE)
    rows = ((name, row) for name in CORPORA for row in _rows(folder / f"{name}.jsonl.gz"))
    return [_sample(name, row, gold) for name, row in rows if _is_test(name, row) == (split == "test")]


def generated_samples(split: Split, n: int, seed: int) -> Iterator[Sample]:
    """Examples of the generator as samples."""
    for example in examples(split, n, seed):
        yield Sample(
            texts=(example.text,),
            classes=example.classes,
            unsaid=frozenset(),
            spans=tuple((0, span.start, span.end) for span in example.spans),
            group=example.template,
            source="generator",
            kind=example.kind,
            pair=example.pair,
        )


def session_samples(split: Split, n: int, seed: int) -> Iterator[Sample]:
    """Conversations of the generator as samples of many parts."""
    for index, session in enumerate(sessions(split, n, seed)):
        yield Sample(
            texts=tuple(message["content"] for message in session.messages),
            classes=session.classes,
            unsaid=frozenset(),
            spans=(),
            group=session.template or f"{split}/session/{index}",
            source="generator_sessions",
            kind="session" if session.classes else "clean_session",
        )


def clean_conversations(clean: Sequence[Sample], n_turns: int) -> list[Sample]:
    """Conversations of clean prompts, as many as there are prompts for."""
    return [
        Sample(
            texts=tuple(sample.texts[0] for sample in clean[start : start + n_turns]),
            classes=frozenset(),
            unsaid=frozenset(),
            spans=(),
            group=clean[start].group,
            source="conversations of clean prompts",
            kind="clean_session",
        )
        for start in range(0, len(clean) - n_turns + 1, n_turns)
    ]


def data_sha256(samples: Iterable[Sample]) -> str:
    """Digest of texts and gold, in order."""
    digest = hashlib.sha256()
    for sample in samples:
        facts = [sample.texts, sorted(sample.classes), sample.source, sample.kind, sample.group]
        digest.update(json.dumps(facts, ensure_ascii=True).encode() + b"\n")
    return digest.hexdigest()


def fold_of(group: str, n_folds: int) -> int:
    """Fold of a template."""
    return _bucket(f"fold:{group}", n_folds)


def _sample(name: str, row: dict[str, Any], gold: dict[str, frozenset[str]]) -> Sample:
    text, spans = row["text"], row["spans"]
    return Sample(
        texts=(text,),
        classes=gold.get(row["doc_id"], frozenset()),
        unsaid=_UNSAID.get(name, frozenset()),
        spans=tuple((0, span["start"], span["end"]) for span in spans),
        group=_group(name, row),
        source=row["source"] if name == "clean_prompts" else name,
        kind="clean" if name in ("clean_prompts", "wikigold") else "corpus",
    )


def _group(name: str, row: dict[str, Any]) -> str:
    """The text without its values; a secret's rule; else the document."""
    if name == "secrets_gitleaks":
        return f"rule:{row['meta']['rule']}"
    return f"text:{skeleton(row)}" if name in _PRESIDIO else row["doc_id"]


def _is_test(name: str, row: dict[str, Any]) -> bool:
    """As the tagger's split, which learns from the same rows; secrets by their rule."""
    return _bucket(_group(name, row)) == 0 if name == "secrets_gitleaks" else is_held_out(row, name)


def _bucket(group: str, n: int = _TEST_SHARE) -> int:
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") % n


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except (OSError, ValueError, EOFError) as error:
        raise TrainingDataError(
            f"{path}: expected gzipped JSON lines, got {type(error).__name__}; restore the corpus"
        ) from None


def _gold(path: Path) -> dict[str, frozenset[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return {
                row["doc_id"]: frozenset(filter(None, row["classes"].split("|")))
                for row in csv.DictReader(lines)
            }
    except (OSError, KeyError, ValueError) as error:
        raise TrainingDataError(
            f"{path}: expected doc_id and classes of each row, got {type(error).__name__}; restore the corpus"
        ) from None
