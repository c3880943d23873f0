"""How much of the skill of full data a model has that joins with few graded answers.

Models leave the training answers in groups; the rest is learned from; each model that left joins again with a
few of its own graded answers from one source. On held-out questions of that source its area under the curve,
less the half that guessing gives, is divided by that of a learner that saw all its answers from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clearway.errors import TrainingDataError
from training.corpora import parts_of
from training.dataset import FloatArray
from training.evaluation import auc
from training.learning import Predictions

TARGET: Final = 0.95
HELD_OUT, N_PARTS = 0, 5
# Models leave in so many groups: each costs one training.
N_GROUPS: Final = 3
MIN_TEST_ANSWERS: Final = 100
# Where full data is hardly better than guessing, a share of its skill says nothing.
MIN_SKILL: Final = 0.02
N_RESAMPLES: Final = 200


class Forecaster(Protocol):
    """What a benchmark needs of `training.learning.Learned`."""

    @property
    def models(self) -> tuple[str, ...]:
        """Reference models, the columns of predictions."""

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """Predictions for prompts that stand alone."""

    def onboard(self, model: str, prompts: Sequence[str], adequate: FloatArray) -> Forecaster:
        """The same of one new model, from its graded answers to these prompts."""


@dataclass(frozen=True)
class Joined:
    """One model on the held-out questions of one source.

    Attributes:
        model: Reference model.
        adequate: Shape (n,), 0 or 1.
        full: Shape (n,), predicted by the learner that saw all its answers.
        few: Shape (n,), predicted after joining with few.
        groups: Shape (n,); the question of each row, in [0, n_questions of the source).
    """

    model: str
    adequate: FloatArray
    full: FloatArray
    few: FloatArray
    groups: NDArray[np.intp]


def benchmark(
    table: pd.DataFrame,
    learn: Callable[[pd.DataFrame], Forecaster],
    *,
    seed: int,
    n_answers: int,
    n_models: int,
) -> dict[str, Any]:
    """Share of full data's skill after joining, by source, by model and over all sources.

    Args:
        table: From `corpora.select_models`.
        learn: Learner of a table.
        seed: Of the parts, of the models and answers drawn, and of the bootstrap.
        n_answers: Graded answers that a model joins with.
        n_models: Most models of each source.

    Returns:
        What `--json` prints: `sources`, `overall`, `excluded`.

    Raises:
        TrainingDataError: No source has a model with so many answers.
    """
    is_test = parts_of(table["prompt_key"].tolist(), seed, N_PARTS) == HELD_OUT
    train, test = table[~is_test], table[is_test]
    pairs, excluded = _pairs(train, test, seed, n_answers, n_models)
    if not pairs:
        raise TrainingDataError(
            f"graded answers: expected a model with {_needed(n_answers)} in one source, got none; lower "
            "--n-answers or add answers"
        )
    models = sorted({model for chosen in pairs.values() for model in chosen})
    dealt = np.random.default_rng(seed).permutation(len(models)) % N_GROUPS
    group_of = dict(zip(models, dealt.tolist(), strict=True))
    full = learn(train)
    joined: dict[str, list[Joined]] = {source: [] for source in pairs}
    for group in sorted(set(group_of.values())):
        left = [model for model in models if group_of[model] == group]
        known = learn(train[~train["reference_model"].isin(left)])
        for source, chosen in pairs.items():
            for model in sorted(set(chosen) & set(left)):
                few = _answers(train, source, model, seed, n_answers)
                adequate = few["adequate"].to_numpy(dtype=np.float64)
                forecaster = known.onboard(model, few["prompt"].tolist(), adequate)
                joined[source].append(_joined(test, source, model, full, forecaster))
    return {
        "target": TARGET,
        "seed": seed,
        "n_answers": n_answers,
        "excluded": excluded,
        **_summary(joined, seed),
    }


def _pairs(
    train: pd.DataFrame, test: pd.DataFrame, seed: int, n_answers: int, n_models: int
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Models of each source that leave and join again, drawn by the seed; sources without any, and why."""
    generator = np.random.default_rng(seed)
    pairs: dict[str, list[str]] = {}
    excluded: dict[str, str] = {}
    for source in sorted(train["source"].unique()):
        known, asked = (
            side[side["source"] == source].groupby("reference_model")["adequate"] for side in (train, test)
        )
        enough = set(known.size().index[known.size() >= n_answers]) & set(
            asked.size().index[
                (asked.size() >= MIN_TEST_ANSWERS) & asked.mean().between(0, 1, inclusive="neither")
            ]
        )
        if len(enough):
            drawn = generator.permutation(sorted(enough))[:n_models]
            pairs[source] = sorted(drawn.tolist())
        else:
            excluded[source] = f"no model with {_needed(n_answers)}"
    return pairs, excluded


def _needed(n_answers: int) -> str:
    return f"{n_answers} graded answers and {MIN_TEST_ANSWERS} held-out ones of both kinds"


def _answers(train: pd.DataFrame, source: str, model: str, seed: int, n_answers: int) -> pd.DataFrame:
    """The graded answers that a model joins with: drawn from one source, by the seed."""
    mine = train[(train["source"] == source) & (train["reference_model"] == model)]
    generator = np.random.default_rng(crc32(f"{seed}:{source}:{model}".encode()))
    return mine.iloc[np.sort(generator.permutation(len(mine))[:n_answers])]


def _joined(test: pd.DataFrame, source: str, model: str, full: Forecaster, few: Forecaster) -> Joined:
    asked = test[test["source"] == source]
    questions = {key: place for place, key in enumerate(sorted(asked["prompt_key"].unique()))}
    mine = asked[asked["reference_model"] == model]
    prompts = mine["prompt"].tolist()
    return Joined(
        model=model,
        adequate=mine["adequate"].to_numpy(dtype=np.float64),
        full=full.predict(prompts).success[:, full.models.index(model)],
        few=few.predict(prompts).success[:, 0],
        groups=mine["prompt_key"].map(questions).to_numpy(dtype=np.intp),
    )


def _summary(joined: Mapping[str, Sequence[Joined]], seed: int) -> dict[str, Any]:
    """Shares of each model, of each source and of all, with 95% intervals over questions and models."""
    sources: dict[str, Any] = {}
    means: list[FloatArray] = []
    for source, members in joined.items():
        if not members:
            continue
        skills = _skills(members, seed)
        drawn = np.random.default_rng(seed).integers(len(members), size=(N_RESAMPLES, len(members)))
        resampled = np.take_along_axis(skills[1:], drawn[:, :, None], axis=1).sum(axis=1)
        mean = np.vstack([skills[:1].sum(axis=1), resampled]) / len(members)
        sources[source] = {
            "n_models": len(members),
            "share": _share_interval(mean),
            "models": {
                member.model: {
                    "auc_few": round(float(skills[0, place, 0]) + 0.5, 6),
                    "auc_full": round(float(skills[0, place, 1]) + 0.5, 6),
                    "share": _share_interval(skills[:, place]),
                }
                for place, member in enumerate(members)
            },
        }
        means.append(mean)
    # Skills are averaged before they are divided: a source with next to none does not decide the share.
    return {"sources": sources, "overall": _share_interval(np.mean(means, axis=0)) if means else None}


def _skills(members: Sequence[Joined], seed: int) -> FloatArray:
    """AUC less a half, shape (1 + N_RESAMPLES, n_models, 2): with few and all answers; first as observed."""
    generator = np.random.default_rng(seed)
    n_questions = 1 + max(int(member.groups.max()) for member in members)
    even = np.full(n_questions, 1 / n_questions)
    weights = [np.ones(n_questions), *generator.multinomial(n_questions, even, N_RESAMPLES).astype(float)]
    rows = [
        [[auc(p, m.adequate, weight[m.groups]) - 0.5 for p in (m.few, m.full)] for m in members]
        for weight in weights
    ]
    return np.asarray(np.nan_to_num(np.array(rows)), dtype=np.float64)


def _share_interval(skill: FloatArray) -> dict[str, float] | None:
    """Few over full with a 95% interval; None where full data has next to no skill.

    Args:
        skill: Shape (1 + n_resamples, 2), with few and with all answers; first as observed.
    """
    if skill[0, 1] < MIN_SKILL:
        return None
    share = skill[:, 0] / np.maximum(skill[:, 1], MIN_SKILL / 2)
    low, high = np.quantile(share[1:], [0.025, 0.975])
    return {"value": round(float(share[0]), 6), "low": round(float(low), 6), "high": round(float(high), 6)}
