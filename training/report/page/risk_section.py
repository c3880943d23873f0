"""Risk beside money: the four measures, who sees which data, what was refused, what the detector misses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from training.report.analysis.risk import LEAKS, UNKNOWN
from training.report.page import wording
from training.report.page.blocks import Block, Cell, Paragraph, Section, Table, present, words
from training.report.page.formats import (
    NOT_MEASURED,
    NOTHING,
    count,
    estimate,
    name,
    per_million,
    said,
    share,
)
from training.report.results import Count, Detection, Exposure, Report
from training.report.sources.posture import DEFINITION

# Classes side by side in one table of exposure.
_CLASSES_ACROSS: Final = 4
# Regions that are none.
_NOWHERE: Final = ("", UNKNOWN)
_MISSING: Final = (
    "Requests without a class are in no such table: a provider that gets no others counts above and is "
    "missing here."
)
_MERGED: Final = " Where the region is unknown, several providers or regions may count as one."
_BASIS: Final = (
    "The card tells how the detector did on labelled prompts that were held out. Found: share of its prompts "
    "with the class that are flagged. Flagged in error: share of its clean prompts that are. The card's "
    "prompts are not your traffic: on other text the detector may miss more."
)


def measures_section(report: Report) -> Section:
    """The four measures by name, with what they are."""
    measures = report.measures
    routable = estimate(measures.share_routable, share, "terms are not known on both sides")
    rows = (
        _measure("provider count", "provider_count", measures.provider_count_before, measures.provider_count),
        _measure(
            "sensitive-data exposure paths",
            "exposure_paths",
            measures.exposure_paths_before,
            measures.exposure_paths,
        ),
        (
            Cell("audit completeness"),
            Cell(wording.MEASURES["audit_completeness"]),
            NOTHING,
            estimate(measures.audit_completeness, share, "no outcome was reported"),
        ),
        (
            Cell("share routable without changing risk posture"),
            Cell(wording.MEASURES["share_routable"]),
            NOTHING,
            routable,
        ),
    )
    table = Table(
        "The four measures", ("Measure", "What it is", "Before", "With routing"), rows, frozenset({1})
    )
    return Section("measures", "Risk: the four measures", (table, *map(Paragraph, _remarks(report))))


def _remarks(report: Report) -> Iterable[str]:
    """What the measures rest on, and what they do not say."""
    measures, counts = report.measures, report.counts
    if measures.providers:
        before, after = (_names(names) for names in (measures.providers_before, measures.providers))
        yield f"Providers before: {before}. With routing: {after}."
    if measures.n_calls:
        yield (
            f"Audit completeness is over {wording.plural(measures.n_calls, 'reported provider call')}; "
            f"{count(counts.n_routed - counts.n_reported)} routed requests have no reported outcome."
        )
    if measures.n_routable:
        yield (
            f"On the {wording.plural(measures.n_routable, 'request')} that can move without changing risk "
            "posture, and on them alone, the cheapest such model would save "
            f"{said(estimate(measures.saving_routable, share))}: what there is to save if no data may go "
            "anywhere on weaker terms than before. Routing is not bound by this, and may choose otherwise."
        )
    if measures.share_weaker_terms:
        yield (
            f"{wording.plural(measures.n_weaker_terms, 'routed request')} went where some term is weaker "
            f"than before: {said(estimate(measures.share_weaker_terms, share))} of those whose terms are "
            "known both ways."
        )
    yield DEFINITION
    if report.about.kind == "answers":
        yield "No policy was applied: every model that the register serves counts as cleared here."
    if report.n_example_terms:
        yield (
            f"Terms are those of the register, and for {count(report.n_example_terms)} of "
            f"{wording.plural(counts.n_routed, 'choice')} they are example terms: the share routable is no "
            "truer than they are."
        )


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(name, names)) or "none"


def exposure_section(report: Report) -> Section:
    """Who sees which data, before and after."""
    if not report.exposure:
        blocks: tuple[Block, ...] = (Paragraph("No request holds a flagged or declared data class."),)
    else:
        blocks = (
            Paragraph(
                "Requests with each data class that reach each provider and region: before → with routing. A "
                "request with several classes counts under each. “new” is a path that was not there before, "
                "“gone” one that is there no longer."
            ),
            *_exposure_tables(report.exposure),
            Paragraph(_MISSING + (_MERGED if _has_unknown(report.exposure) else "")),
        )
    return Section("exposure", "Which data reaches whom", blocks, level=3)


def rules_section(report: Report) -> Section:
    """Refusals, exceptions, and terms that nobody has proved."""
    title, n = "Refusals, exceptions, example terms", report.n_example_terms
    if report.about.kind == "answers" and not (report.refusals or report.exceptions or n):
        text = "Graded answers pass no policy: nothing can be refused, and no exception is used."
        return Section("rules", title, (Paragraph(text),), level=3)
    terms = (
        f"{wording.plural(n, 'choice')} {'rests' if n == 1 else 'rest'} on example terms: terms of a "
        "provider that no public document supports, to be replaced from your contract."
        if n
        else "No choice rests on example terms."
    )
    blocks: list[Block] = [
        _counts("Why requests were refused", "Reason", report.refusals, "No request was refused."),
        _counts("Exceptions relied on", "Exception", report.exceptions, "No choice rests on an exception."),
        Paragraph(terms),
    ]
    return Section("rules", title, tuple(blocks), level=3)


def detection_section(report: Report) -> Section:
    """What the detector misses."""
    if not report.detection:
        text = f"The detector's errors: {NOT_MEASURED}, since no detector or none with a card decided here."
        return Section("detection", "What the detector misses", (Paragraph(text),), level=3)
    table = Table(
        "The detector by data class",
        (
            "Class",
            "Flagged here",
            "Found (recall)",
            "Held-out prompts",
            "Flagged in error",
            "Leaks per million",
        ),
        tuple(_detection_row(one) for one in report.detection),
    )
    texts = present((Paragraph(_BASIS), Paragraph(LEAKS), _doubt(report)))
    return Section("detection", "What the detector misses", (table, *texts), level=3)


def _doubt(report: Report) -> Paragraph | None:
    """Classes whose flags may all be errors: of those a leak of 0 proves nothing."""
    n = report.counts.n_rows - report.counts.n_set_aside
    doubtful = [
        name(one.data_class)
        for one in report.detection
        if n and one.leaks_per_million and one.false_pin and one.n_flagged / n <= one.false_pin.value
    ]
    if not doubtful:
        return None
    return Paragraph(
        f"Flagged here no more often than the card's clean prompts are in error: {', '.join(doubtful)}. "
        "Their flags may all be errors, so that how many requests hold them cannot be told. 0 leaks is then "
        "what the formula gives, not proof that there are none."
    )


def _measure(label: str, key: str, before: int, after: int) -> tuple[Cell, ...]:
    return words(label, wording.MEASURES[key], count(before), count(after))


def _exposure_tables(exposure: Sequence[Exposure]) -> Iterable[Table]:
    classes = list(dict.fromkeys(path.data_class for path in exposure))
    parts = [classes[start : start + _CLASSES_ACROSS] for start in range(0, len(classes), _CLASSES_ACROSS)]
    for n, shown in enumerate(parts, start=1):
        part = f" ({n} of {len(parts)})" if len(parts) > 1 else ""
        yield _exposure_table([path for path in exposure if path.data_class in shown], shown, part)


def _exposure_table(exposure: Iterable[Exposure], classes: Sequence[str], part: str) -> Table:
    cells = {(path.provider, path.region, path.data_class): path for path in exposure}
    places = sorted({place[:2] for place in cells})
    rows = tuple(
        (
            Cell(_place(provider, region)),
            *(_exposure_cell(cells.get((provider, region, one))) for one in classes),
        )
        for provider, region in places
    )
    return Table(
        f"Requests by data class: before → with routing{part}",
        ("Provider and region", *map(name, classes)),
        rows,
    )


def _has_unknown(exposure: Iterable[Exposure]) -> bool:
    return any(path.region in _NOWHERE for path in exposure)


def _place(provider: str, region: str) -> str:
    if region in _NOWHERE:
        return f"{name(provider)} (region unknown)"
    return f"{name(provider)} in {name(region)}"


def _exposure_cell(path: Exposure | None) -> Cell:
    if path is None or not (path.n_before or path.n_after):
        return NOTHING
    change = "new" if not path.n_before else "gone" if not path.n_after else ""
    return Cell(f"{count(path.n_before)} → {count(path.n_after)}", change)


def _counts(caption: str, head: str, counts: Iterable[Count], nothing: str) -> Block:
    rows = tuple(words(wording.code(one.name), count(one.n)) for one in counts)
    return Table(caption, (head, "Requests"), rows) if rows else Paragraph(nothing)


def _detection_row(one: Detection) -> tuple[Cell, ...]:
    return (
        Cell(name(one.data_class)),
        Cell(count(one.n_flagged)),
        estimate(one.recall, share, "no held-out prompt has it"),
        Cell(count(one.n_recall)),
        estimate(one.false_pin, share),
        estimate(one.leaks_per_million, per_million, "recall is not known"),
    )
