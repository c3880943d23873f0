"""The head of the report: what was looked at, and the answer before its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from training.report.analysis.slices import SMALL
from training.report.page import comparisons, wording
from training.report.page.blocks import Bullets, Cell, Figures, Paragraph, Section, present
from training.report.page.formats import count, day, digest, estimate, moment, name, points, said, share, usd
from training.report.results import Estimate, Report

# What a saving must be held against first.
_TO_BEAT: Final = ("best_single", "random_mix", "zero_router", "routed_98")
_AT_98: Final = "the same router, with the threshold that keeps 98% of the quality before"
_MEANING: Final = "Quality is the share of adequate answers, and 1 point is one answer in a hundred."
_KINDS_OF_QUALITY: Final = (
    " Measured quality is a grade of the answer; modelled and mapped quality is the classifier's estimate."
)
NOTHING_COMPARED: Final = "no request has a cost both with and without routing"


def about_section(report: Report) -> Section:
    """One paragraph: what was measured, with what."""
    about, counts = report.about, report.counts
    if not (about.first_day or about.last_day):
        period = "of unknown time"
    elif about.first_day == about.last_day:
        period = f"of {day(about.first_day)}"
    else:
        period = f"from {day(about.first_day)} to {day(about.last_day)}"
    what = (
        f"{wording.KINDS.get(about.kind, name(about.kind))} (source: {name(about.origin)}). "
        f"It covers {wording.plural(counts.n_rows, 'request')} {period}: {count(counts.n_routed)} routed, "
        f"{count(counts.n_refused)} refused, {count(counts.n_set_aside)} set aside as unusable. "
        f"“Before” means without routing: {name(about.before, 300)}."
    )
    own = "learned in this run" if about.kind == "answers" and not about.classifiers else ""
    classifiers = own or _named(about.classifiers)
    made = (
        f"Made with {name(about.engine)} on {moment(about.made_at)}; "
        f"register {digest(about.register)}, classifier {classifiers}, "
        f"detector {_named(about.detectors)}, policy {', '.join(map(digest, about.policies)) or 'none'}."
    )
    return Section("about", "What this is", (Paragraph(what), Paragraph(made)))


def answer_section(report: Report) -> Section:
    """The numbers to read first, and what they do and do not show."""
    few = f"Under {count(SMALL)} requests were compared: too few to rest anything on."
    blocks = (
        Figures("The answer in four numbers", _figures(report)),
        Paragraph(few, is_warning=True) if report.counts.n_compared < SMALL else None,
        Paragraph(_verdict(report)),
        Paragraph(beaten, is_warning=True) if (beaten := comparisons.say_beaten(report)) else None,
        Paragraph(_MEANING + (_KINDS_OF_QUALITY if _is_estimated(report) else "")),
        Bullets(_reservations(report)),
    )
    return Section("answer", "The answer", present(blocks))


def quality_answer(report: Report) -> tuple[Estimate | None, str, int]:
    """Quality difference to name first, its basis, its number of requests.

    Like is held against like: grades against grades where there are any, else estimates against estimates.
    """
    alike = [kind for kind in report.quality if kind.quality_difference is not None]
    for kind in sorted(alike, key=lambda kind: (kind.basis != "measured", -kind.n_paired)):
        return kind.quality_difference, kind.basis, kind.n_paired
    for arm in report.arms:
        if arm.name == "routed" and arm.quality_difference is not None:
            return arm.quality_difference, arm.basis, arm.n_quality
    return None, "", 0


def _named(versions: object) -> str:
    known = versions if isinstance(versions, dict) else {}
    return ", ".join(name(label) or digest(key) for key, label in known.items()) or "none"


def _figures(report: Report) -> tuple[tuple[str, Cell, str], ...]:
    counts, money = report.counts, report.money
    difference, basis, n = quality_answer(report)
    refused = counts.n_refused / counts.n_rows if counts.n_rows else None
    graded = next((kind.n for kind in report.quality if kind.basis == "measured"), 0)
    known = sum(kind.n for kind in report.quality)
    return (
        (
            "Saved, net of all costs",
            estimate(money.net_saving, share, NOTHING_COMPARED),
            f"of {usd(money.before_nusd)} over {wording.plural(counts.n_compared, 'request')}",
        ),
        (
            "Quality, routed less before",
            estimate(difference, points, "no request has a quality both ways"),
            f"{wording.basis(basis)}, {_of_all(n, counts.n_routed)}" if n else "",
        ),
        (
            "Refused",
            Cell(count(counts.n_refused), "" if refused is None else share(refused)),
            f"of {wording.plural(counts.n_rows, 'request')}"
            + ("; no policy was applied" if report.about.kind == "answers" else ""),
        ),
        (
            "Quality that rests on a grade",
            Cell(share(graded / known) if known else "none", ""),
            f"{count(graded)} of {wording.plural(known, 'answer')}"
            + ("; the rest is estimated" if graded < known else ""),
        ),
    )


def _of_all(n: int, n_all: int) -> str:
    """How many requests a quality is over; the others are not known in the same way before and after."""
    if n == n_all:
        return wording.plural(n, "request")
    return f"the {count(n)} of {wording.plural(n_all, 'request')} known alike both ways"


def _verdict(report: Report) -> str:
    saving = report.money.net_saving
    if saving is None:
        return f"What was saved is not known: {NOTHING_COMPARED}."
    direction = _direction(saving)
    cost = {
        "up": f"Routing saved {said(estimate(saving, share))} of the cost before, the cost of deciding "
        "and of "
        "failed attempts taken off.",
        "down": f"Routing cost more than it saved: {said(estimate(saving, share))} of the cost before.",
        "": _no_saving_shown(saving),
    }[direction]
    return f"{cost} {_say_quality(*quality_answer(report)[:2])}"


def _no_saving_shown(saving: Estimate) -> str:
    told = said(estimate(saving, share))
    if saving.low is None:
        return f"Of the cost before {told} was saved, over too few requests to give an interval."
    return f"A saving is not shown: {told} includes none."


def _is_estimated(report: Report) -> bool:
    bases = {basis for arm in report.arms for basis in arm.basis.split("+")}
    return bool((bases | {kind.basis for kind in report.quality}) - {"measured", ""})


def _say_quality(difference: Estimate | None, basis: str) -> str:
    if difference is None:
        return "Whether quality changed is not known."
    told = said(estimate(difference, points))
    how = wording.basis(basis)
    quality = f"Quality ({how})" if basis == "measured" else f"Quality, as estimated ({how}),"
    worst = (
        "" if difference.low is None else f" A loss of {points(abs(difference.low))[1:]} cannot be ruled out."
    )
    return {
        "up": f"{quality} is higher than before: {told}.",
        "down": f"{quality} is lower than before: {told}.",
        "": f"{quality} is not shown to differ: {told}.{worst if (difference.low or 0) < 0 else ''}",
    }[_direction(difference)]


def _direction(value: Estimate) -> str:
    """`up` or `down` where the interval leaves no doubt, empty where it does."""
    if value.low is None or value.high is None:
        return ""
    return "up" if value.low > 0 else "down" if value.high < 0 else ""


def _reservations(report: Report) -> tuple[str, ...]:
    counts, about = report.counts, report.about
    texts = [*_comparisons(report), *_basis_reservations(report)]
    if about.kind == "ledger":
        texts.append(
            f"Outcomes were reported for {count(counts.n_reported)} of "
            f"{wording.plural(counts.n_routed, 'routed request')}; the others count with their expected cost."
        )
    texts += [*_unknown_before(report), *_assumed(report), *_clearance(report)]
    if counts.n_set_aside:
        texts.append(f"{wording.plural(counts.n_set_aside, 'row')} could not be used: see the input below.")
    if about.notes:
        texts.append(
            "Which models these ways are, how the numbers were made and what is assumed is told at the end."
        )
    return tuple(texts)


def _unknown_before(report: Report) -> Iterator[str]:
    """How many lines of a log compare what was paid with what is expected."""
    n = sum(fault.n - fault.n_set_aside for fault in report.faults if fault.code == "unknown_model")
    if report.about.kind == "log" and n:
        yield (
            f"For {wording.plural(n, 'request')} the register does not know the model that was called: their "
            "cost before is what the log says was paid, if it says so, and stands against an expected cost."
        )


def _assumed(report: Report) -> Iterator[str]:
    """How many costs of graded answers rest on an assumed length."""
    n = sum(fault.n - fault.n_set_aside for fault in report.faults if fault.code == "assumed_length")
    if n:
        yield (
            f"For {wording.plural(n, 'request')} nobody counted the answers' tokens: all models are taken to "
            "write equally long, so that their costs differ by price alone."
        )


def _clearance(report: Report) -> Iterator[str]:
    """What policy says of the model before."""
    counts = report.counts
    n = counts.n_compared - counts.n_before_cleared
    if report.about.kind == "answers":
        yield "No policy was applied: whether a model is cleared for a prompt is not known, before or chosen."
    elif n == counts.n_compared and n:
        yield f"For none of {wording.plural(n, 'compared request')} is the model before known to be allowed."
    elif n > 0:
        yield (
            f"For {count(n)} of {wording.plural(counts.n_compared, 'compared request')} policy would not "
            "have allowed, or is not known to have allowed, the model before. Over the others the saving is "
            f"{said(estimate(report.money.saving_where_before_cleared, share, 'too few requests'))}."
        )


def _comparisons(report: Report) -> Iterator[str]:
    """What the same saving is worth: beside one model for everything, and beside chance."""
    for arm in report.arms:
        if arm.name in _TO_BEAT and arm.saving:
            quality = estimate(arm.quality_difference, points, "unknown")
            yield (
                f"For comparison, {comparisons.RIVALS.get(arm.name, _AT_98)}: saves "
                f"{said(estimate(arm.saving, share))}, quality {said(quality)} against before "
                f"({wording.basis(arm.basis)})."
            )


def _basis_reservations(report: Report) -> list[str]:
    texts = [
        f"Over all requests together quality differs by {said(estimate(arm.quality_difference, points))}, "
        "but there grades on one side may stand against estimates on the other. The ways below are compared "
        "over all requests."
        for arm in report.arms
        if arm.name == "routed" and "+" in arm.basis and arm.quality_difference
    ]
    estimated = sum(kind.n for kind in report.quality if kind.basis != "measured")
    known = sum(kind.n for kind in report.quality)
    if estimated:
        texts.append(
            f"The quality of {count(estimated)} of {wording.plural(known, 'answer')} is the classifier's own "
            "estimate, not a grade: it shows what the router expected, not what happened."
        )
    return texts
