"""Plots of a benchmark: cost against quality, and reliability. matplotlib is imported only here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clearway.errors import ConfigurationError

_LINES = {
    "success": ("routed by the classifier", "-"),
    "neighbours": ("routed by kNN", "--"),
    "shuffled": ("routed by shuffled labels", ":"),
}


def check(folder: Path) -> None:
    """Make the folder.

    Raises:
        ConfigurationError: matplotlib is not installed, or a file stands where the folder should be.
    """
    if find_spec("matplotlib") is None:
        raise ConfigurationError("--plots: expected matplotlib, got none; pip install matplotlib")
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder}: expected a folder for plots, got a file")
    folder.mkdir(parents=True, exist_ok=True)


def plot_sources(sources: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Path]:
    """Two plots for each source: its reliability and, where savings were measured, its curve.

    Args:
        sources: `sources` of what `benchmark answers --json` prints.
        folder: Exists.

    Returns:
        The files.
    """
    written = []
    for name, facts in sources.items():
        safe = re.sub(r"[^\w.-]+", "_", name)
        written.append(_plot_reliability(name, facts["reliability"], folder / f"{safe}-reliability.png"))
        for comparison in facts["savings"].get("by", []):
            path = folder / f"{safe}-cost-{comparison['quality']}.png"
            written.append(_plot_curve(name, comparison, path))
    return written


def _plot_reliability(name: str, bins: Mapping[str, list[float]], path: Path) -> Path:
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.scatter(
        bins["predicted"],
        bins["observed"],
        s=[10 + 90 * n / max(bins["n_answers"]) for n in bins["n_answers"]],
    )
    axes.set(
        title=f"{name}: reliability",
        xlabel="predicted success",
        ylabel="share adequate",
        xlim=(0, 1),
        ylim=(0, 1),
    )
    return save(figure, path)


def _plot_curve(name: str, comparison: Mapping[str, Any], path: Path) -> Path:
    figure, axes = new_figure()
    curves = comparison["curves"]
    for key, (label, style) in _LINES.items():
        if key in curves:
            axes.plot(curves[key]["cost_usd"], curves[key]["quality"], style, label=label)
    singles = curves["single_models"]
    axes.scatter(singles["cost_usd"], singles["quality"], s=14, color="black", label="single models")
    axes.plot(*_zero_router(singles), color="grey", label="zero-router")
    axes.set(
        title=f"{name}: cost against quality",
        xlabel="US dollars a prompt",
        ylabel=f"mean {comparison['quality']}",
        xscale="log",
    )
    axes.tick_params(axis="x", which="minor", labelbottom=False)
    axes.legend()
    return save(figure, path)


def _zero_router(singles: Mapping[str, list[float]]) -> tuple[Any, Any]:
    """Costs and qualities along the hull; many, as mixtures are no straight lines on a logarithmic axis."""
    import numpy as np

    from training.benchmark.curves import hull

    x, y = hull(np.array(singles["cost_usd"]), np.array(singles["quality"]))
    steps = np.geomspace(max(x[0], 1e-12), max(x[-1], 1e-12), 200)
    return steps, np.interp(steps, x, y)


def new_figure() -> tuple[Any, Any]:
    """A figure that needs no display, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def save(figure: Any, path: Path) -> Path:
    """Write the figure; equal figures give equal bytes."""
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return path


def plot_pairs(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Share of the gap recovered over share of strong calls, a plot for each row of `benchmark routellm`."""
    written = []
    for row in rows:
        figure, axes = new_figure()
        axes.plot([0, 1], [0, 1], color="grey", label="random")
        axes.plot(row["curve"]["share"], row["curve"]["recovered"], label="classifier, first draw")
        title = f"{row['benchmark']}: {row['row']}"
        axes.set(title=title, xlabel="share of strong calls", ylabel="share of the gap recovered")
        axes.legend()
        safe = re.sub(r"[^\w.-]+", "_", title)
        written.append(save(figure, folder / f"{safe}.png"))
    return written
