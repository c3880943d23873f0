"""The end of the report: what papers measure, what was wrong with the input, how it was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import isfinite
from string import ascii_uppercase
from typing import Final

from training.report import wording
from training.report.blocks import Block, Bullets, Cell, Paragraph, PlaneChart, Section, Spot, Table, words
from training.report.formats import NOTHING, NUSD_PER_USD, count, decimal, estimate, name, share, usd
from training.report.results import Estimate, Point, Report, RouterMetrics
from training.report.risk import LEAKS

_SAY: Final[Mapping[str, Callable[[float], str]]] = {
    "aiq": decimal,
    "apgr": share,
    "cpt_50": share,
    "cpt_80": share,
    "arena": decimal,
}
_METHOD: Final = (
    (
        "Intervals hold the true value in 95 of 100 such reports. They come from drawing the requests again, "
        "{n_resamples} times, in groups that belong together (the same question, else the session, else "
        "the request); "
        "what is compared is drawn together, so differences are paired. Seed {seed}."
    ),
    (
        "Intervals tell what chance may do. They do not tell what a wrong price, a biased grade or other "
        "traffic "
        "next month would do."
    ),
    (
        "The saving is 1 - (cost with routing + failed attempts + cost of deciding) / cost before. The cost "
        "before is "
        "that of the same request without routing, not that of the dearest model on the list."
    ),
    "Deciding is counted at {router} a request: {basis}.",
    "Quality is the share of adequate answers; a difference of 1 point is one answer in a hundred.",
)


def metrics_section(metrics: Sequence[RouterMetrics]) -> Section | None:
    """What the papers measure, by source; None where no graded answers were given."""
    if not metrics:
        return None
    blocks: list[Block] = [Bullets(wording.METRIC_MEANINGS)]
    for one in metrics:
        if one.points:
            blocks.extend(_plane(one))
        blocks.append(_metrics_table(one))
    return Section("router-metrics", "Measures of routers in the literature", tuple(blocks))


def faults_section(report: Report) -> Section:
    """What was wrong with the input: counted, never dropped unseen."""
    counts = report.counts
    if not report.faults:
        return Section("input", "What was wrong with the input", (Paragraph("Nothing was found wrong."),))
    text = (
        f"Of {wording.plural(counts.n_rows, 'row')}, {count(counts.n_set_aside)} could not be used and "
        "are in no "
        "number above. The others marked here were used. A row may have several faults."
    )
    rows = tuple(
        words(
            wording.code(fault.code),
            name(fault.code),
            count(fault.n),
            count(fault.n_set_aside),
            count(fault.n - fault.n_set_aside),
        )
        for fault in report.faults
    )
    table = Table(
        "Faults of the input",
        ("What", "Code", "Rows", "Set aside", "Used all the same"),
        rows,
        frozenset({1}),
    )
    return Section("input", "What was wrong with the input", (Paragraph(text), table))


def method_section(report: Report) -> Section:
    """How the numbers were made, and with what, in full."""
    about = report.about
    facts = {
        "n_resamples": count(about.n_resamples),
        "seed": str(about.seed),
        "router": usd(about.router_nusd),
        "basis": name(about.router_basis, 300),
    }
    rows = [
        words("register", name(about.register)),
        *(words(f"classifier {name(label)}", name(key)) for key, label in about.classifiers.items()),
        *(words(f"detector {name(label)}", name(key)) for key, label in about.detectors.items()),
        *(words("policy", name(key)) for key in about.policies),
        words("engine", name(about.engine)),
        *(words(f"MLflow {name(key)}", name(value)) for key, value in report.mlflow.items()),
    ]
    return Section(
        "method",
        "How it was done, and its limits",
        (
            Bullets(tuple(text.format(**facts) for text in _METHOD)),
            Bullets(tuple(wording.note(note) for note in about.notes if note != LEAKS)),
            Table("What it was made with", ("What", "Version or digest"), tuple(rows), frozenset({1})),
        ),
    )


def _metrics_table(one: RouterMetrics) -> Table:
    columns: dict[str, Mapping[str, Estimate]] = {
        key: getattr(one, key) for key in wording.METRICS if getattr(one, key)
    }
    routers = dict.fromkeys(router for column in columns.values() for router in column)
    rows = tuple(
        (
            Cell(wording.arm(router)),
            *(_metric(column.get(router), _SAY[key]) for key, column in columns.items()),
        )
        for router in routers
    )
    return Table(
        f"{name(one.source)}: {wording.plural(one.n, 'test prompt')}",
        ("Router", *(wording.METRICS[key] for key in columns)),
        rows,
    )


def _metric(value: Estimate | None, say: Callable[[float], str]) -> Cell:
    return NOTHING if value is None else estimate(value, say)


def _plane(one: RouterMetrics) -> tuple[Block, ...]:
    """The curve, and its lettered points as a table."""
    places: dict[str, list[Point]] = {}
    known = [point for point in one.points if isfinite(point.usd_per_1000) and isfinite(point.quality)]
    for point in known:
        places.setdefault(point.name, []).append(point)
    lines = {label for label, (first, *_) in places.items() if first.kind == "curve"}
    letters = dict(zip((label for label in places if label not in lines), _letters(), strict=False))
    spots = tuple(
        Spot(
            letters.get(point.name) or wording.router(point.name),
            point.usd_per_1000,
            point.quality,
            point.name in lines,
        )
        for point in known
    )
    rows = tuple(
        words(
            letters[label],
            wording.router(label),
            usd(places[label][0].usd_per_1000 * NUSD_PER_USD),
            share(places[label][0].quality),
        )
        for label in letters
    )
    chart = PlaneChart(
        f"{name(one.source)}: quality against cost",
        f"Quality against cost. Points are in the table below; lines: "
        f"{', '.join(wording.router(label) for label in sorted(lines)) or 'none'}.",
        spots,
    )
    header = ("Point", "Model or way", "USD per 1,000 prompts", "Quality")
    table = Table(f"{name(one.source)}: the points of the chart", header, rows, frozenset({1}))
    return (chart, table) if rows else (chart,)


def _letters() -> Iterator[str]:
    """A to Z, then AA and on."""
    for size in range(1, 4):
        for letters in product(ascii_uppercase, repeat=size):
            yield "".join(letters)
