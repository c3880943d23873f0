"""Trains the default bundle on sources whose licence lets its weights be shipped, and pins its digest.

python -m training.ship
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

import clearway
from clearway.errors import ClearwayError, TrainingDataError
from training import corpora
from training.pipeline import Plan, Trained, train_classifier

ROOT: Final = Path(__file__).resolve().parent.parent
MIN_ANSWERS: Final = 500
# A name of its own, so that no version of a user's classifier is taken for the shipped one.
SHIPPED_NAME: Final = "clearway-default"
DEFAULT_BUNDLE: Final = ROOT / "data" / "classifiers" / "default"
PINS: Final = ROOT / "clearway" / "pinned_bundles.json"


def ship(answers: Path, *, out: Path = DEFAULT_BUNDLE, pins: Path = PINS) -> Trained:
    """Train, put the bundle in the place of the old one, pin it.

    Args:
        answers: The graded answers.
        out: Folder of the shipped bundle; replaced.
        pins: List of trusted manifest digests; rewritten to hold this one only.

    Raises:
        ClearwayError: The answers cannot be learned from; the old bundle stays.
    """
    fresh = out.with_name(f".{out.name}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    table = corpora.read_answers(answers)
    present = set(table["source"])
    sources = tuple(source for source in corpora.SHIPPED_SOURCES if source in present)
    if not sources:
        raise TrainingDataError(f"source: expected one of {', '.join(corpora.SHIPPED_SOURCES)}, got none")
    plan = Plan(
        out=fresh, sources=sources, name=SHIPPED_NAME, version=clearway.__version__, min_answers=MIN_ANSWERS
    )
    trained = train_classifier(table, plan, report=_say)
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    pins.write_text(json.dumps([trained.sha256], indent=1) + "\n", encoding="utf-8")
    return trained


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> int:
    """Ship from `CLEARWAY_CORPORA`; the exit code."""
    try:
        trained = ship(corpora.default_answers())
    except ClearwayError as error:
        _say(str(error))
        return 2
    _say(f"{DEFAULT_BUNDLE}: {len(trained.models)} reference models, pinned {trained.sha256}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
