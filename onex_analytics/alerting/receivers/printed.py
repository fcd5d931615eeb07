"""Pages for people: a line an alert, on standard output or any other stream of text."""

from __future__ import annotations

import sys
from typing import TextIO

from onex_analytics.alerting.microseconds import time_of
from onex_analytics.alerting.notification.pages import Page, PageAlert


class Printed:
    """Prints each page.

    Args:
        stream: where to; standard output as it is at the time by default.

    >>> from onex_analytics.alerting.notification import Page, PageAlert
    >>> alert = PageAlert("g", "Busy", (("alertname", "Busy"), ("node", "a")), (), 4.0, 0, None)
    >>> Printed()(Page(30_000_000, "team", "new", "{}:{}", (), (alert,), ()))
    1970-01-01 00:00:30Z FIRING → team: 1 alert
      firing   Busy{node=a} value 4, since 1970-01-01 00:00:00Z
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def __call__(self, page: Page) -> None:
        stream = self._stream if self._stream is not None else sys.stdout
        stream.write("\n".join(page_lines(page)) + "\n")
        stream.flush()


def page_lines(page: Page) -> list[str]:
    """A head, and a line an alert: state, name, labels, since when, value, summary."""
    count = len(page.firing) + len(page.resolved)
    head = f"{_clock(page.at_us)} {page.status.upper()} → {page.receiver}: {count} alert{'s' * (count > 1)}"
    again = " (told again)" if page.reason == "repeat" else ""
    return [head + again, *(_line("firing", alert) for alert in page.firing),
            *(_line("resolved", alert) for alert in page.resolved)]  # fmt: skip


def _line(state: str, alert: PageAlert) -> str:
    labels, texts = dict(alert.labels), dict(alert.annotations)
    name = labels.pop("alertname", alert.rule)
    inner = ", ".join(f"{label}={value}" for label, value in labels.items())
    value = "no data" if alert.value is None else f"{alert.value:.6g}"
    until = "" if alert.ends_us is None else f" to {_clock(alert.ends_us)}"
    said = texts.get("summary") or texts.get("description")
    return f"  {state:8} {name}{{{inner}}} value {value}, since {_clock(alert.starts_us)}{until}" + (
        f": {' '.join(said.split())}" if said else ""
    )


def _clock(us: int) -> str:
    return f"{time_of(us):%Y-%m-%d %H:%M:%S}Z"
