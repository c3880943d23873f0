"""Trains the default bundle on sources whose licence lets its weights be shipped, judges it, and pins it.

python -m training.ship [--accept-failures REASON]

The gate is the one of every promotion, on the shipped sample, register and policy, with the bundle as its own
champion. What it said, and why failures were accepted, is kept beside the bundle. Exit 1 when it refuses.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import clearway
from clearway.bundle import load_bundle
from clearway.errors import ClearwayError, TrainingDataError
from clearway.installation import Settings
from clearway.promotion import Gate
from training import corpora
from training.gate import Limits, compare_recorded, judge
from training.pipeline import Plan, Trained, train_classifier
from training.traffic import Traffic

ROOT: Final = Path(__file__).resolve().parent.parent
MIN_ANSWERS: Final = 500
# A name of its own, so that no version of a user's classifier is taken for the shipped one.
SHIPPED_NAME: Final = "clearway-default"
DEFAULT_BUNDLE: Final = ROOT / "data" / "classifiers" / "default"
PINS: Final = ROOT / "clearway" / "pinned_bundles.json"


def examine(folder: Path) -> Gate:
    """What the gate says of a bundle that nothing went before."""
    bundle = load_bundle(folder, trusted=None)
    sample = Traffic(Settings.of({}), None, at=datetime.now(UTC))
    return judge(bundle, bundle, sample, Limits(), compare_recorded)


def ship(
    answers: Path,
    *,
    accepted: str | None = None,
    out: Path = DEFAULT_BUNDLE,
    pins: Path = PINS,
    examine: Callable[[Path], Gate] = examine,
) -> tuple[Trained, Gate]:
    """Train, judge, put the bundle in the place of the old one, pin it.

    Args:
        answers: The graded answers.
        accepted: Why a bundle is shipped that fails the gate; None to keep the old one then.
        out: Folder of the shipped bundle; replaced. What the gate said goes into `{out}-gate.json`.
        pins: List of trusted manifest digests; rewritten to hold this one only.
        examine: The gate.

    Returns:
        What was trained, in `out` or, where the gate refused, in a hidden folder beside it; and the gate.

    Raises:
        ClearwayError: The answers cannot be learned from; the old bundle stays.
    """
    trained = _train(answers, out.with_name(f".{out.name}-new"))
    gate = examine(trained.folder)
    if not gate.passed and accepted is None:
        return trained, gate
    shutil.rmtree(out, ignore_errors=True)
    trained.folder.rename(out)
    report = {"bundle": trained.sha256, "accepted_failures": accepted, **gate.as_json()}
    out.with_name(f"{out.name}-gate.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    pins.write_text(json.dumps([trained.sha256], indent=1) + "\n", encoding="utf-8")
    return replace(trained, folder=out), gate


def _train(answers: Path, fresh: Path) -> Trained:
    shutil.rmtree(fresh, ignore_errors=True)
    table = corpora.read_answers(answers)
    present = set(table["source"])
    sources = tuple(source for source in corpora.SHIPPED_SOURCES if source in present)
    if not sources:
        raise TrainingDataError(f"source: expected one of {', '.join(corpora.SHIPPED_SOURCES)}, got none")
    plan = Plan(
        out=fresh, sources=sources, name=SHIPPED_NAME, version=clearway.__version__, min_answers=MIN_ANSWERS
    )
    return train_classifier(table, plan, report=_say)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def reason(text: str) -> str:
    """A reason that says something."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a reason, got blanks")
    return text.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Ship from `CLEARWAY_CORPORA`; the exit code."""
    parser = argparse.ArgumentParser(description="Train, judge and pin the shipped bundle.")
    parser.add_argument(
        "--accept-failures", type=reason, metavar="REASON", help="ship although checks of the gate fail"
    )
    accepted = parser.parse_args(arguments).accept_failures
    try:
        trained, gate = ship(corpora.corpora_answers(), accepted=accepted)
    except ClearwayError as error:
        _say(str(error))
        return 2
    for check in gate.failed:
        bound = check.bound.replace("_", " ")
        _say(f"FAILED {check.name}: {check.value} {check.unit}, expected {bound} {check.limit}")
    if not gate.passed and accepted is None:
        _say(f"refused: the old bundle stays, the new one is in {trained.folder}; --accept-failures REASON")
        return 1
    _say(f"{trained.folder}: {len(trained.models)} reference models, pinned {trained.sha256}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
