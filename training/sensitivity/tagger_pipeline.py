"""The texts that the tagger of names is learned from, and how well it does on those held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from clearway.sensitivity.tagger import KEEP_PPM, Tagger
from clearway.sensitivity.tokens import tokenise
from training.sensitivity.generator import examples
from training.sensitivity.tagger_data import Row, read_corpora
from training.sensitivity.tagger_learning import BoolArray, in_names

GENERATOR_SEED: Final = 7
N_GENERATED: Final = 6_000
# These kinds hold clean prompts with names that are not marked.
_UNMARKED: Final = frozenset({"spliced", "spliced_harmless"})


def tagger_rows(corpora: Path) -> list[Row]:
    """Texts that the tagger is learned from: the training side of the corpora and of the generator.

    Raises:
        TrainingDataError: A corpus is missing or cannot be read.
    """
    rows = [row for row in read_corpora(corpora) if not row.test]
    return rows + generated_rows("train", N_GENERATED, GENERATOR_SEED)


def generated_rows(split: Literal["train", "test"], n: int, seed: int) -> list[Row]:
    """Prompts of the generator whose names are all marked."""
    return [
        Row(
            text=example.text,
            names=tuple((s.start, s.end) for s in example.spans if s.entity == "PERSON"),
            source="generator",
            gold=True,
            test=split == "test",
            group=example.template,
        )
        for example in examples(split, n, seed)
        if example.kind not in _UNMARKED
    ]


@dataclass(frozen=True, slots=True)
class TaggerScore:
    """Counts over rows of one source.

    Attributes:
        source: Corpus.
        n_tokens: Tokens in all.
        n_named_tokens: Tokens in names.
        n_found_tokens: Of these, found.
        n_said_tokens: Tokens found, right or wrong.
        n_names: Names.
        n_met: Names of which some token was found.
        n_exact: Names found from first to last token.
        n_said: Names found, right or wrong.
    """

    source: str
    n_tokens: int
    n_named_tokens: int
    n_found_tokens: int
    n_said_tokens: int
    n_names: int
    n_met: int
    n_exact: int
    n_said: int


def measure(
    tagger: Tagger, rows: Iterable[Row], change: Callable[[str], str] = str, keep_ppm: int = KEEP_PPM
) -> list[TaggerScore]:
    """Scores by source.

    Args:
        tagger: A loaded tagger.
        rows: Texts with their names; unmarked ones count what is found in them.
        change: Done to each text first, such as `str.lower`; texts whose length it changes are left out.
        keep_ppm: Tokens from here up are found.
    """
    counts: dict[str, list[int]] = {}
    for row in rows:
        text = change(row.text)
        tokens = tokenise(text)
        if len(text) != len(row.text) or len(tokens) == 0:
            continue
        named = in_names(tokens, row.names)
        said = tagger.probabilities(tokens) >= keep_ppm
        added = _counts(named, said)
        counts[row.source] = [a + b for a, b in zip(counts.get(row.source, [0] * 8), added, strict=True)]
    return [TaggerScore(source, *values) for source, values in counts.items()]


def _counts(named: BoolArray, said: BoolArray) -> Sequence[int]:
    names, found = _runs(named), _runs(said)
    met = sum(bool(said[start:end].any()) for start, end in names)
    tokens = (len(named), int(named.sum()), int((named & said).sum()), int(said.sum()))
    return (*tokens, len(names), met, len(set(names) & set(found)), len(found))


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
