"""MLflow's own loader scores prompts as the service does, number for number, here and on Spark."""

from __future__ import annotations

import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clearway.bundle import Bundle, RegistryEntry
from clearway.complexity import OnnxComplexityModel
from clearway.errors import InvalidRequestError
from clearway.request import MAX_CHARACTERS
from clearway.testing import fake_request
from training.scoring import COLUMNS, PromptScorer

PROMPTS = [
    "How many legs has a spider?",
    "",
    "Ünïcode ✓ \U0001f600",
    "def f(x):\n    return x" * 50,
]


def as_served(bundle: Bundle, prompts: list[str]) -> list[dict[str, Any]]:
    """What the model of the service says of each prompt."""
    scored = OnnxComplexityModel(bundle).score_many([fake_request(text) for text in prompts])
    return [
        {
            "n_input_tokens": one.n_input_tokens,
            "difficulty_ppm": one.difficulty_ppm,
            "notes": "+".join(one.notes),
            "success_ppm": dict(one.success_ppm),
            "expected_output_tokens": dict(one.expected_output_tokens),
        }
        for one in scored
    ]


def parsed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its JSON read."""
    return {name: json.loads(row[name]) if name in list(COLUMNS)[3:] else row[name] for name in COLUMNS}


@pytest.fixture
def uri(home: Path, register: Callable[[], RegistryEntry], monkeypatch: pytest.MonkeyPatch) -> str:
    """A registered version of the shipped bundle, in the registry that MLflow looks into."""
    entry = register()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
    return f"models:/{entry.name}/{entry.version}"


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")  # of MLflow's own, on import
def test_mlflow_scores_as_the_service_does(uri: str, shipped: Bundle) -> None:
    """Every integer is equal, whatever the batch; the index stays, and more columns do no harm."""
    import mlflow

    loaded = mlflow.pyfunc.load_model(uri)
    table = pd.DataFrame({"prompt": PROMPTS * 25, "id": range(100)}, index=range(100, 200))
    found = loaded.predict(table)
    assert list(found.index) == list(table.index)
    assert [parsed(row) for row in found.to_dict("records")] == as_served(shipped, PROMPTS * 25)
    assert loaded.metadata.flavors["python_function"]["loader_module"] == "training.scoring"


def test_odd_prompts_are_noted(shipped: Bundle) -> None:
    """A null is no text, a very long text is cut; neither ends a run of millions."""
    scorer = PromptScorer(OnnxComplexityModel(shipped))
    table = pd.DataFrame(
        {"prompt": [None, "x" * (MAX_CHARACTERS + 1), "Hello", float("nan"), pd.NA, "\udc80"]}, dtype=object
    )
    notes = [set(text.split("+")) for text in scorer.predict(table)["notes"]]
    assert ["no_prompt" in found for found in notes] == [True, False, False, True, True, False]
    assert ["too_long" in found for found in notes] == [False, True, False, False, False, False]
    assert len(scorer.predict(table.head(0))) == 0


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (pd.DataFrame({"text": ["a"]}), "table: expected a column prompt, got none"),
        (pd.DataFrame({"prompt": [["a"]]}), "prompt: expected texts, got something else"),
    ],
)
def test_a_table_without_prompts_is_refused(shipped: Bundle, table: pd.DataFrame, text: str) -> None:
    """The text says what came, and no more of it."""
    with pytest.raises(InvalidRequestError) as caught:
        PromptScorer(OnnxComplexityModel(shipped)).predict(table)
    assert str(caught.value) == text


@pytest.mark.systems
@pytest.mark.filterwarnings("ignore")
def test_spark_scores_as_the_service_does(
    uri: str, shipped: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mlflow.pyfunc.spark_udf` on local Spark: the same integers from every partition."""
    if shutil.which("java") is None:
        pytest.skip("no Java, which Spark needs")
    sql = pytest.importorskip("pyspark.sql", reason="no pyspark: pip install clearway[spark]")
    import mlflow

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spark = (
            sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.warehouse.dir", str(tmp_path))
            .getOrCreate()
        )
    try:
        prompts = [prompt for prompt in PROMPTS if prompt.isprintable()]
        frame = spark.createDataFrame(
            [(n, text) for n, text in enumerate(prompts * 20)], "n long, prompt string"
        )
        udf = mlflow.pyfunc.spark_udf(spark, uri, env_manager="local")
        found = (
            frame.repartition(4)
            .withColumn("said", udf(sql.functions.struct("prompt")))
            .orderBy("n")
            .collect()
        )
        assert [parsed(row["said"].asDict()) for row in found] == as_served(shipped, prompts * 20)
    finally:
        spark.stop()
