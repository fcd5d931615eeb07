"""Ratios with their intervals, on axes on which twice as much is as far from 1 as half as much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import plotly.graph_objects as go

from onex_analytics.views.durations import number
from onex_analytics.views.theme import faded

_STEPS: tuple[tuple[float, list[float]], ...] = (
    (0.04, [1.01, 1.02, 1.05, 1.1]),
    (0.7, [1.1, 1.25, 1.5, 2, 3, 5]),
    (2, [2, 5, 10, 50, 100]),
    (math.inf, [10.0**power for power in range(1, 10)]),
)
"""Ratios that the axis marks, by how far it reaches in powers of ten."""


def drawable(ratio: float | None) -> float | None:
    """A logarithm wants what is above 0 and has an end.

    >>> drawable(2.0), drawable(0.0), drawable(float("inf")), drawable(None)
    (2.0, None, None, None)
    """
    return ratio if ratio is not None and 0 < ratio < math.inf else None


def ratio_told(ratio: float | None, low: float | None, high: float | None) -> str:
    """A ratio with its interval.

    >>> ratio_told(2.0, 1.5, 2.66), ratio_told(14046.2, None, None), ratio_told(None, None, None)
    ('× 2 (95 %: 1.5 to 2.66)', '× 14,046', 'without a ratio')
    """
    if ratio is None:
        return "without a ratio"
    interval = "" if low is None or high is None else f" (95 %: {_digits(low)} to {_digits(high)})"
    return f"× {_digits(ratio)}{interval}"


def _digits(ratio: float) -> str:
    return number(ratio) if ratio < 1e6 else f"{ratio:.3g}"


def ratio_tick(ratio: float) -> str:
    """A ratio as an axis tells it.

    >>> ratio_tick(1.25), ratio_tick(1e6)
    ('× 1.25', '× 10<sup>6</sup>')
    """
    return f"× {number(ratio)}" if 1e-3 <= ratio <= 1e3 else f"× 10<sup>{math.log10(ratio):.0f}</sup>"


def ratio_axis(ratios: Iterable[float | None]) -> dict[str, Any]:
    """Settings of a Plotly axis that holds all these, and 1; no further than nine powers of ten."""
    shown = [math.log10(ratio) for ratio in map(drawable, ratios) if ratio is not None]
    reach = min(max([abs(x) for x in shown] or [0.0]), 9.0)
    low, high = min([*shown, 0.0]), max([*shown, 0.0])
    margin = max(0.02, 0.05 * reach)
    steps = next(steps for most, steps in _STEPS if reach < most)
    ticks = sorted([1.0, *steps, *(1 / step for step in steps)])
    return {
        "type": "log", "range": [max(low, -9) - margin, min(high, 9) + margin], "tickvals": ticks, "tickangle": 0,
        "ticktext": [*map(ratio_tick, ticks)],
    }  # fmt: skip


def add_intervals(
    figure: go.Figure, ends: Sequence[tuple[float | None, float | None, float]], colour: str, **more: Any
) -> None:
    """A line from low to high at y, for each interval of which both ends can be drawn."""
    kept = [(low, high, y) for low, high, y in ends if drawable(low) and drawable(high)]
    if kept:
        figure.add_scatter(
            x=list(chain.from_iterable((low, high, None) for low, high, _ in kept)),
            y=list(chain.from_iterable((y, y, None) for *_, y in kept)),
            mode="lines", line={"color": faded(colour, 0.7), "width": 2.5}, hoverinfo="skip", showlegend=False, **more,
        )  # fmt: skip
