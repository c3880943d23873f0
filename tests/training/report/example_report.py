"""A report made by hand, with something in every field: what pages are tested and looked at with."""

from __future__ import annotations

from dataclasses import replace

from training.report.results import (
    About,
    Arm,
    Count,
    Counts,
    Detection,
    Estimate,
    Exposure,
    Fault,
    Measures,
    Money,
    Move,
    Point,
    QualityByBasis,
    Report,
    RouterMetrics,
    Scenario,
    Slice,
)

GPT_4O, HAIKU, MINI = "openai/gpt-4o@us", "aws-bedrock/claude-3-haiku@eu", "openai/gpt-4o-mini@us"
LLAMA = "on-premises/llama-3.1-70b-instruct@on_premises"


def example_report() -> Report:
    """A month of a gateway's ledger, with outcomes for four fifths of it."""
    return Report(
        about=_about(),
        counts=Counts(20_412, 19_876, 511, 25, 19_840, 16_020, 4_310, 17_902),
        faults=_faults(),
        money=_money(),
        arms=_arms(),
        quality=_quality(),
        slices=_slices(),
        measures=_measures(),
        exposure=_exposure(),
        refusals=(
            Count("forbidden:secrets-stay-home", 301),
            Count("not_permitted", 160),
            Count("context_window", 50),
        ),
        exceptions=(Count("health-pilot-berlin", 42),),
        n_example_terms=2_318,
        detection=_detection(),
        scenarios=_scenarios(),
        router_metrics=_router_metrics(),
        mlflow={"run_id": "0f" * 16, "experiment": "clearway-classifiers", "version": "complexity/3"},
    )


def bare_report() -> Report:
    """The least there can be: no request, nothing measured."""
    return replace(
        example_report(),
        about=replace(
            _about(), first_day=None, last_day=None, classifiers={}, detectors={}, policies=(), notes=()
        ),
        counts=Counts(0, 0, 0, 0, 0, 0, 0, 0),
        faults=(),
        money=Money(0, 0, 0, 0, 0, None, None, None, None, None),
        arms=(),
        quality=(),
        slices=(),
        measures=Measures(0, 0, 0, 0, None, 0, None, 0, None),
        exposure=(),
        refusals=(),
        exceptions=(),
        n_example_terms=0,
        detection=(),
        scenarios=(),
        router_metrics=(),
        mlflow={},
    )


def _about() -> About:
    return About(
        kind="ledger",
        origin="ledger",
        made_at="2026-11-26T08:40:00Z",
        before=GPT_4O,
        first_day="2026-10-26",
        last_day="2026-11-25",
        engine="duckdb 1.5.6",
        seed=0,
        n_resamples=1_000,
        classifiers={"sha256:" + "ab12" * 16: "complexity/3"},
        detectors={"sha256:" + "cd34" * 16: "sensitivity/1", "sha256:" + "ce35" * 16: "sensitivity/2"},
        policies=("sha256:" + "ef56" * 16,),
        register="sha256:" + "0123" * 16,
        router_nusd=139,
        router_basis="10 ms of one core at 0.05 USD an hour",
        notes=("shuffled and oracle need graded answers; best_single is openai/gpt-4o-mini@us.",),
    )


def _faults() -> tuple[Fault, ...]:
    return (
        Fault("other_currency", 112, 0),
        Fault("unexpected_model", 37, 0),
        Fault("time_before_decision", 3, 0),
        Fault("unknown_model", 25, 25),
    )


def _money() -> Money:
    return Money(
        before_nusd=92_418_000_000,
        spent_nusd=61_207_000_000,
        router_nusd=2_837_268,
        failed_nusd=811_000_000,
        n_retried=412,
        gross_saving=Estimate(0.33772, 0.3191, 0.3559),
        net_saving=Estimate(0.33769, 0.31907, 0.35587),
        net_saved_nusd=Estimate(31_208_162_732, 29_310_000_000, 33_020_000_000),
        saving_where_before_cleared=Estimate(0.3012, 0.281, 0.3198),
        spent_over_expected=Estimate(1.083, 1.066, 1.101),
        net_saving_as_expected=Estimate(0.3691, 0.351, 0.3869),
    )


def _arms() -> tuple[Arm, ...]:
    n = 19_840
    return (
        Arm(
            "routed",
            n,
            61_209_837_268,
            Estimate(0.33769, 0.31907, 0.35587),
            4_310,
            Estimate(0.7812, 0.7689, 0.7935),
            Estimate(-0.0041, -0.0118, 0.0036),
            "measured+modelled",
        ),
        Arm("before", n, 92_418_000_000, None, 4_310, Estimate(0.7853, 0.773, 0.7976), None, "modelled"),
        Arm(
            "best_single",
            n,
            70_112_000_000,
            Estimate(0.2414, 0.2241, 0.2583),
            19_840,
            Estimate(0.7901, 0.7841, 0.7962),
            Estimate(0.0048, 0.0012, 0.0084),
            "modelled",
        ),
        Arm(
            "random_mix",
            n,
            61_300_000_000,
            Estimate(0.3367, 0.3321, 0.3413),
            19_840,
            Estimate(0.7402, 0.7339, 0.7465),
            Estimate(-0.0451, -0.0489, -0.0413),
            "modelled",
        ),
        Arm("oracle", 0, 0, None, 0, None, None, ""),
    )


def _quality() -> tuple[QualityByBasis, ...]:
    return (
        QualityByBasis(
            "measured", 4_310, Estimate(0.7812, 0.7689, 0.7935), 4_310, Estimate(-0.0041, -0.0118, 0.0036)
        ),
        QualityByBasis(
            "modelled", 11_206, Estimate(0.8011, 0.7934, 0.8087), 11_206, Estimate(-0.0009, -0.0021, 0.0003)
        ),
        QualityByBasis("mapped", 4_360, Estimate(0.744, 0.731, 0.757), 0, None),
    )


def _slices() -> tuple[Slice, ...]:
    rows = [
        ("purpose", "coding", 8_102, 0.412, 0.004, 12, False),
        ("purpose", "customer_support", 9_641, 0.291, -0.006, 402, False),
        ("purpose", "claims", 2_097, 0.188, -0.011, 97, False),
        ("caller", "agent:build", 8_102, 0.412, 0.004, 12, False),
        ("caller", "agent:<script>alert(1)</script>", 11_738, 0.263, -0.007, 499, False),
        ("language", "", 19_840, 0.3377, -0.0041, 511, False),
        ("length", "short", 15_120, 0.352, -0.002, 300, False),
        ("length", "medium", 4_661, 0.322, -0.009, 180, False),
        ("length", "long", 59, 0.1, None, 31, True),
        ("class", "none", 15_001, 0.351, -0.003, 20, False),
        ("class", "contact", 3_204, 0.302, -0.004, 110, False),
        ("class", "health", 88, -0.041, -0.02, 301, True),
    ]
    return tuple(_slice(*row) for row in rows)


def _slice(
    dimension: str,
    value: str,
    n: int,
    saving: float,
    difference: float | None,
    n_refused: int,
    is_small: bool,
) -> Slice:
    half = 1.3 / n**0.5
    return Slice(
        dimension=dimension,
        value=value,
        n=n,
        before_nusd=n * 4_658_165,
        net_saving=Estimate(saving, saving - half, saving + half),
        quality_difference=None
        if difference is None
        else Estimate(difference, difference - half / 2, difference + half / 2),
        basis="measured+modelled",
        n_refused=n_refused,
        is_small=is_small,
    )


def _measures() -> Measures:
    return Measures(
        provider_count=3,
        provider_count_before=1,
        exposure_paths=6,
        exposure_paths_before=3,
        audit_completeness=Estimate(0.9977, 0.9968, 0.9984),
        n_calls=16_466,
        share_routable=Estimate(0.2104, 0.2049, 0.216),
        n_routable=4_175,
        saving_routable=Estimate(0.5512, 0.532, 0.5699),
        providers=("aws-bedrock", "on-premises", "openai"),
        providers_before=("openai",),
        n_weaker_terms=1_640,
        share_weaker_terms=Estimate(0.0825, 0.0788, 0.0864),
    )


def _exposure() -> tuple[Exposure, ...]:
    return (
        Exposure("contact", "openai", "us", 3_314, 1_207),
        Exposure("contact", "aws-bedrock", "eu", 0, 1_640),
        Exposure("contact", "on-premises", "on_premises", 0, 357),
        Exposure("health", "openai", "us", 389, 0),
        Exposure("health", "on-premises", "on_premises", 0, 88),
        Exposure("personal", "openai", "us", 2_840, 1_011),
        Exposure("personal", "aws-bedrock", "eu", 0, 1_702),
    )


def _detection() -> tuple[Detection, ...]:
    return (
        Detection(
            "contact",
            3_314,
            Estimate(0.991, 0.978, 0.997),
            612,
            Estimate(0.006, 0.003, 0.012),
            Estimate(41.2, 12.0, 101.0),
        ),
        Detection(
            "health",
            389,
            Estimate(0.914, 0.871, 0.944),
            233,
            Estimate(0.011, 0.006, 0.018),
            Estimate(903.0, 588.0, 1_402.0),
        ),
        Detection("trade_secret", 0, None, 0, None, None),
    )


def _scenarios() -> tuple[Scenario, ...]:
    return (
        Scenario(
            name="eu only",
            what="only models in the regions eu, on_premises",
            n=20_387,
            n_moved=9_120,
            moves=(
                Move(GPT_4O, "azure/gpt-4o@eu", 5_001),
                Move(MINI, "azure/gpt-4o-mini@eu", 3_908),
                Move(MINI, "", 211),
            ),
            now_nusd=60_100_000_000,
            then_nusd=68_900_000_000,
            saving=Estimate(-0.1464, -0.159, -0.134),
            n_refused_now=511,
            n_refused_then=722,
            quality_difference=Estimate(0.0, -0.0004, 0.0004),
            provider_count_now=3,
            provider_count_then=3,
            exposure_paths_now=6,
            exposure_paths_then=4,
        ),
        Scenario(
            name="with llama at home",
            what=f"{LLAMA} beside today's models",
            n=20_387,
            n_moved=2_004,
            moves=(Move(HAIKU, LLAMA, 2_004),),
            now_nusd=60_100_000_000,
            then_nusd=55_210_000_000,
            saving=Estimate(0.0814, 0.0711, 0.0917),
            n_refused_now=511,
            n_refused_then=430,
            quality_difference=Estimate(-0.0011, -0.0019, -0.0003),
            provider_count_now=3,
            provider_count_then=4,
            exposure_paths_now=6,
            exposure_paths_then=8,
        ),
    )


def _router_metrics() -> tuple[RouterMetrics, ...]:
    return (
        RouterMetrics(
            source="routellm_gsm8k",
            n=1_307,
            aiq={
                "routed": Estimate(0.742, 0.72, 0.76),
                "neighbours": Estimate(0.735, 0.712, 0.757),
                "zero_router": Estimate(0.731, 0.709, 0.752),
            },
            apgr={"routed": Estimate(0.624, 0.561, 0.688), "neighbours": Estimate(0.571, 0.508, 0.634)},
            cpt_50={"routed": Estimate(0.334, 0.26, 0.41)},
            cpt_80={"routed": Estimate(0.671, 0.58, 0.75)},
            arena={"routed": Estimate(0.691, 0.67, 0.711), "before": Estimate(0.642, 0.62, 0.664)},
            points=(
                Point("gpt-4-1106-preview", "single", 9.1, 0.857),
                Point("mixtral-8x7b-instruct", "single", 0.6, 0.637),
                Point("routed", "way", 4.1, 0.831),
                Point("before", "way", 9.1, 0.857),
                *(
                    Point("routed at every trade-off", "curve", 0.6 + 1.7 * i, 0.637 + 0.22 * (i / 5) ** 0.6)
                    for i in range(6)
                ),
                *(
                    Point(
                        "neighbours at every trade-off", "curve", 0.6 + 1.7 * i, 0.637 + 0.22 * (i / 5) ** 0.8
                    )
                    for i in range(6)
                ),
                *(
                    Point("zero_router at every trade-off", "curve", 0.6 + 1.7 * i, 0.637 + 0.22 * (i / 5))
                    for i in range(6)
                ),
            ),
        ),
        RouterMetrics(
            source="routerbench",
            n=7_300,
            aiq={"routed": Estimate(0.711, 0.702, 0.72), "zero_router": Estimate(0.7, 0.69, 0.71)},
            apgr={},
            cpt_50={},
            cpt_80={},
            arena={"routed": Estimate(0.7, 0.69, 0.71)},
            points=(
                *(
                    Point(f"model-{n}", "single", 0.02 * 2.1**n, 0.42 + 0.045 * n - 0.02 * (n % 3))
                    for n in range(11)
                ),
                Point("routed", "way", 4.4, 0.82),
                *(
                    Point("routed at every trade-off", "curve", 0.02 * 3**i, 0.42 + 0.062 * i)
                    for i in range(7)
                ),
                *(
                    Point("zero_router at every trade-off", "curve", 0.02 * 3**i, 0.42 + 0.055 * i)
                    for i in range(7)
                ),
            ),
        ),
    )
