"""The page says of each source what holds of it, and nothing that holds of another one only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clearway.outcomes import Outcome
from tests.training.report.example_report import bare_report, example_report
from training.report.analysis.sums import BAD_ROW
from training.report.page.html import render_html
from training.report.page.markdown import render_markdown
from training.report.page.wording import FAULTS
from training.report.results import Arm, Detection, Estimate, Exposure, Fault, Report
from training.report.sources import answer_reading, answer_rows, answer_ways, from_answers, rows, traffic_log
from training.report.sources.posture import DEFINITION

CODES = {
    *(answer_reading.MISSING_VALUE, answer_reading.BAD_NAME, answer_reading.BAD_SCORE),
    *(answer_reading.BAD_NUMBER, answer_reading.DUPLICATE),
    *(answer_rows.MISSING_ANSWERS, answer_rows.NOT_SCANNED),
    *(answer_ways.TOO_FEW_MODELS, answer_ways.NO_TRAINING, answer_ways.NO_COST),
    *(from_answers.NO_ADEQUACY, from_answers.NOT_LEARNED, from_answers.AMBIGUOUS),
    *(rows.UNKNOWN_MODEL, rows.NO_ANSWER, BAD_ROW),
    *traffic_log.SETS_ASIDE,
    *traffic_log.MARKS,
    *("time_before_decision", "time_in_future", "unexpected_model"),
}


def report_of(kind: str) -> Report:
    """The example as if it came from another source, without outcomes."""
    report = example_report()
    return replace(
        report,
        about=replace(report.about, kind=kind, classifiers={} if kind == "answers" else {"ab": "one"}),
        money=replace(report.money, spent_over_expected=None, n_retried=0),
        measures=replace(report.measures, audit_completeness=None, n_calls=0),
    )


def graded() -> Report:
    """A report on graded answers, all of them measured."""
    report = report_of("answers")
    return replace(
        report,
        counts=replace(report.counts, n_before_cleared=0, n_reported=0),
        quality=report.quality[:1],
        arms=tuple(replace(arm, basis="measured") for arm in report.arms if arm.n),
        refusals=(),
        exceptions=(),
        n_example_terms=0,
    )


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_fault_has_words(code: str) -> None:
    """No code that a source gives is told by its code alone."""
    assert FAULTS[code][0].isupper()
    assert "_" not in FAULTS[code]


def test_marks_of_outcomes_are_the_ones_with_words() -> None:
    """The three codes that are spelled out above are those that an outcome documents."""
    for code in ("other_currency", "time_before_decision", "time_in_future", "unexpected_model"):
        assert code in (Outcome.__doc__ or "")


def test_graded_answers_have_no_expected_costs() -> None:
    """Costs are counted: no word of expectation, of outcomes or of calls."""
    money = render_markdown(graded()).split("## What was saved")[1].split("## Beside")[0]
    for absent in ("expected", "outcome", "more than one call", "Refused"):
        assert absent not in money
    assert "Costs are counted alike for every way; how, source by source, is told at the end." in money


def test_graded_answers_have_no_policy() -> None:
    """Nothing is said of refusals, exceptions or clearance but that there is no policy."""
    text = render_markdown(graded())
    assert "of 20,412 requests; no policy was applied" in text
    assert "No policy was applied: whether a model is cleared for a prompt is not known" in text
    assert "policy would not have allowed" not in text
    assert "Graded answers pass no policy: nothing can be refused, and no exception is used." in text
    assert "No request was refused." not in text
    assert "reported provider call" not in text
    assert "classifier learned in this run, detector sensitivity/1" in text
    assert "every model that the register serves counts as cleared here" in text


def test_what_is_graded_throughout_is_not_called_estimated() -> None:
    """Neither the head nor the section on quality speaks of estimates that there are none of."""
    text = render_markdown(graded())
    assert "Every answer that counts here has a grade." in text
    assert "modelled and mapped quality" not in text
    full = graded().quality[0]
    alone = render_markdown(replace(graded(), quality=(replace(full, n=4_310),)))
    assert "4,310 of 4,310 answers |" in alone


def test_an_estimated_difference_is_called_estimated() -> None:
    """The verdict on quality says so where no grade is held against a grade."""
    report = example_report()
    modelled = replace(report.quality[1], quality_difference=Estimate(-0.1, -0.11, -0.09))
    text = render_markdown(replace(report, quality=(modelled,)))
    assert "Quality, as estimated (modelled), is lower than before" in text


def test_the_router_at_98_percent_is_told_beside_the_others() -> None:
    """Where it was measured, the cheaper threshold of the same router stands in the answer."""
    arm = Arm(
        "routed_98", 9, 9, Estimate(0.5, 0.4, 0.6), 9, Estimate(0.7), Estimate(0.0, -0.1, 0.1), "measured"
    )
    text = render_markdown(replace(graded(), arms=(*graded().arms, arm)))
    assert "the same router, with the threshold that keeps 98% of the quality before: saves 50.0%" in text


def test_a_log_says_how_many_models_before_are_unknown() -> None:
    """What was paid then stands against what is expected; other sources have no such comparison."""
    faults = (Fault("unknown_model", 25, 5),)
    told = "For 20 requests the register does not know the model that was called: their cost before is what"
    assert told in render_markdown(replace(report_of("log"), faults=faults))
    assert told not in render_markdown(replace(report_of("ledger"), faults=faults))
    assert "does not know the model that was called" not in render_markdown(
        replace(report_of("log"), faults=())
    )


def test_a_log_has_no_reported_costs() -> None:
    """Nothing was sent: no word of outcomes that did not come in."""
    text = render_markdown(report_of("log"))
    assert "Nothing was sent, so no cost is reported." in text
    assert "no outcome came in" not in text


def test_costs_reported_are_held_against_expected_ones() -> None:
    """The reader is told that the cost before is expected, and which line is free of that."""
    report = example_report()
    assert "The cost before is an expected one. The last line" in render_markdown(report)
    assert "By expected costs routing saves 36.9% (35.1% to 38.7%)." in render_markdown(report)
    without = replace(report, money=replace(report.money, net_saving_as_expected=None))
    assert "The last line of the table" not in render_markdown(without)
    assert "By expected costs" not in render_markdown(without)


def test_a_model_before_that_is_nowhere_known_to_be_allowed() -> None:
    """No saving over the others is promised where there are no others."""
    report = example_report()
    text = render_markdown(replace(report, counts=replace(report.counts, n_before_cleared=0)))
    assert "For none of 19,840 compared requests is the model before known to be allowed." in text


def test_the_fourth_measure_is_defined_where_it_is_told() -> None:
    """What "nowhere weaker" means, what the saving is, and how much rests on example terms."""
    risk = render_markdown(example_report()).split("## Risk")[1].split("###")[0]
    assert DEFINITION in risk
    assert "the cheapest such model would save 55.1% (53.2% to 57.0%)" in risk
    assert "for 2,318 of 19,876 choices they are example terms" in risk
    weaker = "1,640 routed requests went where some term is weaker than before: 8.2% (7.9% to 8.6%)"
    assert weaker in risk
    assert "Providers before: openai. With routing: aws-bedrock, on-premises, openai." in risk
    assert "can move without" not in render_markdown(bare_report())


def test_an_unknown_region_is_said_to_be_unknown() -> None:
    """A provider that the register does not know is not put in a region called unknown."""
    report = example_report()
    path = Exposure("contact", "not in the register", "unknown", 3, 1)
    text = render_markdown(replace(report, exposure=(path,)))
    assert "| not in the register (region unknown) | 3 → 1 |" in text
    merged = "several providers or regions may count as one."
    assert merged in text
    assert merged not in render_markdown(report)


@pytest.mark.parametrize(("n_flagged", "is_doubtful"), [(204, True), (206, False)])
def test_few_flags_prove_no_absence_of_leaks(n_flagged: int, is_doubtful: bool) -> None:
    """A class flagged as often as errors alone would flag it is named: its 0 leaks prove nothing."""
    report, sure = example_report(), Estimate(0.7, 0.6, 0.8)
    one = Detection("health", n_flagged, sure, 100, Estimate(0.01, 0.005, 0.02), Estimate(0.0, 0.0, 5.0))
    counts = replace(report.counts, n_rows=20_500, n_set_aside=0)
    text = render_markdown(replace(report, counts=counts, detection=(one,)))
    assert ("0 leaks is then what the formula gives" in text) is is_doubtful


def test_example_terms_are_counted_in_words() -> None:
    """None, one and several read as sentences."""
    report = example_report()
    for n, told in (
        (0, "No choice rests on example terms."),
        (1, "1 choice rests on example terms"),
        (2, "2 choices rest on example terms"),
    ):
        assert told in render_markdown(replace(report, n_example_terms=n))


def test_short_tables_are_kept_on_one_printed_page() -> None:
    """A table that fits a page is marked, a long one may be broken."""
    report = example_report()
    faults = tuple(Fault(f"code-{n}", 1, 0) for n in range(13))
    page = render_html(replace(report, faults=faults))
    assert '<div class="frame short"><table><caption>The four measures' in page
    assert '<div class="frame"><table><caption>Faults of the input' in page


def test_one_request_has_no_interval_and_says_so() -> None:
    """A share without an interval is neither shown nor ruled out."""
    report = example_report()
    alone = replace(report, money=replace(report.money, net_saving=Estimate(0.994)))
    text = render_markdown(alone)
    assert "99.4% (no interval) was saved, over too few requests to give an interval." in text


def test_a_part_of_which_nobody_said_anything_is_not_shown() -> None:
    """All requests without a source are no part of the traffic."""
    report = example_report()
    one = replace(report.slices[0], dimension="source", value="")
    assert (
        "Source" not in render_markdown(replace(report, slices=(one,))).split("## By part")[1].split("## ")[0]
    )


def test_assumed_lengths_are_told_beside_the_answer() -> None:
    """Costs that rest on an assumption are counted where the saving is told."""
    report = example_report()
    text = render_markdown(replace(report, faults=(Fault("assumed_length", 1_348, 0),)))
    assert "For 1,348 requests nobody counted the answers' tokens" in text.split("## What was saved")[0]
    assert "nobody counted" not in render_markdown(report)
