"""Whether a table of graded answers can be learned from: every fault and every exclusion, by column and row.

`training.corpora` refuses a table at its first fault; here all of them are found, so that they can be mended
in one go. Nothing is mended. A finding names columns, rows and counts, never what a prompt says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from clearway.errors import TrainingDataError
from clearway.features import FOCUS_HEAD, FOCUS_TAIL
from training import corpora
from training.answer_table import COLUMNS, REQUIRED, Finding, at_rows, find_faults, plain, read_file
from training.prompt_key import normalise

_DAMAGED: Final = re.compile("[\x00\ufffd\ud800-\udfff]")
# Of the split that training makes where no other seed is asked for.
_SEED: Final = 0


@dataclass(frozen=True)
class Report:
    """What was found in a table.

    Attributes:
        n_rows: Rows of the table.
        findings: Errors first, then exclusions, then notes.
        sources: By name: answers, models, the rule that says what is adequate, the share that is.
    """

    n_rows: int
    findings: tuple[Finding, ...]
    sources: dict[str, dict[str, Any]]

    @property
    def is_usable(self) -> bool:
        """Whether there is no error."""
        return not any(finding.severity == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "usable": self.is_usable,
            "n_rows": self.n_rows,
            "sources": self.sources,
            "findings": [finding.as_json() for finding in self.findings],
        }


def check_file(path: Path, *, min_answers: int) -> Report:
    """Everything that is wrong with a file of graded answers.

    Args:
        path: Parquet, or CSV where it ends so.
        min_answers: Models with fewer graded answers are left out of training.

    Raises:
        TrainingDataError: There is no such file.
    """
    found = read_file(path)
    if isinstance(found, Finding):
        return Report(0, (found,), {})
    return check_table(found, min_answers=min_answers)


def check_table(table: pd.DataFrame, *, min_answers: int) -> Report:
    """Everything that is wrong with a table of graded answers.

    Args:
        table: In the form of `data/corpora.md`, unchecked.
        min_answers: Models with fewer graded answers are left out of training.
    """
    findings = check_rows(table)
    sources: dict[str, dict[str, Any]] = {}
    if not any(finding.severity == "error" for finding in findings):
        checked = corpora.check_answers(table)
        sources, more = _check_training(checked, min_answers)
        findings += more
    order = ("error", "excluded", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Report(len(table), tuple(findings), sources)


def check_rows(table: pd.DataFrame) -> list[Finding]:
    """What can be said of columns and rows, whether or not there is enough to learn from."""
    faults = find_faults(table)
    findings = [*faults, *_check_columns(table)]
    if "prompt" in table.columns:
        findings += _check_prompts(table["prompt"])
    return findings if faults else [*findings, *_check_keys(table)]


def _check_columns(table: pd.DataFrame) -> list[Finding]:
    others = [name for name in table.columns if name not in COLUMNS]
    if not others:
        return []
    if set(REQUIRED) <= set(table.columns):
        return [Finding("note", ", ".join(map(plain, others)), "not known and not read")]
    # Perhaps a file without a header, whose first row must not be shown.
    return [Finding("note", "", f"{len(others)} columns that are not known; is there a header?")]


def _check_prompts(prompts: pd.Series[Any]) -> list[Finding]:
    texts = prompts.fillna("").astype(str)
    damaged = texts.map({text: bool(_DAMAGED.search(text)) for text in texts.unique()}).astype(bool)
    read = FOCUS_HEAD + FOCUS_TAIL
    return [
        *at_rows("note", "prompt", "damaged characters (NUL, U+FFFD or half a pair)", damaged),
        *at_rows("note", "prompt", f"over {read} characters: the middle is not read", texts.str.len() > read),
    ]


def _check_keys(table: pd.DataFrame) -> list[Finding]:
    """Keys say which questions are the same; where the texts say otherwise, training does as is said here."""
    prompts = table["prompt"].astype(str)
    texts = prompts.map({prompt: normalise(prompt) for prompt in prompts.unique()})
    asked = table["prompt_key"].astype(str)
    n_keys = asked.groupby(texts).transform("nunique")
    findings = at_rows(
        "note",
        "prompt_key",
        "one text under several keys: they count as one question",
        n_keys > 1,
    )
    n_texts = texts.groupby(asked).transform("nunique")
    findings += at_rows(
        "note", "prompt_key", "several texts under one key: they count as one question", n_texts > 1
    )
    keys = asked.groupby([table[name].astype(str) for name in ("source", "prompt_id")]).transform("nunique")
    return findings + at_rows("note", "prompt_key", "one prompt_id of a source has several keys", keys > 1)


def _check_training(
    checked: pd.DataFrame, min_answers: int
) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """What training would use, and what it would leave out."""
    findings: list[Finding] = []
    sources: dict[str, dict[str, Any]] = {}
    for source, part in checked.groupby("source"):
        name, rule = str(source), corpora.rule_of(str(source))
        adequate = part["score"] >= rule.threshold - corpora.TOLERANCE
        sources[plain(name)] = {
            "n_answers": len(part),
            "n_questions": int(part["prompt_key"].nunique()),
            "n_models": int(part["model"].nunique()),
            "adequate_from": rule.threshold if rule.trains else None,
            "share_adequate": round(float(adequate.mean()), 6) if rule.trains else None,
        }
        findings += _about_source(name, part)
    try:
        chosen = corpora.select_sources(checked, ())
        kept, excluded = corpora.select_models(chosen, min_answers)
    except TrainingDataError as error:
        return sources, [*findings, Finding("error", "model", str(error))]
    findings += [
        Finding("excluded", "model", f"{plain(model)}: {reason}") for model, reason in excluded.items()
    ]
    findings += _check_split(kept)
    return sources, findings


def _check_split(kept: pd.DataFrame) -> list[Finding]:
    """Whether there is something to learn from, lengths too, and something to measure on."""
    held_out = corpora.held_out(kept, _SEED)
    if held_out.all() or not held_out.any():
        text = "expected questions on both sides of the split, got one side; add answers"
        return [Finding("error", "prompt_key", text)]
    if kept["output_tokens"][~held_out].isna().all():
        text = "expected at least one count, got none; see data/corpora.md"
        return [Finding("error", "output_tokens", text)]
    return []


def _about_source(source: str, part: pd.DataFrame) -> list[Finding]:
    rule = corpora.rule_of(source)
    if not rule.trains:
        text = f"{source}: win rates against one opponent do not say whether an answer is adequate"
        return [Finding("excluded", "source", text, len(part))]
    if source in corpora.ADEQUACY:
        return []
    text = f"{plain(source)}: your own source; scores from {rule.threshold} up count as adequate"
    between = ~part["score"].isin([0.0, 0.5, 1.0])
    if between.any():
        text += f"; {between.mean():.0%} of them are other than 0, 0.5 and 1: is that the right threshold?"
    return [Finding("note", "source", text, len(part))]
