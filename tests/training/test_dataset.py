"""Graded answers as arrays, and what the featuriser learns from the training prompts."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from clearway import style
from clearway.errors import TrainingDataError
from clearway.features import (
    N_HASHED,
    NORM,
    OUTSIDE_NOTE,
    TRUNCATED_NOTE,
    FeatureSpecification,
    measure,
)
from training.dataset import (
    OUTSIDE_SHARE,
    WAVE_AMPLITUDE,
    build,
    learn_specification,
    locate,
    prompt_features,
    read_prompt,
    stack,
)

WORDS = (
    *("apples", "river", "seven", "market", "winter", "teacher", "morning", "garden"),
    *("number", "distance", "train", "minutes", "price", "total", "water", "letter"),
    *("window", "doctor", "harvest", "village", "engine", "bottle", "ticket", "island"),
    "forest",
)


def _ordinary(n: int, seed: int = 0) -> list[str]:
    """Questions of one to four sentences, of common words and numbers."""
    generator = np.random.default_rng(seed)

    def sentence() -> str:
        words = generator.choice(WORDS, generator.integers(4, 14)).tolist()
        words.insert(int(generator.integers(1, 4)), str(generator.integers(2, 500)))
        return " ".join(words).capitalize()

    prompts = (". ".join(sentence() for _ in range(generator.integers(1, 5))) for _ in range(n))
    return sorted({f"{prompt}?" for prompt in prompts})


@pytest.fixture(scope="module")
def ordinary() -> list[str]:
    """2,000 of them."""
    return _ordinary(2000)


@pytest.fixture(scope="module")
def learned(ordinary: list[str]) -> FeatureSpecification:
    """What the featuriser learns from them."""
    return learn_specification(ordinary)


def test_what_the_learner_sees_are_the_integers() -> None:
    """What it sees, times the units, is what the served graph reads: nothing is lost."""
    rows = [prompt_features(text, FeatureSpecification()) for text in ("a b c", "ü 1 2 3", "")]
    X = stack(rows)  # noqa: N806
    assert isinstance(X, scipy.sparse.csr_matrix)
    assert X.shape == (3, N_HASHED + style.N_WAVES)
    dense = X.toarray()
    for index, row in enumerate(rows):
        words = dense[index, :N_HASHED]
        assert np.flatnonzero(words).tolist() == row.ids.tolist()
        assert (words[row.ids] * NORM).tolist() == row.values.tolist()
        waves = dense[index, N_HASHED:] / WAVE_AMPLITUDE * style.WAVE_NORM
        assert np.allclose(waves, row.waves, atol=1e-9)


def test_waves_have_about_length_one(learned: FeatureSpecification, ordinary: list[str]) -> None:
    """So that one penalty suits words and waves."""
    X = stack([prompt_features(prompt, learned) for prompt in ordinary[:100]])  # noqa: N806
    lengths = np.linalg.norm(X[:, N_HASHED:].toarray(), axis=1)
    assert np.abs(lengths - 1).max() < 0.15


def test_measures_are_standardised_over_training(learned: FeatureSpecification, ordinary: list[str]) -> None:
    """Means near 0 and deviations near 1; what never varies is 0 throughout."""
    rows = [learned.style.standardise(measure(read_prompt(prompt), learned.known)) for prompt in ordinary]
    values = np.array(rows) / style.Z_UNIT
    varies = np.array(learned.style.scale) > 0
    assert varies.sum() >= 10
    assert (values[:, ~varies] == 0).all()
    assert np.abs(values.mean(axis=0)).max() < 0.6
    assert np.median(values[:, varies].std(axis=0)) == pytest.approx(1, abs=0.1)


def test_rare_words_weigh_more_than_common_ones() -> None:
    """A word of every prompt weighs less than one of ten among a hundred."""
    prompts = [f"common {'rare' if n < 10 else 'other'} {WORDS[n % 25]} {WORDS[n % 24]}" for n in range(100)]
    specification = learn_specification(sorted(prompts))
    (common,), (rare,) = (
        {specification.idf[slot] for slot in read_prompt(word).counts if slot in read_prompt(text).counts}
        for word, text in (("common", "x common"), ("rare", "x rare"))
    )
    assert rare > common >= 1


def test_the_order_of_the_prompts_does_not_matter(ordinary: list[str]) -> None:
    """Same prompts, same digest."""
    assert learn_specification(ordinary[::-1]).digest == learn_specification(ordinary).digest


def test_training_prompts_are_inside_but_one_in_a_thousand(
    learned: FeatureSpecification, ordinary: list[str]
) -> None:
    """By distance and by known words each."""
    noted = [OUTSIDE_NOTE in prompt_features(prompt, learned).notes for prompt in ordinary]
    assert sum(noted) <= 2 * OUTSIDE_SHARE * len(ordinary)


def test_like_prompts_are_inside(learned: FeatureSpecification) -> None:
    """Others of the same kind: about one in a hundred at most."""
    fresh = _ordinary(1000, seed=1)
    noted = [OUTSIDE_NOTE in prompt_features(prompt, learned).notes for prompt in fresh]
    assert np.mean(noted) < 0.01


@pytest.mark.parametrize(
    "prompt",
    [
        "\U0001f600" * 3000,
        base64.b64encode(np.random.default_rng(0).bytes(6000)).decode(),
        "中文文本没有任何空格" * 50,
        "{}[];" * 500,
        "x = [1, 2, 3]\n" * 200,
    ],
)
def test_prompts_written_wholly_otherwise_are_outside(learned: FeatureSpecification, prompt: str) -> None:
    """Emoji, base64, another script, code, where all training prompts were questions in English."""
    assert prompt_features(prompt, learned).notes == (OUTSIDE_NOTE,)


def test_a_cut_prompt_is_noted_as_both(learned: FeatureSpecification) -> None:
    """Too long to be read whole, and unlike training."""
    assert prompt_features("\U0001f600" * 13_000, learned).notes == (TRUNCATED_NOTE, OUTSIDE_NOTE)


@pytest.mark.parametrize("prompts", [["one prompt"], [""], ["same", "same two"], ["\ud800"]])
def test_few_prompts_are_enough(prompts: list[str]) -> None:
    """Measures that never vary get no scale; the prompts are inside, unless they say nothing."""
    specification = learn_specification(prompts)
    for prompt in prompts:
        is_outside = OUTSIDE_NOTE in prompt_features(prompt, specification).notes
        assert is_outside == (prompt in ("", "\ud800"))
    assert FeatureSpecification.from_json(specification.to_json()) == specification


def test_cells_are_means_and_unknown_where_nobody_graded() -> None:
    """Two answers to one prompt count half each; NaN is left out."""
    table = pd.DataFrame(
        {
            "prompt": ["b", "a", "a", "a"],
            "prompt_key": ["k2", "k1", "k0", "k1"],
            "reference_model": ["m", "m", "m", "n"],
            "adequate": [True, True, False, True],
            "output_tokens": [np.nan, 10.0, 20.0, np.nan],
        }
    )
    data = build(table, ["m", "n"], FeatureSpecification())
    assert (data.prompts, data.prompt_keys, data.models) == (("a", "b"), ("k0", "k2"), ("m", "n"))
    assert np.array_equal(data.adequate, [[0.5, 1.0], [1.0, np.nan]], equal_nan=True)
    assert np.array_equal(data.output_tokens, [[15.0, np.nan], [np.nan, np.nan]], equal_nan=True)


@pytest.mark.parametrize(("column", "n_known"), [("prompt", 2), ("reference_model", 1)])
def test_an_answer_that_has_no_place_is_refused(column: str, n_known: int) -> None:
    """No grade goes to the last row or column in silence; the text names the rows, not the prompt."""
    table = pd.DataFrame({"prompt": ["a", "b", "a", "b"], "reference_model": "m"})
    row, place = locate(table, ["a", "b"], ["m"])
    assert (row.tolist(), place.tolist()) == ([0, 1, 0, 1], [0, 0, 0, 0])
    with pytest.raises(TrainingDataError) as caught:
        locate(table.assign(**{column: [*table[column][:2], "secret", "secret"]}), ["a", "b"], ["m"])
    assert str(caught.value) == (
        f"{column}: expected one of the {n_known} that stand in the arrays, got another in row 3 and 1 more; "
        "build the arrays from the same table"
    )
