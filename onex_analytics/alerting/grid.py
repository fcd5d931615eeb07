"""The ticks at which rules are evaluated: a grid in whole microseconds since the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Tick k lies at k · interval + offset.

    A rule with `mode: event` is evaluated on the grid of single microseconds: at each of its events, and whenever one
    leaves its window.

    >>> minutes = Grid(60_000_000, 5_000_000)
    >>> minutes.time(2), minutes.tick_at_or_after(65_000_000), minutes.tick_before(65_000_000)
    (125000000, 1, 0)
    """

    interval_us: int
    offset_us: int = 0

    def time(self, tick: int) -> int:
        """When tick `tick` is evaluated."""
        return tick * self.interval_us + self.offset_us

    def tick_at_or_after(self, us: int) -> int:
        """The first tick that sees an event of the time `us`."""
        return -((self.offset_us - us) // self.interval_us)

    def tick_before(self, us: int) -> int:
        """The last tick before the time `us`, strictly."""
        return self.tick_at_or_after(us) - 1


EVENT_GRID = Grid(1)
"""The grid of rules that are evaluated at each event."""
