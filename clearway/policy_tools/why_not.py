"""Why a model is not cleared, and what its provider would have to offer for it to be.

Cedar evaluates the policies with everything known but the model; what is left of each names the terms that
count and the values they are held against. Those terms are changed in ever larger sets, and each set is put
to the full clearing: partial evaluation finds what to try, and never decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any, Final

import cedarpy

from clearway.active_exception import ActiveException
from clearway.policy import Policy, PolicyClearing, PolicyQuestion
from clearway.policy.entities import build_entities
from clearway.policy_tools.situations import Rulings, Situation
from clearway.register import Register
from clearway.register_terms import Provider

_CONTENT: Final = ("prompts", "responses")
_ALL_DATA: Final = ("prompts", "responses", "metadata")
_MAX_TERMS: Final = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """Terms that together would do, and none of which can be spared.

    Attributes:
        terms: Value by name, as policies name them; `region` is the model's own.
    """

    terms: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """Why not.

    Attributes:
        model: The model asked about.
        codes: What leaves it out, sorted; empty where it is cleared.
        permitted_by: Permits that clear it, sorted.
        offers: Each smallest set of terms that would clear it.
        exceptions: Templates whose exception would clear it as it is, sorted.
        residuals: What is left of each policy that hangs on the model, in Cedar's JSON form, by id.
    """

    model: str
    codes: tuple[str, ...]
    permitted_by: tuple[str, ...]
    offers: tuple[Offer, ...]
    exceptions: tuple[str, ...]
    residuals: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The line of `clearway policy why-not --json`."""
        return {
            "model": self.model,
            "cleared": not self.codes,
            "codes": list(self.codes),
            "permitted_by": list(self.permitted_by),
            "offers": [dict(offer.terms) for offer in self.offers],
            "exceptions": list(self.exceptions),
            "hangs_on": sorted(self.residuals),
        }


def why_not(rulings: Rulings, model: str, situation: Situation) -> Answer:
    """Why a model is not cleared in a situation, and what would clear it."""
    ruling = rulings.rule(situation)[model]
    question = rulings.question(situation)
    residuals = partial_residuals(rulings.policy, rulings.register, question)
    if not ruling.codes:
        return Answer(model, (), ruling.permitted_by, (), (), residuals)
    candidates = _candidates(rulings, model, question, residuals)
    return Answer(
        model=model,
        codes=ruling.codes,
        permitted_by=(),
        offers=tuple(_offers(rulings, model, question, candidates)),
        exceptions=tuple(_exceptions(rulings, model, situation)),
        residuals=residuals,
    )


def partial_residuals(policy: Policy, register: Register, question: PolicyQuestion) -> dict[str, Any]:
    """What is left of each enforced policy, for any principal, when only the model is unknown."""
    found: dict[str, Any] = {}
    for kind, name in question.principals:
        answer = cedarpy.is_authorized_partial(
            {
                "principal": f'{kind}::"{name}"',
                "action": 'Action::"route"',
                "context": question.context(policy.context),
            },
            policy.policy_set,
            build_entities(policy, register, question.principals, question.reviewed),
            policy.schema,
        )
        open_ids = answer.diagnostics.nontrivial_residuals
        found |= {name: answer.residuals[name] for name in open_ids if name in answer.residuals}
    return found


def literals_by_attribute(node: Any) -> dict[str, list[Any]]:
    """Attributes that a residual speaks of, with the literals each is held against."""
    found: dict[str, list[Any]] = {}
    if isinstance(node, dict):
        if isinstance(node.get("attr"), str):
            found.setdefault(node["attr"], [])
        if {"left", "right"} <= set(node):
            for one, other in ((node["left"], node["right"]), (node["right"], node["left"])):
                attribute = one.get(".", {}).get("attr") if isinstance(one, dict) else None
                if attribute:
                    found.setdefault(attribute, []).extend(_literals(other))
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        for attribute, values in literals_by_attribute(child).items():
            found.setdefault(attribute, []).extend(values)
    return found


def _literals(node: Any) -> list[Any]:
    if not isinstance(node, dict):
        return []
    if isinstance(node.get("Value"), str | int):
        return [node["Value"]]
    return [value for item in node.get("Set", []) for value in _literals(item)]


def _candidates(
    rulings: Rulings, model: str, question: PolicyQuestion, residuals: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Values to try for each term that counts, the least demanding first; never the one it has."""
    provider, region = rulings.register.provider_of(model), rulings.register.models[model].region
    literals = literals_by_attribute(list(residuals.values()))
    days = {n + step for n in literals.get("content_kept_days", []) for step in (-1, 0)} | {0}
    words = sorted(set(literals.get("certifications", [])) - set(provider.certifications.value))
    values: dict[str, list[Any]] = {
        "trains_on_content": [False],
        "content_kept_days": sorted((n for n in days if 0 <= n < provider.content_kept_days), reverse=True),
        "business_associate_agreement": [True],
        "certifications": [*([w] for w in words), *([words] if len(words) > 1 else [])],
        "jurisdiction": sorted(set(literals.get("jurisdiction", []))),
        "region": sorted({*question.purpose_regions} & {*literals.get("region", question.purpose_regions)}),
        "self_hosted": [True],
    }
    has = {
        "trains_on_content": provider.trains_on_content,
        "business_associate_agreement": provider.business_associate_agreement.value,
        "jurisdiction": provider.jurisdiction.value,
        "region": region,
        "self_hosted": provider.self_hosted,
    }
    kept = {t: [v for v in of if v != has.get(t)] for t, of in values.items() if t in literals}
    review = {"review_valid": [True]} if model in rulings.register.not_eligible(rulings.at) else {}
    return {term: of for term, of in {**kept, **review}.items() if of}


def _offers(
    rulings: Rulings, model: str, question: PolicyQuestion, candidates: Mapping[str, list[Any]]
) -> Iterator[Offer]:
    """Smallest sets of terms first; a set that holds one found before is not the smallest."""
    found: list[frozenset[str]] = []
    for size in range(1, min(len(candidates), _MAX_TERMS) + 1):
        for names in combinations(sorted(candidates), size):
            if any(smaller <= set(names) for smaller in found):
                continue
            for values in product(*(candidates[name] for name in names)):
                terms = dict(zip(names, values, strict=True))
                if _would_clear(rulings, model, question, terms):
                    found.append(frozenset(names))
                    yield Offer(terms)
                    break


def _would_clear(rulings: Rulings, model: str, question: PolicyQuestion, terms: Mapping[str, Any]) -> bool:
    register, is_eligible = rulings.register, model not in rulings.register.not_eligible(rulings.at)
    if not (is_eligible or "review_valid" in terms):
        return False
    provider = register.provider_of(model)
    for name, value in terms.items():
        provider = _TERMS[name](provider, value) if name in _TERMS else provider
    changed = register.models[model].model_copy(
        update={"region": terms.get("region", register.models[model].region)}
    )
    offered = replace(register, providers={provider.id: provider}, models={model: changed})
    reviewed = {*question.reviewed} | ({provider.id} if "review_valid" in terms else set())
    asked = replace(question, reviewed=tuple(sorted(reviewed)))
    return PolicyClearing(rulings.policy, offered).clear(asked)[model].route


def _exceptions(rulings: Rulings, model: str, situation: Situation) -> Iterator[str]:
    """Templates that would do if an exception linked them for each principal."""
    names = [name for _, name in rulings.question(situation).principals]
    for template in sorted(rulings.policy.templates):
        granted = tuple(ActiveException(f"{template} {name}", template, name, model) for name in names)
        if not rulings.rule(situation, granted)[model].codes:
            yield template


def _with_data(names: tuple[str, ...], field: str) -> Callable[[Provider, Any], Provider]:
    def change(provider: Provider, value: Any) -> Provider:
        terms = {name: getattr(provider, name).model_copy(update={field: value}) for name in names}
        return provider.model_copy(update=terms)

    return change


def _with_value(name: str) -> Callable[[Provider, Any], Provider]:
    def change(provider: Provider, value: Any) -> Provider:
        return provider.model_copy(update={name: getattr(provider, name).model_copy(update={"value": value})})

    return change


def _with_certifications(provider: Provider, value: Any) -> Provider:
    return _with_value("certifications")(provider, sorted({*provider.certifications.value, *value}))


_TERMS: Final[Mapping[str, Callable[[Provider, Any], Provider]]] = {
    "trains_on_content": _with_data(_ALL_DATA, "reused_for_training"),
    "content_kept_days": _with_data(_CONTENT, "kept_days"),
    "business_associate_agreement": _with_value("business_associate_agreement"),
    "jurisdiction": _with_value("jurisdiction"),
    "certifications": _with_certifications,
    "self_hosted": lambda provider, value: provider.model_copy(update={"self_hosted": value}),
}
