"""Learn from a table, predict for prompts: what the pipeline and every benchmark share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clearway.errors import TrainingDataError
from clearway.features import OUTSIDE_NOTE, FeatureSpecification
from training.dataset import FloatArray, TrainingSet, build, learn_specification, prompt_features, stack
from training.learner import AdequacyModel, LengthModel
from training.selection import fit_best


@dataclass(frozen=True)
class Predictions:
    """What is expected of each reference model.

    Attributes:
        success: Shape (n_prompts, n_models), in (0, 1): chance of an adequate answer.
        output_tokens: Shape (n_prompts, n_models), at least 1: expected length of the answer; NaN throughout
            where none was learned.
        outside: Shape (n_prompts,): whether the prompt is unlike the training prompts.
    """

    success: FloatArray
    output_tokens: FloatArray
    outside: NDArray[np.bool_]


@dataclass(frozen=True)
class Learned:
    """Fitted on one table.

    Attributes:
        models: Reference models, the columns of predictions.
        specification: Of the featuriser.
        success: Learner of adequacy.
        length: Learner of lengths; None where the table counts no output tokens.
    """

    models: tuple[str, ...]
    specification: FeatureSpecification
    success: AdequacyModel
    length: LengthModel | None

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """Predictions for prompts that stand alone, in their order."""
        features = [prompt_features(prompt, self.specification) for prompt in prompts]
        rows = stack(features)
        success = self.success.predict_success(rows)
        tokens = self.length.predict_output_tokens(rows) if self.length else np.full_like(success, np.nan)
        return Predictions(success, tokens, np.array([OUTSIDE_NOTE in row.notes for row in features]))

    def onboard(self, model: str, prompts: Sequence[str], adequate: FloatArray) -> Learned:
        """What is learned of one new model from few graded answers; the text side stays as it is.

        Args:
            model: Its name.
            prompts: At least one; those it answered.
            adequate: Shape (n_prompts,), in [0, 1].

        Returns:
            Of this model alone; lengths are not learned.

        Raises:
            TrainingDataError: No prompts, or not one verdict for each.
        """
        if not len(prompts) == len(adequate) > 0:
            raise TrainingDataError("adequate: expected one verdict for each prompt, got another number")
        rows = stack([prompt_features(prompt, self.specification) for prompt in prompts])
        return replace(self, models=(model,), success=self.success.onboard(rows, adequate), length=None)


def learn(table: pd.DataFrame, *, seed: int, report: Callable[[str], None] = lambda _: None) -> Learned:
    """Learners of a table, on one thread, so that the same table gives the same bits.

    Args:
        table: From `corpora.select_models`: `prompt`, `prompt_key`, `reference_model`, `adequate` and
            `output_tokens`.
        seed: Of the folds that choose penalties.
        report: Told what is being done.
    """
    specification = learn_specification(sorted(table["prompt"].unique()))
    models = tuple(sorted(table["reference_model"].unique()))
    with threadpool_limits(limits=1):
        success, length = fit_learners(build(table, models, specification), seed=seed, report=report)
    return Learned(models, specification, success, length)


def fit_learners(
    data: TrainingSet, *, seed: int, report: Callable[[str], None] = lambda _: None
) -> tuple[AdequacyModel, LengthModel | None]:
    """Learners of arrays, each with the penalty that suits it; no lengths where none is known.

    Args:
        data: From `dataset.build`.
        seed: Of the folds that choose penalties.
        report: Told what is being done.
    """
    X, keys = data.features, data.prompt_keys  # noqa: N806
    success = fit_best(AdequacyModel, X, data.adequate, keys, seed=seed, report=report)
    if np.isnan(data.output_tokens).all():
        return success, None
    return success, fit_best(LengthModel, X, data.output_tokens, keys, seed=seed, report=report)
