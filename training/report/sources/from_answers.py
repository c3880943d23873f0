"""Graded answers as a source: every model's answer is known, so that all ways to route can be compared.

The router learns from the training questions, its trade-off between quality and cost is chosen on them out of
fold, and what is reported is what it then achieves on test questions that it has not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import pandas as pd

from clearway.errors import ConfigurationError, TrainingDataError
from clearway.installation import Settings
from clearway.register import load_register
from training import corpora
from training.benchmark import blocks, forecasts, sources, trial
from training.benchmark.prices import Prices, default_prices, read_prices
from training.report.gathered import Costs, Gathered, Progress
from training.report.results import RouterMetrics
from training.report.routed import COLUMNS
from training.report.sources import router_metrics
from training.report.sources.answer_reading import Read, read_answers
from training.report.sources.answer_rows import (
    MISSING_ANSWERS,
    Tested,
    codes_of,
    places_of,
    prompts_of,
    unlearned_rows,
)
from training.report.sources.answer_ways import Contest, open_contest
from training.report.sources.prompt_scan import Scan, scan_prompts
from training.report.sources.row_files import write_rows

MIN_ANSWERS: Final = 50
NO_ADEQUACY, NOT_LEARNED = "no_adequacy_rule", "models_not_learned"
_MAX_NAMED: Final = 8
AMBIGUOUS: Final = "two_models_of_one_name"
BEFORE: Final = "the best single model of each source, chosen on its training questions"


@dataclass(frozen=True)
class _Sides:
    """Both sides of the comparison, as read."""

    train: Read
    test: Read
    was_split: bool


@dataclass(frozen=True)
class _Outcome:
    """What could be compared, why the rest could not, and what was left out of learning."""

    contests: list[Contest]
    refused: dict[str, str]
    left_out: dict[str, object]


def gather(
    train: Path,
    test: Path | None,
    folder: Path,
    *,
    prices: Path | None,
    settings: Settings,
    seed: int = 0,
    sources: Sequence[str] = (),
    costs: Costs | None = None,
    is_scanned: bool = True,
    progress: Progress = lambda _what, _done, _total: None,
) -> Gathered:
    """Learn, route the test prompts, and write a row for each of them.

    Args:
        train: Graded answers to learn from, Parquet or CSV.
        test: Graded answers to measure on; one question in five of `train` when None.
        folder: Where rows are written.
        prices: CSV of prices; those under `CLEARWAY_CORPORA` when None.
        settings: Where register and sensitivity bundle lie.
        seed: Of the split, the folds, the shuffle and the bootstrap.
        sources: Sources to learn from and to test; all when empty.
        costs: What one decision is taken to cost.
        is_scanned: Whether the sensitivity detector reads the test prompts.
        progress: Told what is being done, how much of it is done, and of how much (0: not known).

    Raises:
        TrainingDataError: A table cannot be used at all, or no source can be compared.
        ConfigurationError: There are no prices, or the register does not load.
    """
    register, (path, priced) = load_register(settings.register), _prices(prices)
    costs = costs or Costs()
    sides = _read(train, test, seed, progress)
    unpriced = _unpriced(_of(sides.test.table, sources), path, priced)
    outcome = _compare(sides, priced, sources, seed, progress)
    prompts = prompts_of(_of(sides.test.table, sources))
    scan = _scan([prompt.text for prompt in prompts.values()], settings, progress) if is_scanned else Scan()
    faults = codes_of(_of(sides.test.faults, sources))
    tested = Tested(prompts, faults, scan, places_of(register), costs.router_nusd)
    unlearned = unlearned_rows(_of(sides.train.faults, sources))
    write_rows(folder, chain(tested.rows(outcome.contests, outcome.refused), unlearned), COLUMNS)
    identity = scan.identity
    return Gathered(
        kind="answers",
        origin=(test or train).name,
        before=BEFORE,
        rows=folder,
        moves=None,
        scenarios={},
        register=register.digest,
        classifiers={},
        detectors={identity.sha256: f"{identity.name} {identity.version}"} if identity else {},
        router_nusd=costs.router_nusd,
        router_basis=costs.basis,
        router_metrics=tuple(_metrics(outcome.contests, progress)),
        notes=(*_notes(sides, outcome, priced, is_scanned=is_scanned), *unpriced),
    )


def _prices(path: Path | None) -> tuple[Path, Prices]:
    chosen = path or default_prices()
    if chosen is None:
        raise ConfigurationError(
            "prices: expected what the models of the graded answers cost, got none; give --prices FILE, a "
            "CSV of model_canonical, input_usd_per_mtok, output_usd_per_mtok"
        )
    return chosen, read_prices(chosen)


def _unpriced(tested: pd.DataFrame, path: Path, priced: Prices) -> tuple[str, ...]:
    """A note on the models without a price, said before anything is learned.

    Raises:
        TrainingDataError: No source has two models with a price.
    """
    missing = sorted(set(tested["model_canonical"]) - priced.of.keys())
    if not missing:
        return ()
    more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
    told = f"{', '.join(missing[:_MAX_NAMED])}{more}"
    names = tested.assign(name=corpora.reference_models(tested))
    known = names[names["model_canonical"].isin(list(priced.of))]
    if not (known.groupby("source")["name"].nunique() >= 2).any():
        raise TrainingDataError(f"prices: {path} has no price of {told}; name yours with --prices FILE")
    return (f"Models without a price in {path.name}: {told}.",)


def _read(train: Path, test: Path | None, seed: int, progress: Progress) -> _Sides:
    """Both sides; one question in five of the one table is the test where there is no other."""
    progress("reading graded answers", 0, 0)
    known = read_answers(train)
    if test is not None:
        return _Sides(known, read_answers(test), was_split=False)
    held = corpora.held_out(known.table, seed)
    if not held.any() or held.all():
        raise TrainingDataError(
            f"{train}: expected questions enough to hold one in five out, got "
            f"{known.table['prompt_key'].nunique()}; give more of them, or --test FILE"
        )
    return _Sides(known.part(~held), known.part(held, with_lost=True), was_split=True)


def _compare(sides: _Sides, priced: Prices, chosen: Sequence[str], seed: int, progress: Progress) -> _Outcome:
    """Learn once from all sources, then compare in each."""
    arranged = trial.arrange(sides.train.table, sides.test.table, chosen, min_answers=MIN_ANSWERS)
    learned, (tested,) = forecasts.forecast_rows(
        arranged.train, [arranged.test], seed=seed, report=lambda text: progress(f"learning: {text}", 0, 0)
    )
    learned, tested = blocks.with_prices(learned, priced), blocks.with_prices(tested, priced)
    names = sorted(_of(sides.test.table, chosen)["source"].unique())
    contests: list[Contest] = []
    refused: dict[str, str] = {}
    for done, source in enumerate(names):
        progress("comparing sources", done, len(names))
        found = _contest(source, learned, tested, seed)
        if isinstance(found, Contest):
            contests.append(found)
        else:
            refused[source] = found
    if not contests:
        why = ", ".join(f"{source}: {code}" for source, code in sorted(refused.items()))
        raise TrainingDataError(
            f"test: expected a source with two priced models and enough training questions, got {why}"
        )
    return _Outcome(contests, refused, arranged.left_out)


def _contest(source: str, learned: pd.DataFrame, tested: pd.DataFrame, seed: int) -> Contest | str:
    if not corpora.rule_of(source).trains:
        return NO_ADEQUACY
    test = tested[tested["source"] == source]
    if not len(test):
        return NOT_LEARNED
    known = learned[learned["source"] == source]
    if any(part.duplicated(["prompt_id", "reference_model"]).any() for part in (known, test)):
        return AMBIGUOUS
    sides, _ = sources.with_neighbours(sources.Sides(known, test), seed)
    return open_contest(source, sides, seed=seed)


def _of(table: pd.DataFrame, chosen: Sequence[str]) -> pd.DataFrame:
    """Rows of the chosen sources; all when none was chosen."""
    return table[table["source"].isin([*chosen, ""])] if chosen else table


def _scan(texts: Sequence[str], settings: Settings, progress: Progress) -> Scan:
    bundle = settings.sensitivity if "sensitivity" in settings.named else None
    return scan_prompts(texts, bundle, progress=progress)


def _metrics(contests: Sequence[Contest], progress: Progress) -> Iterator[RouterMetrics]:
    for done, contest in enumerate(contests):
        progress("router metrics", done, len(contests))
        yield router_metrics.measure(contest)


def _notes(sides: _Sides, outcome: _Outcome, priced: Prices, *, is_scanned: bool) -> Iterator[str]:
    """What a reader must know, in sentences."""
    yield (
        "Quality is measured: the share of answers that the source's own rule counts as adequate. The router "
        "learned from training questions only; its trade-off between quality and cost was chosen on them, "
        "out of fold, for the quality of the best single model, and for 98% of it."
    )
    yield (
        "The best single model among the ways is that of the test itself, which nobody knows beforehand; "
        "before is the one that training questions name. The random mix deals the router's own shares of "
        "models by chance. Shuffled labels: the router after learning from grades dealt out anew, at the "
        "same trade-off. The zero router is the cheapest mixture of single models that keeps 98% of the best "
        "quality on training questions: compare it with the router at 98%. The oracle knows every grade."
    )
    if sides.was_split:
        yield "One question in five was held out as the test; the others were learned from."
    for contest in outcome.contests:
        yield _about(contest)
    for name, read in (("training", sides.train), ("test", sides.test)):
        codes = Counter(read.faults["code"].tolist())
        told = ", ".join(f"{n:,} {code}" for code, n in sorted(codes.items()))
        if told:
            yield f"Of {read.n_answers:,} {name} answers these could not be used: {told}."
    yield from (f"Left out: {line}." for line in trial.left_out_lines(outcome.left_out))
    if priced.repeated:
        yield f"Priced more than once, the first price counts: {', '.join(priced.repeated)}."
    if not is_scanned:
        yield "The sensitivity detector did not read the prompts: data classes and languages are not known."
    yield (
        "Graded answers pass no policy: whether a model is cleared for a prompt is not known. Terms are "
        "known where the register serves the model; there, a model counts as good enough whose predicted "
        "success is at least that of the model before."
    )


def _about(contest: Contest) -> str:
    """Which models of a source took part, at what cost, and at what trade-off."""
    n_gaps = contest.test.n_offered - len(contest.ids)
    best = contest.test.models[contest.comparison.best]
    text = (
        f"{contest.source}: {len(contest.ids):,} prompts, {len(contest.test.models)} models, "
        f"before is {best}; cost is {blocks.BASES[contest.basis]}."
    )
    if n_gaps:
        text += f" {n_gaps:,} prompts that a model did not answer are set aside ({MISSING_ANSWERS})."
    if contest.left_out:
        text += f" {len(contest.left_out)} models without a price or with gaps do not take part."
    if contest.trade_offs["routed"] is None:
        text += (
            " Training found no trade-off that keeps the quality for less: every prompt goes to that model."
        )
    return text
