"""What a source hands to the analysis: rows as Parquet files, and what the rows do not say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clearway.assessment import ComplexityModel
from clearway.router import Router
from training.report.results import RouterMetrics

# Told what is being done, how much of it is done, and of how much (0: not known).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Gathered:
    """Rows of one source.

    Attributes:
        kind: As `About.kind`.
        origin: As `About.origin`.
        before: As `About.before`.
        rows: Parquet file, or folder of them, with the columns `routed.COLUMNS`; else the name of a table.
        moves: The same with `routed.MOVE_COLUMNS`; None where no scenario was asked for.
        scenarios: What each scenario changes, in words, by name.
        register: Digest of the register.
        classifiers: Name and version of each complexity model, by digest.
        detectors: Name and version of each sensitivity detector, by digest.
        router_nusd: As `About.router_nusd`.
        router_basis: As `About.router_basis`.
        router_metrics: Of graded answers.
        notes: As `About.notes`.
        arm_bases: How the quality of an arm is known, where the rows do not say it: names joined by "+".
    """

    kind: str
    origin: str
    before: str
    rows: Path
    moves: Path | None
    scenarios: Mapping[str, str]
    register: str
    classifiers: Mapping[str, str]
    detectors: Mapping[str, str]
    router_nusd: int
    router_basis: str
    router_metrics: tuple[RouterMetrics, ...] = ()
    notes: tuple[str, ...] = ()
    arm_bases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WhatIf:
    """Other rules for the same traffic; None or empty where they stay as they are. Picklable.

    Attributes:
        name: Of the scenario.
        policy: Folder.
        register: Folder.
        bundle: Folder of another complexity bundle: the prompts are scored again.
        prices: A `prices.yaml` in place of the register's.
        regions: Only models in these regions.
        without: Not these models.
        floor_ppm: Quality floor of every purpose.
    """

    name: str
    policy: Path | None = None
    register: Path | None = None
    bundle: Path | None = None
    prices: Path | None = None
    regions: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    floor_ppm: int | None = None


@dataclass(frozen=True)
class Variant:
    """A scenario made ready, in the process that uses it.

    Attributes:
        name: Of the scenario.
        what: What it changes, in words.
        router: Decides facts under it, by `Router.resolve`; its classifiers are not asked.
        complexity: The other bundle; None where the assessment stays.
    """

    name: str
    what: str
    router: Router
    complexity: ComplexityModel | None = None


@dataclass(frozen=True)
class Costs:
    """What one decision is taken to cost, where it was not measured.

    Attributes:
        router_nusd: Nano-dollars.
        basis: Where that comes from, in words.
    """

    router_nusd: int = 139
    basis: str = "10 ms of one core at 0.05 USD an hour"
