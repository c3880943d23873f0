"""Policy: which models this caller may send this data to, as Cedar decides, and by which rules.

Doubt denies. Cedar skips a policy whose evaluation errors, so a model is cleared only by an Allow without any
error. A policy set that does not parse, does not validate, or has a policy without `@id` or `@reason` does
not load; an empty one loads and clears nothing.

- `loading`: a folder becomes a `Policy`, or an error that says why not.
- `pack`: `Policy` and the `PolicyQuestion` put to it.
- `clearing`: the question answered for every model of a register.
- `entities`: callers, providers and models as Cedar reads them.
"""

from clearway.policy.clearing import Clearing, Observation, PolicyClearing
from clearway.policy.loading import load_policy, words_of
from clearway.policy.pack import ACTIONS, Policy, PolicyQuestion, Template

__all__ = [
    "ACTIONS",
    "Clearing",
    "Observation",
    "Policy",
    "PolicyClearing",
    "PolicyQuestion",
    "Template",
    "load_policy",
    "words_of",
]
