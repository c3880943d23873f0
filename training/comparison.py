"""Two bundles on the same held-out questions: for the gate, where graded answers are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from clearway.assessment import PPM
from clearway.bundle import Bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import TrainingDataError
from clearway.request import Caller, Part, Request
from training import corpora, evaluation
from training.dataset import FloatArray
from training.gate import Compare, Quality


def compare_on(answers: Path) -> Compare:
    """A comparison on the graded answers of a file.

    The questions are those that training holds out of this table under the candidate's seed. A question falls
    on the same side whatever else the table holds, so a candidate trained on it has not seen them, nor has a
    champion of the same seed. One of another seed may have: that is in its favour.

    Raises:
        TrainingDataError: The file is no table of graded answers.
    """
    table = corpora.select_sources(corpora.read_answers(answers), ())

    def compare(candidate: Bundle, champion: Bundle) -> Quality:
        seed = candidate.metrics.get("seed")
        if type(seed) is not int:
            raise TrainingDataError("metrics.json: seed: expected a whole number, got something else")
        models = set(candidate.manifest.reference_models) & set(champion.manifest.reference_models)
        rows = table[corpora.held_out(table, seed) & table["reference_model"].isin(models)]
        return _compare(rows, candidate, champion)

    return compare


def _compare(rows: pd.DataFrame, candidate: Bundle, champion: Bundle) -> Quality:
    ours, theirs = predict(candidate, rows), predict(champion, rows)
    n_rows: dict[str, int] = {}
    auc_loss: dict[str, float] = {}
    log_loss_rise: dict[str, float] = {}
    for source in sorted(rows["source"].unique()):
        part = (rows["source"] == source).to_numpy()
        adequate = rows["adequate"].to_numpy(dtype=np.float64)[part]
        if 0 < adequate.mean() < 1:
            even = np.ones(len(adequate))
            n_rows[source] = len(adequate)
            auc_loss[source] = evaluation.auc(theirs[part], adequate, even) - evaluation.auc(
                ours[part], adequate, even
            )
            log_loss_rise[source] = evaluation.log_loss(ours[part], adequate, even) - evaluation.log_loss(
                theirs[part], adequate, even
            )
    return Quality("measured", n_rows, auc_loss, log_loss_rise)


def predict(bundle: Bundle, rows: pd.DataFrame) -> FloatArray:
    """Success of each row's model on its prompt, in [0, 1], as the served graph scores it.

    Args:
        bundle: Knows every `reference_model` of the rows.
        rows: With `prompt` and `reference_model`.
    """
    prompts = sorted(rows["prompt"].unique())
    scored = OnnxComplexityModel(bundle).score_many([_request(prompt) for prompt in prompts])
    success = {prompt: score.success_ppm for prompt, score in zip(prompts, scored, strict=True)}
    pairs = zip(rows["prompt"], rows["reference_model"], strict=True)
    return np.array([success[prompt][model] for prompt, model in pairs], dtype=np.float64) / PPM


def _request(prompt: str) -> Request:
    part = Part("messages[0].content", "user", prompt)
    return Request(id="gate", caller=Caller("gate"), purpose="gate", parts=(part,))
