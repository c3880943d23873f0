"""What is counted at prompt and at span level, on cases made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from clearway.assessment import Finding, Level
from training.benchmark.sensitivity import verdicts
from training.benchmark.sensitivity.corpus import Gold, Row
from training.benchmark.sensitivity.scanning import Case, Outcome
from training.benchmark.sensitivity.shares import share, share_of
from training.benchmark.sensitivity.spans import is_covered, span_rows

SOURCE = "s"


def _case(
    gold: set[str] | None, flagged: set[str], *, note: str = "", has_failed: bool = False, **row: Any
) -> Case:
    pinned = flagged or note or has_failed
    outcome = Outcome(
        frozenset(flagged),
        Level.RESTRICTED if pinned else Level.PUBLIC,
        (),
        (note,) if note else (),
        has_failed,
    )
    classes = None if gold is None else frozenset(gold)
    return Case(Row(**{"text": "t", "source": SOURCE, "doc_id": "1", "classes": classes, **row}), outcome)


def _hits(share: dict[str, Any]) -> tuple[int, int]:
    return share["hits"], share["n"]


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.308497), (10, 10, 0.691503, 1.0), (1, 1, 0.025, 1.0), (85, 100, 0.764692, 0.913547)],
)
def test_intervals_are_exact(hits: int, n: int, low: float, high: float) -> None:
    """Clopper and Pearson's bounds, as R's binom.test prints them."""
    found = share(hits, n)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=2e-6)


def test_no_cases_have_no_share() -> None:
    """Nothing is claimed of nothing."""
    assert share_of([]) == {"hits": 0, "n": 0, "value": None, "low": None, "high": None}


def test_recall_and_precision_of_a_class() -> None:
    """Rows without gold are not counted, and a failed scan recalls nothing."""
    cases = [
        _case({"contact"}, {"contact"}),
        _case({"contact"}, set(), has_failed=True),
        _case(set(), {"contact"}),
        _case(set(), set()),
        _case(None, {"contact"}),
    ]
    every, own = verdicts.class_rows(cases)
    assert (every["class"], every["source"], own["source"]) == ("contact", "all", SOURCE)
    assert _hits(every["recall"]) == (1, 2)
    assert _hits(every["precision"]) == (1, 2)
    assert every["recall"] == own["recall"]


def test_false_pins_count_notes_and_failures() -> None:
    """Of rows without a class: pinned by a class, by a note only, by a failure."""
    cases = [
        _case(set(), {"contact"}, note="image"),
        _case(set(), set(), note="language_unsupported"),
        _case(set(), set(), has_failed=True),
        _case(set(), set()),
        _case({"contact"}, {"contact"}),
    ]
    (row,) = verdicts.pin_rows(cases)
    assert _hits(row["pinned"]) == (3, 4)
    assert row["by_note_only"] == 2
    assert row["classes"] == {"contact": 1}
    assert row["notes"] == {"image": 1, "language_unsupported": 1}


def test_rows_without_gold_stand_apart() -> None:
    """Their share pinned is no error rate."""
    cases = [_case(None, {"contact"}), _case(set(), set())]
    assert verdicts.pin_rows(cases)[0]["pinned"]["n"] == 1
    assert _hits(verdicts.unjudged_rows(cases)[0]["pinned"]) == (1, 1)


@pytest.mark.parametrize(
    ("gold", "flagged", "note", "is_false"),
    [
        (set(), set(), "", False),
        (set(), set(), "image", True),
        (set(), {"contact"}, "", True),
        ({"contact"}, {"contact"}, "image", False),
        ({"contact"}, {"contact", "health"}, "", True),
        ({"contact"}, set(), "", False),
    ],
)
def test_what_a_false_pin_is(gold: set[str], flagged: set[str], note: str, is_false: bool) -> None:
    """A class too many, or a prompt without any that is pinned."""
    assert _case(gold, flagged, note=note).is_false_pin is is_false


def test_pairs_are_judged_by_both_halves() -> None:
    """Found in one, not pinned in the other, and both at once; a half alone is no pair."""
    cases = [
        _case({"contact"}, {"contact"}, pair="right"),
        _case(set(), set(), pair="right"),
        _case(set(), {"contact"}, pair="always flagged"),
        _case({"contact"}, {"contact"}, pair="always flagged"),
        _case({"contact"}, set(), pair="never flagged"),
        _case(set(), set(), pair="never flagged"),
        _case({"contact"}, {"contact"}, pair="half"),
    ]
    every, contact = verdicts.pair_rows(cases)
    assert (every["class"], contact["class"]) == ("all", "contact")
    for row in (every, contact):
        assert _hits(row["recall"]) == (2, 3)
        assert _hits(row["false_pin"]) == (1, 3)
        assert _hits(row["both_right"]) == (1, 3)


def test_a_pair_counts_for_the_class_that_only_one_half_has() -> None:
    """What both halves hold is no difference, and no false pin."""
    cases = [
        _case({"contact", "health"}, {"health", "contact"}, pair="p"),
        _case({"contact"}, {"contact"}, pair="p"),
    ]
    rows = {row["class"]: row for row in verdicts.pair_rows(cases)}
    assert set(rows) == {"all", "health"}
    assert _hits(rows["health"]["both_right"]) == (1, 1)


def test_kinds_of_generated_rows() -> None:
    """Every gold class must be flagged; harmless kinds have no recall."""
    cases = [
        _case({"contact", "personal"}, {"contact"}, kind="positive"),
        _case({"contact"}, {"contact"}, kind="positive"),
        _case(set(), {"contact"}, kind="fiction"),
        _case(set(), set(), kind="fiction", note="language_unsupported"),
    ]
    fiction, positive = verdicts.kind_rows(cases)
    assert _hits(positive["all_classes"]) == (1, 2)
    assert fiction["all_classes"]["n"] == 0
    assert _hits(fiction["false_pin"]) == (2, 2)
    assert fiction["by_note_only"] == 1


def test_expected_leaks_and_their_bound() -> None:
    """Prevalence times what is missed; the bound takes the recall's lower bound."""
    recalls = {"contact": share(97, 100), "health": share(0, 0)}
    (row,) = verdicts.risk_rows(recalls, {"contact": 0.01}, 1.0)
    assert row == {
        "class": "contact",
        "prevalence": 0.01,
        "leaks_per_million": 300,
        "at_most": round(10_000 * (1 - share(97, 100)["low"])),
        "n": 100,
    }
    assert verdicts.risk_rows(recalls, {}, 1.0)[0]["leaks_per_million"] == 30_000


def test_what_is_pinned_for_another_reason_does_not_leak() -> None:
    """Of sensitive rows, those kept back by any class, note or failure."""
    cases = [
        _case({"contact"}, {"health"}),
        _case({"contact"}, set(), has_failed=True),
        _case({"contact"}, set()),
        _case(set(), set()),
    ]
    assert _hits(verdicts.pinned_at_all(cases)) == (2, 3)


def _spotted(gold: list[Gold], said: list[tuple[str, int, int]], **row: Any) -> Case:
    findings = tuple(Finding(name, start, end, 1_000_000, 0) for name, start, end in said)
    outcome = Outcome(frozenset(), Level.PUBLIC, findings, ())
    return Case(
        Row(**{"text": "t" * 40, "source": SOURCE, "doc_id": "1", "spans": tuple(gold), **row}), outcome
    )


def test_spans_need_half_of_their_characters() -> None:
    """Half is enough, less is not; two findings may share a span."""
    assert is_covered((0, 10), [(5, 20)])
    assert not is_covered((0, 10), [(6, 20)])
    assert is_covered((0, 10), [(0, 3), (7, 9)])


def test_labels_are_mapped_before_scoring() -> None:
    """ADDRESS is STREET_ADDRESS; a place is not scored; who marked names only says nothing of cards."""
    gold = [Gold(0, 10, "ADDRESS"), Gold(20, 30, "GPE")]
    case = _spotted(gold, [("STREET_ADDRESS", 0, 10), ("CREDIT_CARD", 20, 30), ("STREET_ADDRESS", 32, 36)])
    (row,) = span_rows([case])
    assert row["entity"] == "STREET_ADDRESS"
    assert _hits(row["recall"]) == (1, 1)
    assert _hits(row["precision"]) == (1, 2)


def test_incomplete_spans_say_nothing_of_precision() -> None:
    """Where values may stand unmarked, only recall is counted."""
    case = _spotted([Gold(0, 4, "PER")], [("PERSON", 0, 4), ("PERSON", 9, 12)], has_all_spans=False)
    (row,) = span_rows([case])
    assert _hits(row["recall"]) == (1, 1)
    assert row["precision"]["n"] == 0
