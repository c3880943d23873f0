"""What recognisers of Presidio are handed beside the text: our words in Presidio's form, and no pipeline."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final

from presidio_analyzer.nlp_engine import NlpArtifacts

from clearway.sensitivity.facts import Facts
from clearway.sensitivity.tokens import Tokens, tokenise

LANGUAGE: Final = "en"


class Word(str):
    """A token as Presidio reads it: a string with its offset and the text that it is."""

    __slots__ = ("idx",)
    idx: int

    @property
    def text(self) -> str:
        """The token itself."""
        return str(self)


class TokenArtifacts(NlpArtifacts):  # type: ignore[misc, unused-ignore]
    """Presidio's artifacts of one text: tokens, their lower-case forms as lemmas, no entities.

    The forms that only a plugged-in recogniser may ask for are made when asked for.

    Args:
        words: Tokens of the text.
        names: Spans of persons' names, of offsets in the text, as found before the other recognisers run.
    """

    def __init__(self, words: Tokens, names: Iterable[tuple[int, int]] = ()) -> None:
        self.words = words
        self.facts: Facts | None = None
        self.names = list(names)
        self.entities = []
        self.scores = []
        self.nlp_engine = None
        self.language = LANGUAGE

    @cached_property
    def tokens(self) -> list[Word]:  # type: ignore[override, unused-ignore]
        """The tokens with their offsets."""
        made = [Word(word) for word in self.words.words]
        for word, start in zip(made, self.words.starts, strict=True):
            word.idx = start
        return made

    @cached_property
    def tokens_indices(self) -> list[int]:  # type: ignore[override, unused-ignore]
        """Offsets of the tokens."""
        return self.words.starts

    @cached_property
    def lemmas(self) -> list[str]:  # type: ignore[override, unused-ignore]
        """The tokens in lower case."""
        return [word.lower() for word in self.words.words]

    @cached_property
    def keywords(self) -> list[str]:  # type: ignore[override, unused-ignore]
        """Lower-case words with a letter or a digit, in order."""
        return [lemma for lemma in self.lemmas if lemma[:1].isalnum()]


def artifacts_of(text: str, names: Iterable[tuple[int, int]] = ()) -> TokenArtifacts:
    """Artifacts of a text that is not tokenised yet."""
    return TokenArtifacts(tokenise(text), names)


def words_of(text: str, artifacts: NlpArtifacts | None) -> TokenArtifacts:
    """The artifacts, where they are ours, or new ones: Presidio's own engine may call a recogniser too."""
    return artifacts if isinstance(artifacts, TokenArtifacts) else artifacts_of(text)
