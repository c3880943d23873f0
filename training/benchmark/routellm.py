"""`clearway benchmark routellm`: GPT-4 against Mixtral on three benchmarks, beside the published table."""

from __future__ import annotations

from typing import Annotated

import typer


def routellm(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False
) -> None:
    """Rank prompts by who needs the strong model."""
    from training.corpora import default_answers, read_answers

    typer.echo(f"{len(read_answers(default_answers()))} graded answers, json {as_json}")
