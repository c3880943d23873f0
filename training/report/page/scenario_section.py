"""What-if: the same traffic under other rules, side by side, and what would move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from training.report.page import wording
from training.report.page.blocks import (
    Block,
    Bullets,
    Cell,
    Paragraph,
    RangeChart,
    Section,
    Table,
    words,
)
from training.report.page.formats import change, count, estimate, name, percent_range, points, share, usd
from training.report.results import Scenario

# Scenarios side by side in one table, and moves listed of each.
_ACROSS: Final = 3
_MOVES: Final = 10


def scenarios_section(scenarios: Sequence[Scenario]) -> Section | None:
    """The scenarios side by side, then the moves of each; None where none was asked for."""
    if not scenarios:
        return None
    text = (
        "Each scenario decides the same requests again with something changed. Costs and qualities are "
        "expected ones on both sides, over requests that are routed both ways, so the differences are "
        "paired."
    )
    told = tuple(f"{name(one.name)}: {name(one.what, 500)}." for one in scenarios)
    tables = [_beside(scenarios[n : n + _ACROSS]) for n in range(0, len(scenarios), _ACROSS)]
    moves = [_moves(one) for one in scenarios]
    blocks: tuple[Block, ...] = (Paragraph(text), Bullets(told), _chart(scenarios), *tables, *moves)
    return Section("what-if", "What if", blocks)


def _beside(scenarios: Sequence[Scenario]) -> Table:
    lines: tuple[tuple[str, Callable[[Scenario], Cell]], ...] = (
        ("Requests decided both ways", lambda one: Cell(count(one.n))),
        ("Requests that move", _moved),
        ("Expected cost now", lambda one: Cell(usd(one.now_nusd))),
        ("Expected cost then", lambda one: Cell(usd(one.then_nusd))),
        ("Change in cost", lambda one: estimate(one.saving, change, is_negated=True)),
        ("Change in quality, estimated", lambda one: estimate(one.quality_difference, points)),
        ("Refused, now → then", lambda one: _pair(one.n_refused_now, one.n_refused_then)),
        ("Providers, now → then", lambda one: _pair(one.provider_count_now, one.provider_count_then)),
        ("Exposure paths, now → then", lambda one: _pair(one.exposure_paths_now, one.exposure_paths_then)),
    )
    rows = tuple((Cell(label), *(say(one) for one in scenarios)) for label, say in lines)
    return Table(
        "Scenarios side by side", ("Under these rules", *(name(one.name) for one in scenarios)), rows
    )


def _moved(one: Scenario) -> Cell:
    return Cell(count(one.n_moved), share(one.n_moved / one.n) if one.n else "")


def _pair(now: int, then: int) -> Cell:
    return Cell(f"{count(now)} → {count(then)}")


def _moves(one: Scenario) -> Block:
    if not one.moves:
        return Paragraph(f"{name(one.name)}: no request moves.")
    rows = [words(_model(move.now), _model(move.then), count(move.n)) for move in one.moves[:_MOVES]]
    if rest := one.moves[_MOVES:]:
        rows.append(words(wording.plural(len(rest), "other way"), "", count(sum(move.n for move in rest))))
    return Table(f"{name(one.name)}: what moves", ("From", "To", "Requests"), tuple(rows), frozenset({1}))


def _model(text: str) -> str:
    return name(text) if text else "refused"


def _chart(scenarios: Iterable[Scenario]) -> RangeChart:
    rows = tuple(
        (
            name(one.name, 40),
            (
                percent_range(one.saving, change, is_negated=True),
                percent_range(one.quality_difference, points),
            ),
        )
        for one in scenarios
    )
    alt = "For each scenario the change in cost and in quality, with intervals; " + "; ".join(
        f"{label}: cost {cost.label if cost else 'unknown'}, quality "
        f"{quality.label if quality else 'unknown'}"
        for label, (cost, quality) in rows
    )
    return RangeChart(
        "What each scenario would change",
        alt + ".",
        ("Change in cost (%)", "Change in quality (points)"),
        rows,
    )
