"""What codes and names mean, in words for people who did not write them."""

from __future__ import annotations

from typing import Final

from clearway.explanation import CODES
from training.report.page.formats import count, name

KINDS: Final = {
    "answers": "A table of graded answers: every model's answer to every prompt is known, so costs and "
    "qualities of all ways to route are exact",
    "ledger": "The ledger: what Clearway decided, and what the gateway reported of it",
    "log": "A log of past traffic, priced as if it had been routed: nothing was sent anywhere",
    "table": "A table of routed requests",
}
ARMS: Final = {
    "routed": "routed by Clearway",
    "before": "before: without routing",
    "routed_98": "routed, 98% of the quality",
    "best_single": "best single model",
    "random_mix": "random, same mix",
    "shuffled": "shuffled labels",
    "neighbours": "nearest neighbours",
    "zero_router": "zero router",
    "oracle": "oracle",
}
ARM_MEANINGS: Final = {
    "before": "Every request goes where it went, or would have gone, without routing.",
    "routed_98": "The same router, with the threshold that keeps 98% of the quality before.",
    "best_single": "One model for everything, the best there is, as known afterwards. A router that neither "
    "saves more nor answers better is not needed.",
    "random_mix": "The same shares of the same models, dealt at random. What routing adds is the distance "
    "to this: the rest is only the use of cheaper models.",
    "shuffled": "The same router, trained on labels dealt at random: what it reaches is chance.",
    "neighbours": "A router that looks up the most alike training questions: the simple method to beat.",
    "zero_router": "Two fixed models mixed at random, the best such mix: a router without any knowledge.",
    "oracle": "The cheapest model that answers each request as well as any: known afterwards only. No router "
    "can do better.",
}
BASES: Final = {
    "measured": "measured: a grade of this very answer",
    "modelled": "modelled: the classifier's estimate for this model",
    "mapped": "mapped: the classifier's estimate for another model that stands in for it",
    "": "unknown",
}
DIMENSIONS: Final = {
    "purpose": "Purpose",
    "caller": "Caller (agent or service)",
    "source": "Source",
    "category": "Category",
    "language": "Language",
    "length": "Length of the prompt",
    "class": "Data class",
    "level": "Level of the data",
}
LENGTHS: Final = {
    "short": "short: under 256 tokens",
    "medium": "medium: 256 to 2,047 tokens",
    "long": "long: 2,048 tokens or more",
}
FAULTS: Final = {
    "assumed_length": "The length of the answers is not told: their cost assumes 256 output tokens each",
    "bad_name": "A name is not one: too long, or with characters that cannot be shown",
    "bad_number": "A number is not one, or is beyond all bounds",
    "bad_request": "The request is not a well-formed chat request",
    "bad_row": "A number of the row is beyond its bounds, or its verdict is none",
    "bad_score": "The score is not a number from 0 to 1",
    "clock_jump": "The time runs backwards by more than an hour, or lies in the future; one in the future, "
    "or over a year back, does not count for the period of the report",
    "cost_not_reported": "An answer was reported without cost or tokens: the expected cost counts, if any",
    "duplicate_answer": "The same model answered the same prompt twice: the first counts",
    "duplicate_id": "The id came before: the first counts",
    "failed_call": "The call brought no answer: there is nothing to compare",
    "missing_answers": "Not every model answered it",
    "missing_value": "A value that is needed is missing",
    "models_not_learned": "The training questions do not have these models",
    "negative_tokens": "A count of tokens is negative",
    "no_adequacy_rule": "Nothing says which score of this source is an adequate answer",
    "no_answer": "Every reported call failed: there is no answer to judge",
    "no_id": "There is no id: the line's number stands for it",
    "no_known_cost": "No cost is known",
    "no_model": "The line names no model",
    "no_outcome": "Neither cost nor tokens are given",
    "no_prompt": "There is no prompt",
    "no_time": "There is no time",
    "not_scanned": "The sensitivity detector did not read it",
    "other_currency": "The cost is not in US dollars: it is not counted",
    "time_before_decision": "The outcome is dated before its decision",
    "time_in_future": "The outcome is dated in the future",
    "several_models": "The register has several models of that name, all at one expected cost and estimate: "
    "these count, its provider and region stay unknown",
    "too_few_priced_models": "Fewer than two models of the source have a price",
    "too_few_training_questions": "Too few training questions to learn from",
    "training_answer": "An answer of the training side: it was not learned from",
    "two_models_of_one_name": "Two models of the source have one name: their answers cannot be told apart",
    "unexpected_model": "The gateway called a model that the decision does not name",
    "unknown_caller": "The caller is not registered",
    "unknown_model": "The register does not know the model, or has several of that name",
    "unknown_purpose": "The purpose is not registered for this caller",
    "unknown_status": "The status is neither success nor failure",
    "unreadable_line": "The line cannot be read: no JSON object, cut off, or too long",
}
MEASURES: Final = {
    "provider_count": "Providers that requests reach.",
    "exposure_paths": "Distinct combinations of data class, provider and region that requests reach. A "
    "request without a flagged or declared class makes none.",
    "audit_completeness": "Provider calls that match a decision on record, as a share of all provider calls "
    "that were reported. A call that nobody reported is not among them.",
    "share_routable": "Requests for which a cheaper cleared model that meets the quality floor exists under "
    "terms nowhere weaker than those of the model before, as a share of those where model, terms and cost "
    "before are known. A prompt unlike those that the classifier learned from has no such model.",
}
METRICS: Final = {
    "aiq": "AIQ",
    "apgr": "APGR",
    "cpt_50": "CPT(50%)",
    "cpt_80": "CPT(80%)",
    "arena": "RouterArena",
}
METRIC_MEANINGS: Final = (
    (
        "AIQ: mean quality along the router's curve of cost and quality, made non-decreasing and convex, "
        "over the range of costs. Higher is better. "
        "Hu et al. (2024), RouterBench, arXiv 2403.12031, section 3."
    ),
    (
        "APGR: share of the quality gap between the weak and the strong model that is recovered, averaged "
        "over shares of calls to the strong one. Random gets 50%. "
        "Ong et al. (2024), RouteLLM, arXiv 2406.18665, section 3."
    ),
    (
        "CPT(x): least share of calls to the strong model that recovers x of that gap. Lower is better; "
        "random needs x. Same paper. Both need exactly two models."
    ),
    (
        "RouterArena: weighted harmonic mean of accuracy and of cheapness (the logarithm of USD per 1,000 "
        "prompts, between 0.0044 and 200); accuracy weighs ten times as much. Higher is better. "
        "Lu et al. (2025), RouterArena, arXiv 2510.00202, section 4."
    ),
)


def code(text: str) -> str:
    """A code of a refusal or a fault, in words where it is known."""
    if text.startswith("forbidden:"):
        return f"Forbidden by the policy {name(text.removeprefix('forbidden:'))}"
    known = FAULTS.get(text) or CODES.get(text, "").rstrip(".")
    return known or name(text.replace("_", " "))


def arm(text: str) -> str:
    """An arm, in words where it is known."""
    return ARMS.get(text) or name(text)


def router(text: str) -> str:
    """A router, or its curve.

    >>> router("neighbours at every trade-off")
    'nearest neighbours at every trade-off'
    >>> router("shuffled labels (every trade-off)")
    'shuffled labels (every trade-off)'
    """
    code_of, _, rest = text.partition(" ")
    told = ARMS.get(code_of)
    return name(text if told is None or text.startswith(told) else f"{told} {rest}".rstrip())


def note(text: str) -> str:
    """A sentence of the source, ways to route named as they are elsewhere on the page."""
    for code_of, told in ARMS.items():
        text = text.replace(code_of, told) if "_" in code_of else text
    return name(text, 2_000)


def basis(text: str) -> str:
    """How quality is known, short.

    >>> basis("measured+modelled"), basis("")
    ('measured, modelled', 'unknown')
    """
    return name(", ".join(text.split("+"))) if text else "unknown"


def slice_value(dimension: str, text: str) -> str:
    """A value of a slice."""
    if not text:
        return "not told" if dimension == "language" else "unknown"
    if dimension == "class" and text == "none":
        return "no class"
    return LENGTHS.get(text, name(text)) if dimension == "length" else name(text)


def plural(n: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "request"), plural(2_000, "request")
    ('1 request', '2,000 requests')
    """
    return f"{count(n)} {one if n == 1 else many or one + 's'}"
