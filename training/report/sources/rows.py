"""Rows of the report's tables from a decision: what was chosen, what came of it, what it was held against.

A decision's record holds all but what was paid and how good the answer was; outcomes say that where they came
in. The row says for each number how it is known, and every oddity becomes a code: nothing is put right here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearway.assessment import Level
from clearway.features import OUTSIDE_NOTE
from clearway.outcomes import Outcome
from clearway.register import Register
from training.report.gathered import Costs
from training.report.routed import (
    ARMS,
    COST_UNREPORTED,
    MAPPED,
    MEASURED,
    MODELLED,
    REFUSE,
    bucket_of,
    length_of,
)
from training.report.sources.posture import Place, is_nowhere_weaker

# Codes of what is wrong with a row; those of `Outcome.marks` stand beside them.
UNKNOWN_MODEL, NO_ANSWER = "unknown_model", "no_answer"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LEVELS: Final = frozenset(level.label for level in Level)
# How the classifier's estimate of a model is known, by the basis that a record states.
BASES: Final = {"measured": MODELLED, "mapped": MAPPED}


@dataclass(frozen=True, slots=True)
class Before:
    """What would have answered, or did, without routing.

    Attributes:
        model: Id in the register, or the name that a log gives.
        provider: Its provider, or None where unknown.
        region: Its region, or None.
        nusd: Its cost, on the yardstick of a decision's expected cost; None where unknown.
        quality_ppm: Quality of its answer; None takes the classifier's estimate, where there is one.
        quality_basis: How that is known.
    """

    model: str
    provider: str | None
    region: str | None
    nusd: int | None
    quality_ppm: int | None = None
    quality_basis: str = ""


def decision_row(
    record: Mapping[str, Any],
    *,
    register: Register,
    costs: Costs,
    request_id: str = "",
    together: str = "",
    source: str = "",
    category: str = "",
    language: str = "",
    before: Before | None = None,
    outcomes: Sequence[Outcome] = (),
) -> dict[str, Any]:
    """The row of a decision, with every column of `routed.COLUMNS`; the arms are left empty.

    Args:
        record: Of the decision, format 1 or 2.
        register: Where providers, regions and terms are looked up.
        costs: Cost of the decision itself.
        request_id: Id of the row; the decision's by default.
        together: What the bootstrap draws together; the session by default, else the row's id.
        source: Slice; the gateway by default.
        category: Slice.
        language: Slice; `other` by default where the detector could not read it.
        before: Without routing; the register's incumbent of then by default.
        outcomes: Attempts as they stand, all of them.

    Raises:
        KeyError: It is not the record of a decision.
    """
    own_id = request_id or str(record["decision_id"])
    held = before or _incumbent(record, register)
    answered = _answering(record, register, outcomes)
    quality_ppm, basis = _quality(record, answered, outcomes)
    choice = {} if record["verdict"] == REFUSE else _place(record, register, answered)
    return {
        "request_id": own_id,
        "bucket": bucket_of(together or record["session"] or own_id),
        "verdict": record["verdict"],
        "faults": _joined(_faults(record, held, register, outcomes)),
        **_slices(record),
        **{name: value for name, value in _given(source, category, language).items() if value},
        "model": choice.get("model"),
        "provider": choice.get("provider"),
        "region": choice.get("region"),
        **_before_part(record, held),
        "floor_met": record["floor_met"] if choice else None,
        "expected_nusd": record["cost"]["expected_nusd"],
        **_spending(record, register, outcomes),
        "router_nusd": costs.router_nusd,
        "quality_ppm": quality_ppm,
        "quality_basis": basis,
        "posture_nusd": _posture_nusd(record, register, held),
        "weaker_terms": _is_weaker(choice, register, held),
        "refused_for": "" if choice else _joined(c for one in record["excluded"] for c in one["codes"]),
        "exceptions": _joined(record["exceptions"]),
        "example_terms": bool(record["example_terms"]),
        "classifier_sha256": record["assessment"]["classifier"]["sha256"],
        "detector_sha256": record["classification"]["detector"]["sha256"],
        "policy_digest": record["policy"]["digest"],
        **{f"{arm}_{what}": None for arm in ARMS for what in ("nusd", "quality_ppm")},
    }


def move_row(
    scenario: str,
    row: Mapping[str, Any],
    now: Mapping[str, Any],
    then: Mapping[str, Any],
    *,
    estimates: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of a decision under other rules, with every column of `routed.MOVE_COLUMNS`.

    Args:
        scenario: Its name.
        row: Of the decision, from `decision_row`.
        now: As recorded, or resolved under the rules of today.
        then: As resolved under the other rules.
        estimates: As resolved under the other rules on today's estimates, where `then` rests on those of
            another classifier: cost and quality are then by one yardstick, and none judges its own choice.
    """
    return {
        "scenario": scenario,
        **{name: row[name] for name in ("request_id", "bucket", "classes")},
        **{f"now_{name}": value for name, value in _decided(now, now).items()},
        **{f"then_{name}": value for name, value in _decided(then, estimates or then).items()},
    }


def _decided(resolved: Mapping[str, Any], estimates: Mapping[str, Any]) -> dict[str, Any]:
    model = resolved["model"]
    estimated = _candidates(estimates).get(model) or _candidates(resolved).get(model) or {}
    return {
        **{name: resolved[name] for name in ("verdict", "model", "provider", "region")},
        "nusd": estimated.get("cost_nusd"),
        "quality_ppm": estimated.get("success_ppm"),
    }


def _slices(record: Mapping[str, Any]) -> dict[str, Any]:
    seen, at = record["classification"], datetime.fromisoformat(record["time"])
    declared = {label for label in seen["labels"] if label not in _LEVELS}
    return {
        "time_us": (at - _EPOCH) // _MICROSECOND,
        "purpose": record["purpose"],
        "caller": record["caller"]["agent"],
        "source": record["caller"]["gateway"] or "",
        "category": "",
        "language": "other" if "language_unsupported" in record["notes"] else "",
        "length": length_of(record["assessment"]["n_input_tokens"]),
        "classes": _joined({*seen["flagged"], *declared}),
        "level": seen["level"],
    }


def _given(source: str, category: str, language: str) -> dict[str, str]:
    return {"source": source, "category": category, "language": language}


def _incumbent(record: Mapping[str, Any], register: Register) -> Before:
    name = record["cost"]["incumbent"]
    model = register.models.get(name)
    return Before(
        model=name,
        provider=model.provider if model else None,
        region=model.region if model else None,
        nusd=record["cost"]["incumbent_nusd"],
    )


def _before_part(record: Mapping[str, Any], before: Before) -> dict[str, Any]:
    known = _candidates(record).get(before.model)
    quality_ppm, basis = before.quality_ppm, before.quality_basis
    if quality_ppm is None:
        quality_ppm, basis = _modelled(record, before.model)
    return {
        "before_model": before.model,
        "before_provider": before.provider,
        "before_region": before.region,
        "before_cleared": None if known is None else not known["codes"],
        "before_nusd": before.nusd,
        "before_quality_ppm": quality_ppm,
        "before_quality_basis": basis,
    }


def _answering(record: Mapping[str, Any], register: Register, outcomes: Sequence[Outcome]) -> str | None:
    """The model that answered: the last attempt that did, where the register knows it; else the choice."""
    chosen: str | None = record["model"]
    answers = [one.model for one in outcomes if one.status == "ok" and one.model in register.models]
    return answers[-1] if chosen is not None and answers else chosen


def _place(record: Mapping[str, Any], register: Register, answered: str | None) -> dict[str, Any]:
    if answered is None or answered == record["model"]:
        return {name: record[name] for name in ("model", "provider", "region")}
    model = register.models[answered]
    return {"model": answered, "provider": model.provider, "region": model.region}


def _quality(
    record: Mapping[str, Any], answered: str | None, outcomes: Sequence[Outcome]
) -> tuple[int | None, str]:
    """Grade of the answer, else the estimate of the model that gave it; nothing where none came."""
    if record["verdict"] == REFUSE or _is_unanswered(outcomes):
        return None, ""
    answers = [one for one in outcomes if one.status == "ok"]
    if answers and answers[-1].grade_ppm is not None:
        return answers[-1].grade_ppm, MEASURED
    return _modelled(record, answered)


def _modelled(record: Mapping[str, Any], model: str | None) -> tuple[int | None, str]:
    scored = record["assessment"]
    if model is None or model not in scored["success_ppm"]:
        return None, ""
    return scored["success_ppm"][model], BASES.get(scored["success_basis"].get(model), MAPPED)


def _spending(record: Mapping[str, Any], register: Register, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What was paid: as reported, else the reported tokens at the register's price, else as expected.

    Attempts that brought no answer saved nothing: what was spent for an answer is then unknown, and what they
    cost is still told.
    """
    is_refused = record["verdict"] == REFUSE
    failed = sum(one.cost_nusd or 0 for one in outcomes if one.status != "ok")
    answers = [_answer_nusd(record, register, one) for one in outcomes if one.status == "ok"]
    if not outcomes:
        spent = record["cost"]["expected_nusd"]
    else:
        spent = None if not answers or None in answers else failed + sum(filter(None, answers))
    return {
        "spent_nusd": None if is_refused else spent,
        "failed_nusd": 0 if is_refused else failed,
        "n_calls": len(outcomes),
        "n_matched_calls": sum("unexpected_model" not in one.marks for one in outcomes),
    }


def _answer_nusd(record: Mapping[str, Any], register: Register, outcome: Outcome) -> int | None:
    paid_nusd = _paid_nusd(record, register, outcome)
    if paid_nusd is not None:
        return paid_nusd
    cost: int | None = _candidates(record).get(outcome.model, {}).get("cost_nusd")
    return cost


def _paid_nusd(record: Mapping[str, Any], register: Register, outcome: Outcome) -> int | None:
    """As reported, or of the reported tokens; None where an attempt has neither, or the register no price."""
    n_input, n_output = outcome.input_tokens, outcome.output_tokens
    if outcome.cost_nusd is not None or n_input is None or n_output is None:
        return outcome.cost_nusd
    known = outcome.model in register.models
    price = register.price(outcome.model, datetime.fromisoformat(record["time"])) if known else None
    return price.cost_nusd(n_input, n_output) if price else None


def _faults(
    record: Mapping[str, Any], before: Before, register: Register, outcomes: Sequence[Outcome]
) -> set[str]:
    faults = {mark for one in outcomes for mark in one.marks}
    names = {before.model, *(one.model for one in outcomes)}
    faults |= {UNKNOWN_MODEL} if not names <= set(register.models) else set()
    answers = [one for one in outcomes if one.status == "ok"]
    is_unpriced = any(_paid_nusd(record, register, one) is None for one in answers)
    faults |= {COST_UNREPORTED} if is_unpriced else set()
    return faults | ({NO_ANSWER} if _is_unanswered(outcomes) else set())


def _is_unanswered(outcomes: Sequence[Outcome]) -> bool:
    return bool(outcomes) and all(one.status != "ok" for one in outcomes)


def _posture_nusd(record: Mapping[str, Any], register: Register, before: Before) -> int | None:
    """Least cost of a cleared model over the floor, cheaper than before, on terms nowhere weaker."""
    held = register.providers.get(before.provider or "")
    if held is None or before.region is None or before.nusd is None or OUTSIDE_NOTE in record["notes"]:
        return None
    other = Place(held, before.region)
    usable = [
        (one["cost_nusd"], register.models[one["model"]])
        for one in record["candidates"]
        if not one["codes"]
        and one["model"] in register.models
        and one["cost_nusd"] is not None
        and one["cost_nusd"] < before.nusd
        and (one["success_ppm"] or 0) >= record["floor_ppm"]
    ]
    places = (
        (cost, Place(register.providers[model.provider], model.region))
        for cost, model in sorted(usable, key=lambda item: item[0])
    )
    return next((cost for cost, place in places if is_nowhere_weaker(place, other)), None)


def _is_weaker(choice: Mapping[str, Any], register: Register, before: Before) -> bool | None:
    """Whether some term where the answer comes from is weaker than before; None where terms are not known."""
    mine = register.providers.get(choice.get("provider") or "")
    theirs = register.providers.get(before.provider or "")
    if mine is None or theirs is None or before.region is None:
        return None
    return not is_nowhere_weaker(Place(mine, choice["region"]), Place(theirs, before.region))


def _candidates(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one["model"]: one for one in record.get("candidates", ())}


def _joined(values: Iterable[str]) -> str:
    """Sorted, each once; a "+" in a name would read as two."""
    return "+".join(sorted({value.replace("+", " ") for value in values}))
