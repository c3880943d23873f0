"""`make demo`: route real prompts, then show models, spend, classes, refusals and time.

The prompts are those of the corpora where `CLEARWAY_CORPORA` points to them (MT-Bench, MMLU, the
sensitive-text sets), else the samples of this repository. Every decision goes on the installation's ledger.
With `--outcomes` they are those of all corpora, sent by all callers, and what is known of the answers is
reported: a ledger to make a report of.
"""

from __future__ import annotations

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from clearway.callers import Callers
from clearway.commands.options import HomeOption, people_console, settings
from clearway.commands.requests import local_request
from clearway.explanation import format_usd
from clearway.installation import data_folder, open_router
from clearway.router import Router
from training.demo_outcomes import Outcomes

ANSWER_SOURCES: Final = ("routellm_mt_bench", "routellm_mmlu")
SENSITIVE_FILES: Final = (
    "presidio_synth_v2",
    "presidio_generated_large",
    "secrets_gitleaks",
    "emails_bipia_unannotated",
)
_PERCENTILES: Final = (50, 99)
_Item = TypeVar("_Item")


class Prompt(NamedTuple):
    """A request line, where it comes from, and its question's key in the graded answers."""

    source: str
    line: dict[str, Any]
    key: str = ""


@dataclass
class Tally:
    """What came of the requests of one source; money is compared only where the incumbent was cleared too."""

    n: int = 0
    routed: int = 0
    spent_nusd: int = 0
    compared_nusd: int = 0
    incumbent_nusd: int = 0
    incumbent_not_cleared: int = 0
    below_floor: int = 0
    pinned: int = 0
    models: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, record: Mapping[str, Any], seconds: float) -> None:
        """Count one decision."""
        self.n += 1
        self.seconds.append(seconds)
        self.classes.update(record["classification"]["flagged"])
        self.pinned += record["classification"]["level"] not in ("public", "internal")
        if record["verdict"] != "route":
            codes = {code for item in record["excluded"] for code in item["codes"]}
            self.refusals.update(code.removeprefix("forbidden:") for code in codes)
            return
        self.routed += 1
        self.models[record["model"]] += 1
        self.below_floor += not record["floor_met"]
        self.spent_nusd += record["cost"]["expected_nusd"]
        cost = record["cost"]
        incumbent = next(c for c in record["candidates"] if c["model"] == cost["incumbent"])
        if incumbent["codes"]:
            self.incumbent_not_cleared += 1
        else:
            self.compared_nusd += cost["expected_nusd"]
            self.incumbent_nusd += cost["incumbent_nusd"]

    @property
    def n_compared(self) -> int:
        """Routed requests for which the incumbent was cleared too."""
        return self.routed - self.incumbent_not_cleared

    def as_json(self) -> dict[str, Any]:
        """Totals and counts."""
        return {
            "requests": self.n,
            "routed": self.routed,
            "below_floor": self.below_floor,
            "confidential_or_restricted": self.pinned,
            "expected_nusd": self.spent_nusd,
            "compared_nusd": self.compared_nusd,
            "incumbent_nusd": self.incumbent_nusd,
            "incumbent_not_cleared": self.incumbent_not_cleared,
            "models": dict(self.models.most_common()),
            "classes": dict(self.classes.most_common()),
            "refusals": dict(self.refusals.most_common()),
            **{f"p{p}_ms": round(percentile(self.seconds, p) * 1_000, 1) for p in _PERCENTILES},
        }


def percentile(values: list[float], percent: int) -> float:
    """Value below which `percent` of the values lie; nearest rank, 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def corpus_prompts(
    corpora: Path, n: int, sources: Sequence[str] | None, files: Sequence[str]
) -> Iterator[Prompt]:
    """Up to `n` prompts of each source, spread evenly over it.

    Args:
        corpora: Folder of the corpora.
        n: At least 1.
        sources: Of graded answers; all of them when None.
        files: Names of sensitive-text sets.
    """
    import pandas as pd

    columns = ["source", "prompt_id", "prompt_key", "prompt"]
    answers = pd.read_parquet(corpora / "routing" / "graded_answers.parquet", columns=columns)
    for source in sorted(answers["source"].unique()) if sources is None else sources:
        table = answers[answers["source"] == source].drop_duplicates("prompt_id")
        prompts = list(zip(table["prompt"], table["prompt_key"], strict=True))
        yield from (Prompt(source, _line(text), key) for text, key in _spread(prompts, n))
    for name in files:
        with gzip.open(corpora / "pii" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            texts = [json.loads(row)["text"] for row in file]
        yield from (Prompt(name, _line(text)) for text in _spread(texts, n))


def text_sets(corpora: Path) -> list[str]:
    """Names of all sensitive-text sets."""
    return sorted(path.name.removesuffix(".jsonl.gz") for path in (corpora / "pii").glob("*.jsonl.gz"))


def varied(prompts: Iterable[Prompt], callers: Callers, seed: int) -> list[Prompt]:
    """The prompts in another order, each sent by one of the registered callers for one of its purposes."""
    pairs = [(caller.id, purpose) for caller in callers.callers.values() for purpose in caller.purposes]
    random, found = np.random.default_rng(seed), list(prompts)
    order, dealt = random.permutation(len(found)), random.integers(len(pairs), size=len(found))
    sent = []
    for place, pair in zip(order.tolist(), dealt.tolist(), strict=True):
        caller, purpose = pairs[pair]
        prompt = found[place]
        sent.append(prompt._replace(line={**prompt.line, "caller": caller, "purpose": purpose}))
    return sent


def sample_prompts() -> Iterator[Prompt]:
    """The samples of this repository, by kind."""
    import csv

    folder = data_folder() / "samples"
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["id"]: row["kind"] for row in csv.DictReader(file)}
    for row in (folder / "requests.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(row)
        yield Prompt(kinds[line["id"]], line)


def demo(
    *,
    home: HomeOption = None,
    n: Annotated[int, typer.Option("-n", "--n", min=1, help="Prompts of each corpus.")] = 100,
    samples: Annotated[
        bool, typer.Option("--samples", help="Route data/samples even where corpora are.")
    ] = False,
    outcomes: Annotated[
        bool,
        typer.Option("--outcomes", help="All corpora, all callers; report what is known of the answers."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Who sends what, and which calls fail first.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Route real prompts and show what came of it.

    The decisions go on the ledger of CLEARWAY_HOME (or --home), and the prompts beside it, for replay.
    """
    corpora = None if samples else os.environ.get("CLEARWAY_CORPORA")
    if outcomes and corpora is None:
        raise typer.BadParameter(
            "--outcomes: expected CLEARWAY_CORPORA and not --samples; see data/corpora.md"
        )
    console, progress_console = people_console(), Console(stderr=True)
    chosen = settings(home)
    with progress_console.status("loading register, policy and classifiers"):
        router = open_router(chosen)
        prompts = _prompts(Path(corpora) if corpora else None, n, router, seed, is_all=outcomes)
        reports = _outcomes(Path(corpora), router, seed) if corpora and outcomes else None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    numbered = [p._replace(line={**p.line, "id": f"demo-{stamp}-{i:05}"}) for i, p in enumerate(prompts)]
    kept = _keep(chosen.home / "demo" / f"{stamp}.jsonl", [prompt.line for prompt in numbered])
    tallies = _route(router, numbered, reports, progress_console)
    if as_json:
        console.print_json(data={name: tally.as_json() for name, tally in tallies.items()})
        return
    _show(console, tallies)
    if reports is not None:
        console.print(f"\n{reports.n_calls} calls reported, of {reports.n_decisions} decisions.")
    console.print(
        f"\nCheck it:  clearway ledger verify;  clearway replay --all --requests {kept}", soft_wrap=True
    )


def _prompts(corpora: Path | None, n: int, router: Router, seed: int, *, is_all: bool) -> list[Prompt]:
    if corpora is None:
        return list(sample_prompts())
    if not is_all:
        return list(corpus_prompts(corpora, n, ANSWER_SOURCES, SENSITIVE_FILES))
    return varied(corpus_prompts(corpora, n, None, text_sets(corpora)), router.policy.callers, seed)


def _outcomes(corpora: Path, router: Router, seed: int) -> Outcomes:
    return Outcomes(corpora / "routing" / "graded_answers.parquet", router.register, router.ledger, seed)


def _route(
    router: Router, prompts: list[Prompt], reports: Outcomes | None, console: Console
) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("routing", total=len(prompts))
        for source, line, key in prompts:
            request = local_request(router, line)
            started = time.perf_counter()
            decision = router.decide(request)
            seconds = time.perf_counter() - started
            for name in (source, "all"):
                tallies.setdefault(name, Tally()).add(decision.record, seconds)
            if reports is not None:
                reports.report(decision.record, key, datetime.now(UTC))
            progress.update(task, advance=1, description=source)
    return tallies


def _show(console: Console, tallies: dict[str, Tally]) -> None:
    everything = tallies.pop("all")
    console.print(_sources_table({**tallies, "all": everything}))
    console.print(_counts_table("models chosen", everything.models, everything.n))
    console.print(_counts_table("data classes found", everything.classes, everything.n))
    console.print(_counts_table("refused, models left out for", everything.refusals, everything.n))
    saved = 1 - everything.compared_nusd / everything.incumbent_nusd if everything.incumbent_nusd else 0
    compared, incumbent = format_usd(everything.compared_nusd), format_usd(everything.incumbent_nusd)
    console.print(
        f"Where the incumbent is cleared too ({everything.n_compared} requests): "
        f"expected spend {compared} against {incumbent}, {saved:.0%} less, by estimated lengths and register "
        "prices at each purpose's quality floor. Quality is estimated too, some models of the shipped "
        "register are withdrawn, and prices of your own machines are examples: a demonstration, no forecast. "
        f"For {everything.incumbent_not_cleared} more the incumbent was not cleared at all. "
        f"{everything.below_floor} decisions are below the floor and say so.",
        soft_wrap=True,
    )


def _sources_table(tallies: Mapping[str, Tally]) -> Table:
    headers = ("source", "requests", "routed", "pinned*", "spend", "incumbent", "p50 ms", "p99 ms")
    table = Table(*headers, caption="* confidential or restricted", box=None, pad_edge=False)
    for name, tally in tallies.items():
        times = [f"{percentile(tally.seconds, p) * 1_000:.1f}" for p in _PERCENTILES]
        money = (format_usd(tally.compared_nusd), format_usd(tally.incumbent_nusd))
        table.add_row(name, str(tally.n), str(tally.routed), str(tally.pinned), *money, *times)
    return table


def _counts_table(title: str, counts: Counter[str], total: int) -> Table:
    table = Table(title, "requests", "share", box=None, pad_edge=False, title_justify="left")
    for name, count in counts.most_common():
        table.add_row(name, str(count), f"{count / total:.1%}")
    if not counts:
        table.add_row("none", "0", "0.0%")
    return table


def _line(text: str) -> dict[str, Any]:
    return {"request": {"messages": [{"role": "user", "content": text}]}}


def _spread(items: list[_Item], n: int) -> list[_Item]:
    step = max(1, len(items) // n)
    return items[::step][:n]


def _keep(path: Path, lines: list[dict[str, Any]]) -> Path:
    """The demo's own requests, so that `clearway replay --requests` can assess them again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    path.chmod(0o600)
    return path


if __name__ == "__main__":
    typer.run(demo)
