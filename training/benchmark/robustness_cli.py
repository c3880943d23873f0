"""`clearway benchmark robustness`: which choices flip when a prompt is only typed otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.commands.options import BundleOption, people_console, print_json
from clearway.errors import TrainingDataError

if TYPE_CHECKING:
    import pandas as pd

    from clearway.installation import Settings
    from training.benchmark.operating_point import Predictor

PURPOSE = "general"


def robustness(
    *,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="Graded answers, Parquet or CSV.",
            show_default="$CLEARWAY_CORPORA/routing/graded_answers.parquet",
        ),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            help="CSV with model_canonical, input_usd_per_mtok, output_usd_per_mtok.",
            show_default="prices.csv beside the answers; without one, only the floor",
        ),
    ] = None,
    bundle: BundleOption = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="Learn from the answers anew instead of taking a bundle.")
    ] = False,
    sample: Annotated[int, typer.Option(min=20, help="Most held-out questions of each source.")] = 300,
    seed: Annotated[
        int,
        typer.Option(min=0, help="Of the split (a bundle's own: its metrics.json), the draws, the changes."),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Share of choices that stay the same under typos, case, blanks, politeness, and claims to be easy.

    Held-out questions of every source are changed in twelve ways, and the choice is made again at three
    operating points: what costs least at the quality of the best single model (equal), at 98% of it
    (at_98), and the floor of the purpose general. Beside each stands the share of the commonest choice:
    where it is 100%, nothing could flip.
    """
    result = _run(answers, prices, bundle, {"learn": learn, "sample": sample, "seed": seed})
    if as_json:
        print_json(result)
    elif result["sources"]:
        _print(result)
    if not result["sources"]:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(result["excluded"].items()))
        raise TrainingDataError(f"answers: expected a source to measure, got none: {reasons}")


def _run(
    answers: Path | None, prices: Path | None, bundle: Path | None, plan: dict[str, Any]
) -> dict[str, Any]:
    # Imported here, because the command line reads this module to print its help.
    from datetime import UTC, datetime

    from clearway.installation import Settings
    from clearway.objectives import load_objectives
    from clearway.register import load_register
    from training.benchmark.operating_point import floor_choice
    from training.benchmark.prices import Prices, read_prices
    from training.benchmark.robustness import benchmark
    from training.corpora import default_answers, read_answers, select_sources

    settings = Settings.of(bundle=bundle)
    path = answers or default_answers()
    beside = path.with_name("prices.csv")
    prices = prices or (beside if beside.is_file() else None)
    table = select_sources(read_answers(path), ())
    predictor, identity = _predictor(table, settings, plan)
    purposes = load_objectives(settings.policy / "objectives.yaml").purposes
    floor = None
    if PURPOSE in purposes:
        at, least = datetime.now(UTC), purposes[PURPOSE].quality_floor_ppm
        floor = floor_choice(load_register(settings.register), predictor.models, least, at)
    return {
        "predictor": identity,
        **benchmark(
            table,
            predictor,
            read_prices(prices) if prices else Prices({}),
            floor,
            seed=plan["seed"],
            n_sample=plan["sample"],
        ),
    }


def _predictor(table: pd.DataFrame, settings: Settings, plan: dict[str, Any]) -> tuple[Predictor, str]:
    from clearway.bundle import load_bundle
    from clearway.complexity import OnnxComplexityModel
    from training.benchmark.operating_point import BundlePredictor, LearnedPredictor
    from training.benchmark.robustness import N_PARTS, TUNING
    from training.corpora import parts_of, select_models
    from training.learning import learn

    if not plan["learn"]:
        model = OnnxComplexityModel(load_bundle(settings.bundle, trusted=None))
        return BundlePredictor(model), f"bundle {model.identity.sha256}"
    known = table[parts_of(table["prompt_key"].tolist(), plan["seed"], N_PARTS) > TUNING]
    learned = learn(select_models(known, 200)[0], seed=plan["seed"])
    return LearnedPredictor(learned), f"learned from {len(known)} graded answers"


def _print(result: dict[str, Any]) -> None:
    from rich.table import Table

    console = people_console()
    console.print(result["predictor"], highlight=False)
    table = Table("source", "point", "questions", "commonest choice", "unchanged (95%)", "worst change")
    for source, points in result["sources"].items():
        for point, facts in points.items():
            worst = min(facts["perturbations"], key=lambda kind: facts["perturbations"][kind]["value"])
            table.add_row(
                source,
                point,
                str(facts["n_prompts"]),
                f"{facts['commonest_choice']:.0%}",
                _interval(facts["unchanged"]),
                f"{worst} {facts['perturbations'][worst]['value']:.3f}",
            )
    console.print(table)
    for point, facts in result["overall"].items():
        changes = Table(
            "change", "unchanged, mean of sources (95%)", title=f"At the operating point: {point}"
        )
        for kind, interval in facts["perturbations"].items():
            changes.add_row(kind, _interval(interval))
        changes.add_row("all", _interval(facts["unchanged"]))
        console.print(changes)
    for name, reason in result["excluded"].items():
        console.print(f"left out: {name}: {reason}", soft_wrap=True, markup=False)
    console.print(f"target: at least {result['target']:.0%} unchanged", markup=False)


def _interval(facts: dict[str, float]) -> str:
    return f"{facts['value']:.3f} ({facts['low']:.3f} to {facts['high']:.3f})"
