"""A page as Alertmanager's webhook payload, version 4, and alerts as its API takes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from onex_analytics.alerting.microseconds import time_of
from onex_analytics.alerting.notification.pages import LabelSet, Page, PageAlert

_NEVER = "0001-01-01T00:00:00Z"
_FNV_OFFSET, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, 2**64 - 1


def webhook_payload(page: Page) -> dict[str, Any]:
    """A page as the JSON object that Alertmanager posts to a webhook, and `pageId`, `at` and `reason` beside it.

    Source: Alertmanager's template.Data and notify/webhook. `truncatedAlerts` is 0: all alerts are told.
    """
    alerts = sorted([*page.firing, *page.resolved], key=lambda alert: alert.labels)
    return {
        "version": "4",
        "groupKey": page.group_key,
        "truncatedAlerts": 0,
        "status": page.status,
        "receiver": page.receiver,
        "groupLabels": dict(page.group_labels),
        "commonLabels": _common(alert.labels for alert in alerts),
        "commonAnnotations": _common(alert.annotations for alert in alerts),
        "externalURL": "",
        "alerts": [
            {
                "status": "firing" if alert.ends_us is None else "resolved",
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": go_time(alert.starts_us),
                "endsAt": _NEVER if alert.ends_us is None else go_time(alert.ends_us),
                "generatorURL": "",
                "fingerprint": fingerprint(alert.labels),
            }
            for alert in alerts
        ],
        "pageId": page.page_id,
        "at": go_time(page.at_us),
        "reason": page.reason,
    }


def posted_alert(alert: PageAlert, starts_us: int, ends_us: int) -> dict[str, Any]:
    """An alert as `POST /api/v2/alerts` takes it."""
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": go_time(starts_us),
        "endsAt": go_time(ends_us),
    }


def go_time(us: int) -> str:
    """RFC 3339 as Go writes it: a fraction only where there is one, without zeros behind it.

    >>> go_time(1_500_000), go_time(0)
    ('1970-01-01T00:00:01.5Z', '1970-01-01T00:00:00Z')
    """
    at = time_of(us).astimezone(UTC)
    fraction = f".{at.microsecond:06}".rstrip("0") if at.microsecond else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def fingerprint(labels: LabelSet) -> str:
    """The name of a label set in Alertmanager: FNV-1a, 64 bits, over names and values, each ended by 0xff.

    >>> fingerprint(())
    'cbf29ce484222325'
    """
    found = _FNV_OFFSET
    for word in (word for pair in labels for word in pair):
        for byte in (*word.encode(), 0xFF):
            found = ((found ^ byte) * _FNV_PRIME) & _64_BITS
    return f"{found:016x}"


def _common(sets: Iterable[LabelSet]) -> dict[str, str]:
    """The pairs that all have."""
    shared: list[tuple[str, str]] | None = None
    for pairs in sets:
        shared = list(pairs) if shared is None else [pair for pair in shared if pair in pairs]
    return dict(shared or ())
