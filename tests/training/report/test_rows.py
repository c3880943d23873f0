"""A row says what a decision's record and its outcomes say, and how it is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearway.outcomes import Outcome
from clearway.router import Router
from clearway.testing import NOON, FakeSensitivity, fake_request, fake_router, policy_of, shipped_register
from training.report.gathered import Costs
from training.report.routed import COLUMNS, MOVE_COLUMNS, bucket_of
from training.report.sources.row_files import write_rows
from training.report.sources.rows import Before, decision_row, move_row

REGISTER = shipped_register()
COSTS = Costs(139, "for a test")
DENY_ALL = '@id("none") @reason("a test") forbid (principal, action, resource);'
OUTCOME = Outcome(
    decision_id="d",
    attempt=1,
    model="",
    status="ok",
    input_tokens=10,
    output_tokens=20,
    cost_nano=5_000,
    currency="USD",
    latency_ms=None,
    ended_at=None,
    grade_ppm=None,
    marks=(),
    time="",
    index=1,
    replaces=None,
)


def recorded(router: Router | None = None, text: str = "Hello", **fields: Any) -> dict[str, Any]:
    """A record as the ledger gives it back."""
    record = (router or fake_router()).preview(fake_request(text, **fields)).record
    restored: dict[str, Any] = json.loads(json.dumps(record))
    return restored


def row_of(record: Mapping[str, Any], outcomes: Sequence[Outcome] = (), **given: Any) -> dict[str, Any]:
    """Its row."""
    return decision_row(record, register=REGISTER, costs=COSTS, outcomes=outcomes, **given)


def test_a_row_has_every_column_and_is_written(tmp_path: Path) -> None:
    """The row of a decision, routed or refused, is a row of the table."""
    rows = [row_of(recorded()), row_of(recorded(fake_router(policy=policy_of(DENY_ALL))))]
    assert [list(row) == list(dict.fromkeys(row)) for row in rows] == [True, True]
    assert all(set(row) == {column.name for column in COLUMNS} for row in rows)
    assert write_rows(tmp_path, rows, COLUMNS) == 2


def test_a_decision_without_outcomes_is_expected_and_modelled() -> None:
    """Cost is what was expected, quality what the classifier says, both held against the incumbent."""
    record = recorded()
    row = row_of(record)
    incumbent = next(c for c in record["candidates"] if c["model"] == "openai/gpt-4o@us")
    assert (row["model"], row["provider"], row["region"]) == (
        record["model"],
        record["provider"],
        record["region"],
    )
    assert row["spent_nusd"] == row["expected_nusd"] == record["cost"]["expected_nusd"]
    assert (row["before_model"], row["before_provider"], row["before_region"]) == (
        "openai/gpt-4o@us",
        "openai",
        "us",
    )
    assert row["before_nusd"] == incumbent["cost_nusd"] == record["cost"]["incumbent_nusd"]
    assert row["before_cleared"] is True
    assert (row["quality_ppm"], row["before_quality_ppm"]) == (900_000, 900_000)
    assert row["quality_basis"] in ("modelled", "mapped")
    assert row["before_quality_basis"] == "modelled"
    assert (row["n_calls"], row["n_matched_calls"], row["failed_nusd"], row["faults"]) == (0, 0, 0, "")
    assert row["time_us"] == int(NOON.timestamp()) * 1_000_000
    assert row["router_nusd"] == 139
    assert row["bucket"] == bucket_of(record["decision_id"])


def test_slices_come_from_the_record() -> None:
    """Purpose, caller, level, length and classes, declared ones too and levels not."""
    router = fake_router(sensitivity=FakeSensitivity({"card": "payment"}))
    table = router.sensitivity.class_levels
    name = sorted(table)[0]
    router = fake_router(sensitivity=FakeSensitivity({"card": name}))
    row = row_of(
        recorded(
            router,
            "my card " * 200,
            labels=["confidential", sorted(table)[1]],
            agent="support-bot",
            purpose="customer_support",
        )
    )
    assert row["classes"] == "+".join(sorted(table)[:2])
    assert (row["purpose"], row["caller"], row["length"]) == ("customer_support", "support-bot", "medium")
    assert row["level"] in ("confidential", "restricted")


def test_a_session_is_drawn_together() -> None:
    """Requests of one session share a bucket; what the caller of the function says goes first."""
    router = fake_router()
    one, two = recorded(router, id="a", session="s"), recorded(router, id="b", session="s")
    assert row_of(one)["bucket"] == row_of(two)["bucket"] == bucket_of(one["session"])
    assert row_of(one, together="question")["bucket"] == bucket_of("question")


def test_a_refused_request_has_no_place_and_no_cost() -> None:
    """A refusal says which codes left every model out, and what would have been paid before."""
    record = recorded(fake_router(policy=policy_of(DENY_ALL)))
    called = replace(OUTCOME, model="openai/gpt-4o@us", marks=("unexpected_model",))
    row = row_of(record, [called])
    assert row["verdict"] == "refuse"
    for name in ("model", "provider", "region", "floor_met", "expected_nusd", "spent_nusd", "quality_ppm"):
        assert row[name] is None
    assert row["refused_for"].startswith("forbidden:none")
    assert row["before_nusd"] > 0
    assert (row["n_calls"], row["n_matched_calls"], row["failed_nusd"]) == (1, 0, 0)
    assert row["faults"] == "unexpected_model"


def test_reported_costs_of_all_attempts_count() -> None:
    """A failed attempt costs what it cost, and the grade of the answer is measured quality."""
    record = recorded()
    failed = replace(OUTCOME, model=record["model"], status="timeout", cost_nano=700)
    answer = replace(OUTCOME, attempt=2, model=record["model"], grade_ppm=250_000)
    row = row_of(record, [failed, answer])
    assert (row["spent_nusd"], row["failed_nusd"], row["n_calls"], row["n_matched_calls"]) == (
        5_700,
        700,
        2,
        2,
    )
    assert (row["quality_ppm"], row["quality_basis"]) == (250_000, "measured")


@pytest.mark.parametrize(
    "changes",
    [
        {"cost_nano": None, "currency": None},
        {"cost_nano": 9, "currency": "EUR", "marks": ("other_currency",)},
    ],
)
def test_an_unknown_cost_is_the_expected_one(changes: dict[str, Any]) -> None:
    """An answer without a cost in dollars counts with what it was expected to cost, and never as free."""
    record = recorded()
    row = row_of(record, [replace(OUTCOME, model=record["model"], output_tokens=None, **changes)])
    assert row["spent_nusd"] == record["cost"]["expected_nusd"]
    assert row["faults"] == "+".join(("cost_not_reported", *changes.get("marks", ())))


def test_reported_tokens_are_priced_by_the_register() -> None:
    """Tokens without a cost are what was billed: no estimate takes their place."""
    record = recorded()
    row = row_of(record, [replace(OUTCOME, model=record["model"], cost_nano=None, currency=None)])
    price = REGISTER.price(record["model"], NOON)
    assert price is not None
    assert (row["spent_nusd"], row["faults"]) == (price.cost_nusd(10, 20), "")


def test_the_model_that_answered_counts() -> None:
    """Where a fallback answered, the prompt went there, and its estimate is the quality."""
    record = recorded()
    fallback = record["fallbacks"][0]
    failed = replace(OUTCOME, model=record["model"], status="rate_limited", cost_nano=None, currency=None)
    row = row_of(record, [failed, replace(OUTCOME, attempt=2, model=fallback)])
    model = REGISTER.models[fallback]
    assert (row["model"], row["provider"], row["region"]) == (fallback, model.provider, model.region)
    assert (row["spent_nusd"], row["failed_nusd"]) == (5_000, 0)
    assert row["quality_ppm"] == 900_000


def test_a_request_that_nobody_answered_has_no_quality() -> None:
    """Where every attempt failed, no estimate stands in, and what was paid is not what an answer costs."""
    record = recorded()
    row = row_of(record, [replace(OUTCOME, model=record["model"], status="error")])
    assert (row["quality_ppm"], row["quality_basis"], row["faults"]) == (None, "", "no_answer")
    assert (row["spent_nusd"], row["failed_nusd"]) == (None, 5_000)


def test_oddities_of_outcomes_are_faults() -> None:
    """Marks of all attempts and a model that nobody knows are codes of the row, each once."""
    record = recorded()
    marks = ("time_before_decision", "unexpected_model")
    odd = replace(OUTCOME, model="gone/model@us", marks=marks, cost_nano=None, currency=None)
    row = row_of(record, [odd, replace(odd, attempt=2)])
    assert row["faults"] == "cost_not_reported+time_before_decision+unexpected_model+unknown_model"
    assert row["model"] == record["model"]
    assert row["spent_nusd"] is None


def test_a_log_may_say_what_was_before() -> None:
    """The log's model and cost stand in for the incumbent; its quality is estimated where it can be."""
    record = recorded()
    known = Before("azure/gpt-4o@eu", "azure", "eu", 77)
    row = row_of(record, before=known, request_id="line 1", source="app", category="c", language="de")
    assert (row["before_model"], row["before_nusd"], row["before_quality_ppm"]) == (
        "azure/gpt-4o@eu",
        77,
        900_000,
    )
    assert (row["before_cleared"], row["request_id"], row["faults"]) == (True, "line 1", "")
    assert (row["source"], row["category"], row["language"]) == ("app", "c", "de")
    unknown = row_of(record, before=Before("gpt-x", None, None, None))
    assert (unknown["before_cleared"], unknown["before_quality_ppm"], unknown["faults"]) == (
        None,
        None,
        "unknown_model",
    )
    assert unknown["posture_nusd"] is None


def test_posture_takes_the_cheapest_on_no_weaker_terms() -> None:
    """Against Azure in the EU only models on terms as good count, and of those the cheapest."""
    record = recorded()
    row = row_of(record, before=Before("azure/gpt-4o@eu", "azure", "eu", 10**9))
    costs = {c["model"]: c["cost_nusd"] for c in record["candidates"] if not c["codes"]}
    allowed = [
        costs[name]
        for name in costs
        if REGISTER.models[name].provider in ("azure", "aws-bedrock", "on-premises")
        and REGISTER.models[name].region in ("eu", "on_premises")
    ]
    assert row["posture_nusd"] == min(allowed)
    dear = row_of(record, before=Before("azure/gpt-4o@eu", "azure", "eu", min(allowed)))
    assert dear["posture_nusd"] is None


def test_a_choice_on_weaker_terms_is_marked() -> None:
    """Against our own machines a provider is weaker; against itself it is not; unknown terms say nothing."""
    place = {"model": "openai/gpt-4o@us", "provider": "openai", "region": "us"}
    record = {**recorded(), **place}
    mine = Before("on-premises/qwen2.5-72b-instruct@on_premises", "on-premises", "on_premises", 10**9)
    same = Before("openai/gpt-4o@us", "openai", "us", 10**9)
    found = [row_of(record, before=one)["weaker_terms"] for one in (mine, same, Before("x", None, None, 1))]
    assert found == [True, False, None]


def test_nothing_is_under_an_unreachable_floor() -> None:
    """A prompt that estimates say nothing about has no model over the floor."""
    record = recorded()
    row = row_of(
        {**record, "notes": ["outside_training"]}, before=Before("azure/gpt-4o@eu", "azure", "eu", 10**9)
    )
    assert row["posture_nusd"] is None
    assert (
        row_of({**record, "floor_ppm": 900_001}, before=Before("azure/gpt-4o@eu", "azure", "eu", 10**9))[
            "posture_nusd"
        ]
        is None
    )


def test_an_unreadable_language_is_another_one() -> None:
    """The note of the detector is the slice's value."""
    assert row_of({**recorded(), "notes": ["language_unsupported"]})["language"] == "other"


def test_a_move_has_both_sides() -> None:
    """A scenario's row has the choice, cost and quality of today and of then."""
    record = recorded()
    then = recorded(fake_router(policy=policy_of(DENY_ALL)))
    move = move_row("strict", row_of(record), record, then)
    assert set(move) == {column.name for column in MOVE_COLUMNS}
    assert (move["now_model"], move["now_nusd"]) == (record["model"], record["cost"]["expected_nusd"])
    assert (move["then_verdict"], move["then_model"], move["then_nusd"]) == ("refuse", None, None)
    assert move["now_quality_ppm"] == 900_000


def test_another_classifier_does_not_judge_its_own_choice() -> None:
    """Cost and quality of its choice are those that today's estimates give."""
    record = recorded()
    then = {
        **record,
        "candidates": [{**c, "cost_nusd": 1, "success_ppm": 999_999} for c in record["candidates"]],
    }
    move = move_row("challenger", row_of(record), record, then, estimates=record)
    assert (move["then_nusd"], move["then_quality_ppm"]) == (record["cost"]["expected_nusd"], 900_000)
