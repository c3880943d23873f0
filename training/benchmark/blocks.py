"""Questions that every candidate of a source answered, at a known cost: what routing is compared on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.benchmark.prices import Prices
from training.dataset import FloatArray

# A model that answered fewer of the source's prompts would take too many prompts from the comparison.
MIN_COVERAGE: Final = 0.95
ASSUMED_OUTPUT_TOKENS: Final = 256
CHARACTERS_PER_TOKEN: Final = 4
BASES: Final[Mapping[str, str]] = {
    "counted": "prices times counted tokens",
    "charged": "what was charged",
    "assumed": f"prices times counted input and {ASSUMED_OUTPUT_TOKENS} output tokens for every answer",
}
_COLUMNS = ("adequate", "score", "success", "spend", "expected_spend", "shuffled", "neighbours", "outside")


@dataclass(frozen=True)
class Block:
    """Prompts by models, without a gap.

    Attributes:
        models: Reference models, sorted: the columns.
        keys: Prompt key of each row.
        cells: Column name of the table to shape (n_prompts, n_models).
        n_offered: Prompts of the source, with those that have gaps.
    """

    models: tuple[str, ...]
    keys: tuple[str, ...]
    cells: Mapping[str, FloatArray]
    n_offered: int

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Whether each prompt is unlike the training prompts, shape (n_prompts,); none where not known."""
        if "outside" not in self.cells:
            return np.zeros(len(self.keys), dtype=np.bool_)
        return np.asarray(self.cells["outside"].any(axis=1), dtype=np.bool_)


def with_prices(table: pd.DataFrame, prices: Prices) -> pd.DataFrame:
    """The table with `input_usd` and `output_usd` (prices of one token) and `input_count`.

    Input tokens that were not counted are estimated from the prompt, four characters a token.
    """
    input_usd, output_usd = prices.columns(table)
    estimate = (table["prompt"].str.len() + CHARACTERS_PER_TOKEN - 1) // CHARACTERS_PER_TOKEN
    return table.assign(
        input_usd=input_usd, output_usd=output_usd, input_count=table["input_tokens"].fillna(estimate)
    )


def basis_of(part: pd.DataFrame) -> str:
    """Where the spend of a source comes from: a key of `BASES`."""
    priced = part[part["output_usd"].notna()]
    if len(priced) and priced["output_tokens"].notna().mean() >= 0.5:
        return "counted"
    return "charged" if part["cost_usd"].notna().mean() >= 0.5 else "assumed"


def with_spend(part: pd.DataFrame, basis: str) -> pd.DataFrame:
    """Rows of a source with `spend` and `expected_spend` in US dollars; NaN where unknown.

    Input tokens are known before a call, so that both count them alike; only the output is expected.
    """
    paid = part["input_usd"] * part["input_count"]
    if basis == "assumed":
        spend = paid + part["output_usd"] * ASSUMED_OUTPUT_TOKENS
        return part.assign(spend=spend, expected_spend=spend)
    expected = paid + part["output_usd"] * part["expected_output_tokens"]
    actual = paid + part["output_usd"] * part["output_tokens"]
    return part.assign(spend=part["cost_usd"] if basis == "charged" else actual, expected_spend=expected)


def candidates(parts: Sequence[pd.DataFrame]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Models with a price that answered nearly every prompt of each table, and why others are left out.

    Args:
        parts: Rows of one source, from `with_spend`: of the test and, where there are any, of training.
    """
    left_out: dict[str, str] = {}
    for part in parts:
        n_prompts = part["prompt_id"].nunique()
        for model, rows in part.groupby("reference_model"):
            coverage = rows["spend"].notna().sum() / n_prompts
            if rows["output_usd"].isna().any():
                left_out[str(model)] = "no price"
            elif coverage < MIN_COVERAGE:
                left_out[str(model)] = f"answers with a known cost to {coverage:.0%} of the prompts"
    offered = set.intersection(*(set(part["reference_model"]) for part in parts))
    return tuple(sorted(offered - set(left_out))), left_out


def build_block(part: pd.DataFrame, models: Sequence[str]) -> Block:
    """Block of the prompts that all models answered at a known cost.

    Args:
        part: Rows of one source, from `with_spend`.
        models: From `candidates`.
    """
    known = part[
        part["reference_model"].isin(models) & part["spend"].notna() & part["expected_spend"].notna()
    ]
    complete = known.groupby("prompt_id")["reference_model"].transform("nunique") == len(models)
    known = known[complete].sort_values(["prompt_id", "reference_model"], kind="stable")
    shape = (-1, len(models))
    return Block(
        models=tuple(models),
        keys=tuple(known["prompt_key"].iloc[:: max(len(models), 1)]),
        cells={
            column: known[column].to_numpy(dtype=np.float64).reshape(shape)
            for column in _COLUMNS
            if column in known.columns
        },
        n_offered=int(part["prompt_id"].nunique()),
    )
