"""What a receiver was last told of a group, and whether that is a reason to tell it again.

Source: Alertmanager 0.25, notify/notify.go (`needsUpdate`, what the notification log keeps).
"""

from __future__ import annotations

from dataclasses import dataclass

from onex_analytics.alerting.notification.pages import LabelSet, Reason

FORGOTTEN_EVERY_US = 900_000_000
"""Alertmanager's own `--data.maintenance-interval`: how often it looks for what it need no longer remember."""
RETENTION_US = 120 * 3_600_000_000
"""Alertmanager's own `--data.retention`: how long it remembers what it told, at most. It is twice the repeat interval
otherwise; here never less than two looks at the group, as else an end that comes at the next one would be told to
nobody where the repeat interval is much shorter than the group interval."""


@dataclass(slots=True)
class Told:
    """What a receiver was last told of a group."""

    at_us: int
    firing: frozenset[LabelSet]
    resolved: frozenset[LabelSet]
    until_us: int


def reason_of(
    before: Told | None, firing: frozenset[LabelSet], resolved: frozenset[LabelSet], repeated_us: int, *,
    send_resolved: bool,
) -> Reason | None:  # fmt: skip
    """Why a receiver is told now, if it is; one that was last told before `repeated_us` is told again.

    Alertmanager's `needsUpdate`: an alert that ended and fires again between two looks is nothing new, and a time that
    equals the repeat interval has not passed it.
    """
    if before is None:
        return "new" if firing else None
    if not firing <= before.firing:
        return "new"
    if not firing:
        return "resolved" if before.firing else None
    if send_resolved and not resolved <= before.resolved:
        return "resolved"
    return "repeat" if before.at_us < repeated_us else None
