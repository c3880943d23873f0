"""kNN learns from similar prompts, and never from the same question."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training import corpora
from training.benchmark.neighbours import N_NEIGHBOURS, neighbour_success
from training.dataset import cell_means


def _known(n: int = 120) -> tuple[tuple[str, ...], tuple[str, ...], np.ndarray]:
    prompts = tuple(f"{'hard sums' if row % 2 else 'easy words'} number {row}" for row in range(n))
    adequate = np.array([[1.0, 1.0 - row % 2] for row in range(n)])
    return prompts, tuple(f"k{row}" for row in range(n)), adequate


def test_similar_prompts_decide() -> None:
    """A hard prompt's neighbours are hard prompts, on which the second model fails."""
    prompts, keys, adequate = _known()
    asked, inside, k = neighbour_success(prompts, keys, adequate, ["hard sums", "easy words"], seed=0)
    assert k in N_NEIGHBOURS
    assert asked[0, 1] < 0.2
    assert asked[1, 1] > 0.8
    assert inside.shape == adequate.shape


def test_no_question_is_its_own_neighbour() -> None:
    """Labels that are pure noise are not predicted out of fold, though each prompt occurs twice."""
    generator = np.random.default_rng(0)
    prompts = tuple(f"word{row} only{row}" for row in range(200) for _ in range(2))
    keys = tuple(f"k{row}" for row in range(200) for _ in range(2))
    adequate = np.repeat(generator.integers(0, 2, (200, 1)), 2, axis=0).astype(float)
    _, inside, _ = neighbour_success(prompts, keys, adequate, ["word1"], seed=0)
    assert abs(np.corrcoef(inside[:, 0], adequate[:, 0])[0, 1]) < 0.4


def test_unknown_cells_stay_within_bounds(answers: pd.DataFrame) -> None:
    """Gaps in the grades are no grades: predictions stay strictly between 0 and 1."""
    table = corpora.select_sources(corpora.check_answers(answers), ()).sample(frac=0.4, random_state=0)
    models = sorted(table["reference_model"].unique())
    keys = table.groupby("prompt")["prompt_key"].min().sort_index()
    adequate = cell_means(table, tuple(keys.index), models, "adequate")
    asked, inside, _ = neighbour_success(tuple(keys.index), tuple(keys), adequate, ["easy1 easy2"], seed=1)
    for success in (asked, inside):
        assert ((success > 0) & (success < 1)).all()
