"""The shipped bundle is trained on permissive sources, judged like any other, and pinned."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from clearway.bundle import load_bundle
from clearway.errors import ClearwayError
from clearway.promotion import Check, Gate
from training import corpora, ship
from training.pipeline import Trained

FAILED = "FAILED calibration.mine: 30001 ppm, expected at most 30000\n"


def _gate(value: int) -> Gate:
    return Gate((Check("calibration.mine", value, 30_000, "ppm"),), "c" * 64, "d" * 64, 1)


def _pass(folder: Path) -> Gate:
    return _gate(30_000)


def _fail(folder: Path) -> Gate:
    return _gate(30_001)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of few answers are learned."""
    monkeypatch.setattr(ship, "MIN_ANSWERS", 50)


def test_shipping_pins_what_it_ships(answers: pd.DataFrame, tmp_path: Path) -> None:
    """Only permissive sources; the pin is the digest; again gives the same; a failure keeps the old."""
    mixed = pd.concat([answers, answers.assign(source="alpaca_eval1")])
    mixed.to_parquet(tmp_path / "a.parquet")
    out, pins = tmp_path / "default", tmp_path / "pins.json"
    first, _ = ship.ship(tmp_path / "a.parquet", out=out, pins=pins, examine=_pass)
    assert first.folder == out
    assert json.loads(pins.read_text()) == [first.sha256]
    assert set(first.metrics["data"]["sources"]) == {"routellm_gsm8k", "zeroeval_gsm"}
    again, _ = ship.ship(tmp_path / "a.parquet", out=out, pins=pins, examine=_pass)
    assert again.sha256 == first.sha256
    answers.assign(source="alpaca_eval1").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ClearwayError) as caught:
        ship.ship(tmp_path / "b.parquet", out=out, pins=pins, examine=_pass)
    assert str(caught.value) == f"source: expected one of {', '.join(corpora.SHIPPED_SOURCES)}, got none"
    assert load_bundle(out, trusted=json.loads(pins.read_text())).sha256 == first.sha256


def test_interrupted_shipping_is_cleaned_up(answers: pd.DataFrame, tmp_path: Path) -> None:
    """A folder left by an interrupted run is no obstacle."""
    answers.to_parquet(tmp_path / "a.parquet")
    (tmp_path / ".default-new").mkdir()
    ship.ship(tmp_path / "a.parquet", out=tmp_path / "default", pins=tmp_path / "pins.json", examine=_pass)
    assert not (tmp_path / ".default-new").exists()


def test_a_bundle_that_fails_its_gate_is_not_shipped_without_a_reason(
    answers: pd.DataFrame, tmp_path: Path
) -> None:
    """Nothing is replaced or pinned; with a reason it is, and the reason stands beside what failed."""
    answers.to_parquet(tmp_path / "a.parquet")
    out, pins = tmp_path / "default", tmp_path / "pins.json"
    refused, gate = ship.ship(tmp_path / "a.parquet", out=out, pins=pins, examine=_fail)
    assert not gate.passed
    assert refused.folder == tmp_path / ".default-new"
    assert (refused.folder / "manifest.json").exists()
    assert not out.exists()
    assert not pins.exists()
    shipped, _ = ship.ship(
        tmp_path / "a.parquet", accepted="few questions", out=out, pins=pins, examine=_fail
    )
    assert json.loads(pins.read_text()) == [shipped.sha256]
    assert json.loads((tmp_path / "default-gate.json").read_text()) == {
        "bundle": shipped.sha256,
        "accepted_failures": "few questions",
        **gate.as_json(),
    }


@pytest.mark.usefixtures("detector")
def test_the_gate_is_that_of_promotions() -> None:
    """The shipped bundle as its own champion, on the shipped sample."""
    gate = ship.examine(ship.DEFAULT_BUNDLE)
    checks = {check.name: check for check in gate.checks}
    assert checks["traffic.moved"].value == checks["quality.auc_loss"].value == 0
    assert {"calibration.mmlu_pro", "latency.prediction_p99", "robustness.unchanged"} <= set(checks)
    assert gate.n_requests > 100


@pytest.mark.parametrize(
    ("arguments", "value", "code", "told"),
    [
        ([], 30_000, 0, "default: 0 reference models, pinned e\n"),
        (
            [],
            30_001,
            1,
            f"{FAILED}refused: the old bundle stays, the new one is in default; --accept-failures REASON\n",
        ),
        (
            ["--accept-failures", " few questions "],
            30_001,
            0,
            f"{FAILED}default: 0 reference models, pinned e\n",
        ),
    ],
)
def test_the_command_says_what_failed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    value: int,
    code: int,
    told: str,
) -> None:
    """Exit 1 when the gate refuses, unless a reason was given."""
    monkeypatch.setenv("CLEARWAY_CORPORA", "corpora")
    given: list[str | None] = []

    def shipped(answers: Path, *, accepted: str | None) -> tuple[Trained, Gate]:
        given.append(accepted)
        return Trained(Path("default"), "e", (), {}, {}, None), _gate(value)

    monkeypatch.setattr(ship, "ship", shipped)
    assert ship.main(arguments) == code
    assert capsys.readouterr().err == told
    assert given == ["few questions" if arguments else None]


def test_a_reason_of_blanks_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong use is exit 2."""
    with pytest.raises(SystemExit) as caught:
        ship.main(["--accept-failures", " "])
    assert caught.value.code == 2
    assert "--accept-failures: expected a reason, got blanks" in capsys.readouterr().err
