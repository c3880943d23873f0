"""The token estimate: near the encoder on prose, and cheap whatever the text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.token_estimate import estimate_tokens, token_counts

ANY_TEXT = st.text(st.characters(), max_size=300)  # with lone surrogates


@given(text=ANY_TEXT, more=ANY_TEXT)
def test_more_text_more_tokens(text: str, more: str) -> None:
    """Another text never lowers the estimate."""
    assert estimate_tokens([text, more]) > estimate_tokens([text])


@pytest.mark.parametrize(
    ("text", "n_tokens"),
    [
        ("What is the capital of France?", 7),
        ("The quick brown fox jumps over the lazy dog. " * 20, 201),
        ("def f(x):\n    return {'a': x[0], 'b': x[1]}\n", 20),
        ("Let $f(x) = x^3 - 3x + 1$. Find the sum of the squares of its real roots.", 27),
        ("法国的首都是巴黎。这是世界上所有学生都知道的。", 14),
        ("Столица Франции — Париж, и это знают все школьники мира. ", 18),
        ("a" * 16_000, 2_000),
        (" " * 16_000, 125),
    ],
)
def test_estimate_is_near_the_encoder(text: str, n_tokens: int) -> None:
    """Prose and code within 30 percent of o200k_base; other scripts and filler at least 45 percent of it."""
    estimate = estimate_tokens([text]) - 4
    if text.isascii() and len(set(text)) > 1:
        assert abs(estimate / n_tokens - 1) < 0.3
    else:
        assert estimate > n_tokens / 2.2


@given(texts=st.lists(ANY_TEXT, max_size=4))
def test_estimate_is_a_positive_integer(texts: list[str]) -> None:
    """Any Unicode has at least one token, and no text at all has one."""
    estimate = estimate_tokens(texts)
    assert type(estimate) is int
    assert estimate >= max(1, 4 * len(texts))


@given(text=ANY_TEXT)
def test_case_changes_no_ascii_count(text: str) -> None:
    """Letters are counted, whichever they are."""
    data = text.encode("utf-8", "replace")
    upper, lower = (half.decode() for half in (data.upper(), data.lower()))
    assert token_counts(upper) == token_counts(lower)


def test_counts_of_a_line() -> None:
    """Letters, words, long ones, digits, numbers, marks, runs, newlines, indents, wider characters."""
    line = "It is 27 km!!\n\n    internationalization \u00e9\u4e2d\U0001f600"
    assert token_counts(line) == (26, 4, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1)


@pytest.mark.parametrize("unit", ["a", " ", "9", "\n", "!", "a1", "\u4e2d", "\U0001f600", "\ud800"])
def test_hostile_repetition_is_cheap(unit: str) -> None:
    """A megabyte of anything takes milliseconds; the bound is loose for slow machines."""
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    estimate_tokens([text])
    assert time.perf_counter() - started < 0.5
