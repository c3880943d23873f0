"""Clearway's cleared set is what Cedar says, read directly: one model, one principal, one action at a time.

Generated are policies (enforced, observed, templates), the terms of every provider, the registrations of
every caller, delegation chains, classes, sessions and exceptions. The direct reading shares nothing with the
engine: it asks with texts, without schema, batch, links or cache, and writes exceptions out as policies.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cedarpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearway.active_exception import ActiveException
from clearway.assessment import Level
from clearway.callers import Callers
from clearway.policy import ACTIONS, PolicyClearing, PolicyQuestion
from clearway.register import Provider, Register
from clearway.request import Caller
from clearway.testing import FakeSensitivity, policy_of, shipped_policy, shipped_register

POLICY, REGISTER = shipped_policy(), shipped_register()
CLASSES = tuple(FakeSensitivity().class_levels)
MODELS = sorted(REGISTER.models)[::3]
PURPOSES, REGIONS = ("general", "research", "nowhere"), ("us", "eu", "on_premises")
SAFE = (
    "true",
    "resource.provider.trains_on_content",
    "resource.provider.content_kept_days <= 30",
    "resource.provider.review_valid",
    'context.classes.contains("health")',
    'context.level == "restricted"',
    'context.session_level != "public"',
    "principal.purposes.contains(context.purpose)",
    'principal in Group::"g1"',
    "principal is User",
)
CONDITIONS = (
    *SAFE,
    'resource.provider.jurisdiction == "us"',
    'resource.provider.certifications.contains("soc2")',
    "resource.provider.business_associate_agreement && resource.provider.self_hosted",
    'resource.region == "eu"',
    "context.purpose_regions.contains(resource.region)",
    "principal.regions.contains(resource.region)",
    "!context.exceptions.isEmpty()",
    'context.exceptions.contains("t0")',
    "resource.provider.content_kept_days + 9223372036854775807 > 0",  # overflows but for 0
)
HEADS = (
    "principal == ?principal, action, resource == ?resource",
    "principal == ?principal, action, resource",
    "principal, action, resource == ?resource",
    'principal in ?principal, action == Action::"route", resource',
)
scopes = st.sampled_from(["action", 'action == Action::"route"', 'action == Action::"fall_back"'])
rules = st.lists(
    st.tuples(st.sampled_from(["permit", "permit", "forbid"]), scopes, st.sampled_from(CONDITIONS)),
    max_size=4,
)
templates = st.lists(st.tuples(st.sampled_from(HEADS), st.sampled_from(SAFE)), max_size=2)


def written(head: str, condition: str, name: str, effect: str = "permit", mode: str = "") -> str:
    """One policy or template."""
    return f'@id("{name}") @reason("r") {mode} {effect} ({head}) when {{ {condition} }};\n'


@st.composite
def registers(draw: st.DrawFn) -> Register:
    """The shipped register with other terms for every provider."""
    return replace(REGISTER, providers={n: draw(_providers(p)) for n, p in REGISTER.providers.items()})


@st.composite
def _providers(draw: st.DrawFn, provider: Provider) -> Provider:
    days, flags = st.sampled_from([0, 7, 30, 400]), st.booleans()
    prompts = {"kept_days": draw(days), "reused_for_training": draw(flags)}
    certifications = draw(st.lists(st.sampled_from(["soc2", "iso27001"]), unique=True))
    return provider.model_copy(
        update={
            "self_hosted": draw(flags),
            "prompts": provider.prompts.model_copy(update=prompts),
            "responses": provider.responses.model_copy(update={"kept_days": draw(days)}),
            "jurisdiction": provider.jurisdiction.model_copy(
                update={"value": draw(st.sampled_from(["us", "de"]))}
            ),
            "certifications": provider.certifications.model_copy(update={"value": certifications}),
            "business_associate_agreement": provider.business_associate_agreement.model_copy(
                update={"value": draw(flags)}
            ),
        }
    )


@st.composite
def callers(draw: st.DrawFn) -> Callers:
    """The shipped identities with other groups, purposes and regions."""

    def altered(entry: Any) -> Any:
        some = {name: draw(st.sets(st.sampled_from(w))) for name, w in words.items()}
        return entry.model_copy(update={name: sorted(value) for name, value in some.items()})

    words = {"groups": ("g1", "g2"), "purposes": PURPOSES, "regions": REGIONS}
    return replace(
        POLICY.callers,
        callers={name: altered(entry) for name, entry in POLICY.callers.callers.items()},
        users={name: altered(entry) for name, entry in POLICY.callers.users.items()},
    )


who = st.builds(
    lambda agent, chain, user: Caller(agent, user, chain=tuple(chain)),
    st.sampled_from(["local-dev", "support-bot"]),
    st.lists(st.sampled_from(["code-assistant", "finance-ops"]), max_size=2, unique=True),
    st.sampled_from([None, "ana"]),
)


@st.composite
def exceptions(draw: st.DrawFn, caller: Caller) -> list[ActiveException]:
    """Exceptions, most of them of someone in the chain and for a template that there is."""
    names = [caller.agent, *caller.chain, *([caller.user] if caller.user else [])]
    one = st.builds(
        ActiveException,
        id=st.sampled_from(["e1", "e2", "e3"]),
        template=st.sampled_from(["t0", "t0", "t1", "gone"]),
        caller=st.sampled_from([*names, *names, "hr-assistant"]),
        model=st.sampled_from([None, None, *MODELS[:3]]),
        provider=st.sampled_from([None, None, None, *sorted(REGISTER.providers)]),
        data_class=st.sampled_from([None, None, None, "health"]),
        purpose=st.sampled_from([None, None, None, "general"]),
    )
    return draw(st.lists(one, min_size=1, max_size=3, unique_by=lambda exception: exception.id))


class Direct:
    """Cedar asked alone about one question under texts."""

    def __init__(
        self,
        text: str,
        heads: list[tuple[str, str]],
        question: PolicyQuestion,
        register: Register,
        who: Callers,
    ) -> None:
        self.text, self.question, self.register, self.who = text, question, register, who
        self.templates = {f"t{n}": template for n, template in enumerate(heads)}

    def is_cleared(self, model: str, action: str) -> bool:
        """Every principal is permitted: plainly or, where only a permit lacks, by exceptions of its own."""
        answers = [self._ask(model, action, p, self.text, ()) for p in self.question.principals]
        if all(answer == "allow" for answer in answers):
            return True
        if action != "route" or not set(answers) <= {"allow", "lack"}:
            return False
        return all(
            self._is_excepted(model, principal, answer)
            for principal, answer in zip(self.question.principals, answers, strict=True)
        )

    def _is_excepted(self, model: str, principal: tuple[str, str], plain: str) -> bool:
        kind, name = principal
        granted = [e for e in self.question.exceptions if e.caller == name and self._covers(e, model)]
        written_out = [self._instance(e, kind, model) for e in granted if e.template in self.templates]
        templates = tuple(sorted({e.template for e in self.question.exceptions}))
        now = self._ask(model, "route", principal, self.text + "".join(written_out), templates)
        if plain == "allow":
            return now == "allow"
        # A static permit that turns on with an exception is none: the written-out ones must be what permits.
        forbids = "".join(line for line in self.text.splitlines(True) if " forbid (" in line)
        alone = self._ask(model, "route", principal, forbids + "".join(written_out), templates)
        return now == alone == "allow"

    def _covers(self, exception: ActiveException, model: str) -> bool:
        provider = self.register.models[model].provider
        return exception.model in (None, model) and exception.provider in (None, provider)

    def _instance(self, exception: ActiveException, kind: str, model: str) -> str:
        head, condition = self.templates[exception.template]
        head = head.replace("?principal", f'{kind}::"{exception.caller}"')
        return written(head.replace("?resource", f'Model::"{model}"'), condition, exception.id)

    def _ask(
        self, model: str, action: str, who: tuple[str, str], text: str, exceptions: tuple[str, ...]
    ) -> str:
        kind, name = who
        question = self.question
        answer = cedarpy.is_authorized(
            {
                "principal": {"type": kind, "id": name},
                "action": {"type": "Action", "id": action},
                "resource": {"type": "Model", "id": model},
                "context": {
                    "classes": list(question.classes),
                    "level": question.level.name.lower(),
                    "purpose": question.purpose,
                    "purpose_regions": list(question.purpose_regions),
                    "session_level": question.session_level.name.lower(),
                    "exceptions": list(exceptions),
                },
            },
            text,
            self._entities(kind, name, model),
        )
        if answer.diagnostics.errors:
            return "error"
        return "allow" if answer.allowed else ("forbidden" if answer.diagnostics.reasons else "lack")

    def _entities(self, kind: str, name: str, model: str) -> list[dict[str, Any]]:
        entry = (self.who.users if kind == "User" else self.who.callers)[name]
        provider = self.register.provider_of(model)
        used = (provider.prompts, provider.responses, provider.metadata)
        terms = {
            "self_hosted": provider.self_hosted,
            "jurisdiction": provider.jurisdiction.value,
            "certifications": provider.certifications.value,
            "business_associate_agreement": provider.business_associate_agreement.value,
            "content_kept_days": max(provider.prompts.kept_days, provider.responses.kept_days),
            "trains_on_content": any(terms.reused_for_training for terms in used),
            "review_valid": provider.id in self.question.reviewed,
        }
        link = {"__entity": {"type": "Provider", "id": provider.id}}
        region = self.register.models[model].region
        parents = [{"type": "Group", "id": group} for group in entry.groups]
        return [
            {
                "uid": {"type": kind, "id": name},
                "attrs": {"purposes": entry.purposes, "regions": entry.regions},
                "parents": parents,
            },
            {"uid": {"type": "Provider", "id": provider.id}, "attrs": terms, "parents": []},
            {
                "uid": {"type": "Model", "id": model},
                "attrs": {"provider": link, "region": region},
                "parents": [],
            },
        ]


def check(
    data: st.DataObject,
    chosen: list[tuple[str, str, str]],
    watched: list[tuple[str, str, str]],
    heads: list[tuple[str, str]],
    caller: Caller,
    granted: list[ActiveException],
) -> None:
    """Both readings of one drawn question agree on every model and action."""
    register, registered = data.draw(registers()), data.draw(callers())
    enforced = "".join(
        written(f"principal, {scope}, resource", condition, f"r{n}", effect)
        for n, (effect, scope, condition) in enumerate(chosen)
    )
    observed = "".join(
        written(f"principal, {scope}, resource", condition, f"o{n}", effect, '@mode("observe")')
        for n, (effect, scope, condition) in enumerate(watched)
    )
    links = "".join(written(head, c, f"t{n}", mode="@exception") for n, (head, c) in enumerate(heads))
    policy = replace(policy_of(enforced + observed + links), callers=registered)
    question = policy.question(
        caller,
        data.draw(st.sampled_from(PURPOSES)),
        tuple(sorted(data.draw(st.sets(st.sampled_from(CLASSES), max_size=2) | st.just({"health"})))),
        data.draw(st.sampled_from(Level)),
        tuple(sorted(data.draw(st.sets(st.sampled_from(sorted(register.providers)))))),
        session_level=data.draw(st.sampled_from(Level)),
        exceptions=granted,
    )
    answers = PolicyClearing(policy, register).clear(question)
    direct = Direct(enforced, heads, question, register, registered)
    for model in MODELS:
        route, fall_back = (direct.is_cleared(model, action) for action in ACTIONS)
        plainly = route and not answers[model].exceptions
        assert (answers[model].route, answers[model].fall_back) == (route, plainly and fall_back)
        assert bool(answers[model].codes) == (not route)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_cleared_set_is_cedars_own(data: st.DataObject) -> None:
    """For any policies, registers, callers, chains and classes, model by model."""
    check(data, data.draw(rules), data.draw(rules), data.draw(templates), data.draw(who), [])


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_exceptions_lift_is_cedars_own(data: st.DataObject) -> None:
    """With few permits and exceptions in force: a model is lifted where each principal's own say so."""
    conditions = st.sampled_from([*CONDITIONS, *["!context.exceptions.isEmpty()"] * 4])
    narrow = st.tuples(st.sampled_from(["permit", "forbid"]), scopes, conditions)
    chosen = data.draw(st.lists(narrow, max_size=2))
    heads = data.draw(
        st.lists(st.tuples(st.sampled_from(HEADS), st.sampled_from(SAFE[:4])), min_size=1, max_size=2)
    )
    caller = data.draw(st.just(Caller("local-dev")) | who)
    check(data, chosen, [], heads, caller, data.draw(exceptions(caller)))
