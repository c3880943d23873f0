"""Conversations of 20 turns: how many clean ones are pinned, how many sensitive ones are not.

Every request of a conversation repeats its history, and a session that was pinned once stays so. So each
turn of the user is one request, and a conversation is pinned where any of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final, Literal

from clearway.assessment import SensitivityDetector
from training.benchmark.sensitivity.scanning import Messages, Report, scan_messages
from training.benchmark.sensitivity.shares import share_of

N_TURNS: Final = 20
N_SESSIONS: Final = 100
Pinned = Literal["class", "note"] | None
_REPLIES: Final = (
    "Here is an answer to your question.",
    "Sure, done. Anything else?",
    "That depends on the details; in short, yes.",
    "I have rewritten it as you asked.",
)


def session_rows(
    detector: SensitivityDetector, texts: Sequence[str], report: Report, *, sample: int | None, seed: int
) -> list[dict[str, Any]]:
    """Share of conversations pinned: of clean prompts, and the generator's clean and sensitive ones.

    Args:
        detector: The detector.
        texts: Clean prompts.
        report: Told what is being done.
        sample: Most conversations of each kind.
        seed: Of what is drawn.
    """
    n = min(N_SESSIONS, sample or N_SESSIONS)
    made = [("clean prompts", False, talk) for talk in clean_sessions(texts, n, seed)]
    made += _generated(n, seed)
    found: dict[tuple[str, bool], list[Pinned]] = {}
    for index, (source, is_sensitive, messages) in enumerate(made):
        report(f"conversations: {index:,} of {len(made):,}")
        found.setdefault((source, is_sensitive), []).append(pinned_by(detector, messages))
    return [
        {
            "source": source,
            "is_sensitive": is_sensitive,
            "pinned": share_of(by is not None for by in pinned),
            "by_note_only": pinned.count("note"),
        }
        for (source, is_sensitive), pinned in found.items()
    ]


def pinned_by(detector: SensitivityDetector, messages: Messages) -> Pinned:
    """What pins the request of any turn of the user: a class, else a note or a failure; None for neither."""
    turns = [index for index, message in enumerate(messages, start=1) if message["role"] == "user"]
    found: Pinned = None
    for end in turns:
        outcome = scan_messages(detector, messages[:end])
        if outcome.flagged:
            return "class"
        if outcome.is_pinned:
            found = "note"
    return found


def clean_sessions(texts: Sequence[str], n: int, seed: int) -> list[Messages]:
    """Up to `n` conversations of 20 clean prompts and replies that say nothing; no prompt twice."""
    generator = Random(f"{seed}:sessions")  # noqa: S311
    texts = generator.sample(texts, len(texts))
    talks: list[Messages] = []
    for start in range(0, min(len(texts) - N_TURNS + 1, n * N_TURNS), N_TURNS):
        talk = []
        for text in texts[start : start + N_TURNS]:
            talk += [
                {"role": "user", "content": text},
                {"role": "assistant", "content": generator.choice(_REPLIES)},
            ]
        talks.append(talk[:-1])
    return talks


def _generated(n: int, seed: int) -> list[tuple[str, bool, Messages]]:
    from training.sensitivity.generator import sessions

    return [
        (f"generated, {one.kind}", bool(one.classes), one.messages) for one in sessions("test", 2 * n, seed)
    ]
