"""Time of a scan beside stock Presidio: same texts, same run, taking turns, one thread.

Absolute times are noise on shared machines; ratios of one run hold.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, Final

from clearway.assessment import SensitivityDetector
from clearway.request import Request
from training.benchmark.sensitivity.scanning import Report, as_request
from training.demo import percentile

# Characters of a text, and how many texts are timed.
SIZES: Final[Mapping[int, int]] = MappingProxyType({80: 200, 1_200: 60, 6_000: 20, 20_000: 10})
_WARM_UP: Final = 2
N_TURNS: Final = 20
N_CHARACTERS_OF_A_TURN: Final = 300


def measure_latency(
    detector: SensitivityDetector,
    stock: Any,
    prompts: Sequence[str],
    report: Report,
    *,
    sizes: Mapping[int, int] = SIZES,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Median and 99th percentile of both in milliseconds, and the ratio of the medians, by size.

    Args:
        detector: Ours; parsing the request is not timed.
        stock: Presidio's analyzer.
        prompts: What the texts are made of, not empty.
        report: Told what is being done.
        sizes: Characters of a text, and how many are timed.
        seed: Of the texts: no two are alike, so no cache knows them.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows = []
    with threadpool_limits(1):
        for n_characters, n_times in sizes.items():
            report(f"timing {n_characters:,} characters, beside stock Presidio")
            texts = make_texts(prompts, n_characters, n_times + _WARM_UP, seed)
            rows.append(_row(n_characters, *_timed(detector, stock, texts)))
    return rows


def measure_turn(
    detector: SensitivityDetector, prompts: Sequence[str], *, n_times: int = 10, seed: int = 0
) -> dict[str, Any]:
    """Time of the last turn of a conversation: after the turns before it were scanned, and all at once."""
    texts = make_texts(prompts, N_CHARACTERS_OF_A_TURN, 2 * n_times * N_TURNS, seed)
    talks = [texts[start : start + N_TURNS] for start in range(0, len(texts), N_TURNS)]
    following, cold = [], []
    for known, unknown in zip(talks[:n_times], talks[n_times:], strict=True):
        detector.scan(_conversation(known[:-1]))
        following.append(_seconds(detector, _conversation(known)))
        cold.append(_seconds(detector, _conversation(unknown)))
    return {
        "n_turns": N_TURNS,
        "n_characters": N_TURNS * N_CHARACTERS_OF_A_TURN,
        "n": n_times,
        "next_p50_ms": round(percentile(following, 50) * 1_000, 3),
        "cold_p50_ms": round(percentile(cold, 50) * 1_000, 3),
    }


def _conversation(texts: Sequence[str]) -> Request:
    roles = ("user", "assistant")
    return as_request([{"role": roles[index % 2], "content": text} for index, text in enumerate(texts)])


def _seconds(detector: SensitivityDetector, request: Request) -> float:
    started = time.perf_counter()
    detector.scan(request)
    return time.perf_counter() - started


def make_texts(prompts: Sequence[str], n_characters: int, n_texts: int, seed: int) -> list[str]:
    """Texts of exactly so many characters, of prompts in an order of their own each."""
    texts = []
    for index in range(n_texts):
        generator, text = Random(f"{seed}:{n_characters}:{index}"), f"{index}. "  # noqa: S311
        while len(text) < n_characters:
            text += generator.choice(prompts) + "\n\n"
        texts.append(text[:n_characters])
    return texts


def _timed(
    detector: SensitivityDetector, stock: Any, texts: Sequence[str]
) -> tuple[list[float], list[float]]:
    ours, theirs = [], []
    for text in texts:
        request = as_request([{"role": "user", "content": text}])
        ours.append(_seconds(detector, request))
        started = time.perf_counter()
        stock.analyze(text=text, language="en")
        theirs.append(time.perf_counter() - started)
    return ours[_WARM_UP:], theirs[_WARM_UP:]


def _row(n_characters: int, ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    values = {
        f"{name}_p{p}_ms": round(percentile(list(seconds), p) * 1_000, 3)
        for name, seconds in (("ours", ours), ("stock", theirs))
        for p in (50, 99)
    }
    ratio = percentile(list(ours), 50) / percentile(list(theirs), 50)
    return {"n_characters": n_characters, "n": len(ours), **values, "ratio_p50": round(ratio, 4)}
