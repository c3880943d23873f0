"""What the featuriser learned: its bytes, and what does not load."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway import style
from clearway.errors import BundleError
from clearway.features import MAX_DISTANCE, MAX_IDF, N_HASHED, VOCABULARY_BITS, FeatureSpecification
from clearway.style import MAX_CENTER, MAX_SCALE, N_MEASURES, StyleSpecification

PLAIN = FeatureSpecification()
GOLDEN_SPECIFICATION = "3e186efaa72c43d6d44ffc65a6090949551bfc249c422fb73620e07ce2c61106"


def _changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(PLAIN.to_json()) | changes).encode()


def _refusal(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        FeatureSpecification.from_json(data)
    return str(caught.value)


def test_golden_digest_of_a_specification() -> None:
    """The plain specification's bytes never change under one schema version."""
    assert PLAIN.digest == GOLDEN_SPECIFICATION


@given(
    center=st.lists(st.integers(0, MAX_CENTER), min_size=N_MEASURES, max_size=N_MEASURES),
    scale=st.lists(st.integers(0, MAX_SCALE), min_size=N_MEASURES, max_size=N_MEASURES),
    max_distance=st.integers(0, MAX_DISTANCE),
    max_unknown=st.integers(0, style.UNIT),
    seed=st.integers(0, 255),
)
def test_specification_round_trip(
    center: list[int], scale: list[int], max_distance: int, max_unknown: int, seed: int
) -> None:
    """JSON and back is the same specification, and the same bytes."""
    idf = tuple(1 + slot * 7 % MAX_IDF for slot in range(N_HASHED))
    vocabulary = bytes((seed + 7 * place) % 256 for place in range(2**VOCABULARY_BITS // 8))
    specification = FeatureSpecification(
        idf, StyleSpecification(tuple(center), tuple(scale)), vocabulary, max_distance, max_unknown
    )
    again = FeatureSpecification.from_json(specification.to_json())
    assert again == specification
    assert again.digest == specification.digest
    assert again.idf_array.tolist() == list(idf)


LAYOUT = "idf, max_distance, max_unknown, measures, n_hashed, n_waves, scale, schema_version, vocabulary"
OTHER_RELEASE = "differs from this release's featuriser; train the bundle again"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"{", "features.json: expected JSON, got something else"),
        (b"\xff", "features.json: expected JSON, got something else"),
        (b"[" * 100_000, "features.json: expected JSON, got something else"),
        (b"[]", f"features.json: expected an object with center, {LAYOUT}"),
        (_changed(extra=1), f"features.json: expected an object with center, {LAYOUT}"),
        (_changed(schema_version=1), f"features.json: schema_version {OTHER_RELEASE}"),
        (_changed(n_hashed=2), f"features.json: n_hashed {OTHER_RELEASE}"),
        (_changed(measures=list(style.MEASURES[:-1])), f"features.json: measures {OTHER_RELEASE}"),
        (_changed(n_waves=2), f"features.json: n_waves {OTHER_RELEASE}"),
        (_changed(idf=64), "features.json: idf: expected a list of integers"),
        (_changed(center={}), "features.json: center: expected a list of integers"),
        (_changed(scale="x"), "features.json: scale: expected a list of integers"),
        (_changed(vocabulary="xy"), "features.json: vocabulary: expected hexadecimal digits"),
        (_changed(vocabulary=7), "features.json: vocabulary: expected hexadecimal digits"),
        (_changed(vocabulary="ff"), "vocabulary: expected 262144 bits, got 8"),
    ],
)
def test_another_layout_does_not_load(data: bytes, text: str) -> None:
    """A bundle of another release, or something else altogether."""
    assert _refusal(data) == text


@pytest.mark.parametrize("wrong", [0, MAX_IDF + 1, True, 64.0, "64", None, -1])
def test_a_weight_that_is_no_small_integer_does_not_load(wrong: object) -> None:
    """From 1 to 1024, and an integer."""
    text = "idf: expected integers from 1 to 1024, got another value"
    assert _refusal(_changed(idf=[wrong, *PLAIN.idf[1:]])) == text


def test_a_weight_for_each_slot() -> None:
    """One less does not load."""
    assert _refusal(_changed(idf=PLAIN.idf[1:])) == "idf: expected 32768 integers, got 32767"


@pytest.mark.parametrize("name", ["center", "scale"])
def test_a_style_for_other_measures_does_not_load(name: str) -> None:
    """One number for each measure."""
    text = f"style.{name}: expected {N_MEASURES} integers, got 2"
    assert _refusal(_changed(**{name: [0, 0]})) == text


@pytest.mark.parametrize(("name", "limit"), [("center", 2**20), ("scale", 2**26)])
@pytest.mark.parametrize("wrong", [-1, True, 0.0, "0", None, 2**26 + 1, 2**70, [0]])
def test_a_style_beyond_its_ranges_does_not_load(name: str, limit: int, wrong: object) -> None:
    """Not negative, not over the bound that keeps products within 64 bits, and an integer."""
    text = f"style.{name}: expected integers from 0 to {limit}, got another value"
    assert _refusal(_changed(**{name: [*[0] * (N_MEASURES - 1), wrong]})) == text


@pytest.mark.parametrize(("name", "limit"), [("max_distance", MAX_DISTANCE), ("max_unknown", style.UNIT)])
@pytest.mark.parametrize("wrong", [-1, True, 0.0, "0", None, 2**70, [0]])
def test_limits_of_the_support_are_integers_in_range(name: str, limit: int, wrong: object) -> None:
    """From 0 to the largest there can be; both ends load."""
    text = f"{name}: expected an integer from 0 to {limit}, got another value"
    assert _refusal(_changed(**{name: wrong})) == text
    assert _refusal(_changed(**{name: limit + 1})) == text
    for edge in (0, limit):
        assert getattr(FeatureSpecification.from_json(_changed(**{name: edge})), name) == edge
