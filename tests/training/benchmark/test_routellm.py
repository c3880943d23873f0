"""`clearway benchmark routellm`, from the corpora to the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from clearway.errors import TrainingDataError
from training.benchmark.cli import app
from training.benchmark.published import PUBLISHED
from training.benchmark.routellm import measure, read_contaminated


@pytest.fixture
def result(routellm_answers: pd.DataFrame, quick_learner: None) -> dict[str, Any]:
    """Two draws."""
    return measure(routellm_answers, ["routellm_mmlu/3"], n_draws=2, min_answers=2, seed=0)


def test_every_row_has_its_baselines(result: dict[str, Any]) -> None:
    """Four rows; in each the classifier stands beside kNN, shuffled labels and the oracle, which is best."""
    assert [(row["benchmark"], row["n_draws"]) for row in result["rows"]] == [
        ("MMLU", 2),
        ("MMLU", 2),
        ("GSM8K", 1),
        ("MT-Bench", 1),
    ]
    for row in result["rows"]:
        for way in ("success", "neighbours", "shuffled"):
            assert row["oracle"]["apgr"]["value"] >= row[way]["apgr"]["value"]
    assert result["random"] == {"apgr": 0.5, "cpt_50": 0.5, "cpt_80": 0.8}
    assert result["contaminated_answers_left_out"] == 2


def test_what_can_be_learned_is_learned(result: dict[str, Any]) -> None:
    """MMLU's own vocabulary tells who needs the strong model; the mean is over the draws."""
    row = result["rows"][0]
    assert row["success"]["apgr"]["value"] > 0.6
    assert row["success"]["apgr"]["value"] == pytest.approx(np.mean(row["apgr_of_draws"]), abs=1e-5)


def test_published_rows_are_those_of_the_paper() -> None:
    """The best rows that the issue quotes are among them."""
    best = {
        name: max(row.apgr for row in PUBLISHED if row.benchmark == name)
        for name in ("MMLU", "GSM8K", "MT-Bench")
    }
    assert best == {"MMLU": 0.603, "GSM8K": 0.622, "MT-Bench": 0.802}
    mmlu = [row for row in PUBLISHED if row.benchmark == "MMLU"]
    assert min(row.cpt_50 for row in mmlu) == 0.354
    assert min(row.cpt_80 for row in mmlu) == 0.7031


def _corpora(folder: Path, table: pd.DataFrame) -> Path:
    routing = folder / "routing"
    routing.mkdir()
    table.to_parquet(routing / "graded_answers.parquet")
    (routing / "routellm_contaminated_prompt_ids.json").write_text('["routellm_mmlu/3"]')
    return folder


def test_command(
    tmp_path: Path, routellm_answers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, quick_learner: None
) -> None:
    """JSON for programs, a table with the published rows for people, and a plot a row."""
    monkeypatch.setenv("CLEARWAY_CORPORA", str(_corpora(tmp_path, routellm_answers)))
    command = ["routellm", "--repeats", "1", "--plots", str(tmp_path / "plots")]
    printed = CliRunner().invoke(app, command, catch_exceptions=False)
    assert printed.exit_code == 0
    for text in ("0.603", "0.622", "0.802", "kNN", "random", "oracle", "arXiv 2406.18665"):
        assert text in printed.stdout
    assert len(list((tmp_path / "plots").glob("*.png"))) == 4
    again = CliRunner().invoke(app, ["routellm", "--repeats", "1", "--json"], catch_exceptions=False)
    assert json.loads(again.stdout)["rows"][0]["row"] == "1,500 prompts alone"


def test_without_the_corpora_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes no table of one's own, and the text offers none."""
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    with pytest.raises(TrainingDataError) as caught:
        CliRunner().invoke(app, ["routellm"], catch_exceptions=False)
    assert str(caught.value) == (
        "CLEARWAY_CORPORA: expected the folder that holds routing/graded_answers.parquet, got nothing; "
        "set it; data/corpora.md says where the corpora come from"
    )


@pytest.mark.parametrize(
    ("text", "got"), [("{", "JSONDecodeError"), ('{"a": 1}', "something else"), ("[1]", "something else")]
)
def test_bad_list_of_contaminated_prompts(tmp_path: Path, text: str, got: str) -> None:
    """Without the list the results would be said to be clean and not be."""
    path = tmp_path / "ids.json"
    path.write_text(text)
    with pytest.raises(TrainingDataError) as caught:
        read_contaminated(path)
    assert str(caught.value) == f"{path}: expected a JSON list of prompt ids, got {got}"


def test_missing_list_of_contaminated_prompts(tmp_path: Path) -> None:
    """A missing list is an error."""
    with pytest.raises(TrainingDataError) as caught:
        read_contaminated(tmp_path / "none.json")
    assert (
        str(caught.value)
        == f"{tmp_path / 'none.json'}: expected a JSON list of prompt ids, got FileNotFoundError"
    )
