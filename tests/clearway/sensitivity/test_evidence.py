"""Evidence: what a row says, and that nothing else decides it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.assessment import Finding
from clearway.request import Part
from clearway.sensitivity.evidence import COLUMNS, N_COLUMNS, ONE, evidence, readable
from clearway.sensitivity.kinds import ENTITY_KINDS, KINDS, LABEL_WORDS
from clearway.sensitivity.public_persons import is_public

TEXT = "Dear Dr Ana Weber, my card is 4111 1111 1111 1111 and you reach me at ana@example.com today."


def part(text: str) -> Part:
    """A part of a request."""
    return Part("messages[0].content", "user", text)


def found(text: str, value: str, entity: str, score_ppm: int = 900_000, index: int = 0) -> Finding:
    """Finding of a value in a text."""
    start = text.index(value)
    return Finding(entity, start, start + len(value), score_ppm, index)


def row(findings: Sequence[Finding], parts: Sequence[Part], at: int) -> dict[str, int]:
    """Columns of a row that hold something."""
    values = evidence(findings, parts)[at].tolist()
    return {name: value for name, value in zip(COLUMNS, values, strict=True) if value}


def test_a_row_says_what_was_found_and_what_stands_around_it() -> None:
    """Kind, score, entity, words before and after, neighbours, and the shape of a name."""
    name, card = (
        found(TEXT, "Ana Weber", "PERSON"),
        found(TEXT, "4111 1111 1111 1111", "CREDIT_CARD", 500_000),
    )
    said = row([name, card], [part(TEXT)], 0)
    assert said["is.name"] == said["entity.PERSON"] == ONE
    assert said["score.name"] == 900
    assert said["name.two_words"] == said["name.title"] == said["before.label"] == said["after.own"] == ONE
    assert said["near.card"] == said["near.identifier"] == 500
    assert said["beside.card"] == 500
    assert "near.name" not in said


def test_a_sentence_says_of_whom_it_speaks() -> None:
    """Words of the finding's own sentence count, those of the sentence before do not."""
    text = "My sister called. Many people have asthma, why?"
    said = row([found(text, "asthma", "HEALTH_CONDITION")], [part(text)], 0)
    assert said["said.anyone"] == said["said.having"] == ONE
    assert said["before.relative"] == ONE
    assert "said.relative" not in said
    assert "sentence.person" not in said


def test_a_name_in_the_sentence_is_someone() -> None:
    """A name beside the finding makes the sentence speak of a person, and of having."""
    text = "Ana Weber has asthma."
    both = [found(text, "Ana Weber", "PERSON"), found(text, "asthma", "HEALTH_CONDITION")]
    said = row(both, [part(text)], 1)
    assert said["sentence.name"] == said["sentence.person"] == said["sentence.person_having"] == 900


def test_nothing_found_is_no_row() -> None:
    """Zero rows of the right width."""
    assert evidence([], [part("hello")]).shape == (0, N_COLUMNS)


def test_an_entity_without_a_kind_says_nothing() -> None:
    """A recogniser of a user's own speaks through the class table, not through the model."""
    assert len(evidence([found(TEXT, "Ana", "PROJECT_NAME")], [part(TEXT)])) == 0


def test_every_entity_has_a_kind_and_every_kind_its_label_words() -> None:
    """No entity is lost between recognisers and model."""
    assert set(ENTITY_KINDS.values()) == set(KINDS) == set(LABEL_WORDS)


def test_the_shipped_recognisers_report_only_entities_with_a_kind(folder: object) -> None:
    """What a shipped recogniser finds is always evidence."""
    from pathlib import Path

    from clearway.sensitivity.recognizers import shipped_recognizers

    assert isinstance(folder, Path)
    reported = {e for recognizer in shipped_recognizers(folder) for e in recognizer.supported_entities}
    assert reported <= set(ENTITY_KINDS)


def test_parts_stand_beside_each_other() -> None:
    """A name in one leaf is near the number in the next one."""
    parts = [part("Ana Weber"), part("123-45-6789")]
    findings = [Finding("PERSON", 0, 9, 900_000, 0), Finding("US_SSN", 0, 11, 850_000, 1)]
    assert row(findings, parts, 1)["near.name"] == 900


@pytest.mark.parametrize(("gap", "near"), [(40, 900), (41, 720), (121, 540), (1_001, 180), (4_001, 90)])
def test_what_is_farther_says_less(gap: int, near: int) -> None:
    """Nearness falls in steps, weighted by the other's score."""
    text = "Ana Weber" + "." * gap + "123-45-6789"
    findings = [found(text, "Ana Weber", "PERSON"), found(text, "123-45-6789", "US_SSN")]
    assert row(findings, [part(text)], 1)["near.name"] == near


def test_a_harmless_text_around_changes_no_row_but_by_its_first_words() -> None:
    """The row of a value in the midst of 5,000 characters is that of the value alone, its start aside."""
    long = "x " * 2_500 + TEXT + " y" * 2_500
    alone = row([found(TEXT, "ana@example.com", "EMAIL_ADDRESS")], [part(TEXT)], 0)
    within = row([found(long, "ana@example.com", "EMAIL_ADDRESS")], [part(long)], 0)
    assert {k: v for k, v in alone.items() if not k.startswith("start.")} == within


@pytest.mark.parametrize("name", ["Albert Einstein", "ALBERT EINSTEIN\u2019s", "Einstein", "Frédéric Chopin"])
def test_a_name_that_everybody_knows_is_public(name: str) -> None:
    """In any case, with accents and genitives."""
    assert is_public(name)


@pytest.mark.parametrize("name", ["Ana Weber", "Albert", "Einstein Weber", "", "4111"])
def test_other_names_are_not_public(name: str) -> None:
    """A part of a public name is not one, unless hardly anybody else bears it."""
    assert not is_public(name)


def test_a_public_name_is_nobody_that_a_value_belongs_to() -> None:
    """It is said of its own row, and counts as no name for its neighbours."""
    text = "Did Albert Einstein have asthma?"
    findings = [found(text, "Albert Einstein", "PERSON"), found(text, "asthma", "HEALTH_CONDITION")]
    name, asthma = (row(findings, [part(text)], at) for at in range(2))
    assert name["name.public"] == ONE
    assert asthma["sentence.public"] == 900
    assert asthma["turn.public"] == ONE
    assert not {"near.name", "beside.name", "sentence.name"} & set(asthma)


@pytest.mark.parametrize(("apart", "near"), [(0, 900), (1, 450), (2, 270), (3, 0), (10, 0)])
def test_what_stands_turns_away_is_not_near(apart: int, near: int) -> None:
    """A name and a value in turns of one conversation."""
    texts = ["Ana Weber", *["ok"] * (apart - 1), "123-45-6789"] if apart else ["Ana Weber 123-45-6789"]
    parts = [Part(f"messages[{i}].content", "user", text) for i, text in enumerate(texts)]
    findings = [
        found(texts[0], "Ana Weber", "PERSON"),
        found(texts[-1], "123-45-6789", "US_SSN", index=len(texts) - 1),
    ]
    assert row(findings, parts, 1).get("near.name", 0) == near


def test_a_birth_in_an_article_is_told_from_one_in_a_record() -> None:
    """An encyclopedia puts it in parentheses behind the name, among words of public life."""
    article = "Ana Weber (born May 5, 1961) is an actress and singer of the band."
    said = row([found(article, "May 5, 1961", "DATE_OF_BIRTH")], [part(article)], 0)
    assert said["value.biography"] == ONE
    assert said["around.public"] == 800
    record = "Ana Weber, birthday May 5, 1961, room 3."
    said = row([found(record, "May 5, 1961", "DATE_OF_BIRTH")], [part(record)], 0)
    assert not {"value.biography", "around.public"} & set(said)


def test_listed_answers_tell_an_exam_question() -> None:
    """Three lines at least."""
    text = "Which helps in asthma?\nA. Water\nB. Rest\nC. Salbutamol"
    finding = found(text, "asthma", "HEALTH_CONDITION")
    assert row([finding], [part(text)], 0)["around.choices"] == ONE
    assert "around.choices" not in row([finding], [part(text[:40])], 0)


@given(st.permutations(range(5)), st.integers(0, 2**32))
def test_the_order_of_findings_changes_nothing(order: list[int], seed: int) -> None:
    """Rows are sorted by place, and repeated findings count once."""
    random = Random(seed)
    entities = sorted(ENTITY_KINDS)
    text = "word " * 40
    findings = [
        Finding(
            random.choice(entities), a := random.randrange(150), a + random.randrange(1, 30), n * 100_000, 0
        )
        for n in range(5)
    ]
    expected = evidence(findings, [part(text)])
    assert np.array_equal(evidence([findings[i] for i in order] + findings, [part(text)]), expected)
    assert expected.min() >= 0
    assert expected.max() <= ONE
    assert len(expected) == len(readable(findings))
