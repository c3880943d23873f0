"""Every fault of a table is found, with its column and rows; what is left out is said; no prompt is shown."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import TrainingDataError
from training import corpora
from training.answer_table import REQUIRED
from training.prompt_key import prompt_key
from training.validation import Report, check_file, check_rows, check_table

SECRET = "zebra-7731"


def _with(answers: pd.DataFrame, column: str, value: object, rows: list[int]) -> pd.DataFrame:
    values: list[object] = answers[column].tolist()
    for row in rows:
        values[row] = value
    return answers.assign(**{column: pd.Series(values, dtype=object)})


def _errors(report: Report) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(f.column, f.text, f.rows) for f in report.findings if f.severity == "error"]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("score", 1.5, "expected a number from 0 to 1"),
        ("score", "good", "expected a number from 0 to 1"),
        ("score", float("nan"), "expected a number from 0 to 1"),
        ("score", float("inf"), "expected a number from 0 to 1"),
        ("score", pd.NA, "expected a number from 0 to 1"),
        ("model", ["a"], "expected text, got another kind of value"),
        ("prompt", "", "expected a value, got none or only blanks"),
        ("prompt", " \n\t", "expected a value, got none or only blanks"),
        ("model", None, "expected a value, got none or only blanks"),
        ("output_tokens", -1, "expected a number from 0 up or nothing"),
        ("output_tokens", "many", "expected a number from 0 up or nothing"),
        ("output_tokens", float("inf"), "expected a number from 0 up or nothing"),
    ],
)
def test_a_bad_value_is_named_with_its_rows(
    answers: pd.DataFrame, column: str, value: object, text: str
) -> None:
    """Column, rows and what was expected."""
    report = check_table(_with(answers, column, value, [2, 6]), min_answers=50)
    assert _errors(report) == [(column, text, (3, 7))]
    assert not report.is_usable


def test_all_faults_are_found_at_once(answers: pd.DataFrame) -> None:
    """Not only the first: three faults of values, a missing column and a repeated row."""
    table = _with(_with(answers, "score", 2, [0]), "prompt", "", [1]).drop(columns="model_canonical")
    table = pd.concat([table, table.iloc[[5]]], ignore_index=True)
    report = check_table(_with(table, "output_tokens", -3, [4]), min_answers=50)
    assert _errors(report) == [
        ("model_canonical", "expected this column, got none; see data/corpora.md", ()),
        ("prompt", "expected a value, got none or only blanks", (2,)),
        ("score", "expected a number from 0 to 1", (1,)),
        ("output_tokens", "expected a number from 0 up or nothing", (5,)),
        ("source, prompt_id, model", "expected each combination once", (6, 361)),
    ]


def test_rows_are_counted_beyond_those_named(answers: pd.DataFrame) -> None:
    """Ten rows are named, all are counted."""
    finding = check_table(answers.assign(score=7), min_answers=50).findings[0]
    assert finding.n_rows == 360
    assert finding.rows == tuple(range(1, 11))


def test_a_missing_key_says_how_to_compute_one(answers: pd.DataFrame) -> None:
    """The text holds the recipe, and the recipe is `prompt_key`."""
    report = check_table(answers.drop(columns="prompt_key"), min_answers=50)
    recipe = (
        "the first 16 hexadecimal digits of SHA-256 over the prompt in lower case, "
        "each run of white space made one blank, none at either end, in UTF-8"
    )
    text = f"expected this column, got none; see data/corpora.md; one for each question: {recipe}"
    assert _errors(report) == [("prompt_key", text, ())]
    digest = hashlib.sha256(b"what is 2 + 2?").hexdigest()[:16]
    assert prompt_key(" What is\n2 + 2? ") == prompt_key("what IS  2 + 2?") == digest


def test_an_empty_table_is_unusable(answers: pd.DataFrame) -> None:
    """No rows, no training."""
    assert _errors(check_table(answers.iloc[:0], min_answers=50)) == [
        ("", "expected at least one row, got none", ())
    ]


def test_models_left_out_are_said(answers: pd.DataFrame) -> None:
    """A model with three rows and a model with one kind of grade are exclusions, not errors."""
    table = corpora.check_answers(answers)
    table = table[(table["model_canonical"] != "tiny") | (table.groupby("model").cumcount() < 3)]
    table.loc[table["model_canonical"] == "weak", "score"] = 0.0
    report = check_table(table, min_answers=50)
    assert report.is_usable
    assert [f.text for f in report.findings if f.severity == "excluded"] == [
        "tiny: 3 graded answers, fewer than 50",
        "weak: all 120 graded answers are inadequate",
    ]


def test_nothing_left_is_an_error(answers: pd.DataFrame) -> None:
    """Where every model is left out, the table is unusable and the text says what to do."""
    text = (
        "reference_model: expected a model with 50 graded answers of both kinds, got none; "
        "add answers, or lower --min-answers where the command has it"
    )
    assert _errors(check_table(answers.assign(score=1.0), min_answers=50)) == [("model", text, ())]


def test_sources_and_their_rules(answers: pd.DataFrame) -> None:
    """Win rates are left out, an own source is said to be one, and odd scores are pointed at."""
    table = answers.assign(source=["alpaca_eval2" if i < 30 else "mine" for i in range(len(answers))])
    report = check_table(_with(table, "score", 0.3, list(range(30, 66))), min_answers=50)
    texts = [(f.severity, f.text) for f in report.findings if f.column == "source"]
    own = (
        "mine: your own source; scores from 0.5 up count as adequate; 11% of them are other than 0, 0.5 and "
        "1: is that the right threshold?"
    )
    rates = "alpaca_eval2: win rates against one opponent do not say whether an answer is adequate"
    assert texts == [("excluded", rates), ("note", own)]
    assert report.sources["alpaca_eval2"]["adequate_from"] is None
    assert report.sources["mine"]["adequate_from"] == 0.5


def test_keys_that_contradict_the_texts_are_noted(answers: pd.DataFrame) -> None:
    """One text under two keys and two texts under one key: each counts as one question, and it is said."""
    one = answers.assign(prompt_key=[f"k{i}" for i in range(len(answers))])
    texts = {f.text for f in check_table(one, min_answers=50).findings if f.column == "prompt_key"}
    assert texts == {
        "one text under several keys: they count as one question",
        "one prompt_id of a source has several keys",
    }
    report = check_table(answers, min_answers=50)
    texts = {f.text for f in report.findings if f.column == "prompt_key"}
    assert texts == {"several texts under one key: they count as one question"}


def test_one_question_cannot_be_split(answers: pd.DataFrame) -> None:
    """A split needs a question on each side."""
    assert _errors(check_table(answers.assign(prompt_key="k"), min_answers=50)) == [
        ("prompt_key", "expected questions on both sides of the split, got one side; add answers", ())
    ]


def test_notes_on_texts_and_columns(answers: pd.DataFrame) -> None:
    """Damaged and overlong texts and unknown columns are noted, and change nothing."""
    table = _with(_with(answers, "prompt", "a\x00b", [0]), "prompt", "long " * 3000, [1])
    report = check_table(table.assign(judge="x"), min_answers=50)
    assert report.is_usable
    texts = {(f.column, f.text) for f in report.findings}
    assert {
        ("prompt", "damaged characters (NUL, U+FFFD or half a pair)"),
        ("prompt", "over 12000 characters: the middle is not read"),
        ("judge", "not known and not read"),
    } <= texts


def test_values_that_are_no_text_are_refused(answers: pd.DataFrame) -> None:
    """A list or bytes in a text column is not a prompt; a number is a fine id."""
    assert _errors(check_table(_with(answers, "prompt", ["a", "b"], [3]), min_answers=50))[0] == (
        "prompt",
        "expected text, got another kind of value",
        (4,),
    )
    numbered = answers.assign(prompt_id=answers["prompt_id"].str[1:].astype(int))
    assert check_table(numbered, min_answers=50).is_usable


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    """Said with the line, where there is one, in the same words by the check and by training."""
    cases = {
        "latin.csv": (b"a,b\n1,2\n\xe9,3\n", "expected UTF-8, got another encoding in line 3"),
        "ragged.csv": (
            b"a,b\n1,2\n1,2,3\n",
            "expected CSV with the same fields in each line, got others in line 3",
        ),
        "twice.csv": (b"a,a\n1,2\n", "expected each column once in the header, got one twice"),
        "long.csv": (
            b"a,b\n1,2,3\n1,2,3\n",
            "expected CSV with the same fields in each line, got others in line 2",
        ),
        "empty.csv": (b"", "expected CSV that begins with a header, got an empty line or file"),
        "binary.csv": (b"\x89PNG\r\n\x1a\n\x00", "expected UTF-8, got another encoding in line 1"),
        "no.parquet": (b"PAR?", "expected Parquet, or CSV in a .csv file, got ArrowInvalid"),
    }
    for name, (content, text) in cases.items():
        (tmp_path / name).write_bytes(content)
        assert _errors(check_file(tmp_path / name, min_answers=50)) == [("", text, ())]
        with pytest.raises(TrainingDataError) as caught:
            corpora.read_answers(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {text}"
    with pytest.raises(TrainingDataError) as caught:
        check_file(tmp_path / "none.csv", min_answers=50)
    assert str(caught.value) == (
        f"{tmp_path / 'none.csv'}: expected a file of graded answers, got none; see data/corpora.md"
    )


def test_csv_and_parquet_report_the_same(answers: pd.DataFrame, tmp_path: Path) -> None:
    """The format changes no finding."""
    table = _with(answers, "score", 3.0, [8])
    table.to_csv(tmp_path / "a.csv", index=False)
    table.astype({"score": float}).to_parquet(tmp_path / "a.parquet")
    assert check_file(tmp_path / "a.csv", min_answers=50) == check_file(
        tmp_path / "a.parquet", min_answers=50
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[(column, value) for column in REQUIRED for value in (None, "", " ", ["a"], 1.5, b"a")],
        *[(column, "five words are no name") for column in ("source", "model", "model_canonical")],
        *[(column, value) for column in ("output_tokens", "latency_s") for value in (None, "", -1, "many")],
        ("score", True),
        ("score", "0.5"),
        ("prompt", "a\x00b"),
        ("prompt_id", 7),
        ("category", 1.5),
    ],
)
def test_the_check_and_training_agree(answers: pd.DataFrame, column: str, value: object) -> None:
    """What the check calls usable is read, and what it refuses is refused for its first reason."""
    table = _with(answers.assign(latency_s=1.0, category="x"), column, value, [4])
    report = check_table(table, min_answers=50)
    if report.is_usable:
        assert len(corpora.check_answers(table)) == len(answers)
        return
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(table)
    assert str(caught.value) == str(report.findings[0])


def test_lengths_are_needed(answers: pd.DataFrame) -> None:
    """Training refuses a table without any, or whose only ones are held out, and so does the check."""
    held_out = corpora.held_out(answers, 0)
    tables = (
        answers.drop(columns="output_tokens"),
        answers.assign(output_tokens=None),
        answers.assign(output_tokens=answers["output_tokens"].where(held_out)),
        answers.assign(source="routellm_mmlu"),  # its counts are not of real answers
    )
    for table in tables:
        assert _errors(check_table(table, min_answers=50)) == [
            ("output_tokens", "expected at least one count, got none; see data/corpora.md", ())
        ]


@given(
    column=st.sampled_from(
        ["source", "prompt_id", "prompt_key", "prompt", "model", "model_canonical", "score"]
    ),
    drop=st.booleans(),
)
def test_no_prompt_is_ever_shown(column: str, drop: bool) -> None:
    """Wherever a text stands, even as a header or a name, no finding repeats it."""
    text = f"my secret number is {SECRET} today"
    values = {name: [text, text] for name in REQUIRED}
    table = pd.DataFrame(values | {text: [1, 2]})
    if drop:
        table = table.drop(columns=column)
    assert SECRET not in str(check_table(table, min_answers=2).as_json())
    good = table.assign(score=[0.0, 1.0], source="mine", model=["a", "b"], model_canonical="c")
    assert SECRET not in str(check_table(good, min_answers=2).as_json())


def test_rows_alone_can_be_checked(answers: pd.DataFrame) -> None:
    """A table too small to learn from may still be well formed."""
    assert check_rows(answers.iloc[:3].assign(prompt_key="k1", prompt="What is 2 + 2?")) == []
