"""Alerts handed to an Alertmanager, which groups, routes and tells them by its own configuration."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from onex_analytics.alerting.microseconds import microseconds_of
from onex_analytics.alerting.notification.pages import LabelSet, PageAlert
from onex_analytics.alerting.receivers.delivery import FIRST_PAUSE_S, LONGEST_PAUSE_S, Refused
from onex_analytics.alerting.receivers.payload import posted_alert
from onex_analytics.alerting.receivers.posting import checked_url, post_json

_AT_ONCE = 1000
"""Alerts in one request."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Alertmanager:
    """Posts alerts to `/api/v2/alerts` as Prometheus does: at once, again every `resend_s` while they fire, and once
    more when they end, tried until it was taken.

    A firing alert is posted with an end four resends ahead, so that an Alertmanager that hears nothing more takes it
    for over. Ends lie in this machine's time, as Alertmanager judges by its clock; starts are those of the events.

    Args:
        url: the Alertmanager's address, such as "http://localhost:9093".
        clock: tells the time.
        resend_s: Prometheus' `--rules.alert.resend-delay`.
        failed: is told of each problem, in words.

    >>> Alertmanager("http://localhost:9093").url
    'http://localhost:9093/api/v2/alerts'
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime] = _utc_now,
        resend_s: float = 60.0,
        timeout_s: float = 10.0,
        first_pause_s: float = FIRST_PAUSE_S,
        failed: Callable[[str], object] = lambda problem: None,
    ) -> None:
        self.url = checked_url(url).rstrip("/") + "/api/v2/alerts"
        self.counts: Counter[str] = Counter(dict.fromkeys(("posted", "failed_attempts", "refused"), 0))
        self.failed = failed
        self._clock, self._resend_s, self._timeout_s = clock, resend_s, timeout_s
        self._first_pause_s = first_pause_s
        self._alerts: dict[LabelSet, PageAlert] = {}
        self._unsent: set[LabelSet] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def set(self, alerts: Iterable[PageAlert]) -> None:
        """Alerts that began or ended; returns at once."""
        with self._changed:
            for alert in alerts:
                self._alerts[alert.labels] = alert
                self._unsent.add(alert.labels)
            if self._alerts and self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"alerts to {self.url}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Alerts whose beginning or end was not yet taken."""
        with self._changed:
            return len(self._unsent)

    def ended(self) -> list[PageAlert]:
        """Alerts that are over and whose end was not yet taken: what a restart has to `set` again."""
        with self._changed:
            return [alert for alert in self._alerts.values() if alert.ends_us is not None]

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything was taken; False where it was not when the time is over."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while self._unsent and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._unsent

    def close(self, timeout_s: float = 0.0) -> None:
        """Post nothing more; wait for the request that runs, at most so long."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        pause_s, resend_at = self._first_pause_s, time.monotonic() + self._resend_s
        while True:
            with self._changed:
                while not self._closing and not self._unsent and time.monotonic() < resend_at:
                    self._changed.wait(resend_at - time.monotonic())
                if self._closing:
                    return
                again = time.monotonic() >= resend_at
                due = [a for labels, a in self._alerts.items() if labels in self._unsent or again]
            if again:
                resend_at = time.monotonic() + self._resend_s
            try:
                for begin in range(0, len(due), _AT_ONCE):
                    self._post(due[begin : begin + _AT_ONCE])
                pause_s = self._first_pause_s
            except Exception as problem:  # whatever it is, alerts go on being posted
                self.counts["failed_attempts"] += 1
                self.failed(f"Alertmanager: {str(problem) or type(problem).__name__}")
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _post(self, alerts: list[PageAlert]) -> None:
        now = microseconds_of(self._clock())
        ahead = now + int(4e6 * self._resend_s)
        body = []
        for alert in alerts:
            starts = min(alert.starts_us, now)
            ends = ahead if alert.ends_us is None else max(starts, min(alert.ends_us, now))
            body.append(posted_alert(alert, starts, ends))
        try:
            post_json(self.url, body, timeout_s=self._timeout_s)
            self.counts["posted"] += len(alerts)
        except Refused as problem:
            self.counts["refused"] += len(alerts)
            self.failed(f"Alertmanager refused {len(alerts)} alert(s): {problem}")
        with self._changed:
            for alert in alerts:
                if self._alerts.get(alert.labels) == alert:  # else it has changed meanwhile
                    self._unsent.discard(alert.labels)
                    if alert.ends_us is not None:
                        del self._alerts[alert.labels]
            self._changed.notify_all()
