"""From generated text to a bundle: trained, measured, judged, shipped; with a finder that needs no models."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from clearway.assessment import Finding
from clearway.errors import BundleError, TrainingDataError
from clearway.request import Part, Request
from clearway.sensitivity.bundle import FILES, load_sensitivity_bundle
from training.sensitivity.class_evidence import Find
from training.sensitivity.class_report import measure
from training.sensitivity.gate import Limits, judge_bundle
from training.sensitivity.pipeline import Plan, Trained, samples_of, train_sensitivity
from training.sensitivity.samples import CLASSES, Sample, clean_conversations, corpora_folder, fold_of
from training.sensitivity.ship import put_in_place

MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")


def find(request: Request) -> tuple[Sequence[Finding], Sequence[Part]]:
    """E-mail addresses, nothing else."""
    findings = [
        Finding("EMAIL_ADDRESS", match.start(), match.end(), 1_000_000, index)
        for index, part in enumerate(request.parts)
        for match in MAIL.finditer(part.text)
    ]
    return findings, request.parts


def make_find(data: Path, tagger: Path) -> Find:
    """The finder above, whatever the folders hold."""
    return find


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan over generated text, with a tagger that nobody reads."""
    root = tmp_path_factory.mktemp("plan")
    for name in ("tagger.onnx", "tagger.json"):
        (root / name).write_bytes(name.encode())
    return Plan(out=root / "bundle", data=root, n_generated=400, tagger=root)


@pytest.fixture(scope="module")
def trained(plan: Plan) -> Trained:
    """A bundle of the plan."""
    return train_sensitivity(plan, make_find)


def test_a_bundle_comes_out_whole(trained: Trained) -> None:
    """It loads, names its files, and its card and metrics say what was measured."""
    bundle = load_sensitivity_bundle(trained.folder)
    assert bundle.sha256 == trained.sha256
    assert set(bundle.manifest.files) == FILES
    assert set(bundle.metrics["held_out"]["recall"]) == set(CLASSES) == set(bundle.classes.thresholds_ppm)
    assert "## Recall on held-out templates" in bundle.card
    assert bundle.metrics["parity"]["integer_ppm"] <= 10


def test_training_again_gives_the_same_bytes(plan: Plan, trained: Trained, tmp_path: Path) -> None:
    """Seeds are fixed, threads are one, and no time is written."""
    assert train_sensitivity(replace(plan, out=tmp_path / "again"), make_find).sha256 == trained.sha256


def test_no_text_is_kept(trained: Trained, plan: Plan) -> None:
    """Metrics, card and settings hold no prompt."""
    kept = b"".join((trained.folder / name).read_bytes() for name in FILES)
    for sample in samples_of("test", plan)[:50]:
        assert max(sample.texts, key=len)[:60].encode() not in kept


def test_no_template_is_on_both_sides(plan: Plan) -> None:
    """What is measured on was never learned from."""
    groups = [{sample.group for sample in samples_of(split, plan)} for split in ("train", "test")]
    assert not groups[0] & groups[1]


def test_a_folder_in_the_way_is_not_overwritten(trained: Trained, plan: Plan) -> None:
    """The old bundle stays."""
    with pytest.raises(BundleError):
        train_sensitivity(plan, make_find)


def test_names_need_corpora(plan: Plan, tmp_path: Path) -> None:
    """Without a tagger and without corpora there is nothing to learn names from."""
    with pytest.raises(TrainingDataError) as caught:
        train_sensitivity(replace(plan, out=tmp_path / "b", tagger=None), make_find)
    assert str(caught.value) == (
        "corpora: expected the shared corpora to learn names from, got none; set tagger"
    )


def test_corpora_are_found_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder is named."""
    monkeypatch.setenv("CLEARWAY_CORPORA", str(tmp_path))
    with pytest.raises(TrainingDataError) as caught:
        corpora_folder()
    assert str(caught.value) == (
        "CLEARWAY_CORPORA: expected a folder with the corpora in pii/, got none; see data/corpora.md"
    )


def test_the_gate_judges_what_was_measured(trained: Trained) -> None:
    """A finder of e-mail addresses alone fails on the other classes, not on bytes and latency."""
    checks = {check.name: check for check in judge_bundle(load_sensitivity_bundle(trained.folder), Limits())}
    assert not checks["recall.health"].passed
    assert checks["same_bytes.other"].passed
    assert checks["parity.integer_graph"].passed


def test_a_bundle_that_fails_is_shipped_with_a_reason_only(
    trained: Trained, plan: Plan, tmp_path: Path
) -> None:
    """Without one the old bundle stays; with one the report says so, and the digest is pinned."""
    fresh = train_sensitivity(replace(plan, out=tmp_path / ".bundle-new"), make_find)
    out, pins = tmp_path / "bundle", tmp_path / "pins.json"
    assert put_in_place(fresh, None, out, pins)
    assert not out.exists()
    put_in_place(fresh, "known", out, pins)
    assert json.loads(pins.read_text()) == [fresh.sha256]
    assert load_sensitivity_bundle(out, trusted={fresh.sha256}).sha256 == trained.sha256
    report = json.loads((tmp_path / "bundle-gate.json").read_text())
    assert (report["accepted_failures"], report["passed"]) == ("known", False)


def sample(kind: str, *classes: str, pair: str = "", source: str = "generator") -> Sample:
    """A sample of one text."""
    return Sample(("text",), frozenset(classes), frozenset(), (), "group", source, kind, pair)


def test_what_is_measured() -> None:
    """Recall counts a class's requests, false pins clean ones, and a pair needs both halves right."""
    samples = [
        sample("positive", "contact", pair="1"),
        sample("harmless_twin", pair="1"),
        sample("positive", "contact", pair="2"),
        sample("harmless_twin", pair="2"),
        sample("clean", source="mmlu"),
    ]
    contact = frozenset({"contact"})
    found = measure(samples, [contact, contact, contact, frozenset(), frozenset({"health"})])
    assert (found["recall"]["contact"]["hits"], found["recall"]["contact"]["n"]) == (2, 2)
    assert found["false_pins"]["mmlu"]["value"] == 1.0
    assert found["false_pins_by_class"]["health"]["hits"] == 1
    assert (found["twins"]["all"]["hits"], found["twins"]["all"]["n"]) == (1, 2)
    assert (found["pairs"]["hits"], found["pairs"]["n"]) == (1, 2)


def test_clean_conversations_are_of_so_many_turns() -> None:
    """What is left over makes no conversation."""
    assert [len(s.texts) for s in clean_conversations([sample("clean")] * 7, 3)] == [3, 3]


def test_folds_keep_templates_together() -> None:
    """The fold of a template is always the same one."""
    assert fold_of("a", 4) == fold_of("a", 4)
    assert {fold_of(str(n), 4) for n in range(100)} == {0, 1, 2, 3}
