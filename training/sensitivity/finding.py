"""The recognisers in service, with a tagger that is not in a bundle yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clearway.assessment import Finding
from clearway.request import Part, Request
from clearway.sensitivity.finder import Finder
from training.sensitivity.class_evidence import Find


def make_find(data: Path, tagger: Path) -> Find:
    """What finds as the detector does.

    Args:
        data: Holds the class table, the word lists and the lists of names.
        tagger: Holds `tagger.onnx` and `tagger.json`.
    """
    finder = Finder(data, tagger)

    def find(request: Request) -> tuple[Sequence[Finding], Sequence[Part]]:
        return finder.find(request).weighed(request.parts)

    return find
