"""Routing is compared on prompts that every candidate answered at a known cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training import corpora
from training.benchmark import blocks
from training.benchmark.prices import Prices

PRICES = Prices({"strong": (10.0, 20.0), "weak": (1.0, 2.0), "tiny": (0.1, 0.2)})


def _part(answers: pd.DataFrame) -> pd.DataFrame:
    table = corpora.select_sources(corpora.check_answers(answers), ())
    part = table[table["source"] == "zeroeval_gsm"].reset_index(drop=True)
    return part.assign(success=0.5, expected_output_tokens=10.0)


def _ready(part: pd.DataFrame, prices: Prices = PRICES) -> pd.DataFrame:
    priced = blocks.with_prices(part, prices)
    return blocks.with_spend(priced, blocks.basis_of(priced))


def test_spend_is_prices_times_counts(answers: pd.DataFrame) -> None:
    """Input is counted, or four characters a token; output is what came, against what was expected."""
    part = _part(answers)
    part.loc[0, "input_tokens"] = 100.0
    ready = _ready(part)
    price = PRICES.of[part["reference_model"].iloc[0]]
    output = float(part["output_tokens"].iloc[0])
    assert ready["spend"].iloc[0] == pytest.approx((100 * price[0] + output * price[1]) / 1e6)
    assert ready["expected_spend"].iloc[0] == pytest.approx((100 * price[0] + 10 * price[1]) / 1e6)
    assert ready["input_count"].iloc[1] == -(-len(part["prompt"].iloc[1]) // 4)


@pytest.mark.parametrize(
    ("tokens", "charged", "basis"),
    [
        (50.0, np.nan, "counted"),
        (np.nan, 0.01, "charged"),
        (np.nan, np.nan, "assumed"),
        (50.0, 0.01, "counted"),
    ],
)
def test_basis(answers: pd.DataFrame, tokens: float, charged: float, basis: str) -> None:
    """Counted tokens before charges before an assumption."""
    part = blocks.with_prices(_part(answers).assign(output_tokens=tokens, cost_usd=charged), PRICES)
    assert blocks.basis_of(part) == basis
    spend = blocks.with_spend(part, basis)
    assert spend["spend"].notna().all()
    assert (basis != "charged") or spend["spend"].eq(0.01).all()


def test_the_assumed_length_is_known_to_the_router(answers: pd.DataFrame) -> None:
    """Where no output was counted, expected and actual spend rest on the same assumption."""
    ready = _ready(_part(answers).assign(output_tokens=np.nan))
    assert (ready["spend"] == ready["expected_spend"]).all()


def test_candidates_and_the_others(answers: pd.DataFrame) -> None:
    """A model without a price, and one that answered too little, are left out with the reason."""
    part = _part(answers)
    prompts = part["prompt_id"].unique()
    is_gone = (part["reference_model"] == "tiny") & part["prompt_id"].isin(prompts[:8])
    ready = _ready(part[~is_gone], Prices({"strong": (1, 1), "tiny": (1, 1)}))
    models, left_out = blocks.candidates([ready])
    assert models == ("strong",)
    assert left_out == {"weak": "no price", "tiny": "answers with a known cost to 90% of the prompts"}


def test_incomplete_prompts_are_left_out(answers: pd.DataFrame) -> None:
    """One missing answer takes the prompt out, for all models; cells are where they belong."""
    part = _part(answers)
    gone = part.index[part["reference_model"] == "weak"][0]
    ready = _ready(part.drop(index=gone))
    block = blocks.build_block(ready, ("strong", "tiny", "weak"))
    assert (len(block.keys), block.n_offered) == (79, 80)
    first = ready.sort_values(["prompt_id", "reference_model"])
    first = first[first["prompt_id"] != part.loc[gone, "prompt_id"]].head(3)
    np.testing.assert_array_equal(block.cells["spend"][0], first["spend"])
    assert block.keys[0] == first["prompt_key"].iloc[0]


def test_prompts_outside_training_are_rows_of_the_block(answers: pd.DataFrame) -> None:
    """One flag a prompt, as the table says; none where the table says nothing."""
    ready = _ready(_part(answers))
    models = ("strong", "tiny", "weak")
    assert not blocks.build_block(ready, models).outside.any()
    first = ready["prompt_id"] == ready["prompt_id"].min()
    assert blocks.build_block(ready.assign(outside=first), models).outside.tolist() == [True] + [False] * 79
