"""The README's request gets the README's answer, and what it links to is there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from clearway.bundle import load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.installation import data_folder, open_detector
from clearway.router import Router
from clearway.testing import NOON, memory_ledger, shipped_policy, shipped_register
from serving.app import create_app

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def answer() -> Any:
    """What the service of this checkout answers to the request of the README."""
    ledger = memory_ledger()
    ledger.append("load", {})  # stands for the load record that `make serve` writes first
    router = Router(
        register=shipped_register(),
        policy=shipped_policy(),
        complexity=OnnxComplexityModel(load_bundle(data_folder() / "classifiers" / "default", trusted=None)),
        sensitivity=open_detector(),
        ledger=ledger,
        clock=lambda: NOON,
    )
    client = TestClient(create_app(router), base_url="http://127.0.0.1")
    body = re.search(r"-d '(\{.*?\n\})'", README, re.DOTALL)
    assert body
    response = client.post("/v1/route", content=body[1], headers={"content-type": "application/json"})
    assert response.status_code == 200
    return response.json()


def test_the_request_of_the_readme_gets_its_answer(answer: Any) -> None:
    """Every value the page shows is the value the service gives; `...` stands for what it cuts."""
    shown = re.search(r"```json\n(\{.*?\n\})\n```", README, re.DOTALL)
    assert shown
    expected = json.loads(shown[1])
    assert set(expected) == set(answer)
    left_out = {item["model"]: item["codes"] for item in answer["excluded"]}
    for item in expected.pop("excluded"):
        assert left_out[item["model"]] == item["codes"]
    terms = expected.pop("example_terms")
    assert terms[:-1] == answer["example_terms"][: len(terms) - 1]
    assert matches(expected, {name: answer[name] for name in expected})


def test_the_words_below_the_answer_are_its_numbers(answer: Any) -> None:
    """73%, 70%, 0.000035 USD and 0.002645 USD are those of the answer."""
    words = " ".join(README.split())
    cost = answer["cost"]
    assert f"{answer['success_ppm'] / 10_000:.0f}% chance" in words
    assert f"floor of {answer['floor_ppm'] / 10_000:.0f}%" in words
    assert f"{cost['expected_nusd'] / 1e9:.6f} USD" in words
    assert f"would cost {cost['incumbent_nusd'] / 1e9:.6f}" in words


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """Relative links name files of the checkout."""
    root = Path(__file__).resolve().parent.parent
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (root / target).exists(), target


def matches(expected: Any, got: Any) -> bool:
    """Whether two values are equal, `...` standing for any text."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return set(expected) == set(got) and all(
            matches(value, got[name]) for name, value in expected.items()
        )
    return (expected == "..." and isinstance(got, str)) or bool(expected == got)
