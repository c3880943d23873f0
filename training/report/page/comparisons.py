"""Which other ways do better than routing, by the intervals, and what lets them."""

from __future__ import annotations

from math import isfinite
from typing import Final, NamedTuple

from training.report.page import wording
from training.report.page.formats import estimate, points, said, share
from training.report.results import Arm, Estimate, Report

# Ways that somebody could take instead, in words; not the oracle, which knows the answers.
RIVALS: Final = {
    "best_single": "the best single model for everything",
    "random_mix": "the same models in the same shares, dealt at random",
    "zero_router": "the best mix of two models, dealt at random without a look at the prompt",
    "shuffled": "the same router after learning from shuffled labels",
    "neighbours": "nearest neighbours",
}
_POLICY: Final = (
    "Policy binds routing alone: another way may send a request to a model that is not cleared for it."
)
_FLOOR: Final = (
    "Routing takes the cheapest cleared model over the quality floor of the purpose and buys no quality "
    "above it. What more quality would cost is a question for a what-if with a higher floor, such as "
    "floor=0.85."
)
_HINDSIGHT: Final = "The best single model is chosen on the test itself, which nobody can do beforehand."
_TRAINED: Final = (
    "Routing aims, on training questions, at the quality of the model before; where it finds no cheaper way "
    "to keep that, every prompt goes to that model."
)


class Better(NamedTuple):
    """A way that does better than routing, and routing itself."""

    arm: Arm
    routed: Arm


def better_ways(report: Report) -> tuple[Better, ...]:
    """Ways clearly ahead of routing in saving or quality and not clearly behind in the other."""
    routed = next((arm for arm in report.arms if arm.name == "routed"), None)
    if routed is None:
        return ()
    rivals = (arm for arm in report.arms if arm.name in RIVALS)
    return tuple(Better(arm, routed) for arm in rivals if _is_better(arm, routed))


def say_beaten(report: Report) -> str:
    """One sentence for each way that does better; empty where none does."""
    beaten = " ".join(_say(one) for one in better_ways(report))
    return f"{beaten} Why is told beside the other ways." if beaten else ""


def say_contest(report: Report) -> str:
    """Whether any of the ways that were compared does better than routing; empty where none was."""
    if not any(arm.name in RIVALS and arm.saving and arm.quality_difference for arm in report.arms):
        return ""
    rule = "ahead of it in saving or quality beyond the intervals, and not behind in the other"
    names = ", ".join(wording.arm(one.arm.name) for one in better_ways(report))
    if names:
        return f"Better than routing ({rule}): {names}."
    return f"None of the ways that one could take instead does better than routing ({rule})."


def reasons(report: Report) -> tuple[str, ...]:
    """What lets ways do better than routing, where some do."""
    arms = [one.arm for one in better_ways(report)]
    if not arms:
        return ()
    texts: list[str] = []
    if report.about.kind == "ledger":
        texts += [_POLICY, _FLOOR]
    if report.about.kind == "answers":
        texts += [_HINDSIGHT] if any(arm.name == "best_single" for arm in arms) else []
        texts.append(_TRAINED)
    return (*texts, *_basis_reasons(arms))


def _basis_reasons(arms: list[Arm]) -> list[str]:
    texts = []
    if any("measured" not in arm.basis.split("+") for arm in arms):
        texts.append("The quality of a model that was not called is an estimate here, never a grade.")
    mapped = ", ".join(wording.arm(arm.name) for arm in arms if "mapped" in arm.basis.split("+"))
    if mapped:
        texts.append(
            f"Mapped in part or whole: {mapped}. The estimate is then that of another model, which stands "
            "in; how well it does was not tested here."
        )
    return texts


def _say(one: Better) -> str:
    return (
        f"Routing is beaten here by {RIVALS[one.arm.name]}: against before, {_told(one.arm)}, where routing "
        f"has {_told(one.routed)}."
    )


def _told(arm: Arm) -> str:
    quality, saving = estimate(arm.quality_difference, points), estimate(arm.saving, share)
    return f"quality {said(quality)} and saving {said(saving)}"


def _is_better(arm: Arm, routed: Arm) -> bool:
    in_saving = _lead(arm.saving, routed.saving)
    in_quality = _lead(arm.quality_difference, routed.quality_difference)
    if in_saving is None or in_quality is None:
        return False
    return max(in_saving, in_quality) > 0 and min(in_saving, in_quality) >= 0


def _lead(one: Estimate | None, other: Estimate | None) -> int | None:
    """1 where one's interval lies above the other's, -1 below, 0 where they meet; None where unknown."""
    mine, theirs = _ends(one), _ends(other)
    if mine is None or theirs is None:
        return None
    return int(mine[0] > theirs[1]) - int(mine[1] < theirs[0])


def _ends(value: Estimate | None) -> tuple[float, float] | None:
    if value is None or value.low is None or value.high is None:
        return None
    return (value.low, value.high) if isfinite(value.low) and isfinite(value.high) else None
