"""Cheap facts on a text, each found once, that tell which costly patterns are worth a try."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from clearway.sensitivity.tokens import Tokens, tokenise

# Digits, perhaps with a few separators between them: the frame of every number that identifies.
_NUMBER: Final = re.compile(r"\d(?:[ \t().,/_+\-\u2010-\u2015\u00a0\n]{0,3}\d)+")
# A run as long as the shortest key, without the marks that prose and code put between words.
_RUN: Final = re.compile(r"[A-Za-z0-9+/=_~.-]{16,}")
_WORD: Final = re.compile(r"[^\W_]+")
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
    def numbers(self) -> list[tuple[int, int, int]]:
        """Start, end and number of digits of each number of two digits or more."""
        return [(*m.span(), len(_DIGIT.findall(m.group()))) for m in _NUMBER.finditer(self.text)]

    @cached_property
    def n_digits(self) -> int:
        """Digits of the longest number, separators within it not counted."""
        if not _DIGIT.search(self.text):
            return 0
        return max((n_digits for _, _, n_digits in self.numbers), default=1)

    @cached_property
    def has_long_run(self) -> bool:
        """Whether sixteen characters or more of a key's alphabet stand in a row, a digit among them."""
        return any(_DIGIT.search(run) for run in _RUN.findall(self.text))

    def windows(self, spans: Iterable[tuple[int, int]], before: int, after: int) -> list[tuple[int, int]]:
        """Stretches of the text around the spans, in order and apart.

        Args:
            spans: In order.
            before: Characters before each span.
            after: Characters after each span.
        """
        found: list[tuple[int, int]] = []
        for start, end in spans:
            low, high = max(0, start - before), min(len(self.text), end + after)
            if found and low <= found[-1][1]:
                low, _ = found.pop()
            found.append((low, high))
        return found

    def has_any(self, parts: tuple[str, ...]) -> bool:
        """Whether one of the lower-case strings occurs anywhere."""
        lower = self.lower
        for part in parts:  # noqa: SIM110  # asked some hundred times of each text
            if part in lower:
                return True
        return False
