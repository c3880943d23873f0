"""What goes into service is on the record: digests, who, what changed, who approved it; or it does not go."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from clearway.approvals import Signed, approve, load_approvers, request_approval
from clearway.archive import Archive
from clearway.errors import ApprovalError
from clearway.installation import data_folder
from clearway.ledger.checkpoint import Signer
from clearway.ledger.store import Ledger
from clearway.load_records import (
    APPROVAL,
    APPROVAL_REQUESTED,
    LOAD,
    Versions,
    authority,
    record_load,
    stamp_of,
)
from clearway.policy import load_policy
from clearway.register import Register, load_register
from clearway.testing import NOON, memory_ledger

ANA, BEN, EVE = (Signer.generate(name) for name in ("ana", "ben", "eve"))
CLASSIFIERS = {"classifier": {"name": "c"}, "sensitivity": {"name": "s"}}
FORBID = (
    '@id("{0}") @reason("a test") forbid (principal, action, resource) when {{ context.level == "{1}" }};\n'
)


class Installation:
    """A ledger, an archive and folders to edit.

    Args:
        root: Empty folder.
    """

    def __init__(self, root: Path) -> None:
        self.ledger: Ledger = memory_ledger()
        self.archive = Archive(root / "archive")
        self.policy = Path(shutil.copytree(data_folder() / "policy", root / "policy"))
        self.register = data_folder() / "register"

    def versions(self) -> Versions:
        """What stands in the folders now."""
        return Versions(
            policy=load_policy(self.policy),
            register=register_of(self.register),
            approvers=load_approvers(self.policy),
            policy_folder=self.policy,
            register_folder=self.register,
        )

    def load(self, classifiers: Mapping[str, Any] = CLASSIFIERS) -> dict[str, Any]:
        """Load; the newest record."""
        stamp = stamp_of(NOON, "root")
        record_load(self.ledger, self.archive, self.versions(), classifiers, stamp)
        entry = self.ledger.latest(LOAD)
        assert entry is not None
        return entry.record

    def n_loads(self) -> int:
        """Load records there are."""
        return len(list(self.ledger.entries(kind=LOAD)))

    def add(self, rule: str, level: str = "public") -> None:
        """Another policy in a file of its own; the same id replaces it."""
        (self.policy / f"{rule}.cedar").write_text(FORBID.format(rule, level))

    def persons(self, *keys: Signer, mode: str = "required") -> None:
        """Register approvers."""
        people = "".join(f"\n- id: {key.name}\n  public_key: {key.verifier}" for key in keys)
        (self.policy / "approvers.yaml").write_text(f"approvals: {mode}\napprovers:{people or ' []'}\n")

    def request(self, kind: str, signer: Signer = ANA) -> int:
        """A signed request for what stands in the folders; its place."""
        versions = self.versions()
        approvers = authority(self.ledger, versions.approvers)
        subject = versions.subject(kind)
        signed = request_approval(kind, subject, reason="x", signer=signer, approvers=approvers, at=NOON)
        return self.ledger.append(APPROVAL_REQUESTED, {"approval": signed.as_json()}).index

    def approve(self, kind: str, requester: Signer = ANA, signer: Signer = BEN) -> Signed:
        """A signed request and a signed approval of what stands in the folders."""
        versions, index = self.versions(), self.request(kind, requester)
        signed = approve(
            kind,
            versions.subject(kind),
            requester=requester.name,
            reason="x",
            signer=signer,
            approvers=authority(self.ledger, versions.approvers),
            at=NOON,
        )
        self.put(signed, index)
        return signed

    def put(self, signed: Signed, request: int) -> None:
        """An approval as a record."""
        named = {"approval": signed.as_json(), "request": {"ledger_index": request}}
        self.ledger.append(APPROVAL, named)


@lru_cache
def register_of(folder: Path) -> Register:
    """Registers take long to read."""
    return load_register(folder)


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """An installation that has loaded nothing."""
    return Installation(tmp_path)


@pytest.fixture
def strict(here: Installation) -> Installation:
    """One in service that requires approvals by Ana and Ben."""
    here.persons(ANA, BEN)
    here.approve("policy")
    here.approve("register")
    here.load()
    return here


def refusal(here: Installation) -> str:
    """The text of the refusal; nothing was recorded."""
    before = here.n_loads()
    with pytest.raises(ApprovalError) as caught:
        here.load()
    assert here.n_loads() == before
    return str(caught.value)


def missing(kind: str) -> str:
    """The refusal of what nobody approved."""
    return (
        f"{kind}: not approved, and approvals are required; run clearway approval request {kind}, "
        f"then have another person run clearway approval approve {kind}"
    )


def test_the_first_load_says_what_and_who(here: Installation) -> None:
    """Nothing to compare with yet, and nobody approved."""
    record, versions = here.load(), here.versions()
    assert record["operator"] == "root"
    assert record["policy"] == {"digest": versions.policy.digest}
    assert record["prices"] == {"digest": versions.register.price_digest}
    assert record["approvers"] == {"digest": versions.approvers.digest, "approvals": "recorded", "keys": {}}
    assert record["approvals"] == {"policy": None, "register": None}
    assert record["diff"] is None


def test_a_policy_change_is_named_by_id(here: Installation) -> None:
    """Added, changed, removed: the record alone tells which rules came and went (vSR #2825)."""
    here.add("one")
    here.load()
    here.add("one", level="internal")
    here.add("two")
    assert here.load()["diff"] == {"policy": {"added": ["two"], "removed": [], "changed": ["one"]}}
    (here.policy / "two.cedar").unlink()
    assert here.load()["diff"] == {"policy": {"added": [], "removed": ["two"], "changed": []}}


def test_a_comment_changes_no_rule(here: Installation) -> None:
    """The digest differs, so there is a load; the difference is empty."""
    here.load()
    (here.policy / "note.cedar").write_text("// a comment\n")
    assert here.load()["diff"] == {"policy": {"added": [], "removed": [], "changed": []}}
    assert here.n_loads() == 2


def test_a_change_of_identities_and_objectives_is_named(here: Installation) -> None:
    """Each identity change is on the ledger, by section and id."""
    here.load()
    edit(here.policy / "callers.yaml", "[eu, on_premises]", "[us, eu, on_premises]")
    edit(here.policy / "objectives.yaml", "max_fallbacks: ", "max_fallbacks: 1")
    diff = here.load()["diff"]
    assert set(diff) == {"callers", "objectives"}
    assert diff["callers"] == {"added": [], "removed": [], "changed": ["caller:hr-assistant"]}
    assert len(diff["objectives"]["changed"]) == 1


def test_a_change_of_register_and_prices_is_named(here: Installation, tmp_path: Path) -> None:
    """A changed term of a provider and a changed price, apart."""
    here.load()
    here.register = Path(shutil.copytree(here.register, tmp_path / "register"))
    edit(here.register / "models.yaml", "p95_ms: ", "p95_ms: 1")
    edit(here.register / "prices.yaml", 'input_usd_per_mtok: "', 'input_usd_per_mtok: "1')
    diff = here.load()["diff"]
    assert set(diff) == {"register", "prices"}
    assert all(len(found["changed"]) == 1 and not found["added"] for found in diff.values())
    assert diff["register"]["changed"][0].startswith("model:")


def test_without_the_last_version_there_is_no_diff(here: Installation) -> None:
    """The archive was deleted: the record says that it does not know, and the service goes on."""
    here.load()
    shutil.rmtree(here.archive.root)
    here.add("one")
    assert here.load()["diff"] == {"policy": None}


def test_an_approval_is_named_in_the_load(here: Installation) -> None:
    """Also where none is required; one that comes after the load makes a load record of its own."""
    here.persons(ANA, BEN, mode="recorded")
    assert here.load()["approvals"] == {"policy": None, "register": None}
    here.approve("policy")
    found = here.load()["approvals"]
    assert found["policy"] == {
        "approver": "ben",
        "requester": "ana",
        "time": "2026-12-01T12:00:00.000000Z",
        "ledger_index": 2,
    }
    assert (found["register"], here.n_loads()) == (None, 2)


def test_what_is_required_and_missing_does_not_load(here: Installation) -> None:
    """Neither the policy, nor the register that goes with it."""
    here.persons(ANA, BEN)
    assert refusal(here) == missing("policy")
    here.approve("policy")
    assert refusal(here) == missing("register")
    here.approve("register")
    assert here.load()["approvals"]["register"]["approver"] == "ben"


def test_an_approved_version_is_loaded_again_without_asking(strict: Installation) -> None:
    """A restart, and one with another classifier, are no change of policy."""
    strict.load()
    assert strict.n_loads() == 1
    assert strict.load({**CLASSIFIERS, "classifier": {"name": "d"}})["approvals"]["policy"] is not None
    assert strict.n_loads() == 2


def test_each_edit_needs_an_approval_of_its_own(strict: Installation) -> None:
    """Edited after it was approved, it is not what was approved."""
    strict.add("one")
    strict.approve("policy")
    strict.add("one", level="internal")
    assert refusal(strict) == missing("policy")
    strict.approve("policy")
    assert strict.load()["diff"]["policy"]["added"] == ["one"]


def test_an_old_approval_lets_nothing_back(strict: Installation) -> None:
    """Going back to a version that was approved once is a change, and needs an approval again."""
    strict.add("one")
    strict.approve("policy")
    strict.load()
    (strict.policy / "one.cedar").unlink()
    assert refusal(strict) == missing("policy")
    strict.approve("policy")
    strict.load()


def test_an_approval_outlives_other_loads(strict: Installation) -> None:
    """Between approval and load the old version may be started again with another classifier."""
    strict.add("one")
    strict.approve("policy")
    (strict.policy / "one.cedar").unlink()
    strict.load({**CLASSIFIERS, "classifier": {"name": "d"}})
    strict.add("one")
    strict.load()


def test_a_new_approvers_file_cannot_let_itself_in(strict: Installation) -> None:
    """Nor can one that requires nothing any more, or is gone: the persons in service decide."""
    strict.persons(EVE, BEN)
    with pytest.raises(ApprovalError, match=r"^approval: eve: not registered with this key"):
        strict.approve("policy", requester=EVE)
    assert refusal(strict) == missing("policy")
    strict.persons(mode="recorded")
    assert refusal(strict) == missing("policy")
    (strict.policy / "approvers.yaml").unlink()
    assert refusal(strict) == missing("policy")


def test_persons_change_by_approval_of_the_present_ones(strict: Installation) -> None:
    """Afterwards the one who left approves nothing, and what they approved stays in service."""
    strict.persons(ANA, EVE)
    strict.approve("policy")
    record = strict.load()
    assert record["diff"] == {
        "approvers": {"added": ["approver:eve"], "removed": ["approver:ben"], "changed": []}
    }
    assert record["approvals"]["register"]["approver"] == "ben"
    strict.add("one")
    with pytest.raises(ApprovalError, match=r"^approval: ben: not registered"):
        strict.approve("policy")
    strict.approve("policy", signer=EVE)
    strict.load()


def test_an_approval_of_the_register_approves_no_policy(strict: Installation) -> None:
    """Nor does a request, nor an approval whose request is another person's or is none."""
    strict.add("one")
    request = strict.request("policy")
    assert refusal(strict) == missing("policy")
    strict.approve("register")
    assert refusal(strict) == missing("policy")
    signed = approve(
        "policy",
        strict.versions().subject("policy"),
        requester="ana",
        reason="x",
        signer=BEN,
        approvers=load_approvers(strict.policy),
        at=NOON,
    )
    for wrong in (0, 99, strict.request("policy", BEN), strict.request("register")):
        strict.put(signed, wrong)
    strict.put(replace(signed, signature="AAAA"), request)
    assert refusal(strict) == missing("policy")
    strict.put(signed, request)
    strict.load()


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first such text."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
