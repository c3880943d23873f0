"""`clearway benchmark answers`: train on one table of graded answers, test on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

    from training.benchmark.prices import Prices

PREDICTION_COLUMNS = ("source", "prompt_id", "model", "success", "expected_output_tokens")


def answers(
    *,
    train: Annotated[
        Path, typer.Option(help="Graded answers to learn from, Parquet or CSV (data/corpora.md).")
    ],
    test: Annotated[Path, typer.Option(help="Graded answers to measure on, in the same form.")],
    prices: Annotated[
        Path | None,
        typer.Option(
            help="CSV: model_canonical, input_usd_per_mtok, output_usd_per_mtok.",
            show_default="$CLEARWAY_CORPORA/routing/prices.csv, else no savings",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="Learn from and test this source only; may be given several times.",
            show_default="all whose score says whether an answer is adequate",
        ),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help=f"New Parquet file to write: {', '.join(PREDICTION_COLUMNS)}.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots, one of each kind a source.")] = None,
    min_answers: Annotated[
        int, typer.Option(min=2, help="Leave out models with fewer graded answers to learn from.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the folds, the shuffle and the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Train on one table of graded answers, test on the other, by source and beside baselines.

    Questions are told apart by prompt_key: training answers to a question of the test are not learned from,
    and their number is said. Intervals are 95%, by a bootstrap over questions.

    Savings are against the best single model of the source. The trade-off between success and cost is chosen
    on training questions, out of fold; the quality that it achieves on the test stands beside the saving.
    What the test's own curve would allow is a column of its own. Prompts unlike the training prompts go to
    the best single model, as they go to the incumbent in service; their share of each source is said.
    """
    from rich.console import Console

    from training.benchmark import answers_tables, plotting
    from training.benchmark.prices import default_prices, read_prices
    from training.corpora import read_answers

    _check_outputs(predictions)
    if plots:
        plotting.check(plots)
    prices_path = prices or default_prices()
    with Console(stderr=True).status("reading graded answers") as status:
        result, predicted = measure(
            read_answers(train),
            read_answers(test),
            read_prices(prices_path) if prices_path else None,
            sources=tuple(source or ()),
            min_answers=min_answers,
            seed=seed,
            report=status.update,
        )
        if predictions:
            write_predictions(predicted, predictions)
        if plots:
            plotting.plot_sources(result["sources"], plots)
    answers_tables.show(result, as_json=as_json)


def measure(
    train: pd.DataFrame,
    test: pd.DataFrame,
    prices: Prices | None,
    *,
    sources: Sequence[str] = (),
    min_answers: int = 50,
    seed: int = 0,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """What `--json` prints, and the predictions.

    Args:
        train: From `corpora.read_answers`.
        test: Likewise.
        prices: None for no savings.
        sources: All when empty.
        min_answers: As the option.
        seed: As the option.
        report: Told what is being done.

    Raises:
        TrainingDataError: Nothing is left to learn from or to test.
    """
    from training.benchmark import blocks, forecasts, trial
    from training.benchmark.prices import Prices
    from training.benchmark.sources import Sides, measure_source

    arranged = trial.arrange(train, test, sources, min_answers=min_answers)
    report(f"learning from {len(arranged.train)} graded answers: all, three folds, shuffled labels")
    known, (tested, asked) = forecasts.forecast_rows(
        arranged.train, [arranged.test, arranged.asked], seed=seed, report=report
    )
    table = prices or Prices({})
    known, tested = blocks.with_prices(known, table), blocks.with_prices(tested, table)
    results = {}
    for source, part in tested.groupby("source"):
        report(f"measuring {source}")
        sides = Sides(known[known["source"] == source], part)
        results[str(source)] = measure_source(sides, is_priced=prices is not None, seed=seed)
    result = {
        "n_training_answers": len(known),
        "n_training_questions": int(known["prompt_key"].nunique()),
        "n_models": int(known["reference_model"].nunique()),
        "left_out": arranged.left_out,
        "prices_repeated": list(table.repeated),
        "seed": seed,
        "sources": results,
    }
    return result, asked[list(PREDICTION_COLUMNS)]


def write_predictions(predicted: pd.DataFrame, path: Path) -> None:
    """Write the whole file or nothing.

    Raises:
        ConfigurationError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        predicted.to_parquet(partial, index=False)
        partial.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: expected to write the predictions, got: {error.strerror or type(error).__name__}"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _check_outputs(predictions: Path | None) -> None:
    """Refuse before the training what could not be written after it."""
    if predictions and (predictions.is_dir() or not predictions.parent.is_dir()):
        raise ConfigurationError(f"{predictions}: expected a file in a folder that exists, got none")
    if predictions and predictions.exists():
        raise ConfigurationError(
            f"{predictions}: expected no such file yet, got one; remove it or give another --predictions"
        )
