"""RouterBench's wide table: a row for each prompt, three columns for each model.

`sample_id`, `prompt`, `eval_name`, then `<model>` (the score), `<model>|model_response` and
`<model>|total_cost` (US dollars), and `oracle_model_to_route_to`, which is not read. Prompts and responses
are Python lists of strings, written as text. The table holds no token counts: those of the tidy table are
our estimate.

References:
    Hu et al. (2024), RouterBench, arXiv 2403.12031; withmartian/routerbench.
"""

from __future__ import annotations

import ast
from typing import Any, Final

import numpy as np
import pandas as pd

from clearway.token_estimate import estimate_tokens
from training.answer_table import Finding, at_rows, plain
from training.importers.reading import require
from training.prompt_key import prompt_key

REQUIRED: Final = ("sample_id", "prompt", "eval_name")
COST, RESPONSE = "|total_cost", "|model_response"
BASIS: Final = "clearway_estimate"


def convert(table: pd.DataFrame, source: str, _: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Tidy rows of a wide table: one for each prompt and model with a score.

    Args:
        table: As read.
        source: Name of the source.

    Raises:
        TrainingDataError: A column is missing.
    """
    require(table, REQUIRED)
    models = models_of(table)
    findings = [] if models else [Finding("error", "", f"expected columns MODEL and MODEL{COST}, got none")]
    findings += at_rows("error", "sample_id", "expected each once", table["sample_id"].duplicated(keep=False))
    prompts = table["prompt"].map(joined_turns)
    findings += at_rows(
        "error", "prompt", "expected text, got none", prompts.isna() | (prompts.fillna("") == "")
    )
    for model in models:
        findings += _check_model(table, model)
    if any(finding.severity == "error" for finding in findings):
        return table.iloc[:0], findings
    rows = pd.DataFrame(
        {
            "source": source,
            "prompt_id": table["sample_id"].astype(str),
            "prompt_key": prompts.map(prompt_key),
            "prompt": prompts,
            "category": table["eval_name"].astype("str"),
            "input_tokens": prompts.map(lambda prompt: estimate_tokens([prompt])),
            "tokens_basis": BASIS,
        }
    )
    tidy = pd.concat([_answers(rows, table, model) for model in models], ignore_index=True)
    text = f"token counts are estimates ({BASIS}): the table holds none"
    return tidy, [*findings, Finding("note", "input_tokens, output_tokens", text)]


def models_of(table: pd.DataFrame) -> list[str]:
    """Names that have a column of scores and one of costs or responses, sorted."""
    names = {
        str(column).removesuffix(ending)
        for column in table.columns
        for ending in (COST, RESPONSE)
        if str(column).endswith(ending)
    }
    return sorted(names & set(map(str, table.columns)))


def joined_turns(value: Any) -> str | None:
    r"""Text of a list of turns, whether written as Python or a list already; plain text stays as it is.

    >>> joined_turns("['What is 2 + 2?', 'And 3 + 3?']")
    'What is 2 + 2?\n\nAnd 3 + 3?'
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        try:
            parsed = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return value
        value = (
            parsed if isinstance(parsed, list) and all(isinstance(turn, str) for turn in parsed) else value
        )
    if isinstance(value, list):
        return "\n\n".join(map(str, value)).strip()
    return value.strip() if isinstance(value, str) else None


def _check_model(table: pd.DataFrame, model: str) -> list[Finding]:
    score = pd.to_numeric(table[model], errors="coerce")
    wrong = table[model].notna() & ~score.between(0.0, 1.0)
    findings = at_rows("error", plain(model), "expected a number from 0 to 1", wrong)
    findings += at_rows("excluded", plain(model), "no score", table[model].isna())
    if model + COST in table.columns:
        cost = pd.to_numeric(table[model + COST], errors="coerce")
        wrong = table[model + COST].notna() & ~((cost >= 0) & np.isfinite(cost))
        findings += at_rows("error", plain(model + COST), "expected US dollars or nothing", wrong)
    return findings


def _answers(rows: pd.DataFrame, table: pd.DataFrame, model: str) -> pd.DataFrame:
    """The graded answers of one model."""
    responses = table.get(model + RESPONSE, pd.Series(None, index=table.index, dtype=object))
    costs = table.get(model + COST, pd.Series(np.nan, index=table.index))
    texts = responses.map(joined_turns)
    answers = rows.assign(
        model=model,
        model_canonical=model,
        score=pd.to_numeric(table[model], errors="coerce"),
        output_tokens=texts.map(lambda text: estimate_tokens([text]) if isinstance(text, str) else np.nan),
        cost_usd=pd.to_numeric(costs, errors="coerce"),
    )
    return answers[answers["score"].notna()]
