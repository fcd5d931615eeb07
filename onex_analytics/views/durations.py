"""Durations as people read them: in their own unit, and on axes that reach from a microsecond to a day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_UNITS = (("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1_000.0), ("ms", 1.0), ("µs", 1e-3))
_FINEST = ("ns", 1e-6)
_PER_DECADE = [10.0**power for power in range(-6, 4)]
_COARSE = [*_PER_DECADE, 1e4, 6e4, 6e5, 3.6e6, 8.64e7, 8.64e8, 8.64e9, 8.64e10]
_FINE = [
    *(step * decade for decade in _PER_DECADE for step in (1, 2, 5)), 1e4, 2e4, 3e4, 6e4, 1.2e5, 3e5, 6e5, 1.2e6, 1.8e6,
    3.6e6, 7.2e6, 1.8e7, 4.32e7, *(8.64e7 * days for days in (1, 2, 5, 10, 20, 50, 100)),
]  # fmt: skip
_ENOUGH = 3
_NO_TIME = 1e-3


def told(ms: float | None) -> str:
    """A duration in its own unit, to three digits.

    >>> told(0.0015), told(12.345), told(1234.5), told(90_000), told(250_000), told(None), told(0)
    ('1.5 µs', '12.3 ms', '1.23 s', '90 s', '4.17 min', '–', '0 ms')
    """
    if ms is None or math.isnan(ms):
        return "–"
    name, size = unit(ms)
    return f"{number(ms / size)} {name}"


def number(value: float) -> str:
    """Three digits that tell something.

    >>> number(1234.5), number(0.01234), number(12.345)
    ('1,234', '0.0123', '12.3')
    """
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def unit(ms: float) -> tuple[str, float]:
    """The unit for durations up to `ms`, and how many milliseconds it has.

    >>> unit(0.5), unit(100_000), unit(130_000)
    (('µs', 0.001), ('s', 1000.0), ('min', 60000.0))
    """
    size = abs(ms)
    if size == 0:
        return "ms", 1.0
    for name, length in _UNITS:
        if size >= length * (2 if length >= 60_000 else 1):
            return name, length
    return _FINEST


def _tick(ms: float) -> str:
    """A duration as an axis tells it: a minute is 1 min, not 60 s."""
    name, size = next((name, size) for name, size in (*_UNITS, _FINEST) if ms >= size * 0.999 or name == _FINEST[0])
    return f"{number(ms / size)} {name}"


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic axis of durations. Durations of zero, which no logarithm has, stand at its foot, marked "0"."""

    foot: float | None
    low: float
    high: float

    @classmethod
    def of(cls, durations: Iterable[float | None]) -> LogAxis:
        """The axis on which all these can be drawn; what is null is not."""
        shown = [ms for ms in durations if ms is not None and math.isfinite(ms)]
        positive = [ms for ms in shown if ms > 0]
        low, high = (min(positive), max(positive)) if positive else (_NO_TIME, _NO_TIME)
        foot = low / max(2.0, (high / low) ** 0.08) if len(positive) < len(shown) else None
        return cls(foot, low, high)

    def places(self, durations: Iterable[float | None]) -> list[float | None]:
        """Where each is drawn."""
        return [self.foot if ms is not None and ms <= 0 else ms for ms in durations]

    def layout(self, most_ticks: int = 12) -> dict[str, Any]:
        """Settings of a Plotly axis."""
        ends = math.log10(self.foot or self.low), math.log10(self.high)
        margin = max(0.04, 0.04 * (ends[1] - ends[0]))
        ticks = self._ticks()
        ticks = ticks[:: -(-len(ticks) // most_ticks)]
        return {
            "type": "log",
            "range": [ends[0] - margin, ends[1] + margin],
            "tickvals": [*([self.foot] if self.foot else []), *ticks],
            "ticktext": [*(["0"] if self.foot else []), *(_tick(tick) for tick in ticks)],
        }

    def _ticks(self) -> Sequence[float]:
        for candidates in (_COARSE, _FINE):
            found = [tick for tick in candidates if self.low / 1.02 <= tick <= self.high * 1.02]
            if len(found) >= _ENOUGH:
                return found
        if self.high == self.low:
            return [self.low]
        step = 10 ** math.floor(math.log10((self.high - self.low) / 2))
        step *= next(times for times in (5, 2, 1) if (self.high - self.low) / (times * step) >= 2)
        return [step * i for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
