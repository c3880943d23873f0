"""`clearway train`: graded answers in, a bundle out."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from training import DEFAULT_NAME

if TYPE_CHECKING:
    from training.pipeline import Trained

# Few for a model by itself; it shares its skills with the others.
MIN_ANSWERS: Final = 50
OutOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the new bundle; must not exist.", show_default="CLEARWAY_HOME/bundles/NAME-1, -2, ..."
    ),
]
NoMlflowOption = Annotated[bool, typer.Option("--no-mlflow", help="Do not keep the run in MLflow.")]


def train(
    *,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="Graded answers, Parquet or CSV, in the form of data/corpora.md.",
            show_default="$CLEARWAY_CORPORA/routing/graded_answers.parquet",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Learn from this source only; may be given several times.", show_default="all that may train"
        ),
    ] = None,
    out: OutOption = None,
    name: Annotated[str, typer.Option(help="Name of the classifier.")] = DEFAULT_NAME,
    min_answers: Annotated[
        int, typer.Option(min=2, help="Leave out models with fewer graded answers.")
    ] = MIN_ANSWERS,
    seed: Annotated[int, typer.Option(min=0, help="Of the split and the bootstrap.")] = 0,
    no_mlflow: NoMlflowOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Train the complexity model, measure it on held-out questions, and write it as a bundle.

    The bundle decides nothing until it is promoted:
    clearway classifier promote DIR --approver NAME --reason WHY
    """
    trained = _run(
        answers,
        out,
        {"sources": tuple(source or ()), "name": name, "min_answers": min_answers, "seed": seed},
        keep_run=not no_mlflow,
    )
    if as_json:
        typer.echo(json.dumps(result_json(trained), sort_keys=True))
    else:
        _print(trained)


def _run(answers: Path | None, out: Path | None, settings: dict[str, Any], *, keep_run: bool) -> Trained:
    # Imported here, because the command line reads this module to print its help.
    from rich.console import Console

    from training.corpora import default_answers, read_answers
    from training.pipeline import Plan, train_classifier
    from training.tracking import MlflowTracker, default_home

    home = default_home()
    plan = Plan(out=out or next_folder(home / "bundles", settings["name"]), **settings)
    tracker = MlflowTracker(home) if keep_run else None
    with Console(stderr=True).status("reading graded answers") as status:
        table = read_answers(answers or default_answers())
        return train_classifier(table, plan, tracker=tracker, report=status.update)


def result_json(trained: Trained) -> dict[str, Any]:
    """What `--json` prints."""
    entry = trained.mlflow
    return {
        "bundle": str(trained.folder),
        "sha256": trained.sha256,
        "reference_models": list(trained.models),
        "excluded": dict(trained.excluded),
        "mlflow": entry and asdict(entry),
        "metrics": trained.metrics["by_source"],
    }


def next_folder(parent: Path, name: str) -> Path:
    """First free `name-1`, `name-2`, ..."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def _print(trained: Trained) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("source", "answers", "AUC", "log loss", "constant's log loss", title="Held-out questions")
    for source, facts in trained.metrics["by_source"].items():
        row = [facts["model"]["auc"], facts["model"]["log_loss"], facts["constant"]["log_loss"]]
        table.add_row(source, str(facts["n_answers"]), *(_rounded(metric["value"]) for metric in row))
    console = Console()
    console.print(table)
    for model, reason in trained.excluded.items():
        console.print(f"left out: {model}: {reason}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"bundle: {trained.folder}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"digest: {trained.sha256}", soft_wrap=True, markup=False, highlight=False)


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
