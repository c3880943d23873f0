"""`clearway benchmark routellm`: GPT-4 against Mixtral on three benchmarks, beside the published table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.errors import TrainingDataError

if TYPE_CHECKING:
    import pandas as pd

    from training.benchmark.contests import Contest
    from training.benchmark.forecasts import Forecast, Task
    from training.dataset import FloatArray

WAYS = ("success", "neighbours", "shuffled", "oracle")


def routellm(
    *,
    repeats: Annotated[
        int, typer.Option(min=1, help="Draws of the 1,500 MMLU prompts that are learned from.")
    ] = 5,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots, one a row.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws, the learner and the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Rank the prompts of three benchmarks by how much the strong model helps, beside published results.

    The strong model is gpt-4-1106-preview, the weak one Mixtral 8x7B; the answers are those under
    CLEARWAY_CORPORA. APGR is the mean share of the quality gap that is recovered as calls move to the strong
    model (random: 0.5); CPT(x%) is the share of strong calls that recovers x% of it.

    MMLU learns from 1,500 of its prompts, alone and with the other sources; GSM8K from no label derived from
    it; MT-Bench from everything else. What was kept apart is counted.
    """
    from rich.console import Console

    from training.benchmark import plotting, routellm_tables
    from training.corpora import corpora_answers, read_answers

    path = corpora_answers()
    if plots:
        plotting.check(plots)
    with Console(stderr=True).status("reading graded answers") as status:
        contaminated = read_contaminated(path.with_name("routellm_contaminated_prompt_ids.json"))
        result = measure(read_answers(path), contaminated, n_draws=repeats, seed=seed, report=status.update)
        if plots:
            plotting.plot_pairs(result["rows"], plots)
    routellm_tables.show(result, as_json=as_json)


def read_contaminated(path: Path) -> tuple[str, ...]:
    """Prompt ids that RouteLLM's authors found in their training data.

    Raises:
        TrainingDataError: The file is missing, or no JSON list of texts.
    """
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingDataError(
            f"{path}: expected a JSON list of prompt ids, got {type(error).__name__}"
        ) from error
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise TrainingDataError(f"{path}: expected a JSON list of prompt ids, got something else")
    return tuple(ids)


def measure(
    answers: pd.DataFrame,
    contaminated: Sequence[str],
    *,
    n_draws: int,
    min_answers: int = 50,
    seed: int = 0,
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """What `--json` prints.

    Args:
        answers: From `corpora.read_answers`.
        contaminated: Prompt ids to leave out of learning and tests.
        n_draws: Draws of MMLU training questions.
        min_answers: Fewer graded answers to learn from, and a model is left out.
        seed: Of everything drawn.
        report: Told what is being done.

    Raises:
        TrainingDataError: A benchmark is not in the table.
    """
    from dataclasses import asdict

    from training import corpora
    from training.benchmark import forecasts
    from training.benchmark.contests import STRONG, WEAK, contests
    from training.benchmark.published import CITATION, PUBLISHED

    report("keeping training apart from tests")
    table = corpora.select_sources(answers, ())
    is_contaminated = table["prompt_id"].isin(set(contaminated))
    found = contests(table[~is_contaminated], n_draws=n_draws, min_answers=min_answers, seed=seed)
    tasks = [task for contest in found for task in _tasks(contest, seed)]
    report(f"learning {len(tasks)} times")
    fitted = forecasts.run_all(tasks, report)
    values: dict[tuple[str, str], list[tuple[Contest, dict[str, Any]]]] = {}
    for contest, full, blind in zip(found, fitted[::2], fitted[1::2], strict=True):
        values.setdefault((contest.benchmark, contest.row), []).append(
            (contest, _ranked(contest, full, blind, seed))
        )
    return {
        "strong": STRONG,
        "weak": WEAK,
        "rows": [_row(drawn) for drawn in values.values()],
        "random": {"apgr": 0.5, "cpt_50": 0.5, "cpt_80": 0.8},
        "published": [asdict(row) for row in PUBLISHED],
        "published_in": CITATION,
        "contaminated_answers_left_out": int(is_contaminated.sum()),
        "seed": seed,
    }


def _tasks(contest: Contest, seed: int) -> tuple[Task, Task]:
    from training.benchmark.forecasts import Task, shuffled_labels

    name = f"{contest.benchmark}, {contest.row}"
    prompts = tuple(sorted(contest.test["prompt"].unique()))
    blind = shuffled_labels(contest.train, seed)
    return Task(name, contest.train, prompts, seed), Task(f"{name}, shuffled", blind, prompts, seed)


def _ranked(contest: Contest, full: Forecast, blind: Forecast, seed: int) -> dict[str, Any]:
    """APGR and CPT of each way of ranking under each resample, and the curve."""
    import numpy as np

    from training.benchmark.blocks import build_block
    from training.benchmark.contests import STRONG, WEAK
    from training.benchmark.pairs import call_curve, pair_values
    from training.benchmark.resampling import question_weights

    test = contest.test.assign(
        success=full.rows(contest.test)[0],
        shuffled=np.nan_to_num(blind.rows(contest.test)[0], nan=0.5),
        neighbours=_neighbours(contest, seed),
        spend=0.0,
        expected_spend=0.0,
    )
    block = build_block(test, (WEAK, STRONG) if WEAK < STRONG else (STRONG, WEAK))
    strong, weak = block.models.index(STRONG), block.models.index(WEAK)
    differences: dict[str, FloatArray] = {
        name: cells[:, strong] - cells[:, weak] for name, cells in block.cells.items()
    }
    gain = differences["score"]
    weights = question_weights(block.keys, seed)
    ways = {"oracle": gain, **{name: differences[name] for name in WAYS if name != "oracle"}}
    curve = call_curve(differences["success"], gain, weights[0])
    return {
        "values": {name: pair_values(ways[name], gain, weights) for name in WAYS},
        "curve": {"share": curve[0].round(6).tolist(), "recovered": curve[1].round(6).tolist()},
    }


def _neighbours(contest: Contest, seed: int) -> FloatArray:
    """Success of each test row by kNN among the training prompts that both models answered."""
    from training.benchmark.contests import STRONG, WEAK
    from training.benchmark.neighbours import neighbour_success
    from training.dataset import cell_means, locate

    pair = contest.train[contest.train["reference_model"].isin([STRONG, WEAK])]
    pair = pair[pair.groupby("prompt")["reference_model"].transform("nunique") == 2]
    keys = pair.groupby("prompt")["prompt_key"].min().sort_index()
    models, asked = (STRONG, WEAK), tuple(sorted(contest.test["prompt"].unique()))
    adequate = cell_means(pair, tuple(keys.index), models, "adequate")
    success, _, _ = neighbour_success(tuple(keys.index), tuple(keys), adequate, asked, seed=seed)
    row, column = locate(contest.test, asked, models)
    rows: FloatArray = success[row, column]
    return rows


def _row(drawn: Sequence[tuple[Contest, Mapping[str, Any]]]) -> dict[str, Any]:
    """One row of the table: the mean over draws; its interval holds single draws and resampled questions."""
    import numpy as np

    from training.benchmark.resampling import interval

    first = drawn[0][0]
    row: dict[str, Any] = {
        "benchmark": first.benchmark,
        "row": first.row,
        "n_draws": len(drawn),
        "n_test_prompts": int(first.test["prompt_id"].nunique()),
        "n_training_answers": len(first.train),
        "n_training_prompts": int(first.train["prompt"].nunique()),
        "kept_apart": first.kept_apart,
        "curve": drawn[0][1]["curve"],
    }
    for way in WAYS:
        row[way] = {
            name: interval(np.concatenate([[np.mean([one[0] for one in many])], *(one[1:] for one in many)]))
            for name in drawn[0][1]["values"][way]
            for many in [[values["values"][way][name] for _, values in drawn]]
        }
    row["apgr_of_draws"] = [round(float(values["values"]["success"]["apgr"][0]), 6) for _, values in drawn]
    return row
