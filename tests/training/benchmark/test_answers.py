"""`clearway benchmark answers`, from two tables to the report."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from clearway.errors import ClearwayError, ConfigurationError
from training import corpora, evaluation
from training.benchmark import answers_tables, plotting
from training.benchmark.answers import PREDICTION_COLUMNS, measure, write_predictions
from training.benchmark.cli import app
from training.benchmark.prices import Prices

PRICES = "model_canonical,input_usd_per_mtok,output_usd_per_mtok\nstrong,10,30\nweak,1,2\ntiny,0.1,0.2\n"
PRICED = Prices({"strong": (10.0, 30.0), "weak": (1.0, 2.0), "tiny": (0.1, 0.2)})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, answers: pd.DataFrame) -> dict[str, Path]:
    """Both sides and prices."""
    folder = tmp_path_factory.mktemp("tables")
    is_test = corpora.held_out(answers, 0, n_parts=3)
    answers[~is_test].to_parquet(folder / "train.parquet")
    answers[is_test].to_csv(folder / "test.csv", index=False)
    (folder / "prices.csv").write_text(PRICES)
    return {"train": folder / "train.parquet", "test": folder / "test.csv", "prices": folder / "prices.csv"}


def _command(files: dict[str, Path], *more: str) -> list[str]:
    return ["answers", *(word for name, path in files.items() for word in (f"--{name}", str(path))), *more]


@pytest.fixture(scope="module")
def done(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What `--json` printed, and the folder with predictions and plots."""
    folder = tmp_path_factory.mktemp("out")
    more = ("--json", "--predictions", str(folder / "p.parquet"), "--plots", str(folder / "plots"))
    result = CliRunner().invoke(app, _command(files, *more), catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout), folder


def test_predictions_let_anyone_check(done: tuple[dict[str, Any], Path], files: dict[str, Path]) -> None:
    """One row for each test row, with the table's own model names; the printed AUC follows from them."""
    result, folder = done
    predicted = pd.read_parquet(folder / "p.parquet")
    test = pd.read_csv(files["test"])
    assert tuple(predicted.columns) == PREDICTION_COLUMNS
    assert list(folder.glob(".*")) == []
    joined = test.merge(predicted, on=["source", "prompt_id", "model"], validate="one_to_one")
    assert len(joined) == len(test) == len(predicted)
    assert predicted["success"].between(0, 1).all()
    assert (predicted["expected_output_tokens"] >= 1).all()
    for source, part in joined.groupby("source"):
        own = evaluation.auc(
            part["success"].to_numpy(), part["score"].to_numpy(), part["score"].to_numpy() * 0 + 1
        )
        shown = result["sources"][source]["metrics"]["success"]["auc_pooled"]["value"]
        assert shown == pytest.approx(own, abs=1e-6)


def test_every_source_is_reported_with_its_baselines(done: tuple[dict[str, Any], Path]) -> None:
    """Probabilities, cost and savings, each beside what it must beat."""
    result, _ = done
    assert list(result["sources"]) == ["routellm_gsm8k", "zeroeval_gsm"]
    for facts in result["sources"].values():
        assert set(facts["metrics"]) == {"success", "neighbours", "shuffled"}
        assert facts["cost_error"]["output"]["value"] == pytest.approx(1, abs=0.25)
        (comparison,) = facts["savings"]["by"]
        assert set(comparison["aiq"]) == {"success", "neighbours", "shuffled", "zero_router"}
        for target in ("equal", "at_98"):
            assert set(comparison["chosen_on_training"][target]) == {
                "success",
                "random_same_mix",
                "neighbours",
                "zero_router",
            }
        assert facts["pair"] is None


def test_plots(done: tuple[dict[str, Any], Path]) -> None:
    """A reliability diagram and a cost curve for each source."""
    _, folder = done
    assert sorted(path.name for path in (folder / "plots").iterdir()) == [
        "routellm_gsm8k-cost-adequate.png",
        "routellm_gsm8k-reliability.png",
        "zeroeval_gsm-cost-adequate.png",
        "zeroeval_gsm-reliability.png",
    ]


def test_same_tables_same_numbers(answers: pd.DataFrame, quick_learner: None) -> None:
    """Nothing hangs on the order of the rows in a file, or on chance."""
    is_test = corpora.held_out(answers, 0, n_parts=3)
    results = []
    for seed in (0, 1):
        sides = [
            corpora.check_answers(part.sample(frac=1, random_state=seed))
            for part in (answers[~is_test], answers[is_test])
        ]
        results.append(measure(sides[0], sides[1], PRICED)[0])
    assert json.dumps(results[0]) == json.dumps(results[1])


def test_table_for_people(files: dict[str, Path], quick_learner: None) -> None:
    """Without --json there are tables; without prices the savings are left out, and that is said."""
    tables = {name: files[name] for name in ("train", "test")}
    command = _command(tables, "--source", "zeroeval_gsm", "--min-answers", "20")
    result = CliRunner(env={"CLEARWAY_CORPORA": ""}).invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert "zeroeval_gsm: no savings: no prices were given" in result.stdout
    assert "routellm_gsm8k" not in result.stdout


def test_savings_for_people(files: dict[str, Path], quick_learner: None) -> None:
    """The achieved quality stands beside the saving, and the baselines below."""
    result = CliRunner().invoke(app, _command(files), catch_exceptions=False)
    for text in (
        "quality achieved",
        "zero-router",
        "random, same mix",
        "oracle",
        "shuffled",
        "kNN",
        "AIQ over",
    ):
        assert text in result.stdout


def test_prompts_outside_training_are_counted_and_routed_to_the_best_single_model(
    answers: pd.DataFrame, quick_learner: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where all of a source's test prompts are outside, nothing is saved on it, and the share is said."""
    table = corpora.check_answers(answers)
    is_test = corpora.held_out(table, 0, n_parts=3)
    is_outside = is_test & (table["source"] == "zeroeval_gsm")
    odd = table.assign(prompt=table["prompt"].where(~is_outside, "outside " + table["prompt"]))
    result, _ = measure(odd[~is_test], odd[is_test], PRICED)
    shares = {name: facts["share_outside"] for name, facts in result["sources"].items()}
    assert shares == {"routellm_gsm8k": 0.0, "zeroeval_gsm": 1.0}
    (comparison,) = result["sources"]["zeroeval_gsm"]["savings"]["by"]
    assert all(way["success"]["saving"]["value"] == 0 for way in comparison["chosen_on_training"].values())
    answers_tables.show(result, as_json=False)
    line = "which the best single model answers: routellm_gsm8k 0.0%, zeroeval_gsm 100.0%"
    assert line in capsys.readouterr().out


def test_names_with_brackets_are_printed_as_they_are(
    answers: pd.DataFrame, capsys: pytest.CaptureFixture[str], quick_learner: None
) -> None:
    """Names of one's own sources and models are text, not markup."""
    table = answers[answers["source"] == "zeroeval_gsm"].assign(source="[red]mine")
    odd = table.assign(model=table["model"] + "[/b]", model_canonical=table["model_canonical"] + "[/b]")
    checked = corpora.check_answers(odd[odd["model_canonical"] != "tiny[/b]"])
    is_test = corpora.held_out(checked, 0, n_parts=3)
    result, _ = measure(
        checked[~is_test], checked[is_test], Prices({"strong[/b]": (10.0, 30.0)}), min_answers=20
    )
    answers_tables.show(result, as_json=False)
    printed = capsys.readouterr().out
    assert "[red]mine: no savings: fewer than two models have a price" in printed
    assert "[red]mine: strong[/b] against weak[/b]" in printed


def test_two_models_get_apgr(answers: pd.DataFrame, quick_learner: None) -> None:
    """A source of two models gets APGR and CPT, ranked by the difference of the two."""
    pair = corpora.check_answers(answers[answers["model"] != "tiny-upstream"])
    is_test = corpora.held_out(pair, 0, n_parts=3)
    result, _ = measure(pair[~is_test], pair[is_test], None, sources=["zeroeval_gsm"], min_answers=20)
    facts = result["sources"]["zeroeval_gsm"]["pair"]
    assert (facts["strong"], facts["weak"]) == ("strong", "weak")
    assert facts["oracle"]["apgr"]["value"] >= facts["success"]["apgr"]["value"] > 0.5


def test_an_unseen_source_is_measured_without_a_threshold(answers: pd.DataFrame, quick_learner: None) -> None:
    """A source that training lacks is shown, not hidden: no kNN, no threshold, the curve's reading alone."""
    table = corpora.check_answers(answers)
    is_seen = table["source"] == "zeroeval_gsm"
    kept = ~table["prompt_key"].isin(set(table.loc[is_seen, "prompt_key"]))
    test = table[~is_seen] if not kept.any() else table[~is_seen & kept]
    train = table[is_seen & ~table["prompt_key"].isin(set(test["prompt_key"].unique()[:15]))]
    test = test[~test["prompt_key"].isin(set(train["prompt_key"]))]
    result, _ = measure(train, test, PRICED)
    facts = result["sources"]["routellm_gsm8k"]
    assert set(facts["metrics"]) == {"success", "shuffled"}
    assert facts["n_training_answers"] == 0
    assert facts["savings"]["by"][0]["chosen_on_training"] == {"equal": None, "at_98": None}


def test_without_lengths_to_learn_there_are_no_costs(
    answers: pd.DataFrame, quick_learner: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no training answer counts its tokens, cost error and savings are left out, with the reason."""
    table = corpora.check_answers(answers)
    is_test = corpora.held_out(table, 0, n_parts=3)
    train = table[~is_test].assign(output_tokens=np.nan)
    result, predicted = measure(train, table[is_test], PRICED, sources=["zeroeval_gsm"], min_answers=20)
    reason = "no length was learned: no training answer counts its output tokens"
    facts = result["sources"]["zeroeval_gsm"]
    assert facts["cost_error"] == {"left_out": reason}
    assert facts["savings"]["left_out"] == reason
    assert facts["metrics"]["success"]["auc_pooled"]["value"] > 0.5
    assert predicted["expected_output_tokens"].isna().all()
    answers_tables.show(result, as_json=False)
    assert f"zeroeval_gsm: no savings: {reason}" in capsys.readouterr().out


def test_prices_of_no_model(answers: pd.DataFrame, quick_learner: None) -> None:
    """Where no model has a price there are no savings, and each model's reason is given."""
    table = corpora.check_answers(answers)
    is_test = corpora.held_out(table, 0, n_parts=3)
    result, _ = measure(table[~is_test], table[is_test], Prices({}), sources=["zeroeval_gsm"], min_answers=20)
    savings = result["sources"]["zeroeval_gsm"]["savings"]
    assert savings["left_out"] == "fewer than two models have a price and a known cost"
    assert savings["models_left_out"] == dict.fromkeys(("strong", "weak", "tiny"), "no price")


def test_output_that_cannot_be_written_is_refused_before_training(
    files: dict[str, Path], tmp_path: Path
) -> None:
    """A folder that is not there is noticed at once."""
    out = tmp_path / "none" / "p.parquet"
    with pytest.raises(ConfigurationError) as caught:
        CliRunner().invoke(app, _command(files, "--predictions", str(out)), catch_exceptions=False)
    assert str(caught.value) == f"{out}: expected a file in a folder that exists, got none"


def test_predictions_that_exist_are_not_overwritten(files: dict[str, Path], tmp_path: Path) -> None:
    """They may be the only copy of an earlier run; it is said before the training."""
    out = tmp_path / "p.parquet"
    out.write_text("earlier")
    with pytest.raises(ConfigurationError) as caught:
        CliRunner().invoke(app, _command(files, "--predictions", str(out)), catch_exceptions=False)
    assert str(caught.value) == (
        f"{out}: expected no such file yet, got one; remove it or give another --predictions"
    )
    assert out.read_text() == "earlier"


@pytest.mark.parametrize(
    ("fault", "got"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("odd"), "OSError"),
    ],
)
def test_a_full_disk_leaves_no_half_written_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError, got: str
) -> None:
    """It is an error that says what the system said."""

    def to_parquet(table: pd.DataFrame, path: Path, **_: object) -> None:
        path.write_bytes(b"PAR1")
        raise fault

    monkeypatch.setattr(pd.DataFrame, "to_parquet", to_parquet)
    out = tmp_path / "p.parquet"
    with pytest.raises(ConfigurationError) as caught:
        write_predictions(pd.DataFrame(), out)
    assert str(caught.value) == f"{out}: expected to write the predictions, got: {got}"
    assert list(tmp_path.iterdir()) == []


def test_plots_need_a_folder_and_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the way, or no matplotlib, is said before the training."""
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(ConfigurationError) as caught:
        plotting.check(path)
    assert str(caught.value) == f"{path}: expected a folder for plots, got a file"
    monkeypatch.setattr(plotting, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError) as caught:
        plotting.check(tmp_path)
    assert str(caught.value) == "--plots: expected matplotlib, got none; pip install matplotlib"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xff\xfe\x00", "expected UTF-8, got another encoding in line 1"),
        (b"source,prompt_id\na,b\n", "prompt_key: expected this column, got none; see data/corpora.md"),
        (b"", "expected CSV that begins with a header, got an empty line or file"),
    ],
)
def test_bad_test_table(files: dict[str, Path], tmp_path: Path, content: bytes, text: str) -> None:
    """A table that is none is one clear error."""
    path = tmp_path / "test.csv"
    path.write_bytes(content)
    with pytest.raises(ClearwayError, match=text):
        CliRunner().invoke(app, _command({**files, "test": path}), catch_exceptions=False)
