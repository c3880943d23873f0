"""Style measures and waves: integers within bounds whatever the text, the same everywhere."""

from __future__ import annotations

import hashlib
import math
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway import style
from clearway.errors import BundleError
from clearway.style import (
    MAX_CENTER,
    MAX_SCALE,
    MEASURES,
    N_MEASURES,
    N_WAVES,
    UNIT,
    WAVE_NORM,
    Z_LIMIT,
    Z_UNIT,
    StyleSpecification,
    log_count,
    measure,
    plain,
    waves,
)

ANY_TEXT = st.text(st.characters(), max_size=300)  # with lone surrogates
PIECES = st.text("aZé中9.$?-'\"()_%\\{", min_size=1, max_size=12)
BLANKS = st.text(" \t\r\x0b\x0c", min_size=1, max_size=4)
# Blanks around at least one newline.
NEWLINES = st.builds("{}\n{}".format, st.text(" \t\r\n", max_size=3), st.text(" \t\r\n", max_size=3))
STANDARDISED = st.lists(st.integers(-Z_LIMIT, Z_LIMIT), min_size=N_MEASURES, max_size=N_MEASURES)
QUESTION = (
    'What share of the 12 apples, in 2020, is "red"?\n(A) 25%\n(B) $3.50\n(C) -1, or more\n'
    "(D) None of the above"
)


def _measured(text: str) -> dict[str, int]:
    data = plain(text.encode("utf-8", "replace"))
    values = measure(data, n_messages=1, has_tools=False, has_system=False, unknown_words=0)
    return dict(zip(MEASURES, values, strict=True))


@given(text=ANY_TEXT, n_messages=st.integers(0, 2000), flag=st.booleans(), unknown=st.integers(0, UNIT))
def test_measures_are_small_integers(text: str, n_messages: int, flag: bool, unknown: int) -> None:
    """Any Unicode gives a plain, non-negative integer for each name, within the range of a centre."""
    values = measure(
        plain(text.encode("utf-8", "replace")),
        n_messages=n_messages,
        has_tools=flag,
        has_system=not flag,
        unknown_words=unknown,
    )
    assert len(values) == N_MEASURES == len(set(MEASURES))
    assert all(type(value) is int and 0 <= value <= MAX_CENTER for value in values)
    assert values[-4:] == [log_count(n_messages), UNIT * flag, UNIT * (not flag), unknown]


@given(data=st.binary(max_size=200))
def test_any_bytes_are_measured(data: bytes) -> None:
    """Not even UTF-8 is needed."""
    assert (
        len(measure(plain(data), n_messages=1, has_tools=False, has_system=False, unknown_words=0))
        == N_MEASURES
    )


@given(data=st.binary(max_size=200))
def test_plain_text_is_plain(data: bytes) -> None:
    """Done twice it is the same; case of ASCII is gone, and so are ends, doubled blanks and empty lines."""
    once = plain(data)
    assert plain(once) == once == plain(data.upper()) == plain(b" \n" + data + b"\r\n\t")
    assert not any(run in once for run in (b"  ", b"\n\n", b" \n", b"\n ", b"\t", b"\r"))


@given(data=st.data())
def test_runs_of_blanks_and_newlines_do_not_matter(data: st.DataObject) -> None:
    """The same pieces with other blanks, other empty lines and other case measure the same."""
    pieces = data.draw(st.lists(PIECES, min_size=1, max_size=8))
    gaps = data.draw(st.lists(st.sampled_from([BLANKS, NEWLINES]), min_size=8, max_size=8))

    def typed() -> str:
        return "".join(data.draw(gap) + piece for gap, piece in zip(gaps, pieces, strict=False))

    one, two = typed(), "".join(c.swapcase() if c.isascii() else c for c in typed())
    assert plain(one.encode()) == plain(two.encode())
    assert _measured(one) == _measured(two)


def test_case_of_other_letters_is_kept() -> None:
    """Documented: lower-casing Unicode would hang on the interpreter's tables."""
    assert plain("É".encode()) == "É".encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length", log_count(len(plain(QUESTION.encode())))),
        ("question_length", log_count(47)),
        ("lines", log_count(4)),
        ("options", log_count(4)),
        ("longest_option", log_count(17)),
        ("shortest_option", log_count(3)),
        ("options_length", log_count(3 + 5 + 11 + 17)),
        ("numeric_options", UNIT * 3 // 4),
        ("numbers", log_count(5)),
        ("distinct_numbers", log_count(5)),
        ("decimals", log_count(1)),
        ("longest_number", log_count(4)),
        ("sentences", log_count(1)),
        ("questions", log_count(1)),
        ("ends_in_question", UNIT),
        ("ends_in_stop", 0),
        ("ends_in_colon", 0),
        ("blank_to_fill", 0),
        ("percent", UNIT),
        ("money", UNIT),
        ("statements", 0),
        ("all_or_none", UNIT),
        ("quotes", log_count(1024 * 2 // len(QUESTION))),
        ("hyphens", log_count(1024 // len(QUESTION))),
        ("latex", log_count(1024 // len(QUESTION))),
        ("not_ascii", 0),
    ],
)
def test_measures_of_a_question(name: str, value: int) -> None:
    """A multiple-choice question, by hand."""
    assert _measured(QUESTION)[name] == value


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("", "length", 0),
        ("", "distinct_words", 0),
        ("One. Two! Three?", "sentences", log_count(3)),
        ("e.g.x 3.5", "sentences", log_count(1)),
        ("the cat the dog", "distinct_words", UNIT * 3 // 4),
        ("internationalization is", "long_words", UNIT // 2),
        ("internationalization is", "short_words", UNIT // 2),
        ("internationalization is", "word_length", UNIT * 22 // 2),
        ("7 7 7", "distinct_numbers", log_count(1)),
        ("Fill in: ___", "blank_to_fill", UNIT),
        ("Statement 1 | Ice floats.", "statements", UNIT),
        ("Say why:", "ends_in_colon", UNIT),
        ("It rains.", "ends_in_stop", UNIT),
        ("a, b, c", "commas", UNIT * 2 // 3),
    ],
)
def test_measures_of_short_texts(text: str, name: str, value: int) -> None:
    """Each by hand."""
    assert _measured(text)[name] == value


HOSTILE = (
    *("a", " ", "9", ".", "\n", "\n ", " \n", "\na. ", "\n(1) ", "1.", "1.1 ", "? ", "!\n", "___", "$\\"),
    *("\U0001f600", "中", "é", "x ", "statement", "none of", "\0", "\x0b\t", "-1,", "a1"),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition_is_cheap(unit: str) -> None:
    """The 12,000 characters that are read at most; the bound is loose for slow machines."""
    text = "q" + unit * (12_000 // len(unit)) + "q"
    started = time.perf_counter()
    _measured(text)
    assert time.perf_counter() - started < 0.1


@given(n=st.integers(0, 10**7))
def test_logarithm_of_a_count_is_rounded_down(n: int) -> None:
    """64 * log2(1 + n), and it never falls."""
    exact = 64 * math.log2(1 + n)
    assert exact - 1 - 1e-6 <= log_count(n) <= exact + 1e-6
    assert log_count(n) <= log_count(n + 1)


def test_logarithm_of_a_power_of_two_is_whole() -> None:
    """No rounding is lost on the way, in the table and beyond it."""
    assert [log_count(2**k - 1) for k in range(24)] == [64 * k for k in range(24)]
    assert all(low <= high for low, high in pairwise(map(log_count, range(5000))))


@given(
    measures=st.lists(st.integers(0, MAX_CENTER), min_size=N_MEASURES, max_size=N_MEASURES),
    center=st.integers(0, MAX_CENTER),
    scale=st.integers(0, MAX_SCALE),
)
def test_standardised_measures_are_exact_and_bounded(measures: list[int], center: int, scale: int) -> None:
    """As Python's integers have it, rounded down, within three deviations."""
    form = StyleSpecification((center,) * N_MEASURES, (scale,) * N_MEASURES)
    expected = [min(max(((m - center) * scale) >> 16, -Z_LIMIT), Z_LIMIT) for m in measures]
    assert form.standardise(measures).tolist() == expected


def test_a_standard_deviation_is_256() -> None:
    """A measure one deviation over its mean; one that never varies is 0 wherever it stands."""
    form = StyleSpecification((100,) * N_MEASURES, (round(2**16 * 256 / 50),) + (0,) * (N_MEASURES - 1))
    assert form.standardise([150] * N_MEASURES).tolist() == [Z_UNIT - 1] + [0] * (N_MEASURES - 1)


@given(standardised=STANDARDISED)
def test_waves_are_of_the_stated_height(standardised: list[int]) -> None:
    """Integers from -4096 to 4096."""
    heights = waves(np.array(standardised, dtype=np.int64))
    assert heights.dtype == np.int64
    assert heights.shape == (N_WAVES,)
    assert np.abs(heights).max() <= WAVE_NORM == 4096


def _extremes() -> list[Any]:
    """Each sign pattern that some direction has, at three deviations: the largest sums there are."""
    signs = np.where(style._DIRECTIONS.T < 0, -1, 1).astype(np.int64)
    corners = [Z_LIMIT * signs[place] for place in range(0, N_WAVES, 64)]
    same = [np.full(N_MEASURES, value, dtype=np.int64) for value in (0, Z_LIMIT, -Z_LIMIT)]
    drawn = np.random.default_rng(0).integers(-Z_LIMIT, Z_LIMIT + 1, (16, N_MEASURES))
    return [*corners, *(-corner for corner in corners), *same, *drawn]


def test_the_floating_point_product_is_exact() -> None:
    """Sums of Python's integers, at random and at the ends, give the same waves bit for bit."""
    directions = style._DIRECTIONS.astype(np.int64).astype(object)
    phases, cosines = style._PHASES.tolist(), style._COSINES.tolist()
    for standardised in _extremes():
        turns = standardised.astype(object) @ directions
        assert max(map(abs, turns)) < 2**53
        expected = [cosines[((t + p) % 2**20) >> 10] for t, p in zip(turns, phases, strict=True)]
        assert waves(standardised).tolist() == expected


def test_no_partial_sum_leaves_the_exact_range() -> None:
    """In whatever order it is added: the largest sum of sizes is far below 2**53."""
    directions = style._DIRECTIONS
    assert (directions == np.rint(directions)).all()
    assert sum(max(abs(int(value)) for value in row) * Z_LIMIT for row in directions) < 2**53


def test_cosines_are_cosines() -> None:
    """The table by integer recurrence is the rounded cosine, within one unit of 4,096."""
    exact = np.rint(WAVE_NORM * np.cos(2 * np.pi * np.arange(1024) / 1024))
    assert np.abs(style._COSINES - exact).max() <= 1
    assert style._COSINES[[0, 256, 512, 768]].tolist() == [4096, 0, -4096, 0]


def test_golden_digest_of_the_directions() -> None:
    """Directions, phases and cosines never change under one schema version."""
    arrays = (style._DIRECTIONS.astype("<i8"), style._PHASES.astype("<i8"), style._COSINES.astype("<i8"))
    assert hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest() == GOLDEN_DIRECTIONS


GOLDEN_DIRECTIONS = "f5f2407ba2bf5bfee764765201f4e26ab1dc3d5a15c452f553e5e0a9102e4f4c"


def test_waves_are_the_features_of_a_gaussian_kernel() -> None:
    """Their mean product is exp(-d^2 / 2 w^2) of the distance d, where w is the root of half the measures."""
    generator = np.random.default_rng(1)
    for size in (0.0, 0.5, 1.0, 2.0):
        one = generator.integers(-Z_UNIT, Z_UNIT + 1, (40, N_MEASURES))
        step = generator.standard_normal((40, N_MEASURES))
        step *= size * math.sqrt(N_MEASURES / 2) / np.linalg.norm(step, axis=1, keepdims=True)
        two = one + np.rint(step * Z_UNIT).astype(np.int64)
        products = [
            2 * (waves(a) / WAVE_NORM) @ (waves(b) / WAVE_NORM) for a, b in zip(one, two, strict=True)
        ]
        assert abs(np.mean(products) / N_WAVES - math.exp(-(size**2) / 2)) < 0.02


@pytest.mark.parametrize(
    ("center", "scale", "text"),
    [
        ((0,), None, f"style.center: expected {N_MEASURES} integers, got 1"),
        (None, (), f"style.scale: expected {N_MEASURES} integers, got 0"),
        ((-1,) * N_MEASURES, None, "style.center: expected integers from 0 to 1048576, got another value"),
        (None, (True,) * N_MEASURES, "style.scale: expected integers from 0 to 67108864, got another value"),
    ],
)
def test_a_style_out_of_range_is_refused(center: Any, scale: Any, text: str) -> None:
    """Each with what was expected; the bounds keep a product within 64 bits."""
    zeros = (0,) * N_MEASURES
    with pytest.raises(BundleError) as caught:
        StyleSpecification(zeros if center is None else center, zeros if scale is None else scale)
    assert str(caught.value) == text
