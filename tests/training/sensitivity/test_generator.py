"""What the generator of sensitive prompts promises."""

import os
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from training.sensitivity.generator import Example, Span, examples, sessions, splice
from training.sensitivity.generator.entities import CLASSES, classes_of
from training.sensitivity.generator.generate import pair
from training.sensitivity.generator.library import Split, templates

SPLITS: tuple[Split, Split] = ("train", "test")


@pytest.fixture(scope="module", params=SPLITS)
def split(request: pytest.FixtureRequest) -> Split:
    """Each split in turn."""
    value: Split = request.param
    return value


def test_the_same_seed_gives_the_same_examples(split: Split) -> None:
    """Two runs with one seed agree in every byte."""
    assert examples(split, 200, 7) == examples(split, 200, 7)


def test_the_hash_seed_of_python_changes_nothing() -> None:
    """Persons of every locale are the same in two processes whose sets are ordered differently."""
    code = (
        "from training.sensitivity.generator.people import Person\n"
        "from training.sensitivity.generator.vocabulary import words\n"
        "for locale in sorted(set(words('locales'))):\n"
        "    for n in range(20):\n"
        "        p = Person(str(n), locale)\n"
        "        print(p.name(), p.titled(), p.email(), p.phone(), ascii(p.address()), p.birthday())\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONUTF8": "1",
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_another_seed_gives_other_texts(split: Split) -> None:
    """The seed decides what is written."""
    assert examples(split, 20, 1) != examples(split, 20, 2)


def test_no_template_stands_in_both_splits() -> None:
    """Train and test share neither ids nor texts of templates."""
    train, test = ({template.body for template in templates(split)} for split in SPLITS)
    assert not train & test
    assert not {e.template for e in examples("train", 500, 1)} & {
        e.template for e in examples("test", 500, 1)
    }


def test_every_positive_template_makes_a_true_minimal_pair(split: Split) -> None:
    """The first half has a class, the second has none, and the two differ."""
    for template in templates(split):
        if template.kind == "positive":
            sensitive, twin = pair(template, split, "0")
            assert sensitive.classes, template.id
            assert not twin.classes, template.id
            assert sensitive.text != twin.text, template.id
            assert sensitive.pair == twin.pair != "", template.id


def test_harmless_templates_have_no_class(split: Split) -> None:
    """Texts on public persons, invented ones, order numbers and the like carry no class."""
    kinds = {"style_harmless", "public_person", "fiction", "clean", "harmless_twin", "spliced_harmless"}
    found = [example for example in examples(split, 1500, 3) if example.kind in kinds]
    assert {example.kind for example in found} == kinds
    assert not [example.template for example in found if example.classes]


def test_every_class_has_enough_templates() -> None:
    """Each class has at least 60 templates, 20 of them for tests."""
    counts: dict[str, Counter[str]] = {}
    for split in SPLITS:
        counts[split] = Counter()
        for template in templates(split):
            if template.kind == "positive":
                counts[split].update(pair(template, split, "0")[0].classes)
    assert min(counts["test"][name] for name in CLASSES) >= 20
    assert min(counts["train"][name] + counts["test"][name] for name in CLASSES) >= 60


def test_no_markup_is_left_in_a_text(split: Split) -> None:
    """Slots, choices and pair marks are all resolved."""
    for example in examples(split, 1500, 5):
        assert not any(mark in example.text for mark in ("«", "»", "{~", "~}", "[[")), example.template


def test_spans_lie_in_order_within_the_text(split: Split) -> None:
    """Spans are within bounds, not empty, by start and apart from each other."""
    for example in examples(split, 1500, 6):
        position = 0
        for span in example.spans:
            assert position <= span.start < span.end <= len(example.text), example.template
            position = span.end


def test_classes_follow_from_the_spans_of_private_data(split: Split) -> None:
    """The gold of a positive example is what the rule says of its spans."""
    for example in examples(split, 800, 8):
        if example.kind == "positive" and "PERSON" in {span.entity for span in example.spans}:
            assert example.classes <= classes_of(span.entity for span in example.spans)


@pytest.mark.parametrize(
    ("entities", "classes"),
    [
        (["CREDIT_CARD"], {"financial"}),
        (["PERSON"], set()),
        (["DATE_OF_BIRTH"], set()),
        (["PERSON", "DATE_OF_BIRTH"], {"personal"}),
        (["PERSON", "STREET_ADDRESS"], {"personal", "contact"}),
        (["PERSON", "HEALTH_CONDITION"], {"personal", "health"}),
        (["PERSON", "SECRET"], {"credentials"}),
        (["PUBLIC_PERSON", "EMAIL_ADDRESS"], {"contact"}),
    ],
)
def test_the_gold_rule(entities: list[str], classes: set[str]) -> None:
    """A name is personal beside an identifier, a birthday or a health fact, and nothing when bare."""
    assert classes_of(entities) == classes


def test_a_splice_keeps_values_at_their_spans() -> None:
    """After splicing, each span still holds its value, and the prompt is around it."""
    carrier = "One thing. Another thing.\nA third thing."
    for seed in range(50):
        found = splice(
            Example("call 123", frozenset({"contact"}), (Span(5, 8, "X"),), "t", "positive"), [carrier], seed
        )
        assert found.text[found.spans[0].start : found.spans[0].end] == "123"
        assert found.kind == "spliced"
        assert len(found.text) > len(carrier)


def test_both_halves_are_spliced_into_the_same_place() -> None:
    """Under one seed the two halves of a pair differ only where they did before."""
    carrier = ["First. Second. Third."]
    one = splice(Example("AAA", frozenset({"health"}), (), "t", "positive"), carrier, 4)
    other = splice(Example("BBB", frozenset(), (), "t", "harmless_twin"), carrier, 4)
    assert one.text.replace("AAA", "BBB") == other.text
    assert other.kind == "spliced_harmless"


def test_a_splice_needs_a_prompt() -> None:
    """Without clean prompts the error says what is missing."""
    with pytest.raises(ValueError, match=r"^no clean prompts to splice into: expected at least one text$"):
        splice(Example("a", frozenset(), (), "t", "clean"), [], 1)


def test_a_short_value_stands_in_a_long_text() -> None:
    """Some spliced examples are thousands of characters long."""
    lengths = [len(example.text) for example in examples("train", 1000, 1) if example.kind == "spliced"]
    assert max(lengths) > 3000
    assert min(lengths) < 800


def test_sessions_have_twenty_turns_and_alternate(split: Split) -> None:
    """A session has twenty questions with answers; every second one holds a sensitive message."""
    found = sessions(split, 6, 1)
    assert found == sessions(split, 6, 1)
    assert [bool(session.classes) for session in found] == [False, True] * 3
    for session in found:
        assert [message["role"] for message in session.messages] == ["user", "assistant"] * 20


def test_style_is_no_signal_in_a_pair(split: Split) -> None:
    """Both halves of a pair begin and end alike in most templates: frame and style are shared."""
    rng = Random(1)
    cards = [template for template in templates(split) if template.kind == "positive"]
    alike = sum(
        one.text[-8:] == two.text[-8:] for one, two in (pair(c, split, str(rng.random())) for c in cards)
    )
    assert alike > 0.8 * len(cards)
