"""The command `clearway benchmark sensitivity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clearway.errors import TrainingDataError


def sensitivity(
    *,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            help="Rows with gold spans, .jsonl or .jsonl.gz; may be given several times.",
            show_default="every file in $CLEARWAY_CORPORA/pii",
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            help="CSV with doc_id and gold classes (a|b).", show_default="classes.csv beside a corpus"
        ),
    ] = None,
    prevalence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=SHARE",
            help="Share of your requests that hold a class, for the leaks per million.",
            show_default="1: leaks per million requests that hold it",
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Most rows of each source, and cases of each table.")
    ] = None,
    no_timing: Annotated[
        bool, typer.Option("--no-timing", help="Skip latency beside stock Presidio, and memory.")
    ] = False,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Recall, precision and false pins of the sensitivity detector, what fools it, what leaks, what it costs.

    By entity (spans) and by data class (prompts), with exact 95% intervals; sources with fewer than 30 rows
    are marked. Nothing printed quotes a prompt.
    """
    from clearway.commands.options import print_json
    from training.benchmark import plotting
    from training.benchmark.sensitivity import tables
    from training.benchmark.sensitivity.plots import plot

    shares = dict(_share(given) for given in prevalence or ())
    if plots:
        plotting.check(plots)
    result = _run(
        list(corpus or ()),
        classes,
        {"prevalence": shares, "sample": sample, "is_timed": not no_timing, "seed": seed},
    )
    if plots:
        plot(result, plots)
    if as_json:
        print_json(result)
    else:
        tables.show(result)


def _run(corpus: list[Path], classes: Path | None, settings: dict[str, Any]) -> dict[str, Any]:
    # Imported here, because the command line reads this module to print its help.
    from rich.console import Console

    from clearway import installation
    from training.benchmark.sensitivity.corpus import default_corpora, read_corpora
    from training.benchmark.sensitivity.report import Plan, measure

    plan = Plan(**settings)
    with Console(stderr=True).status("reading corpora") as status:
        paths = corpus or default_corpora()
        detector = installation.open_detector()
        rows = read_corpora(paths, classes, detector.class_levels)
        return measure(detector, rows, plan, status.update)


def _share(given: str) -> tuple[str, float]:
    name, _, value = given.partition("=")
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise TrainingDataError(f"prevalence: {name}: expected CLASS=SHARE with a share from 0 to 1")
    return name, share
