"""The class table: what it accepts and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from clearway.assessment import Level
from clearway.errors import ConfigurationError
from clearway.sensitivity import load_class_table
from clearway.sensitivity.tokens import tokenise
from clearway.sensitivity.word_lists import Terms, load_words


def test_shipped_levels(folder: Path) -> None:
    """Contact and personal are confidential, every other class restricted."""
    table = load_class_table(folder)
    confidential = {name for name, level in table.class_levels.items() if level is Level.CONFIDENTIAL}
    assert confidential == {"contact", "personal"}
    assert {table.class_levels[name] for name in set(table.class_levels) - confidential} == {Level.RESTRICTED}


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        (
            "personal: {level: confidential}",
            "personal: {levle: confidential}",
            12,
            "levle: unknown key; did you mean level?",
        ),
        (
            "contact: {level: confidential}",
            "contact: {level: confidential, colour: red}",
            13,
            "colour: unknown key; remove it",
        ),
        (
            "health: {level: restricted}",
            "health: {level: restricted, entities: {DIAGNOSIS: -1}}",
            15,
            "DIAGNOSIS: input should be greater than or equal to 0; correct the value",
        ),
        ("  image: restricted\n", "", 22, "image: note without a level; add it to notes"),
    ],
)
def test_a_wrong_table_names_line_and_remedy(
    folder: Path, tmp_path: Path, old: str, new: str, line: int, text: str
) -> None:
    """Each mistake is refused with file, line, key and remedy."""
    source = (folder / "classes.yaml").read_text(encoding="utf-8")
    (tmp_path / "classes.yaml").write_text(source.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_class_table(tmp_path)
    assert str(caught.value) == f"classes.yaml, line {line}: {text}"


def test_entities_of_a_users_own_are_read(folder: Path, tmp_path: Path) -> None:
    """A class of the file, and one that no model knows, may name entities that flag it by themselves."""
    source = (folder / "classes.yaml").read_text(encoding="utf-8")
    health = "  health: {level: restricted"
    own = f"{health}, entities: {{DIAGNOSIS: 5}}}}\n  project: {{level: internal, entities: {{PROJECT: 6}}}}"
    text = source.replace(health + "}", own)
    (tmp_path / "classes.yaml").write_text(text, encoding="utf-8")
    table = load_class_table(tmp_path)
    assert table.entities == ("DIAGNOSIS", "PROJECT")
    assert table.class_levels["project"] is Level.INTERNAL


def test_a_missing_table(tmp_path: Path) -> None:
    """The text names the whole path."""
    with pytest.raises(ConfigurationError) as caught:
        load_class_table(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'classes.yaml'}: cannot be read (No such file or directory); restore the file"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a: [1\nb: 2\n", "2: not YAML; correct the syntax"),
        (
            "- 1\n",
            "1: file: expected a mapping; write the keys version, classes, notes",
        ),
    ],
)
def test_a_table_that_is_no_mapping(tmp_path: Path, content: str, text: str) -> None:
    """Broken YAML and a list are refused at their line."""
    (tmp_path / "classes.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_class_table(tmp_path)
    assert str(caught.value) == f"classes.yaml, line {text}"


def test_an_empty_word_list_is_refused(tmp_path: Path) -> None:
    """A list without words would silently find nothing."""
    path = tmp_path / "words.txt"
    path.write_text("# none\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_words(path)
    assert str(caught.value) == f"{path}:1: expected at least one word, got none; add one a line"


def test_a_missing_word_list_is_refused(tmp_path: Path) -> None:
    """The text says where to get the file."""
    with pytest.raises(ConfigurationError) as caught:
        load_words(tmp_path / "words.txt")
    assert str(caught.value) == (
        f"{tmp_path / 'words.txt'}: expected a word list in UTF-8, got no readable file; "
        "restore it from data/sensitivity"
    )


def test_words_match_loosely() -> None:
    """Spaces and dashes are one; an apostrophe may be typographic or missing."""
    terms = Terms(("do not-go", "crohn's"))
    texts = ("do not go", "do - not-go", "crohns", "crohn\u2019s", "donotgo")
    tokens = [tokenise(text) for text in texts]
    spans = [list(terms.find(found, [word.lower() for word in found.words])) for found in tokens]
    whole = [span == [(0, len(text))] for span, text in zip(spans, texts, strict=True)]
    assert whole == [True, True, True, True, False]
