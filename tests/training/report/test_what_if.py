"""Other rules for the same traffic: what the command line may say, and what is decided under it."""

from __future__ import annotations

import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearway.assessment import Complexity
from clearway.errors import ClearwayError, ConfigurationError, InvalidRequestError
from clearway.features import OUTSIDE_NOTE
from clearway.installation import Settings, data_folder
from clearway.record import Facts, facts_of
from clearway.register import Register
from clearway.request import Caller
from clearway.testing import (
    NOON,
    FakeSensitivity,
    fake_request,
    fake_router,
    shipped_register,
)
from training.report.gathered import WhatIf
from training.report.what_if import build, decide, describe, parse, parse_all

INCUMBENT = "openai/gpt-4o@us"
EXAMPLE = '"EU only: regions=eu,on_premises" or "new model: register=my-register"'


@pytest.fixture(scope="module")
def register() -> Register:
    """The shipped one."""
    return shipped_register()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Everything as shipped."""
    return Settings.of({}, home=tmp_path)


def recorded(text: str = "Hello", **fields: Any) -> Facts:
    """Facts of a decision by shipped rules."""
    router = fake_router(sensitivity=FakeSensitivity({"ill": "health"}))
    return facts_of(router.decide(fake_request(text, **fields)).record)


def test_a_spec_names_what_changes(tmp_path: Path) -> None:
    """Keys stand apart by spaces or semicolons; folders and files become full paths."""
    (tmp_path / "my prices.yaml").touch()
    spec = parse(f'  Two things : regions=eu;without={INCUMBENT} prices="{tmp_path}/my prices.yaml"')
    assert spec == WhatIf(
        "Two things", regions=("eu",), without=(INCUMBENT,), prices=tmp_path.resolve() / "my prices.yaml"
    )
    assert describe(spec) == f"other prices (my prices.yaml); only models in eu; without {INCUMBENT}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "regions=eu",
            "what-if: expected NAME: KEY=VALUE with a name of 1 to 80 printable characters, such as "
            + EXAMPLE,
        ),
        (
            "a\x1b[1m: regions=eu",
            "what-if: expected NAME: KEY=VALUE with a name of 1 to 80 printable characters, such as "
            + EXAMPLE,
        ),
        ("x:", "what-if x: expected what changes, such as " + EXAMPLE),
        (
            "x: region=eu",
            "what-if x: 'region' is none of policy, register, bundle, prices, regions, without, floor; "
            "write KEY=VALUE, such as " + EXAMPLE,
        ),
        (
            "x: eu",
            "what-if x: 'eu' is none of policy, register, bundle, prices, regions, without, floor; "
            "write KEY=VALUE, such as " + EXAMPLE,
        ),
        ("x: regions=eu regions=us", "what-if x: regions: expected once, got it twice"),
        ("x: floor=0.8 floor=0.9", "what-if x: floor: expected once, got it twice"),
        ("x: regions=", "what-if x: regions: expected regions=VALUE, got no value"),
        ("x: regions", "what-if x: regions: expected regions=VALUE, got no value"),
        ("x: regions=eu,", "what-if x: regions: expected names with commas between, got an empty one"),
        ("x: regions='eu", "what-if x: expected each quote to be closed, got one open"),
        ("x: policy=nowhere", "what-if x: policy: expected a folder, got 'nowhere', which is none"),
        *(
            (
                f"x: floor={text}",
                f"what-if x: floor: expected a share from 0.01 to 1, such as 0.85, got {text!r}",
            )
            for text in ("85", "85%", "0", "0.001", "1.1", "-0.5", "nan", "1e-1", "0.85x", "\u0660.\u0665")
        ),
        ("x: prices=nowhere", "what-if x: prices: expected a file, got 'nowhere', which is none"),
    ],
)
def test_a_wrong_spec_is_refused(text: str, fault: str) -> None:
    """The text says what was expected, and shows an example."""
    with pytest.raises(InvalidRequestError) as caught:
        parse(text)
    assert str(caught.value) == fault


@pytest.mark.parametrize(("text", "floor_ppm"), [("0.85", 850_000), ("1", 1_000_000), ("0.01", 10_000)])
def test_a_floor_replaces_that_of_every_purpose(text: str, floor_ppm: int) -> None:
    """One number says what more quality costs."""
    spec = parse(f"x: floor={text}")
    assert spec.floor_ppm == floor_ppm
    assert describe(spec) == f"a quality floor of {floor_ppm / 10_000:.1f}% for every purpose"
    built = build(spec, Settings.of({}), NOON)
    floors = {one.quality_floor_ppm for one in built.router.policy.objectives.purposes.values()}
    assert floors == {floor_ppm}
    assert decide(built, recorded(), shipped_register())["floor_ppm"] == floor_ppm


def test_two_scenarios_have_two_names() -> None:
    """Rows are told apart by the name."""
    with pytest.raises(InvalidRequestError) as caught:
        parse_all(["x: regions=eu", "x: regions=us"])
    assert str(caught.value) == "what-if x: expected a name of its own, got it twice"


def test_a_spec_goes_to_another_process() -> None:
    """Workers build the scenario themselves."""
    spec = parse("x: regions=eu")
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_no_change_decides_as_before(settings: Settings, register: Register) -> None:
    """Facts decided under the rules of today come out as they were recorded."""
    variant = build(WhatIf("today"), settings, NOON)
    facts = recorded()
    assert decide(variant, facts, register) == fake_router().resolve(facts)
    assert variant.what == "nothing: the rules of today"


def test_a_region_narrows_the_pool(settings: Settings, register: Register) -> None:
    """Only models of the region are chosen or fallen back to; the incumbent outside keeps its price."""
    found = decide(build(parse("EU: regions=eu"), settings, NOON), recorded(), register)
    assert found["region"] == "eu"
    assert all(register.models[name].region == "eu" for name in found["fallbacks"])
    assert (found["cost"]["incumbent"], found["cost"]["incumbent_nusd"]) == (
        INCUMBENT,
        fake_router().resolve(recorded())["cost"]["incumbent_nusd"],
    )


def test_a_model_is_left_out(settings: Settings, register: Register) -> None:
    """Without the model that was chosen, another one is."""
    now = fake_router().resolve(recorded())["model"]
    found = decide(build(WhatIf("x", without=(now,)), settings, NOON), recorded(), register)
    assert found["model"] not in (None, now)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (
            WhatIf("x", regions=("mars",)),
            "what-if x: regions: 'mars' is not in the register; expected some of cn, eu, on_premises, us",
        ),
        (
            WhatIf("x", regions=("eu",), without=tuple(shipped_register().models)),
            (
                "what-if x: expected a model that a review vouches for on 2026-12-01, got none; "
                "see clearway register list"
            ),
        ),
    ],
)
def test_a_pool_that_cannot_be_is_refused(settings: Settings, spec: WhatIf, fault: str) -> None:
    """A misspelt region would refuse every request in silence."""
    with pytest.raises(InvalidRequestError) as caught:
        build(spec, settings, NOON)
    assert str(caught.value) == fault


def test_prices_are_replaced(settings: Settings, register: Register, tmp_path: Path) -> None:
    """Another price file moves requests away from what became dear."""
    now = fake_router().resolve(recorded())["model"]
    text = (data_folder() / "register" / "prices.yaml").read_text(encoding="utf-8")
    dear, n_changed = re.subn(
        rf'(model: {re.escape(now)}\n +output_usd_per_mtok: )"[0-9.]+"', r'\1"999"', text
    )
    prices = tmp_path / "prices.yaml"
    prices.write_text(dear, encoding="utf-8")
    found = decide(build(WhatIf("x", prices=prices), settings, NOON), recorded(), register)
    assert n_changed == 1
    assert found["model"] not in (None, now)


def test_a_price_file_is_checked_like_the_register(settings: Settings, tmp_path: Path) -> None:
    """Its own fault names its own path."""
    prices = tmp_path / "wrong.yaml"
    prices.write_text("prices: 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"wrong\.yaml"):
        build(WhatIf("x", prices=prices), settings, NOON)


def test_a_new_model_is_estimated_by_its_reference(
    settings: Settings, register: Register, tmp_path: Path
) -> None:
    """A model that the record does not know has the estimate of one with the same graded answers."""
    folder = tmp_path / "register"
    shutil.copytree(data_folder() / "register", folder)
    facts = recorded()
    new = "groq/llama-3.1-8b-instruct@us"
    old = {name: value for name, value in facts.assessment.success_ppm.items() if name != new}
    known = replace(register, models={name: m for name, m in register.models.items() if name != new})
    facts = replace(facts, assessment=replace(facts.assessment, success_ppm=old))
    found = decide(build(WhatIf("x", register=folder), settings, NOON), facts, known)
    assert found["assessment"]["success_ppm"][new] == 900_000


def test_another_score_of_the_text_takes_the_place_of_the_recorded_one(
    settings: Settings, register: Register
) -> None:
    """Estimates, length and the notes of the complexity model are those of the new score."""
    facts = recorded()
    facts = replace(facts, assessment=replace(facts.assessment, notes=("image", OUTSIDE_NOTE)))
    scored = Complexity({"gpt-4o-2024-08-06": 123_456}, {"gpt-4o-2024-08-06": 7}, 1, 5, ("new",))
    found = decide(build(WhatIf("x"), settings, NOON), facts, register, scored=scored)
    assert found["assessment"]["success_ppm"] == {"azure/gpt-4o@eu": 123_456, INCUMBENT: 123_456}
    assert (found["assessment"]["n_input_tokens"], found["assessment"]["notes"]) == (5, ["image", "new"])


def test_a_bundle_needs_no_promotion(settings: Settings) -> None:
    """A challenger is tried on paper before it is promoted; an altered one is refused as ever."""
    variant = build(WhatIf("x", bundle=settings.bundle), settings, NOON)
    assert variant.complexity is not None
    with pytest.raises(ConfigurationError):
        build(WhatIf("x", bundle=settings.register), settings, NOON)


def test_a_caller_that_the_other_policy_does_not_know_is_refused(
    settings: Settings, register: Register
) -> None:
    """A refusal, and no error: the other requests are still to be decided."""
    stranger = replace(recorded(), caller=Caller("nobody", None))
    found = decide(build(WhatIf("x"), settings, NOON), stranger, register)
    assert (found["verdict"], found["model"], found["cost"]) == ("refuse", None, {"expected_nusd": None})


def test_a_folder_without_a_bundle_is_told_with_the_scenario(settings: Settings, tmp_path: Path) -> None:
    """Of several scenarios the one that is wrong is named; the rules of today are none."""
    spec = WhatIf("challenger", bundle=tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        build(spec, settings, NOON)
    assert str(caught.value) == f"what-if challenger: {caught.value.__cause__}"
    with pytest.raises(ClearwayError) as plain:
        build(WhatIf("today"), replace(settings, register=tmp_path), NOON)
    assert not str(plain.value).startswith("what-if")
