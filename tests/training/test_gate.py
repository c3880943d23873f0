"""A bundle passes the gate with good measurements only, and each bad one is named with value and limit."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clearway.bundle import Bundle, load_bundle
from clearway.errors import TrainingDataError
from clearway.features import MAX_DISTANCE
from clearway.installation import Settings, data_folder
from clearway.promotion import Gate
from clearway.request import Request
from clearway.style import UNIT
from clearway.testing import NOON
from tests.training.conftest import LINES
from training import corpora
from training.benchmark.perturbation import PERTURBATIONS
from training.comparison import compare_on
from training.difference import compare_bundles, parameters
from training.gate import Limits, Quality, compare_recorded, judge
from training.pipeline import Plan, train_classifier
from training.traffic import Destination, Traffic, perturbed

Alter = Callable[[dict[str, Any]], object]
pytestmark = pytest.mark.usefixtures("detector")


@pytest.fixture(scope="module")
def bundle(shipped: Bundle) -> Bundle:
    """The shipped bundle, with measurements that are all good."""
    model = {"auc": 0.8, "log_loss": 0.5, "brier": 0.2, "ece": 0.03}
    constant = {"auc": 0.7, "log_loss": 0.6, "brier": 0.3, "ece": 0.03}
    facts = {
        "n_answers": 2_000,
        "model": {name: {"value": value} for name, value in model.items()},
        "constant": {name: {"value": value} for name, value in constant.items()},
    }
    by_source = {"all": facts, "large": facts, "small": {**facts, "n_answers": 1_999}}
    metrics = {"by_source": by_source, "parity": {"integer_ppm": 2.5}, "seed": 0}
    return dataclasses.replace(shipped, metrics=json.loads(json.dumps(metrics)))


class FixedTraffic(Traffic):
    """Traffic of three requests whose destinations are told.

    Attributes:
        places: Destinations by bundle, as first given to it.
        flipped: Perturbations under which every model is another.
    """

    def __init__(self, path: Path) -> None:
        path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
        super().__init__(Settings.of({}), path, at=NOON)
        self.places: dict[str, list[Destination]] = {}
        self.flipped: set[str] = set()

    def decide(self, bundle: Bundle, requests: Sequence[Request] | None = None) -> list[Destination]:
        """As told."""
        places = self.places.get(bundle.sha256, [Destination("m", "p", "eu")] * 3)
        for kind in self.flipped:
            if requests == [perturbed(request, kind) for request in self.requests]:
                return [dataclasses.replace(place, model="other") for place in places]
        return places


@pytest.fixture
def traffic(tmp_path: Path) -> FixedTraffic:
    """Three requests, all to one place."""
    return FixedTraffic(tmp_path / "lines.jsonl")


def altered(bundle: Bundle, alter: Alter) -> Bundle:
    """The bundle with other measurements, under another digest."""
    metrics = copy.deepcopy(dict(bundle.metrics))
    alter(metrics)
    return dataclasses.replace(bundle, metrics=metrics, sha256="e" * 64)


def ask(candidate: Bundle, champion: Bundle, traffic: Traffic, limits: Limits | None = None) -> Gate:
    """The gate, with times that no busy machine exceeds."""
    slow = limits or Limits(prediction_us=10**9, featurising_us=10**9)
    return judge(candidate, champion, traffic, slow, compare_recorded)


def notes_of(gate: Gate) -> list[str]:
    """The notes without the share of the sample that is outside training."""
    return [note for note in gate.notes if not note.startswith("outside_training_ppm:")]


def test_good_measurements_pass(bundle: Bundle, traffic: FixedTraffic) -> None:
    """Each at its limit; the checks are those of the issue."""
    gate = ask(altered(bundle, lambda _: None), bundle, traffic)
    assert gate.passed
    assert [check.name for check in gate.checks] == [
        "quality.auc_above_constant",
        "quality.log_loss_above_constant",
        "quality.auc_loss",
        "quality.log_loss_rise",
        "quality.auc_loss.large",
        "calibration.large",
        "parity.integer_graph",
        "parity.other_bytes",
        "latency.prediction_p99",
        "latency.featurising_p99",
        "robustness.unchanged",
        "traffic.moved",
    ]
    assert notes_of(gate) == ["quality_same_questions"]
    assert (gate.compared_with, gate.n_requests) == (bundle.sha256, 3)


def of(metrics: dict[str, Any], source: str, metric: str, value: object) -> None:
    """Set one measurement of the model."""
    metrics["by_source"][source]["model"][metric]["value"] = value


@pytest.mark.parametrize(
    ("alter", "failed"),
    [
        (lambda m: of(m, "all", "auc", 0.7), {"quality.auc_above_constant": 0}),
        (lambda m: of(m, "all", "log_loss", 0.61), {"quality.log_loss_above_constant": -10_000}),
        (lambda m: of(m, "all", "log_loss", None), {"quality.log_loss_above_constant": None}),
        (
            lambda m: of(m, "large", "auc", 0.77),
            {"quality.auc_loss": 15_004, "quality.auc_loss.large": 30_000},
        ),
        (lambda m: of(m, "small", "auc", 0.789), {"quality.auc_loss": 5_499}),
        (lambda m: of(m, "small", "log_loss", 0.52), {"quality.log_loss_rise": 9_998}),
        (lambda m: of(m, "large", "ece", 0.030001), {"calibration.large": 30_001}),
        (lambda m: of(m, "large", "ece", "good"), {"calibration.large": None}),
        (lambda m: of(m, "large", "ece", float("nan")), {"calibration.large": None}),
        (lambda m: of(m, "all", "auc", 1e300), {"quality.auc_above_constant": None}),
        (lambda m: of(m, "all", "auc", 10**400), {"quality.auc_above_constant": None}),
        (lambda m: of(m, "all", "auc", True), {"quality.auc_above_constant": None}),
        (lambda m: m["parity"].update(integer_ppm=10.1), {"parity.integer_graph": 11}),
        (lambda m: m.pop("parity"), {"parity.integer_graph": None}),
        (lambda m: m.update(parity=[]), {"parity.integer_graph": None}),
    ],
)
def test_a_bad_measurement_is_refused(
    bundle: Bundle, traffic: FixedTraffic, alter: Alter, failed: dict[str, int | None]
) -> None:
    """By name, with the value; one that is missing or no number is not a pass."""
    gate = ask(altered(bundle, alter), bundle, traffic)
    assert {check.name: check.value for check in gate.failed} == failed


def test_measurements_that_are_no_table_are_refused(bundle: Bundle, traffic: FixedTraffic) -> None:
    """Whoever made the bundle wrote them."""
    tables: list[dict[str, Any]] = [
        {},
        {"by_source": []},
        {"by_source": {"all": 1, "x": None, "y": {"n_answers": "many"}}},
    ]
    for broken in tables:
        candidate = dataclasses.replace(bundle, metrics=broken, sha256="e" * 64)
        gate = ask(candidate, bundle, traffic)
        names = {check.name for check in gate.failed}
        assert names >= {"quality.auc_above_constant", "parity.integer_graph"}
        assert notes_of(gate) == ["champion_not_comparable", "no_source_large_enough_for_calibration"]


def test_a_slow_bundle_is_refused(bundle: Bundle, traffic: FixedTraffic) -> None:
    """Both times are measured, and more than nothing."""
    gate = ask(bundle, bundle, traffic, Limits(prediction_us=0, featurising_us=0))
    assert {check.name for check in gate.failed} == {"latency.prediction_p99", "latency.featurising_p99"}
    assert all(check.value and check.unit == "us" for check in gate.failed)


def test_a_bundle_that_a_rewording_turns_is_refused(bundle: Bundle, traffic: FixedTraffic) -> None:
    """The share is over all perturbations; the notes name those that are below it."""
    traffic.flipped = {"typos"}
    gate = ask(bundle, bundle, traffic)
    n = len(PERTURBATIONS)
    assert {check.name: check.value for check in gate.failed} == {
        "robustness.unchanged": 1_000_000 * (n - 1) // n
    }
    assert notes_of(gate) == ["less_robust:typos", "quality_same_questions"]


def test_the_share_of_the_sample_that_is_outside_training_is_noted(
    bundle: Bundle, traffic: FixedTraffic
) -> None:
    """What goes to the incumbent whatever the estimates are shows nothing of them."""
    traffic.requests = traffic.requests[:2]
    traffic.places[bundle.sha256] = [Destination("m", "p", "eu")] * 2
    for max_distance, share in ((0, 1_000_000), (MAX_DISTANCE, 0)):
        known = dataclasses.replace(bundle.specification, max_distance=max_distance, max_unknown=UNIT)
        gate = ask(dataclasses.replace(bundle, specification=known), bundle, traffic)
        assert f"outside_training_ppm:{share}" in gate.notes


def test_a_bundle_that_moves_traffic_is_refused(bundle: Bundle, traffic: FixedTraffic) -> None:
    """Another provider or region counts, another model of the same place does not."""
    candidate = altered(bundle, lambda _: None)
    here = Destination("m", "p", "eu")
    traffic.places[candidate.sha256] = [dataclasses.replace(here, model="n"), here, here]
    assert ask(candidate, bundle, traffic).passed
    traffic.places[candidate.sha256] = [dataclasses.replace(here, region="us"), here, here]
    failed = ask(candidate, bundle, traffic).failed
    assert [(check.name, check.value, check.limit) for check in failed] == [
        ("traffic.moved", 333_334, 200_000)
    ]


def test_a_bundle_that_routes_nothing_is_refused(bundle: Bundle, traffic: FixedTraffic) -> None:
    """Then nothing could be found to stay as it is."""
    candidate = altered(bundle, lambda _: None)
    traffic.places[candidate.sha256] = [Destination(None, None, None)] * 3
    names = {check.name for check in ask(candidate, bundle, traffic).failed}
    assert names == {"robustness.unchanged", "traffic.moved"}


def test_quality_of_other_data_is_said_to_be_of_other_questions(bundle: Bundle) -> None:
    """Numbers of two splits are not numbers on one."""
    other = altered(bundle, lambda m: m.update(seed=1))
    quality = compare_recorded(other, bundle)
    assert quality.basis == "own_questions"
    assert compare_recorded(bundle, bundle).basis == "same_questions"


@pytest.mark.parametrize(("auc", "failed"), [(0.78, []), (0.779, ["quality.auc_loss"])])
def test_other_questions_have_a_margin_of_their_own(
    bundle: Bundle, traffic: FixedTraffic, auc: float, failed: list[str]
) -> None:
    """Over all sources only: what one split gives and takes is not the learner's."""
    other = altered(bundle, lambda m: m.update(seed=1))
    for source in ("large", "small"):
        other = altered(other, functools.partial(of, source=source, metric="auc", value=auc))
    gate = ask(other, bundle, traffic)
    assert [check.name for check in gate.failed] == failed
    assert "quality_own_questions" in gate.notes
    assert "quality.auc_loss.large" not in {check.name for check in gate.checks}


@pytest.fixture(scope="module")
def two(answers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle, Path]:
    """Two bundles of one table, the second without the model `tiny`, and the table."""
    folder = tmp_path_factory.mktemp("two")
    answers.to_csv(folder / "answers.csv", index=False)
    table = corpora.check_answers(answers)
    bundles = []
    for name, part in (("a", table), ("b", table[table["model_canonical"] != "tiny"])):
        trained = train_classifier(part, Plan(out=folder / name, min_answers=50))
        bundles.append(load_bundle(trained.folder, trusted=None))
    return bundles[0], bundles[1], folder / "answers.csv"


def test_two_bundles_are_measured_on_the_same_answers(two: tuple[Bundle, Bundle, Path]) -> None:
    """On the held-out questions, and the models that both know; a bundle is as good as itself."""
    a, b, path = two
    quality = compare_on(path)(b, a)
    assert (quality.basis, set(quality.n_rows)) == ("measured", {"routellm_gsm8k", "zeroeval_gsm"})
    held_out = corpora.check_answers(pd.read_csv(path))
    held_out = held_out[corpora.held_out(held_out, 0) & (held_out["model_canonical"] != "tiny")]
    assert quality.n_rows == held_out["source"].value_counts().to_dict()
    assert any(quality.log_loss_rise.values())
    same = compare_on(path)(a, a)
    assert set(same.auc_loss.values()) == set(same.log_loss_rise.values()) == {0.0}


def test_models_that_only_one_knows_cannot_be_compared(
    two: tuple[Bundle, Bundle, Path], bundle: Bundle
) -> None:
    """The gate says so instead of passing in silence."""
    quality = compare_on(two[2])(two[0], bundle)
    assert quality == Quality("measured", {}, {}, {})


def test_a_bundle_without_a_seed_cannot_be_measured(two: tuple[Bundle, Bundle, Path]) -> None:
    """Nobody knows what it has seen."""
    unseeded = dataclasses.replace(two[0], metrics={})
    with pytest.raises(TrainingDataError) as caught:
        compare_on(two[2])(unseeded, two[1])
    assert str(caught.value) == "metrics.json: seed: expected a whole number, got something else"


def test_a_difference_names_models_data_parameters_and_metrics(
    two: tuple[Bundle, Bundle, Path], traffic: FixedTraffic
) -> None:
    """What is the same is left out, but for the metrics."""
    a, b, _ = two
    result = compare_bundles(a, b, traffic)
    assert result["models"] == {"added": [], "removed": ["tiny"]}
    assert result["a"]["training_data_sha256"] != result["b"]["training_data_sha256"]
    assert not result["same_model"]
    assert set(result["metrics"]["auc.all"]) == {"a", "b"}
    assert result["traffic"]["share_moved"] == 0
    assert parameters(a)["seed"] == 0
    same = compare_bundles(a, a, traffic)
    assert same["same_model"]
    assert same["parameters"] == {}
    later = dataclasses.replace(a, metrics={**a.metrics, "seed": 9})
    assert compare_bundles(a, later, traffic)["parameters"] == {"seed": {"a": 0, "b": 9}}


def test_the_gate_needs_no_training_stack(tmp_path: Path) -> None:
    """Where only the service is installed, a folder is judged and promoted all the same."""
    (tmp_path / "lines.jsonl").write_text(json.dumps(LINES[0]))
    shipped = data_folder() / "classifiers" / "default"
    missing = ["mlflow", "pandas", "sklearn", "scipy", "onnx", "skl2onnx", "pyarrow", "matplotlib"]
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
        "from training.classifier_cli import app\n"
        f"app(['promote', {str(shipped)!r}, '--approver', 'Ana', '--reason', 'x', '--json', "
        f"'--traffic', {str(tmp_path / 'lines.jsonl')!r}, '--home', {str(tmp_path / 'home')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert len(json.loads(done.stdout)["gate"]["checks"]) > 10


def test_measurements_that_are_no_table_differ_from_those_that_are(
    bundle: Bundle, traffic: FixedTraffic
) -> None:
    """A folder is anyone's: what is not there is told as nothing."""
    tables: list[dict[str, Any]] = [
        {"by_source": {"all": {"model": 1}}, "data": []},
        {"data": {"sources": 1}},
    ]
    for broken in tables:
        strange = dataclasses.replace(bundle, metrics=broken)
        result = compare_bundles(strange, bundle, traffic)
        assert result["metrics"]["auc.all"] == {"a": None, "b": 0.8}
        assert result["parameters"]["seed"] == {"a": None, "b": 0}
