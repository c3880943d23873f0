"""The trust-boundary map as one page for an auditor: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from clearway.policy import Policy
from clearway.policy_tools.lint import rules_json
from clearway.policy_tools.matrix import Cell, Matrix
from clearway.record import format_time

_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #1b1b1b }
p, li { max-width: 60rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; font-size: 13px }
th, td { border: 1px solid #bbb; padding: .3rem .45rem; text-align: left; vertical-align: top }
th { background: #f0f0f0 } code { font-size: 12px; overflow-wrap: anywhere }
.all { background: #dcefdc } .some { background: #fdf3d0 } .none { background: #f8dcd8 }
.example { border-bottom: 2px dotted #a05000; color: #7a3d00 }
small { color: #555 } .wide { overflow-x: auto }
@media print { body { margin: 0; max-width: none } }
"""
_WORDS: Final = {"all": "yes", "some": "some", "none": "no"}
_CODES: Final = {
    "not_permitted": "no rule permits it",
    "policy_error": "a rule could not be evaluated, so it is denied",
    "not_reviewed": "nobody reviewed it",
    "review_expired": "its review has lapsed",
    "terms_changed": "its terms changed since the review",
}
_RULE: Final = ("id", "effect", "mode", "reason")
# Terms that policies can look at.
_DECIDING: Final = frozenset(
    {
        "business_associate_agreement",
        "certifications",
        "jurisdiction",
        "metadata",
        "prompts",
        "responses",
        "review",
    }
)
_HEAD: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f"<title>Trust-boundary map</title><style>{_STYLE}</style></head><body>"
)


def say_code(code: str) -> str:
    """A code in words; a policy is named by its id."""
    return _CODES.get(code, code.removeprefix("forbidden:"))


def matrix_page(matrix: Matrix) -> str:
    """The whole page as HTML."""
    parts = (
        _intro(matrix),
        _boundaries(matrix),
        _reach(matrix),
        _rules(matrix.rulings.policy),
        _asked(matrix),
    )
    return _HEAD + "".join(parts) + "</body></html>\n"


def _intro(matrix: Matrix) -> str:
    rulings = matrix.rulings
    digests = {
        "Policies": rulings.policy.digest,
        "Callers": rulings.policy.callers.digest,
        "Objectives": rulings.policy.objectives.digest,
        "Register": rulings.register.digest,
    }
    lines = "".join(f"<li>{name}: <code>{digest}</code></li>" for name, digest in digests.items())
    return (
        "<h1>Trust-boundary map</h1>"
        f"<p>Which data may reach which provider in which region, as of {format_time(rulings.at)}. "
        "Each answer is the one that Clearway gives a request: a permit must apply, no forbid may, "
        "and the provider's review must hold. Exceptions in force are not counted; "
        "observed rules change nothing.</p>"
        '<p><span class="example">Dotted</span> terms are examples, not supported by a public document: '
        "replace them from your contract before you rely on them.</p>"
        f"<ul>{lines}</ul>"
    )


def _boundaries(matrix: Matrix) -> str:
    header = (
        "Provider", "Legal entity", "Law of", "Regions", "Prompts", "Responses", "Metadata",
        "Health agreement", "Certifications", "Incident notice", "Sub-processors", "Contract", "Review",
    )  # fmt: skip
    rows = [_boundary(provider) for provider in matrix.providers()]
    return (
        "<h2>What each provider sees, keeps and may reuse</h2>"
        "<p>Sees: how much of it the provider can read. Keeps: days after the answer. "
        "Reuses: whether it may train on it.</p>" + _table(header, rows)
    )


def _boundary(provider: Mapping[str, Any]) -> list[str]:
    terms = provider["terms"]
    hosted = ", self-hosted" if terms["self_hosted"] else ""
    notice = f"within {terms['incident_notice']['within_hours']} hours"
    return [
        f"<td><b>{escape(provider['name'])}</b><br><small>{escape(provider['provider'])}{hosted}</small></td>",
        *(
            _term(terms[name], _value(terms[name]["value"]))
            for name in ("legal_entity", "jurisdiction", "regions")
        ),
        *(_term(terms[name], _data_terms(terms[name])) for name in ("prompts", "responses", "metadata")),
        _term(terms["business_associate_agreement"], _value(terms["business_associate_agreement"]["value"])),
        _term(terms["certifications"], _value(terms["certifications"]["value"])),
        _term(terms["incident_notice"], notice),
        _term(terms["sub_processors"], _value(terms["sub_processors"]["value"])),
        _term(terms["contract"], terms["contract"]["reference"]),
        _review(provider),
    ]


def _review(provider: Mapping[str, Any]) -> str:
    standing = provider["standing"]
    kind = "all" if standing == "reviewed" else "none"
    by = f"by {provider['reviewer']}, until {provider['expires_on']}" if provider["reviewer"] else ""
    text = _marked(by, is_example=provider["review_basis"] == "example")
    said = "valid" if standing == "reviewed" else _CODES[standing]
    count = f"covers {provider['n_eligible']} of {provider['n_models']} models"
    return f'<td class="{kind}">{said}<br><small>{text}<br>{count}</small></td>'


def _data_terms(term: Mapping[str, Any]) -> str:
    reuse = "may train on it" if term["reused_for_training"] else "does not train"
    return f"sees {term['seen']}, keeps {term['kept_days']} days, {reuse}"


def _term(term: Mapping[str, Any], text: str) -> str:
    marked = _marked(text, is_example=term["basis"] == "example")
    link = str(term["evidence"] or "")
    read = f" <small>read {term['read_on']}</small>" if term["read_on"] else ""
    if link.startswith("https://"):
        marked += f' <a rel="noreferrer" href="{escape(link)}">evidence</a>{read}'
    return f"<td>{marked}</td>"


def _marked(text: str, *, is_example: bool) -> str:
    return f'<span class="example" title="example term">{escape(text)}</span>' if is_example else escape(text)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(value) or "none") if isinstance(value, list) else str(value)


def _reach(matrix: Matrix) -> str:
    unproven = {p["provider"]: [t for t in p["example_terms"] if t in _DECIDING] for p in matrix.providers()}
    places = (_place(provider, region, unproven[provider]) for provider, region in matrix.places)
    rows = [
        [
            f"<th>{escape(row.name)}</th>",
            f"<td>{row.level.label}</td>",
            *(_cell(matrix.cells[row, *place], len(matrix.asked)) for place in matrix.places),
        ]
        for row in matrix.rows
    ]
    return (
        "<h2>What may go where</h2><p>yes: every caller below, for each purpose it is registered for, and "
        "every model there. some: those named. no: nobody, by the rules named; "
        "that no rule permits it is said only where none forbids it. "
        "A row without a class is data whose level alone is known, as by a label or by a part that "
        "could not be read.</p>" + _table(("Data", "Level", *places), rows)
    )


def _place(provider: str, region: str, unproven: Iterable[str]) -> str:
    """Head of a column, with the example terms that its answers may rest on."""
    said = ", ".join(unproven).replace("_", " ")
    note = f'<br><small class="example">rests on examples: {escape(said)}</small>' if said else ""
    return f"{escape(provider)} in {escape(region)}{note}"


def _cell(cell: Cell, n_asked: int) -> str:
    lines = [f"<b>{_WORDS[cell.status]}</b>"]
    if cell.status == "some":
        lines.append(f"<small>{len(cell.cleared)} of {n_asked}: {escape(_who(cell.cleared))}</small>")
    lines += [f"<small>{escape(say_code(code))}</small>" for code in cell.codes]
    return f'<td class="{cell.status}">{"<br>".join(lines)}</td>'


def _who(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{caller} ({purpose})" for caller, purpose in pairs)


def _rules(policy: Policy) -> str:
    rows = [[f"<td>{escape(rule[name])}</td>" for name in _RULE] for rule in rules_json(policy)]
    return "<h2>The rules</h2><p>An exception may lift the lack of a permit, never a forbid.</p>" + _table(
        ("Rule", "Effect", "Mode", "Reason"), rows
    )


def _asked(matrix: Matrix) -> str:
    callers = matrix.rulings.policy.callers.callers
    purposes = matrix.rulings.policy.objectives.purposes
    regions = {name: {*purpose.regions} for name, purpose in purposes.items()}
    rows = [
        [
            f"<td>{escape(caller)}</td>",
            f"<td>{escape(callers[caller].owner or '')}</td>",
            f"<td>{escape(purpose)}</td>",
            f"<td>{escape(', '.join(sorted({*callers[caller].regions} & regions[purpose])))}</td>",
        ]
        for caller, purpose in matrix.asked
    ]
    return (
        "<h2>Who was asked about</h2><p>A user that an agent acts for is asked too at each request, and can "
        "only narrow what its agent may do.</p>"
        + _table(("Caller", "Owner", "Purpose", "Regions of both"), rows)
    )


def _table(header: Iterable[str], rows: Iterable[list[str]]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
