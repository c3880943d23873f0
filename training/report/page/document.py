"""A report as a document: the one place that says what comes in which order."""

from __future__ import annotations

from training.report.page.answer_section import about_section, answer_section
from training.report.page.blocks import Document, Section
from training.report.page.closing_sections import faults_section, method_section
from training.report.page.formats import moment
from training.report.page.metric_section import metrics_section
from training.report.page.risk_section import (
    detection_section,
    exposure_section,
    measures_section,
    rules_section,
)
from training.report.page.saving_sections import arms_section, money_section, quality_section, slices_section
from training.report.page.scenario_section import scenarios_section
from training.report.results import Report


def make_document(report: Report) -> Document:
    """Everything the report says, in the order to read it."""
    sections: tuple[Section | None, ...] = (
        about_section(report),
        answer_section(report),
        money_section(report),
        arms_section(report),
        quality_section(report),
        slices_section(report),
        measures_section(report),
        exposure_section(report),
        rules_section(report),
        detection_section(report),
        scenarios_section(report.scenarios),
        metrics_section(report.router_metrics),
        faults_section(report),
        method_section(report),
    )
    return Document(
        title="What routing saved, and what it risked",
        subtitle=f"Clearway evaluation report, {moment(report.about.made_at)}",
        sections=tuple(section for section in sections if section is not None),
    )
