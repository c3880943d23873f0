"""The demo's prompts come from all corpora and all callers, and its outcomes from the graded answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clearway.outcomes import latest_outcomes, outcomes_of
from clearway.router import Router
from clearway.testing import (
    NOON,
    FakeComplexity,
    fake_request,
    fake_router,
    memory_ledger,
    references,
    shipped_register,
)
from training.demo import corpus_prompts, text_sets, varied
from training.demo_outcomes import Outcomes

REGISTER = shipped_register()
CHOSEN = "openai/gpt-4o-mini@us"
REFERENCE = REGISTER.models[CHOSEN].success.measured


@pytest.fixture
def router() -> Iterator[Router]:
    """A router that chooses `CHOSEN`, or another deployment of the same graded answers."""
    scores = {name: 990_000 if name == REFERENCE else 10_000 for name in references(REGISTER)}
    ledger = memory_ledger()
    yield fake_router(complexity=FakeComplexity(scores), ledger=ledger)
    ledger.close()


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """Corpora of two sources of graded answers and one set of texts."""
    rows = [
        {**_row("zeroeval_gsm", f"q{n}", score=float(n % 2)), "output_tokens": None if n == 2 else 40}
        for n in range(4)
    ]
    rows += [_row("alpaca_eval2", "w", score=0.4), _row("routellm_mmlu", "m", score=1.0)]
    folder = tmp_path / "corpora"
    (folder / "routing").mkdir(parents=True)
    (folder / "pii").mkdir()
    table = pd.DataFrame(rows).astype({"output_tokens": "Int32", "input_tokens": "Int32"})
    table.to_parquet(folder / "routing" / "graded_answers.parquet")
    with gzip.open(folder / "pii" / "notes.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": f"text {n}"}) + "\n" for n in range(3))
    return folder


def _row(source: str, key: str, *, score: float) -> dict[str, Any]:
    return {
        "source": source,
        "prompt_id": key,
        "prompt_key": key,
        "prompt": f"prompt {key}",
        "model": REFERENCE,
        "model_canonical": REFERENCE,
        "score": score,
        "input_tokens": 100,
        "output_tokens": 40,
        "latency_s": 1.5,
    }


def reported(corpora: Path, router: Router, keys: list[str], seed: int = 0) -> tuple[Outcomes, list[str]]:
    """Outcomes of decisions on the prompts with these keys, and the decisions' ids."""
    table = corpora / "routing" / "graded_answers.parquet"
    outcomes = Outcomes(table, REGISTER, router.ledger, seed)
    records = [router.decide(fake_request(id=f"{n}-{key}")).record for n, key in enumerate(keys)]
    for record, key in zip(records, keys, strict=True):
        outcomes.report(record, key, NOON)
    return outcomes, [record["decision_id"] for record in records]


def test_prompts_come_from_every_source(corpora: Path) -> None:
    """Graded answers give their question's key, texts none, and no source more than was asked for."""
    found = list(corpus_prompts(corpora, 2, None, text_sets(corpora)))
    counts = pd.Series([prompt.source for prompt in found]).value_counts().to_dict()
    assert counts == {"zeroeval_gsm": 2, "alpaca_eval2": 1, "routellm_mmlu": 1, "notes": 2}
    assert {prompt.key for prompt in found if prompt.source == "notes"} == {""}
    assert {prompt.key for prompt in found if prompt.source == "alpaca_eval2"} == {"w"}


def test_all_callers_send_the_same_prompts_each_time(corpora: Path, router: Router) -> None:
    """A seed fixes the order and who sends what; each caller keeps to its purposes; none is lost."""
    prompts = list(corpus_prompts(corpora, 9, None, text_sets(corpora))) * 10
    callers = router.policy.callers
    sent = varied(prompts, callers, seed=1)
    assert sent == varied(prompts, callers, seed=1) != varied(prompts, callers, seed=2)
    assert sorted(p.source for p in sent) == sorted(p.source for p in prompts)
    assert {p.line["caller"] for p in sent} == set(callers.callers)
    assert all(p.line["purpose"] in callers.callers[p.line["caller"]].purposes for p in sent)


def test_an_answer_that_was_graded_is_reported(corpora: Path, router: Router) -> None:
    """Tokens, cost at the register's price, time and grade are those of that answer."""
    outcomes, (good, bad) = reported(corpora, router, ["q1", "q0"])
    (outcome,), (other,) = (outcomes_of(router.ledger, one) for one in (good, bad))
    price = REGISTER.price(outcome.model, NOON)
    assert price is not None
    assert (outcome.status, outcome.grade_ppm, other.grade_ppm) == ("ok", 1_000_000, 0)
    assert (outcome.input_tokens, outcome.output_tokens, outcome.latency_ms) == (100, 40, 1_500)
    assert outcome.cost_nusd == price.cost_nusd(100, 40)
    assert (outcome.marks, outcomes.n_decisions, outcomes.n_calls) == ((), 2, 2)


def test_what_nobody_graded_is_not_reported(corpora: Path, router: Router) -> None:
    """An unknown prompt and a source whose score says nothing of adequacy give no outcome."""
    outcomes, ids = reported(corpora, router, ["", "unknown", "w"])
    assert [outcomes_of(router.ledger, one) for one in ids] == [(), (), ()]
    assert (outcomes.n_decisions, outcomes.n_calls) == (0, 0)


def test_a_length_that_nobody_knows_has_no_cost(corpora: Path, router: Router) -> None:
    """Without the answer's tokens, unknown or no real answer, the report says nothing of cost."""
    _, ids = reported(corpora, router, ["q2", "m"])
    found = [outcome for one in ids for outcome in outcomes_of(router.ledger, one)]
    assert [(one.status, one.output_tokens, one.cost_nusd) for one in found] == [("ok", None, None)] * 2


def test_some_calls_fail_first(corpora: Path, router: Router) -> None:
    """A few answers come at the second attempt; a call turned away costs nothing, a timeout its input."""
    outcomes, _ = reported(corpora, router, ["q1"] * 200)
    found = list(latest_outcomes(router.ledger))
    failed = [one for one in found if one.status != "ok"]
    assert len(found) == outcomes.n_calls == 200 + len(failed)
    assert {one.status for one in failed} == {"rate_limited", "timeout"}
    assert 2 <= len(failed) <= 20
    for one in failed:
        assert ((one.cost_nusd or 0) > 0) == (one.status == "timeout")
        assert (one.attempt, one.grade_ppm, one.output_tokens) == (1, None, None)
