"""`clearway benchmark onboarding`: a new model joins with few graded answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.commands.options import people_console, print_json

if TYPE_CHECKING:
    import pandas as pd


def onboarding(
    *,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="Graded answers, Parquet or CSV.",
            show_default="$CLEARWAY_CORPORA/routing/graded_answers.parquet",
        ),
    ] = None,
    n_answers: Annotated[
        int, typer.Option("--n-answers", min=10, help="Graded answers that a model joins with.")
    ] = 200,
    models: Annotated[int, typer.Option(min=1, help="Most models of each source that leave and join.")] = 10,
    questions: Annotated[int, typer.Option(min=100, help="Most questions of each source to use.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of every draw.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Leave models out, let each join again with few graded answers, and compare with full data.

    The share is (AUC - 0.5) with few answers over (AUC - 0.5) with all, on questions that nothing was learned
    from. Models leave in three groups, so four trainings are made.
    """
    result = _run(answers, n_answers, {"n_models": models, "seed": seed}, questions)
    if as_json:
        print_json(result)
    else:
        _print(result)


def _run(answers: Path | None, n_answers: int, plan: dict[str, int], n_questions: int) -> dict[str, Any]:
    # Imported here, because the command line reads this module to print its help.
    from training.benchmark.onboarding import benchmark
    from training.corpora import default_answers, read_answers, select_models, select_sources
    from training.learning import learn

    table = select_sources(read_answers(answers or default_answers()), ())
    table = select_models(_thinned(table, n_questions, plan["seed"]), n_answers)[0]
    return benchmark(table, lambda rows: learn(rows, seed=plan["seed"]), n_answers=n_answers, **plan)


def _thinned(table: pd.DataFrame, n_questions: int, seed: int) -> pd.DataFrame:
    """At most so many questions of each source, drawn by their key."""
    from training.corpora import parts_of

    rank = parts_of(table["prompt_key"].tolist(), seed + 1, 2**31)
    places = table.assign(rank=rank).groupby("source")["rank"].rank(method="dense")
    return table[places <= n_questions].reset_index(drop=True)


def _print(result: dict[str, Any]) -> None:
    from rich.table import Table

    console = people_console()
    table = Table(
        "source", "model", f"AUC, {result['n_answers']} answers", "AUC, all", "share of skill (95%)"
    )
    for source, facts in result["sources"].items():
        for model, row in facts["models"].items():
            table.add_row(
                source, model, f"{row['auc_few']:.3f}", f"{row['auc_full']:.3f}", _interval(row["share"])
            )
        table.add_row(source, f"all {facts['n_models']}", "", "", _interval(facts["share"]), end_section=True)
    console.print(table)
    for source, reason in result["excluded"].items():
        console.print(f"left out: {source}: {reason}", soft_wrap=True, markup=False)
    console.print(f"all sources: {_interval(result['overall'])}; target: at least {result['target']}")


def _interval(facts: dict[str, float] | None) -> str:
    return "-" if facts is None else f"{facts['value']:.3f} ({facts['low']:.3f} to {facts['high']:.3f})"
