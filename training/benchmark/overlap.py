"""Near-duplicates: prompts that share most of their runs of eight words with a prompt of a test."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

RUN: Final = 8
MIN_SHARED: Final = 0.5
# Runs of words in more test prompts than this are phrases of the trade ("which of the following ...").
_MAX_OWNERS: Final = 50
_WORD = re.compile(r"\w+")


def runs_of(prompt: str) -> frozenset[int]:
    """Hashes of the runs of eight words, case and punctuation aside; a shorter prompt is one run.

    >>> runs_of("What is 2+2?") == runs_of("what is 2 + 2")
    True
    """
    words = _WORD.findall(prompt.lower())
    if len(words) <= RUN:
        return frozenset([hash(tuple(words))])
    return frozenset(hash(tuple(words[at : at + RUN])) for at in range(len(words) - RUN + 1))


def near_duplicates(prompts: Iterable[str], of: Iterable[str]) -> NDArray[np.bool_]:
    """Which prompts contain, or are contained in, half or more of a test prompt's runs of words.

    The share is of the shorter one's runs. Prompts of up to eight words match only when they are equal.

    Args:
        prompts: To look at, in order.
        of: Test prompts.
    """
    test = [runs_of(prompt) for prompt in sorted(set(of))]
    owners: dict[int, list[int]] = defaultdict(list)
    for index, runs in enumerate(test):
        for run in runs:
            owners[run].append(index)
    sizes = [len(runs) for runs in test]
    verdict: dict[str, bool] = {}
    ordered = list(prompts)
    for prompt in set(ordered):
        runs = runs_of(prompt)
        shared = Counter(
            index for run in runs if len(found := owners.get(run, [])) <= _MAX_OWNERS for index in found
        )
        verdict[prompt] = any(n >= MIN_SHARED * min(len(runs), sizes[index]) for index, n in shared.items())
    return np.array([verdict[prompt] for prompt in ordered], dtype=np.bool_)
