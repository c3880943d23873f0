"""`clearway answers`: bring your own graded answers, and see whether they can be learned from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.commands.options import people_console, print_json
from clearway.errors import TrainingDataError
from training.cli import MIN_ANSWERS

if TYPE_CHECKING:
    from training.answer_table import Finding

_SOURCE = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")

app = typer.Typer(
    no_args_is_help=True,
    help="Graded answers of your own: check a table, or make one from RouterBench or LiteLLM spend logs.",
)


class Format(StrEnum):
    """What can be imported."""

    ROUTERBENCH = "routerbench"
    LITELLM = "litellm"


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Graded answers as in data/corpora.md: .parquet or .csv.")],
    *,
    min_answers: Annotated[
        int, typer.Option(min=2, help="Training leaves out models with fewer graded answers.")
    ] = MIN_ANSWERS,
    as_json: JsonOption = False,
) -> None:
    """Say everything that is wrong with a table of graded answers, by column and row.

    Rows are counted from 1 after the header. Nothing is mended and no prompt is shown. Exit 0: it can be
    learned from, less what is stated as left out; 1: it cannot.
    """
    from training.validation import check_file

    report = check_file(file, min_answers=min_answers)
    if as_json:
        print_json(report.as_json())
    else:
        _print_sources(report.sources)
        _print_findings(report.findings)
        people_console().print("usable" if report.is_usable else "not usable", markup=False)
    if not report.is_usable:
        raise typer.Exit(1)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Your table: .csv, .parquet or .jsonl; no pickle.")],
    *,
    file_format: Annotated[Format, typer.Option("--format", help="Whose form it has.")],
    out: Annotated[Path, typer.Option(help="New file for the tidy table, .parquet or .csv.")],
    source: Annotated[str | None, typer.Option(help="Name of the source.", show_default="the format")] = None,
    grade_column: Annotated[
        str, typer.Option(help="Column with your grade, 0 to 1 (litellm); rows without one are left out.")
    ] = "grade",
    as_json: JsonOption = False,
) -> None:
    """Make the tidy table that `clearway train --answers` and `clearway answers check` read.

    routerbench: the wide table (sample_id, prompt, eval_name, MODEL, MODEL|model_response, MODEL|total_cost).
    It is published as a pickle, which can run code when it is read and is refused: export it to Parquet where
    you trust it.

    litellm: rows of LiteLLM_SpendLogs (request_id, model, messages or proxy_server_request, prompt_tokens,
    completion_tokens, spend, startTime, endTime) with a column of grades added. The proxy stores prompts only
    with store_prompts_in_spend_logs: true. The prompt becomes the last user turn of each call.

    The new file holds prompts, so only its owner may read it. What was left out is said, by row. Exit 1:
    there are errors, and nothing was written.
    """
    from training.importers import import_file, write_tidy

    name = source or file_format.value
    if not _SOURCE.fullmatch(name):
        raise TrainingDataError(
            "--source: expected up to 64 letters, digits and ._-, first a letter or digit"
        )
    imported = import_file(file, file_format=file_format.value, source=name, grade_column=grade_column)
    if imported.is_usable:
        write_tidy(imported.table, out)
    facts = {
        "written": str(out) if imported.is_usable else None,
        "n_rows": len(imported.table) if imported.is_usable else 0,
        "n_prompts": int(imported.table["prompt_key"].nunique()) if imported.is_usable else 0,
        "n_models": int(imported.table["model"].nunique()) if imported.is_usable else 0,
    }
    if as_json:
        print_json({**facts, "findings": [finding.as_json() for finding in imported.findings]})
    else:
        _print_findings(imported.findings)
        _print_written(facts)
    if not imported.is_usable:
        raise typer.Exit(1)


def _print_written(facts: dict[str, Any]) -> None:
    console = people_console()
    if facts["written"] is None:
        console.print("nothing was written", markup=False)
        return
    console.print(
        f"{facts['n_rows']} graded answers of {facts['n_models']} models to {facts['n_prompts']} questions: "
        f"{facts['written']}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"next: clearway answers check {facts['written']}", markup=False, soft_wrap=True)


def _print_sources(sources: dict[str, dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("source", "answers", "questions", "models", "adequate from", "adequate")
    for name, facts in sources.items():
        is_graded = facts["adequate_from"] is not None
        table.add_row(
            name,
            str(facts["n_answers"]),
            str(facts["n_questions"]),
            str(facts["n_models"]),
            f"{facts['adequate_from']:g}" if is_graded else "never",
            f"{facts['share_adequate']:.1%}" if is_graded else "-",
        )
    if sources:
        people_console().print(table)


def _print_findings(findings: Sequence[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "column", "what", "rows")
    for finding in findings:
        rows = ", ".join(map(str, finding.rows))
        more = (
            f" and {finding.n_rows - len(finding.rows)} more"
            if finding.n_rows > len(finding.rows) > 0
            else ""
        )
        count = f"{finding.n_rows}" if finding.n_rows and not finding.rows else ""
        table.add_row(finding.severity, escape(finding.column), escape(finding.text), rows + more + count)
    if findings:
        people_console().print(table)
