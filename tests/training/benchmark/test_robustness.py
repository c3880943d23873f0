"""Unchanged choices are counted right, at operating points that mean what they say."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from clearway.bundle import Bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import TrainingDataError
from clearway.testing import NOON, references, shipped_register
from tests.training.conftest import make_answers
from training import corpora
from training.benchmark import robustness
from training.benchmark.operating_point import (
    BundlePredictor,
    Estimates,
    LearnedPredictor,
    Pool,
    floor_choice,
    operating_point,
)
from training.benchmark.perturbation import PERTURBATIONS
from training.benchmark.prices import Prices
from training.benchmark.robustness_cli import robustness as command
from training.learning import learn

APP = typer.Typer()
APP.command()(command)
PRICES = Prices({"strong": (10.0, 30.0), "weak": (1.0, 2.0), "tiny": (0.1, 0.2)})


def _inside(n: int) -> NDArray[np.bool_]:
    return np.zeros(n, dtype=np.bool_)


@dataclass(frozen=True)
class ByLength:
    """Says that the first model fails on prompts of more than so many characters."""

    limit: int
    models: tuple[str, ...] = ("small", "large")

    def estimate(self, prompts: Sequence[str]) -> Estimates:
        """0.1 or 0.9 for the small model, 0.8 for the large one."""
        small = [0.9 if len(prompt) <= self.limit else 0.1 for prompt in prompts]
        success = np.array([small, [0.8] * len(prompts)]).T
        return Estimates(success, np.ones_like(success), np.ones(len(prompts)), _inside(len(prompts)))


def _pool() -> Pool:
    return Pool(np.array([0, 1]), np.array([1e-6, 1e-5]), np.array([1e-6, 1e-5]), best=1)


@pytest.fixture(scope="module")
def table(answers: pd.DataFrame) -> pd.DataFrame:
    """Rows that may train."""
    return corpora.select_sources(corpora.check_answers(answers), ())


@pytest.fixture(scope="module")
def wide() -> pd.DataFrame:
    """300 prompts of one source, each a question of its own."""
    table = corpora.select_sources(corpora.check_answers(make_answers(300)), ())
    return table.assign(prompt_key=table["prompt"], source="one")


def test_a_flip_is_counted_where_it_happens() -> None:
    """Only changes that make the prompt longer than the limit flip the choice."""
    same = robustness.unchanged(ByLength(4), {"point": _pool().choice(0.0)}, ["ab c", "12 + 5?"], seed=0)
    assert same["point"].shape == (len(PERTURBATIONS), 2)
    kept = dict(zip(PERTURBATIONS, same["point"][:, 0].tolist(), strict=True))
    assert kept["lower_case"]
    assert not kept["easy_appended"]
    assert not kept["doubled_blanks"]
    assert same["point"][:, 1].all()


def test_operating_point_saves_without_losing_quality() -> None:
    """Where the cheap model does as well on half of the prompts, they go to it, and no others."""
    success = np.array([[0.9, 0.9]] * 10 + [[0.2, 0.9]] * 10)
    estimates = Estimates(success, np.full_like(success, 100.0), np.full(20, 100.0), _inside(20))
    pool = _pool()
    adequate = np.array([[1.0, 1.0]] * 10 + [[0.0, 1.0]] * 10)
    trade_off = operating_point(pool, estimates, adequate, 1.0)
    assert trade_off is not None
    picked = pool.choice(trade_off)(estimates)
    assert picked.tolist() == [0] * 10 + [1] * 10


def test_no_point_where_every_saving_costs_quality() -> None:
    """Where the cheap model is promised to be good and never is, nothing is chosen by it."""
    success = np.array([[0.95, 0.9]] * 20)
    estimates = Estimates(success, np.full_like(success, 100.0), np.full(20, 100.0), _inside(20))
    assert operating_point(_pool(), estimates, np.array([[0.0, 1.0]] * 20), 1.0) is None


def test_less_quality_saves_more() -> None:
    """At half the quality, the cheap model may answer what it answers worse."""
    success = np.array([[0.8, 0.9]] * 20)
    estimates = Estimates(success, np.full_like(success, 100.0), np.full(20, 100.0), _inside(20))
    pool, adequate = _pool(), np.array([[0.5, 1.0]] * 20)
    cheap = operating_point(pool, estimates, adequate, 0.5)
    assert cheap is not None
    assert pool.choice(cheap)(estimates).tolist() == [0] * 20


def test_floor_choice_is_the_optimisers() -> None:
    """The cheapest model over the floor; the most promising one where none reaches it; None for strangers."""
    register = shipped_register()
    names = references(register)
    choice = floor_choice(register, names, 700_000, NOON)
    assert choice is not None
    tokens = np.full((2, len(names)), 100.0)
    good, bad = np.full(len(names), 0.9), np.full(len(names), 0.1)
    bad[names.index("gpt-4o-2024-08-06")] = 0.3
    picked = choice(Estimates(np.array([good, bad]), tokens, np.full(2, 100.0), _inside(2)))
    ids = sorted(register.models)
    costs = {name: price.cost_nusd(100, 100) for name in ids if (price := register.price(name, NOON))}
    assert costs[ids[picked[0]]] == min(costs.values())
    assert register.models[ids[picked[1]]].success.reference == "gpt-4o-2024-08-06"
    assert floor_choice(register, ("stranger",), 700_000, NOON) is None


def test_a_prompt_outside_training_goes_to_the_best_single_model() -> None:
    """However good the cheap model is said to be there; and the tuning prompts are counted that way."""
    success = np.array([[0.9, 0.5]] * 20)
    outside = np.arange(20) < 15
    estimates = Estimates(success, np.full_like(success, 100.0), np.full(20, 100.0), outside)
    pool, adequate = _pool(), np.array([[0.0, 1.0]] * 15 + [[1.0, 1.0]] * 5)
    assert pool.choice(0.0)(estimates).tolist() == [1] * 15 + [0] * 5
    assert operating_point(pool, estimates, adequate, 1.0) is not None
    unguarded = dataclasses.replace(estimates, outside=_inside(20))
    assert operating_point(pool, unguarded, adequate, 1.0) is None


def test_the_floor_sends_a_prompt_outside_training_to_the_incumbent() -> None:
    """As the optimiser does in service, whatever the estimates say."""
    register = shipped_register()
    names = references(register)
    choice = floor_choice(register, names, 700_000, NOON)
    assert choice is not None
    success = np.full((2, len(names)), 0.9)
    estimates = Estimates(success, success * 100, np.full(2, 100.0), np.array([False, True]))
    picked = [sorted(register.models)[place] for place in choice(estimates)]
    assert picked[0] != register.incumbent
    assert picked[1] == register.incumbent


def test_wilson_interval() -> None:
    """As tabled for 8 of 10; certain shares keep an interval inside 0 to 1."""
    assert robustness.wilson(8, 10) == {"value": 0.8, "low": 0.490162, "high": 0.943318}
    assert robustness.wilson(10, 10)["high"] <= 1.0
    assert robustness.wilson(0, 10)["low"] >= 0.0


def test_benchmark_of_a_learner(wide: pd.DataFrame) -> None:
    """Where the cheapest model is always adequate, every choice is it, nothing flips, and that is said."""
    good = wide.assign(adequate=True)
    parts = corpora.parts_of(good["prompt_key"].tolist(), 0, robustness.N_PARTS)
    predictor = LearnedPredictor(learn(good[parts > robustness.TUNING], seed=0))
    result = robustness.benchmark(good, predictor, PRICES, None, seed=0, n_sample=30)
    assert set(result["overall"]) == set(result["sources"]["one"]) == {"equal", "at_98"}
    for point in result["sources"]["one"].values():
        assert point["n_models"] == 3
        assert point["commonest_choice"] == 1.0
        assert point["unchanged"] == {"value": 1.0, "low": 1.0, "high": 1.0}
        assert set(point["perturbations"]) == set(PERTURBATIONS)


def test_a_learner_without_lengths_has_no_costs(table: pd.DataFrame) -> None:
    """It is refused: every operating point weighs costs."""
    learned = dataclasses.replace(learn(table, seed=0), length=None)
    with pytest.raises(TrainingDataError) as caught:
        LearnedPredictor(learned)
    assert str(caught.value) == (
        "output_tokens: expected at least one count, got none: no cost can be learned"
    )


def test_a_source_where_nothing_saves_is_left_out(wide: pd.DataFrame) -> None:
    """One model that answers everything never flips, which is no evidence: the reason is said."""
    dear = wide.assign(adequate=wide["reference_model"] == "strong")
    result = robustness.benchmark(dear, ByLength(10, ("strong", "weak")), PRICES, None, seed=0, n_sample=30)
    reason = "nothing saves at this quality: one model answers everything"
    assert result["excluded"] == {"one, at_98": reason, "one, equal": reason}
    assert result["overall"] == {}


def test_sources_left_out_are_said(table: pd.DataFrame, wide: pd.DataFrame) -> None:
    """Too few questions, or too few priced models: the reason stands in the result."""
    predictor = ByLength(4, ("strong", "weak"))
    result = robustness.benchmark(table, predictor, PRICES, None, seed=0, n_sample=30)
    assert set(result["excluded"]) == {"routellm_gsm8k", "zeroeval_gsm"}
    assert "held-out questions, fewer than 20" in result["excluded"]["zeroeval_gsm"]
    result = robustness.benchmark(wide, predictor, Prices({"weak": (1.0, 1.0)}), None, seed=0, n_sample=30)
    assert result["excluded"] == {"one, savings": "1 priced models that the classifier knows, fewer than 2"}


def test_command_measures_the_shipped_bundle(wide: pd.DataFrame, tmp_path: Path) -> None:
    """Prompts of any table do; the JSON names the bundle and holds the floor of every source."""
    wide.assign(source="mine").to_csv(tmp_path / "answers.csv", index=False)
    options = ["--answers", str(tmp_path / "answers.csv"), "--sample", "20"]
    run = CliRunner().invoke(APP, [*options, "--json"], catch_exceptions=False)
    result = json.loads(run.stdout)
    assert result["predictor"].startswith("bundle ")
    assert set(result["sources"]["mine"]) == {"floor"}
    assert result["excluded"] == {"mine, savings": "0 priced models that the classifier knows, fewer than 2"}
    shown = CliRunner().invoke(APP, options, catch_exceptions=False).stdout
    assert "left out: mine, savings: 0 priced models" in shown
    assert "target: at least 95% unchanged" in shown


def test_bundle_predictor_agrees_with_the_graph(shipped_model: OnnxComplexityModel) -> None:
    """Estimates are the graph's integers, as shares and tokens."""
    estimates = BundlePredictor(shipped_model).estimate(["What is 2 + 2?", "Prove it."])
    assert estimates.success.shape == (2, len(shipped_model.reference_models))
    assert ((estimates.success >= 0) & (estimates.success <= 1)).all()
    assert (estimates.output_tokens >= 1).all()


def test_predictors_note_what_is_outside_training(
    shipped_model: OnnxComplexityModel, table: pd.DataFrame
) -> None:
    """The bundle by its own specification, a learner by its table's."""
    prompts = ["What is 2 + 2?", "\U0001f600" * 200]
    assert BundlePredictor(shipped_model).estimate(prompts).outside.tolist() == [False, True]
    known = [table["prompt"].iloc[0], prompts[1]]
    assert LearnedPredictor(learn(table, seed=0)).estimate(known).outside.tolist() == [False, True]


@pytest.fixture(scope="module")
def shipped_model(shipped: Bundle) -> OnnxComplexityModel:
    """The bundle that ships, ready to score."""
    return OnnxComplexityModel(shipped)


def test_nothing_to_measure_is_an_error(wide: pd.DataFrame, tmp_path: Path) -> None:
    """A script must not take it for robust."""
    few = wide[wide["prompt"].isin(sorted(wide["prompt"].unique())[:30])]
    few.assign(source="mine").to_csv(tmp_path / "answers.csv", index=False)
    with pytest.raises(TrainingDataError) as caught:
        CliRunner().invoke(APP, ["--answers", str(tmp_path / "answers.csv")], catch_exceptions=False)
    assert str(caught.value).startswith("answers: expected a source to measure, got none: mine: ")
