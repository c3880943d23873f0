"""The complexity model as MLflow loads it: prompts in a table in, whole numbers out, on one machine or Spark.

`mlflow.pyfunc.load_model("models:/NAME/3").predict(table)` and `mlflow.pyfunc.spark_udf(spark, uri)` give
what the service would say of each prompt, number for number. There is no pickle: MLflow calls `_load_pyfunc`.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from clearway.assessment import Complexity
from clearway.bundle import load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import InvalidRequestError
from clearway.request import MAX_CHARACTERS, Caller, Request, parse_request

if TYPE_CHECKING:
    import pandas as pd

PROMPT: Final = "prompt"
# MLflow's name of each column's type; as JSON by model where there is a number for each model.
COLUMNS: Final = {
    "n_input_tokens": "long",
    "difficulty_ppm": "long",
    "notes": "string",
    "success_ppm": "string",
    "expected_output_tokens": "string",
}
# Notes of a prompt that is not scored as it stands: null is scored as an empty text, a longer one is cut.
NO_PROMPT, TOO_LONG = "no_prompt", "too_long"


class PromptScorer:
    """Scores the prompts of a table.

    Args:
        model: A loaded bundle.
    """

    def __init__(self, model: OnnxComplexityModel) -> None:
        self._model = model

    def predict(self, table: pd.DataFrame, params: object = None) -> pd.DataFrame:  # noqa: ARG002
        """Size, difficulty, notes (joined by "+"), and success and length by model as JSON.

        Args:
            table: Has the column `prompt`; each text is scored as the one message of a user.
            params: Not used; MLflow passes it.

        Returns:
            The columns of `COLUMNS`, in the order and with the index of the table.

        Raises:
            InvalidRequestError: There is no column `prompt`, or it holds something else than texts.
        """
        import pandas as pd

        if PROMPT not in table:
            raise InvalidRequestError(f"table: expected a column {PROMPT}, got none")
        prompts = [None if value is None or value is pd.NA else value for value in table[PROMPT].tolist()]
        prompts = [None if isinstance(value, float) and value != value else value for value in prompts]
        if not all(value is None or isinstance(value, str) for value in prompts):
            raise InvalidRequestError(f"{PROMPT}: expected texts, got something else")
        scored = self._model.score_many([_request(prompt or "") for prompt in prompts])
        rows = [_row(complexity, prompt) for complexity, prompt in zip(scored, prompts, strict=True)]
        return pd.DataFrame(rows, columns=list(COLUMNS), index=table.index)


def offer(model: Any, folder: str) -> None:
    """Say in MLflow's file of a logged model that it scores prompts, and how.

    Args:
        model: The `mlflow.models.Model`.
        folder: Name of the bundle's folder in that of the model.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    model.signature = ModelSignature(
        Schema([ColSpec("string", PROMPT, required=False)]),
        Schema([ColSpec(kind, name) for name, kind in COLUMNS.items()]),
    )
    # As `mlflow.pyfunc.add_to_model` does; importing that warns of type hints of MLflow's own.
    model.add_flavor(
        "python_function",
        loader_module=__name__,
        data=folder,
        python_version=platform.python_version(),
    )


def _load_pyfunc(path: str) -> PromptScorer:
    """The scorer of a bundle's folder, every byte checked; it decides nothing, so it needs no promotion."""
    return PromptScorer(OnnxComplexityModel(load_bundle(Path(path), trusted=None)))


def _request(prompt: str) -> Request:
    text = prompt[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    chat = {"messages": [{"role": "user", "content": text}]}
    return parse_request({"request": chat}, caller=Caller("batch"), purpose="batch", fallback_id="batch")


def _row(complexity: Complexity, prompt: str | None) -> dict[str, Any]:
    odd = {NO_PROMPT: prompt is None, TOO_LONG: len(prompt or "") > MAX_CHARACTERS}
    notes = {*complexity.notes, *(note for note, holds in odd.items() if holds)}
    return {
        "n_input_tokens": complexity.n_input_tokens,
        "difficulty_ppm": complexity.difficulty_ppm,
        "notes": "+".join(sorted(notes)),
        "success_ppm": json.dumps(dict(complexity.success_ppm)),
        "expected_output_tokens": json.dumps(dict(complexity.expected_output_tokens)),
    }
