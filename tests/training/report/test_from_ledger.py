"""The ledger gives a row for each decision, with what was reported of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from clearway.errors import InvalidRequestError, LedgerError, NotFoundError
from clearway.installation import data_folder
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger
from clearway.outcome_report import parse_report
from clearway.outcomes import Reporter, record_report
from clearway.policy_tools.what_if import recorded_router
from clearway.router import Router
from clearway.sensitivity import load_class_table
from clearway.testing import (
    NOON,
    FakeComplexity,
    fake_request,
    fake_router,
    memory_ledger,
    policy_of,
    references,
    shipped_register,
)
from training.report.gathered import Costs, Gathered, Variant
from training.report.sources.from_ledger import gather

REGISTER = shipped_register()
FORMAT_1 = Path(__file__).parents[2] / "clearway" / "format_1"
DENY_ALL = '@id("none") @reason("a test") forbid (principal, action, resource);'


def success_of(reference: str) -> int:
    """Another estimate for each model, the same in every run."""
    return 700_000 + 10_000 * sorted(references(REGISTER)).index(reference)


@pytest.fixture
def router() -> Iterator[Router]:
    """A router over a ledger in memory."""
    ledger = memory_ledger()
    scores = {name: success_of(name) for name in references(REGISTER)}
    yield fake_router(ledger=ledger, complexity=FakeComplexity(scores))
    ledger.close()


def report(ledger: Ledger, **line: Any) -> None:
    """Report an outcome."""
    record_report(ledger, parse_report(line), reporter=Reporter("test", "test"), at=NOON + timedelta(hours=1))


def route(router: Router, n: int) -> list[dict[str, Any]]:
    """Decide that many requests, of all lengths."""
    return [dict(router.decide(fake_request("word " * (100 * i), id=f"r-{i}")).record) for i in range(n)]


def rows_of(gathered: Gathered) -> list[dict[str, Any]]:
    """The rows that were written."""
    rows: list[dict[str, Any]] = pq.read_table(gathered.rows).to_pylist()
    return rows


def variant_of(router: Router, **changes: Any) -> Variant:
    """A scenario with other parts."""
    parts = {"policy": router.policy, "register": router.register, **changes}
    complexity = parts.pop("complexity", None)
    table = load_class_table(data_folder() / "sensitivity")
    return Variant(
        "other", "something", recorded_router(**parts, table=table, ledger=memory_ledger()), complexity
    )


def test_each_decision_is_a_row_with_its_outcomes(router: Router, tmp_path: Path) -> None:
    """Decisions come in order, and each has the outcomes that were reported of it, as they stand."""
    records = route(router, 5)
    first = records[0]
    report(
        router.ledger,
        decision_id=first["decision_id"],
        attempt=2,
        model=first["model"],
        status="ok",
        cost_usd="0.001",
    )
    report(router.ledger, decision_id=first["decision_id"], attempt=1, model=first["model"], status="timeout")
    report(router.ledger, decision_id=first["decision_id"], attempt=2, grade=0.5)
    rows = rows_of(gather(router.ledger, REGISTER, tmp_path))
    assert [row["request_id"] for row in rows] == [record["decision_id"] for record in records]
    assert (rows[0]["n_calls"], rows[0]["spent_nusd"], rows[0]["failed_nusd"]) == (2, 1_000_000, 0)
    assert (rows[0]["quality_ppm"], rows[0]["quality_basis"]) == (500_000, "measured")
    assert {row["n_calls"] for row in rows[1:]} == {0}


def test_calls_that_went_elsewhere_are_told(router: Router, tmp_path: Path) -> None:
    """What a failed attempt reached is no path of the answer, its unknown cost is none: both are said."""
    first = route(router, 2)[0]
    other = next(name for name in first["fallbacks"] if not name.startswith(f"{first['provider']}/"))
    decided = first["decision_id"]
    report(router.ledger, decision_id=decided, attempt=1, model=other, status="timeout")
    report(router.ledger, decision_id=decided, attempt=2, model=first["model"], status="ok", cost_usd="0.001")
    notes = gather(router.ledger, REGISTER, tmp_path).notes
    assert sum(note.startswith("1 reported calls went elsewhere") for note in notes) == 1
    assert "For 1 failed attempts nobody reported a cost in US dollars: they count as free." in notes


def test_what_is_gathered_says_where_it_comes_from(router: Router, tmp_path: Path) -> None:
    """Incumbent, classifiers, detectors, register and costs are named."""
    route(router, 2)
    gathered = gather(router.ledger, REGISTER, tmp_path, costs=Costs(7, "a guess"))
    assert (gathered.kind, gathered.origin, gathered.before) == ("ledger", "ledger", "openai/gpt-4o@us")
    identity = router.complexity.identity
    assert gathered.classifiers == {identity.sha256: "fake-complexity 1"}
    assert list(gathered.detectors.values()) == ["fake-sensitivity 1"]
    assert (gathered.register, gathered.router_nusd, gathered.router_basis) == (REGISTER.digest, 7, "a guess")
    assert (gathered.moves, gathered.scenarios) == (None, {})
    assert any("openai" in note or "model" in note for note in gathered.notes)


def test_mixes_are_paired_with_each_request(router: Router, tmp_path: Path) -> None:
    """The best single model has its own cost and estimate on each request; unknown arms stay empty."""
    records = route(router, 4)
    rows = rows_of(gather(router.ledger, REGISTER, tmp_path))
    models = [{c["model"]: c for c in record["candidates"]} for record in records]
    highest = max(c["success_ppm"] for c in models[0].values())
    best = min(
        (name for name, c in models[0].items() if c["success_ppm"] == highest),
        key=lambda name: sum(known[name]["cost_nusd"] for known in models),
    )
    for known, row in zip(models, rows, strict=True):
        assert (row["best_single_quality_ppm"], row["best_single_nusd"]) == (
            highest,
            known[best]["cost_nusd"],
        )
        assert (row["random_mix_nusd"], row["zero_router_nusd"]) != (None, None)
        for arm in ("routed_98", "shuffled", "neighbours", "oracle"):
            assert (row[f"{arm}_nusd"], row[f"{arm}_quality_ppm"]) == (None, None)


def test_refusals_are_rows_without_mixes(tmp_path: Path) -> None:
    """A ledger of refusals has a row for each, and no mix to compare with."""
    router = fake_router(policy=policy_of(DENY_ALL))
    route(router, 2)
    gathered = gather(router.ledger, REGISTER, tmp_path)
    assert {(row["verdict"], row["best_single_nusd"]) for row in rows_of(gathered)} == {("refuse", None)}


def test_scenarios_are_decided_on_the_recorded_facts(router: Router, tmp_path: Path) -> None:
    """Each scenario has a row for each decision, with today's choice and the other one."""
    records = route(router, 3)
    strict = variant_of(router, policy=policy_of(DENY_ALL))
    gathered = gather(router.ledger, REGISTER, tmp_path, variants=[strict])
    assert gathered.moves is not None
    moves = pq.read_table(gathered.moves).to_pylist()
    assert [move["request_id"] for move in moves] == [record["decision_id"] for record in records]
    assert [move["now_model"] for move in moves] == [record["model"] for record in records]
    assert {move["then_verdict"] for move in moves} == {"refuse"}
    assert gathered.scenarios == {"other": "something"}


def test_scenarios_can_be_decided_on_another_day(router: Router, tmp_path: Path) -> None:
    """On a day when every review has lapsed nothing is routed."""
    route(router, 1)
    late = datetime(2126, 1, 1, tzinfo=UTC)
    gathered = gather(router.ledger, REGISTER, tmp_path, variants=[variant_of(router)], at=late)
    assert gathered.moves is not None
    assert pq.read_table(gathered.moves)["then_verdict"].to_pylist() == ["refuse"]


def test_scenarios_can_be_held_against_the_rules_of_today(router: Router, tmp_path: Path) -> None:
    """On a day when every review has lapsed a scenario that changes nothing moves nothing."""
    route(router, 1)
    late, today = datetime(2126, 1, 1, tzinfo=UTC), variant_of(router)
    gathered = gather(router.ledger, REGISTER, tmp_path, variants=[variant_of(router)], today=today, at=late)
    assert gathered.moves is not None
    moves = pq.read_table(gathered.moves)
    assert moves["now_verdict"].to_pylist() == moves["then_verdict"].to_pylist() == ["refuse"]


def test_another_classifier_needs_the_texts(router: Router, tmp_path: Path) -> None:
    """Without texts the error says how to give them; with those of one decision, the other is counted."""
    other = FakeComplexity(dict.fromkeys(references(REGISTER), 990_000))
    records = route(router, 2)
    challenger = variant_of(router, complexity=other)
    with pytest.raises(InvalidRequestError, match=r"what-if other: another classifier .* --requests FILE"):
        gather(router.ledger, REGISTER, tmp_path / "a", variants=[challenger])
    line = {"id": "r-0", "request": {"messages": [{"role": "user", "content": ""}]}}
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps(line) + "\n\n", encoding="utf-8")
    gathered = gather(router.ledger, REGISTER, tmp_path / "b", variants=[challenger], requests=texts)
    assert gathered.moves is not None
    moves = pq.read_table(gathered.moves).to_pylist()
    assert [move["request_id"] for move in moves] == [records[0]["decision_id"]]
    judged = {c["model"]: c["success_ppm"] for c in records[0]["candidates"]}
    assert moves[0]["then_quality_ppm"] == judged[moves[0]["then_model"]]
    assert any(note.startswith("1 requests are missing") for note in gathered.notes)


def test_texts_of_another_ledger_are_refused(router: Router, tmp_path: Path) -> None:
    """A file that matches nothing, and one that is not there, are said in one line."""
    route(router, 1)
    challenger = variant_of(router, complexity=FakeComplexity(dict.fromkeys(references(REGISTER), 990_000)))
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"id": "x", "request": {"messages": [{"role": "user", "content": "x"}]}}\n')
    with pytest.raises(InvalidRequestError, match="no line belongs to a decision"):
        gather(router.ledger, REGISTER, tmp_path, variants=[challenger], requests=texts)
    with pytest.raises(InvalidRequestError, match="expected a file of request lines, got FileNotFoundError"):
        gather(router.ledger, REGISTER, tmp_path, variants=[challenger], requests=tmp_path / "none")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{oops", "expected JSON"),
        ("[]", "expected a JSON object, got a list"),
        ('{"id": "r-0"}', "request: required field is missing"),
    ],
)
def test_a_broken_line_of_texts_is_named(router: Router, tmp_path: Path, line: str, fault: str) -> None:
    """By file and number, blank lines counted."""
    route(router, 1)
    challenger = variant_of(router, complexity=FakeComplexity(dict.fromkeys(references(REGISTER), 990_000)))
    texts = tmp_path / "texts.jsonl"
    texts.write_text(f'{{"id": "x"}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(InvalidRequestError) as caught:
        gather(router.ledger, REGISTER, tmp_path, variants=[challenger], requests=texts)
    assert str(caught.value) == f"texts.jsonl: line 3: {fault}"


def test_a_ledger_without_decisions_is_said(tmp_path: Path) -> None:
    """There is nothing to report on, and no file is left."""
    with pytest.raises(NotFoundError, match="expected at least one decision, got none"):
        gather(memory_ledger(), REGISTER, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_decision_of_a_later_format_stops_the_report(router: Router, tmp_path: Path) -> None:
    """What this version cannot read it does not guess."""
    route(router, 1)
    record = {**router.ledger.get(0).record, "format": 9, "decision_id": "later", "ledger_index": 1}
    router.ledger.append("decision", record)
    with pytest.raises(LedgerError, match="entry 1: expected a decision of format 1 to 2"):
        gather(router.ledger, REGISTER, tmp_path)


def test_progress_is_told_to_the_end(router: Router, tmp_path: Path) -> None:
    """Both readings and the outcomes end with how many of each there were."""
    first, _ = route(router, 2)
    report(router.ledger, decision_id=first["decision_id"], attempt=1, model=first["model"], status="timeout")
    told: list[tuple[str, int, int]] = []
    gather(router.ledger, REGISTER, tmp_path, progress=lambda *step: told.append(step))
    ends = [what for what, done, total in told if done == total]
    assert ends == ["decisions: 2", "outcomes: 1", "rows: 2"]
    assert {what.partition(":")[0] for what, _, _ in told} == {"decisions", "outcomes", "rows"}


def test_a_text_that_was_not_decided_is_not_used(router: Router, tmp_path: Path) -> None:
    """Another text under the same id changes no scenario, nor does one whose decision was erased."""
    records = route(router, 3)
    router.ledger.erase(records[1]["decision_id"])
    contents = ["another text", "word " * 100, "word " * 200]
    lines = [
        {"id": f"r-{i}", "request": {"messages": [{"role": "user", "content": content}]}}
        for i, content in enumerate(contents)
    ]
    texts = tmp_path / "texts.jsonl"
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    challenger = variant_of(router, complexity=FakeComplexity(dict.fromkeys(references(REGISTER), 990_000)))
    gathered = gather(router.ledger, REGISTER, tmp_path, variants=[challenger], requests=texts)
    assert gathered.moves is not None
    assert pq.read_table(gathered.moves)["request_id"].to_pylist() == [records[2]["decision_id"]]
    assert any(note.startswith("2 requests are missing") for note in gathered.notes)


def test_decisions_of_the_first_format_are_rows(tmp_path: Path) -> None:
    """What was recorded before chains and exceptions is reported like the rest, and decided again."""
    lines = (FORMAT_1 / "records.jsonl").read_text(encoding="utf-8").splitlines()
    ledger = memory_ledger()
    for index, line in enumerate(lines):
        ledger.append("decision", {**json.loads(line), "ledger_index": index})
    router = fake_router(ledger=ledger)
    gathered = gather(ledger, REGISTER, tmp_path, variants=[variant_of(router)])
    rows = rows_of(gathered)
    assert [row["request_id"] for row in rows] == [json.loads(line)["decision_id"] for line in lines]
    assert {row["verdict"] for row in rows} <= {"route", "refuse"}
    assert gathered.moves is not None
    assert pq.read_table(gathered.moves).num_rows == len(rows)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "UPDATE entries SET leaf = replace(leaf, 'cost_nusd', 'cost_nust') WHERE idx = 1",
            "entry 1: altered",
        ),
        ("UPDATE entries SET kind = 'note' WHERE idx = 1", "entry 1: altered, its row says another"),
        ("DELETE FROM entries WHERE idx = 1", "entry 1: missing; verify the ledger"),
    ],
)
def test_an_altered_ledger_gives_no_rows(tmp_path: Path, sql: str, text: str) -> None:
    """A decision that was changed, renamed or taken out is an error that names it, and nothing is written."""
    home = tmp_path / "home"
    with closing(open_ledger(home)) as ledger:
        route(fake_router(ledger=ledger), 3)
    with closing(sqlite3.connect(home / "ledger.db")) as store, store:
        store.execute(sql)
    with closing(open_ledger(home)) as altered, pytest.raises(LedgerError, match=text):
        gather(altered, REGISTER, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_stand_in_is_named(router: Router, tmp_path: Path) -> None:
    """Where the best single model is estimated by the answers of another one, a note says so."""
    scores = {name: 990_000 if name == "o1-mini-2024-09-12" else 800_000 for name in references(REGISTER)}
    route(fake_router(ledger=router.ledger, complexity=FakeComplexity(scores)), 1)
    notes = gather(router.ledger, REGISTER, tmp_path).notes
    stand_in = (
        "The estimates of openai/gpt-5-mini@us are those of o1-mini-2024-09-12, which stands in for it."
    )
    assert stand_in in notes


def test_the_same_classifier_moves_nothing(router: Router, tmp_path: Path) -> None:
    """A challenger that says what today's classifier says changes neither choice nor cost nor quality."""
    route(router, 2)
    texts = tmp_path / "texts.jsonl"
    with texts.open("w", encoding="utf-8") as file:
        for i in range(2):
            message = {"role": "user", "content": "word " * (100 * i)}
            file.write(json.dumps({"id": f"r-{i}", "request": {"messages": [message]}}) + "\n")
    same = variant_of(router, complexity=router.complexity)
    gathered = gather(router.ledger, REGISTER, tmp_path, variants=[same], requests=texts)
    assert gathered.moves is not None
    moves = pq.read_table(gathered.moves).to_pylist()
    assert len(moves) == 2
    for move in moves:
        for name in ("verdict", "model", "provider", "region", "nusd", "quality_ppm"):
            assert move[f"now_{name}"] == move[f"then_{name}"]
