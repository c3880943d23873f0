"""Graded answers become rows: compared where every model answered, set aside and counted elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clearway.errors import ConfigurationError, TrainingDataError
from clearway.installation import Settings
from clearway.register import load_register
from clearway.testing import FakeSensitivity
from tests.training.benchmark.conftest import QuickLearned
from training import learning
from training.report.gathered import Costs, Gathered
from training.report.routed import ARMS, COLUMNS, bucket_of
from training.report.sources import from_answers
from training.report.sources.answer_rows import places_of
from training.report.sources.posture import is_nowhere_weaker

N = 200
MODELS = {"gpt-4o": (0.95, 0.95), "small": (0.95, 0.2), "tiny": (0.6, 0.05)}
PRICES = {"gpt-4o": (2.5, 10.0), "small": (0.1, 0.4), "tiny": (0.05, 0.2)}
Run = Callable[..., Gathered]


def make_answers(n: int = N, sources: tuple[str, ...] = ("own",)) -> pd.DataFrame:
    """Three models; at hard questions only the dear one is good. Grades by arithmetic, so without chance."""
    rows = []
    for source in sources:
        for index in range(n):
            kind = "hard" if index % 2 else "easy"
            for model, chances in MODELS.items():
                chance = chances[index % 2]
                rows.append(
                    {
                        "source": source,
                        "prompt_id": f"{source}-{index:03}",
                        "prompt_key": f"k{index}",
                        "prompt": f"{source}: {kind} question {index}",
                        "category": kind,
                        "model": model,
                        "model_canonical": model,
                        "score": float((index * 37 % 100) / 100 < chance),
                        "input_tokens": 100,
                        "output_tokens": 50,
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Gathers from tables, with a learner that takes no time."""

    def learn(table: pd.DataFrame, *, seed: int, report: object = None) -> QuickLearned:
        return QuickLearned(tuple(sorted(table["reference_model"].unique())), table)

    monkeypatch.setattr(learning, "learn", learn)

    def gathered(train: pd.DataFrame, test: pd.DataFrame | None = None, **options: Any) -> Gathered:
        train.to_parquet(tmp_path / "train.parquet")
        if test is not None:
            test.to_parquet(tmp_path / "test.parquet")
        prices = pd.DataFrame([(model, *price) for model, price in options.pop("prices", PRICES).items()])
        prices.columns = pd.Index(["model_canonical", "input_usd_per_mtok", "output_usd_per_mtok"])
        prices.to_csv(tmp_path / "prices.csv", index=False)
        return from_answers.gather(
            tmp_path / "train.parquet",
            None if test is None else tmp_path / "test.parquet",
            tmp_path / "rows",
            prices=tmp_path / "prices.csv",
            settings=Settings.of({}),
            is_scanned=options.pop("is_scanned", False),
            **options,
        )

    return gathered


def _rows(gathered: Gathered) -> pd.DataFrame:
    return pd.read_parquet(gathered.rows)


def test_one_row_for_each_test_prompt(run: Run) -> None:
    """A fifth of the questions, with every column; no text of a prompt stands in any of them."""
    gathered = run(make_answers())
    rows = _rows(gathered)
    assert list(rows.columns) == [column.name for column in COLUMNS]
    assert 20 < len(rows) < 60
    assert set(rows["verdict"]) == {"route"}
    assert rows["request_id"].is_unique
    assert "question" not in rows.to_json()
    assert any("One question in five was held out" in note for note in gathered.notes)


def test_what_a_row_says(run: Run) -> None:
    """Money in nano-dollars of counted tokens, quality measured, drawn by question, before from training."""
    rows = _rows(run(make_answers(), costs=Costs(7, "a guess"))).set_index("request_id")
    name = rows.index[0]
    row = rows.loc[name]
    dear = int((100 * 2.5 + 50 * 10) * 1000)
    index = int(name[-3:])
    assert (row["before_model"], row["before_nusd"], row["router_nusd"]) == ("gpt-4o", dear, 7)
    assert row["oracle_nusd"] <= row["spent_nusd"] == row["expected_nusd"] <= dear
    assert row["bucket"] == bucket_of(f"k{index}")
    assert row["quality_ppm"] in (0, 1_000_000)
    assert (row["quality_basis"], row["before_quality_basis"]) == ("measured", "measured")
    assert (row["source"], row["category"], row["length"]) == (
        "own",
        "hard" if index % 2 else "easy",
        "short",
    )
    assert (row["language"], row["classes"], row["detector_sha256"]) == ("", "", "")
    assert pd.isna(row["n_matched_calls"])
    assert row["n_calls"] == 0


def test_arms_are_known_at_every_compared_prompt(run: Run) -> None:
    """So that all of them are paired."""
    rows = _rows(run(make_answers()))
    for arm in ARMS:
        assert rows[f"{arm}_nusd"].notna().all()
        assert rows[f"{arm}_quality_ppm"].between(0, 1_000_000).all()
    assert rows["spent_nusd"].sum() < 0.8 * rows["before_nusd"].sum()
    assert rows["oracle_quality_ppm"].sum() >= rows["quality_ppm"].sum()


def test_a_model_of_the_register_has_its_place(run: Run) -> None:
    """Others are said to be in no register, in a region that is unknown."""
    table = make_answers()
    register = load_register(Settings.of({}).register)
    model = min(register.models.values(), key=lambda model: model.id)
    known = model.success.reference
    renamed = table.replace({"gpt-4o": known})
    rows = _rows(run(renamed, prices={**PRICES, known: PRICES["gpt-4o"]}))
    assert set(zip(rows["before_provider"], rows["before_region"], strict=True)) == {
        (model.provider, model.region)
    }
    others = rows[rows["model"] != known]
    assert set(zip(others["provider"], others["region"], strict=True)) == {("not in the register", "unknown")}
    assert rows["posture_nusd"].isna().all()


def test_a_cheaper_model_on_no_weaker_terms_is_what_could_be_routed(run: Run) -> None:
    """Where its predicted success is no lower; at the prompts where it is, nothing could."""
    places = places_of(load_register(Settings.of({}).register))
    home, other = next(
        (one, another)
        for one, another in itertools.permutations(sorted(places), 2)
        if is_nowhere_weaker(places[another], places[one])
    )
    table = make_answers().replace({"gpt-4o": home, "small": other})
    rows = _rows(run(table, prices={home: PRICES["gpt-4o"], other: PRICES["small"], "tiny": PRICES["tiny"]}))
    known = rows.groupby("category")["posture_nusd"]
    assert {name: bool(cost.isna().all()) for name, cost in known} == {"easy": False, "hard": True}
    assert set(rows["posture_nusd"].dropna()) == {int((100 * 0.1 + 50 * 0.4) * 1000)}


def test_prompts_with_gaps_and_faults_are_set_aside_and_counted(run: Run) -> None:
    """One row each, under every code that applies; a repeated answer is only marked."""
    train, test = make_answers(), make_answers(80).assign(prompt_key=lambda t: "t" + t["prompt_key"])
    test["prompt"] = "new " + test["prompt"]
    test.loc[0, "score"] = 7.0
    repeated = test.loc[[4]]
    lost = test.drop(index=6)
    nameless = test.loc[[9]].assign(source="a b c d e f")
    rows = _rows(run(train, pd.concat([lost, repeated, nameless]))).set_index("request_id")
    faults = rows["faults"][rows["faults"] != ""].to_dict()
    assert faults == {
        "own/own-000": "bad_score+missing_answers",
        "own/own-001": "duplicate_answer",
        "own/own-002": "missing_answers",
        "/row 241": "bad_name",
    }
    assert rows.loc["own/own-001", "verdict"] == "route"
    assert (rows["verdict"] == "set_aside").sum() == 3
    assert len(rows) == 81


def test_sources_that_cannot_be_compared_are_set_aside(run: Run) -> None:
    """Win rates, sources without training questions and models without prices, each under its code."""
    train = make_answers(sources=("own", "alpaca_eval2"))
    test = make_answers(60, sources=("own", "alpaca_eval2", "new", "poor"))
    test = test.assign(prompt_key="t" + test["prompt_key"], prompt="new " + test["prompt"])
    poor = train[train["source"] == "own"].assign(source="poor", prompt=lambda t: "poor " + t["prompt"])
    poor["prompt_key"] = "p" + poor["prompt_key"]
    free = {
        "model": {"small": "free", "tiny": "free2"},
        "model_canonical": {"small": "free", "tiny": "free2"},
    }
    test = pd.concat([test[test["source"] != "poor"], test[test["source"] == "poor"].replace(free)])
    gathered = run(pd.concat([train, poor.replace(free)]), test)
    rows = _rows(gathered)
    assert rows.groupby("source")["faults"].agg(set).to_dict() == {
        "own": {""},
        "alpaca_eval2": {"no_adequacy_rule"},
        "new": {"too_few_training_questions"},
        "poor": {"too_few_priced_models"},
    }
    assert [metrics.source for metrics in gathered.router_metrics] == ["own"]


def test_two_models_of_one_name_are_not_mixed_up(run: Run) -> None:
    """A model named as another one's canonical name: the source is set aside, not averaged."""
    train = make_answers(sources=("own", "odd"))
    odd = (train["source"] == "odd").to_numpy()
    train.loc[odd & (train["model"] == "small"), ["model", "model_canonical"]] = ["gpt-4o", "two ways"]
    train.loc[odd & (train["model_canonical"] == "gpt-4o"), "model"] = "gpt-4o by hand"
    train.loc[odd & (train["model"] == "tiny"), "model_canonical"] = "two ways"
    rows = _rows(run(train))
    assert rows.groupby("source")["faults"].agg(set).to_dict() == {
        "odd": {"two_models_of_one_name"},
        "own": {""},
    }


def test_only_the_chosen_sources(run: Run) -> None:
    """The others are neither learned from nor counted."""
    gathered = run(make_answers(sources=("own", "other")), sources=("own",))
    assert set(_rows(gathered)["source"]) == {"own"}


def test_questions_on_both_sides_are_not_learned_from(run: Run) -> None:
    """Their number is said."""
    gathered = run(make_answers(), make_answers(60))
    assert any("180 answers to questions of the test were not learned from" in n for n in gathered.notes)
    assert len(_rows(gathered)) == 60


def test_scanned_prompts_have_classes_and_languages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the detector's digest and name."""
    fake = FakeSensitivity({"question 1": "financial"})
    monkeypatch.setattr("clearway.installation.open_detector", lambda: fake)
    gathered = run(make_answers(), is_scanned=True)
    rows = _rows(gathered)
    assert set(rows["classes"]) == {"", "financial"}
    assert set(rows["language"]) == {"en"}
    assert gathered.detectors == {fake.identity.sha256: f"{fake.identity.name} {fake.identity.version}"}
    assert set(rows["detector_sha256"]) == {fake.identity.sha256}


def test_a_prompt_as_its_own_id_is_not_shown(run: Run) -> None:
    """Only a digest of it; nor is a category that is no name."""
    table = make_answers()
    secret = "my account at the bank is 12345, " + table["prompt_id"] + "?"
    text = _rows(run(table.assign(prompt_id=secret, category="<b>" + table["category"]))).to_json()
    assert "account" not in text
    assert "<b>" not in text
    assert "sha256:" in text


def test_the_same_seed_gives_the_same_rows(run: Run) -> None:
    """To the last number; another seed holds other questions out."""
    first, again, other = (_rows(run(make_answers(), seed=seed)) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["request_id"]) != set(other["request_id"])


def test_without_prices_there_is_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to give."""
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    with pytest.raises(
        ConfigurationError, match=r"prices: expected .* got none; give --prices FILE, a CSV of"
    ):
        from_answers.gather(
            tmp_path / "a.parquet", None, tmp_path / "rows", prices=None, settings=Settings.of({})
        )


def test_without_anything_to_compare_there_is_no_report(run: Run) -> None:
    """The error names each source and its code."""
    test = make_answers(60, sources=("new",)).assign(prompt_key=lambda table: "t" + table["prompt_key"])
    with pytest.raises(TrainingDataError) as caught:
        run(make_answers(), test)
    assert str(caught.value) == (
        "test: expected a source with two priced models and enough training questions, got "
        "new: too_few_training_questions"
    )


def test_models_without_a_price_are_said_before_the_learning(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no source has two that have one; with the file, and at most eight names."""
    monkeypatch.delattr("training.benchmark.trial.arrange")
    table = make_answers(40)
    more = [table[table["model"] == "tiny"].replace({"tiny": f"model-{n}"}) for n in range(9)]
    for answers, told in ((table, "small, tiny"), (pd.concat([table, *more]), None)):
        with pytest.raises(TrainingDataError) as caught:
            run(answers, prices={"gpt-4o": (1.0, 1.0)})
        told = told or "model-0, model-1, model-2, model-3, model-4, model-5, model-6, model-7 and 3 more"
        assert str(caught.value) == (
            f"prices: {tmp_path}/prices.csv has no price of {told}; name yours with --prices FILE"
        )


def test_one_model_without_a_price_is_a_note(run: Run) -> None:
    """Two others can be compared."""
    gathered = run(make_answers(), prices={name: PRICES[name] for name in ("gpt-4o", "small")})
    assert "Models without a price in prices.csv: tiny." in gathered.notes


def test_answers_that_could_not_be_learned_from_are_rows(run: Run) -> None:
    """One each, set aside under its code; those of the test are marked at their prompt, and nothing twice."""
    table = make_answers()
    table.loc[3, "score"] = 7.0
    table.loc[9, "model"] = None
    nameless = table.loc[[12]].assign(source="<b>")
    gathered = run(pd.concat([table, nameless]))
    rows = _rows(gathered)
    faulty = rows[rows["faults"].str.contains("bad_|missing_value")]
    codes = [code for faults in faulty["faults"] for code in faults.split("+")]
    assert [codes.count(code) for code in ("bad_score", "missing_value", "bad_name")] == [1, 1, 1]
    assert set(faulty["verdict"]) == {"set_aside"}
    assert rows["request_id"].is_unique
    unlearned = rows["faults"].str.contains("training_answer")
    assert all("/training " in name for name in rows.loc[unlearned, "request_id"])
    told = [note for note in gathered.notes if "could not be used" in note]
    assert sum(note.count("bad_name") for note in told) == 1


def test_faults_of_a_training_table_of_its_own_are_rows(run: Run) -> None:
    """Beside those of the test, even where both have the same prompt id."""
    train = make_answers()
    train.loc[0, "score"] = 7.0
    test = make_answers(60).assign(prompt_key=lambda table: "t" + table["prompt_key"])
    test["prompt"] = "new " + test["prompt"]
    rows = _rows(run(train, test)).set_index("request_id")
    assert len(rows) == 61
    row = rows.loc["own/own-000/training 1"]
    assert (row["verdict"], row["faults"]) == ("set_aside", "bad_score+training_answer")
    assert rows.loc["own/own-000", "faults"] == ""


def test_an_assumed_length_is_marked(run: Run) -> None:
    """Without token counts every cost rests on 256 output tokens, and every row says so."""
    rows = _rows(run(make_answers().drop(columns="output_tokens")))
    assert set(rows["faults"]) == {"assumed_length"}
    assert set(rows["verdict"]) == {"route"}
    assert set(rows["before_nusd"]) == {int((100 * 2.5 + 256 * 10) * 1000)}


def test_prices_beyond_all_bounds_do_not_overflow(run: Run) -> None:
    """The row is written; the analysis sets it aside."""
    rows = _rows(run(make_answers(), prices={**PRICES, "gpt-4o": (1e30, 1e30)}))
    assert (rows["before_nusd"] == 2**62).all()


def test_too_few_questions_to_split(run: Run) -> None:
    """The error says what would help."""
    table = make_answers().assign(prompt_key="one", prompt="one hard question")
    with pytest.raises(TrainingDataError, match="questions enough to hold one in five out, got 1; give more"):
        run(table)
