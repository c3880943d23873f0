"""Rows of graded answers: one for each test prompt, compared or set aside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from clearway.register import Register
from training.answer_table import is_name, plain
from training.benchmark.blocks import CHARACTERS_PER_TOKEN
from training.prompt_key import prompt_key
from training.report.routed import (
    ARMS,
    COLUMNS,
    MEASURED,
    ROUTE,
    SET_ASIDE,
    bucket_of,
    length_of,
)
from training.report.sources.answer_ways import QUALITY, Contest
from training.report.sources.posture import Place, is_nowhere_weaker
from training.report.sources.prompt_scan import Scan

NOT_IN_REGISTER, UNKNOWN_REGION = "not in the register", "unknown"
NOT_SCANNED, MISSING_ANSWERS = "not_scanned", "missing_answers"
# An answer of the training side that could not be used; a cost of an answer whose length nobody told.
TRAINING_ANSWER, ASSUMED_LENGTH = "training_answer", "assumed_length"
NUSD: Final = 1_000_000_000
PPM: Final = 1_000_000
# Fits in 64 bits; the analysis sets such a row aside.
_MOST: Final = 2**62
_EMPTY: Final[dict[str, Any]] = {
    column.name: "" if column.type == "string" else None for column in COLUMNS
} | {
    "model": None,
    "provider": None,
    "region": None,
    "before_model": None,
    "before_provider": None,
    "before_region": None,
    "verdict": SET_ASIDE,
    "failed_nusd": 0,
    "n_calls": 0,
    "router_nusd": 0,
    "example_terms": False,
}


class Prompt(NamedTuple):
    """One prompt of the test; `repr` would show it, so no error prints one."""

    text: str
    key: str
    category: str
    n_input_tokens: int


@dataclass(frozen=True)
class Tested:
    """The test side, prompt by prompt.

    Attributes:
        prompts: By source and prompt id.
        faults: Codes of unusable answers, by source and prompt id; of prompts that have no usable one too.
        scan: What the detector said.
        places: Where each reference model that the register has is served.
        router_nusd: Cost of one decision.
    """

    prompts: Mapping[tuple[str, str], Prompt]
    faults: Mapping[tuple[str, str], frozenset[str]]
    scan: Scan
    places: Mapping[str, Place]
    router_nusd: int

    def rows(self, contests: list[Contest], refused: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """A row for each prompt of the test.

        Args:
            contests: One for each source that can be compared.
            refused: Code of why not, of each other source.
        """
        seen: set[tuple[str, str]] = set()
        for contest in contests:
            seen.update((contest.source, prompt_id) for prompt_id in contest.ids)
            yield from self._compared(contest)
        for key in self.prompts:
            if key not in seen:
                yield self._set_aside(key, refused.get(key[0], MISSING_ANSWERS))
        for key in sorted(set(self.faults) - set(self.prompts)):
            known = _EMPTY | {"request_id": _id_of(*key), "bucket": bucket_of("/".join(key))}
            yield known | {"source": key[0], "faults": "+".join(sorted(self.faults[key]))}

    def _compared(self, contest: Contest) -> Iterator[dict[str, Any]]:
        """Rows of the prompts that every priced model answered."""
        models = contest.test.models
        ways = {
            way: (_whole(contest.of(way, "spend"), NUSD), _whole(contest.of(way, QUALITY), PPM))
            for way in contest.shares
        }
        before, posture = models[contest.comparison.best], self._posture_nusd(contest)
        for row, prompt_id in enumerate(contest.ids):
            key = (contest.source, prompt_id)
            chosen = models[contest.routed[row]]
            spent, quality = (values[row] for values in ways["routed"])
            base_spent, base_quality = (values[row] for values in ways["before"])
            provider, region = self._place(chosen)
            before_provider, before_region = self._place(before)
            marks = {ASSUMED_LENGTH} if contest.basis == "assumed" else set()
            yield self._known(key, marks) | {
                "verdict": ROUTE,
                "model": chosen,
                "provider": provider,
                "region": region,
                "before_model": before,
                "before_provider": before_provider,
                "before_region": before_region,
                "expected_nusd": spent,
                "spent_nusd": spent,
                "router_nusd": self.router_nusd,
                "before_nusd": base_spent,
                "quality_ppm": quality,
                "before_quality_ppm": base_quality,
                "quality_basis": MEASURED,
                "before_quality_basis": MEASURED,
                "posture_nusd": posture[row],
                "weaker_terms": self._is_weaker(chosen, before),
                **{f"{arm}_nusd": ways[arm][0][row] for arm in ARMS},
                **{f"{arm}_quality_ppm": ways[arm][1][row] for arm in ARMS},
            }

    def _set_aside(self, key: tuple[str, str], code: str) -> dict[str, Any]:
        return self._known(key, {code})

    def _known(self, key: tuple[str, str], codes: Set[str]) -> dict[str, Any]:
        """What is known of a prompt whatever becomes of it, with these faults beside its own."""
        prompt = self.prompts[key]
        scanned = self.scan.of(prompt.text)
        faults = {*codes, *self.faults.get(key, ()), *([NOT_SCANNED] if scanned.failed else [])}
        return {
            **_EMPTY,
            "request_id": _id_of(*key),
            "bucket": bucket_of(prompt.key),
            "faults": "+".join(sorted(faults)),
            "source": key[0],
            "category": plain(prompt.category) if prompt.category else "",
            "language": scanned.language,
            "length": length_of(prompt.n_input_tokens),
            "classes": scanned.classes,
            "level": scanned.level,
            "detector_sha256": self.scan.identity.sha256 if self.scan.identity else "",
        }

    def _place(self, model: str) -> tuple[str, str]:
        place = self.places.get(model)
        return (place.provider.id, place.region) if place else (NOT_IN_REGISTER, UNKNOWN_REGION)

    def _is_weaker(self, chosen: str, before: str) -> bool | None:
        """Whether some term of the choice is weaker; None where the register does not serve both."""
        mine, theirs = self.places.get(chosen), self.places.get(before)
        return None if mine is None or theirs is None else not is_nowhere_weaker(mine, theirs)

    def _posture_nusd(self, contest: Contest) -> list[int | None]:
        """Least cost of each prompt by a model of no weaker terms and of no less predicted success."""
        models, before = contest.test.models, contest.comparison.best
        home = self.places.get(models[before])
        if home is None:
            return [None] * len(contest.ids)
        known = [self.places.get(model) for model in models]
        is_safe = np.array([place is not None and is_nowhere_weaker(place, home) for place in known])
        cells = contest.test.cells
        is_enough = cells["success"] >= cells["success"][:, [before]]
        spend = np.array([_whole(row, NUSD) for row in cells["spend"]])
        least = np.where(is_safe & is_enough, spend, spend[:, [before]]).min(axis=1)
        return [
            int(cost) if cost < base else None for cost, base in zip(least, spend[:, before], strict=True)
        ]


def prompts_of(table: pd.DataFrame) -> dict[tuple[str, str], Prompt]:
    """The prompts of a table of graded answers, as `Tested.prompts`."""
    first = table.drop_duplicates(["source", "prompt_id"])
    estimate = (first["prompt"].str.len() + CHARACTERS_PER_TOKEN - 1) // CHARACTERS_PER_TOKEN
    counted = first["input_tokens"].fillna(estimate).astype(int)
    texts = (first[name] for name in ("source", "prompt_id", "prompt", "prompt_key", "category"))
    return {
        (source, prompt_id): Prompt(*known) for source, prompt_id, *known in zip(*texts, counted, strict=True)
    }


def unlearned_rows(faults: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row, set aside, for each answer of the training side that could not be used.

    No prompt of that side has a row of its own, so that nothing is counted twice.

    Args:
        faults: `source`, `prompt_id` and `code`, from `read_answers`.
    """
    for number, (source, prompt_id, code) in enumerate(faults.itertuples(index=False, name=None), 1):
        name = f"{_id_of(source, prompt_id)}/training {number}"
        codes = "+".join(sorted((code, TRAINING_ANSWER)))
        yield _EMPTY | {"request_id": name, "bucket": bucket_of(name), "source": source, "faults": codes}


def codes_of(faults: pd.DataFrame) -> dict[tuple[str, str], frozenset[str]]:
    """Codes by source and prompt id, as `Tested.faults`."""
    codes = defaultdict(set)
    for source, prompt_id, code in faults.itertuples(index=False, name=None):
        codes[source, prompt_id].add(code)
    return {key: frozenset(found) for key, found in codes.items()}


def places_of(register: Register) -> dict[str, Place]:
    """Where each reference model is served: the first model, by id, that it stands for."""
    places: dict[str, Place] = {}
    for _, model in sorted(register.models.items()):
        places.setdefault(model.success.reference, Place(register.providers[model.provider], model.region))
    return places


def _id_of(source: str, prompt_id: str) -> str:
    """Id of a row; of a prompt id that is no name, which may be the prompt, only a digest."""
    shown = prompt_id if is_name(prompt_id) else f"sha256:{prompt_key(prompt_id)}"
    return f"{source}/{shown}"


def _whole(values: Any, scale: int) -> list[int]:
    """Nearest whole numbers of `1 / scale`."""
    bounded = np.clip(np.rint(np.asarray(values) * scale), 0, _MOST)
    whole: list[int] = bounded.astype(np.int64).tolist()
    return whole
