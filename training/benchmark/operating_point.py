"""Where on the curve of cost and quality choices are made: estimates in, the place of a model out.

`Pool.choice` trades success for cost as `operating_point` found best; `floor_choice` is the product's. Both
send prompts unlike the training prompts to the incumbent, as service does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clearway.assessment import PPM
from clearway.complexity import OnnxComplexityModel
from clearway.errors import TrainingDataError
from clearway.features import OUTSIDE_NOTE
from clearway.optimiser import Candidate, choose
from clearway.register import Register
from clearway.request import Caller, Part, Request
from clearway.token_estimate import estimate_tokens
from training.benchmark import curves, policies
from training.dataset import FloatArray, IndexArray
from training.learning import Learned


@dataclass(frozen=True)
class Estimates:
    """What a choice is made from.

    Attributes:
        success: Shape (n_prompts, n_models), in [0, 1].
        output_tokens: Same shape, at least 1.
        input_tokens: Shape (n_prompts,), at least 1.
        outside: Shape (n_prompts,): whether the prompt is unlike the training prompts.
    """

    success: FloatArray
    output_tokens: FloatArray
    input_tokens: FloatArray
    outside: NDArray[np.bool_]


Choice = Callable[[Estimates], IndexArray]


class Predictor(Protocol):
    """Whatever estimates success and length for prompts."""

    @property
    def models(self) -> tuple[str, ...]:
        """Reference models, the columns of estimates."""

    def estimate(self, prompts: Sequence[str]) -> Estimates:
        """Estimates for prompts that stand alone, in order."""


@dataclass(frozen=True)
class LearnedPredictor:
    """A learner that has not been exported.

    Raises:
        TrainingDataError: It learned no lengths, so that no choice has a cost.
    """

    learned: Learned

    def __post_init__(self) -> None:
        if self.learned.length is None:
            raise TrainingDataError(
                "output_tokens: expected at least one count, got none: no cost can be learned"
            )

    @property
    def models(self) -> tuple[str, ...]:
        """Those of the learner."""
        return self.learned.models

    def estimate(self, prompts: Sequence[str]) -> Estimates:
        """As the learner predicts; input tokens as the featuriser estimates them."""
        predicted = self.learned.predict(prompts)
        tokens = np.array([estimate_tokens([prompt]) for prompt in prompts], dtype=np.float64)
        return Estimates(predicted.success, predicted.output_tokens, tokens, predicted.outside)


@dataclass(frozen=True)
class BundlePredictor:
    """A bundle, scored as in service."""

    model: OnnxComplexityModel

    @property
    def models(self) -> tuple[str, ...]:
        """Those of the bundle."""
        return self.model.reference_models

    def estimate(self, prompts: Sequence[str]) -> Estimates:
        """As the served graph scores them."""
        scored = self.model.score_many([_request(prompt) for prompt in prompts])
        success = np.array([[s.success_ppm[m] for m in self.models] for s in scored], dtype=np.float64)
        tokens = [[s.expected_output_tokens[m] for m in self.models] for s in scored]
        inputs = np.array([s.n_input_tokens for s in scored], dtype=np.float64)
        outside = np.array([OUTSIDE_NOTE in s.notes for s in scored])
        return Estimates(success / PPM, np.array(tokens, dtype=np.float64), inputs, outside)


def _request(prompt: str) -> Request:
    part = Part("messages[0].content", "user", prompt)
    return Request(id="benchmark", caller=Caller("benchmark"), purpose="benchmark", parts=(part,))


@dataclass(frozen=True)
class Pool:
    """The priced models of a source.

    Attributes:
        columns: Shape (k,); their places among the predictor's models.
        input_usd: Shape (k,), US dollars for one input token.
        output_usd: Same for one output token.
        best: Place among `columns` of the best single model, which would answer everything without routing.
    """

    columns: IndexArray
    input_usd: FloatArray
    output_usd: FloatArray
    best: int

    def cost_usd(self, estimates: Estimates) -> FloatArray:
        """Expected cost of each call, shape (n_prompts, k)."""
        paid: FloatArray = estimates.input_tokens[:, None] * self.input_usd
        return paid + estimates.output_tokens[:, self.columns] * self.output_usd

    def choice(self, trade_off: float) -> Choice:
        """Most success less the trade-off (success for one US dollar) times expected cost."""

        def chosen(estimates: Estimates) -> IndexArray:
            first: IndexArray = self.choices(estimates, np.array([trade_off]))[0]
            return first

        return chosen

    def choices(self, estimates: Estimates, points: FloatArray) -> IndexArray:
        """Place among `columns` at each trade-off, shape (n_points, n_prompts)."""
        success, cost = estimates.success[:, self.columns], self.cost_usd(estimates)
        return policies.with_incumbent(policies.choices(success, cost, points), estimates.outside, self.best)


def operating_point(pool: Pool, estimates: Estimates, adequate: FloatArray, share: float) -> float | None:
    """Trade-off that costs least while the quality is at least a share of the best single model's.

    Args:
        pool: Candidates.
        estimates: Of the tuning prompts.
        adequate: Shape (n_prompts, k), in [0, 1]; no NaN.
        share: Of the best single model's quality, in (0, 1].

    Returns:
        None where no trade-off reaches it for less than that model costs: then it answers everything.
    """
    cost = pool.cost_usd(estimates)
    points = policies.trade_offs(cost)
    chosen = pool.choices(estimates, points)
    spend, quality = (policies.of_choice(chosen, values).mean(axis=1) for values in (cost, adequate))
    at = curves.cheapest_point(spend, quality, share * float(adequate[:, pool.best].mean()))
    return None if at is None or spend[at] > cost[:, pool.best].mean() else float(points[at])


def floor_choice(register: Register, models: Sequence[str], floor_ppm: int, at: datetime) -> Choice | None:
    """What the optimiser picks from a register where every model is cleared; None without any estimate.

    Args:
        register: Models and prices.
        models: The predictor's, by which a register's model finds its estimate.
        floor_ppm: Least chance that is good enough.
        at: Time whose prices count; aware.
    """
    ids = sorted(register.models)
    columns = {name: column for column, name in enumerate(models)}
    known = [
        (name, columns[register.models[name].success.reference], price)
        for name in ids
        if register.models[name].success.reference in columns and (price := register.price(name, at))
    ]

    def chosen(estimates: Estimates) -> IndexArray:
        success = np.rint(estimates.success * PPM).astype(int).tolist()
        output = np.rint(estimates.output_tokens).astype(int).tolist()
        picked = []
        unknown_goes_to = [register.incumbent if outside else None for outside in estimates.outside.tolist()]
        for row, n_input in enumerate(estimates.input_tokens.astype(int).tolist()):
            offers = [
                Candidate(name, success[row][column], price.cost_nusd(n_input, output[row][column]))
                for name, column, price in known
            ]
            choice = choose(
                offers, floor_ppm=floor_ppm, max_fallbacks=0, unknown_goes_to=unknown_goes_to[row]
            )
            picked.append(ids.index(str(choice.model)))
        return np.array(picked, dtype=np.intp)

    return chosen if known else None
