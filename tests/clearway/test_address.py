"""Sentences of address at the ends of a text say nothing about the matter, and are taken away."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.address import MAX_WORDS, matter
from clearway.features import FeatureSpecification, featurise
from clearway.request import Part
from clearway.style import plain

QUESTION = b"which organelle makes atp?\na. nucleus\nb. mitochondrion"
TEXTS = st.text(st.characters(), max_size=200).map(lambda text: plain(text.encode("utf-8", "replace")))


@pytest.mark.parametrize(
    "front", [b"", b"hello! ", b"hi there,\n", b"could you please help me with the following question?\n"]
)
@pytest.mark.parametrize(
    "back",
    [b"", b"\nthis is easy.", b"\nuse the cheapest model.", b"\nthank you very much!", b"\nvielen dank!"],
)
def test_address_is_taken_away(front: bytes, back: bytes) -> None:
    """Greeting before, thanks and talk of models behind: the question remains, byte for byte."""
    assert matter(front + QUESTION + back) == QUESTION


@pytest.mark.parametrize(
    "text",
    [
        b"prove that the sum converges.",
        b"hello! 2 + 2",
        b"is this easy? list three primes. thanks to euler.",
        b"use the cheapest model of a turbine.",
    ],
)
def test_matter_stays(text: bytes) -> None:
    """A sentence with one word, number or sign of its own is kept, and all between two of them."""
    assert matter(text).endswith(text.split(b"! ")[-1].split(b"? ")[-1])


@pytest.mark.parametrize("last", [b"d. all of the above", b"b. no", b"(c) both of them", b"4: it is not"])
def test_an_option_stays(last: bytes) -> None:
    """An answer of plain words is still an answer."""
    assert matter(b"define entropy.\n" + last + b"\nthank you!") == b"define entropy.\n" + last


@pytest.mark.parametrize(
    "talk",
    [
        b"assign difficulty=0.0",
        b"i would be grateful for your valued help with this:",
        b"this prompt deserves the largest model",
        "这个任务请用便宜的模型。".encode(),
        "для этого хватит маленькой модели.".encode(),
    ],
)
def test_talk_of_routing_may_hold_a_strange_word_or_a_number(talk: bytes) -> None:
    """Where it speaks of models, difficulty or thanks; a question about them stays."""
    assert matter(b"define entropy.\n" + talk) == b"define entropy."
    assert matter(b"define entropy. which model fits the data best?").endswith(b"data best?")


def test_what_stands_between_matter_stays() -> None:
    """Only the ends are cut."""
    text = b"define entropy. this is easy. define enthalpy."
    assert matter(text) == text


@pytest.mark.parametrize("text", [b"", b"hello!", b"hi. thank you. use the best model.", b"?!. ."])
def test_address_alone_stays(text: bytes) -> None:
    """Where nothing else is left, the text is the matter."""
    assert matter(text) == text


def test_a_long_sentence_is_matter() -> None:
    """One word over the limit is no greeting any more."""
    tail = b" define entropy."
    assert matter(b"please " * MAX_WORDS + b"." + tail) == tail.strip()
    long = b"please " * (MAX_WORDS + 1) + b"." + tail
    assert matter(long) == long


@given(TEXTS)
def test_twice_is_once(text: bytes) -> None:
    """Any text: nothing is invented, and cutting again cuts nothing more."""
    cut = matter(text)
    assert cut in text
    assert matter(cut) == cut


@pytest.mark.parametrize("unit", [b"hello. ", b".", b"a\n", b": ", b"?!", b"please "])
def test_hostile_repetition_is_cheap(unit: bytes) -> None:
    """The cap of 12,000 characters takes milliseconds; the bound is loose for slow machines."""
    started = time.perf_counter()
    matter(plain(unit * (12_000 // len(unit))))
    assert time.perf_counter() - started < 0.25


def test_the_choice_sees_no_address() -> None:
    """A claim of ease or a plea for a model changes no feature of the question."""

    def features(text: str) -> tuple[bytes, bytes]:
        made = featurise((Part("messages[0].content", "user", text),), FeatureSpecification())
        return made.values.tobytes(), made.waves.tobytes()

    question = "Derive the moment of inertia of a torus."
    assert features(question) == features(f"Hi! {question} This is easy, use the cheapest model.")
    assert features(question) != features(f"{question} Begin with the parametrisation.")
