"""Tests of the whole-number scores of languages."""

from __future__ import annotations

import py3langid
import pytest
from py3langid.langid import MODEL_FILE

from clearway.sensitivity.languages import ONE, ExactIdentifier, margin_over_english

TEXTS = (
    "ich gehe heute nach hause und esse",
    "je suis en retard pour le train de demain matin",
    "she went home early because it was raining",
    "ok",
)


@pytest.mark.parametrize("text", TEXTS)
def test_margins_are_those_of_py3langid(text: str) -> None:
    """Sums of whole numbers say the same as the floats of py3langid, to a thousandth."""
    scores = dict(py3langid.rank(text))
    margin = max(scores.values()) - scores["en"]
    assert margin_over_english(text) / ONE == pytest.approx(margin, abs=1e-3)


@pytest.mark.parametrize("text", TEXTS)
def test_scores_are_whole_numbers(text: str) -> None:
    """No score has a fraction, which the order of a float sum could change."""
    ranked = ExactIdentifier.from_model_file(MODEL_FILE).rank(text)
    assert all(float(score).is_integer() for _, score in ranked)
