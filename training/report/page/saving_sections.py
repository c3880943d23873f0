"""Money: where it went, beside other ways to route, and by part of the traffic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from training.report.analysis.slices import SMALL
from training.report.page import comparisons, wording
from training.report.page.answer_section import NOTHING_COMPARED
from training.report.page.blocks import (
    Block,
    Bullets,
    Cell,
    Paragraph,
    RangeChart,
    Section,
    Step,
    StepChart,
    Table,
    present,
    words,
)
from training.report.page.formats import (
    NONE,
    NOT_MEASURED,
    NOTHING,
    NUSD_PER_USD,
    count,
    decimal,
    estimate,
    percent_range,
    points,
    said,
    share,
    usd,
)
from training.report.results import Arm, Money, QualityByBasis, Report, Slice

_ONE_MODEL_KNOWN = "not knowable here"
_MIXED: Final = (
    "Quality of routing is over all requests here, grades and estimates together; the answer above holds "
    "like against like, over fewer requests."
)
# Where nothing is sent, no cost is reported.
_UNREPORTED: Final = {
    "answers": "Costs are counted alike for every way; how, source by source, is told at the end.",
    "log": "Nothing was sent, so no cost is reported. Costs are expected ones both ways, but where none is "
    "known for the model before, what was paid stands in.",
}
_ESTIMATED: Final = (
    "Only a grade of the answer itself is evidence. An estimate of the classifier is what the router "
    "believed when it chose, so that it cannot prove the router right. Differences here hold like against "
    "like; in other tables, where several kinds are named, one side may be graded and the other estimated."
)
_LIKE: Final = (
    " The cost before is an expected one. The last line of the table holds expected costs on both sides, so "
    "that an error of the estimate does not pass for a saving there."
)
_WAYS: Final = ("Way", "Requests", "Cost", "Saving", "Quality known both ways", "Quality", "Difference")


def money_section(report: Report) -> Section:
    """From the cost before to the cost with routing, step by step."""
    money = report.money
    if not report.counts.n_compared:
        return Section("money", "What was saved", (Paragraph(f"Not known: {NOTHING_COMPARED}."),))
    return Section(
        "money",
        "What was saved",
        (
            Paragraph(_over(report)),
            _steps_chart(money),
            _steps_table(money, is_exact=report.about.kind == "answers"),
            Bullets(_money_remarks(report)),
        ),
    )


def arms_section(report: Report) -> Section:
    """The same requests routed in other ways."""
    if not report.arms:
        return Section("arms", "Beside other ways to route", (Paragraph("Nothing to compare."),))
    met = [arm.name for arm in report.arms if arm.name in wording.ARM_MEANINGS]
    return Section(
        "arms",
        "Beside other ways to route the same requests",
        present(
            (
                Paragraph(
                    "A saving against a dear model proves little: any cheaper model saves. So each way "
                    "below is compared with the cost and quality before, on the same requests."
                ),
                Paragraph(_MIXED) if _is_mixed(report.arms) else None,
                _as_expected(report.money),
                _arms_chart(report.arms),
                Table(
                    "Ways to route: cost, saving and quality against before",
                    (*_WAYS, "Quality is"),
                    tuple(_arm_row(arm) for arm in report.arms),
                    frozenset({7}),
                ),
                Paragraph(contest) if (contest := comparisons.say_contest(report)) else None,
                Bullets(reasons) if (reasons := comparisons.reasons(report)) else None,
                Paragraph("What the ways are:") if met else None,
                Bullets(tuple(f"{wording.arm(arm)}: {wording.ARM_MEANINGS[arm]}" for arm in met)),
            )
        ),
    )


def quality_section(report: Report) -> Section:
    """How quality is known, and what it is under each kind of knowledge."""
    rows = tuple(_quality_row(kind) for kind in report.quality)
    table = Table(
        "Quality by how it is known",
        ("Quality is", "Answers", "Quality", "Known both ways", "Routed less before"),
        rows,
    )
    is_graded = all(kind.basis == "measured" for kind in report.quality)
    text = "Every answer that counts here has a grade." if is_graded else _ESTIMATED
    blocks: tuple[Block, ...] = (
        (Paragraph(text), table) if rows else (Paragraph("Quality was not measured."),)
    )
    return Section("quality", "How quality is known", blocks)


def slices_section(report: Report) -> Section:
    """Savings and quality by part of the traffic."""
    blocks: list[Block] = []
    if any(part.is_small for part in report.slices):
        blocks.append(
            Paragraph(
                f"Parts marked “few” have under {count(SMALL)} compared requests: too few to rest "
                "anything on. Of many parts, some look good or bad by chance alone."
            )
        )
    dimensions = dict.fromkeys(part.dimension for part in report.slices)
    single: list[str] = []
    for dimension in dimensions:
        parts = [part for part in report.slices if part.dimension == dimension]
        if len(parts) == 1 and not parts[0].value:
            continue  # nobody said, of any request
        if len(parts) == 1:
            single.append(
                f"{_dimension(dimension)}: {wording.slice_value(dimension, parts[0].value)} throughout."
            )
        else:
            blocks.append(_slice_table(dimension, parts))
    if single:
        blocks.append(Bullets(tuple(single)))
    return Section("slices", "By part of the traffic", tuple(blocks) or (Paragraph("Nothing to divide."),))


def _is_mixed(arms: Iterable[Arm]) -> bool:
    return any(arm.name == "routed" and "+" in arm.basis for arm in arms)


def _as_expected(money: Money) -> Paragraph | None:
    """Other ways have expected costs only; what routing saves by those."""
    if not (money.spent_over_expected and money.net_saving_as_expected):
        return None
    return Paragraph(
        "Cost of routing is as reported, where it was; that of the other ways is expected. By expected costs "
        f"routing saves {said(estimate(money.net_saving_as_expected, share))}."
    )


def _steps_chart(money: Money) -> StepChart:
    before, answers, failed, router = (
        amount / NUSD_PER_USD
        for amount in (
            money.before_nusd,
            money.spent_nusd - money.failed_nusd,
            money.failed_nusd,
            money.router_nusd,
        )
    )
    total = answers + failed + router
    steps = (
        Step("before", 0, before, usd(money.before_nusd), is_total=True),
        Step("answers", 0, answers, usd(money.spent_nusd - money.failed_nusd), is_total=False),
        Step("failed attempts", answers, answers + failed, usd(money.failed_nusd), is_total=False),
        Step("deciding", answers + failed, total, usd(money.router_nusd), is_total=False),
        Step("with routing", 0, total, usd(money.spent_nusd + money.router_nusd), is_total=True),
    )
    alt = "Bars of cost: " + ", ".join(f"{step.name} {step.label}" for step in steps) + "."
    return StepChart("Cost before, and with routing", alt, steps)


def _steps_table(money: Money, *, is_exact: bool) -> Table:
    spent = money.spent_nusd + money.router_nusd
    lines = (
        ("Before: without routing", money.before_nusd),
        ("Answers of the models chosen", money.spent_nusd - money.failed_nusd),
        ("Failed attempts, paid all the same", money.failed_nusd),
        ("Deciding: classifier, detector, policy, ledger", money.router_nusd),
        ("With routing, all of it", spent),
    )
    rows = [(Cell(what), Cell(usd(nusd)), Cell(_part(nusd, money.before_nusd))) for what, nusd in lines]
    saved = (
        Cell("Saved, net"),
        estimate(money.net_saved_nusd, usd),
        estimate(money.net_saving, share),
    )
    gross = (
        Cell("Saved, before the cost of deciding"),
        Cell(usd(money.before_nusd - money.spent_nusd)),
        estimate(money.gross_saving, share),
    )
    expected = (
        Cell("Saved, net, by expected costs on both sides"),
        NOTHING,
        estimate(money.net_saving_as_expected, share),
    )
    return Table(
        "From the cost before to what was saved",
        ("What", "Cost", "Of before"),
        (*rows, gross, saved, *([expected] if money.net_saving_as_expected and not is_exact else [])),
    )


def _part(nusd: int, before: int) -> str:
    return share(nusd / before) if before else NONE


def _over(report: Report) -> str:
    n = wording.plural(report.counts.n_compared, "request")
    if report.about.kind == "answers":
        return f"Over the {n} whose cost is known both ways."
    return (
        f"Over the {n} that were routed and whose cost is known both ways. A request that was refused, or "
        "that every attempt failed, saves nothing here, though what it cost counts."
    )


def _money_remarks(report: Report) -> tuple[str, ...]:
    money, kind = report.money, report.about.kind
    if not money.spent_over_expected and kind in _UNREPORTED:
        return (_UNREPORTED[kind],)
    retried = f"{wording.plural(money.n_retried, 'request')} took more than one call."
    if not money.spent_over_expected:
        why = "since no outcome came in. Costs are expected ones."
        return (retried, f"Reported against expected cost: {NOT_MEASURED}, {why}")
    ratio = (
        f"Reported cost over expected cost: {said(estimate(money.spent_over_expected, decimal))}. Above 1, "
        "answers cost more than was expected of them."
    )
    like = _LIKE if money.net_saving_as_expected else ""
    return (retried, ratio + like)


def _arm_row(arm: Arm) -> tuple[Cell, ...]:
    is_before = arm.name == "before"
    if not arm.n and not arm.n_quality:
        unknown = Cell(NOT_MEASURED, _ONE_MODEL_KNOWN)
        return (
            Cell(wording.arm(arm.name)),
            Cell("0"),
            unknown,
            unknown,
            Cell("0"),
            unknown,
            unknown,
            NOTHING,
        )
    return (
        Cell(wording.arm(arm.name)),
        Cell(count(arm.n)),
        Cell(usd(arm.nusd)),
        NOTHING if is_before else estimate(arm.saving, share),
        Cell(count(arm.n_quality)),
        estimate(arm.quality, share),
        NOTHING if is_before else estimate(arm.quality_difference, points),
        Cell(wording.basis(arm.basis)),
    )


def _arms_chart(arms: Iterable[Arm]) -> RangeChart | None:
    rows = tuple(
        (
            wording.arm(arm.name),
            (percent_range(arm.saving, share), percent_range(arm.quality_difference, points)),
        )
        for arm in arms
        if arm.name != "before" and (arm.saving or arm.quality_difference)
    )
    if not rows:
        return None
    alt = (
        "For each way to route, its saving and its quality difference against before, with intervals; "
        + "; ".join(
            f"{way}: saves {saving.label if saving else 'unknown'}, quality "
            f"{quality.label if quality else 'unknown'}"
            for way, (saving, quality) in rows
        )
    )
    return RangeChart(
        "What each way saves, and what that does to quality",
        alt + ".",
        ("Saving against before (%)", "Quality difference (points)"),
        rows,
        has_lead=True,
    )


def _quality_row(kind: QualityByBasis) -> tuple[Cell, ...]:
    return (
        Cell(wording.BASES.get(kind.basis, wording.basis(kind.basis))),
        Cell(count(kind.n)),
        estimate(kind.quality, share),
        Cell(count(kind.n_paired)),
        estimate(kind.quality_difference, points, "not known both ways"),
    )


def _dimension(text: str) -> str:
    return wording.DIMENSIONS.get(text, wording.code(text))


def _slice_table(dimension: str, parts: Iterable[Slice]) -> Table:
    return Table(
        _dimension(dimension),
        ("Part", "Compared", "Cost before", "Net saving", "Quality difference", "Quality is", "Refused"),
        tuple(_slice_row(part) for part in parts),
        frozenset({5}),
    )


def _slice_row(part: Slice) -> tuple[Cell, ...]:
    return (
        Cell(wording.slice_value(part.dimension, part.value), "few" if part.is_small else ""),
        Cell(count(part.n)),
        Cell(usd(part.before_nusd)),
        estimate(part.net_saving, share),
        estimate(part.quality_difference, points),
        *words(wording.basis(part.basis)),
        Cell(count(part.n_refused)),
    )
