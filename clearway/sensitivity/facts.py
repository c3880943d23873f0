"""Cheap facts on a text, each found once, that tell which costly patterns are worth a try."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from clearway.sensitivity.tokens import Tokens, tokenise

# Digits, perhaps with a few separators between them: the frame of every number that identifies.
_NUMBER: Final = re.compile(r"\d(?:[ \t().,/_+\-\u2010-\u2015\u00a0\n]{0,3}\d)+")
# A run as long as the shortest key, without the marks that prose and code put between words.
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_~.-]{16,}")
_WORD: Final = re.compile(r"[^\W_]+")
_NUMBER_AND_COMMA: Final = re.compile(r"\d(?:[ ]?[a-zA-Z]|/\d{1,3})?,[ ][^\W_]")
_DIGIT: Final = re.compile(r"\d")


class Facts:
    """What the gates ask of one text.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def tokens(self) -> Tokens:
        """The words of the text."""
        return tokenise(self.text)

    @cached_property
    def lower(self) -> str:
        """The text in lower case, for words anywhere in it; its offsets may differ from the text's."""
        return self.text.lower()

    @cached_property
    def words(self) -> frozenset[str]:
        """The distinct runs of letters and digits in lower case."""
        return frozenset(_WORD.findall(self.lower))

    @cached_property
    def has_number_and_comma(self) -> bool:
        """Whether a number, perhaps with a letter or a fraction, stands before a comma and a word."""
        return _NUMBER_AND_COMMA.search(self.text) is not None

    @cached_property
    def n_digits(self) -> int:
        """Digits of the longest number, separators within it not counted."""
        if not _DIGIT.search(self.text):
            return 0
        numbers = _NUMBER.findall(self.text)
        return max((sum(map(str.isdigit, number)) for number in numbers), default=1)

    @cached_property
    def has_long_run(self) -> bool:
        """Whether sixteen characters or more of a key's alphabet stand in a row, a digit among them."""
        return any(_DIGIT.search(run) for run in _RUN.findall(self.text))

    def has_any(self, parts: tuple[str, ...]) -> bool:
        """Whether one of the lower-case strings occurs anywhere."""
        return any(part in self.lower for part in parts)
