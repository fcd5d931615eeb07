"""Pages that were decided upon and not yet taken: kept in the checkpoint, sent only once they are in it.

A page is decided by folding events. It is written into a checkpoint together with the place in the source up to which
events were folded, then sent; what was taken is noted in a file beside the checkpoint. A program that is killed goes on
at the checkpoint: a page that was not yet in one is decided again from the same events, one that was in it and is not
noted is sent (again, if the kill came between the receiver's answer and the note), one that is noted is not.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from onex_analytics.alerting.notification.pages import Page, PageAlert, alert_from_json, page_from_json
from onex_analytics.alerting.receivers.alertmanager import Alertmanager
from onex_analytics.alerting.receivers.delivery import Delivery, PageReceiver
from onex_analytics.alerting.receivers.jsonl import JsonLines
from onex_analytics.alerting.receivers.printed import Printed
from onex_analytics.alerting.receivers.targets import Target
from onex_analytics.alerting.receivers.webhook import Webhook

_OURS = (JsonLines, Printed, Webhook)
ATTEMPTS = 3
"""How often a callable that raises is called for one page. Our own receivers are tried until they take it."""


class Outbox:
    """The way of pages and alerts to their receivers.

    Args:
        targets: by the name of a receiver. An `Alertmanager` is told of every alert: it routes by its own rules.
        notes: file in which taken pages are noted; None where nothing is kept over a restart.
        failed: is told of each problem, in words.
    """

    def __init__(
        self, targets: Mapping[str, Sequence[Target]], notes: Path | None, failed: Callable[[str], object]
    ) -> None:
        self._lock = threading.Lock()
        self._notes_path, self._failed = notes, failed
        self._notes: Any = None
        self._noted_since: list[str] = []
        self._held: dict[str, tuple[str, Page]] = {}
        self._unreleased: list[str] = []
        self._alerts: list[PageAlert] = []
        self.managers: dict[str, Alertmanager] = {}
        self.deliveries: dict[str, Delivery] = {}
        self._of_receiver: dict[str, list[str]] = {}
        for receiver, found in targets.items():
            for number, target in enumerate(found):
                name = receiver if len(found) == 1 else f"{receiver}#{number}"
                if isinstance(target, Alertmanager):
                    target.failed = failed
                    self.managers[name] = target
                else:
                    self._of_receiver.setdefault(receiver, []).append(name)
                    self.deliveries[name] = self._delivery(name, target, failed)

    def _delivery(self, name: str, target: PageReceiver, failed: Callable[[str], object]) -> Delivery:
        attempts = None if isinstance(target, _OURS) else ATTEMPTS
        return Delivery(name, target, taken=lambda page: self._take(name, page), attempts=attempts, failed=failed)

    @property
    def ways(self) -> dict[str, Delivery | Alertmanager]:
        """Each way to a target, by its name."""
        return {**self.deliveries, **self.managers}

    # ------------------------------------------------------------------ the way out

    def add(self, pages: Sequence[Page], alerts: Sequence[PageAlert]) -> None:
        """Keep what was decided; `release` sends it."""
        with self._lock:
            for page in pages:
                for name in self._of_receiver.get(page.receiver, ()):
                    key = f"{page.page_id} {name}"
                    self._held[key] = (name, page)
                    self._unreleased.append(key)
            if self.managers:
                self._alerts += alerts

    def release(self) -> None:
        """Send what was added; where there is a checkpoint, it holds it by now."""
        with self._lock:
            keys, self._unreleased = self._unreleased, []
            alerts, self._alerts = self._alerts, []
            sent = [self._held[key] for key in keys if key in self._held]
        for name, page in sent:
            self.deliveries[name].put(page)
        if alerts:
            for manager in self.managers.values():
                manager.set(alerts)

    @property
    def unreleased(self) -> bool:
        """Whether something was added that `release` would send."""
        with self._lock:
            return bool(self._unreleased or self._alerts)

    @property
    def waiting(self) -> int:
        """Pages and alerts on their way."""
        with self._lock:
            return len(self._held) + sum(manager.waiting for manager in self.managers.values())

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything was taken; False where it was not when the time is over."""
        end = time.monotonic() + timeout_s
        return all(way.drain(end - time.monotonic()) for way in self.ways.values())

    def close(self, timeout_s: float = 1.0) -> None:
        """Send no more."""
        for way in self.ways.values():
            way.close(timeout_s)
        with self._lock:
            if self._notes is not None:
                self._notes.close()
                self._notes = None

    def _take(self, name: str, page: Page) -> None:
        """A page is done with."""
        key = f"{page.page_id} {name}"
        with self._lock:
            self._held.pop(key, None)
            if self._notes_path is not None:
                self._noted_since.append(key)
                try:
                    self._note(key)
                except OSError as problem:  # then a kill before the next checkpoint has it sent once more
                    self._failed(f"{self._notes_path}: cannot be written ({problem})")

    # ------------------------------------------------------------------ what a checkpoint holds

    def state(self) -> dict[str, Any]:
        """What was not yet taken, as data for JSON."""
        with self._lock:
            self._noted_since.clear()
            unsent = {} if not self.managers else {alert.labels: alert for alert in self._alerts}
            ended = {
                name: [alert.to_json() for alert in {**{a.labels: a for a in manager.ended()}, **unsent}.values()
                       if alert.ends_us is not None]
                for name, manager in self.managers.items()
            }  # fmt: skip
            return {"pages": [[name, page.to_json()] for name, page in self._held.values()], "ended": ended}

    def checkpointed(self) -> None:
        """The last `state` is on the disk: the notes from before it are of no more use."""
        if self._notes_path is None:
            return
        with self._lock:
            if self._notes is not None:
                self._notes.close()
                self._notes = None
            # in one step: a kill in between must not forget what was taken while the checkpoint was written
            fresh = self._notes_path.with_name(f".{self._notes_path.name}.part")
            with open(fresh, "wb") as file:
                file.write(_lines(self._noted_since))
                os.fsync(file.fileno())
            os.replace(fresh, self._notes_path)

    def restore(self, state: Mapping[str, Any], firing: Sequence[PageAlert]) -> None:
        """Take up what a checkpoint holds, without what was noted after it; `release` sends it."""
        noted = self._read_notes()
        with self._lock:
            for name, page in ((name, page_from_json(found)) for name, found in state["pages"]):
                key = f"{page.page_id} {name}"
                if key not in noted and name in self.deliveries:
                    self._held[key] = (name, page)
                    self._unreleased.append(key)
        for name, manager in self.managers.items():
            manager.set([*map(alert_from_json, state["ended"].get(name, ())), *firing])

    def _note(self, key: str) -> None:
        if self._notes is None:
            assert self._notes_path is not None
            self._notes = open(self._notes_path, "ab", buffering=0)  # noqa: SIM115 - held open between notes
        self._notes.write(_lines([key]))
        os.fsync(self._notes.fileno())

    def _read_notes(self) -> set[str]:
        if self._notes_path is None:
            return set()
        try:
            lines = self._notes_path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return set()
        return {json.loads(line) for line in lines if line.endswith('"') and len(line) > 1}


def _lines(keys: Sequence[str]) -> bytes:
    return "".join(json.dumps(key) + "\n" for key in keys).encode()
