"""Whether a table of graded answers can be learned from: every fault and every exclusion, by column and row.

`training.corpora` refuses a table at its first fault; here all of them are found, so that they can be mended
in one go. Nothing is mended. A finding names columns, rows and counts, never what a prompt says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from clearway.errors import TrainingDataError
from clearway.features import FOCUS_HEAD, FOCUS_TAIL
from training import corpora
from training.prompt_key import NORMALISATION, normalise

MAX_ROWS_NAMED: Final = 10
OPTIONAL: Final = (*corpora.COUNTS, "category", "tokens_basis", "latency_s")
# A name may be shown where it can hardly be a prompt that stands in the wrong column.
_PLAIN = re.compile(r"[A-Za-z0-9][\w./:@+|-]{0,79}")
_DAMAGED = re.compile("[\x00\ufffd\ud800-\udfff]")
_LINE = re.compile(r"line (\d+)")
_HOW_TO_KEY = f"one for each question: {NORMALISATION}"

Severity = Literal["error", "excluded", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing to know about a table.

    Attributes:
        severity: `error` makes it unusable, `excluded` leaves rows or models out, `note` changes nothing.
        column: Column or columns concerned; empty for the whole file.
        text: What was expected and what came, without any value of a prompt.
        n_rows: Rows concerned; 0 where it is not about rows.
        rows: The first of them, counted from 1 after the header.
    """

    severity: Severity
    column: str
    text: str
    n_rows: int = 0
    rows: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "rows": list(self.rows)}


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


def at_rows(
    severity: Severity, column: str, text: str, is_wrong: pd.Series[bool] | Sequence[bool]
) -> list[Finding]:
    """A finding about the rows where `is_wrong` holds; nothing where it holds nowhere."""
    rows = np.flatnonzero(np.asarray(is_wrong, dtype=bool)) + 1
    named = tuple(rows[:MAX_ROWS_NAMED].tolist())
    return [Finding(severity, column, text, len(rows), named)] if len(rows) else []


def plain(name: object) -> str:
    """A name as it is, where it looks like one; else that it does not."""
    text = str(name)
    return text if _PLAIN.fullmatch(text) else "(a name that is not shown)"


def check_file(path: Path, *, min_answers: int) -> Report:
    """Everything that is wrong with a file of graded answers.

    Args:
        path: Parquet, or CSV where it ends so.
        min_answers: Models with fewer graded answers are left out of training.

    Raises:
        TrainingDataError: There is no such file.
    """
    if not path.is_file():
        raise TrainingDataError(f"{path}: expected a file of graded answers, got none; see data/corpora.md")
    found = read_csv(path) if path.suffix == ".csv" else read_parquet(path)
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
    findings = _check_columns(table)
    if not len(table):
        return [*findings, Finding("error", "", "expected at least one row, got none")]
    present = [column for column in corpora.TEXT_COLUMNS if column in table.columns]
    for column in present:
        findings += _check_text(table[column], column)
    if "score" in table.columns:
        score = pd.to_numeric(table["score"], errors="coerce").astype("Float64").astype(float)
        findings += at_rows("error", "score", "expected a number from 0 to 1", ~score.between(0.0, 1.0))
    for column in (*corpora.COUNTS, "latency_s"):
        if column in table.columns:
            findings += _check_count(table[column], column)
    if set(corpora.KEY) <= set(present):
        twice = table[list(corpora.KEY)].astype(str).duplicated(keep=False)
        findings += at_rows("error", ", ".join(corpora.KEY), "expected each combination once", twice)
    if {"prompt", "prompt_key"} <= set(present):
        findings += _check_keys(table)
    return findings


def read_csv(path: Path) -> pd.DataFrame | Finding:
    """Table with every field as text, where only an empty field is no value; or why it is none."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        if len(set(header)) < len(header):
            return Finding("error", "", "expected each column once in the header, got one twice")
        return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
    except UnicodeDecodeError:
        return Finding("error", "", f"expected UTF-8, got another encoding in line {_bad_line(path)}")
    except OSError as error:
        return Finding("error", "", f"expected a file that can be read, got {type(error).__name__}")
    except (ValueError, csv.Error, pd.errors.ParserError) as error:
        line = _LINE.search(str(error))
        where = f" in line {line[1]}" if line else ""
        return Finding("error", "", f"expected CSV with the same fields in each line, got others{where}")


def _bad_line(path: Path) -> int:
    """Line, from 1, that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def read_parquet(path: Path) -> pd.DataFrame | Finding:
    """Table of a file, or why it is none."""
    try:
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:
        return Finding("error", "", f"expected Parquet, or CSV in a .csv file, got {type(error).__name__}")


def _check_columns(table: pd.DataFrame) -> list[Finding]:
    missing = [column for column in corpora.REQUIRED if column not in table.columns]
    findings = [
        Finding("error", column, "expected this column, got none" + _hint(column)) for column in missing
    ]
    others = [name for name in table.columns if name not in (*corpora.REQUIRED, *OPTIONAL)]
    if others and not missing:
        findings.append(Finding("note", ", ".join(map(plain, others)), "not known and not read"))
    elif others:  # perhaps a file without a header, whose first row must not be shown
        findings.append(Finding("note", "", f"{len(others)} columns that are not known; is there a header?"))
    return findings


def _hint(column: str) -> str:
    return f"; {_HOW_TO_KEY}" if column == "prompt_key" else ""


def _check_text(values: pd.Series[Any], column: str) -> list[Finding]:
    known = values.dropna()
    is_text = values.isna() | values.map(lambda value: isinstance(value, (str, int, np.integer)))
    findings = at_rows("error", column, "expected text, got another kind of value", ~is_text.astype(bool))
    blank = values.isna() | (values.astype(str).str.strip() == "")
    hint = f"; {_HOW_TO_KEY}" if column == "prompt_key" else ""
    findings += at_rows("error", column, f"expected a value, got none or only blanks{hint}", blank)
    if column == "prompt" and len(known):
        texts = values.where(~blank, "").astype(str)
        damaged = texts.map({text: bool(_DAMAGED.search(text)) for text in texts.unique()}).astype(bool)
        findings += at_rows("note", column, "damaged characters (NUL, U+FFFD or half a pair)", damaged)
        read = FOCUS_HEAD + FOCUS_TAIL
        findings += at_rows(
            "note", column, f"over {read} characters: the middle is not read", texts.str.len() > read
        )
    return findings


def _check_count(values: pd.Series[Any], column: str) -> list[Finding]:
    number = pd.to_numeric(values, errors="coerce").astype("Float64").astype(float)
    wrong = values.notna() & ~((number >= 0) & np.isfinite(number))
    return at_rows("error", column, "expected a number from 0 up or nothing", wrong)


def _check_keys(table: pd.DataFrame) -> list[Finding]:
    """Keys say which questions are the same; where they contradict the texts, the split may leak."""
    prompts = table["prompt"].astype(str)
    texts = prompts.map({prompt: normalise(prompt) for prompt in prompts.unique()})
    asked = table["prompt_key"].astype(str)
    n_keys = asked.groupby(texts).transform("nunique")
    findings = at_rows(
        "note",
        "prompt_key",
        "one text under several keys: it may be learned from and measured on",
        n_keys > 1,
    )
    n_texts = texts.groupby(asked).transform("nunique")
    findings += at_rows(
        "note", "prompt_key", "several texts under one key: they count as one question", n_texts > 1
    )
    if {"source", "prompt_id"} <= set(table.columns):
        keys = asked.groupby([table[name].astype(str) for name in ("source", "prompt_id")]).transform(
            "nunique"
        )
        findings += at_rows("note", "prompt_key", "one prompt_id of a source has several keys", keys > 1)
    return findings


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
    if kept["prompt_key"].nunique() < 2:
        findings.append(Finding("error", "prompt_key", "expected at least two questions, got one"))
    if kept["output_tokens"].isna().all():
        findings.append(
            Finding("note", "output_tokens", "no count: lengths, and so costs, cannot be learned")
        )
    return sources, findings


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
