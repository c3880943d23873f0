"""The analysis: its numbers against plain Python over the same rows, and rows that are unsound."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.training.report.routed_rows import MADE_AT, gathered, move, refused, row
from training.report.analysis.report import analyse
from training.report.analysis.synthetic import write_synthetic
from training.report.results import Count, Estimate, Exposure, Fault, Move, Report


def _analysed(folder: Path, rows: list[dict[str, Any]], *moves: dict[str, Any], **changed: Any) -> Report:
    return analyse(gathered(folder, rows, moves or None, **changed), made_at=MADE_AT)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[dict[str, Any]]]:
    """A report on 4,000 rows, and those of them that are not set aside."""
    found = write_synthetic(tmp_path_factory.mktemp("synthetic"), 4_000, seed=5)
    rows = [row for row in pq.read_table(found.rows).to_pylist() if row["verdict"] != "set_aside"]
    return analyse(found, made_at=MADE_AT), rows


def test_money_is_what_plain_sums_say(synthetic: tuple[Report, list[dict[str, Any]]]) -> None:
    """Spend before and after, of failed attempts and of deciding, and the saving that follows."""
    report, rows = synthetic
    routed = [row for row in rows if row["verdict"] == "route"]
    before, spent = (sum(row[name] for row in routed) for name in ("before_nusd", "spent_nusd"))
    deciding = sum(row["router_nusd"] for row in rows)
    money = report.money
    assert (money.before_nusd, money.spent_nusd, money.router_nusd) == (before, spent, deciding)
    assert money.failed_nusd == sum(row["failed_nusd"] for row in routed)
    assert money.n_retried == sum(row["n_calls"] > 1 for row in routed)
    assert money.net_saving is not None
    assert money.net_saving.value == round(1 - (spent + deciding) / before, 6)
    assert money.net_saved_nusd is not None
    assert money.net_saved_nusd.value == before - spent - deciding
    reported = [row for row in routed if row["n_calls"]]
    assert money.spent_over_expected is not None
    assert money.spent_over_expected.value == round(
        sum(row["spent_nusd"] - row["failed_nusd"] for row in reported)
        / sum(row["expected_nusd"] for row in reported),
        6,
    )


def test_requests_that_nobody_answered_save_nothing(tmp_path: Path) -> None:
    """Nothing was got for the cost before, so only what they cost counts: attempts and decisions."""
    lost = {"spent_nusd": None, "failed_nusd": 30, "n_calls": 2, "purpose": "general"}
    report = _analysed(tmp_path, [row(0, purpose="general"), row(1, **lost), row(2, **lost)])
    money = report.money
    assert (report.counts.n_routed, report.counts.n_compared, money.n_retried) == (3, 1, 2)
    assert (money.before_nusd, money.spent_nusd, money.failed_nusd, money.router_nusd) == (100, 100, 60, 3)
    assert money.net_saving == money.net_saving_as_expected == Estimate(-0.03)
    assert [part.net_saving for part in report.slices] == [Estimate(-0.03)]
    assert money.spent_over_expected is None


def test_a_cost_that_nobody_reported_checks_no_estimate(tmp_path: Path) -> None:
    """Reported over expected is over what was reported, not over estimates that stand in."""
    told, untold = {"n_calls": 1, "spent_nusd": 20}, {"n_calls": 1, "faults": "cost_not_reported"}
    money = _analysed(tmp_path, [row(0, **told), row(1, **untold), row(2, **untold), row(3)]).money
    assert money.spent_over_expected == Estimate(0.5)


def test_arms_of_a_table_may_rest_on_every_estimate(tmp_path: Path) -> None:
    """A table does not say how its arms are known: what stands in for some routed models may do so there."""
    known = {"quality_ppm": 1, "before_quality_ppm": 1, "best_single_quality_ppm": 1}
    rows = [
        row(number, **known, quality_basis=basis, before_quality_basis="modelled")
        for number, basis in enumerate(("measured", "mapped", "modelled"))
    ]
    arms = {arm.name: arm.basis for arm in _analysed(tmp_path, rows, kind="table").arms}
    assert arms["best_single"] == "modelled+mapped"


def test_counts_are_what_plain_counts_say(synthetic: tuple[Report, list[dict[str, Any]]]) -> None:
    """How many rows were routed, refused, reported and graded."""
    report, rows = synthetic
    assert report.counts.n_rows == 4_000
    assert report.counts.n_set_aside == 4_000 - len(rows)
    assert report.counts.n_refused == sum(row["verdict"] == "refuse" for row in rows)
    assert report.counts.n_graded == sum(row["quality_basis"] == "measured" for row in rows)
    assert report.counts.n_before_cleared == sum(
        row["before_cleared"] and row["verdict"] == "route" for row in rows
    )


def test_quality_is_that_of_the_pairs(synthetic: tuple[Report, list[dict[str, Any]]]) -> None:
    """The difference is over requests with a quality both ways, and by basis over those known alike."""
    report, rows = synthetic
    pairs = [row for row in rows if row["quality_ppm"] is not None]
    routed = next(arm for arm in report.arms if arm.name == "routed")
    assert routed.quality_difference is not None
    assert routed.quality_difference.value == pytest.approx(
        sum(row["quality_ppm"] - row["before_quality_ppm"] for row in pairs) / len(pairs) / 1e6, abs=1e-6
    )
    assert routed.basis == "measured+modelled"
    by_basis = {part.basis: part for part in report.quality}
    assert by_basis["measured"].n_paired == 0
    assert by_basis["modelled"].n_paired == sum(row["quality_basis"] == "modelled" for row in pairs)


def test_every_slice_is_what_its_rows_say(synthetic: tuple[Report, list[dict[str, Any]]]) -> None:
    """Requests, refusals and saving of each purpose, language, length and class."""
    report, rows = synthetic
    for part in report.slices:
        if part.value == "other":
            continue
        held = [row for row in rows if _is_in(row, part.dimension, part.value)]
        routed = [row for row in held if row["verdict"] == "route"]
        assert (part.n, part.n_refused) == (len(routed), len(held) - len(routed))
        spent = sum(row["spent_nusd"] for row in routed) + sum(row["router_nusd"] for row in held)
        assert part.net_saving is not None
        assert part.net_saving.value == round(1 - spent / sum(row["before_nusd"] for row in routed), 6)


def _is_in(row: dict[str, Any], dimension: str, value: str) -> bool:
    if dimension == "class":
        return value in (row["classes"].split("+") if row["classes"] else ["none"])
    return bool(row[dimension] == value)


def test_a_dimension_shows_twenty_values_and_the_rest_as_one(
    synthetic: tuple[Report, list[dict[str, Any]]],
) -> None:
    """40 callers are twenty slices and `other`, which together are all the requests."""
    report, _ = synthetic
    callers = [part for part in report.slices if part.dimension == "caller"]
    assert len(callers) == 21
    assert callers[-1].value == "other"
    assert sum(part.n for part in callers) == report.counts.n_compared


def test_the_arm_of_routing_is_the_saving_of_the_page(
    synthetic: tuple[Report, list[dict[str, Any]]],
) -> None:
    """There is one number for what was saved, net of deciding."""
    report, _ = synthetic
    routed = next(arm for arm in report.arms if arm.name == "routed")
    assert routed.saving == report.money.net_saving
    assert routed.nusd == report.money.spent_nusd + report.money.router_nusd
    assert [arm.name for arm in report.arms] == ["before", "routed", "best_single", "random_mix"]


def test_the_same_rows_give_the_same_report(tmp_path: Path) -> None:
    """However the rows lie in files, and in which order."""
    rows = [row(number, purpose=f"p{number % 30}", spent_nusd=number) for number in range(300)]
    once = _analysed(tmp_path / "once", rows)
    assert _analysed(tmp_path / "again", rows[::-1]).as_json() == once.as_json()
    assert json.loads(json.dumps(once.as_json(), allow_nan=False)) == json.loads(json.dumps(once.as_json()))


def test_paths_before_count_refused_requests_too(tmp_path: Path) -> None:
    """Without routing a refused request would have gone to the model before; it reaches nobody now."""
    rows = [row(1, classes="health+personal"), refused(2, classes="health"), row(3)]
    report = _analysed(tmp_path, rows)
    assert report.exposure == (
        Exposure("health", "a", "eu", n_before=0, n_after=1),
        Exposure("health", "b", "us", n_before=2, n_after=0),
        Exposure("personal", "a", "eu", n_before=0, n_after=1),
        Exposure("personal", "b", "us", n_before=1, n_after=0),
    )
    measures = report.measures
    assert (measures.exposure_paths_before, measures.exposure_paths) == (2, 2)
    assert (measures.provider_count_before, measures.provider_count) == (1, 1)
    assert report.refusals == (Count("policy", 1),)


def test_audit_completeness_is_not_measured_without_outcomes(tmp_path: Path) -> None:
    """No reported call: nothing is claimed. With calls it is those to a model that the decision names."""
    assert _analysed(tmp_path / "none", [row(1)]).measures.audit_completeness is None
    rows = [row(number, n_calls=2, n_matched_calls=2 - (number == 0)) for number in range(10)]
    measures = _analysed(tmp_path / "some", rows).measures
    assert measures.n_calls == 20
    assert measures.audit_completeness is not None
    assert measures.audit_completeness.value == 0.95


def test_share_routable_is_over_requests_whose_terms_are_known(tmp_path: Path) -> None:
    """Refused requests count, those whose model before is in no known region do not."""
    rows = [row(1, posture_nusd=49), row(2), refused(3), row(4, before_region="unknown", posture_nusd=None)]
    measures = _analysed(tmp_path, rows).measures
    assert measures.n_routable == 1
    assert measures.share_routable == Estimate(0.333333)
    assert measures.saving_routable == Estimate(0.5)


def test_requests_on_weaker_terms_are_a_share_of_those_whose_terms_are_known(tmp_path: Path) -> None:
    """Refused requests went nowhere, and of unknown terms nothing is said."""
    rows = [row(1, weaker_terms=True), row(2, weaker_terms=False), row(3, weaker_terms=None), refused(4)]
    measures = _analysed(tmp_path, rows).measures
    assert (measures.n_weaker_terms, measures.share_weaker_terms) == (1, Estimate(0.5))
    assert (measures.providers, measures.providers_before) == (("a",), ("b",))


def test_classes_beyond_twenty_are_shown_as_one(tmp_path: Path) -> None:
    """A request with two of the rest counts there once, and none is left out."""
    rows = [row(n, classes=f"c{n % 24:02}") for n in range(96)]
    rows += [row(96 + n, classes=f"c{n:02}") for n in range(20)] + [row(116, classes="c22+c23")]
    slices = [part for part in _analysed(tmp_path, rows).slices if part.dimension == "class"]
    assert [part.n for part in slices] == [*[5] * 20, 17]
    assert slices[-1].value == "other"


def test_unsound_rows_are_set_aside_and_counted(tmp_path: Path) -> None:
    """A verdict, bucket, cost or quality that cannot be is a fault of its row, which stays in the count."""
    bad: list[dict[str, Any]] = [
        {"verdict": "perhaps"},
        {"verdict": None},
        {"bucket": None},
        {"bucket": 1_024},
        {"spent_nusd": -1},
        {"before_nusd": 2**62},
        {"quality_ppm": 1_000_001},
        {"n_calls": 1, "n_matched_calls": 2},
        {"oracle_nusd": -5},
        {"spent_nusd": 40, "failed_nusd": 41},
        {"faults": "clock_jump", "router_nusd": -1},
    ]
    rows = [row(number, **changed) for number, changed in enumerate(bad)]
    report = _analysed(
        tmp_path, [*rows, row(99), row(98, verdict="set_aside", faults="no_prompt", bucket=None)]
    )
    assert (report.counts.n_rows, report.counts.n_set_aside, report.counts.n_compared) == (13, 12, 1)
    assert report.faults == (
        Fault("bad_row", 11, 11),
        Fault("clock_jump", 1, 1),
        Fault("no_prompt", 1, 1),
    )


def test_nothing_at_all_is_a_report_of_nothing(tmp_path: Path) -> None:
    """An empty table has no saving, no interval and no days; and so has one of set-aside rows only."""
    for name, rows in (("empty", []), ("aside", [row(1, verdict="set_aside", faults="no_prompt")])):
        report = _analysed(tmp_path / name, rows, move(verdict="set_aside", now_verdict="set_aside"))
        assert report.money.net_saving is None
        assert report.counts.n_routed == 0
        assert report.about.first_day is None
        assert report.scenarios[0].n == 0


def test_hostile_names_are_names(tmp_path: Path) -> None:
    """Quotes, percent signs, markup and separators in a name change no query and no number."""
    names = ["'; DROP TABLE rows; --", "100%", "<script>", "\N{RIGHT-TO-LEFT OVERRIDE}", "a_b", "x" * 5_000]
    rows = [row(number, purpose=name, classes=name) for number, name in enumerate(names)]
    report = _analysed(tmp_path, rows)
    for dimension in ("purpose", "class"):
        found = {part.value: part.n for part in report.slices if part.dimension == dimension}
        assert found == dict.fromkeys(names, 1)


def test_a_scenario_counts_what_moves_and_what_it_costs(tmp_path: Path) -> None:
    """Moves by model, refusals, and the saving over requests routed both ways."""
    moves = [
        move(1),
        move(2, then_model="c/cheap", then_provider="c", then_nusd=10, classes="health", then_quality_ppm=0),
        move(3, then_verdict="refuse", then_model=None, then_nusd=None, then_quality_ppm=None),
        move(4, now_verdict="refuse", now_model=None, now_nusd=None, now_quality_ppm=None),
    ]
    found = _analysed(tmp_path, [row(1)], *moves).scenarios[0]
    assert (found.name, found.what, found.n, found.n_moved) == ("eu only", "only models in eu", 4, 3)
    assert found.moves == (Move("", "a/small", 1), Move("a/small", "", 1), Move("a/small", "c/cheap", 1))
    assert (found.now_nusd, found.then_nusd, found.saving) == (80, 50, Estimate(0.375))
    assert (found.n_refused_now, found.n_refused_then) == (1, 1)
    assert found.quality_difference == Estimate(-0.25)
    assert (found.provider_count_now, found.provider_count_then) == (1, 2)
    assert (found.exposure_paths_now, found.exposure_paths_then) == (1, 1)


def test_days_and_digests_are_told(tmp_path: Path) -> None:
    """First and last day in UTC, and the classifiers by the names the source knows them by."""
    day = 86_400_000_000
    rows = [
        row(1, time_us=20_000 * day, classifier_sha256="c" * 64, policy_digest="p"),
        row(2, time_us=20_001 * day - 1, example_terms=True),
        row(3, time_us=2**62),
    ]
    report = _analysed(tmp_path, rows, classifiers={"c" * 64: "default 3"})
    assert (report.about.first_day, report.about.last_day) == ("2024-10-04", "2024-10-04")
    assert report.about.classifiers == {"c" * 64: "default 3"}
    assert report.about.policies == ("p",)
    assert report.n_example_terms == 1


def test_expected_costs_on_both_sides_tell_an_estimate_from_a_saving(tmp_path: Path) -> None:
    """Answers half as long as expected look like a saving; with expected costs on both sides they do not."""
    rows = [row(number, expected_nusd=99, spent_nusd=49, n_calls=1) for number in range(10)]
    money = _analysed(tmp_path, rows).money
    assert money.net_saving is not None
    assert money.net_saving.value == 0.5
    assert money.net_saving_as_expected is not None
    assert money.net_saving_as_expected.value == 0.0


def test_the_seed_is_that_of_the_report(tmp_path: Path) -> None:
    """Another seed moves the intervals, and no estimate."""
    found = gathered(tmp_path, [row(number, spent_nusd=number) for number in range(200)])
    one, two = (analyse(found, seed=seed, made_at=MADE_AT) for seed in (0, 1))
    assert one.money.net_saving != two.money.net_saving
    assert one.money.net_saving is not None
    assert two.money.net_saving is not None
    assert one.money.net_saving.value == two.money.net_saving.value
    assert replace(one.about, seed=1) == two.about
