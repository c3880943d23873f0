"""The tagger of names, trained on the shared corpora and written where a bundle is made."""

from __future__ import annotations

from pathlib import Path

from clearway.sensitivity.name_features import load_lexicon
from clearway.sensitivity.tagger import NAMES_FOLDER
from training.sensitivity.tagger_export import write_tagger
from training.sensitivity.tagger_learning import learn
from training.sensitivity.tagger_pipeline import tagger_rows


def train_tagger(corpora: Path, data: Path, out: Path) -> None:
    """Learn from the training side of corpora and generator; write `tagger.onnx` and `tagger.json`.

    Args:
        corpora: Folder `pii` of the shared corpora.
        data: Holds the folder with the lists of names.
        out: Folder to write into.

    Raises:
        TrainingDataError: A corpus is missing or cannot be read, or a weight is too large to be held.
    """
    lists = data / NAMES_FOLDER
    write_tagger(learn(tagger_rows(corpora), load_lexicon(lists)), lists, out)
