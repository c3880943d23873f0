"""The tidy table is read strictly, and no question is on both sides of a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import TrainingDataError
from training import corpora
from training.answer_table import HOW_TO_KEY, REQUIRED


def _with(answers: pd.DataFrame, column: str, value: object, rows: list[int]) -> pd.DataFrame:
    values: list[object] = answers[column].tolist()
    for row in rows:
        values[row] = value
    return answers.assign(**{column: pd.Series(values, dtype=object)})


@pytest.mark.parametrize(
    ("column", "value", "rows", "text"),
    [
        ("score", 1.01, [4], "score: expected a number from 0 to 1 (row 5)"),
        ("score", -0.1, [0], "score: expected a number from 0 to 1 (row 1)"),
        ("score", "good", [1, 2], "score: expected a number from 0 to 1 (row 2, 3)"),
        ("model", "", [7], "model: expected a value, got none or only blanks (row 8)"),
        ("output_tokens", -1, [7], "output_tokens: expected a number from 0 up or nothing (row 8)"),
        (
            "output_tokens",
            "many",
            [0],
            "output_tokens: expected a number from 0 up or nothing (row 1)",
        ),
        ("input_tokens", -1, [3], "input_tokens: expected a number from 0 up or nothing (row 4)"),
        ("cost_usd", np.inf, [2], "cost_usd: expected a number from 0 up or nothing (row 3)"),
    ],
)
def test_bad_value_is_named_with_its_rows(
    answers: pd.DataFrame, column: str, value: object, rows: list[int], text: str
) -> None:
    """A bad value is refused; the text names the column and the rows."""
    full = answers.assign(input_tokens=9, cost_usd=0.1)
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(_with(full, column, value, rows))
    assert str(caught.value) == text


def test_nullable_column_without_a_score_is_named(answers: pd.DataFrame) -> None:
    """A Parquet column that knows missing values is read like any other."""
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(_with(answers, "score", pd.NA, [8]).astype({"score": "Float64"}))
    assert str(caught.value) == "score: expected a number from 0 to 1 (row 9)"


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_scores_at_the_bounds_are_allowed(answers: pd.DataFrame, score: float) -> None:
    """0 and 1 are scores."""
    assert corpora.check_answers(answers.assign(score=score))["score"].eq(score).all()


@pytest.mark.parametrize("column", REQUIRED)
def test_missing_column_is_named(answers: pd.DataFrame, column: str) -> None:
    """Each required column is required."""
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(answers.drop(columns=column))
    hint = f"; {HOW_TO_KEY}" if column == "prompt_key" else ""
    assert str(caught.value) == f"{column}: expected this column, got none; see data/corpora.md{hint}"


def test_duplicate_is_refused(answers: pd.DataFrame) -> None:
    """One answer of one model to one prompt is graded once."""
    twice = pd.concat([answers, answers.iloc[[3]]], ignore_index=True)
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(twice)
    assert str(caught.value) == ("source, prompt_id, model: expected each combination once (row 4, 361)")


def test_optional_columns_survive(answers: pd.DataFrame) -> None:
    """Counts and category are kept; what is not there is NaN or empty."""
    checked = corpora.check_answers(
        answers.assign(input_tokens=9, cost_usd=0.1, category=pd.Series(["sums", None] * 180, dtype=object))
    )
    bare = corpora.check_answers(answers)
    assert checked.columns.tolist() == bare.columns.tolist() == list(corpora.READ)
    assert checked["input_tokens"].eq(9.0).all()
    assert checked["cost_usd"].eq(0.1).all()
    assert set(checked["category"]) == {"sums", ""}
    assert bare[["input_tokens", "cost_usd"]].isna().all(axis=None)
    assert bare["category"].eq("").all()


def test_empty_table_is_refused(answers: pd.DataFrame) -> None:
    """Nothing can be learned from nothing."""
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(answers.iloc[:0])
    assert str(caught.value) == "graded answers: expected at least one row, got none"


def test_file_that_is_missing_or_no_table(tmp_path: Path) -> None:
    """The text names the file."""
    missing = tmp_path / "none.parquet"
    with pytest.raises(TrainingDataError) as caught:
        corpora.read_answers(missing)
    assert str(caught.value) == f"{missing}: expected a file of graded answers, got none; see data/corpora.md"
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not parquet")
    with pytest.raises(TrainingDataError) as caught:
        corpora.read_answers(broken)
    assert str(caught.value) == f"{broken}: expected Parquet, or CSV in a .csv file, got ArrowInvalid"


def test_more_rows_than_ten_are_counted(answers: pd.DataFrame) -> None:
    """The text names the first ten and says how many more there are."""
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(answers.assign(prompt_key=None))
    text = f"prompt_key: expected a value, got none or only blanks; {HOW_TO_KEY} "
    assert str(caught.value) == text + "(row 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 350 more)"


def test_a_fault_names_its_file(answers: pd.DataFrame, tmp_path: Path) -> None:
    """Where a command reads two tables it is plain which one is meant."""
    answers.assign(score=2.0).iloc[:1].to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(TrainingDataError) as caught:
        corpora.read_answers(tmp_path / "a.csv")
    assert str(caught.value) == f"{tmp_path / 'a.csv'}: score: expected a number from 0 to 1 (row 1)"


def test_csv_and_parquet_say_the_same(answers: pd.DataFrame, tmp_path: Path) -> None:
    """Neither the format nor the order of the rows changes what is learned from."""
    answers.to_csv(tmp_path / "a.csv", index=False)
    answers.sample(frac=1, random_state=3).to_parquet(tmp_path / "a.parquet")
    digests = {corpora.data_digest(corpora.read_answers(tmp_path / name)) for name in ("a.csv", "a.parquet")}
    assert digests == {corpora.data_digest(corpora.check_answers(answers))}


def test_ids_like_numbers_stay_as_written(answers: pd.DataFrame, tmp_path: Path) -> None:
    """A key such as 007 is text, in CSV too."""
    answers.assign(prompt_key="007").to_csv(tmp_path / "a.csv", index=False)
    assert set(corpora.read_answers(tmp_path / "a.csv")["prompt_key"]) == {"007"}


def test_corpora_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable the text says what to set, and where to read about it."""
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    with pytest.raises(TrainingDataError) as caught:
        corpora.default_answers()
    assert str(caught.value) == (
        "CLEARWAY_CORPORA: expected the folder that holds routing/graded_answers.parquet, got nothing; "
        "data/corpora.md says where the corpora come from. Or give your own table: --answers FILE"
    )
    monkeypatch.setenv("CLEARWAY_CORPORA", "/corpora")
    assert corpora.default_answers() == Path("/corpora/routing/graded_answers.parquet")


@pytest.mark.parametrize(
    ("source", "score", "adequate"),
    [
        ("zeroeval_gsm", 0.99, False),
        ("zeroeval_gsm", 1.0, True),
        ("routellm_mt_bench", 0.6, False),
        ("routellm_mt_bench", float(np.float32(0.7)), True),
        ("llmrouter_nvidia9", 0.49, False),
        ("llmrouter_nvidia9", 0.5, True),
        ("alpaca_eval1", 0.5, True),
        ("bfcl_20240811", 0.5, False),
        ("my_own", 0.5, True),
    ],
)
def test_adequacy_rule(answers: pd.DataFrame, source: str, score: float, adequate: bool) -> None:
    """Each source has its threshold; a score stored in single precision still reaches it."""
    table = corpora.check_answers(answers.assign(source=source, score=score))
    assert corpora.select_sources(table, ())["adequate"].eq(adequate).all()


def test_win_rates_never_train(answers: pd.DataFrame) -> None:
    """Win rates are dropped, and refused when asked for by name."""
    table = corpora.check_answers(
        answers.assign(source=np.where(answers["source"] == "zeroeval_gsm", "alpaca_eval2", "mine"))
    )
    assert set(corpora.select_sources(table, ())["source"]) == {"mine"}
    with pytest.raises(TrainingDataError) as caught:
        corpora.select_sources(table, ("alpaca_eval2",))
    assert str(caught.value) == (
        "source: alpaca_eval2 holds win rates against one opponent, which do not say whether an answer is "
        "adequate; leave it out"
    )
    with pytest.raises(TrainingDataError) as caught:
        corpora.select_sources(table[table["source"] == "alpaca_eval2"], ())
    assert str(caught.value) == "source: expected at least one source that may train, got none"


def test_unknown_source_is_named(answers: pd.DataFrame) -> None:
    """The text lists what there is."""
    with pytest.raises(TrainingDataError) as caught:
        corpora.select_sources(corpora.check_answers(answers), ("mmlu",))
    assert str(caught.value) == "source: expected one of routellm_gsm8k, zeroeval_gsm, got mmlu"


def test_shipped_sources_are_permissive() -> None:
    """Sources without a permissive licence are never in the shipped weights."""
    assert not {"alpaca_eval1", "alpaca_eval2", "bfcl_20240811", "routerbench_sample"} & set(
        corpora.SHIPPED_SOURCES
    )
    assert len(corpora.SHIPPED_SOURCES) == 9


def test_models_left_out_are_said(answers: pd.DataFrame) -> None:
    """Too few answers, or one kind only: left out, with the reason."""
    table = corpora.select_sources(corpora.check_answers(answers), ())
    table.loc[table["reference_model"] == "strong", "adequate"] = True
    table.loc[table["reference_model"] == "tiny", "adequate"] = False
    few = table.drop(table.index[table["reference_model"] == "weak"][:1])
    kept, excluded = corpora.select_models(few, 119)
    assert set(kept["reference_model"]) == {"weak"}
    assert excluded == {
        "strong": "all 120 graded answers are adequate",
        "tiny": "all 120 graded answers are inadequate",
    }
    with pytest.raises(TrainingDataError) as caught:
        corpora.select_models(few, 120)
    assert str(caught.value) == (
        "reference_model: expected a model with 120 graded answers of both kinds, got none; "
        "add answers, or lower --min-answers where the command has it"
    )


def test_ways_of_calling_one_model_are_told_apart(answers: pd.DataFrame) -> None:
    """Where a source tried a model in two ways, each is learned by itself; elsewhere the model adds up."""
    gsm = corpora.check_answers(answers[answers["source"] == "zeroeval_gsm"])
    called = gsm[gsm["model_canonical"] == "weak"].assign(model="weak-FC")
    table = pd.concat([gsm, called, corpora.check_answers(answers[answers["source"] == "routellm_gsm8k"])])
    names = corpora.reference_models(table.reset_index(drop=True))
    assert set(names[table["source"].to_numpy() == "zeroeval_gsm"]) == {
        "strong",
        "tiny",
        "weak-upstream",
        "weak-FC",
    }
    assert set(names[table["source"].to_numpy() == "routellm_gsm8k"]) == {"strong", "tiny", "weak"}


@given(seed=st.integers(0, 2**31), keys=st.lists(st.text(max_size=5), min_size=1, max_size=50))
def test_no_question_is_on_both_sides(seed: int, keys: list[str]) -> None:
    """Rows of one prompt key fall together, for any seed and in any order."""
    side = dict(zip(keys, corpora.parts_of(keys, seed, 5).tolist(), strict=True))
    assert corpora.parts_of(keys[::-1], seed, 5).tolist() == [side[key] for key in reversed(keys)]


def test_equal_texts_are_one_question(answers: pd.DataFrame) -> None:
    """However they are cased and spaced, and with all else that their keys name; other keys stay."""
    table = answers.iloc[[0, 3, 6, 9, 12]].assign(
        prompt=["One  apple? ", "one apple?", "Two?", "Three?", "three?"],
        prompt_key=["k2", "k5", "k5", "k4", "k4"],
    )
    keys = corpora.check_answers(table).set_index("prompt")["prompt_key"].to_dict()
    assert keys == {"One  apple? ": "k2", "one apple?": "k2", "Two?": "k2", "Three?": "k4", "three?": "k4"}


@given(
    rows=st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), min_size=1, max_size=12)
)
def test_neither_a_text_nor_a_key_is_divided(rows: list[tuple[str, str]]) -> None:
    """Rows that share a text or a key have one key, one of theirs; checking again changes nothing."""
    fixed = {"source": "s", "model": "m", "model_canonical": "m", "score": 1.0}
    made = [{**fixed, "prompt_id": f"p{n:02}", "prompt": p, "prompt_key": k} for n, (p, k) in enumerate(rows)]
    checked = corpora.check_answers(pd.DataFrame(made))
    given_keys = pd.Series([key for _, key in rows])
    for names in (checked["prompt"], given_keys):
        assert (checked["prompt_key"].groupby(names).nunique() == 1).all()
    assert set(checked["prompt_key"]) <= set(given_keys)
    pd.testing.assert_frame_equal(corpora.check_answers(checked), checked)


def test_about_a_fifth_is_held_out() -> None:
    """The hash spreads keys evenly."""
    table = pd.DataFrame({"prompt_key": [f"k{index}" for index in range(5000)]})
    assert 0.18 < corpora.held_out(table, 0).mean() < 0.22


@pytest.mark.parametrize("column", ["source", "model", "model_canonical"])
@pytest.mark.parametrize("value", ["How many boxes are left?", "x" * 81, "one two three four five", "a\nb"])
def test_a_prompt_in_a_column_of_names_is_not_shown(answers: pd.DataFrame, column: str, value: str) -> None:
    """Shifted columns would bring prompts into reports; the text names the rows only."""
    table = answers.copy()
    table.loc[2, column] = value
    with pytest.raises(TrainingDataError) as caught:
        corpora.check_answers(table)
    assert str(caught.value) == (
        f"{column}: expected a name, which goes into reports, of at most 4 words and 80 characters (row 3)"
    )
