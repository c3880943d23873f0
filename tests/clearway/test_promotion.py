"""A bundle goes into service when it passed its gate and somebody put a name to it; the ledger tells when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import clearway.installation
from clearway.bundle import Bundle, load_bundle, pinned_digests
from clearway.errors import BundleError, ClearwayError, ConfigurationError, InvalidRequestError
from clearway.installation import (
    LOAD,
    PROMOTION,
    Settings,
    data_folder,
    open_router,
    operator,
    trusted_digests,
)
from clearway.ledger.canonical import canonical_json
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger
from clearway.promotion import Check, Gate, Promotion, champion, live_at, promote_bundle
from clearway.record import format_time
from clearway.testing import FakeSensitivity, memory_ledger

SHIPPED = data_folder() / "classifiers" / "default"
PASSED = Gate((Check("quality.auc_loss", 0, 0, "ppm"),), "c" * 64, "d" * 64, 3, ("note",))
REFUSED = Gate((Check("quality.auc_loss", 1, 0, "ppm"), *PASSED.checks), "c" * 64, "d" * 64, 3)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation that has no ledger yet."""
    monkeypatch.setattr(clearway.installation, "open_detector", FakeSensitivity)
    return Settings.of({}, home=tmp_path / "home")


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    """Its ledger."""
    opened = open_ledger(settings.home)
    yield opened
    opened.close()


def version(folder: Path, number: str) -> Path:
    """A bundle like the shipped one, under another version and so another digest."""
    shutil.copytree(SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(canonical_json({**manifest, "version": number}))
    return folder


def promote(settings: Settings, folder: Path, gate: Gate = PASSED) -> Promotion[Bundle]:
    """Promote with a gate that is settled."""
    return promote_bundle(settings, folder, approver=" Ana ", reason="better", judge=lambda *_: gate)


def refusal(settings: Settings, folder: Path, *, approver: str = "Ana", reason: str = "better") -> str:
    """The text of the error."""
    with pytest.raises(ClearwayError) as caught:
        promote_bundle(settings, folder, approver=approver, reason=reason, judge=lambda *_: PASSED)
    return str(caught.value)


@pytest.mark.parametrize(
    ("bound", "value", "passed"),
    [
        ("at_most", 9, True),
        ("at_most", 10, True),
        ("at_most", 11, False),
        ("at_least", 9, False),
        ("at_least", 10, True),
        ("at_least", 11, True),
        ("at_most", None, False),
        ("at_least", None, False),
    ],
)
def test_a_check_holds_up_to_its_limit(bound: str, value: int | None, passed: bool) -> None:
    """What could not be measured does not hold."""
    assert Check("x", value, 10, "ppm", bound).passed is passed  # type: ignore[arg-type]  # from a table


def test_a_gate_that_asks_nothing_is_not_passed() -> None:
    """Doubt denies."""
    assert not Gate((), "c" * 64, "d" * 64, 3).passed


def test_a_promotion_is_a_record_that_tells_who_why_and_what_was_asked(
    settings: Settings, tmp_path: Path
) -> None:
    """In a new home, too; the copy in the archive is what was approved."""
    promotion = promote(settings, version(tmp_path / "b", "2"))
    record = promotion.record
    assert record is not None
    assert {**record, "time": "", "operator": ""} == {
        "kind": PROMOTION,
        "ledger_index": 0,
        "time": "",
        "operator": "",
        "bundle": promotion.bundle.identity.as_json(),
        "training_data_sha256": promotion.bundle.manifest.training_data_sha256,
        "mlflow": None,
        "previous_sha256": None,
        "approver": "Ana",
        "requester": operator(),
        "approval": None,
        "reason": "better",
        "gate": {
            "passed": True,
            "checks": [
                {
                    "check": "quality.auc_loss",
                    "value": 0,
                    "bound": "at_most",
                    "limit": 0,
                    "unit": "ppm",
                    "passed": True,
                }
            ],
            "compared_with": "c" * 64,
            "traffic": {"sha256": "d" * 64, "n_requests": 3},
            "notes": ["note"],
        },
    }
    assert promotion.folder is not None
    assert load_bundle(promotion.folder, trusted={promotion.bundle.sha256}).identity.version == "2"


def test_only_a_promoted_bundle_loads(settings: Settings, tmp_path: Path) -> None:
    """Before its promotion it is refused, after it the service reads it, and altered it is refused again."""
    folder = version(tmp_path / "b", "2")
    named = Settings.of({}, home=settings.home, bundle=folder)
    with pytest.raises(BundleError, match="expected a pinned or promoted bundle"):
        open_router(named).ledger.close()
    promote(settings, folder)
    open_router(named).ledger.close()
    (folder / "card.md").write_text("better than it is")
    with pytest.raises(BundleError, match=r"card\.md: expected sha256"):
        open_router(named).ledger.close()


def test_a_refused_bundle_is_not_promoted(settings: Settings, tmp_path: Path) -> None:
    """No record, no trust, no copy; the gate says what failed."""
    promotion = promote(settings, version(tmp_path / "b", "2"), REFUSED)
    assert promotion.record is None
    assert [check.value for check in promotion.gate.failed] == [1]
    ledger = open_ledger(settings.home)
    assert ledger.size() == 0
    assert trusted_digests(ledger) == pinned_digests()
    ledger.close()
    assert not (settings.home / "archive").exists()


def test_the_gate_compares_with_the_last_one_promoted(settings: Settings, tmp_path: Path) -> None:
    """At first with the shipped one; each record names the one before."""
    seen: list[str] = []

    def judge(_: Bundle, champion: Bundle) -> Gate:
        seen.append(champion.identity.version)
        return PASSED

    records = []
    for number in ("2", "3"):
        folder = version(tmp_path / number, number)
        done = promote_bundle(settings, folder, approver="Ana", reason="better", judge=judge)
        assert done.record is not None
        records.append(done.record)
    assert seen == [load_bundle(SHIPPED, trusted=None).identity.version, "2"]
    assert records[1]["previous_sha256"] == records[0]["bundle"]["sha256"]


def test_a_champion_that_does_not_load_gives_way_to_the_shipped_one(
    settings: Settings, tmp_path: Path
) -> None:
    """A release that reads another feature format must not make the next promotion impossible."""
    first = promote(settings, version(tmp_path / "b", "2"))
    assert first.folder is not None
    (first.folder / "features.json").write_text("{}")
    ledger = open_ledger(settings.home)
    assert champion(settings, ledger).sha256 in pinned_digests()
    ledger.close()


def test_an_altered_folder_is_not_promoted(settings: Settings, tmp_path: Path) -> None:
    """Its files must be those of its manifest; the gate is not even asked."""
    folder = version(tmp_path / "b", "2")
    (folder / "metrics.json").write_text("{}")
    assert refusal(settings, folder).startswith(f"{folder}/metrics.json: expected sha256 ")
    assert not settings.home.exists()


def test_a_folder_that_changes_while_it_is_judged_is_not_promoted(settings: Settings, tmp_path: Path) -> None:
    """What goes into the archive is what was approved, or nothing goes on the record."""
    folder, other = version(tmp_path / "b", "2"), version(tmp_path / "c", "3")
    approved = load_bundle(folder, trusted=None).sha256

    def judge(*_: Bundle) -> Gate:
        shutil.copy(other / "manifest.json", folder / "manifest.json")
        return PASSED

    with pytest.raises(BundleError) as caught:
        promote_bundle(settings, folder, approver="Ana", reason="better", judge=judge)
    kept = clearway.installation.archive_of(settings).find("bundle", approved)
    got = load_bundle(other, trusted=None).sha256
    text = f"{kept}: expected manifest digest {approved}, got {got}; remove this folder"
    assert str(caught.value) == text
    ledger = open_ledger(settings.home)
    assert ledger.size() == 0
    ledger.close()


def test_two_promotions_at_once_are_one(settings: Settings, tmp_path: Path) -> None:
    """The second was compared with a champion that is one no more."""
    folder = version(tmp_path / "b", "2")

    def judge(*_: Bundle) -> Gate:
        lock = settings.home / "promotion.lock"
        text = f"{lock}: another promotion is under way; try again when it is done"
        assert refusal(settings, folder) == text
        return PASSED

    done = promote_bundle(settings, folder, approver="Ana", reason="better", judge=judge)
    assert done.record is not None
    assert promote(settings, folder).record is not None


@pytest.mark.parametrize(
    ("approver", "reason", "text"),
    [
        (" \t", "x", "approver: expected 1 to 128 characters, got 0"),
        ("a" * 129, "x", "approver: expected 1 to 128 characters, got 129"),
        ("Ana", "", "reason: expected 1 to 2000 characters, got 0"),
        ("Ana", "x" * 2_001, "reason: expected 1 to 2000 characters, got 2001"),
        ("A\x1b[2J", "x", "approver: expected text that can be printed, got a control character"),
        ("Ana", "\udcff", "reason: expected text that can be printed, got a control character"),
    ],
)
def test_a_promotion_needs_a_name_and_a_reason(
    settings: Settings, approver: str, reason: str, text: str
) -> None:
    """Asked before anything is read."""
    assert refusal(settings, Path("nowhere"), approver=approver, reason=reason) == text


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file stands where the folder is to be."""
    (tmp_path / "home").write_text("")
    settings = Settings.of({}, home=tmp_path / "home" / "state")
    text = f"{settings.home}: cannot be created; choose a writable folder"
    assert refusal(settings, SHIPPED) == text


def test_a_lock_that_cannot_be_written_says_so(settings: Settings, tmp_path: Path) -> None:
    """As on a file system that became read-only."""
    open_ledger(settings.home).close()
    (settings.home / "promotion.lock").mkdir()
    text = f"{settings.home}/promotion.lock: cannot be written; make its folder writable for this user"
    assert refusal(settings, version(tmp_path / "b", "2")) == text


def test_an_archive_that_cannot_be_written_says_so(settings: Settings, tmp_path: Path) -> None:
    """Nothing is promoted that could not be replayed."""
    open_ledger(settings.home).close()
    (settings.home / "archive").write_text("")
    text = f"{settings.home}/archive: cannot be written (NotADirectoryError); make it writable for this user"
    assert refusal(settings, version(tmp_path / "b", "2")) == text


def at(hours: int) -> datetime:
    """A time of a day long gone."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)


def loaded(ledger: Ledger, hours: int, number: str) -> None:
    """A load record, as the service writes it."""
    identity = {"name": "n", "version": number, "sha256": number * 64}
    ledger.append(LOAD, {"time": format_time(at(hours)), "classifier": identity})


def promoted(ledger: Ledger, hours: int, number: str) -> None:
    """The parts of a promotion that the history reads."""
    identity = {"name": "n", "version": number, "sha256": number * 64}
    stamp = {"time": format_time(at(hours)), "approver": "Ana", "reason": "better"}
    ledger.append(PROMOTION, {**stamp, "bundle": identity})


def test_the_ledger_alone_tells_what_was_live_when() -> None:
    """Promoted is not live, going back is a load, and another policy in between changes nothing."""
    ledger = memory_ledger()
    loaded(ledger, 1, "1")
    promoted(ledger, 2, "2")
    loaded(ledger, 3, "2")
    loaded(ledger, 4, "2")
    loaded(ledger, 5, "1")
    told = []
    for hours in range(6):
        found = live_at(ledger, at(hours))
        live, promotion, last = (found[name] for name in ("live", "promotion", "promoted"))
        told.append(
            (
                live and (live["version"], live["since"][11:13]),
                promotion and promotion["approver"],
                last and 2,
            )
        )
    assert told == [
        (None, None, None),
        (("1", "01"), None, None),
        (("1", "01"), None, 2),
        (("2", "03"), "Ana", 2),
        (("2", "03"), "Ana", 2),
        (("1", "05"), None, 2),
    ]
    assert live_at(ledger, at(3))["live"] == {
        "name": "n",
        "version": "2",
        "sha256": "2" * 64,
        "since": format_time(at(3)),
        "ledger_index": 2,
    }


def test_nothing_is_known_of_the_future() -> None:
    """An answer would be a promise."""
    with pytest.raises(InvalidRequestError) as caught:
        live_at(memory_ledger(), datetime.now(UTC) + timedelta(hours=1))
    assert str(caught.value) == "at: expected a time that has passed, got one ahead"


def test_a_real_load_is_seen(settings: Settings, ledger: Ledger) -> None:
    """What the service writes is what the history reads."""
    open_router(settings, ledger)
    live = live_at(ledger, datetime.now(UTC))["live"]
    assert live["sha256"] in pinned_digests()
    with pytest.raises(ConfigurationError):
        clearway.installation.archive_of(settings).find("bundle", "0" * 64)
