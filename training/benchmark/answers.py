"""`clearway benchmark answers`: train on one table of graded answers, test on another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def answers(
    *,
    train: Annotated[Path, typer.Option(help="Graded answers to learn from, Parquet or CSV.")],
    test: Annotated[Path, typer.Option(help="Graded answers to measure on, Parquet or CSV.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Train on one table, test on the other."""
    from training.corpora import read_answers

    typer.echo(f"{len(read_answers(train))} and {len(read_answers(test))} graded answers, json {as_json}")
