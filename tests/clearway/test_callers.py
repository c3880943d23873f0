"""Callers: who may ask, who may speak for whom, and what the file gets wrong."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clearway.callers import Callers, load_callers
from clearway.errors import IdentityLapsedError, InvalidRequestError, PolicyError, UnknownCallerError
from clearway.installation import data_folder
from clearway.request import Caller
from clearway.static_keys import key_digest, make_key

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


LIFE = """default_caller: bot
gateway: gate
owners: [team]
callers:
  - {id: bot, kind: agent, owner: team, groups: [], purposes: [talk], regions: [], expires_on: 2026-12-31}
  - {id: orphan, kind: agent, groups: [], purposes: [talk], regions: []}
  - {id: left, kind: agent, owner: gone-team, groups: [], purposes: [talk], regions: []}
users:
  - {id: ana, owner: team, groups: [], purposes: [talk], regions: [], expires_on: 2026-12-30}
gateways:
  - {id: gate, owner: team, speaks_for: [bot, orphan], roles: [operator]}
staff:
  - {id: eve, owner: team, roles: [auditor]}
issuers:
  - id: idp
    issuer: https://idp.example
    audience: clearway
    algorithms: [RS256]
    keys_file: keys.json
    subjects: {s-1: bot, s-2: ana}
keys:
  - {id: k-1, identity: eve, sha256: SHA, expires_on: 2026-12-31}
""".replace("SHA", "a" * 64)
ALGORITHMS = (
    "algorithms: input should be 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', "
    "'ES512' or 'EdDSA'; correct the value"
)
LAST_DAY = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
EXPIRED = "{}: its registration has expired; its owner must review it in callers.yaml"
OWNERLESS = "{}: nobody owns it; name an owner in callers.yaml"


@pytest.mark.parametrize(
    ("agent", "user", "at", "text"),
    [
        ("bot", None, LAST_DAY + timedelta(minutes=1), EXPIRED.format("caller")),
        ("bot", "ana", LAST_DAY, EXPIRED.format("caller.user")),
        ("orphan", None, LAST_DAY, OWNERLESS.format("caller")),
        ("left", None, LAST_DAY, OWNERLESS.format("caller")),
    ],
)
def test_an_expired_or_ownerless_identity_is_refused(
    tmp_path: Path, agent: str, user: str | None, at: datetime, text: str
) -> None:
    """Past its last day (UTC), without an owner, or with an owner who is gone: refused, agent or user."""
    callers = load(tmp_path, LIFE)
    line = {"caller": {"agent": agent, "user": user} if user else agent}
    with pytest.raises(IdentityLapsedError, match=whole(text)):
        callers.from_command_line(line, at=at)
    with pytest.raises(IdentityLapsedError, match=whole(text)):
        callers.from_gateway("gate", line, verified_by="loopback", at=at)


def test_an_identity_is_valid_to_the_end_of_its_last_day(tmp_path: Path) -> None:
    """`expires_on` is the last day, not the first day after."""
    assert load(tmp_path, LIFE).from_command_line({}, at=LAST_DAY) == Caller("bot")


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("bot", {"caller"}),
        ("gate", {"gateway", "operator"}),
        ("eve", {"auditor"}),
        ("ana", set()),
        ("x", set()),
    ],
)
def test_the_section_gives_the_role(tmp_path: Path, name: str, roles: set[str]) -> None:
    """A caller calls, a gateway speaks for callers, staff audits or operates; a user alone does nothing."""
    assert load(tmp_path, LIFE).roles(name) == roles


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "identity: eve",
            "identity: ana",
            "line 22: ana: no such caller, gateway or staff; add it or remove the key",
        ),
        ("s-1: bot", "s-1: nobody", "line 20: nobody: no such identity; add it or remove it"),
        ("id: eve", "id: bot", "line 13: bot: duplicate id; rename or remove one"),
        ("[RS256]", "[HS256]", f"line 18: {ALGORITHMS}"),
        ("[RS256]", "[none]", f"line 18: {ALGORITHMS}"),
        ("keys_file: keys.json", "keys_url: http://idp.example/keys",
         "line 15: issuers: expected keys_url to begin with https://; correct the value"),
        ("    keys_file: keys.json\n", "",
         "line 15: issuers: expected one of keys_file and keys_url; correct the value"),
        ("    issuer: https://idp.example\n", "",
         "line 15: issuers: expected one of issuer and trust_domain; correct the value"),
        ("issuer: https://idp.example", "trust_domain: prod.example",
         "line 15: issuers: expected subjects to begin with spiffe://prod.example/; correct the value"),
    ],
)  # fmt: skip
def test_a_mistaken_credential_names_file_line_and_remedy(
    tmp_path: Path, old: str, new: str, text: str
) -> None:
    """No symmetric algorithm, no `none`, no key set that a stranger on the way could replace."""
    assert old in LIFE
    with pytest.raises(PolicyError, match=whole(f"callers.yaml, {text}")):
        load(tmp_path, LIFE.replace(old, new, 1))


def test_what_is_not_used_changes_no_digest(tmp_path: Path) -> None:
    """A file of before owners, expiry, staff, issuers and keys keeps the digest that old records name."""
    path = Path(__file__).parent / "format_1" / "policy" / "callers.yaml"
    record = json.loads((path.parent.parent / "records.jsonl").read_text().splitlines()[0])
    assert load_callers(path).digest == record["callers"]["digest"]
    plain = load(tmp_path, LIFE).digest
    assert load(tmp_path, LIFE.replace("expires_on: 2026-12-30", "expires_on: 2026-12-29")).digest != plain


def test_a_static_key_is_random_and_known_by_its_digest() -> None:
    """Two keys differ, begin alike for scanners of secrets, and the digest is that of SHA-256."""
    first, second = make_key(), make_key()
    assert first != second
    assert first.startswith("cwk_")
    assert len(first) == 47
    assert key_digest(first) == hashlib.sha256(first.encode()).hexdigest()


def test_the_examples_of_the_shipped_file_load(tmp_path: Path) -> None:
    """What stands there as a comment for staff, issuers and keys is right once its `# ` is taken away."""
    text = (data_folder() / "policy" / "callers.yaml").read_text(encoding="utf-8")
    callers = load(tmp_path, re.sub(r"(?m)^# (staff:$|issuers:$|keys:$|  )", r"\1", text))
    assert set(callers.staff) == {"audit-office"}
    assert [issuer.subjects["ana@example.com"] for issuer in callers.issuers] == ["ana"]
    assert [key.identity for key in callers.keys.values()] == ["support-bot"]
