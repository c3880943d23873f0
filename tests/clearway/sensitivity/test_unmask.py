"""Readings of disguised text lead back to the original characters."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.sensitivity.unmask import MAX_VIEWS, MIN_BUDGET, unmask

_SIGNS = "0123456789abcDE@.-_ \n%&\\=+*`|<>\"'/\u200b\u0430\uff11\u0301[]() "
_PIECES = (
    "4111",
    " at ",
    "[dot]",
    "%40",
    "&#64;",
    "\\u0040",
    "one ",
    "double ",
    "**",
    "\n> ",
    "NDExMTEx",
    "DE89",
    "4a ",
)
_TEXTS = st.one_of(
    st.text(max_size=300),
    st.text(alphabet=_SIGNS, max_size=300),
    st.lists(st.sampled_from(_PIECES), max_size=60).map("".join),
)


def _read(text: str, value: str) -> str | None:
    """What of the original a reading that says the value points to."""
    for view in unmask(text):
        if (start := view.text.find(value)) >= 0:
            first, last = view.original(start, start + len(value))
            return text[first:last]
    return None


@pytest.mark.parametrize(
    ("disguised", "value"),
    [
        ("4\u200b1\u200b1\u200b1", "4111"),
        ("\uff14\uff11\uff11\uff11", "4111"),
        ("j\u0430ne", "jane"),
        ("\U0001d4d9\U0001d4ea\U0001d4f7\U0001d4ee", "Jane"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4111111111111111"),
        ("four double one one one one one one one one one one one one one one", "4111111111111111"),
        ("4111**1111**11111111", "4111111111111111"),
        ("4111 1111\n> 1111 1111", "4111111111111111"),
        ("de89-3704-0044-0532-0130-00", "DE89370400440532013000"),
        ("jane dot doe at example dot com", "jane.doe@example.com"),
        ("jane [at] example (dot) com", "jane@example.com"),
        ("j4ne@ex4mple.c0m", "j4ne@ex4mple.com"),
        ("jane%40example%2Ecom", "jane@example.com"),
        ("jane&#64;example&#46;com", "jane@example.com"),
        ("jane\\u0040example.com", "jane@example.com"),
        ("NDExMTExMTExMTExMTExMQ==", "4111111111111111"),
        ("34313131313131313131313131313131", "4111111111111111"),
        ("4lll llll llll llll", "4111111111111111"),
        ("s k - a b c 1 2 3", "sk-abc123"),
    ],
)
def test_disguised_value_is_read_and_points_to_all_of_its_disguise(disguised: str, value: str) -> None:
    """A reading says the value, and its span covers the disguise and nothing else."""
    assert _read(f"Please use {disguised} , thanks", value) == disguised


def test_nested_base64_is_read() -> None:
    """A blob inside a blob points to the outer blob."""
    twice = base64.b64encode(base64.b64encode(b"card 4111111111111111")).decode()
    assert _read(f"see {twice} here", "4111111111111111") == twice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain English with one or two numbers, 12 of them, on 2024-05-06.",
        "Count 1 2 3 4 5 6 7 8 9 10 and stop.",
        "x = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]",
        "Mail jane@example.com or call 555-234-5678; card 4111 1111 1111 1111.",
        "Look at example.com. In the end, we met at one.",
        "Na\u00efve caf\u00e9 \u2014 \u201cquoted\u201d",
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430",
    ],
)
def test_undisguised_text_is_one_reading_and_the_same_object(text: str) -> None:
    """Nothing is copied or read twice where nothing is hidden."""
    (view,) = unmask(text)
    assert view.kind == "plain"
    assert view.text is text
    assert view.original(0, len(text)) == (0, len(text))


def test_texts_stay_out_of_repr() -> None:
    """No reading shows its text in logs."""
    assert repr(unmask("j\u0430ne")[0]) == "View(kind='folded')"


@given(_TEXTS)
def test_maps_rise_and_stay_within_the_text(text: str) -> None:
    """Every span of every reading leads to an ordered span of the original, and later ones never earlier."""
    views = unmask(text)
    assert len(views) <= MAX_VIEWS
    assert sum(len(view.text) for view in views[1:]) <= max(len(text), MIN_BUDGET)
    for view in views:
        spans = [view.original(index, index + 1) for index in range(len(view.text))]
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert spans == sorted(spans)
        assert [end for _, end in spans] == sorted(end for _, end in spans)
        assert view.original(0, 0)[0] == view.original(0, 0)[1]


@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "1",
        "@",
        "a-",
        "a*",
        "1**",
        "%41",
        "\\u0041",
        "one ",
        "a at b dot ",
        "1\n> ",
        "4a ",
        "/*1",
        "a\u200b",
    ],
)
def test_hostile_text_is_read_in_linear_time(unit: str) -> None:
    """Four times the text costs at most about four times as much, not sixteen."""
    seconds = []
    for length in (10_000, 40_000):
        runs = []
        for _ in range(3):  # the shortest of three: a busy machine is not the text's fault
            begun = time.process_time()
            unmask((unit * length)[:length])
            runs.append(time.process_time() - begun)
        seconds.append(min(runs))
    assert seconds[1] < 9 * seconds[0] + 0.1
