"""The cache of readings: bounded, per caller, without a text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.assessment import Finding, Sensitivity
from clearway.request import Caller, Part, Request
from clearway.sensitivity.cache import ENTRY_BYTES, FINDING_BYTES, Reading, ReadingCache
from clearway.sensitivity.detector import PresidioDetector
from clearway.sensitivity.engine import Spot

NOTHING = Reading(())
TEXTS = st.lists(st.text(st.characters(exclude_categories=()), max_size=8), max_size=4)


def reading(n_findings: int) -> Reading:
    """A reading of so many findings."""
    return Reading(tuple(Finding("EMAIL_ADDRESS", n, n + 1, 500_000, 0) for n in range(n_findings)))


def scanned(detector: PresidioDetector, caller: Caller, *texts: str) -> Sensitivity:
    """Scan of a conversation."""
    parts = tuple(Part(f"messages[{i}].content", "user", text) for i, text in enumerate(texts))
    return detector.scan(Request(id="r", caller=caller, purpose="p", parts=parts))


def spied(monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector) -> list[str]:
    """Texts that the engine is asked about from now on."""
    read: list[str] = []
    analyze = detector._finder._engine.analyze

    def spy(text: str, *others: Any) -> list[Spot]:
        read.append(text)
        return analyze(text, *others)

    monkeypatch.setattr(detector._finder._engine, "analyze", spy)
    return read


@given(TEXTS, TEXTS)
def test_two_lists_of_fields_share_no_digest(one: list[str], two: list[str]) -> None:
    """Where a field ends counts, also for lone surrogates and empty fields."""
    cache = ReadingCache()
    assert (cache.digest(*one) == cache.digest(*two)) == (one == two)


def test_a_digest_says_nothing_in_another_process() -> None:
    """The key is the cache's own: equal texts have unequal digests in two of them."""
    assert ReadingCache().digest("text") != ReadingCache().digest("text")


def test_what_was_put_is_got() -> None:
    """A reading is found under its digest, and no other is."""
    cache = ReadingCache()
    cache.put(cache.digest("a"), reading(1))
    assert (cache.get(cache.digest("a")), cache.get(cache.digest("b"))) == (reading(1), None)


def test_the_least_recently_used_goes_first() -> None:
    """A reading that was just asked for outlives one that was put later."""
    cache = ReadingCache(max_entries=2)
    cache.put(b"a", NOTHING)
    cache.put(b"b", NOTHING)
    cache.get(b"a")
    cache.put(b"c", NOTHING)
    assert [cache.get(name) is not None for name in (b"a", b"b", b"c")] == [True, False, True]


def test_bytes_are_bounded() -> None:
    """Many findings push others out; a reading over the whole bound is not kept at all."""
    room = 2 * (ENTRY_BYTES + 4 * FINDING_BYTES)
    cache = ReadingCache(max_bytes=room)
    for n in range(10):
        cache.put(bytes([n]), reading(4))
        assert cache.n_bytes <= room
    assert len(cache) == 2
    cache.put(b"large", reading(100))
    assert cache.get(b"large") is None
    assert repr(cache) == f"ReadingCache(n_entries=2, n_bytes={room})"


def test_threads_keep_the_count_right() -> None:
    """After 100 threads have put and got, bytes are those of the entries that are left."""
    cache = ReadingCache(max_entries=50)

    def work(n: int) -> None:
        for i in range(200):
            digest = bytes([n % 7, i % 90])
            if cache.get(digest) is None:
                cache.put(digest, reading(i % 3))

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(work, range(100)))
    assert cache.n_bytes == sum(kept.n_bytes for kept in cache._readings.values())
    assert len(cache) <= 50


def test_a_turn_reads_only_what_is_new(monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector) -> None:
    """The 20th turn of a conversation asks the recognisers about its own text, not about the 19 before."""
    read = spied(monkeypatch, detector)
    turns = [f"Turn number {n} speaks of birds and trees." for n in range(20)]
    for n in range(1, 21):
        read.clear()
        scanned(detector, Caller("cache-turns"), *turns[:n])
    assert turns[19] in read
    assert sum(map(len, read)) < 4 * 200 + len(turns[19])


def test_cached_and_fresh_answers_are_the_same(detector: PresidioDetector) -> None:
    """A conversation scanned turn by turn ends as one that is scanned at once by somebody new."""
    turns = ["My card is 4111 1111", "go on", "1111 1111", "and ann@example.org", "thanks, 4111 1111"]
    for n in range(1, len(turns) + 1):
        grown = scanned(detector, Caller("cache-grown"), *turns[:n])
    assert grown == scanned(detector, Caller("cache-fresh"), *turns)


def test_callers_share_no_reading(monkeypatch: pytest.MonkeyPatch, detector: PresidioDetector) -> None:
    """A text that one caller sent is read again for another agent, user or gateway."""
    text = "Nobody else has sent this sentence."
    callers = [Caller("c-1"), Caller("c-2"), Caller("c-1", user="u"), Caller("c-1", gateway="g")]
    read = spied(monkeypatch, detector)
    for caller in [*callers, *callers]:
        scanned(detector, caller, text)
    assert read.count(text) == len(callers)


def test_no_text_is_kept(detector: PresidioDetector) -> None:
    """Neither the text nor its values stand in the cache: keys are digests, readings are places."""
    scanned(detector, Caller("cache-kept"), "Write to orchard.lane42@example.com")
    held = repr([(key, kept) for key, kept in detector._finder._cache._readings.items()])
    assert "orchard" not in held
    assert all(len(key) == 32 for key in detector._finder._cache._readings)
