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
    for line in _preface(result):
        console.print(line, soft_wrap=True)
    for make in (
        _classes, _pairs, _kinds, _clean, _without_gold, _sessions, _evasions, _languages, _spans, _latency,
        _risk,
    ):  # fmt: skip
        table = make(result)
        if table.row_count:
            console.print()
            console.print(table)
    if "memory" in result:
        facts = result["memory"]
        console.print(
            f"\nworker: {facts['rss_mb']} MB resident after {facts['n_scans']} scans, "
            f"{facts['highest_mb']} MB at most"
        )


def _preface(result: Result) -> list[str]:
    sample = f", at most {result['sample']} of a source" if result["sample"] else ""
    rows = f"{result['n_rows']:,} rows of corpora{sample}, without {result['n_learned_from']:,} learned from"
    return [
        f"{rows}; {result['n_generated']:,} generated from {result['n_templates']} test templates",
        f"{result['n_failed_scans']} scans failed (counted as restricted)",
        f"brackets: exact 95% intervals, as if cases were independent; * fewer than {FEW} cases",
    ]


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
    return Table(
        *columns, title=title, title_justify="left", caption_justify="left", box=None, pad_edge=False
    )


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
    table = _new(title, "source", "pinned", "by a note only", "classes and notes")
    for row in rows:
        said = ", ".join(f"{name} {n}" for name, n in {**row["classes"], **row["notes"]}.items())
        table.add_row(row["source"], cell(row["pinned"]), str(row["by_note_only"]), said)
    return table


def _spans(result: Result) -> Table:
    table = _new("entities, by span", "entity", "source", "recall", "precision")
    for row in sorted(result["spans"], key=lambda row: row["entity"]):
        table.add_row(row["entity"], row["source"], cell(row["recall"]), cell(row["precision"]))
    scored: dict[str, list[str]] = {}
    for label, entity in result["labels"]["scored_as"].items():
        scored.setdefault(entity, []).append(label)
    mapped = "; ".join(f"{', '.join(labels)} as {entity}" for entity, labels in scored.items())
    table.caption = f"{result['span_rule']}. Scored: {mapped}"
    return table


def _pairs(result: Result) -> Table:
    table = _new(
        "minimal pairs: a value, and a harmless stand-in in the same text",
        "class", "recall of the one half", "false pins on the other", "by a note only", "both right",
    )  # fmt: skip
    for row in result["pairs"]:
        wrong = (cell(row["false_pin"]), str(row["by_note_only"]))
        table.add_row(row["class"], cell(row["recall"]), *wrong, cell(row["both_right"]))
    return table


def _kinds(result: Result) -> Table:
    table = _new(
        "generated prompts, by kind",
        "kind",
        "all classes found",
        "pinned or a class too many",
        "by a note only",
    )
    for row in result["kinds"]:
        table.add_row(row["kind"], cell(row["all_classes"]), cell(row["false_pin"]), str(row["by_note_only"]))
    return table


def _sessions(result: Result) -> Table:
    table = _new("conversations pinned at any turn", "conversations", "sensitive", "pinned", "by a note only")
    for row in result["sessions"]:
        sensitive = "yes" if row["is_sensitive"] else "no"
        table.add_row(row["source"], sensitive, cell(row["pinned"]), str(row["by_note_only"]))
    return table


def _evasions(result: Result) -> Table:
    facts = result["evasions"]
    entities = list(facts["tricks"][0]["by_entity"]) if facts["tricks"] else []
    table = _new("disguised values: caught", "trick", "caught", *entities)
    for row in facts["tricks"]:
        counts = [f"{one['hits']}/{one['n']}" if one["n"] else "-" for one in row["by_entity"].values()]
        table.add_row(row["trick"], cell(row["caught"]), *counts)
    table.add_row("all tricks", cell(facts["overall"]))
    return table


def _languages(result: Result) -> Table:
    table = _new(
        "languages: values in a sentence, and sentences without one",
        "language", "found", "card", "IBAN", "e-mail", "noted as unsupported", "flagged without a value",
    )  # fmt: skip
    for row in result["languages"]:
        counts = [f"{one['hits']}/{one['n']}" for one in row["by_value"].values()]
        plain = [f"{row[name]['hits']}/{row[name]['n']}" for name in ("noted", "flagged")]
        table.add_row(row["language"], cell(row["recall"]), *counts, *plain)
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
    if "turn" in result:
        facts = result["turn"]
        table.caption = (
            f"turn {facts['n_turns']} of a conversation of {facts['n_characters']:,} characters: "
            f"{facts['next_p50_ms']:.2f} ms after the turns before it, {facts['cold_p50_ms']:.2f} ms at once"
        )
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
