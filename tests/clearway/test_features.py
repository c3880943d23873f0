"""The featuriser: deterministic, bounded, integer, whatever the text."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.errors import BundleError
from clearway.features import (
    IDF_ONE,
    INDICATOR_VALUE,
    MAX_IDF,
    N_HASHED,
    N_INDICATORS,
    NORM,
    TRUNCATED_NOTE,
    Features,
    FeatureSpecification,
    document_slots,
    estimate_tokens,
    featurise,
)
from clearway.request import Part

PLAIN = FeatureSpecification()
WEIGHTED = FeatureSpecification(tuple(1 + slot * 7 % MAX_IDF for slot in range(N_HASHED)))
ROLES = st.sampled_from(["system", "user", "assistant", "tool", "setting"])
ANY_TEXT = st.text(st.characters(), max_size=300)  # with lone surrogates
PARTS = st.lists(
    st.builds(
        Part,
        path=st.sampled_from(
            ["messages[0].content", "messages[1].content", "messages[12].name", "tools", "user"]
        ),
        role=ROLES,
        text=ANY_TEXT,
    ),
    max_size=6,
)
CONVERSATION = (
    Part("messages[0].content", "system", "You are a terse assistant."),
    Part("messages[1].content", "user", "What is 2 + 2?"),
    Part("messages[2].content", "assistant", "4"),
    Part(
        "messages[3].content",
        "user",
        "Preuve : montrez que \\frac{1}{n} → 0.\nA. oui\nB. non\n法国 Straße 007",
    ),
    Part("tools", "setting", '[{"type": "function", "function": {"name": "search"}}]'),
)


def _user(text: str) -> tuple[Part, ...]:
    return (Part("messages[0].content", "user", text),)


def _bytes(features: Features) -> bytes:
    return features.ids.tobytes() + features.values.tobytes() + b"%d" % features.n_input_tokens


@given(parts=PARTS, specification=st.sampled_from([PLAIN, WEIGHTED]))
def test_ids_rise_and_values_are_bounded(parts: list[Part], specification: FeatureSpecification) -> None:
    """Any Unicode gives sorted, distinct slots and small positive integers."""
    features = featurise(parts, specification)
    assert features.ids.dtype == features.values.dtype == np.int64
    assert (np.diff(features.ids) > 0).all()
    assert features.ids.min() >= 0
    assert features.ids.max() < specification.n_features == N_HASHED + N_INDICATORS
    assert features.values.min() >= 1
    hashed = features.values[features.ids < N_HASHED]
    assert (hashed * hashed).sum() <= NORM * NORM
    assert set(features.values[features.ids >= N_HASHED].tolist()) == {INDICATOR_VALUE}
    assert features.n_input_tokens >= 1


@given(parts=PARTS)
def test_same_parts_same_bytes(parts: list[Part]) -> None:
    """Nothing is remembered between calls."""
    assert _bytes(featurise(parts, WEIGHTED)) == _bytes(featurise(list(parts), WEIGHTED))


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "tr_TR.UTF-8"])
def test_golden_bytes_in_a_fresh_process(locale: str) -> None:
    """The features of one conversation, byte for byte, under any locale and hash seed.

    A change here changes every decision: raise `SCHEMA_VERSION` and train the shipped bundle again.
    """
    program = (
        "import hashlib, runpy;"
        f"m = runpy.run_path({__file__!r});"
        "print(hashlib.sha256(m['_bytes'](m['featurise'](m['CONVERSATION'], m['WEIGHTED']))).hexdigest())"
    )
    environment = {"LC_ALL": locale, "PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    digest = hashlib.sha256(_bytes(featurise(CONVERSATION, WEIGHTED))).hexdigest()
    assert done.stdout.decode().strip() == digest == GOLDEN_FEATURES


GOLDEN_FEATURES = "33aa05083a9f318a23a3f140885d9773efdd6af214d520886025380b6d8c994f"
GOLDEN_SPECIFICATION = "6df62de872dc82c7fd648aa3b642b58ecab13e8bf497b80a73237940c163adc4"


def test_golden_digest_of_a_specification() -> None:
    """The plain specification's bytes never change under one schema version."""
    assert PLAIN.digest == GOLDEN_SPECIFICATION


def test_specification_round_trip() -> None:
    """JSON and back is the same specification."""
    again = FeatureSpecification.from_json(WEIGHTED.to_json())
    assert again == WEIGHTED
    assert again.digest == WEIGHTED.digest


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"{", "features.json: expected JSON, got something else"),
        (b"[]", "features.json: expected an object with idf, indicators, n_hashed, schema_version"),
        (
            PLAIN.to_json().replace(b'"schema_version":1', b'"schema_version":2'),
            "features.json: schema_version differs from this release's featuriser; train the bundle again",
        ),
        (
            PLAIN.to_json().replace(b'["length",18]', b'["length",17]'),
            "features.json: indicators differs from this release's featuriser; train the bundle again",
        ),
        (PLAIN.to_json().replace(b"[64,64,", b"[64,", 1), "idf: expected 16384 integers, got 16383"),
        (
            PLAIN.to_json().replace(b"[64,64,", b"[0,64,", 1),
            "idf: expected integers from 1 to 1024, got another value",
        ),
        (
            PLAIN.to_json().replace(b"[64,64,", b"[true,64,", 1),
            "idf: expected integers from 1 to 1024, got another value",
        ),
    ],
)
def test_bad_specification_is_refused(data: bytes, text: str) -> None:
    """Another layout, or a weight that is no small integer, does not load."""
    with pytest.raises(BundleError) as caught:
        FeatureSpecification.from_json(data)
    assert str(caught.value) == text


def test_case_is_ignored_and_words_are_not() -> None:
    """Upper case changes no word slot; another word does."""
    assert document_slots("What IS this") == document_slots("what is THIS")
    assert document_slots("what is this") != document_slots("what is that")
    assert document_slots("17 apples") == document_slots("42 apples")


def test_rare_words_weigh_more() -> None:
    """A slot with ten times the IDF has ten times the value, to the rounding."""
    slot = min(document_slots("alpha"))
    idf = [IDF_ONE] * N_HASHED
    idf[slot] *= 10
    features = featurise(_user("alpha beta"), FeatureSpecification(tuple(idf)))
    value = dict(zip(features.ids.tolist(), features.values.tolist(), strict=True))
    others = [v for i, v in value.items() if i != slot and i < N_HASHED]
    assert all(abs(value[slot] - 10 * other) <= 10 for other in others)


def test_last_user_turn_weighs_most() -> None:
    """A word weighs more in the last user turn than before it, and more there than in the system text."""

    def weight(role: str, message: int) -> int:
        filler = Part("messages[2].content", "user", "something else entirely")
        word = Part(f"messages[{message}].content", role, "chromosome")
        features = featurise(sorted((filler, word), key=lambda part: part.path), PLAIN)
        value = dict(zip(features.ids.tolist(), features.values.tolist(), strict=True))
        return max(int(value.get(slot, 0)) for slot in document_slots("chromosome"))

    assert weight("user", 3) > weight("user", 1) > weight("system", 1) > 0


def test_other_settings_are_not_read() -> None:
    """A user id or a stop word among the settings says nothing about difficulty."""
    plain = featurise(_user("hello there"), PLAIN)
    with_setting = featurise((*_user("hello there"), Part("user", "setting", "theorem lemma")), PLAIN)
    with_tools = featurise((*_user("hello there"), Part("tools", "setting", "theorem lemma")), PLAIN)
    assert plain.ids.tolist() == with_setting.ids.tolist()
    assert len(with_tools.ids) > len(plain.ids)


@pytest.mark.parametrize(("n_characters", "is_cut"), [(11_999, False), (12_000, False), (12_001, True)])
def test_cap_of_the_last_user_turn(n_characters: int, is_cut: bool) -> None:
    """12,000 characters of the last turn are read whole; one more is noted."""
    features = featurise(_user("ab " * (n_characters // 3) + "x" * (n_characters % 3)), PLAIN)
    assert features.notes == ((TRUNCATED_NOTE,) if is_cut else ())


def test_what_is_cut_is_the_middle() -> None:
    """Head and tail decide; the middle does not, but its tokens count."""
    head, tail = "start " * 1400, " finish" * 600
    one = featurise(_user(head + "alpha " * 5000 + tail), PLAIN)
    two = featurise(_user(head + "omega " * 9000 + tail), PLAIN)
    assert one.ids[one.ids < N_HASHED].tolist() == two.ids[two.ids < N_HASHED].tolist()
    assert two.n_input_tokens > one.n_input_tokens > 5000


@pytest.mark.parametrize(
    "unit", ["a", " ", "9", "\\", "\n ", "A.\n", "中", "é", "\U0001f600", "x ", "{}", "\ud800", "aB3$ "]
)
def test_hostile_repetition_is_cheap(unit: str) -> None:
    """100 kB of anything takes milliseconds; the bound is loose for slow machines."""
    parts = _user(unit * (100_000 // len(unit)))
    started = time.perf_counter()
    featurise(parts, PLAIN)
    assert time.perf_counter() - started < 0.25


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


@settings(max_examples=20)
@given(st.lists(st.integers(0, N_HASHED - 1), max_size=5))
def test_document_slots_are_hashed_slots(numbers: list[int]) -> None:
    """Slots of a document are those the featuriser uses, but for values that round to nothing."""
    text = " ".join(f"w{chr(97 + number % 26)}" for number in numbers)
    features = featurise(_user(text), PLAIN)
    assert set(features.ids[features.ids < N_HASHED].tolist()) == document_slots(text)
