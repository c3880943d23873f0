"""Texts, conversations, tricks, languages, time and memory, with a detector that finds marker words."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

import pytest

from clearway.assessment import Level
from clearway.testing import FakeSensitivity
from training.benchmark.sensitivity import memory
from training.benchmark.sensitivity.conversations import N_TURNS, clean_sessions, pinned_by, session_rows
from training.benchmark.sensitivity.corpus import Gold, Row
from training.benchmark.sensitivity.evading import AS_IT_IS, carriers, evasion_rows, overall
from training.benchmark.sensitivity.generated import generated_rows
from training.benchmark.sensitivity.languages import language_rows
from training.benchmark.sensitivity.latency import make_texts, measure_latency, measure_turn
from training.benchmark.sensitivity.scanning import scan_rows, scan_text
from training.benchmark.sensitivity.splitting import WAYS, split_rows
from training.sensitivity.evasions import split_across

CLASS_OF = {"CREDIT_CARD": "financial", "EMAIL_ADDRESS": "contact"}
CARD = Row("Pay 4111 today", "a", "1", (Gold(4, 8, "CREDIT_CARD"),), frozenset({"financial"}))


def _silent(_: str) -> None:
    pass


def test_a_failed_scan_is_restricted() -> None:
    """It is an outcome like any other: the benchmark goes on and counts it."""
    outcome = scan_text(FakeSensitivity(is_broken=True), "anything")
    assert (outcome.has_failed, outcome.level, outcome.is_pinned) == (True, Level.RESTRICTED, True)


def test_progress_is_told() -> None:
    """Every fifty rows, with how many there are."""
    told: list[str] = []
    scan_rows(FakeSensitivity(), [Row("a", "s", "1")] * 120, told.append, "corpora")
    assert told == [f"scanning corpora: {done} of 120" for done in (0, 50, 100)]


def test_clean_sessions_repeat_no_prompt() -> None:
    """Twenty turns of the user each, with replies between; what is left over makes none."""
    texts = [f"prompt {index}" for index in range(50)]
    talks = clean_sessions(texts, 10, 0)
    said = [message["content"] for talk in talks for message in talk if message["role"] == "user"]
    assert [len(talk) for talk in talks] == [2 * N_TURNS - 1] * 2
    assert len(set(said)) == 2 * N_TURNS
    assert talks == clean_sessions(texts, 10, 0) != clean_sessions(texts, 10, 1)


def test_a_conversation_is_pinned_by_any_turn() -> None:
    """A session stays pinned, so one turn is enough, the last one too."""
    detector = FakeSensitivity({"4111": "financial"})
    talk = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
    assert pinned_by(detector, talk) is None
    assert pinned_by(detector, [*talk, {"role": "user", "content": "my card is 4111"}]) == "class"
    assert pinned_by(FakeSensitivity(is_broken=True), talk) == "note"


def test_sessions_of_both_kinds_are_counted() -> None:
    """Clean prompts in a row, and the generator's conversations with and without data."""
    rows = session_rows(FakeSensitivity(), ["a clean prompt"] * 45, _silent, sample=2, seed=0)
    facts = {(row["source"], row["is_sensitive"]): row["pinned"]["n"] for row in rows}
    assert facts == {
        ("clean prompts", False): 2,
        ("generated, positive", True): 2,
        ("generated, clean", False): 2,
    }


def test_carriers_hold_one_value_that_alone_makes_the_class() -> None:
    """Not a row of two cards, nor one that is flagged without its value, nor a long one."""
    two = Row("4111 or 4111", "a", "2", (Gold(0, 4, "CREDIT_CARD"), Gold(8, 12, "CREDIT_CARD")), CARD.classes)
    told = Row("secret 4111", "a", "3", (Gold(7, 11, "CREDIT_CARD"),), CARD.classes)
    long = Row("4111" + " " * 700, "a", "4", (Gold(0, 4, "CREDIT_CARD"),), CARD.classes)
    detector = FakeSensitivity({"4111": "financial", "secret": "financial"})
    (carrier,) = carriers(detector, [CARD, two, told, long], CLASS_OF, n=9, seed=0)
    assert (carrier.holding("X"), carrier.entity, carrier.name) == ("Pay X today", "CREDIT_CARD", "financial")
    assert "4111" not in repr(carrier)


def test_the_evasion_table() -> None:
    """The value as it is stands first; a trick that changes nothing is not counted, nor is the first row."""

    def spaced(value: str, _: Random) -> str:
        return " ".join(value)

    tricks: dict[str, Any] = {
        "spaced": spaced,
        "case": lambda value, _: value.upper(),
        "twice": lambda v, _: v * 2,
    }
    detector = FakeSensitivity({"4111": "financial"})
    carried = carriers(detector, [CARD], CLASS_OF, n=9, seed=0)
    rows = {row["trick"]: row for row in evasion_rows(detector, carried, tricks, _silent, seed=0)}
    found = {name: (row["caught"]["hits"], row["caught"]["n"]) for name, row in rows.items()}
    assert found == {AS_IT_IS: (1, 1), "spaced": (0, 1), "case": (0, 0), "twice": (1, 1)}
    assert rows["twice"]["by_entity"]["CREDIT_CARD"]["hits"] == 1
    total = overall(list(rows.values()))
    assert (total["hits"], total["n"]) == (1, 2)


def test_tricks_that_destroy_a_value_do_not_count() -> None:
    """Leetspeak of a card number is another number, so it fits addresses only."""
    detector = FakeSensitivity({"4111": "financial"})
    carried = carriers(detector, [CARD], CLASS_OF, n=9, seed=0)
    rows = evasion_rows(detector, carried, {"leetspeak": lambda value, _: "A111"}, _silent, seed=0)
    assert rows[1]["caught"]["n"] == 0


def test_values_are_split_in_every_way() -> None:
    """Whole messages, tool results, fields and chunks; each way is a request that parses."""
    whole = FakeSensitivity({"4111": "financial"})
    carried = carriers(whole, [CARD], CLASS_OF, n=9, seed=0)
    rows = split_rows(whole, carried, split_across, _silent, seed=0)
    assert [row["trick"] for row in rows] == list(WAYS)
    assert {(row["caught"]["hits"], row["caught"]["n"]) for row in rows} == {(0, 1)}
    pieces = FakeSensitivity({"1": "financial"})
    assert all(
        row["caught"]["hits"] == 1 for row in split_rows(pieces, carried, split_across, _silent, seed=0)
    )


def test_every_language_has_its_row() -> None:
    """Three kinds of value and three sentences without one in each; the same values for a seed."""
    rows = language_rows(FakeSensitivity({"@": "contact"}), _silent, sample=2, seed=0)
    assert len(rows) >= 12
    for row in rows:
        assert (row["recall"]["hits"], row["recall"]["n"]) == (2, 6)
        assert {name: one["n"] for name, one in row["by_value"].items()} == {"card": 2, "iban": 2, "email": 2}
        assert (row["noted"]["n"], row["flagged"]["hits"]) == (3, 0)


def test_generated_rows_are_the_test_split() -> None:
    """Examples with gold and some of them inside clean prompts, short and long; the same for a seed."""
    hosts = ["Tell me of the sea. It is wide."]
    rows = generated_rows(hosts, sample=20, seed=0)
    assert rows == generated_rows(hosts, sample=20, seed=0)
    assert {row.source for row in rows} == {"generated"}
    spliced = [row for row in rows if row.kind == "spliced, corpora"]
    assert max(len(row.text) for row in spliced) >= 5_000 > min(len(row.text) for row in spliced)
    assert all(row.classes and "sea" in row.text and not row.pair for row in spliced)
    for row in rows:
        assert row.classes is not None
        assert all(row.text[span.start : span.end].strip() for span in row.spans)
    assert not any("corpora" in row.kind for row in generated_rows([], sample=2, seed=0))


def test_timed_texts_are_all_different() -> None:
    """Of the asked length; no cache knows any."""
    texts = make_texts(["some prompt", "another"], 80, 50, 0)
    assert {len(text) for text in texts} == {80}
    assert len(set(texts)) == 50


def test_both_are_timed_on_the_same_texts() -> None:
    """In turns; the warm-up is not counted, and the ratio is of the medians."""

    class Stock:
        """Takes the calls of Presidio's analyzer."""

        seen: ClassVar[list[str]] = []

        def analyze(self, *, text: str, language: str) -> list[Any]:
            """Finds nothing."""
            self.seen.append(text)
            return []

    (row,) = measure_latency(FakeSensitivity(), Stock(), ["prompt"], _silent, sizes={80: 5})
    assert (row["n_characters"], row["n"]) == (80, 5)
    assert len(Stock.seen) == 7
    assert row["ratio_p50"] > 0
    assert row["ours_p50_ms"] <= row["ours_p99_ms"]


def test_the_next_turn_is_timed_beside_a_cold_one() -> None:
    """Both are of equally long conversations."""
    facts = measure_turn(FakeSensitivity(), ["prompt"], n_times=2)
    assert (facts["n_turns"], facts["n_characters"], facts["n"]) == (20, 6_000, 2)
    assert facts["next_p50_ms"] >= 0 <= facts["cold_p50_ms"]


@pytest.mark.systems
def test_a_worker_is_weighed() -> None:
    """A fresh process with the shipped detector, after it has scanned."""
    facts = memory.measure_memory(["Write to jane@example.org", "What is 2 + 2?"])
    assert facts["n_scans"] == 2
    assert 50 < facts["rss_mb"] <= facts["highest_mb"]
