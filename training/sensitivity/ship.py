"""Trains the shipped sensitivity bundle, judges it, and pins it.

python -m training.sensitivity.ship [--accept-failures REASON] [--tagger DIR]

What the gate said, and why failures were accepted, is kept beside the bundle. Exit 1 when it refuses.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import clearway
from clearway.errors import ClearwayError
from clearway.promotion import Check
from clearway.sensitivity.bundle import BUNDLE_FOLDER, load_sensitivity_bundle
from training.sensitivity.finding import make_find
from training.sensitivity.gate import Limits, judge_bundle
from training.sensitivity.pipeline import Plan, Trained, train_sensitivity
from training.sensitivity.samples import corpora_folder
from training.ship import ROOT, reason

DATA: Final = ROOT / "data" / "sensitivity"
PINS: Final = ROOT / "clearway" / "pinned_sensitivity.json"


def put_in_place(trained: Trained, accepted: str | None, out: Path, pins: Path) -> tuple[Check, ...]:
    """Judge a trained bundle and, where the gate or a reason lets it, put it in the place of the old one.

    Args:
        trained: In a folder beside `out`.
        accepted: Why a bundle is shipped that fails the gate; None to keep the old one then.
        out: Folder of the shipped bundle; replaced. What the gate said goes into `{out}-gate.json`.
        pins: List of trusted manifest digests; rewritten to hold this one only.

    Returns:
        The checks that failed; with some and no reason, the old bundle stays.
    """
    checks = judge_bundle(load_sensitivity_bundle(trained.folder), Limits())
    failed = tuple(check for check in checks if not check.passed)
    if failed and accepted is None:
        return failed
    shutil.rmtree(out, ignore_errors=True)
    trained.folder.rename(out)
    report = {
        "bundle": trained.sha256,
        "accepted_failures": accepted if failed else None,
        "passed": not failed,
        "checks": [check.as_json() for check in checks],
    }
    out.with_name(f"{out.name}-gate.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    pins.write_text(json.dumps([trained.sha256], indent=1) + "\n", encoding="utf-8")
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Ship from `CLEARWAY_CORPORA`; the exit code."""
    parser = argparse.ArgumentParser(description="Train, judge and pin the shipped sensitivity bundle.")
    parser.add_argument(
        "--accept-failures", type=reason, metavar="REASON", help="ship although checks of the gate fail"
    )
    parser.add_argument("--tagger", type=Path, metavar="DIR", help="take the tagger in this folder")
    parsed = parser.parse_args(arguments)
    out = DATA / BUNDLE_FOLDER
    fresh = out.with_name(f".{out.name}-new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        plan = Plan(
            out=fresh,
            data=DATA,
            corpora=corpora_folder(),
            version=clearway.__version__,
            tagger=parsed.tagger,
        )
        trained = train_sensitivity(plan, make_find, report=_say)
        failed = put_in_place(trained, parsed.accept_failures, out, PINS)
    except ClearwayError as error:
        _say(str(error))
        return 2
    for check in failed:
        bound = check.bound.replace("_", " ")
        _say(f"FAILED {check.name}: {check.value} {check.unit}, expected {bound} {check.limit}")
    if failed and parsed.accept_failures is None:
        _say(f"refused: the old bundle stays, the new one is in {fresh}; --accept-failures REASON")
        return 1
    _say(f"{out}: pinned {trained.sha256}")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
