"""When work arrives: a daily and weekly rhythm, inverted exactly in whole numbers.

Time is cut into cells of equal weight per microsecond. Arrivals are drawn by inverting the cumulative weight;
only whole numbers are added and compared, so that no rounding of a processor can move an event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onex_analytics.synthetic.draws import Draws, Ints

DAY_US = 86_400_000_000


def _rhythm(time_us: int, weekday_shift_us: int) -> float:
    """Relative load: a broad hump in the working day, a low at night, half at the weekend."""
    day = (time_us + weekday_shift_us) % (7 * DAY_US) / DAY_US
    hour = day % 1 * 24
    hump = 0.5 - 0.5 * math.cos(2 * math.pi * (hour - 2.5) / 24)
    lunch = 0.25 * math.exp(-(((hour - 12.5) / 0.9) ** 2))
    return float((0.22 + 1.1 * hump**1.5 - lunch) * (0.45 if day >= 5 else 1.0))


@dataclass(frozen=True)
class Load:
    """Arrivals of traces, and the events they bring, cell by cell.

    `edges` has one entry more than the cells; `arrivals` and `events` are cumulative weights at the edges.
    """

    edges: Ints
    arrivals: Ints
    events: Ints

    def time_of_event_share(self, numerator: int, denominator: int) -> int:
        """The time before which numerator / denominator of all events lie."""
        target = int(self.events[-1]) * numerator // denominator
        cell = min(int(np.searchsorted(self.events, target, side="right")) - 1, len(self.edges) - 2)
        weight = int(self.events[cell + 1] - self.events[cell])
        width = int(self.edges[cell + 1] - self.edges[cell])
        return int(self.edges[cell]) + (width * (target - int(self.events[cell])) // weight if weight else width)

    def draw(self, draws: Draws, n: int, start_us: int, end_us: int) -> Ints:
        """`n` arrival times in [start_us, end_us), in no order, as dense as the load."""
        first = int(np.searchsorted(self.edges, start_us, side="right")) - 1
        last = int(np.searchsorted(self.edges, end_us, side="left"))
        edges = self.edges[first:last + 1].copy()
        weights = np.diff(self.arrivals[first:last + 1])
        full = np.diff(edges)
        edges[0], edges[-1] = start_us, end_us
        width = np.diff(edges)
        shares = zip(weights.tolist(), width.tolist(), full.tolist(), strict=True)
        within = np.array([weight * part // whole for weight, part, whole in shares], dtype=np.int64)
        if within.sum() == 0:
            within = width
        cumulative = np.cumsum(within)
        scale = max(1, int(cumulative[-1]) >> 30)
        cumulative //= scale
        place = draws.below(n, int(cumulative[-1]))
        cell = np.searchsorted(cumulative, place, side="right")
        coarse = draws.below(n, 1 << 20)
        fine = draws.below(n, 1 << 20)
        wide = width[cell]
        within_cell = (wide >> 20) * coarse + (((wide & 0xFFFFF) * coarse) >> 20)  # wide * coarse / 2**20, no overflow
        return np.asarray(edges[cell] + within_cell + fine % np.maximum(wide >> 20, 1))


def load(span_us: int, epoch_us: int, breaks: Sequence[int], shares: Sequence[tuple[int, int, float, float]]) -> Load:
    """The load over a span.

    Args:
        span_us: length of the span in microseconds.
        epoch_us: start of the span, for the hour and the day of the week.
        breaks: times at which a cell must end, such as edges of incidents.
        shares: (start, end, factor on arrivals, factor on events per arrival) of incidents that thin the events out.
    """
    cells = max(8, min(16_384, span_us // 300_000_000))
    inner = {span_us * i // cells for i in range(cells)} | {b for b in breaks if 0 < b < span_us} | {0, span_us}
    edges = np.array(sorted(inner), dtype=np.int64)
    shift = epoch_us - 4 * DAY_US  # 1970-01-01 was a Thursday: move to a Monday
    arrivals, events = [0], [0]
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        rate = round(1000 * _rhythm((a + b) // 2, shift))
        arriving = emitted = 1.0
        for start, end, fewer, thinner in shares:
            if start <= a and b <= end:
                arriving, emitted = arriving * fewer, emitted * thinner
        # microseconds are cut to 1/64 second: the sums of years stay far below 2**63
        width = max(1, (b - a) >> 14)
        arrivals.append(arrivals[-1] + round(rate * arriving) * width)
        events.append(events[-1] + round(rate * arriving * emitted) * width)
    if events[-1] == 0:
        arrivals, events = edges.tolist(), edges.tolist()
    return Load(edges, np.array(arrivals, dtype=np.int64), np.array(events, dtype=np.int64))
