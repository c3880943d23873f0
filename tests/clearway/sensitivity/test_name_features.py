"""Features of the tagger of names: whole numbers, the same everywhere, linear in the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import ConfigurationError
from clearway.sensitivity.name_features import (
    N_COLUMNS,
    N_FEATURES,
    N_ROWS,
    N_SECOND,
    N_SECOND_ROWS,
    NAME_FILES,
    Lexicon,
    fold,
    load_lexicon,
    window_of,
    word_row,
)
from clearway.sensitivity.tokens import tokenise

LEXICON = Lexicon(
    first=frozenset({"jane", "jose"}),
    last=frozenset({"doe"}),
    known=frozenset({"jane"}),
    places=frozenset({"lyon"}),
    common=("the", "is", "name", "my"),
)


def test_folds_case_and_accents() -> None:
    """Folding takes case and accents, and leaves other scripts' letters."""
    assert [fold(word) for word in ("JOSÉ", "O\u2019Brien", "Анна")] == ["jose", "o'brien", "анна"]


@given(st.text(max_size=60))
def test_every_feature_is_a_row_of_its_table(text: str) -> None:
    """Any text gives rows within the table of each pass, one line for each token."""
    tokens = tokenise(text)
    if len(tokens) == 0:
        return
    window = window_of(tokens, LEXICON)
    first = window.first_ids()
    second = window.second_ids(np.arange(len(tokens), dtype=np.int64) % 4)
    assert first.shape == (len(tokens), N_FEATURES)
    assert second.shape == (len(tokens), N_SECOND)
    assert first.min() >= 0
    assert first.max() < N_ROWS
    assert second.min() >= N_ROWS
    assert second.max() < N_ROWS + N_SECOND_ROWS


def test_features_are_the_same_bytes_everywhere() -> None:
    """The features of a fixed text are these numbers, on any machine and in any process."""
    window = window_of(tokenise("my name is Jane Doe, Lyon 7"), LEXICON)
    ids = window.first_ids()
    assert int(ids.sum()) == FIRST_SUM
    assert int((ids * np.arange(1, N_FEATURES + 1)).sum()) == WEIGHTED_SUM
    assert int(window.second_ids(np.full(8, 2)).sum()) == SECOND_SUM


FIRST_SUM = 39897686
WEIGHTED_SUM = 754484176
SECOND_SUM = 31318407


def test_far_words_change_nothing_in_the_first_pass() -> None:
    """A token's features rest on at most three words on each side, and on capitals within eight."""
    near = "one two three four Jane five six seven eight nine ten eleven twelve thirteen"
    window = window_of(tokenise(near), LEXICON).first_ids()
    longer = window_of(tokenise(f"zero {near} fourteen"), LEXICON).first_ids()
    assert np.array_equal(window[4], longer[5])


def test_memo_changes_no_feature() -> None:
    """A common word has the same row whether it is looked up or made anew."""
    place = LEXICON.memo.places["Name"]
    assert tuple(LEXICON.memo.rows[place].tolist()) == word_row("Name", LEXICON)
    assert len(word_row("Name", LEXICON)) == N_COLUMNS


def test_memo_keeps_no_word_of_a_text() -> None:
    """Reading a text leaves the memo as it was."""
    before = dict(LEXICON.memo.places)
    window_of(tokenise("Zbigniew owes 17 to Quentin"), LEXICON)
    assert LEXICON.memo.places == before


def test_shares_rows_of_words_met_before() -> None:
    """Rows that a caller shares between texts give the features that each text gives alone."""
    seen: dict[str, tuple[int, ...]] = {}
    window_of(tokenise("Zbigniew waits"), LEXICON, seen)
    shared = window_of(tokenise("waits Zbigniew"), LEXICON, seen).first_ids()
    assert np.array_equal(shared, window_of(tokenise("waits Zbigniew"), LEXICON).first_ids())


def test_missing_list_says_what_to_do(tmp_path: Path) -> None:
    """A folder without the lists is refused, with the remedy."""
    with pytest.raises(ConfigurationError) as caught:
        load_lexicon(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / NAME_FILES[0]}: expected a word list in UTF-8, got no readable file; "
        "restore it from data/sensitivity"
    )


def test_empty_list_says_what_to_do(tmp_path: Path) -> None:
    """A list of comments only is refused, with the remedy."""
    for name in NAME_FILES:
        (tmp_path / name).write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_lexicon(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / NAME_FILES[0]}:1: expected at least one word, got none; add one a line"
    )
