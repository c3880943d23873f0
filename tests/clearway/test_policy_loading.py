"""Policy folders: what loads, what is refused in which words, what the digest is of; small policies."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cedarpy
import pytest

from clearway.assessment import Level
from clearway.errors import PolicyError
from clearway.installation import data_folder
from clearway.policy import Clearing, PolicyClearing, load_policy
from clearway.request import Caller
from clearway.testing import shipped_policy, shipped_register

POLICY, REGISTER = shipped_policy(), shipped_register()
SHIPPED = data_folder() / "policy"
ALLOW = '@id("allow") @reason("r") permit (principal, action, resource);\n'
QUESTION = POLICY.question(Caller("local-dev"), "general", (), Level.PUBLIC, tuple(REGISTER.providers))


def folder_with(folder: Path, **cedar: str | bytes) -> Path:
    """The shipped folder with these Cedar files instead of its own."""
    for name in ("schema.cedarschema", "callers.yaml", "objectives.yaml"):
        (folder / name).write_bytes((SHIPPED / name).read_bytes())
    for name, text in cedar.items():
        (folder / f"{name}.cedar").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def rule(effect: str, condition: str, identifier: str, *, actions: str = "action") -> str:
    """One policy."""
    head = f'@id("{identifier}") @reason("r") {effect} (principal, {actions}, resource)'
    return f"{head} when {{ {condition} }};\n"


TEMPLATE = '@id("a") @reason("r") permit (principal == ?principal, action, resource);'
NO_FIT = '@id("a") @reason("r") permit (principal, action, resource) when { resource.colour == "red" };'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "permit (principal, action, resource);",
            "rules.cedar: a policy has no @id; annotate each policy with a unique @id and a @reason",
        ),
        (
            '@id @reason("r") permit (principal, action, resource);',
            "rules.cedar: a policy has no @id; annotate each policy with a unique @id and a @reason",
        ),
        (
            '@id("a") permit (principal, action, resource);',
            'rules.cedar: @id("a") has no @reason; say why it is there',
        ),
        (
            '@id("a") @reason("") permit (principal, action, resource);',
            'rules.cedar: @id("a") has no @reason; say why it is there',
        ),
        (ALLOW + ALLOW, 'rules.cedar: @id("allow") stands twice; policy ids are unique'),
        (
            TEMPLATE,
            'rules.cedar: @id("a") is a template without @exception; only exceptions are linked, add it',
        ),
        (
            NO_FIT,
            (
                "rules.cedar: does not fit the schema; "
                "for policy `policy0`, attribute `colour` on entity type `Model` not found"
            ),
        ),
        ("permit (", "rules.cedar: not a Cedar policy file; unexpected end of input"),
        (b"// \xff", "rules.cedar: expected UTF-8; save the file as UTF-8"),
    ],
)
def test_a_bad_policy_file_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    """What does not parse, does not fit the schema or does not say what it is for does not load."""
    with pytest.raises(PolicyError, match=rf"\A{re.escape(message)}\Z"):
        load_policy(folder_with(tmp_path, rules=text))


@pytest.mark.parametrize("identifier", [" ", "a b", "-a", "a\\n", "a\\u{202e}b", "\\u{430}llow", "a" * 129])
def test_an_id_that_is_not_plain_is_refused(tmp_path: Path, identifier: str) -> None:
    """Ids stand in records and tables: none may look like another, or change how a line is shown."""
    folder = folder_with(tmp_path, rules=ALLOW.replace('@id("allow")', f'@id("{identifier}")'))
    text = (
        "rules.cedar: an @id is not plain; expected at most 128 letters, digits and . _ : / @ - "
        "that begin with a letter or digit, correct it"
    )
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(folder)
    assert len(load_policy(folder, is_archived=True).policies) == 1


@pytest.mark.parametrize("reason", [" ", "\\u{a0}", "one\\ntwo", "a\\u{1b}[2J", "a\\u{202e}b", "a\nb"])
def test_a_reason_that_cannot_be_read_is_refused(tmp_path: Path, reason: str) -> None:
    """A blank reason says nothing, and a control character can hide what is said."""
    folder = folder_with(tmp_path, rules=ALLOW.replace('@reason("r")', f'@reason("{reason}")'))
    text = 'rules.cedar: @id("allow") has a @reason that cannot be read; write it on one line, in plain words'
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(folder)
    assert set(load_policy(folder, is_archived=True).policies) == {"allow"}


@pytest.mark.parametrize("name", ["Mode", "modes", "MODE", "Exception", "note"])
def test_an_unknown_annotation_is_refused(tmp_path: Path, name: str) -> None:
    """A misspelt `@mode` would enforce what should only be watched, and nobody would notice."""
    text = (
        f'rules.cedar: @id("allow") has an unknown annotation @{name}; '
        "expected @id, @reason, @mode, @exception: correct or remove it"
    )
    folder = folder_with(tmp_path, rules=f'@{name}("observe") {ALLOW}')
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(folder)
    assert set(load_policy(folder, is_archived=True).policies) == {"allow"}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (b"entity (", "schema.cedarschema: not a Cedar schema; error parsing schema: unexpected token `(`"),
        (b"\xff", "schema.cedarschema: expected UTF-8; save the file as UTF-8"),
    ],
)
def test_a_bad_schema_is_refused(tmp_path: Path, schema: bytes, message: str) -> None:
    """A schema that does not parse refuses to load, even where no policy would need it."""
    folder = folder_with(tmp_path, rules="")
    (folder / "schema.cedarschema").write_bytes(schema)
    with pytest.raises(PolicyError, match=rf"\A{re.escape(message)}\Z"):
        load_policy(folder)


@pytest.mark.parametrize("name", ["schema.cedarschema", "callers.yaml", "objectives.yaml"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    """Each file of the folder is needed; the text names the whole path."""
    path = folder_with(tmp_path, rules=ALLOW) / name
    path.unlink()
    text = f"{path}: cannot be read (No such file or directory); restore the file"
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(tmp_path)


def test_a_folder_without_policies_is_refused(tmp_path: Path) -> None:
    """No Cedar file at all is taken for a mistake, unlike an empty one."""
    text = f"{tmp_path}: no .cedar file; an empty one denies everything, a missing one is a mistake"
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(folder_with(tmp_path))


@pytest.mark.parametrize(
    "name", ["EXTRA.CEDAR", "extra.Cedar", "extra.cedar.txt", "a.cedar~", "b.cedarschema", "c.cedars"]
)
def test_a_file_that_would_not_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """What such a file forbids would be allowed, and nobody would notice."""
    folder = folder_with(tmp_path, rules=ALLOW)
    (folder / name).write_text(rule("forbid", "true", "none"), encoding="utf-8")
    text = (
        f"{folder / name}: would not be read; expected a name that ends in .cedar, "
        "rename the file or move it elsewhere"
    )
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(folder)
    assert set(load_policy(folder, is_archived=True).policies) == {"allow"}


def test_ids_are_unique_across_files(tmp_path: Path) -> None:
    """The same id in two files is refused, in the name of the second."""
    text = 'b.cedar: @id("allow") stands twice; policy ids are unique'
    with pytest.raises(PolicyError, match=rf"\A{re.escape(text)}\Z"):
        load_policy(folder_with(tmp_path, a=ALLOW, b=ALLOW))


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")])
def test_the_order_of_files_is_irrelevant(tmp_path: Path, order: tuple[str, ...]) -> None:
    """In whatever order the files were written, digest, reasons and answers are the same."""
    texts = {
        "a": ALLOW,
        "b": rule("forbid", "resource.provider.self_hosted", "b"),
        "c": rule("permit", "true", "c"),
    }
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    one = load_policy(folder_with(first, **texts))
    other = load_policy(folder_with(second, **{name: texts[name] for name in order}))
    assert (one.digest, dict(one.reasons)) == (other.digest, dict(other.reasons))
    assert PolicyClearing(one, REGISTER).clear(QUESTION) == PolicyClearing(other, REGISTER).clear(QUESTION)


def test_the_digest_is_of_policies_and_schema(tmp_path: Path) -> None:
    """Another text, another file name or another schema is another digest; callers have their own."""
    folders = [tmp_path / str(index) for index in range(5)]
    for folder in folders:
        folder.mkdir()
        folder_with(folder)
    for folder, name in zip(folders, ["a", "a", "b", "a", "a"], strict=True):
        (folder / f"{name}.cedar").write_text(ALLOW, encoding="utf-8")
    (folders[1] / "a.cedar").write_text(ALLOW.replace('"r"', '"s"'), encoding="utf-8")
    schema = folders[3] / "schema.cedarschema"
    schema.write_text(schema.read_text(encoding="utf-8") + "entity Other;", encoding="utf-8")
    callers = folders[4] / "callers.yaml"
    callers.write_text(
        callers.read_text(encoding="utf-8").replace("kind: agent", "kind: service"), encoding="utf-8"
    )
    loaded = [load_policy(folder) for folder in folders]
    assert len({policy.digest for policy in loaded}) == 4
    assert loaded[4].digest == loaded[0].digest
    assert loaded[4].callers.digest != loaded[0].callers.digest


def test_reasons_of_the_shipped_pack() -> None:
    """Every shipped policy has a unique id and a reason."""
    text = (SHIPPED / "default.cedar").read_text(encoding="utf-8")
    parsed = json.loads(cedarpy.policies_to_json_str(text))
    assert len(POLICY.reasons) == len(parsed["staticPolicies"]) + len(parsed["templates"])
    assert all(POLICY.reasons.values())


def test_a_request_that_does_not_fit_the_schema_is_a_denial(tmp_path: Path) -> None:
    """A model id that the schema cannot place is no way around it: Cedar refuses, and so do we."""
    schema = cedarpy.Schema.from_str(
        (SHIPPED / "schema.cedarschema").read_text().replace("level: String", "level: Long")
    )
    answers = PolicyClearing(
        replace(load_policy(folder_with(tmp_path, rules=ALLOW)), schema=schema), REGISTER
    ).clear(QUESTION)
    assert {answer.codes for answer in answers.values()} == {("policy_error",)}
    assert not any(answer.route or answer.fall_back for answer in answers.values())


@pytest.mark.parametrize("text", ["", "// nothing\n"])
def test_an_empty_policy_clears_nothing(tmp_path: Path, text: str) -> None:
    """Deny by default: without a permit every model is not_permitted."""
    answers = PolicyClearing(load_policy(folder_with(tmp_path, rules=text)), REGISTER).clear(QUESTION)
    assert set(answers) == set(REGISTER.models)
    assert set(answers.values()) == {Clearing(False, False, (), ("not_permitted",))}


def test_a_routable_model_need_not_be_a_fallback(tmp_path: Path) -> None:
    """A policy may clear a model as the first choice only; as a fallback only is nothing."""
    route = rule("permit", "true", "first", actions='action == Action::"route"')
    fall_back = rule("permit", "true", "next", actions='action == Action::"fall_back"')
    first = PolicyClearing(load_policy(folder_with(tmp_path, rules=route)), REGISTER).clear(QUESTION)
    following = PolicyClearing(load_policy(folder_with(tmp_path, rules=fall_back)), REGISTER).clear(QUESTION)
    assert set(first.values()) == {Clearing(True, False, ("first",), ())}
    assert set(following.values()) == {Clearing(False, False, (), ("not_permitted",))}
