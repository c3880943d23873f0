"""What the literature measures of routers, with the curve of cost and quality."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import isfinite
from string import ascii_uppercase
from typing import Final

from training.report.page import wording
from training.report.page.blocks import Block, Bullets, Cell, PlaneChart, Section, Spot, Table, words
from training.report.page.formats import NOTHING, NUSD_PER_USD, decimal, estimate, name, share, usd
from training.report.results import Estimate, Point, RouterMetrics

_SAY: Final[Mapping[str, Callable[[float], str]]] = {
    "aiq": decimal,
    "apgr": share,
    "cpt_50": share,
    "cpt_80": share,
    "arena": decimal,
}
# Kind of a point that is one of many on a line.
_CURVE: Final = "curve"


def metrics_section(metrics: Sequence[RouterMetrics]) -> Section | None:
    """What the papers measure, by source; None where no graded answers were given."""
    if not metrics:
        return None
    blocks: list[Block] = [Bullets(wording.METRIC_MEANINGS)]
    for one in metrics:
        blocks += [*_plane(one), _metrics_table(one)]
    return Section("router-metrics", "Measures of routers in the literature", tuple(blocks))


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
    """The chart, and its lettered points as a table."""
    known = [point for point in one.points if isfinite(point.usd_per_1000) and isfinite(point.quality)]
    if not known:
        return ()
    curves = [point for point in known if point.kind == _CURVE]
    dots = [point for point in known if point.kind != _CURVE]
    lines = list(dict.fromkeys(wording.router(point.name) for point in curves))
    chart = PlaneChart(
        f"{name(one.source)}: quality against cost",
        f"Quality against cost. Points are in the table below; lines: {', '.join(lines) or 'none'}.",
        (
            *(Spot(wording.router(p.name), p.usd_per_1000, p.quality, is_on_line=True) for p in curves),
            *_lettered(dots),
        ),
    )
    rows = tuple(
        words(letter, wording.router(dot.name), usd(dot.usd_per_1000 * NUSD_PER_USD), share(dot.quality))
        for letter, dot in zip(_letters(), dots, strict=False)
    )
    header = ("Point", "Model or way", "USD per 1,000 prompts", "Quality")
    table = Table(f"{name(one.source)}: the points of the chart", header, rows, frozenset({1}))
    return (chart, table) if rows else (chart,)


def _lettered(dots: Iterable[Point]) -> Iterator[Spot]:
    """Points with their letters; those in one place share a label."""
    places: dict[tuple[float, float], list[str]] = {}
    for letter, dot in zip(_letters(), dots, strict=False):
        places.setdefault((dot.usd_per_1000, dot.quality), []).append(letter)
    for (cost, quality), letters in places.items():
        yield Spot(", ".join(letters), cost, quality, is_on_line=False)


def _letters() -> Iterator[str]:
    """A to Z, then AA and on."""
    for size in (1, 2):
        for letters in product(ascii_uppercase, repeat=size):
            yield "".join(letters)
