"""Sums of the rows by bucket, done by the engine in whole numbers, and the checks that keep them exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any, Final

import numpy as np

from training.report.analysis.engines import collected
from training.report.analysis.intervals import IntArray
from training.report.routed import ARMS, COLUMNS, N_BUCKETS, REFUSE, ROUTE, SET_ASIDE

# A single request that costs more (100,000 dollars) is a fault of the input, and would make sums overflow.
MAX_NUSD: Final = 10**14
MILLION: Final = 1_000_000
MAX_CALLS: Final = 10_000
BAD_ROW: Final = "bad_row"
Sums = Mapping[str, IntArray]

_MONEY: Final = ("expected_nusd", "spent_nusd", "failed_nusd", "router_nusd", "before_nusd", "posture_nusd")
_QUALITIES: Final = ("quality_ppm", "before_quality_ppm")


def prepared(rows: Any) -> Any:
    """The rows without nulls in texts, unsound ones set aside as `bad_row`, and with counts of 0 or 1.

    Args:
        rows: Ibis table with the columns `routed.COLUMNS`.
    """
    texts = {c.name: rows[c.name].fill_null("") for c in COLUMNS if c.type == "string"}
    is_sound = (texts["verdict"] == SET_ASIDE) | all_of(_soundness(rows))
    faults = texts["faults"]
    texts["verdict"] = is_sound.ifelse(texts["verdict"], SET_ASIDE)
    texts["faults"] = is_sound.ifelse(faults, (faults == "").ifelse(BAD_ROW, faults + f"+{BAD_ROW}"))
    counted = {name: rows[name].fill_null(0) for name in ("failed_nusd", "router_nusd", "n_calls")}
    table = rows.mutate(**texts, **counted, before_cleared=rows.before_cleared.fill_null(False))
    is_routed = table.verdict == ROUTE
    is_compared = is_routed & table.spent_nusd.notnull() & table.before_nusd.notnull()
    return table.mutate(
        one=one(table.verdict != SET_ASIDE),
        routed=one(is_routed),
        refused=one(table.verdict == REFUSE),
        compared=one(is_compared),
        # Calls were made and paid, and no answer came of which a cost is known: nothing to set it against.
        wasted=one(is_routed & table.spent_nusd.isnull() & (table.n_calls > 0)),
    )


def usable(rows: Any) -> Any:
    """Of prepared rows, those that are not set aside."""
    return rows.filter(rows.verdict != SET_ASIDE)


def one(condition: Any) -> Any:
    """1 where it holds, 0 where it does not or cannot be said."""
    return condition.fill_null(False).ifelse(1, 0).cast("int64")


def where(condition: Any, value: Any) -> Any:
    """The value where the condition holds, else 0."""
    return (condition.fill_null(False) & value.notnull()).ifelse(value, 0).cast("int64")


def all_of(conditions: Iterable[Any]) -> Any:
    """Whether every condition holds."""
    return reduce(and_, conditions)


def by_bucket(rows: Any, sums: Mapping[str, Any]) -> Sums:
    """Each sum for each bucket, shape (N_BUCKETS,)."""
    return by_value_and_bucket(rows, {}, sums).get((), _nothing(sums))


def by_value_and_bucket(
    rows: Any, values: Mapping[str, Any], sums: Mapping[str, Any]
) -> dict[tuple[str, ...], Sums]:
    """Each sum for each bucket, by what the rows have in common.

    Args:
        rows: Sound rows.
        values: What to tell apart, by name.
        sums: What to add up, by name.
    """
    table = rows.select(bucket=rows.bucket, **values, **sums)
    added = {name: table[name].sum().cast("int64") for name in sums}
    answer = collected(table.group_by(["bucket", *values]).aggregate(**added)).to_pydict()
    found: dict[tuple[str, ...], dict[str, IntArray]] = {}
    for row, bucket in enumerate(answer["bucket"]):
        key = tuple(answer[name][row] for name in values)
        part = found.setdefault(key, _nothing(sums))
        for name in sums:
            part[name][bucket] = answer[name][row] or 0
    return dict(found)


def counts(rows: Any, *names: str, at_most: int) -> list[tuple[Any, ...]]:
    """How many rows share these columns: their values and the count, most first.

    Args:
        rows: Any table.
        names: Columns.
        at_most: Rows to return.
    """
    counted = rows.group_by(list(names)).aggregate(n_rows=rows.count())
    ordered = counted.order_by([counted.n_rows.desc(), *(counted[name] for name in names)])
    answer = collected(ordered.limit(at_most)).to_pydict()
    return list(zip(*(answer[name] for name in names), answer["n_rows"], strict=True))


def split(joined: str) -> tuple[str, ...]:
    """Names of a list in one text; none of an empty one.

    >>> split("financial+personal"), split("")
    (('financial', 'personal'), ())
    """
    return tuple(dict.fromkeys(part for part in joined.split("+") if part))


def _nothing(names: Iterable[str]) -> dict[str, IntArray]:
    return {name: np.zeros(N_BUCKETS, dtype=np.int64) for name in names}


def _soundness(rows: Any) -> list[Any]:
    """What must hold of a row for it to be used, each never null."""
    money = (*_MONEY, *(f"{arm}_nusd" for arm in ARMS))
    qualities = (*_QUALITIES, *(f"{arm}_quality_ppm" for arm in ARMS))
    calls = rows.n_calls.fill_null(0)
    return [
        rows.verdict.fill_null("").isin([ROUTE, REFUSE]),
        rows.bucket.fill_null(-1).between(0, N_BUCKETS - 1),
        calls.between(0, MAX_CALLS),
        rows.n_matched_calls.fill_null(0).between(0, calls),
        rows.failed_nusd.fill_null(0) <= rows.spent_nusd.fill_null(MAX_NUSD),
        *(rows[name].fill_null(0).between(0, MAX_NUSD) for name in money),
        *(rows[name].fill_null(0).between(0, MILLION) for name in qualities),
    ]
