"""What `clearway benchmark routellm` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from clearway.commands.options import people_console, print_json
from training.benchmark.answers_tables import NAMES, cell

_METRICS = ("apgr", "cpt_50", "cpt_80")


def show(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the result for programs or for people."""
    if as_json:
        print_json(result)
        return
    console = people_console()
    console.print(f"{result['strong']} against {result['weak']}")
    n = result["contaminated_answers_left_out"]
    console.print(f"left out: {n} answers to prompts that RouteLLM's authors list as contaminated")
    for row in result["rows"]:
        apart = "; ".join(f"{reason}: {n}" for reason, n in row["kept_apart"].items())
        if apart:
            console.print(
                f"{row['benchmark']}, {row['row']}: training answers left out: {apart}", soft_wrap=True
            )
    console.print(_table(result))
    console.print(
        f"published: {result['published_in']}; brackets: 95% over draws and questions", soft_wrap=True
    )


def _table(result: Mapping[str, Any]) -> Table:
    table = Table(
        "benchmark", "learned from", "draws", "test prompts", "ranked by", "APGR", "CPT(50%)", "CPT(80%)",
        box=None, pad_edge=False,
    )  # fmt: skip
    for benchmark in dict.fromkeys(row["benchmark"] for row in result["rows"]):
        for row in (row for row in result["rows"] if row["benchmark"] == benchmark):
            facts = [benchmark, row["row"], str(row["n_draws"]), str(row["n_test_prompts"])]
            for way in ("success", "neighbours", "shuffled", "oracle"):
                values = [cell(row[way][name], percent=name != "apgr") for name in _METRICS]
                table.add_row(*facts, NAMES.get(way, way), *values)
                facts = [""] * 4
        table.add_row("", "nothing", "", "", "random", "0.500", "50.0%", "80.0%")
        for row in (row for row in result["published"] if row["benchmark"] == benchmark):
            values = [f"{row['apgr']:.3f}", f"{row['cpt_50']:.1%}", f"{row['cpt_80']:.1%}"]
            table.add_row("", f"published: {row['training']}", "", "", row["router"], *values)
        table.add_section()
    return table
