"""Callers: who may ask, who may speak for whom, and what the file gets wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from clearway.callers import Callers, load_callers
from clearway.errors import InvalidRequestError, PolicyError, UnknownCallerError
from clearway.request import Caller

FILE = """default_caller: bot
gateway: gate
callers:
  - {id: bot, kind: agent, owner: o, groups: [g], purposes: [talk, sell], regions: [us]}
  - {id: job, kind: service, owner: o, groups: [], purposes: [sell], regions: []}
users:
  - {id: ana, owner: o, groups: [], purposes: [talk], regions: [us]}
gateways:
  - {id: gate, owner: o, speaks_for: [bot]}
"""


def load(folder: Path, text: str = FILE) -> Callers:
    """Callers of this file."""
    path = folder / "callers.yaml"
    path.write_text(text, encoding="utf-8")
    return load_callers(path)


def whole(text: str) -> str:
    """Pattern of exactly this text."""
    return rf"\A{re.escape(text)}\Z"


@pytest.mark.parametrize(
    ("line", "caller"),
    [
        ({}, Caller("bot")),
        ({"caller": "job"}, Caller("job")),
        ({"caller": {"agent": "bot", "user": "ana"}}, Caller("bot", "ana")),
    ],
)
def test_the_command_line_names_a_caller(tmp_path: Path, line: dict[str, Any], caller: Caller) -> None:
    """A line's caller is the one it names, else the default one."""
    assert load(tmp_path).from_command_line(line) == caller


def test_a_gateway_speaks_for_its_callers(tmp_path: Path) -> None:
    """The caller that a gateway names carries the gateway's name and how it was verified."""
    line = {"caller": {"agent": "bot", "user": "ana"}}
    caller = load(tmp_path).from_gateway("gate", line, verified_by="loopback")
    assert caller == Caller("bot", "ana", "loopback", "gate")


UNKNOWN = "not registered; add it to callers.yaml or correct the name"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"caller": "eve"}, f"caller: {UNKNOWN}"),
        ({"caller": "ana"}, f"caller: {UNKNOWN}"),
        ({"caller": "gate"}, f"caller: {UNKNOWN}"),
        ({"caller": {"agent": "bot", "user": "eve"}}, f"caller.user: {UNKNOWN}"),
        ({"caller": {"agent": "bot", "user": "job"}}, f"caller.user: {UNKNOWN}"),
    ],
)
def test_an_unknown_caller_is_refused(tmp_path: Path, line: dict[str, Any], text: str) -> None:
    """A name that is not registered as what it is used for is refused, and not repeated."""
    callers = load(tmp_path)
    with pytest.raises(UnknownCallerError, match=whole(text)):
        callers.from_command_line(line)
    with pytest.raises(UnknownCallerError, match=whole(text)):
        callers.from_gateway("gate", line, verified_by="loopback")


def test_a_gateway_speaks_for_no_one_else(tmp_path: Path) -> None:
    """A registered caller is refused where the gateway may not speak for it."""
    text = "caller: gate may not speak for it; add it to speaks_for"
    with pytest.raises(UnknownCallerError, match=whole(text)):
        load(tmp_path).from_gateway("gate", {"caller": "job"}, verified_by="loopback")


def test_a_gateway_is_no_caller(tmp_path: Path) -> None:
    """Over HTTP there is no default caller: the line must name one."""
    text = "caller: required field is missing; name the caller the gateway speaks for"
    with pytest.raises(InvalidRequestError, match=whole(text)):
        load(tmp_path).from_gateway("gate", {}, verified_by="loopback")


@pytest.mark.parametrize(("line", "purpose"), [({}, "talk"), ({"purpose": "sell"}, "sell")])
def test_the_purpose_of_a_line(tmp_path: Path, line: dict[str, Any], purpose: str) -> None:
    """A line's purpose is the one it names, else the caller's first; policy says whether it is allowed."""
    assert load(tmp_path).purpose_of(Caller("bot"), line) == purpose


def test_a_purpose_that_nobody_has_is_no_purpose(tmp_path: Path) -> None:
    """It would be words of the caller's own in a record that nobody can erase."""
    text = "purpose: nobody is registered for it; correct it or add it to callers.yaml"
    with pytest.raises(InvalidRequestError, match=whole(text)):
        load(tmp_path).purpose_of(Caller("bot"), {"purpose": "jane_doe_has_hiv"})


@pytest.mark.parametrize("purpose", [None, 1, ["talk"], "", "my number is 078-05-1120", "x" * 129])
def test_a_purpose_is_a_name(tmp_path: Path, purpose: object) -> None:
    """Records hold purposes, so one that is no name (and could be a prompt) is refused, and not repeated."""
    text = "purpose: expected 1 to 128 letters, digits and ._:/@- starting with a letter or digit"
    with pytest.raises(InvalidRequestError, match=whole(text)):
        load(tmp_path).purpose_of(Caller("bot"), {"purpose": purpose})


def test_everyone_must_be_permitted(tmp_path: Path) -> None:
    """The principals are the agent or service and, where there is one, the user."""
    callers = load(tmp_path)

    def named(caller: Caller) -> list[tuple[str, str]]:
        return [(kind, entry.id) for kind, entry in callers.principals(caller)]

    assert named(Caller("job")) == [("Service", "job")]
    assert named(Caller("bot", "ana")) == [("Agent", "bot"), ("User", "ana")]


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    """A comment changes no digest, a region does."""
    plain = load(tmp_path).digest
    assert load(tmp_path, f"# hi\n{FILE}").digest == plain
    assert load(tmp_path, FILE.replace("regions: []", "regions: [eu]")).digest != plain


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ("default_caller: bot", "default_caller: ana", 1, "ana: no such caller; name one of this file"),
        ("gateway: gate", "gateway: bot", 2, "bot: no such gateway; name one of this file"),
        ("speaks_for: [bot]", "speaks_for: [bot, eve]", 9, "eve: no such caller; add it or remove it"),
        ("id: job", "id: bot", 5, "bot: duplicate id; rename or remove one"),
        ("id: ana", "id: job", 7, "job: duplicate id; rename or remove one"),
        ("id: gate", "id: ana", 9, "ana: duplicate id; rename or remove one"),
        ("kind: agent", "kind: user", 4, "kind: input should be 'agent' or 'service'; correct the value"),
        ("owner: o", "onwer: o", 4, "onwer: unknown key; did you mean owner?"),
        (", regions: []", ", regions: [], admin: true", 5, "admin: unknown key; remove it"),
        (
            "purposes: [sell]",
            "purposes: []",
            5,
            "purposes: list should have at least 1 item after validation, not 0; correct the value",
        ),
    ],
)
def test_a_mistake_names_file_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, text: str
) -> None:
    """Each mistake is refused with its file, its line and what to do."""
    assert old in FILE
    with pytest.raises(PolicyError, match=whole(f"callers.yaml, line {line}: {text}")):
        load(tmp_path, FILE.replace(old, new, 1))
