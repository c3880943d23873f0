"""Plots of a training run: is it calibrated, and how well does it rank. Drawn where matplotlib is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

_DPI: Final = 110
_MAX_CURVES: Final = 8


def draw(metrics: Mapping[str, Any], folder: Path) -> bool:
    """Write `reliability.png` and `auc.png` into a new folder.

    Args:
        metrics: As in `metrics.json`.
        folder: Made here; its parent exists.

    Returns:
        False where matplotlib is not installed or nothing was measured: a run is a run without plots.
    """
    sources = metrics["by_source"]
    if find_spec("matplotlib") is None or not sources:
        return False
    folder.mkdir()
    _reliability(sources).savefig(folder / "reliability.png", dpi=_DPI)
    _auc(sources).savefig(folder / "auc.png", dpi=_DPI)
    return True


def _reliability(sources: Mapping[str, Any]) -> Any:
    """Observed against predicted adequacy: all held-out rows, and the largest sources."""
    from matplotlib.figure import Figure  # without pyplot: no window, no state shared with a notebook

    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    largest = sorted(sources, key=lambda source: (source != "all", -sources[source]["n_answers"]))
    for source in largest[:_MAX_CURVES]:
        bins = sources[source].get("reliability", [])
        points = [(point["predicted"], point["observed"]) for point in bins]
        if points:
            style = {"color": "black", "linewidth": 2.0} if source == "all" else {"linewidth": 1.0}
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=source, **style)
    axes.set(
        xlabel="predicted success", ylabel="adequate answers", title="Held-out questions", aspect="equal"
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")
    return figure


def _auc(sources: Mapping[str, Any]) -> Any:
    """AUC of each source with its interval, beside the constant for each model."""
    from matplotlib.figure import Figure

    known = [s for s in reversed(list(sources)) if sources[s]["model"]["auc"]["value"] is not None]
    figure = Figure(figsize=(7.0, 1.2 + 0.35 * len(known)), layout="constrained")
    axes = figure.add_subplot()
    for place, source in enumerate(known):
        ours, constant = sources[source]["model"]["auc"], sources[source]["constant"]["auc"]
        axes.plot([ours["low"], ours["high"]], [place, place], color="C0")
        axes.plot(ours["value"], place, "o", color="C0", label="model" if not place else None)
        if constant["value"] is not None:
            axes.plot(
                constant["value"], place, "|", color="C1", label=None if place else "constant per model"
            )
    axes.axvline(0.5, color="0.7", linestyle=":")
    axes.set_yticks(range(len(known)), known)
    axes.set(xlabel="AUC on held-out questions, 95% interval")
    if known:
        figure.legend(loc="outside upper right", ncols=2, fontsize="small")
    return figure
