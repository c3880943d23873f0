"""What `clearway benchmark sensitivity` prints for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from clearway.commands.options import people_console
from training.benchmark.sensitivity.shares import FEW, Share

Result = Mapping[str, Any]


def show(result: Result) -> None:
    """Print every table that was measured."""
    console = people_console()
    identity = result["detector"]
    console.print(f"detector: {identity['name']} {identity['version']}, sha256 {identity['sha256'][:16]}")
    sample = f", at most {result['sample']} of a source" if result["sample"] else ""
    console.print(
        f"{result['n_rows']:,} rows{sample}; {result['n_failed_scans']} scans failed (counted as restricted)"
    )
    console.print(f"brackets: exact 95% intervals; * fewer than {FEW} cases")
    for make in (_classes, _clean, _without_gold, _spans, _latency, _risk):
        table = make(result)
        if table is not None and table.row_count:
            console.print()
            console.print(table)
    if "memory" in result:
        facts = result["memory"]
        console.print(
            f"\nworker: {facts['rss_mb']} MB resident after {facts['n_scans']} scans, "
            f"{facts['highest_mb']} MB at most"
        )


def cell(share: Share) -> str:
    """A share with its interval and count.

    >>> cell({"hits": 9, "n": 10, "value": 0.9, "low": 0.554984, "high": 0.997471})
    '90.0% (55.5 to 99.7) of 10*'
    """
    if share["n"] == 0:
        return "-"
    mark = "*" if share["n"] < FEW else ""
    return (
        f"{share['value']:.1%} ({share['low']:.1%} to {share['high']:.1%})".replace("% to", " to").replace(
            "%)", ")"
        )
        + f" of {share['n']:,}{mark}"
    )


def _new(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)


def _classes(result: Result) -> Table:
    table = _new("data classes, by prompt", "class", "source", "recall", "precision")
    for row in result["classes"]:
        table.add_row(row["class"], row["source"], cell(row["recall"]), cell(row["precision"]))
    return table


def _clean(result: Result) -> Table:
    return _pins("prompts without a data class: pinned all the same", result["clean"])


def _without_gold(result: Result) -> Table:
    return _pins("prompts whose classes nobody said: pinned (no error rate)", result["without_gold"])


def _pins(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = _new(title, "source", "pinned", "by a note only", "classes")
    for row in rows:
        said = ", ".join(f"{name} {n}" for name, n in row["classes"].items())
        table.add_row(row["source"], cell(row["pinned"]), str(row["by_note_only"]), said)
    return table


def _spans(result: Result) -> Table:
    table = _new("entities, by span", "entity", "source", "recall", "precision")
    for row in sorted(result["spans"], key=lambda row: row["entity"]):
        table.add_row(row["entity"], row["source"], cell(row["recall"]), cell(row["precision"]))
    table.caption = result["span_rule"]
    return table


def _latency(result: Result) -> Table:
    table = _new(
        "milliseconds of a scan, one thread",
        "characters",
        "texts",
        "p50 / p99",
        "stock p50 / p99",
        "of stock",
    )
    for row in result.get("latency", ()):
        ours, stock = (
            f"{row[f'{who}_p50_ms']:.2f} / {row[f'{who}_p99_ms']:.2f}" for who in ("ours", "stock")
        )
        ratio = f"1/{1 / row['ratio_p50']:.1f}" if row["ratio_p50"] < 1 else f"{row['ratio_p50']:.1f}"
        table.add_row(f"{row['n_characters']:,}", str(row["n"]), ours, stock, ratio)
    return table


def _risk(result: Result) -> Table:
    table = _new(
        "residual risk: expected leaks in a million requests",
        "class",
        "prevalence",
        "expected",
        "at most",
        "n",
    )
    for row in result["risk"]:
        leaks = (f"{row['leaks_per_million']:,}", f"{row['at_most']:,}")
        table.add_row(row["class"], f"{row['prevalence']:g}", *leaks, str(row["n"]))
    return table
