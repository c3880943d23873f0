"""Outcomes: each new report is one record, whatever its order and how often it comes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clearway.errors import InvalidRequestError, LedgerError, NotFoundError
from clearway.ledger.checkpoint import Verifier
from clearway.ledger.export import snapshot
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger, Private
from clearway.ledger.verify import verify_entries
from clearway.outcome_report import OutcomeReport, parse_report
from clearway.outcomes import (
    MAX_RECORDS,
    OUTCOME,
    Outcome,
    Receipt,
    Reporter,
    latest_outcomes,
    outcomes_of,
    record_report,
)
from clearway.record import format_time
from clearway.testing import NOON, memory_ledger

SERVED: dict[str, Any] = {"model": "a/one@eu", "status": "ok"}
FULL: dict[str, Any] = {
    **SERVED,
    "input_tokens": 12,
    "output_tokens": 34,
    "cost_usd": "0.000123",
    "latency_ms": 450,
    "time": "2026-12-01T12:00:01Z",
}
LATER = NOON + timedelta(hours=1)


def decide(ledger: Ledger, decision_id: str = "d", **changed: Any) -> None:
    """Record a decision, with as much of it as outcomes look at."""
    record = {
        "decision_id": decision_id,
        "model": "a/one@eu",
        "fallbacks": ["b/two@eu"],
        "time": format_time(NOON),
        "caller": {"agent": "local-dev"},
    }
    ledger.append("decision", {**record, **changed}, Private(b"s", None, None, None, 0))


@pytest.fixture
def ledger() -> Ledger:
    """A ledger in memory with one decision, `d`."""
    made = memory_ledger()
    decide(made)
    return made


def report(ledger: Ledger, attempt: int = 1, decision_id: str = "d", **fields: Any) -> Receipt:
    """Take in a report of an operator."""
    parsed = parse_report({"decision_id": decision_id, "attempt": attempt, **fields})
    return record_report(ledger, parsed, reporter=Reporter("ana", "command_line"), at=LATER)


def n_verified(ledger: Ledger) -> int:
    """Number of outcome records of a ledger that verifies."""
    assert verify_entries(*snapshot(ledger), Verifier.parse(ledger.public_key)).fault is None
    return sum(1 for _ in ledger.entries(kind=OUTCOME))


def test_a_report_is_a_record_of_whole_numbers(ledger: Ledger) -> None:
    """The whole record: ids, codes and integers, who reported it, and no text."""
    receipt = report(ledger, **FULL)
    assert receipt.entry.record == {
        "kind": "outcome",
        "format": 1,
        "ledger_index": 1,
        "decision_id": "d",
        "attempt": 1,
        "model": "a/one@eu",
        "status": "ok",
        "input_tokens": 12,
        "output_tokens": 34,
        "cost_nano": 123_000,
        "currency": "USD",
        "latency_ms": 450,
        "ended_at": "2026-12-01T12:00:01.000000Z",
        "grade_ppm": None,
        "marks": [],
        "replaces": None,
        "report_sha256": parse_report({"decision_id": "d", "attempt": 1, **FULL}).sha256,
        "reported_by": {"id": "ana", "verified_by": "command_line"},
        "time": format_time(LATER),
    }
    assert ledger.get(1) == receipt.entry
    assert n_verified(ledger) == 1


def test_the_answer_says_what_became_of_it(ledger: Ledger) -> None:
    """The whole answer line."""
    receipt = report(ledger, **SERVED)
    assert receipt.as_json() == {
        "decision_id": "d",
        "attempt": 1,
        "result": "recorded",
        "changed": ["model", "status"],
        "marks": [],
        "superseded_by": None,
        "ledger": {"index": 1, "leaf": receipt.entry.leaf_hash.hex()},
    }


@pytest.mark.parametrize(
    "again",
    [
        FULL,
        {**FULL, "cost_usd": "1.23e-4", "time": "2026-12-01T13:00:01.0+01:00", "currency": "USD"},
        {**FULL, "grade": None},
        SERVED,
        {"output_tokens": 34},
    ],
)
def test_what_is_known_makes_no_record(ledger: Ledger, again: dict[str, Any]) -> None:
    """The same report again, written otherwise, or a part of it, is `repeated` and changes nothing."""
    first = report(ledger, **FULL)
    receipt = report(ledger, **again)
    assert (receipt.result, receipt.changed, receipt.entry) == ("repeated", (), first.entry)
    assert n_verified(ledger) == 1


def test_a_grade_comes_later(ledger: Ledger) -> None:
    """A grade in a report of its own makes a further record of the whole, which names the one before."""
    first = report(ledger, **FULL)
    receipt = report(ledger, grade=0.9)
    assert (receipt.result, receipt.changed) == ("updated", ("grade_ppm",))
    assert receipt.entry.record["replaces"] == first.entry.index
    assert outcomes_of(ledger, "d") == (
        Outcome(
            decision_id="d",
            attempt=1,
            model="a/one@eu",
            status="ok",
            input_tokens=12,
            output_tokens=34,
            cost_nano=123_000,
            currency="USD",
            latency_ms=450,
            ended_at="2026-12-01T12:00:01.000000Z",
            grade_ppm=900_000,
            marks=(),
            time=format_time(LATER),
            index=2,
            replaces=1,
        ),
    )
    assert n_verified(ledger) == 2


def test_a_correction_keeps_what_it_corrects(ledger: Ledger) -> None:
    """A later number replaces an earlier one; both records stay, and the rest of the state with them."""
    report(ledger, **FULL, grade=1)
    receipt = report(ledger, output_tokens=35, cost_usd="0.0002")
    assert receipt.changed == ("cost_nano", "output_tokens")
    assert [entry.record["output_tokens"] for entry in ledger.entries(kind=OUTCOME)] == [34, 35]
    (stands,) = outcomes_of(ledger, "d")
    assert (stands.output_tokens, stands.cost_nusd, stands.grade_ppm) == (35, 200_000, 1_000_000)


def test_a_report_delivered_again_after_its_correction_changes_nothing(ledger: Ledger) -> None:
    """A queue that delivers twice does not undo a correction; the answer says what superseded it."""
    report(ledger, **FULL)
    corrected = report(ledger, output_tokens=35)
    receipt = report(ledger, **FULL)
    answer = receipt.as_json()
    assert (answer["result"], answer["ledger"]["index"], answer["superseded_by"]) == ("repeated", 1, 2)
    assert receipt.outcome.index == corrected.entry.index
    assert n_verified(ledger) == 2


def test_attempts_are_told_apart_in_any_order(ledger: Ledger) -> None:
    """The second attempt may come in first; each has a state of its own."""
    report(ledger, 2, model="b/two@eu", status="ok")
    first = report(ledger, 1, model="a/one@eu", status="timeout")
    report(ledger, 2, grade=0.5)
    assert first.entry.record["replaces"] is None
    states = [(o.attempt, o.model, o.status, o.grade_ppm) for o in outcomes_of(ledger, "d")]
    assert states == [(1, "a/one@eu", "timeout", None), (2, "b/two@eu", "ok", 500_000)]


@pytest.mark.parametrize("fields", [{"grade": 1}, {"model": "a/one@eu"}, {"status": "ok", "input_tokens": 1}])
def test_the_first_report_says_model_and_status(ledger: Ledger, fields: dict[str, Any]) -> None:
    """A grade of an attempt that nobody reported is refused, with what to send first."""
    text = r"^report: expected model and status in the first report of an attempt; send them, then the grade$"
    with pytest.raises(InvalidRequestError, match=text):
        report(ledger, **fields)
    assert n_verified(ledger) == 0


def test_an_unknown_decision_is_refused(ledger: Ledger) -> None:
    """There is nothing to tell of; the id of another kind of record is none either."""
    for name in ("other", "1"):
        with pytest.raises(NotFoundError, match=r"^decision: none with this id; check the id$"):
            report(ledger, decision_id=name, **SERVED)
    assert outcomes_of(ledger, "other") == ()
    assert n_verified(ledger) == 0


def test_who_may_not_tell_gets_the_answer_of_an_unknown_decision(ledger: Ledger) -> None:
    """The caller of the decision is asked about, and a no looks like no such decision."""
    asked: list[object] = []
    parsed = parse_report({"decision_id": "d", "attempt": 1, **SERVED})
    with pytest.raises(NotFoundError, match=r"^decision: none with this id; check the id$"):
        record_report(
            ledger,
            parsed,
            reporter=Reporter("x", "loopback"),
            at=LATER,
            may_report=lambda caller: bool(asked.append(caller)),  # type: ignore[func-returns-value]  # None is no
        )
    assert asked == [{"agent": "local-dev"}]
    assert n_verified(ledger) == 0


@pytest.mark.parametrize(
    ("fields", "marks"),
    [
        ({"model": "b/two@eu"}, ()),
        ({"model": "c/three@us"}, ("unexpected_model",)),
        ({"cost_usd": "1", "currency": "EUR"}, ("other_currency",)),
        ({"time": "2026-12-01T12:00:00Z"}, ()),
        ({"time": "2026-12-01T11:59:59.999999Z"}, ("time_before_decision",)),
        ({"time": "2026-12-01T13:00:00Z"}, ()),
        ({"time": "2026-12-01T13:00:00.000001Z"}, ("time_in_future",)),
        ({"model": "c", "time": "2020-01-01T00:00:00Z"}, ("time_before_decision", "unexpected_model")),
    ],
)
def test_what_is_odd_is_recorded_and_marked(
    ledger: Ledger, fields: dict[str, Any], marks: tuple[str, ...]
) -> None:
    """A model that was not cleared, another currency, a clock that jumped: an auditor wants to see them."""
    receipt = report(ledger, **{**SERVED, **fields})
    assert receipt.as_json()["marks"] == receipt.entry.record["marks"] == list(marks)
    assert outcomes_of(ledger, "d")[0].marks == marks


def test_a_model_served_after_a_refusal_is_unexpected(ledger: Ledger) -> None:
    """Nothing was cleared, so whatever was called was not."""
    decide(ledger, "refused", model=None, fallbacks=[])
    assert report(ledger, decision_id="refused", **SERVED).outcome.marks == ("unexpected_model",)


def test_another_currency_is_never_taken_for_dollars(ledger: Ledger) -> None:
    """It is kept as it came, and `cost_nusd` is unknown."""
    outcome = report(ledger, **SERVED, cost_usd="2.5", currency="EUR").outcome
    assert (outcome.cost_nano, outcome.currency, outcome.cost_nusd) == (2_500_000_000, "EUR", None)
    assert report(ledger, cost_usd="2.7", currency="USD").outcome.cost_nusd == 2_700_000_000


def test_a_mark_goes_with_its_cause(ledger: Ledger) -> None:
    """A correction of what was odd takes the mark away; the first record keeps it."""
    report(ledger, model="c/three@us", status="ok")
    assert report(ledger, model="b/two@eu").outcome.marks == ()
    assert [e.record["marks"] for e in ledger.entries(kind=OUTCOME)] == [["unexpected_model"], []]


def test_one_decision_does_not_fill_the_ledger(ledger: Ledger) -> None:
    """So many records of a decision and no more; what is known is still answered."""
    for number in range(MAX_RECORDS):
        report(ledger, **SERVED, latency_ms=number)
    text = (
        rf"^decision: expected at most {MAX_RECORDS} records of its outcomes, got more; stop correcting it$"
    )
    with pytest.raises(InvalidRequestError, match=text):
        report(ledger, latency_ms=MAX_RECORDS)
    assert report(ledger, **SERVED, latency_ms=3).result == "repeated"
    assert n_verified(ledger) == MAX_RECORDS


@pytest.mark.parametrize("is_same", [True, False])
def test_eight_reports_at_once(tmp_path: Path, is_same: bool) -> None:
    """On two connections: the same report makes one record; eight parts eight, each on the one before."""
    ledgers = [open_ledger(tmp_path), open_ledger(tmp_path)]
    decide(ledgers[0])
    report(ledgers[0], **SERVED)
    barrier = threading.Barrier(8)

    def send(n: int) -> str:
        barrier.wait()
        return report(ledgers[n % 2], latency_ms=1 if is_same else n).result

    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(send, range(8)))
    n_updated = 1 if is_same else 8
    assert results == ["repeated"] * (8 - n_updated) + ["updated"] * n_updated
    places = [(entry.index, entry.record["replaces"]) for entry in ledgers[0].entries(kind=OUTCOME)]
    assert places == [(1, None), *((index, index - 1) for index in range(2, 2 + n_updated))]
    assert n_verified(ledgers[0]) == 1 + n_updated
    for ledger in ledgers:
        ledger.close()


def test_the_first_of_two_at_once_is_said_to_one(tmp_path: Path) -> None:
    """Of eight first reports that are the same, one is `recorded` and seven are `repeated`."""
    ledger = open_ledger(tmp_path)
    decide(ledger)
    with ThreadPoolExecutor(8) as pool:
        results = sorted(pool.map(lambda _: report(ledger, **FULL).result, range(8)))
    assert results == ["recorded"] + ["repeated"] * 7
    assert n_verified(ledger) == 1
    ledger.close()


def test_the_latest_state_of_all(ledger: Ledger) -> None:
    """One state for each attempt, as of a size of the ledger; corrected records are left out."""
    decide(ledger, "e")
    report(ledger, **SERVED)
    report(ledger, 2, model="b/two@eu", status="ok")
    report(ledger, decision_id="e", model="a/one@eu", status="error")
    size = ledger.size()
    report(ledger, grade=0.25)

    def states(stop: int | None = None) -> list[tuple[str, int, int | None]]:
        return [(o.decision_id, o.attempt, o.grade_ppm) for o in latest_outcomes(ledger, stop=stop)]

    assert states(size) == [("d", 1, None), ("d", 2, None), ("e", 1, None)]
    assert states() == [("d", 2, None), ("e", 1, None), ("d", 1, 250_000)]


def test_outcomes_outlive_the_erasure_of_their_decision(ledger: Ledger) -> None:
    """Erasing takes away what ties a decision to its request; its outcome, and later ones, stay."""
    report(ledger, **SERVED)
    assert ledger.erase("d")
    assert report(ledger, grade=1).result == "updated"
    assert outcomes_of(ledger, "d")[0].grade_ppm == 1_000_000
    assert n_verified(ledger) == 2


def test_looking_up_does_not_read_the_ledger(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither reporting nor `outcomes_of` goes through the entries."""

    def fail(*_: object) -> None:
        raise AssertionError("the entries were read")

    for name in ("entries", "leaves"):
        monkeypatch.setattr(type(ledger), name, fail)
    report(ledger, **SERVED)
    assert len(outcomes_of(ledger, "d")) == 1


def test_an_index_that_leads_elsewhere_is_an_alteration(ledger: Ledger) -> None:
    """The index is outside the tree, so what it leads to is checked."""
    key = ledger.keyed(OUTCOME, "d", "1")
    ledger.append(OUTCOME, {"decision_id": "e"}, Private(b"s", key, key, None, 0))
    with pytest.raises(
        LedgerError, match=r"^decision d: its outcome leads to another record; verify the led"
    ):
        outcomes_of(ledger, "d")


@pytest.mark.parametrize("changed", [{"format": 2}, {"marks": None}])
def test_a_record_of_another_form_is_told_apart(ledger: Ledger, changed: dict[str, Any]) -> None:
    """A record that this version did not write is a fault with a place, and nothing is built on it."""
    key = ledger.keyed(OUTCOME, "d", "2")
    record = {**report(ledger, **SERVED).entry.record, "ledger_index": 2, **changed}
    ledger.append(OUTCOME, record, Private(b"s", key, key, None, 0))
    text = (
        r"^entry 2: expected the record of an outcome, got another form; "
        r"read it with the Clearway that wrote it$"
    )
    with pytest.raises(LedgerError, match=text):
        list(latest_outcomes(ledger))
    with pytest.raises(LedgerError, match=text):
        report(ledger, grade=1)


def test_a_report_is_bound_to_its_attempt() -> None:
    """The digest by which repeats are known covers decision and attempt."""
    digests = {OutcomeReport(d, a, SERVED).sha256 for d in ("d", "e") for a in (1, 2)}
    assert len(digests) == 4
