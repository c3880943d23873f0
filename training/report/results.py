"""What the report says, before it says it to anybody: the page, the JSON and the Markdown are made of this.

Money is in nano-dollars, shares and qualities are fractions, rounded where they are computed and never again:
`from_json(report.as_json())` is the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from training.report.decoding import decode


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval.

    Attributes:
        value: The estimate.
        low: Lower end; None where there is too little to say.
        high: Upper end; likewise.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What was measured, with what.

    Attributes:
        kind: `answers`, `ledger`, `log` or `table`.
        origin: Name of the file or table, without its folder; `ledger` for the ledger.
        made_at: RFC 3339.
        before: What "before" means here, such as the incumbent's id.
        first_day: First day of the requests, or None where no time is known.
        last_day: Last day, likewise.
        engine: Name and version of what summed it.
        seed: Of the bootstrap.
        n_resamples: Of the bootstrap.
        classifiers: Digest of each complexity model that decided, to its name and version where known.
        detectors: The same of the sensitivity detectors.
        policies: Digests.
        register: Digest of the register that terms and prices come from.
        router_nusd: Cost assumed or measured for one decision.
        router_basis: Where that comes from, in words.
        notes: What else a reader must know, in sentences.
    """

    kind: str
    origin: str
    made_at: str
    before: str
    first_day: str | None
    last_day: str | None
    engine: str
    seed: int
    n_resamples: int
    classifiers: Mapping[str, str]
    detectors: Mapping[str, str]
    policies: tuple[str, ...]
    register: str
    router_nusd: int
    router_basis: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows there were and what became of them.

    Attributes:
        n_rows: All.
        n_routed: Those that got a model.
        n_refused: Those that got none.
        n_set_aside: Those that could not be used.
        n_compared: Routed, with a cost both ways: what savings are over.
        n_reported: Routed, with a reported outcome.
        n_graded: Routed, with measured quality.
        n_before_cleared: Compared, where the model before was cleared too.
    """

    n_rows: int
    n_routed: int
    n_refused: int
    n_set_aside: int
    n_compared: int
    n_reported: int
    n_graded: int
    n_before_cleared: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with rows of the input: how many have it, and whether they could be used."""

    code: str
    n: int
    n_set_aside: int


@dataclass(frozen=True, slots=True)
class Money:
    """Spend over the compared requests, and what was saved of it.

    Attributes:
        before_nusd: Without routing.
        spent_nusd: With routing, failed attempts included, of requests that were never answered too; the
            decisions' own cost not.
        router_nusd: Cost of the decisions, of requests that were refused or never answered too.
        failed_nusd: Part of `spent_nusd` for attempts without an answer.
        n_retried: Requests with more than one call.
        gross_saving: Share of `before_nusd`, before the cost of deciding.
        net_saving: The same after it: the saving.
        net_saved_nusd: The same in money.
        saving_where_before_cleared: Net, over requests for which the model before was cleared too.
        spent_over_expected: Reported over expected cost, where outcomes came in with cost or tokens, failed
            attempts aside; None where none did.
        net_saving_as_expected: Net saving with expected costs on both sides, so that an error of the estimate
            of tokens does not pass for a saving; failed attempts as reported.
    """

    before_nusd: int
    spent_nusd: int
    router_nusd: int
    failed_nusd: int
    n_retried: int
    gross_saving: Estimate | None
    net_saving: Estimate | None
    net_saved_nusd: Estimate | None
    saving_where_before_cleared: Estimate | None
    spent_over_expected: Estimate | None
    net_saving_as_expected: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to route the same requests, beside the others; on the requests where all of it is known.

    Attributes:
        name: `routed`, `before`, or one of `routed.ARMS`.
        n: Requests with a cost.
        nusd: Cost of all of them; of `routed` and `routed_98` with the cost of deciding.
        saving: Of this arm against `before`, on the same requests.
        n_quality: Requests with a quality of this arm and of `before`.
        quality: Mean over those.
        quality_difference: Less that of `before`, paired.
        basis: How quality is known: `measured`, `modelled`, `mapped`, or several joined by "+".
    """

    name: str
    n: int
    nusd: int
    saving: Estimate | None
    n_quality: int
    quality: Estimate | None
    quality_difference: Estimate | None
    basis: str


@dataclass(frozen=True, slots=True)
class QualityByBasis:
    """Quality of the choice and of the model before, among rows whose quality is known in one way."""

    basis: str
    n: int
    quality: Estimate | None
    n_paired: int
    quality_difference: Estimate | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the requests.

    Attributes:
        dimension: `purpose`, `caller`, `source`, `category`, `language`, `length`, `class`, `level`.
        value: Its value; empty where unknown, `none` for no class.
        n: Compared requests.
        before_nusd: As in `Money`.
        net_saving: As in `Money`.
        quality_difference: Routed less before, paired; None where unknown.
        basis: As in `Arm`.
        n_refused: Refused requests of the slice.
        is_small: Whether there are too few requests to rest anything on.
    """

    dimension: str
    value: str
    n: int
    before_nusd: int
    net_saving: Estimate | None
    quality_difference: Estimate | None
    basis: str
    n_refused: int
    is_small: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """A sensitive-data exposure path: how many requests with this class reach this provider and region."""

    data_class: str
    provider: str
    region: str
    n_before: int
    n_after: int


@dataclass(frozen=True, slots=True)
class Measures:
    """The four measures, by the names of design.md.

    Attributes:
        provider_count: Providers reached, after.
        provider_count_before: Before.
        exposure_paths: Distinct class x provider x region reached, after.
        exposure_paths_before: Before.
        audit_completeness: Provider calls matched to a record / provider calls; None: not measured.
        n_calls: Provider calls it is over.
        share_routable: Share routable without changing risk posture; None: not measured.
        n_routable: Requests it counts.
        saving_routable: Saving on those requests alone, by the cheapest model on no weaker terms.
        providers: Names of the providers reached, after.
        providers_before: Before.
        n_weaker_terms: Routed requests that went where some term is weaker than before.
        share_weaker_terms: Of routed requests whose terms are known both ways; None: not measured.
    """

    provider_count: int
    provider_count_before: int
    exposure_paths: int
    exposure_paths_before: int
    audit_completeness: Estimate | None
    n_calls: int
    share_routable: Estimate | None
    n_routable: int
    saving_routable: Estimate | None
    providers: tuple[str, ...] = ()
    providers_before: tuple[str, ...] = ()
    n_weaker_terms: int = 0
    share_weaker_terms: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """What the sensitivity detector misses of a class, by its own card, and what that means for this traffic.

    Attributes:
        data_class: The class.
        n_flagged: Requests of this traffic where it was flagged.
        recall: On the card's held-out prompts, with the interval of the card.
        n_recall: Prompts with the class there.
        false_pin: Share of the card's clean prompts that it flags.
        leaks_per_million: Requests in a million that hold the class unflagged and go where policy would not
            have sent them: expected, and bounds by those of the recall; None where nothing can be said.
    """

    data_class: str
    n_flagged: int
    recall: Estimate | None
    n_recall: int
    false_pin: Estimate | None
    leaks_per_million: Estimate | None


@dataclass(frozen=True, slots=True)
class Move:
    """Requests that a scenario sends elsewhere; a model is empty where the request is refused."""

    now: str
    then: str
    n: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """The same traffic under other rules, beside today's.

    Attributes:
        name: As given.
        what: What differs, in words.
        n: Requests decided both ways.
        n_moved: Those whose model, or verdict, differs.
        moves: Where from and where to, most first.
        now_nusd: Expected cost now, of requests routed both ways.
        then_nusd: Expected cost then, of the same.
        saving: 1 - then / now, with the interval of the pairs.
        n_refused_now: Refused now.
        n_refused_then: Refused then.
        quality_difference: Then less now, estimated, of the same requests.
        provider_count_now: Providers reached.
        provider_count_then: Likewise then.
        exposure_paths_now: As in `Measures`.
        exposure_paths_then: Likewise then.
    """

    name: str
    what: str
    n: int
    n_moved: int
    moves: tuple[Move, ...]
    now_nusd: int
    then_nusd: int
    saving: Estimate | None
    n_refused_now: int
    n_refused_then: int
    quality_difference: Estimate | None
    provider_count_now: int
    provider_count_then: int
    exposure_paths_now: int
    exposure_paths_then: int


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the plane of cost and quality: of a single model, or of a router at one threshold."""

    name: str
    kind: str
    usd_per_1000: float
    quality: float


@dataclass(frozen=True, slots=True)
class RouterMetrics:
    """What the papers measure, of one source of graded answers.

    Attributes:
        source: Name.
        n: Test prompts.
        aiq: RouterBench's AIQ by router, such as `routed`, `neighbours`, `zero_router`.
        apgr: RouteLLM's APGR by router; empty for sources of more than two models.
        cpt_50: Share of calls to the strong model for half of the gap, by router.
        cpt_80: For four fifths of it.
        arena: RouterArena's score by arm; empty where not computable.
        points: For the curve.
    """

    source: str
    n: int
    aiq: Mapping[str, Estimate]
    apgr: Mapping[str, Estimate]
    cpt_50: Mapping[str, Estimate]
    cpt_80: Mapping[str, Estimate]
    arena: Mapping[str, Estimate]
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How often a code or an id occurs."""

    name: str
    n: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, in the order of the page."""

    about: About
    counts: Counts
    faults: tuple[Fault, ...]
    money: Money
    arms: tuple[Arm, ...]
    quality: tuple[QualityByBasis, ...]
    slices: tuple[Slice, ...]
    measures: Measures
    exposure: tuple[Exposure, ...]
    refusals: tuple[Count, ...]
    exceptions: tuple[Count, ...]
    n_example_terms: int
    detection: tuple[Detection, ...]
    scenarios: tuple[Scenario, ...] = ()
    router_metrics: tuple[RouterMetrics, ...] = ()
    mlflow: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`."""
        return asdict(self)


def from_json(value: Any) -> Report:
    """The report that `Report.as_json` told.

    Args:
        value: What `json.loads` made of it.

    Raises:
        InvalidRequestError: A field is missing, is not one, or holds something else; the text names it.
    """
    report: Report = decode(Report, value, "report")
    return report
