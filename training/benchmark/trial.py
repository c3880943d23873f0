"""One trial: what is learned from, what is tested, and what was left out of both, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from clearway.errors import TrainingDataError
from training import corpora
from training.prompt_key import normalise


@dataclass(frozen=True)
class Trial:
    """Graded answers on both sides: no question is on both.

    Attributes:
        train: From `corpora.select_models`, and no question of the test.
        test: Rows with `reference_model` and `adequate`, of models that `train` has.
        asked: Test rows of learned models, whether or not their score says adequacy: what gets a prediction.
        left_out: What was left out and why, for `--json` and for people.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    asked: pd.DataFrame
    left_out: dict[str, Any] = field(default_factory=dict)


def arrange(train: pd.DataFrame, test: pd.DataFrame, sources: Sequence[str], *, min_answers: int) -> Trial:
    """Both tables with everything left out that may not train or cannot be tested.

    Args:
        train: From `corpora.read_answers`.
        test: Likewise.
        sources: Sources to keep on both sides; all when empty.
        min_answers: Fewer graded answers in `train` than this, and a model is left out.

    Raises:
        TrainingDataError: A source is unknown or holds win rates, or a side is left with nothing.
    """
    shared = train["prompt_key"].isin(set(test["prompt_key"]))
    shared |= train["prompt"].map(normalise).isin(set(test["prompt"].map(normalise)))
    both = pd.concat([train[~shared].assign(is_test=False), test.assign(is_test=True)], ignore_index=True)
    graded = corpora.select_sources(both, sources)
    both["reference_model"] = corpora.reference_models(both)
    learnable = graded[~graded["is_test"]]
    if not len(learnable):
        raise TrainingDataError(
            "train: expected a question of the chosen sources that the test does not have, got none"
        )
    chosen, excluded = corpora.select_models(learnable.reset_index(drop=True), min_answers)
    learned = set(chosen["reference_model"])
    asked = both[both["is_test"] & both["reference_model"].isin(learned)]
    asked = asked[asked["source"].isin(sources)] if sources else asked
    tested = graded[graded["is_test"] & graded["reference_model"].isin(learned)]
    if not len(tested):
        raise TrainingDataError("test: expected an answer of a model that was learned, got none")
    return Trial(
        chosen.drop(columns="is_test"),
        tested.drop(columns="is_test").reset_index(drop=True),
        asked.drop(columns="is_test").reset_index(drop=True),
        {
            "train_rows_of_test_questions": int(shared.sum()),
            "sources": _win_rates(both, sources),
            "models": excluded,
            "test_models_not_learned": _counts(graded[graded["is_test"]], learned),
        },
    )


def _win_rates(both: pd.DataFrame, sources: Sequence[str]) -> dict[str, str]:
    """Sources whose score does not say whether an answer is adequate; none when sources were named."""
    present = [] if sources else sorted(both["source"].unique())
    return {
        source: f"{corpora.rule_of(source).measure}: says nothing of adequacy"
        for source in present
        if not corpora.rule_of(source).trains
    }


def _counts(test: pd.DataFrame, learned: set[str]) -> dict[str, int]:
    """Test answers of each model that was not learned."""
    unknown = test.loc[~test["reference_model"].isin(learned), "reference_model"]
    return {str(model): int(n) for model, n in unknown.value_counts().sort_index().items()}


def left_out_lines(left_out: dict[str, Any]) -> list[str]:
    """One line for each reason to leave something out."""
    lines = []
    if left_out["train_rows_of_test_questions"]:
        n = left_out["train_rows_of_test_questions"]
        lines.append(f"train: {n} answers to questions of the test were not learned from")
    lines += [f"source {source}: {reason}" for source, reason in left_out["sources"].items()]
    reasons: dict[str, list[str]] = {}
    for model, reason in left_out["models"].items():
        reasons.setdefault(f"{reason} to learn from", []).append(model)
    for model, n in left_out["test_models_not_learned"].items():
        reasons.setdefault(f"not learned, {n} answers of the test not measured", []).append(model)
    return lines + [f"models: {reason}: {', '.join(models)}" for reason, models in reasons.items()]
