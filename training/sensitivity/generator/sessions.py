"""Conversations of twenty turns: clean ones, and ones in which one turn holds a generated example."""

from collections.abc import Mapping
from random import Random

from training.sensitivity.generator.generate import clean_texts, pair_or_single
from training.sensitivity.generator.library import Split
from training.sensitivity.generator.model import Session
from training.sensitivity.generator.turns import FOLLOW_UPS, REPLIES

_TURNS = 20


def sessions(split: Split, n: int, seed: int) -> list[Session]:
    """`n` conversations of twenty messages, every second one sensitive.

    Args:
        split: "train" or "test".
        n: How many, at least 0.
        seed: The only source of chance.

    Returns:
        Sessions; the kind is "positive" or "clean", the template that of the sensitive turn.
    """
    return [_session(split, f"{split}/session/{seed}/{place}", place % 2 == 1) for place in range(n)]


def _session(split: Split, seed: str, sensitive: bool) -> Session:
    rng = Random(seed)
    texts = clean_texts(split, seed)
    asked = [
        rng.choice(texts) if rng.random() < 0.5 else rng.choice(FOLLOW_UPS[split]) for _ in range(_TURNS // 2)
    ]
    answers = [rng.choice(REPLIES[split]) for _ in asked]
    gold = pair_or_single(split, seed, sensitive)
    asked[rng.randrange(len(asked))] = gold.text
    messages: list[Mapping[str, str]] = []
    for question, answer in zip(asked, answers, strict=True):
        messages += ({"role": "user", "content": question}, {"role": "assistant", "content": answer})
    return Session(tuple(messages), gold.classes, gold.template, "positive" if gold.classes else "clean")
