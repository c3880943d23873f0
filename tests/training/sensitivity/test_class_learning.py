"""Class learning: the row that matters is found, kinds weigh by themselves, and the graph says the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from clearway.errors import SensitivityError, TrainingDataError
from clearway.sensitivity.class_model import PPM, ClassModel, ClassSettings
from clearway.sensitivity.evidence import COLUMNS, N_COLUMNS, ONE, specification_sha256
from clearway.style import IntArray
from training.sensitivity.class_export import class_graph
from training.sensitivity.class_learning import SILENT_LOGIT, Head, Rows, fit_class, score_class
from training.sensitivity.class_training import FittedClass, graph_of
from training.sensitivity.thresholds import Scored, Side, choose_threshold, raise_together


def make_row(**columns: int) -> list[int]:
    """A row of evidence; dots are written as two underscores."""
    values = [0] * N_COLUMNS
    for name, value in columns.items():
        values[COLUMNS.index(name.replace("__", "."))] = value
    return values


def make_rows(requests: list[list[list[int]]], gold: list[int] | None = None) -> Rows:
    """Rows of requests; `gold` counts rows over all requests."""
    flat = [row for rows in requests for row in rows]
    owner = [index for index, rows in enumerate(requests) for _ in rows]
    is_gold = np.isin(np.arange(len(flat)), gold or [])
    return Rows(np.array(flat, np.int64).reshape(-1, N_COLUMNS), np.array(owner), is_gold, len(requests))


PHONE = {"is__phone": ONE, "entity__PHONE_NUMBER": ONE}
ORDER = make_row(**PHONE, score__phone=400, before__serial=ONE)
NUMBER = make_row(**PHONE, score__phone=700, before__label=ONE)
MAIL = make_row(is__email=ONE, score__email=1_000)


def settings(*names: str) -> ClassSettings:
    """Settings of classes at one half."""
    return ClassSettings(dict.fromkeys(names, PPM // 2), {}, specification_sha256())


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Half the requests hold a telephone number beside an order number, half an order number alone."""
    return make_rows([[ORDER, NUMBER], [ORDER]] * 30)


POSITIVE = np.array([True, False] * 30)


def test_the_row_that_makes_the_class_is_found_without_gold_spans(rows: Rows) -> None:
    """Rounds tell the number that only sensitive requests have from the one that all have."""
    scores = score_class(rows, fit_class(rows, POSITIVE, ["phone"]))
    assert scores[POSITIVE].min() > 1 > -1 > scores[~POSITIVE].max()


def test_gold_spans_say_where_to_begin() -> None:
    """Where a span marks the row, the rows beside it are not taken for positive."""
    rows = make_rows([[ORDER, NUMBER], [MAIL]] * 10, gold=[1 + 3 * n for n in range(10)])
    heads = fit_class(rows, np.array([True, False] * 10), ["phone", "email"])
    by_kind = {head.kind: head for head in heads}
    assert set(by_kind) == {"phone"}
    weights = by_kind["phone"].weights
    assert weights[COLUMNS.index("before.label")] > weights[COLUMNS.index("before.serial")]


def test_a_class_with_one_side_only_learns_nothing(rows: Rows) -> None:
    """No head, and no request is scored."""
    heads = fit_class(rows, np.ones(60, dtype=np.bool_), ["phone"])
    assert heads == ()
    assert set(score_class(rows, heads)) == {SILENT_LOGIT}


def test_the_graph_says_what_the_weights_say(rows: Rows) -> None:
    """Within 10 ppm for each class and request, and another kind of finding is nothing."""
    heads = fit_class(rows, POSITIVE, ["phone"])
    fitted = {"contact": FittedClass(heads, PPM // 2), "health": FittedClass((), PPM // 2)}
    model = ClassModel(graph_of(fitted), settings("contact", "health"))
    exact = expit(score_class(rows, heads)) * PPM
    for index in range(4):
        served = model.predict_ppm(rows.values[rows.request == index])
        assert set(served) == {"contact"}
        assert abs(served["contact"] - exact[index]) <= 10
    assert model.predict_ppm(np.array([MAIL], dtype=np.int64)) == {}
    assert model.predict_ppm(rows.values[:0]) == {}


def test_the_graph_is_the_same_bytes_and_takes_any_values(rows: Rows) -> None:
    """Two exports are equal; evidence out of bounds is clipped, never an overflow."""
    fitted = {"contact": FittedClass(fit_class(rows, POSITIVE, ["phone"]), PPM // 2)}
    assert graph_of(fitted) == graph_of(fitted)
    model = ClassModel(graph_of(fitted), settings("contact"))
    wild: IntArray = np.full((3, N_COLUMNS), 2**62, dtype=np.int64)
    assert model.predict_ppm(wild) == model.predict_ppm(np.full((1, N_COLUMNS), ONE, dtype=np.int64))


def test_a_graph_refuses_weights_that_it_cannot_hold() -> None:
    """The text says how large a weight may be."""
    with pytest.raises(TrainingDataError) as caught:
        class_graph(np.full((N_COLUMNS, 1), 1e4), np.zeros(1), [[0]])
    assert str(caught.value) == "weights: expected at most 1024 in size, got a larger one"


def test_a_model_of_another_reading_is_refused() -> None:
    """Columns that mean something else would be weighed in silence."""
    graph = class_graph(np.zeros((N_COLUMNS, 1)), np.zeros(1), [[0]])
    with pytest.raises(SensitivityError) as caught:
        ClassModel(graph, ClassSettings({"contact": 5}, {}, "0" * 64))
    assert str(caught.value) == (
        f"classes.json: expected evidence {specification_sha256()}, got {'0' * 64}; "
        "train the bundle again: make sensitivity-bundle"
    )


def test_a_model_of_other_classes_is_refused() -> None:
    """Names and outputs must be as many."""
    graph = class_graph(np.zeros((N_COLUMNS, 1)), np.zeros(1), [[0]])
    with pytest.raises(SensitivityError) as caught:
        ClassModel(graph, settings("contact", "health"))
    assert str(caught.value) == (
        f"classes.onnx: expected {N_COLUMNS} columns and 2 classes, got {N_COLUMNS} and 1; "
        "restore the bundle or train it again"
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", settings("a").to_json().replace(b"500000", b"0"), b"[" * 100_000],
)
def test_settings_that_are_none_are_refused(data: bytes) -> None:
    """Whatever the file holds, the error names it and the remedy."""
    with pytest.raises(SensitivityError) as caught:
        ClassSettings.from_json(data)
    assert str(caught.value) == (
        "classes.json: expected classes with thresholds of 1 to 1000000 ppm, got something else; "
        "restore the bundle or train it again"
    )


def test_settings_come_back_as_written() -> None:
    """Order and rates are kept."""
    written = ClassSettings({"b": 5, "a": 7}, {"a": {"recall": 1}, "b": {}}, "0" * 64)
    read = ClassSettings.from_json(written.to_json())
    assert list(read.thresholds_ppm) == ["b", "a"]
    assert read.to_json() == written.to_json()


class TestThreshold:
    """Where the threshold lies between sensitive and harmless scores."""

    def test_room_is_shared(self) -> None:
        """With room between both, the threshold takes a quarter of it for recall."""
        scored = Scored(np.full(100, 4.0), *[np.full(100, -2.0)] * 4)
        assert choose_threshold(scored, 0.97) == pytest.approx(2.5)

    def test_recall_is_preferred(self) -> None:
        """Where twins score as high, the recall's target is met all the same."""
        ordinary, alike = np.full(100, -3.0), np.linspace(-1, 3, 1_000)
        scored = Scored(alike, ordinary, ordinary, alike, ordinary)
        assert float((scored.positive >= choose_threshold(scored, 0.95)).mean()) >= 0.95

    def test_requests_without_a_finding_do_not_pull_it_down(self) -> None:
        """What the recognisers miss no threshold brings back."""
        positive = np.r_[np.full(90, 4.0), np.full(10, SILENT_LOGIT)]
        assert choose_threshold(Scored(positive, *[np.full(50, -1.0)] * 4), 0.99) > 0


class TestThresholdsTogether:
    """Which class gives way where harmless requests are flagged too often over all classes."""

    HARMLESS = np.repeat([False, True], 1_000)
    ALL = ((HARMLESS, 0.01),)

    def side(self, positive: float, harmless: float) -> Side:
        """A class with half of its positives at one score, and one in 50 harmless requests at another."""
        scores = np.r_[np.full(500, positive), np.full(500, 5.0), np.full(20, harmless), np.full(980, -4.0)]
        return Side(scores, ~self.HARMLESS, self.HARMLESS)

    def test_the_class_that_loses_nothing_gives_way(self) -> None:
        """A threshold rises over the harmless requests where no positive lies below them."""
        sides = {"cheap": self.side(2.0, 1.0), "dear": self.side(0.5, 1.0)}
        raised = raise_together({"cheap": 0.0, "dear": 0.0}, sides, self.ALL)
        assert raised == {"cheap": pytest.approx(1.0), "dear": 0.0}
        assert raised["cheap"] > 1.0

    def test_nothing_moves_within_the_bound(self) -> None:
        """What is flagged seldom enough stays."""
        assert raise_together({"a": 0.0}, {"a": self.side(2.0, 1.0)}, ((self.HARMLESS, 0.02),)) == {"a": 0.0}


def test_a_head_speaks_for_its_kind_alone() -> None:
    """Rows of other kinds do not count."""
    rows = make_rows([[MAIL], [NUMBER]])
    scores = score_class(rows, [Head("phone", np.zeros(N_COLUMNS), 2.0)])
    assert scores.tolist() == [SILENT_LOGIT, 2.0]
