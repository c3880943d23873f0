"""Outcomes for the demo: what the chosen model really answered to that prompt, as the graded answers tell.

Only a model whose own answers were graded gets one: the grade of a stand-in would pass for its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from clearway.ledger.store import Ledger
from clearway.outcome_report import parse_report
from clearway.outcomes import Reporter, record_report
from clearway.register import Register
from training.corpora import TOLERANCE, reference_models, rule_of

REPORTER: Final = Reporter("demo", "command_line")
# Share of answers before which the provider turned the call away, or let it time out.
RATE_LIMITED: Final = 0.03
TIMED_OUT: Final = 0.01
_NUMBERS: Final = ("score", "input_tokens", "output_tokens", "latency_s")
_COLUMNS: Final = ("source", "prompt_key", "model", "model_canonical", *_NUMBERS)


class Answer(NamedTuple):
    """One graded answer: whether it was adequate, and what is known of its size and time."""

    is_adequate: bool
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: int | None


class Outcomes:
    """Reports what came of decisions, the same for the same seed.

    Args:
        answers: The tidy table of graded answers (Parquet).
        register: Models and prices.
        ledger: Where the reports go.
        seed: Which calls fail first.
    """

    def __init__(self, answers: Path, register: Register, ledger: Ledger, seed: int) -> None:
        self._references = {
            model.id: model.success.measured
            for model in register.models.values()
            if model.success.measured is not None
        }
        self._answers = _answers(answers, set(self._references.values()))
        self._register = register
        self._ledger = ledger
        self._random = np.random.default_rng(seed)
        self.n_decisions = 0
        self.n_calls = 0

    def report(self, record: Mapping[str, Any], prompt_key: str, at: datetime) -> None:
        """Report the calls of a decision, if the answer to that prompt is known."""
        answer = self._answers.get((prompt_key, self._references.get(record["model"], "")))
        if answer is None:
            return
        self.n_decisions += 1
        for attempt, call in enumerate(self._calls(record, answer, at), 1):
            line = {
                "decision_id": record["decision_id"],
                "attempt": attempt,
                "model": record["model"],
                **call,
            }
            record_report(self._ledger, parse_report(line), reporter=REPORTER, at=at)
            self.n_calls += 1

    def _calls(self, record: Mapping[str, Any], answer: Answer, at: datetime) -> Iterator[dict[str, Any]]:
        n_input = answer.input_tokens or record["assessment"]["n_input_tokens"]
        drawn = self._random.random()
        if drawn < RATE_LIMITED:
            yield {"status": "rate_limited"}
        elif drawn < RATE_LIMITED + TIMED_OUT:
            yield {"status": "timeout", "input_tokens": n_input, **self._cost(record, n_input, 0, at)}
        yield {
            "status": "ok",
            "grade": float(answer.is_adequate),
            "input_tokens": n_input,
            "output_tokens": answer.output_tokens,
            "latency_ms": answer.latency_ms,
            **self._cost(record, n_input, answer.output_tokens, at),
        }

    def _cost(
        self, record: Mapping[str, Any], n_input: int, n_output: int | None, at: datetime
    ) -> dict[str, str]:
        price = self._register.price(record["model"], at)
        if price is None or n_output is None:
            return {}
        return {"cost_usd": f"{Decimal(price.cost_nusd(n_input, n_output)).scaleb(-9):f}"}


def _answers(path: Path, references: set[str]) -> dict[tuple[str, str], Answer]:
    """Graded answers of some models by question and model; of several the first by source."""
    import pandas as pd

    table = pd.read_parquet(path, columns=list(_COLUMNS))
    table = table.astype(dict.fromkeys(_NUMBERS, "float64"))
    table["reference_model"] = reference_models(table)
    table = table[table["reference_model"].isin(references)].sort_values("source", kind="stable")
    found: dict[tuple[str, str], Answer] = {}
    rows: Iterator[Any] = table.itertuples(index=False)
    for row in rows:
        rule = rule_of(str(row.source))
        if rule.trains:
            answer = Answer(
                is_adequate=bool(row.score >= rule.threshold - TOLERANCE),
                input_tokens=_whole(row.input_tokens),
                output_tokens=_whole(row.output_tokens) if rule.has_output else None,
                latency_ms=_whole(row.latency_s, 1_000),
            )
            found.setdefault((str(row.prompt_key), str(row.reference_model)), answer)
    return found


def _whole(value: float, scale: int = 1) -> int | None:
    """A count as a whole number; None where it is unknown."""
    return round(value * scale) if math.isfinite(value) and value >= 0 else None
