"""Cost against quality: the hull that mixtures reach, the area under it, the cheapest good point.

References:
    Hu et al. (2024), RouterBench, arXiv 2403.12031, section 3: non-decreasing convex hull, AIQ, zero router.
"""

from __future__ import annotations

import numpy as np

from training.dataset import FloatArray


def hull(cost: FloatArray, quality: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of the best that mixtures of the points reach: quality rises with cost, ever more slowly.

    Args:
        cost: Shape (n,), at least one.
        quality: Shape (n,).

    Returns:
        Costs, rising, and qualities, rising.

    >>> hull(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.2, 1.0, 0.9]))
    (array([1., 3.]), array([0., 1.]))
    """
    corners: list[tuple[float, float]] = []
    for x, y in sorted(
        zip(cost.tolist(), quality.tolist(), strict=True), key=lambda point: (point[0], -point[1])
    ):
        if corners and y <= corners[-1][1]:
            continue
        while len(corners) > 1 and _is_under(corners[-2], corners[-1], (x, y)):
            corners.pop()
        corners.append((x, y))
    points = np.array(corners)
    return points[:, 0], points[:, 1]


def _is_under(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    """Whether the middle point lies on or under the line from left to right."""
    return (middle[1] - left[1]) * (right[0] - left[0]) <= (right[1] - left[1]) * (middle[0] - left[0])


def aiq(cost: FloatArray, quality: FloatArray, low: float, high: float) -> float:
    """Mean height of the hull over the costs from low to high (average improvement in quality).

    Left of its first corner the hull has that corner's height, right of its last the last one's.

    Args:
        cost: Shape (n,), of the points.
        quality: Shape (n,).
        low: Cost where the range starts.
        high: Cost where it ends, at least `low`.

    >>> aiq(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.0, 2.0)
    0.75
    """
    x, y = hull(cost, quality)
    if high <= low:
        return float(np.interp(low, x, y))
    inside = x[(x > low) & (x < high)]
    steps = np.concatenate([[low], inside, [high]])
    return float(np.trapezoid(np.interp(steps, x, y), steps) / (high - low))


def cheapest_point(cost: FloatArray, quality: FloatArray, target: float) -> int | None:
    """Index of the cheapest point whose quality is at least the target; None when there is none.

    >>> cheapest_point(np.array([3.0, 1.0, 2.0]), np.array([0.9, 0.1, 0.8]), 0.8)
    2
    """
    enough = np.flatnonzero(quality >= target - 1e-12)
    return int(enough[np.argmin(cost[enough])]) if len(enough) else None


def cost_on_hull(cost: FloatArray, quality: FloatArray, target: float) -> float:
    """Least cost at which a mixture of the points reaches the target; NaN when none does.

    >>> cost_on_hull(np.array([1.0, 3.0]), np.array([0.0, 1.0]), 0.5)
    2.0
    """
    x, y = hull(cost, quality)
    if target > y[-1] + 1e-12:
        return float("nan")
    return float(np.interp(target, y, x))
