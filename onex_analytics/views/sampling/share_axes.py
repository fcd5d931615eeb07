"""Logarithmic axes of shares and relative errors. What is 0 stands at the foot, marked so: a logarithm has no 0."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, log10
from typing import Any

from onex_analytics.views.sampling.words import share

_WIDE = 2.2
"""Powers of ten from which on an axis has ticks at those alone."""


class ShareAxis:
    """An axis that holds all these; None is not drawn.

    >>> axis = ShareAxis([0.01, None, 0.1, 0.0])
    >>> axis.places([0.05, 0.0, None])
    [0.05, 0.005, None]
    >>> axis.layout()["ticktext"]
    ['0', '1 %', '2 %', '5 %', '10 %']
    """

    def __init__(self, values: Iterable[float | None]) -> None:
        known = [value for value in values if value is not None]
        above = [value for value in known if value > 0] or [1.0]
        self._low, self._high = min(above), max(above)
        some_are_zero = len([value for value in known if value > 0]) < len(known)
        self._foot = self._low / max(2.0, (self._high / self._low) ** 0.1) if some_are_zero else None

    def places(self, values: Iterable[float | None]) -> list[float | None]:
        """Where each is drawn."""
        return [None if value is None else value if value > 0 else self._foot for value in values]

    def layout(self) -> dict[str, Any]:
        """Settings of a Plotly axis."""
        low, high = log10(self._foot or self._low), log10(self._high)
        margin = max(0.06 * (high - low), 0.1)
        wide = log10(self._high) - log10(self._low) > _WIDE
        ticks = [step * 10.0**power for power in range(floor(low) - 1, ceil(high) + 2)
                 for step in ((1,) if wide else (1, 2, 5))]  # fmt: skip
        shown = [tick for tick in ticks if self._low * 0.97 <= tick and log10(tick) <= high + margin]
        shown = shown[:: -(-len(shown) // 9)] if len(shown) > 9 else shown
        return {
            "type": "log", "range": [low - margin, high + margin], "tickvals": [*([self._foot] if self._foot else []),
            *shown], "ticktext": [*(["0"] if self._foot else []), *map(share, shown)],
        }  # fmt: skip
