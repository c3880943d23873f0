"""The penalty is that of the lowest held-out loss."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from scipy.special import expit

from training import selection
from training.dataset import FloatArray, Matrix
from training.learner import AdequacyModel, LengthModel
from training.selection import N_PARTS, PENALTIES, fit_best

KEYS = tuple(f"k{index:03}" for index in range(300))


def _asked(weight: float) -> tuple[Matrix, FloatArray, FloatArray]:
    """Features, grades of three models, and lengths; the features move both by as much as `weight`."""
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((300, 20)) / np.sqrt(20)
    score = weight * rows[:, :1] + np.array([-0.5, 0.0, 0.5])
    grades = (generator.random(score.shape) < expit(score)).astype(float)
    return scipy.sparse.csr_matrix(rows), grades, np.exp(score / 3) * 100


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The held-out losses, one for each part and penalty that is tried."""
    seen: list[float] = []
    faithful = selection._held_out_loss

    def kept(fitted: AdequacyModel | LengthModel, X: Matrix, y: FloatArray) -> float:  # noqa: N803
        seen.append(faithful(fitted, X, y))
        return seen[-1]

    monkeypatch.setattr(selection, "_held_out_loss", kept)
    return seen


@pytest.mark.parametrize("weight", [0.0, 2.0, 30.0])
@pytest.mark.parametrize("kind", [AdequacyModel, LengthModel])
def test_the_lowest_held_out_loss_is_chosen(
    kind: type[AdequacyModel | LengthModel], weight: float, losses: list[float]
) -> None:
    """Of those tried, from strong to weak; each is told with its loss."""
    X, grades, tokens = _asked(weight)  # noqa: N806
    told: list[str] = []
    y = grades if kind is AdequacyModel else tokens
    best = fit_best(kind, X, y, KEYS, seed=0, report=told.append)
    sums = [sum(losses[first : first + N_PARTS]) for first in range(0, len(losses), N_PARTS)]
    assert told == [
        f"{kind.__name__}: penalty {penalty:g}: held-out loss {loss:.1f}"
        for penalty, loss in zip(PENALTIES, sums, strict=False)
    ]
    assert best.penalty == PENALTIES[int(np.argmin(sums))]


@pytest.mark.parametrize(
    ("scripted", "chosen", "n_tried"),
    [
        ((5.0, 4.0, 3.0, 2.0, 1.0), 5.0, 5),
        ((5.0, 4.0, 4.1, 2.0, 1.0), 40.0, 3),
        ((5.0, 5.0, 5.000001, 4.0, 3.0), 5.0, 5),
        ((-5.0, -4.9, -9.0, -9.0, -9.0), 80.0, 2),
        ((-5.0, -5.0, -6.0, -4.0, -9.0), 20.0, 4),
    ],
)
def test_the_search_ends_where_a_weaker_penalty_is_clearly_worse(
    scripted: tuple[float, ...], chosen: float, n_tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plateau does not: while the penalty forbids all learning, losses are the same but for noise."""
    left = list(scripted)
    monkeypatch.setattr(selection, "PENALTIES", (80.0, 40.0, 20.0, 10.0, 5.0))
    monkeypatch.setattr(selection, "FEW_CELLS", 0)
    monkeypatch.setattr(selection, "_held_out_loss", lambda *_: left.pop(0))
    X, grades, _ = _asked(0.0)  # noqa: N806
    assert fit_best(AdequacyModel, X, grades, KEYS, seed=0).penalty == chosen
    assert len(scripted) - len(left) == n_tried


@pytest.mark.parametrize(("few_cells", "n_turns"), [(901, N_PARTS), (900, 1)])
def test_of_few_cells_every_part_is_held_out_once(
    few_cells: int, n_turns: int, losses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part of a small table says little."""
    monkeypatch.setattr(selection, "PENALTIES", (40.0,))
    monkeypatch.setattr(selection, "FEW_CELLS", few_cells)
    X, grades, _ = _asked(2.0)  # noqa: N806
    fit_best(AdequacyModel, X, grades, KEYS, seed=0)
    assert len(losses) == n_turns


def test_forty_prompts_teach_something() -> None:
    """Strong penalties learn nothing at all of so few; the one that is chosen ranks them."""
    generator = np.random.default_rng(1)
    kind = np.arange(40) % 2
    X = scipy.sparse.csr_matrix(np.eye(2)[kind])  # noqa: N806
    grades = (generator.random((40, 2)) < np.where(kind, 0.1, 0.9)[:, None]).astype(float)
    best = fit_best(AdequacyModel, X, grades, KEYS[:40], seed=0)
    assert np.ptp(best.predict_success(X), axis=0).min() > 0.3


def test_what_can_be_learned_gets_a_weaker_penalty(losses: list[float]) -> None:
    """Nothing to learn, and weaker penalties lose; much to learn, and they gain."""
    chosen = []
    for weight in (0.0, 30.0):
        X, grades, _ = _asked(weight)  # noqa: N806
        chosen.append(fit_best(AdequacyModel, X, grades, KEYS, seed=0).penalty)
    assert chosen[0] > chosen[1]


def test_the_chosen_learner_saw_everything() -> None:
    """It is fitted again on all rows: the same bits as fitting it directly."""
    X, grades, _ = _asked(5.0)  # noqa: N806
    best = fit_best(AdequacyModel, X, grades, KEYS, seed=0)
    direct = AdequacyModel(penalty=best.penalty).fit(X, grades)
    assert direct.loadings_.tobytes() == best.loadings_.tobytes()


def test_no_key_is_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one question are held out together."""
    seen: list[tuple[int, int]] = []
    X, grades, _ = _asked(5.0)  # noqa: N806
    keys = [f"k{index // 30}" for index in range(300)]
    faithful = selection._held_out_loss

    def counted(fitted: AdequacyModel, X: Matrix, y: FloatArray) -> float:  # noqa: N803
        seen.append((X.shape[0], len(y)))
        return faithful(fitted, X, y)

    monkeypatch.setattr(selection, "_held_out_loss", counted)
    fit_best(AdequacyModel, X, grades, keys, seed=0)
    assert seen
    assert all(n == m and n % 30 == 0 and 0 < n < 300 for n, m in seen)


def test_one_question_alone_is_not_held_out() -> None:
    """There is nothing to choose by: the learner's own penalty."""
    X, grades, _ = _asked(5.0)  # noqa: N806
    told: list[str] = []
    best = fit_best(AdequacyModel, X, grades, ["k"] * 300, seed=0, report=told.append)
    assert best.penalty == AdequacyModel().penalty
    assert told == []
