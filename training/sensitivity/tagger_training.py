"""The tagger of names, trained on the shared corpora and written where a bundle is made."""

from __future__ import annotations

from pathlib import Path

from clearway.sensitivity.name_features import load_lexicon
from clearway.sensitivity.tagger import NAMES_FOLDER
from training.sensitivity.tagger_data import read_corpora
from training.sensitivity.tagger_export import write_tagger
from training.sensitivity.tagger_learning import learn


def train_tagger(corpora: Path, data: Path, out: Path) -> None:
    """Learn from the training side of the corpora and write `tagger.onnx` and `tagger.json`; minutes.

    Args:
        corpora: Folder `pii` of the shared corpora.
        data: Holds the folder with the lists of names.
        out: Folder to write into.

    Raises:
        TrainingDataError: A corpus is missing or cannot be read, or a weight is too large to be held.
    """
    rows = [row for row in read_corpora(corpora) if not row.test]
    lists = data / NAMES_FOLDER
    write_tagger(learn(rows, load_lexicon(lists)), lists, out)
