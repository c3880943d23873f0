"""Models leave and join again; what is left of full data's skill is a share with an interval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from clearway.errors import TrainingDataError
from tests.training.conftest import make_answers
from training import corpora
from training.benchmark.onboarding import Forecaster, benchmark
from training.benchmark.onboarding_cli import _print, onboarding
from training.dataset import FloatArray
from training.learning import Predictions, learn

APP = typer.Typer()
APP.command()(onboarding)


@dataclass(frozen=True)
class ByWord:
    """Knows that prompts with `hard` in them are hard, for every model alike."""

    models: tuple[str, ...]

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """0.3 for a hard prompt, else 0.7."""
        chance = np.array([0.3 if "hard" in prompt else 0.7 for prompt in prompts])
        success = np.tile(chance[:, None], (1, len(self.models)))
        return Predictions(success, np.ones_like(success), np.zeros(len(prompts), dtype=np.bool_))

    def onboard(self, model: str, prompts: Sequence[str], adequate: FloatArray) -> ByWord:
        """Ranks prompts as it does for the others."""
        return ByWord((model,))


@dataclass(frozen=True)
class Forgetful(ByWord):
    """Knows nothing of a model that joins but how good it is; writes down whom it knew then."""

    seen: list[tuple[int, list[str]]]
    level: float = 0.5

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """The level, where a model has joined."""
        known = super().predict(prompts)
        return (
            known if len(self.models) > 1 else replace(known, success=np.full((len(prompts), 1), self.level))
        )

    def onboard(self, model: str, prompts: Sequence[str], adequate: FloatArray) -> ByWord:
        """A constant."""
        assert len(prompts) == len(adequate)
        self.seen.append((len(self.models), list(prompts)))
        return Forgetful((model,), self.seen, float(adequate.mean()))


def _learn(table: pd.DataFrame) -> ByWord:
    return ByWord(tuple(sorted(table["reference_model"].unique())))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """600 prompts, each a question of its own, in one source."""
    made = make_answers(600)
    made = made.assign(prompt_key=made["prompt_id"], source="mine")
    return corpora.select_sources(corpora.check_answers(made), ())


def test_a_model_that_keeps_the_ranking_keeps_all_skill(table: pd.DataFrame) -> None:
    """Joining on the others' level ranks prompts as they do: the share is 1 for each model and for all."""
    result = benchmark(table, _learn, seed=0, n_answers=100, n_models=5)
    assert set(result["sources"]["mine"]["models"]) == {"strong", "tiny", "weak"}
    assert result["overall"]["value"] == pytest.approx(1.0)
    for facts in result["sources"]["mine"]["models"].values():
        assert facts["auc_few"] == pytest.approx(facts["auc_full"])


def test_a_model_that_learns_nothing_keeps_nothing(table: pd.DataFrame) -> None:
    """A constant has no skill, so its share is 0."""

    def forgetful(rows: pd.DataFrame) -> Forgetful:
        return Forgetful((*_learn(rows).models, "other"), [])

    result = benchmark(table, forgetful, seed=0, n_answers=100, n_models=5)
    assert result["overall"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_model_that_left_is_not_among_the_known(table: pd.DataFrame) -> None:
    """What a model joins has never seen it; it joins with as many training answers as asked for."""
    is_test = corpora.parts_of(table["prompt_key"].tolist(), 0, 5) == 0
    unseen = set(table[is_test]["prompt"])
    seen: list[tuple[int, list[str]]] = []

    def forgetful(rows: pd.DataFrame) -> Forgetful:
        return Forgetful((*_learn(rows).models, "other"), seen)

    benchmark(table, forgetful, seed=0, n_answers=50, n_models=5)
    assert seen
    for n_known, prompts in seen:
        assert n_known < 4
        assert len(prompts) == 50
        assert not unseen & set(prompts)


def test_full_data_without_skill_gives_no_share(table: pd.DataFrame) -> None:
    """Where nothing can be learned, no share is claimed."""
    blind = table.assign(prompt=table["prompt"].str.replace("hard", "easy"))
    result = benchmark(blind, _learn, seed=0, n_answers=100, n_models=5)
    assert result["overall"] is None
    assert all(facts["share"] is None for facts in result["sources"]["mine"]["models"].values())


def test_sources_left_out_are_said(table: pd.DataFrame) -> None:
    """A source without enough answers is named with the reason."""
    both = pd.concat([table, table.head(30).assign(source="small")])
    result = benchmark(both, _learn, seed=0, n_answers=100, n_models=5)
    assert result["excluded"] == {
        "small": "no model with 100 graded answers and 100 held-out ones of both kinds"
    }
    assert set(result["sources"]) == {"mine"}


def test_nothing_to_measure_is_an_error(table: pd.DataFrame) -> None:
    """An empty result would look like a success; nothing is learned before it is said."""
    with pytest.raises(TrainingDataError) as caught:
        benchmark(table, lambda _: pytest.fail("learned"), seed=0, n_answers=10_000, n_models=5)
    assert str(caught.value) == (
        "graded answers: expected a model with 10000 graded answers and 100 held-out ones of both kinds in "
        "one source, got none; lower --n-answers or add answers"
    )


def test_command_prints_shares(
    table: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command thins the questions, learns, and prints JSON or a table."""
    path = tmp_path / "answers.parquet"
    table.drop(columns=["adequate", "reference_model"]).to_parquet(path)
    options = ["--answers", str(path), "--n-answers", "50", "--questions", "600", "--models", "1"]
    run = CliRunner().invoke(APP, [*options, "--json"], catch_exceptions=False)
    result = json.loads(run.stdout)
    assert result["n_answers"] == 50
    assert result["sources"]["mine"]["n_models"] == 1
    _print(result)
    shown = capsys.readouterr().out
    assert "AUC, 50 answers" in shown
    assert "all sources: " in shown


def test_learned_is_a_forecaster(table: pd.DataFrame) -> None:
    """What `learn` returns fits the benchmark."""
    learned: Forecaster = learn(table, seed=0)
    assert learned.models == ("strong", "tiny", "weak")
