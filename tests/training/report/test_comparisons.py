"""A way that does better than routing is called so, and why it can be is told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.training.report.example_report import bare_report, example_report
from training.report.page.comparisons import better_ways, reasons, say_beaten, say_contest
from training.report.page.markdown import render_markdown
from training.report.results import Arm, Estimate, Report

LIKE_SAVING, LIKE_QUALITY = Estimate(0.34, 0.32, 0.36), Estimate(0.0, -0.01, 0.01)


def report_with(
    saving: Estimate | None,
    quality: Estimate | None,
    *,
    name: str = "zero_router",
    basis: str = "modelled+mapped",
    kind: str = "ledger",
) -> Report:
    """The example, with one other way beside routing: it saves 33.8%, quality -0.41 points."""
    report = example_report()
    routed = next(arm for arm in report.arms if arm.name == "routed")
    other = Arm(name, routed.n, 1, saving, routed.n, Estimate(0.8), quality, basis)
    return replace(report, about=replace(report.about, kind=kind), arms=(routed, other))


@pytest.mark.parametrize(
    ("saving", "quality", "is_better"),
    [
        (LIKE_SAVING, Estimate(0.01, 0.005, 0.02), True),
        (Estimate(0.5, 0.4, 0.6), LIKE_QUALITY, True),
        (Estimate(0.5, 0.4, 0.6), Estimate(0.01, 0.005, 0.02), True),
        (LIKE_SAVING, LIKE_QUALITY, False),
        (LIKE_SAVING, Estimate(0.01, 0.0036, 0.02), False),
        (Estimate(0.2, 0.1, 0.3), Estimate(0.01, 0.005, 0.02), False),
        (Estimate(0.5, 0.4, 0.6), Estimate(-0.04, -0.05, -0.03), False),
        (Estimate(0.5), Estimate(0.01, 0.005, 0.02), False),
        (Estimate(0.5, 0.4, 0.6), Estimate(math.nan, math.nan, math.nan), False),
        (None, Estimate(0.01, 0.005, 0.02), False),
        (Estimate(0.5, 0.4, 0.6), None, False),
    ],
)
def test_better_is_ahead_in_one_and_not_behind_in_the_other(
    saving: Estimate | None, quality: Estimate | None, is_better: bool
) -> None:
    """Only intervals that do not meet put a way ahead or behind; without both, nothing is said."""
    assert bool(better_ways(report_with(saving, quality))) is is_better


def test_the_oracle_beats_nobody() -> None:
    """What knows the answers cannot be taken instead."""
    assert not better_ways(report_with(Estimate(0.9, 0.8, 1.0), LIKE_QUALITY, name="oracle"))


def test_that_routing_is_beaten_stands_in_the_answer() -> None:
    """It is set apart before everything else is told, with the numbers of both."""
    told = render_markdown(report_with(Estimate(0.5, 0.4, 0.6), LIKE_QUALITY)).replace("\N{MINUS SIGN}", "-")
    assert (
        "> Routing is beaten here by the best mix of two models, dealt at random without a look at the "
        "prompt: against before, quality 0.00 points (-1.00 to +1.00) and saving 50.0% (40.0% to 60.0%), "
        "where routing has quality -0.41 points (-1.18 to +0.36) and saving 33.8% (31.9% to 35.6%). Why "
        "is told beside the other ways."
    ) in told.split("## What was saved")[0]
    assert "not behind in the other): zero router." in told.split("## Beside other ways")[1]


def test_a_router_that_is_not_beaten_is_told_as_that() -> None:
    """No warning, no reasons, and one sentence beside the other ways."""
    report = example_report()
    assert say_beaten(report) == ""
    assert reasons(report) == ()
    assert say_contest(report) == (
        "None of the ways that one could take instead does better than routing (ahead of it in saving or "
        "quality beyond the intervals, and not behind in the other)."
    )


def test_nothing_is_said_where_nothing_was_compared() -> None:
    """Without other ways there is no contest."""
    assert say_contest(bare_report()) == say_beaten(bare_report()) == ""


def test_what_lets_a_way_be_better_on_a_ledger() -> None:
    """Policy, the quality floor and estimates of other models are named."""
    told = " ".join(reasons(report_with(Estimate(0.5, 0.4, 0.6), LIKE_QUALITY)))
    assert "Policy binds routing alone" in told
    assert "such as floor=0.85." in told
    assert "The quality of a model that was not called is an estimate here, never a grade." in told
    assert "Mapped in part or whole: zero router." in told


def test_what_lets_a_way_be_better_on_graded_answers() -> None:
    """The best single model is known afterwards only; no policy and no estimate is blamed."""
    better = report_with(
        Estimate(0.5, 0.4, 0.6), LIKE_QUALITY, name="best_single", basis="measured", kind="answers"
    )
    told = " ".join(reasons(better))
    assert "chosen on the test itself, which nobody can do beforehand" in told
    assert "Policy" not in told
    assert "estimate" not in told
    mixed = report_with(Estimate(0.5, 0.4, 0.6), LIKE_QUALITY, basis="measured", kind="answers")
    assert "on the test itself" not in " ".join(reasons(mixed))
