"""Presidio's context words: a value beside a word that says what it is, is the more probable."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from presidio_analyzer import RecognizerResult

from clearway.sensitivity.artifacts import TokenArtifacts

# As in Presidio's LemmaContextAwareEnhancer, with whole words.
RAISE: Final = 0.35
LOWEST: Final = 0.4
N_WORDS: Final = 5


def raise_by_context(
    results: Iterable[RecognizerResult], context: Iterable[str], artifacts: TokenArtifacts
) -> None:
    """Raise the score of each result with a context word among the five words before it.

    Args:
        results: Of one recogniser; changed in place.
        context: The recogniser's words.
        artifacts: Words of the text.
    """
    telling = {word.strip().lower() for word in context}
    words = artifacts.words
    for result in results:
        at = bisect_left(words.starts, result.start)
        if telling.intersection(_words_before(words.words, at)):
            result.score = min(1.0, max(LOWEST, result.score + RAISE))


def _words_before(words: list[str], at: int) -> list[str]:
    found: list[str] = []
    while at > 0 and len(found) < N_WORDS:
        at -= 1
        if words[at][:1].isalnum():
            found.append(words[at].lower())
    return found
