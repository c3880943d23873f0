"""Replay: the same decision again, or the first difference."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from clearway.installation import Settings, data_folder, existing_ledger, open_router
from clearway.ledger.canonical import canonical_json, sha256_hex
from clearway.replay import Replay, Replayer, first_difference, match_requests
from clearway.request import parse_request
from clearway.router import Router

LINES: list[dict[str, Any]] = [
    {"id": "a", "request": {"messages": [{"role": "user", "content": "What is 17 * 23?"}]}},
    {"id": "b", "request": {"messages": [{"role": "user", "content": "Write to maria@example.com"}]}},
    {"id": "c", "labels": ["health"], "request": {"messages": [{"role": "user", "content": "Hello"}]}},
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with three decisions, its register and policy being copies in the home's parent."""
    root = tmp_path_factory.mktemp("replay")
    for name in ("register", "policy"):
        shutil.copytree(data_folder() / name, root / name)
    router = open_router(settings_of(root))
    for line in LINES:
        router.decide(request_of(router, line))
    router.ledger.close()
    return root


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    """The installation, for one test to spoil."""
    return Path(shutil.copytree(home, tmp_path / "copy"))


def settings_of(root: Path, **named: Path) -> Settings:
    """Settings of an installation made by the fixture."""
    variables = {"CLEARWAY_REGISTER": str(root / "register"), "CLEARWAY_POLICY": str(root / "policy")}
    return Settings.of(variables, home=root / "home", **named)


def request_of(router: Router, line: dict[str, Any]) -> Any:
    """Request of a line, as the command line makes it."""
    caller = router.policy.callers.from_command_line(line)
    return parse_request(line, caller=caller, purpose="general", fallback_id="none")


def replays(settings: Settings, lines: list[dict[str, Any]] | None = None) -> list[Replay]:
    """Replay of every decision of an installation."""
    ledger = existing_ledger(settings)
    texts = match_requests(ledger, lines or [])
    replayer = Replayer(settings, ledger)
    return [replayer.replay(entry, texts.get(entry.index)) for entry in ledger.entries(kind="decision")]


def differing_paths(results: list[Replay]) -> set[str]:
    """Paths of the first differences."""
    return {result.difference.path for result in results if result.difference is not None}


@pytest.mark.parametrize("lines", [None, LINES], ids=["record", "text"])
def test_a_decision_replays_the_same(home: Path, lines: list[dict[str, Any]] | None) -> None:
    """From the record alone and with the text, nothing differs."""
    results = replays(settings_of(home), lines)
    assert [result.status for result in results] == ["same"] * 3
    assert all(result.assessed is (lines is not None) for result in results)


def test_a_changed_text_is_the_first_difference(home: Path) -> None:
    """Another text does not open the commitment."""
    changed = json.loads(json.dumps(LINES).replace("17 * 23", "17 * 24"))
    results = replays(settings_of(home), changed)
    assert [result.status for result in results] == ["differs", "same", "same"]
    assert differing_paths(results) == {"request.commitment"}


@pytest.mark.parametrize("is_resealed", [False, True], ids=["altered", "resealed"])
def test_a_changed_weight_is_the_first_difference(home: Path, tmp_path: Path, *, is_resealed: bool) -> None:
    """A bundle with one bit flipped differs, with its manifest made to fit or not."""
    bundle = shutil.copytree(data_folder() / "classifiers" / "default", tmp_path / "bundle")
    model = bundle / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    if is_resealed:
        manifest = json.loads((bundle / "manifest.json").read_bytes())
        manifest["files"]["model.onnx"] = sha256_hex(bytes(data))
        (bundle / "manifest.json").write_bytes(canonical_json(manifest))
    results = replays(settings_of(home, bundle=bundle))
    assert differing_paths(results) == {"classifier.sha256" if is_resealed else "bundle"}
    assert len(results) == 3


def test_an_edited_register_does_not_change_the_past(copy: Path) -> None:
    """The version of the day is taken from the archive."""
    replace_in(copy / "register" / "prices.yaml", '"2.5"', '"9.5"')
    assert [result.status for result in replays(settings_of(copy))] == ["same"] * 3


def test_an_edited_policy_does_not_change_the_past(copy: Path) -> None:
    """The pack of the day is taken from the archive."""
    (copy / "policy" / "default.cedar").write_text("")
    assert [result.status for result in replays(settings_of(copy))] == ["same"] * 3


def test_an_altered_archive_is_a_difference(copy: Path) -> None:
    """What the archive holds must still have the recorded digest."""
    for path in (copy / "register", next((copy / "home" / "archive" / "register").iterdir())):
        replace_in(path / "prices.yaml", '"2.5"', '"9.5"')
    assert differing_paths(replays(settings_of(copy)))


def test_a_version_that_nobody_kept_is_said(copy: Path) -> None:
    """Without the archive an edited register leaves the decision unreplayable, and the reason is given."""
    replace_in(copy / "register" / "prices.yaml", '"2.5"', '"9.5"')
    shutil.rmtree(copy / "home" / "archive")
    first = replays(settings_of(copy))[0]
    assert first.difference is not None
    assert "not in the archive of this installation" in str(first.difference.replayed)


def test_an_erased_decision_says_so(copy: Path) -> None:
    """After erasure the choice still replays, but no text can be tied to it."""
    settings = settings_of(copy)
    ledger = existing_ledger(settings)
    entry = next(ledger.entries(kind="decision"))
    assert ledger.erase(str(entry.decision_id))
    ledger.close()
    assert [result.status for result in replays(settings)] == ["erased", "same", "same"]


@pytest.mark.parametrize(
    ("recorded", "replayed", "path"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, "a"),
        ({"a": [1, {"x": 0}]}, {"a": [1, {"x": 1}]}, "a[1].x"),
        ({"a": 1}, {"a": True}, "a"),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, "a"),
        ({}, {"a": 0}, "a"),
    ],
)
def test_the_first_difference_is_named(recorded: Any, replayed: Any, path: str) -> None:
    """By path, in order of key; a boolean is not the number it equals."""
    difference = first_difference(recorded, replayed)
    assert difference is not None
    assert difference.path == path


def replace_in(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, which must hold it."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
