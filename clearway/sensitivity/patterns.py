r"""What a pattern is, and the pieces that our patterns share.

The expressions are for the `regex` package with Presidio's flags (ignore case, multiline, dot matches all);
`\K` drops the context before it from the match, so that a finding covers the value alone. Scores: 0.8 and
more is a value with its context or a strict shape, 0.65 a plausible shape, less is a
matter for the class model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# An abbreviation of "number", or any character that ends no sentence and begins no number.
_BETWEEN: Final = r"(?:\b(?:no|nr|num)\.|[^\d.?!]|[.!?](?![\s\d]))"
# From so many digits on, a row is anchored at the numbers of a text and not at its words.
MIN_ANCHOR_DIGITS: Final = 4
MONTH: Final = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|m[a\u00e4]rz|mai|juni|juli|okt|de"
    r"z|janv|f\u00e9v|mars|avr|juin|"
    r"juil|ao\u00fbt|d\u00e9c|ene|abr|ago|dic)[^\W\d_]*"
)
CAPITAL: Final = r"(?-i:\p{Lu})[\w.'\u2019-]*"


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern: what it finds, how sure it is, and when it is worth a try.

    Attributes:
        entity: What it finds.
        name: What it is called.
        score: How sure a match is, in [0, 1].
        regex: The expression.
        parts: Lower-case strings of which a text with a match holds at least one; none: no such string.
        n_digits: Digits that the longest number of a text with a match has at least.
        anchor: Expression of the `re` package for what every match has within it or near it; empty: a number
            of `n_digits` where that is four or more, otherwise one of `parts`.
        reach: Characters before and after the anchor within which a match lies; none: anywhere.
        words: Lower-case words of which such a text holds at least one; none: no such word.
        needs: Name of a fact of `Facts` that holds of such a text, or empty.
        check: Tells whether a matched value is one, or how many of its characters are; none: every match is.
    """

    entity: str
    name: str
    score: float
    regex: str
    parts: tuple[str, ...] = ()
    n_digits: int = 0
    check: Callable[[str], int] | None = None
    words: frozenset[str] = frozenset()
    needs: str = ""
    anchor: str = ""
    reach: tuple[int, int] | None = None


def named(names: str) -> str:
    """Expression for one of the names as a word, a part of a snake_case or the start of a camelCase word."""
    return rf"(?:(?<![^\W_])|(?<=[a-z])(?=(?-i:[A-Z])))(?:{names})(?:(?![^\W\d_])|(?=(?-i:[A-Z])))"


def after(names: str, value: str, n_between: int = 40) -> str:
    """Expression for a value that follows one of its names in the same sentence, field or cell."""
    return named(names) + rf"{_BETWEEN}{{0,{n_between}}}?(?<![\w-]|\d\.)\K" + value


def before(value: str, names: str, n_between: int = 25) -> str:
    """Expression for a value that one of its names follows in the same sentence."""
    return rf"(?<![\w.-]){value}(?={_BETWEEN}{{0,{n_between}}}?{named(names)})"
