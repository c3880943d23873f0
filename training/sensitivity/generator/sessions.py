"""Conversations of twenty turns: clean ones, and ones in which one message holds a sensitive example."""

from collections.abc import Mapping

from training.sensitivity.generator.chance import source
from training.sensitivity.generator.generate import harmless, positive
from training.sensitivity.generator.library import Split
from training.sensitivity.generator.model import Session
from training.sensitivity.generator.turns import FOLLOW_UPS, REPLIES

_TURNS = 20
_IN_AN_ANSWER = 0.15


def sessions(split: Split, n: int, seed: int) -> list[Session]:
    """`n` conversations of twenty questions and answers, every second one sensitive.

    The clean turns hold public and invented persons, order numbers and the like, not only small talk.

    Args:
        split: "train" or "test".
        n: How many, at least 0.
        seed: The only source of chance.

    Returns:
        Sessions; the kind is "positive" or "clean", the template that of the sensitive message, or "".
    """
    return [_session(split, f"{split}/session/{seed}/{place}", place % 2 == 1) for place in range(n)]


def _session(split: Split, seed: str, sensitive: bool) -> Session:
    rng = source(seed)
    texts = [example.text for example in harmless(split, seed)]
    asked = [
        rng.choice(texts) if rng.random() < 0.6 else rng.choice(FOLLOW_UPS[split]) for _ in range(_TURNS)
    ]
    answers = [rng.choice(REPLIES[split]) for _ in asked]
    if not sensitive:
        return Session(_messages(asked, answers), frozenset(), "", "clean")
    gold = positive(split, seed)
    said = answers if rng.random() < _IN_AN_ANSWER else asked
    said[rng.randrange(_TURNS)] = gold.text
    return Session(_messages(asked, answers), gold.classes, gold.template, "positive")


def _messages(asked: list[str], answers: list[str]) -> tuple[Mapping[str, str], ...]:
    messages: list[Mapping[str, str]] = []
    for question, answer in zip(asked, answers, strict=True):
        messages += ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
    return tuple(messages)
