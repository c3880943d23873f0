"""The tables that every source makes and every engine sums: routed requests, and what a what-if moves.

Whole numbers only, so that sums are the same on every engine. A row that cannot be used stays in the table,
set aside, with the code of what is wrong with it: nothing is dropped unseen.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal, NamedTuple

ColumnType = Literal["string", "int64", "boolean"]
# Requests of one bucket are drawn together by the bootstrap; enough buckets for a steady interval.
N_BUCKETS: Final = 1_024
# Input tokens from which a prompt is medium, and long.
LENGTHS: Final = (256, 2_048)
ROUTE, REFUSE, SET_ASIDE = "route", "refuse", "set_aside"
# How the quality of a row is known: by a grade of this very answer, by the classifier's estimate for this
# model, by its estimate for another model that stands in for it.
MEASURED, MODELLED, MAPPED = "measured", "modelled", "mapped"
# An answer was reported without its cost and without its tokens: what it was expected to cost stands in.
COST_UNREPORTED: Final = "cost_not_reported"
# Ways to route the same requests that graded answers allow to compute; all prompt by prompt, so paired.
ARMS: Final = (
    "routed_98",
    "best_single",
    "random_mix",
    "shuffled",
    "neighbours",
    "zero_router",
    "oracle",
)

_PAIRED: Final = ("nusd", "quality_ppm")
_DECIDED: Final[tuple[tuple[str, ColumnType], ...]] = (
    ("verdict", "string"),
    ("model", "string"),
    ("provider", "string"),
    ("region", "string"),
    ("nusd", "int64"),
    ("quality_ppm", "int64"),
)


class Column(NamedTuple):
    """One column; null only where the meaning says so, and a string that lists something joins it by "+"."""

    name: str
    type: ColumnType
    meaning: str


COLUMNS: Final = (
    Column("request_id", "string", "id within the source"),
    Column("bucket", "int64", "from 0 to N_BUCKETS - 1, by `bucket_of`"),
    Column("time_us", "int64", "when, microseconds since 1970 in UTC; null where nobody said"),
    Column("verdict", "string", "`route`, `refuse`, or `set_aside` where the row cannot be used"),
    Column("faults", "string", "codes of what is wrong with the row, sorted; empty where nothing is"),
    Column("purpose", "string", "slice; empty where unknown, as in every slice below"),
    Column("caller", "string", "slice: the agent or service"),
    Column("source", "string", "slice: corpus, gateway or file"),
    Column("category", "string", "slice: of the graded answers"),
    Column("language", "string", "slice: ISO 639-1"),
    Column("length", "string", "slice: `short`, `medium`, `long`, by `length_of`"),
    Column("classes", "string", "slice: flagged or declared data classes, sorted"),
    Column("level", "string", "level of the data"),
    Column("model", "string", "model that answers; null where refused"),
    Column("provider", "string", "its provider; null where refused"),
    Column("region", "string", "its region; null where refused"),
    Column("before_model", "string", "model without routing: the incumbent, or what the log says"),
    Column("before_provider", "string", "its provider"),
    Column("before_region", "string", "its region"),
    Column("before_cleared", "boolean", "whether policy and limits clear that model; null where unknown"),
    Column("floor_met", "boolean", "whether the choice meets the quality floor; null where refused"),
    Column("expected_nusd", "int64", "expected cost of the choice; null where refused or unknown"),
    Column("spent_nusd", "int64", "reported cost of all attempts, else the expected; null without an answer"),
    Column("failed_nusd", "int64", "cost of attempts without an answer, `spent_nusd` being with it"),
    Column("n_calls", "int64", "provider calls that were reported; 0 where nothing was"),
    Column("n_matched_calls", "int64", "those to a model that the decision names; null without decisions"),
    Column("router_nusd", "int64", "cost of the decision: classifier, detector, policy, ledger"),
    Column("before_nusd", "int64", "cost without routing, on the yardstick of `expected_nusd`; or null"),
    Column("quality_ppm", "int64", "quality of the answer; null where refused or unknown"),
    Column("before_quality_ppm", "int64", "quality without routing; null where unknown"),
    Column("quality_basis", "string", "`measured`, `modelled`, `mapped`; empty where unknown"),
    Column("before_quality_basis", "string", "the same of `before_quality_ppm`"),
    Column(
        "posture_nusd", "int64", "least cost, below `before_nusd`, over the floor on no weaker terms; or null"
    ),
    Column(
        "weaker_terms", "boolean", "whether some term of the choice is weaker than before; null where unknown"
    ),
    Column("refused_for", "string", "codes that left every model out; empty where routed"),
    Column("exceptions", "string", "ids of exceptions that the choice rests on"),
    Column("example_terms", "boolean", "whether the choice rests on example terms"),
    Column("classifier_sha256", "string", "of the complexity model; empty where none decided"),
    Column("detector_sha256", "string", "of the sensitivity detector; empty where none decided"),
    Column("policy_digest", "string", "of the policy; empty where none decided"),
    *(Column(f"{arm}_{what}", "int64", "of this arm; or null") for arm in ARMS for what in _PAIRED),
)
# One row for each scenario and request that was decided both ways: now, and then.
MOVE_COLUMNS: Final = (
    Column("scenario", "string", "its name"),
    Column("request_id", "string", "as above"),
    Column("bucket", "int64", "as above"),
    Column("classes", "string", "as above"),
    *(Column(f"{side}_{name}", kind, "as above") for side in ("now", "then") for name, kind in _DECIDED),
)


def bucket_of(key: str) -> int:
    """Bucket of a request, the same everywhere.

    Args:
        key: What must be drawn together: the question, else the session, else the request's id.

    >>> bucket_of("question 1") == bucket_of("question 1") < N_BUCKETS
    True
    """
    return (
        int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") % N_BUCKETS
    )


def length_of(n_input_tokens: int) -> str:
    """Slice of a prompt's length.

    >>> [length_of(n) for n in (255, 256, 2_047, 2_048)]
    ['short', 'medium', 'medium', 'long']
    """
    medium, long = LENGTHS
    return "short" if n_input_tokens < medium else "medium" if n_input_tokens < long else "long"
