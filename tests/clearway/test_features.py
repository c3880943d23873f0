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

from clearway import style
from clearway.features import (
    IDF_ONE,
    MAX_DISTANCE,
    MAX_IDF,
    N_HASHED,
    NORM,
    OUTSIDE_NOTE,
    TRUNCATED_NOTE,
    VOCABULARY_BITS,
    Features,
    FeatureSpecification,
    featurise,
    measure,
    read,
    weigh,
)
from clearway.request import Part
from clearway.style import StyleSpecification

PLAIN = FeatureSpecification()
WEIGHTED = FeatureSpecification(
    tuple(1 + slot * 7 % MAX_IDF for slot in range(N_HASHED)),
    StyleSpecification(
        tuple(37 * place % 400 for place in range(style.N_MEASURES)),
        tuple(2**16 + 5_003 * place for place in range(style.N_MEASURES)),
    ),
    vocabulary=bytes(place * 11 % 256 for place in range(2**VOCABULARY_BITS // 8)),
    max_distance=MAX_DISTANCE // 2,
    max_unknown=60,
)
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


def _slots(text: str) -> set[int]:
    return set(read(_user(text)).counts)


def _bytes(features: Features) -> bytes:
    arrays = (features.ids, features.values, features.waves)
    content = b"".join(array.astype("<i8").tobytes() for array in arrays)
    return content + b"%d" % features.n_input_tokens + repr(features.notes).encode()


@given(parts=PARTS, specification=st.sampled_from([PLAIN, WEIGHTED]))
def test_ids_rise_and_values_are_bounded(parts: list[Part], specification: FeatureSpecification) -> None:
    """Any Unicode gives sorted, distinct slots, small positive integers and waves of the stated height."""
    features = featurise(parts, specification)
    assert features.ids.dtype == features.values.dtype == features.waves.dtype == np.int64
    assert features.ids.shape == features.values.shape
    assert (np.diff(features.ids) > 0).all()
    assert ((features.ids >= 0) & (features.ids < N_HASHED)).all()
    assert (features.values >= 1).all()
    assert (features.values * features.values).sum() <= NORM * NORM
    assert features.waves.shape == (style.N_WAVES,)
    assert np.abs(features.waves).max() <= style.WAVE_NORM
    assert features.n_input_tokens >= 1


@given(parts=PARTS)
def test_measures_fit_the_ranges_of_a_specification(parts: list[Part]) -> None:
    """One small integer for each name, none negative, none beyond the largest centre."""
    measures = measure(read(parts), WEIGHTED.known)
    assert len(measures) == style.N_MEASURES
    assert all(type(value) is int and 0 <= value <= style.MAX_CENTER for value in measures)


@given(parts=PARTS)
def test_same_parts_same_bytes(parts: list[Part]) -> None:
    """Nothing is remembered between calls, and reading first changes nothing."""
    assert _bytes(featurise(parts, WEIGHTED)) == _bytes(featurise(list(parts), WEIGHTED))
    assert _bytes(featurise(parts, WEIGHTED)) == _bytes(weigh(read(parts), WEIGHTED))


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


GOLDEN_FEATURES = "3494f26a674ed982a6e1a89b7e55de96b6d01b2a340bfd6aff179da8859135f7"


def test_case_is_ignored_and_words_are_not() -> None:
    """Upper case changes no word slot; another word does."""
    assert _slots("What IS this") == _slots("what is THIS")
    assert _slots("what is this") != _slots("what is that")
    assert _slots("17 apples") == _slots("42 apples")


@given(text=st.text(st.characters(codec="ascii"), max_size=200))
def test_case_and_outer_blanks_change_no_feature(text: str) -> None:
    """Of ASCII: the same slots, values and waves, whichever shift key was held."""
    one, two = featurise(_user(text), WEIGHTED), featurise(_user(f"  {text.swapcase()}\n\n"), WEIGHTED)
    for first, second in ((one.ids, two.ids), (one.values, two.values), (one.waves, two.waves)):
        assert first.tolist() == second.tolist()


def test_rare_words_weigh_more() -> None:
    """A slot with ten times the IDF has ten times the value, to the rounding."""
    slot = min(_slots("alpha"))
    idf = [IDF_ONE] * N_HASHED
    idf[slot] *= 10
    features = featurise(_user("alpha beta"), FeatureSpecification(tuple(idf)))
    value = dict(zip(features.ids.tolist(), features.values.tolist(), strict=True))
    others = [other for place, other in value.items() if place != slot]
    assert others
    assert all(abs(value[slot] - 10 * other) <= 10 for other in others)


def test_last_user_turn_weighs_most() -> None:
    """A word weighs more in the last user turn than before it, and more there than in the system text."""

    def weight(role: str, message: int) -> int:
        filler = Part("messages[2].content", "user", "something else entirely")
        word = Part(f"messages[{message}].content", role, "chromosome")
        features = featurise(sorted((filler, word), key=lambda part: part.path), PLAIN)
        value = dict(zip(features.ids.tolist(), features.values.tolist(), strict=True))
        return max(int(value.get(slot, 0)) for slot in _slots("chromosome"))

    assert weight("user", 3) > weight("user", 1) > weight("system", 1) > 0


def test_form_of_the_conversation_is_measured() -> None:
    """Messages, tools and a system text are seen; what is measured of writing is the last user turn."""
    reading = read(CONVERSATION)
    assert (reading.n_messages, reading.has_tools, reading.has_system) == (4, True, True)
    assert reading.focus.startswith(b"preuve : montrez que \\frac{1}{n}")
    assert reading.focus.endswith("法国 straße 007".encode())
    alone = read(CONVERSATION[1:2])
    assert (alone.n_messages, alone.has_tools, alone.has_system) == (1, False, False)


def test_no_conversation_is_an_empty_reading() -> None:
    """No parts, no words: still features, and nothing that training prompts resemble."""
    features = featurise((), PLAIN)
    assert features.ids.tolist() == features.values.tolist() == []
    assert features.notes == ("outside_training",)


def test_tools_are_outside_where_no_training_prompt_had_any() -> None:
    """What a model does with tools cannot be told from prompts without; a system message is no such thing."""
    question = Part("messages[1].content", "user", "What is the capital of France?")
    system = Part("messages[0].content", "system", "Answer briefly.")
    tools = Part("tools", "setting", '[{"type": "function"}]')
    assert featurise((system, question), PLAIN).notes == ()
    assert featurise((question, tools), PLAIN).notes == ("outside_training",)
    assert measure(read(()), PLAIN.known)[-1] == 0


def test_unknown_words_are_counted_in_the_last_turn() -> None:
    """Each time one stands there, in 64ths of the words; what stands before the turn does not count."""
    parts = (
        Part("messages[0].content", "system", "gamma delta"),
        Part("messages[1].content", "user", "alpha beta 7 beta"),
    )
    words = read(parts).words
    assert len(words) == 4
    known = np.ones(2**VOCABULARY_BITS, dtype=np.uint8)
    known[words[0] % 2**VOCABULARY_BITS] = 0
    assert measure(read(parts), known)[-1] == style.UNIT // 4
    known[words[1] % 2**VOCABULARY_BITS] = 0
    assert measure(read(parts), known)[-1] == 3 * style.UNIT // 4
    assert measure(read(parts), np.zeros_like(known))[-1] == style.UNIT


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
    one = featurise(_user(head + "alpha " * 5000 + tail), WEIGHTED)
    two = featurise(_user(head + "omega " * 9000 + tail), WEIGHTED)
    assert one.ids.tolist() == two.ids.tolist()
    assert one.waves.tolist() == two.waves.tolist()
    assert two.n_input_tokens > one.n_input_tokens > 5000


def test_outside_is_beyond_either_limit() -> None:
    """At the limit a prompt is like training; one less, of distance or of known words, and it is noted."""
    parts = _user("How many apples are left?")
    nothing = bytes(2**VOCABULARY_BITS // 8)
    measures = measure(read(parts), FeatureSpecification(vocabulary=nothing).known)
    form = StyleSpecification(scale=(2**16,) * style.N_MEASURES)
    distance = form.distance(measures)
    assert 0 < distance < MAX_DISTANCE
    for max_distance, max_unknown, notes in (
        (distance, style.UNIT, ()),
        (distance - 1, style.UNIT, (OUTSIDE_NOTE,)),
        (distance, style.UNIT - 1, (OUTSIDE_NOTE,)),
    ):
        specification = FeatureSpecification(
            style=form, vocabulary=nothing, max_distance=max_distance, max_unknown=max_unknown
        )
        assert featurise(parts, specification).notes == notes
    long = _user("apples " * 3000)
    narrow = FeatureSpecification(style=form, max_distance=0)
    assert featurise(long, narrow).notes == (TRUNCATED_NOTE, OUTSIDE_NOTE)


HOSTILE = (
    *("a", " ", "9", "\\", "\n ", "A.\n", "中", "é", "\U0001f600", "x ", "{}", "\ud800", "aB3$ ", "\r\n"),
    *("\na. ", "\n(1) b", "1.", "1.1 ", "? ", "___", "none of", "\n \n", " \n", "\t\x0b", "\0", "-1,"),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_repetition_is_cheap(unit: str) -> None:
    """100 kB of anything takes milliseconds; the bound is loose for slow machines."""
    parts = _user(unit * (100_000 // len(unit)))
    started = time.perf_counter()
    featurise(parts, PLAIN)
    assert time.perf_counter() - started < 0.25


@settings(max_examples=20)
@given(st.lists(st.integers(0, N_HASHED - 1), max_size=5))
def test_slots_of_a_reading_are_those_of_the_features(numbers: list[int]) -> None:
    """But for values that round to nothing."""
    text = " ".join(f"w{chr(97 + number % 26)}" for number in numbers)
    assert set(featurise(_user(text), PLAIN).ids.tolist()) == _slots(text)
