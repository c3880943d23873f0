"""All classes learned: scores on folds by template, calibration, thresholds, the served graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from clearway.sensitivity.class_model import PPM
from clearway.sensitivity.evidence import COLUMNS, N_COLUMNS
from training.dataset import FloatArray
from training.sensitivity.class_export import class_graph
from training.sensitivity.class_learning import (
    ANCHORS,
    PENALTIES,
    PENALTY,
    SILENT_LOGIT,
    Head,
    Rows,
    fit_class,
    score_class,
)
from training.sensitivity.class_report import TWIN_KINDS
from training.sensitivity.samples import CLASSES, Sample, fold_of
from training.sensitivity.thresholds import (
    ALL_CLEAN_SHARE,
    ALL_SESSION_SHARE,
    ALL_TWIN_SHARE,
    RECALL_TARGETS,
    Scored,
    Side,
    choose_threshold,
    raise_together,
)

N_FOLDS: Final = 4
_MIN_SLOPE: Final = 0.1


@dataclass(frozen=True)
class FittedClass:
    """One class as learned.

    Attributes:
        heads: Of each kind of finding, calibrated.
        threshold_ppm: From which probability it is flagged.
    """

    heads: tuple[Head, ...]
    threshold_ppm: int


@dataclass(frozen=True)
class _Draft:
    """A class before the thresholds of all are weighed together; scores are of folds not seen."""

    heads: tuple[Head, ...]
    logit: float
    scores: FloatArray
    positive: NDArray[np.bool_]
    harmless: NDArray[np.bool_]


def learn_classes(rows: Rows, samples: Sequence[Sample]) -> dict[str, FittedClass]:
    """Every class, in the order of `CLASSES`."""
    learned = {name: _learn(name, rows, samples) for name in CLASSES}
    logits = raise_together(
        {name: draft.logit for name, draft in learned.items()},
        {name: Side(draft.scores, draft.positive, draft.harmless) for name, draft in learned.items()},
        _bounds(samples),
    )
    return {
        name: FittedClass(draft.heads, max(1, round(PPM * float(expit(logits[name])))))
        for name, draft in learned.items()
    }


def graph_of(fitted: Mapping[str, FittedClass]) -> bytes:
    """The served graph: a score for each head, the best of a class's heads counts."""
    heads = [head for learned in fitted.values() for head in learned.heads]
    weights = np.zeros((N_COLUMNS, max(1, len(heads))))
    bias = np.full(weights.shape[1], SILENT_LOGIT)
    for column, head in enumerate(heads):
        weights[:, column] = head.weights
        weights[COLUMNS.index(f"is.{head.kind}"), column] += head.bias - SILENT_LOGIT
    places = iter(range(len(heads)))
    return class_graph(weights, bias, [[next(places) for _ in c.heads] for c in fitted.values()])


def _bounds(samples: Sequence[Sample]) -> tuple[tuple[NDArray[np.bool_], float], ...]:
    """Harmless requests of the training side, and the share of each sort that may be flagged in all."""
    kinds = np.array([sample.kind for sample in samples])
    sources = np.array([sample.source for sample in samples])
    sessions = {s.source for s in samples if s.kind == "clean_session"}
    clean = [sources == source for source in sorted({s.source for s in samples if s.kind == "clean"})]
    return (
        *(
            ((kinds == "clean_session") & (sources == source), ALL_SESSION_SHARE)
            for source in sorted(sessions)
        ),
        *((which & (kinds == "clean"), ALL_CLEAN_SHARE) for which in clean),
        (np.isin(kinds, ("public_person", "fiction")), ALL_TWIN_SHARE),
    )


def _learn(name: str, rows: Rows, samples: Sequence[Sample]) -> _Draft:
    known = np.array([name not in sample.unsaid for sample in samples])
    positive = np.array([name in sample.classes for sample in samples])
    folds = np.array([fold_of(sample.group, N_FOLDS) for sample in samples])
    held_out = np.full(len(samples), SILENT_LOGIT)
    penalty = PENALTIES.get(name, PENALTY)
    for fold in range(N_FOLDS):
        heads = fit_class(rows.of(known & (folds != fold)), positive, ANCHORS[name], penalty)
        scores = score_class(rows.of(folds == fold), heads)
        held_out = np.maximum(held_out, scores)
    slope, shift = _calibration(held_out, positive, known)
    heads = fit_class(rows.of(known), positive, ANCHORS[name], penalty)
    calibrated = tuple(Head(h.kind, h.weights * slope, h.bias * slope + shift) for h in heads)
    spoken = held_out > SILENT_LOGIT
    scores = np.where(spoken, held_out * slope + shift, SILENT_LOGIT)
    logit = choose_threshold(_scored(scores, positive, known, samples), RECALL_TARGETS[name])
    kinds = np.array([sample.kind for sample in samples])
    varied = known & positive & (kinds != "corpus")
    return _Draft(calibrated, logit, scores, varied if varied.any() else known & positive, known & ~positive)


def _calibration(
    scores: FloatArray, positive: NDArray[np.bool_], known: NDArray[np.bool_]
) -> tuple[float, float]:
    """Slope and shift of the logits, learned on folds that the scores have not seen (Platt 1999)."""
    chosen = known & (scores > SILENT_LOGIT)
    if len(set(positive[chosen].tolist())) < 2:
        return 1.0, 0.0
    learner = LogisticRegression(C=1e3).fit(scores[chosen, None], positive[chosen])
    return max(_MIN_SLOPE, float(learner.coef_[0, 0])), float(learner.intercept_[0])


def _scored(
    scores: FloatArray, positive: NDArray[np.bool_], known: NDArray[np.bool_], samples: Sequence[Sample]
) -> Scored:
    """Scores by what they have a say in.

    A corpus repeats a few templates many times: it teaches, but recall is asked of the others where there
    are any.
    """
    kinds = np.array([sample.kind for sample in samples])
    harmless = known & ~positive
    varied = known & positive & (kinds != "corpus")
    articles = np.array([sample.source == "wikigold" for sample in samples])
    return Scored(
        positive=scores[varied if varied.any() else known & positive],
        clean=scores[harmless & (kinds == "clean") & ~articles],
        articles=scores[harmless & articles],
        twins=scores[harmless & np.isin(kinds, TWIN_KINDS)],
        sessions=scores[harmless & (kinds == "clean_session")],
    )
