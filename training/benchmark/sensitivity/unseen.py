"""Rows that no part of the detector learned from: numbers on the others would flatter it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from training.benchmark.sensitivity.corpus import Row


def without_training(rows: Sequence[Row]) -> list[Row]:
    """The rows whose text is none that the tagger or the class model learned from.

    Without `CLEARWAY_CORPORA` nothing can be compared, and every row stays.
    """
    root = os.environ.get("CLEARWAY_CORPORA")
    if not root or not (Path(root) / "pii").is_dir():
        return list(rows)
    learned = training_texts(Path(root) / "pii")
    return [row for row in rows if row.text not in learned]


def training_texts(folder: Path) -> frozenset[str]:
    """Texts of the shared corpora that are on the training side of the tagger's split or the classes'.

    Raises:
        TrainingDataError: A corpus is missing or cannot be read.
    """
    from training.sensitivity.samples import corpus_samples
    from training.sensitivity.tagger_data import read_corpora

    names = {row.text for row in read_corpora(folder) if not row.test}
    return frozenset(names | {text for one in corpus_samples(folder, "train") for text in one.texts})
