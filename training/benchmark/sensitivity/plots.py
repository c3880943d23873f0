"""Plots of `clearway benchmark sensitivity`: recall, false pins, evasions, latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.benchmark.plotting import new_figure, save
from training.benchmark.sensitivity.shares import Share

Result = Mapping[str, Any]


def plot(result: Result, folder: Path) -> list[Path]:
    """One plot for each table that a picture helps to read.

    Args:
        result: What `--json` prints.
        folder: Exists.

    Returns:
        The files.
    """
    recalls = {row["class"]: row["recall"] for row in result["classes"] if row["source"] == "all"}
    false_pins = {row["source"]: row["pinned"] for row in result["clean"]}
    tricks = {row["trick"]: row["caught"] for row in result["evasions"]["tricks"]}
    written = [
        _bars("recall of each data class", recalls, folder / "recall.png"),
        _bars("prompts without a data class: share pinned", false_pins, folder / "false-pins.png"),
        _bars("disguised values: share caught", tricks, folder / "evasions.png"),
    ]
    if "latency" in result:
        written.append(_latency(result["latency"], folder / "latency.png"))
    return written


def _bars(title: str, shares: Mapping[str, Share], path: Path) -> Path:
    """Shares with their intervals, one a line, the first on top."""
    known = {name: share for name, share in shares.items() if share["n"]}
    figure, axes = new_figure()
    figure.set_figheight(1.5 + 0.2 * len(known))
    values = [share["value"] for share in known.values()]
    below = [share["value"] - share["low"] for share in known.values()]
    above = [share["high"] - share["value"] for share in known.values()]
    lines = range(len(known))
    axes.errorbar(values, lines, xerr=[below, above], fmt="o", markersize=4, capsize=2)
    axes.set_yticks(list(lines), list(known))
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.set(title=title, xlim=(-0.02, 1.02), xlabel="share, with its exact 95% interval")
    return save(figure, path)


def _latency(rows: Sequence[Mapping[str, Any]], path: Path) -> Path:
    figure, axes = new_figure()
    sizes = [row["n_characters"] for row in rows]
    for who, label in (("ours", "Clearway"), ("stock", "stock Presidio")):
        axes.plot(sizes, [row[f"{who}_p50_ms"] for row in rows], "o-", label=f"{label}, median")
        axes.plot(sizes, [row[f"{who}_p99_ms"] for row in rows], "x", label=f"{label}, 99th percentile")
    axes.set(title="time of a scan", xlabel="characters", ylabel="ms", xscale="log", yscale="log")
    axes.legend()
    return save(figure, path)
