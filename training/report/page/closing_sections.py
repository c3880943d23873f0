"""The end of the report: what was wrong with the input, and how it was done."""

from __future__ import annotations

from typing import Final

from training.report.analysis.intervals import MIN_BUCKETS
from training.report.analysis.risk import LEAKS
from training.report.page import wording
from training.report.page.blocks import Bullets, Paragraph, Section, Table, present, words
from training.report.page.formats import count, name, usd
from training.report.results import Report

_METHOD: Final = (
    (
        "About 95 of 100 such intervals hold the true value; nearer 85 to 90, by simulation, where a few "
        "dear requests carry the cost. They come from drawing the requests again, {n_resamples} times, in "
        "groups that belong together (the same question, else the session, else the request); what is "
        "compared is drawn together, so differences are paired. Under {n_groups} groups, or where all are "
        "alike, there is no interval. Seed {seed}."
    ),
    (
        "Intervals tell what chance may do. They do not tell what a wrong price, a biased grade, a wrong "
        "estimate or other traffic next month would do: a narrow interval around an estimate says that there "
        "were many requests, not that the estimate is right."
    ),
    (
        "The saving is 1 - (cost with routing + failed attempts + cost of deciding) / cost before. The "
        "cost before is that of the same request without routing, not that of the dearest model on the "
        "list."
    ),
    "Deciding is counted at {router} a request: {basis}.",
)


def faults_section(report: Report) -> Section:
    """What was wrong with the input: counted, never dropped unseen."""
    counts = report.counts
    if not report.faults:
        return Section("input", "What was wrong with the input", (Paragraph("Nothing was found wrong."),))
    text = (
        f"Of {wording.plural(counts.n_rows, 'row')}, {count(counts.n_set_aside)} could not be used and "
        "are in no number above. The others marked here were used. A row may have several faults."
    )
    rows = tuple(
        words(
            wording.code(fault.code),
            name(fault.code),
            count(fault.n),
            count(fault.n_set_aside),
            count(fault.n - fault.n_set_aside),
        )
        for fault in report.faults
    )
    table = Table(
        "Faults of the input",
        ("What", "Code", "Rows", "Set aside", "Used all the same"),
        rows,
        frozenset({1}),
    )
    return Section("input", "What was wrong with the input", (Paragraph(text), table))


def method_section(report: Report) -> Section:
    """How the numbers were made, and with what, in full."""
    about = report.about
    facts = {
        "n_resamples": count(about.n_resamples),
        "n_groups": count(MIN_BUCKETS),
        "seed": str(about.seed),
        "router": usd(about.router_nusd),
        "basis": name(about.router_basis, 300),
    }
    rows = [
        words("register", name(about.register)),
        *(words(f"classifier {name(label)}", name(key)) for key, label in about.classifiers.items()),
        *(words(f"detector {name(label)}", name(key)) for key, label in about.detectors.items()),
        *(words("policy", name(key)) for key in about.policies),
        words("engine", name(about.engine)),
        *(words(f"MLflow {name(key)}", name(value)) for key, value in report.mlflow.items()),
    ]
    notes = tuple(wording.note(note) for note in about.notes if note != LEAKS)
    blocks = present(
        (
            Bullets(tuple(text.format(**facts) for text in _METHOD)),
            Paragraph("Of this source:") if notes else None,
            Bullets(notes) if notes else None,
            Table("What it was made with", ("What", "Version or digest"), tuple(rows), frozenset({1})),
        )
    )
    return Section("method", "How it was done, and its limits", blocks)
