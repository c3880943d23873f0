"""Evidence of many samples, found by the recognisers in service, stacked for learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clearway.assessment import Finding
from clearway.request import Caller, Part, Request
from clearway.sensitivity.evidence import evidence, readable
from training.sensitivity.class_learning import Rows
from training.sensitivity.samples import Sample

# Findings of a request and the texts that they lie in: its parts, then values that were split, whole.
Find = Callable[[Request], tuple[Sequence[Finding], Sequence[Part]]]
_CALLER = Caller("training")


def request_of(sample: Sample) -> Request:
    """The request that a sample would be."""
    parts = tuple(Part(f"messages[{i}].content", "user", text) for i, text in enumerate(sample.texts))
    return Request(id="sample", caller=_CALLER, purpose="general", parts=parts)


def gather(samples: Sequence[Sample], find: Find) -> Rows:
    """Rows of all samples, in order."""
    values, request, is_gold = [], [], []
    for index, sample in enumerate(samples):
        findings, texts = find(request_of(sample))
        values.append(evidence(findings, texts))
        request += [index] * len(values[-1])
        is_gold += [_is_on_gold(finding, sample) for finding in readable(findings)]
    return Rows(
        np.concatenate(values), np.array(request, np.int64), np.array(is_gold, np.bool_), len(samples)
    )


def _is_on_gold(finding: Finding, sample: Sample) -> bool:
    return any(
        part == finding.part and start < finding.end and finding.start < end
        for part, start, end in sample.spans
    )
