"""The three benchmarks of RouteLLM made small, and a learner that takes no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from training import corpora, learning
from training.learning import Predictions

_COUNTS = {"routellm_mmlu": 80, "routellm_gsm8k": 60, "routellm_mt_bench": 40, "zeroeval_gsm": 60, "own": 4}


def make_routellm_answers() -> pd.DataFrame:
    """Two models; on every second prompt the weak one mostly fails.

    The source `own` has four prompts: two of a category derived from GSM8K, one that repeats a test prompt's
    key, one that repeats its text.
    """
    generator = np.random.default_rng(0)
    rows = []
    for source, n_prompts in _COUNTS.items():
        for index in range(n_prompts):
            kind = "hard" if index % 2 else "easy"
            prompt = " ".join(generator.choice([f"{source}{kind}{word}" for word in range(12)], 12))
            rows += [
                {
                    "source": source,
                    "prompt_id": f"{source}/{index}",
                    "prompt_key": f"{source}-{index}",
                    "prompt": prompt,
                    "category": "gsm8k" if source == "own" and index < 2 else "",
                    "model": model,
                    "model_canonical": model,
                    "score": float(generator.random() < chance),
                    "output_tokens": 10 + 5 * (index % 2),
                }
                for model, chance in (
                    ("gpt-4-1106-preview", 0.9),
                    ("Mixtral-8x7B-Instruct-v0.1", 0.3 if index % 2 else 0.85),
                )
            ]
    table = pd.DataFrame(rows)
    first = table[table["source"] == "routellm_gsm8k"].iloc[0]
    table.loc[table["prompt_id"] == "own/2", "prompt_key"] = first["prompt_key"]
    table.loc[table["prompt_id"] == "own/3", "prompt"] = f"Please: {str(first['prompt']).upper()}!"
    return table


@dataclass(frozen=True)
class QuickLearned:
    """Stands in for a learner: a model's share of adequate answers to hard prompts, and to others.

    A prompt that says so is outside training.
    """

    models: tuple[str, ...]
    table: pd.DataFrame

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """The shares, with one answer of each kind added."""
        is_hard = self.table["prompt"].str.contains("hard")
        success = np.empty((len(prompts), len(self.models)))
        tokens = np.empty_like(success)
        for column, model in enumerate(self.models):
            rows = self.table[self.table["reference_model"] == model]
            for kind in (True, False):
                alike = rows[is_hard.loc[rows.index] == kind]
                asked = np.array([("hard" in prompt) == kind for prompt in prompts])
                success[asked, column] = (alike["adequate"].sum() + 1) / (len(alike) + 2)
                tokens[asked, column] = alike["output_tokens"].mean()
        return Predictions(success, tokens, np.array(["outside" in prompt for prompt in prompts]))


@pytest.fixture
def quick_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The learner takes seconds, and these tests are about what is made of its predictions."""

    def learn(table: pd.DataFrame, *, seed: int, report: object = None) -> QuickLearned:
        return QuickLearned(tuple(sorted(table["reference_model"].unique())), table)

    monkeypatch.setattr(learning, "learn", learn)


@pytest.fixture(scope="session")
def routellm_answers() -> pd.DataFrame:
    """488 graded answers, checked."""
    return corpora.check_answers(make_routellm_answers())
