"""`clearway callers`: the inventory, who answers for nobody, and keys that are shown once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from clearway.callers import load_callers
from clearway.commands import app
from clearway.errors import InvalidRequestError
from clearway.installation import data_folder
from clearway.static_keys import key_digest

SHIPPED = (data_folder() / "policy" / "callers.yaml").read_text(encoding="utf-8")
FOLLOWING = """
staff:
  - {id: audit, owner: platform-team, roles: [auditor], expires_on: 2026-12-31}
  - {id: old-tool, roles: [operator]}
  - {id: left-tool, owner: left-team, roles: [operator]}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A folder with the shipped callers and some staff."""
    (tmp_path / "callers.yaml").write_text(SHIPPED + FOLLOWING, encoding="utf-8")
    return tmp_path


def run(*arguments: str | Path) -> Result:
    """`clearway callers` with these arguments."""
    return CliRunner().invoke(app, ["callers", *map(str, arguments)])


def rows(result: Result) -> list[dict[str, Any]]:
    """The JSON lines of stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_list_says_all_of_an_identity(policy: Path) -> None:
    """Owner, purposes, roles, last day, standing, and what would prove it."""
    found = {row["id"]: row for row in rows(run("list", "--json", "--on", "2026-12-31", "--policy", policy))}
    assert found["audit"] == {
        "id": "audit", "kind": "staff", "owner": "platform-team", "purposes": [], "roles": ["auditor"],
        "expires_on": "2026-12-31", "standing": "valid", "credentials": [],
    }  # fmt: skip
    assert found["support-bot"] == {
        "id": "support-bot", "kind": "caller", "owner": "customer-service", "purposes": ["customer_support"],
        "roles": ["caller"], "expires_on": None, "standing": "valid",
        "credentials": ["gateway:local-gateway"],
    }  # fmt: skip
    assert found["ana"]["roles"] == []
    assert found["local-gateway"]["credentials"] == ["CLEARWAY_TOKEN", "loopback"]


def test_list_has_a_table_for_people(policy: Path) -> None:
    """A line for each identity under a heading."""
    result = run("list", "--policy", policy, "--on", "2026-12-31")
    assert result.exit_code == 0
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["ID", "KIND", "OWNER", "FOR", "LAST", "DAY", "STANDING", "PROVED", "BY"]
    assert [line.split()[0] for line in lines if line.startswith("left-tool")] == ["left-tool"]
    assert "ownerless" in next(line for line in lines if line.startswith("old-tool"))


def test_orphans_are_a_no(policy: Path) -> None:
    """Expired and ownerless identities are listed with exit 1; on its last day an identity is neither."""
    for day, expected in (
        ("2026-12-31", {"old-tool": "ownerless", "left-tool": "ownerless"}),
        ("2027-01-01", {"audit": "expired", "old-tool": "ownerless", "left-tool": "ownerless"}),
    ):
        result = run("orphans", "--json", "--on", day, "--policy", policy)
        assert {row["id"]: row["standing"] for row in rows(result)} == expected
        assert (result.exit_code, result.stderr) == (
            1,
            f"{len(expected)} without an owner or past their end\n",
        )


def test_the_shipped_file_has_no_orphans() -> None:
    """Exit 0 and no line."""
    result = run("orphans")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "every identity has an owner\n")


def test_a_key_is_shown_once_and_kept_as_a_digest(policy: Path) -> None:
    """On stdout the key and nothing else; on stderr the entry to add: it has its digest only, and loads."""
    result = run("key", "create", "audit", "--id", "audit-1", "--days", "30", "--policy", policy)
    key = result.stdout.strip()
    assert (result.exit_code, len(key), key[:4]) == (0, 47, "cwk_")
    first, entry = result.stderr.splitlines()
    assert first == "add to keys: in callers.yaml:"
    assert key not in entry
    (policy / "callers.yaml").write_text(f"{SHIPPED}{FOLLOWING}keys:\n{entry}\n", encoding="utf-8")
    assert load_callers(policy / "callers.yaml").keys[key_digest(key)].identity == "audit"
    credentials = {row["id"]: row["credentials"] for row in rows(run("list", "--json", "--policy", policy))}
    assert credentials["audit"] == ["key:audit-1"]


def test_a_key_as_json() -> None:
    """The key and its entry in one object, for who automates; two keys differ."""
    first, second = (rows(run("key", "create", "support-bot", "--json"))[0] for _ in range(2))
    assert first["key"] != second["key"]
    assert first["entry"]["sha256"] == key_digest(first["key"])
    assert first["entry"]["id"] == f"support-bot-{first['entry']['sha256'][:8]}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nobody"], "identity: expected a caller, gateway or staff of callers.yaml"),
        (["ana"], "identity: expected a caller, gateway or staff of callers.yaml"),
        (
            ["support-bot", "--id", "a b"],
            "id: expected 1 to 128 letters, digits and ._:/@- starting with a letter or digit",
        ),
    ],
)
def test_a_key_is_somebodys(arguments: list[str], text: str) -> None:
    """Nobody, and a user (who acts through an agent), gets no key; a key has a name of its own."""
    result = run("key", "create", *arguments)
    assert isinstance(result.exception, InvalidRequestError)
    assert str(result.exception) == text
    assert result.stdout == ""
