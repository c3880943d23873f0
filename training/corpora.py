"""Graded answers: the tidy table, read strictly, and what counts as an adequate answer in each source.

The table's columns, the sources, their licences and the reasons for each rule are in `data/corpora.md`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from clearway.errors import TrainingDataError
from training.answer_table import (
    COUNTS,
    KEY,
    REQUIRED,
    TEXT_COLUMNS,
    Finding,
    find_faults,
    numbers,
    read_file,
)
from training.prompt_key import normalise

READ: Final = (*REQUIRED, *COUNTS, "category")
# Metrics stored as float32 may fall a hair short of a threshold such as 0.7.
TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class AdequacyRule:
    """Which score of a source is an adequate answer.

    Attributes:
        threshold: Scores from here up are adequate, in [0, 1].
        measure: What the score is.
        trains: False where the score does not say whether an answer is good enough.
        ships: True where the licence lets weights learned from it be shipped by default.
        has_output: False where `output_tokens` does not count a real answer.
        licence: As stated upstream.
    """

    threshold: float
    measure: str
    trains: bool = True
    ships: bool = True
    has_output: bool = True
    licence: str = "not stated"


ADEQUACY: Final[Mapping[str, AdequacyRule]] = MappingProxyType(
    {
        "mmlu_pro": AdequacyRule(1.0, "exact match", licence="Apache-2.0 (data MIT)"),
        "routellm_mmlu": AdequacyRule(1.0, "exact match", has_output=False, licence="Apache-2.0 (MMLU MIT)"),
        "routellm_gsm8k": AdequacyRule(1.0, "exact match", licence="Apache-2.0 (GSM8K MIT)"),
        "routellm_mt_bench": AdequacyRule(0.7, "judge, 7 of 10", licence="Apache-2.0"),
        "zeroeval_gsm": AdequacyRule(1.0, "exact match", licence="Apache-2.0"),
        "zeroeval_math_l5": AdequacyRule(1.0, "exact match", licence="Apache-2.0 (MATH MIT)"),
        "zeroeval_numersense_v2": AdequacyRule(1.0, "exact match", licence="Apache-2.0"),
        "llmrouter_nvidia9": AdequacyRule(0.5, "task metric", licence="MIT"),
        "superhard2026": AdequacyRule(1.0, "exact match", licence="MIT"),
        "alpaca_eval1": AdequacyRule(
            0.5, "judge, against text-davinci-003", ships=False, licence="Apache-2.0, data CC-BY-NC-4.0"
        ),
        "alpaca_eval2": AdequacyRule(
            0.5, "win rate", trains=False, ships=False, licence="Apache-2.0, data CC-BY-NC-4.0"
        ),
        "bfcl_20240811": AdequacyRule(
            1.0, "exact match", ships=False, licence="results not stated, questions Apache-2.0"
        ),
        "routerbench_sample": AdequacyRule(0.5, "task metric", ships=False, licence="RouterBench not stated"),
    }
)
# A source of the user's own: right for 0/1 grades and for judges that grade in halves.
OWN_SOURCE: Final = AdequacyRule(0.5, "grade of your own", ships=False, licence="your own")
SHIPPED_SOURCES: Final = tuple(name for name, rule in ADEQUACY.items() if rule.trains and rule.ships)


def rule_of(source: str) -> AdequacyRule:
    """Rule of a source; `OWN_SOURCE` for one that Clearway does not know."""
    return ADEQUACY.get(source, OWN_SOURCE)


def corpora_answers() -> Path:
    """Path of the graded answers under `CLEARWAY_CORPORA`, for what a table of one's own cannot replace.

    Raises:
        TrainingDataError: The variable is not set.
    """
    return _under_corpora("set it; data/corpora.md says where the corpora come from")


def default_answers() -> Path:
    """The same path, where a table of one's own would do as well.

    Raises:
        TrainingDataError: The variable is not set.
    """
    return _under_corpora(
        "data/corpora.md says where the corpora come from. Or give your own table: --answers FILE"
    )


def _under_corpora(remedy: str) -> Path:
    folder = os.environ.get("CLEARWAY_CORPORA")
    if not folder:
        raise TrainingDataError(
            "CLEARWAY_CORPORA: expected the folder that holds routing/graded_answers.parquet, got nothing; "
            + remedy
        )
    return Path(folder) / "routing" / "graded_answers.parquet"


def read_answers(path: Path) -> pd.DataFrame:
    """Tidy table of a Parquet or CSV file, checked and in a fixed order.

    Returns:
        The columns `READ`, sorted by source, prompt_id and model; `score` and the `COUNTS` float64, with NaN
        where a count is unknown; `category` empty where there is none.

    Raises:
        TrainingDataError: The file is missing or no table, or `check_answers` refuses it. The text names it.
    """
    found = read_file(path)
    if isinstance(found, Finding):
        raise TrainingDataError(f"{path}: {found.text}")
    try:
        return check_answers(found)
    except TrainingDataError as error:
        raise TrainingDataError(f"{path}: {error}") from None


def check_answers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with only the columns learned from, in a fixed order, and one key for equal texts.

    Raises:
        TrainingDataError: `answer_table.find_faults` finds one: the text is the first, with column and rows.
    """
    faults = find_faults(table)
    if faults:
        raise TrainingDataError(str(faults[0]))
    counts = {name: _counts(table, name) for name in COUNTS}
    checked = table[list(TEXT_COLUMNS)].astype(str).assign(score=numbers(table["score"]), **counts)
    checked["prompt_key"] = _joined_keys(checked)
    checked["category"] = table["category"].fillna("").astype(str) if "category" in table.columns else ""
    return checked.sort_values(list(KEY), kind="stable", ignore_index=True)


def _joined_keys(table: pd.DataFrame) -> pd.Series[str]:
    """Key of each row, where keys that share a text are one, the smallest: else a split could divide them."""
    texts = table["prompt"].map({prompt: normalise(prompt) for prompt in table["prompt"].unique()})
    text, key = pd.factorize(texts)[0], pd.factorize(table["prompt_key"])[0]
    first_key = text.max() + 1
    size = first_key + key.max() + 1
    shared = coo_matrix((np.ones(len(table)), (text, first_key + key)), shape=(size, size))
    question = connected_components(shared, directed=False)[1][text]
    joined: pd.Series[str] = table["prompt_key"].groupby(question).transform("min")
    return joined


def select_sources(table: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """Rows of sources that may train, with the columns `adequate` and `reference_model`.

    Args:
        table: From `read_answers`.
        sources: Which to use; all that may train when empty.

    Raises:
        TrainingDataError: A source is not in the table, or its score says nothing of adequacy.
    """
    present = sorted(table["source"].unique())
    for source in sources:
        if source not in present:
            raise TrainingDataError(f"source: expected one of {', '.join(present)}, got {source}")
        if not rule_of(source).trains:
            raise TrainingDataError(
                f"source: {source} holds win rates against one opponent, which do not say whether an answer "
                "is adequate; leave it out"
            )
    kept = [source for source in present if rule_of(source).trains and (not sources or source in sources)]
    chosen = table[table["source"].isin(kept)].reset_index(drop=True)
    if not len(chosen):
        raise TrainingDataError("source: expected at least one source that may train, got none")
    thresholds = chosen["source"].map({source: rule_of(source).threshold for source in kept})
    return chosen.assign(
        adequate=chosen["score"] >= thresholds - TOLERANCE, reference_model=reference_models(chosen)
    )


def reference_models(table: pd.DataFrame) -> pd.Series[str]:
    """What each row's answer is learned as: the canonical model, so that sources of one model add up.

    Where a source tried one model in several ways (native function calling, prompted function calling), they
    answer differently, and each is learned under its own name.
    """
    names = table.groupby(["source", "model_canonical"])["model"].transform("nunique")
    return table["model_canonical"].where(names == 1, table["model"])


def select_models(table: pd.DataFrame, min_answers: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rows of models with enough graded answers of both kinds, and why the others were left out.

    Raises:
        TrainingDataError: No model is left.
    """
    counts = table.groupby("reference_model")["adequate"].agg(["size", "sum"])
    excluded: dict[str, str] = {}
    for model, n_answers, n_adequate in counts.itertuples():
        if n_answers < min_answers:
            excluded[str(model)] = f"{n_answers} graded answers, fewer than {min_answers}"
        elif n_adequate in (0, n_answers):
            kind = "adequate" if n_adequate else "inadequate"
            excluded[str(model)] = f"all {n_answers} graded answers are {kind}"
    chosen = table[~table["reference_model"].isin(list(excluded))].reset_index(drop=True)
    if not len(chosen):
        raise TrainingDataError(
            f"reference_model: expected a model with {min_answers} graded answers of both kinds, got none; "
            "add answers, or lower --min-answers where the command has it"
        )
    return chosen, excluded


def held_out(table: pd.DataFrame, seed: int, *, n_parts: int = 5) -> NDArray[np.bool_]:
    """Which rows are held out: one part in `n_parts` of the prompt keys: no question is on both sides.

    Args:
        table: With the column `prompt_key`.
        seed: Another seed, another split; the order of the rows does not matter.
        n_parts: At least 2.
    """
    chosen: NDArray[np.bool_] = parts_of(table["prompt_key"].tolist(), seed, n_parts) == 0
    return chosen


def parts_of(keys: Sequence[str], seed: int, n_parts: int) -> NDArray[np.int64]:
    """Part in [0, n_parts) of each key, by a hash: equal keys fall together, other seeds divide otherwise."""
    digests = (hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in keys)
    return np.array([int.from_bytes(digest, "big") % n_parts for digest in digests], dtype=np.int64)


def data_digest(table: pd.DataFrame) -> str:
    """SHA-256 (hex) over what is learned from, whatever the file's format and order of rows."""
    columns = [
        "source",
        "prompt_id",
        "prompt_key",
        "prompt",
        "model",
        "model_canonical",
        "score",
        "output_tokens",
    ]
    digest = hashlib.sha256()
    for row in table.sort_values(list(KEY), kind="stable")[columns].itertuples(index=False, name=None):
        digest.update("\x1f".join(map(str, row)).encode("utf-8", "replace") + b"\x1e")
    return digest.hexdigest()


def _counts(table: pd.DataFrame, column: str) -> pd.Series[float]:
    """Numbers of an optional column; NaN where unknown, and where an output is no real answer."""
    if column not in table.columns:
        return pd.Series(np.nan, index=table.index)
    counts = numbers(table[column])
    if column != "output_tokens":
        return counts
    return counts.mask(~table["source"].map(lambda source: rule_of(str(source)).has_output).astype(bool))
