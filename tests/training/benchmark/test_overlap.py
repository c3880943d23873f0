"""Near-duplicates are found whatever their case and punctuation, and boilerplate is none."""

from __future__ import annotations

import pytest

from training.benchmark.overlap import near_duplicates

QUESTION = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."


@pytest.mark.parametrize(
    ("prompt", "is_near"),
    [
        (QUESTION, True),
        (QUESTION.upper().replace(",", " ;"), True),
        (f"Solve step by step, and give the answer as one number. {QUESTION} How many in all?", True),
        (QUESTION.replace("Natalia", "Weng").replace("May", "June"), True),
        ("In April it rained on 12 days, and half as many days were wet in May; how many were dry?", False),
        ("What is 2 + 2?", True),
        ("What is 2 + 3?", False),
        ("", False),
    ],
)
def test_near_duplicates(prompt: str, is_near: bool) -> None:
    """Half of the shorter prompt's runs of eight words, or all of a short prompt."""
    assert near_duplicates([prompt], [QUESTION, "what is 2+2"]).tolist() == [is_near]


def test_phrases_of_the_trade_are_no_duplicates() -> None:
    """Words that more than fifty test prompts share say nothing."""
    stem = "Which of the following statements about the given subject is true: "
    tests = [f"{stem} {number}" for number in range(60)]
    assert near_duplicates([f"{stem} else"], tests).tolist() == [False]


def test_order_is_kept() -> None:
    """One verdict for each prompt, in order, repeated ones too."""
    assert near_duplicates(["a b", QUESTION, "a b"], [QUESTION]).tolist() == [False, True, False]
