"""Tokens of a text, and the form in which Presidio's recognisers are handed them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.sensitivity.artifacts import artifacts_of
from clearway.sensitivity.tokens import tokenise


@given(st.text())
def test_tokens_cover_all_but_white_space(text: str) -> None:
    """The tokens are slices of the text, in order and without overlap; only white space is left out."""
    tokens = tokenise(text)
    assert tokens.words == [text[a:b] for a, b in zip(tokens.starts, tokens.ends, strict=True)]
    ends = [0, *tokens.ends]
    starts = [*tokens.starts, len(text)]
    assert all(not text[a:b].strip() for a, b in zip(ends, starts, strict=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann O'Brien's", ["Ann", "O'Brien", "'s"]),
        ("first_name: a1b2", ["first", "_", "name", ":", "a1b2"]),
        ("Jos\u00e9-Luis ---", ["Jos\u00e9", "-", "Luis", "---"]),
        ("don't ANN'S", ["don't", "ANN", "'S"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Apostrophes stay inside names, possessives and underscores do not; a row of a symbol is one token."""
    assert tokenise(text).words == words


@pytest.mark.parametrize("piece", ["(", "a", "1", "'", "a'", "_ ", "@x"])
def test_hostile_text_is_read_in_linear_time(piece: str) -> None:
    """A hundred thousand brackets, letters, digits or apostrophes take well under a second."""
    text = (piece * 100_000)[:100_000]
    start = time.perf_counter()
    tokenise(text)
    assert time.perf_counter() - start < 1


def test_tokens_do_not_show_the_text() -> None:
    """The repr of tokens tells their number only."""
    assert repr(tokenise("my secret")) == "Tokens(n_words=2)"


def test_artifacts_have_presidios_form() -> None:
    """Tokens with offsets, lower-case lemmas, keywords without symbols, no entities, the given names."""
    artifacts = artifacts_of("Ann, my Boss", [(0, 3)])
    assert [(t.text, t.idx, len(t)) for t in artifacts.tokens] == [
        ("Ann", 0, 3),
        (",", 3, 1),
        ("my", 5, 2),
        ("Boss", 8, 4),
    ]
    assert artifacts.tokens_indices == [0, 3, 5, 8]
    assert artifacts.lemmas == ["ann", ",", "my", "boss"]
    assert artifacts.keywords == ["ann", "my", "boss"]
    assert artifacts.names == [(0, 3)]
    assert artifacts.entities == []
