"""The ledger as a source: every decision a row, with what was reported of it since.

It is read twice: what a fixed mix of models would have cost is known only once all decisions were seen.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from clearway.assessment import Complexity
from clearway.errors import InvalidRequestError, LedgerError, NotFoundError
from clearway.ledger.store import DECISION, Entry, Ledger
from clearway.outcomes import Outcome, latest_outcomes
from clearway.record import READ_FORMATS, commitment, facts_of
from clearway.register import Register
from clearway.replay import match_requests
from clearway.request import Request, parse_json
from training.report.gathered import Costs, Gathered, Progress, Variant
from training.report.routed import COLUMNS, MAPPED, MOVE_COLUMNS, REFUSE
from training.report.sources.mixes import Mix, Totals, expected, mixes
from training.report.sources.row_files import RowWriter
from training.report.sources.rows import BASES, decision_row, move_row
from training.report.what_if import decide

_N_BETWEEN: Final = 500
_ALWAYS: Final = (
    (
        "Quality is the grade of the answer where the gateway reported one, else what the classifier expects "
        "of the model that answered. That of models which were not called is always the latter."
    ),
    (
        "What was paid is what the gateway reported, in US dollars; where it reported only tokens, what the "
        "register charges for them, and where nothing, what the answer was expected to cost. The cost before "
        "is always the expected one."
    ),
    (
        "What shuffled estimates, nearest neighbours and an oracle would have done needs the graded answers "
        "of every model to each prompt, which a ledger does not have; see a report on graded answers."
    ),
)


@dataclass
class _Seen:
    """What the first reading of the ledger found."""

    n: int = 0
    totals: Totals = field(default_factory=Totals)
    incumbents: Counter[str] = field(default_factory=Counter)
    classifiers: dict[str, str] = field(default_factory=dict)
    detectors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reader:
    """Reads entries up to one end, as often as wanted, and says how far it is."""

    ledger: Ledger
    stop: int
    progress: Progress

    def everything(self, what: str) -> Iterator[Entry]:
        """Every entry, of whatever kind: one that is gone, or passes for another kind, is not missed.

        Raises:
            LedgerError: The ledger was altered.
        """
        number = 0
        for entry in self._told(what, None):
            if entry.index != number:
                break
            yield entry
            number += 1
        if number != self.stop:
            raise LedgerError(f"entry {number}: missing; verify the ledger")

    def decisions(self, what: str) -> Iterator[Entry]:
        """Entries of decisions.

        Raises:
            LedgerError: The ledger was altered.
        """
        return self._told(what, DECISION)

    def _told(self, what: str, kind: str | None) -> Iterator[Entry]:
        n_decisions = 0
        for number, entry in enumerate(self.ledger.entries(0, self.stop, kind)):
            if number % _N_BETWEEN == 0:
                self.progress(what, entry.index, self.stop)
            n_decisions += entry.kind == DECISION
            yield entry
        self.progress(f"{what}: {n_decisions:,}", self.stop, self.stop)


def gather(
    ledger: Ledger,
    register: Register,
    folder: Path,
    *,
    variants: Sequence[Variant] = (),
    today: Variant | None = None,
    costs: Costs | None = None,
    requests: Path | None = None,
    at: datetime | None = None,
    progress: Progress = lambda *_: None,
) -> Gathered:
    """Rows of every decision of a ledger, and of each under the other rules.

    Memory holds the outcomes (some 500 bytes each) and the texts of `requests`, never the decisions.

    Args:
        ledger: The ledger; what is added meanwhile is left for the next report.
        register: Where terms are looked up.
        folder: Gets the folders `rows` and `moves`.
        variants: Scenarios.
        today: What scenarios are held against, such as the rules of now; what was decided, by default.
        costs: Of a decision.
        requests: JSON lines with the texts, as for `clearway replay`; for scenarios with another classifier.
        at: Time at which reviews, prices and identities count in scenarios; each decision's own by default.
        progress: Told what is done, how far, of how much.

    Raises:
        NotFoundError: There is no decision on the ledger.
        InvalidRequestError: A scenario needs texts that are not there.
        LedgerError: The ledger was altered.
    """
    costs = costs or Costs()
    reader = _Reader(ledger, ledger.size(), progress)
    texts = _texts(ledger, variants, requests)
    seen = _survey(reader)
    chosen = mixes(seen.totals)
    tables = _Tables(register, costs, _outcomes(reader), chosen, tuple(variants), today, texts, at)
    _write(reader, tables, folder)
    return Gathered(
        kind="ledger",
        origin="ledger",
        before=_before(seen),
        rows=folder / "rows",
        moves=folder / "moves" if variants else None,
        scenarios={variant.name: variant.what for variant in variants},
        register=register.digest,
        classifiers=seen.classifiers,
        detectors=seen.detectors,
        router_nusd=costs.router_nusd,
        router_basis=costs.basis,
        notes=_notes(chosen, seen, tables),
        arm_bases={arm: _basis(mix, register) for arm, mix in chosen.items()},
    )


@dataclass
class _Tables:
    """Makes the rows of an entry.

    Attributes:
        register: Where terms are looked up.
        costs: Of a decision.
        outcomes: Attempts by decision.
        mixes: Weights of models by arm.
        variants: Scenarios.
        today: What they are held against; None for what was decided.
        texts: Requests by entry.
        at: Time at which scenarios are decided, or None for each decision's own.
        n_without_text: Decisions that a scenario with another classifier had to leave out.
        n_elsewhere: Calls to another provider or region than that of the row.
        n_unpriced: Failed attempts of which no cost in US dollars was reported.
    """

    register: Register
    costs: Costs
    outcomes: Mapping[str, tuple[Outcome, ...]]
    mixes: Mapping[str, Mix]
    variants: tuple[Variant, ...]
    today: Variant | None
    texts: Mapping[int, Request]
    at: datetime | None
    n_without_text: int = 0
    n_elsewhere: int = 0
    n_unpriced: int = 0

    def row(self, entry: Entry) -> dict[str, Any]:
        """The row of a decision."""
        record = entry.record
        outcomes = self.outcomes.get(record["decision_id"], ())
        row = decision_row(record, register=self.register, costs=self.costs, outcomes=outcomes)
        place = row["provider"], row["region"]
        self.n_elsewhere += sum(self._place(one.model) != place for one in outcomes)
        self.n_unpriced += sum(one.status != "ok" and one.cost_nusd is None for one in outcomes)
        if record["verdict"] != REFUSE:
            for arm, mix in self.mixes.items():
                row[f"{arm}_nusd"], row[f"{arm}_quality_ppm"] = expected(record, mix)
        return row

    def _place(self, name: str) -> tuple[str, str] | None:
        """Provider and region of a model; None where the register does not have it."""
        model = self.register.models.get(name)
        return (model.provider, model.region) if model else None

    def moves(self, entry: Entry, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The row of a decision under each scenario; none where its text is wanted and not there."""
        facts = facts_of(entry.record)
        facts = replace(facts, at=self.at) if self.at is not None else facts
        now = entry.record if self.today is None else decide(self.today, facts, self.register)
        for variant in self.variants:
            estimates = then = decide(variant, facts, self.register)
            if variant.complexity is not None:
                request = self.texts.get(entry.index)
                if request is None:
                    self.n_without_text += 1
                    continue
                scored: Complexity = variant.complexity.score(request)
                then = decide(variant, facts, self.register, scored=scored)
            yield move_row(variant.name, row, now, then, estimates=estimates)


def _write(reader: _Reader, tables: _Tables, folder: Path) -> None:
    has_moves = bool(tables.variants)
    with (
        RowWriter(folder / "rows", COLUMNS) as rows,
        RowWriter(folder / "moves", MOVE_COLUMNS) if has_moves else nullcontext() as moves,
    ):
        for entry in reader.decisions("rows"):
            row = tables.row(entry)
            rows.add(row)
            if moves is not None:
                for move in tables.moves(entry, row):
                    moves.add(move)


def _survey(reader: _Reader) -> _Seen:
    """All decisions once, for what no single one says."""
    seen = _Seen()
    for entry in reader.everything("decisions"):
        record = entry.record
        if entry.kind != DECISION:
            continue
        if record.get("format") not in READ_FORMATS:
            raise LedgerError(
                f"entry {entry.index}: expected a decision of format {READ_FORMATS[0]} to "
                f"{READ_FORMATS[-1]}, got another; read it with the Clearway that wrote it"
            )
        seen.n += 1
        seen.incumbents[record["cost"]["incumbent"]] += 1
        for names, identity in (
            (seen.classifiers, record["assessment"]["classifier"]),
            (seen.detectors, record["classification"]["detector"]),
        ):
            names[identity["sha256"]] = f"{identity['name']} {identity['version']}"
        if record["verdict"] != REFUSE:
            seen.totals.add(record)
    if not seen.n:
        raise NotFoundError("ledger: expected at least one decision, got none; route some requests first")
    return seen


def _outcomes(reader: _Reader) -> dict[str, tuple[Outcome, ...]]:
    """Attempts as they stand, by decision and in order; only what a row needs of them, to save memory."""
    reader.progress("outcomes", 0, reader.stop)
    found: dict[str, tuple[Outcome, ...]] = {}
    for outcome in latest_outcomes(reader.ledger, 0, reader.stop):
        small = replace(
            outcome,
            decision_id="",
            model=sys.intern(outcome.model),
            status=sys.intern(outcome.status),
            ended_at=None,
            time="",
        )
        attempts = (*found.get(outcome.decision_id, ()), small)
        found[outcome.decision_id] = tuple(sorted(attempts, key=lambda one: one.attempt))
    n_outcomes = sum(map(len, found.values()))
    reader.progress(f"outcomes: {n_outcomes:,}", reader.stop, reader.stop)
    return found


def _texts(ledger: Ledger, variants: Sequence[Variant], path: Path | None) -> dict[int, Request]:
    """Requests with their texts by entry, where a scenario needs them."""
    needy = [variant.name for variant in variants if variant.complexity is not None]
    if not needy:
        return {}
    if path is None:
        raise InvalidRequestError(
            f"what-if {needy[0]}: another classifier reads the texts, which no ledger holds; "
            "give them with --requests FILE, as for clearway replay"
        )
    number = 0

    def numbered(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
        nonlocal number
        for line in lines:
            number += 1
            if line.strip():
                yield _line(line)

    try:
        with path.open("rb") as file:
            matched = match_requests(ledger, numbered(file))
    except InvalidRequestError as fault:
        raise InvalidRequestError(f"{path.name}: line {number}: {fault}") from fault
    except OSError as fault:
        raise InvalidRequestError(
            f"{path}: expected a file of request lines, got {type(fault).__name__}"
        ) from fault
    opened = {index: request for index, request in matched.items() if _is_opened(ledger, index, request)}
    if not opened:
        raise InvalidRequestError(f"{path}: no line belongs to a decision of this ledger; name another file")
    return opened


def _line(line: bytes) -> Mapping[str, Any]:
    try:
        return parse_json(line)
    except InvalidRequestError as fault:
        # Line and column of a text of one line are of no use.
        told = (
            str(fault).removeprefix("body: ").partition(" at line 1,")[0].removesuffix(", got a syntax error")
        )
        raise InvalidRequestError(told) from fault


def _is_opened(ledger: Ledger, index: int, request: Request) -> bool:
    """Whether this is the very text that was decided; of an erased decision nobody can tell."""
    salt = ledger.salt(index)
    committed: str = ledger.get(index).record["request"]["commitment"]
    return salt is not None and commitment(salt, request) == committed


def _before(seen: _Seen) -> str:
    """The incumbents of the time, most frequent first."""
    return ", ".join(name for name, _ in seen.incumbents.most_common())


def _basis(mix: Mix, register: Register) -> str:
    """How the estimates of a mix are known: of the models themselves, or of others that stand in for them."""
    models = (register.models.get(name) for name in mix)
    return "+".join(sorted({BASES[model.success.basis] if model else MAPPED for model in models}))


def _notes(chosen: Mapping[str, Mix], seen: _Seen, tables: _Tables) -> tuple[str, ...]:
    notes = list(_ALWAYS)
    if len(seen.incumbents) > 1:
        notes.append("The incumbent changed meanwhile; each request is held against the one of its day.")
    if chosen:
        best = next(iter(chosen["best_single"]))
        corners = " and ".join(chosen["zero_router"])
        notes.append(
            f"The best single model is {best}: the highest mean estimate over these requests in hindsight, "
            "cleared for each of them or not. The random mix deals each request one of the models that "
            f"routing chose, as often as it chose them. The zero router is {corners}, mixed to cost what "
            "routing costs, or as near as that comes; policy does not bind it either."
        )
        notes.extend(_stand_ins({best, *chosen["zero_router"]}, tables.register))
    if tables.n_elsewhere:
        notes.append(
            f"{tables.n_elsewhere:,} reported calls went elsewhere than the answer came from: attempts that "
            "failed, calls after a refusal, or models that the register does not have. What they reached is "
            "not among the providers and exposure paths."
        )
    if tables.n_unpriced:
        notes.append(
            f"For {tables.n_unpriced:,} failed attempts nobody reported a cost in US dollars: "
            "they count as free."
        )
    if tables.n_without_text:
        notes.append(
            f"{tables.n_without_text:,} requests are missing from a scenario with another classifier: the "
            "file does not have the text that was decided."
        )
    return tuple(notes)


def _stand_ins(names: Iterable[str], register: Register) -> Iterator[str]:
    """Which of the models are estimated by the graded answers of another one."""
    for name in sorted(names):
        model = register.models.get(name)
        if model is not None and model.success.mapped_to is not None:
            yield f"The estimates of {name} are those of {model.success.mapped_to}, which stands in for it."
