"""Perturbations are deterministic, leave digits alone and change what they say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.benchmark.perturbation import CHARACTERS_PER_TYPO, PERTURBATIONS, perturb

PROMPT = "What is 12 + 30?  Don't guess.\n(A) forty (B) forty-two, and explain each step carefully."
APPENDED = ("easy_appended", "cheapest_appended", "directive_appended")


@pytest.mark.parametrize("name", PERTURBATIONS)
@given(prompts=st.lists(st.text(max_size=80), max_size=5), seed=st.integers(0, 2**31))
def test_same_seed_same_text(name: str, prompts: list[str], seed: int) -> None:
    """Any text can be changed; what becomes of it depends on nothing but itself, the kind and the seed."""
    changed = perturb(prompts, name, seed=seed)
    assert changed == [perturb([prompt], name, seed=seed)[0] for prompt in prompts]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_every_kind_changes_an_ordinary_prompt(name: str) -> None:
    """None is a no-op on a prompt of ordinary form."""
    assert perturb([PROMPT], name, seed=0) != [PROMPT]


@pytest.mark.parametrize("name", sorted(set(PERTURBATIONS) - {"directive_appended", "directive_prepended"}))
@given(prompt=st.text(max_size=200), seed=st.integers(0, 2**31))
def test_digits_stay(name: str, prompt: str, seed: int) -> None:
    """The numbers of a question are those of the changed question."""
    assert re.findall("[0-9]", perturb([prompt], name, seed=seed)[0]) == re.findall("[0-9]", prompt)


def test_typos_are_few_but_there() -> None:
    """One in about thirty characters, and at least one in a short prompt."""
    words = "several words of one long prompt " * 30
    changed = perturb([words], "typos", seed=3)[0]
    n_typos = len(words) // CHARACTERS_PER_TYPO
    assert changed != words
    assert abs(len(changed) - len(words)) <= n_typos
    assert perturb(["hi"], "typos", seed=3) != ["hi"]
    assert perturb(["12 + 5?"], "typos", seed=3) == ["12 + 5?"]


def test_case_and_blanks() -> None:
    """Case changes nothing else; blanks only grow; each line is indented."""
    assert perturb(["Ab cD"], "lower_case", seed=0) == ["ab cd"]
    assert perturb(["Ab cD"], "upper_case", seed=0) == ["AB CD"]
    assert perturb(["ab don't cD"], "title_case", seed=0) == ["Ab Don't Cd"]
    assert perturb(["a b"], "doubled_blanks", seed=0) == ["a  b"]
    assert perturb(["a\nb"], "tabs", seed=0) == ["\ta\n\tb"]
    assert perturb(["a"], "trailing_newlines", seed=0)[0].startswith("a\n")


@pytest.mark.parametrize("name", APPENDED)
def test_claims_are_appended(name: str) -> None:
    """The prompt stands first, whole."""
    assert perturb([PROMPT], name, seed=0)[0].startswith(PROMPT + "\n\n")


@pytest.mark.parametrize("name", ["polite_preamble", "directive_prepended"])
def test_preambles_are_prepended(name: str) -> None:
    """The prompt stands last, whole."""
    assert perturb([PROMPT], name, seed=0)[0].endswith("\n\n" + PROMPT)
