"""The live engine: the fold of the backtest, fed as events come, with receivers at its end and a checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self

import polars as pl
from pydantic import BaseModel

from onex_analytics.alerting.checkpoints import read_checkpoint, sweep_parts, write_checkpoint
from onex_analytics.alerting.durations import microseconds
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.grid import EVENT_GRID, Grid
from onex_analytics.alerting.loading import rule_schema
from onex_analytics.alerting.microseconds import EPOCH, microseconds_of, time_of
from onex_analytics.alerting.notification.notifier import NEVER_US, Notifier
from onex_analytics.alerting.notification.pages import Page, PageAlert
from onex_analytics.alerting.outbox import Outbox
from onex_analytics.alerting.packing import packed, unpacked
from onex_analytics.alerting.receivers.targets import Receivers, targets_of
from onex_analytics.alerting.recorded_advances import ADVANCES, append_advances, read_advances
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.shapes import TRANSITIONS
from onex_analytics.alerting.watching import watched
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.event_rows import event_row, frame_of

_VERSION = 1
_NOTHING = pl.DataFrame(schema=TRANSITIONS)
Event = BaseModel | Mapping[str, Any]
_ROWS_AT_ONCE = 10_000
_HELD_AT_MOST = 50_000


class AlertEngine:
    """Evaluates rules on events as they come, and tells receivers.

    A backtest of the same events, in the order in which they were handed over, with the same calls of `advance`, says
    the same transitions and pages. Time is that of the events: a tick closes when a later event (or `advance`) has
    passed it by more than the group's `allowed_lateness`.

    Args:
        rules: the rules.
        receivers: by the receiver's name in the rules' notification, one or several targets: anything that can be
            called with a `Page`, or an `Alertmanager`; targets without a name are told of all pages. By default those
            that the rules name.
        state: file of the checkpoint; `restore` goes on there. Then pages are sent once a checkpoint holds them.
        schema: columns of the events; `model.EVENTS` and the rules' dimensions by default.
        self_watch: add the built-in rule `SourceStalled` (`watched`).
        failed: is told of each problem on the way to a receiver, in words, in another thread.

    Raises:
        InputError: a rule names a column that is not there, or the rules cannot work, with its mend.

    >>> from datetime import datetime, UTC
    >>> rules = RuleSet.model_validate({"groups": [{"name": "g", "rules": [
    ...     {"alert": "Failing", "when": {"count": {"of": "outcome == 'failure'", "window": "5m"}, "threshold": 1}}]}]})
    >>> engine = AlertEngine(rules, self_watch=False)
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> failure = {"event_type": "NODE_FAILURE", "node_id": "stamper_node", "timestamp": noon}
    >>> engine.process([{**failure, "event_id": "a"}, {**failure, "event_id": "b"}]).height
    0
    >>> engine.advance(noon.replace(minute=2)).select("at", "state", "value").rows()
    [(datetime.datetime(2026, 1, 1, 12, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), 'firing', 2.0)]
    """

    def __init__(
        self,
        rules: RuleSet,
        receivers: Receivers | None = None,
        *,
        state: str | Path | None = None,
        schema: Mapping[str, pl.DataType] | None = None,
        self_watch: bool = True,
        failed: Callable[[str], object] = lambda problem: None,
    ) -> None:
        self.rules = watched(rules) if self_watch else rules
        self.path = None if state is None else Path(state)
        self.schema = pl.Schema(schema if schema is not None else rule_schema(rules))
        self._evaluation = Evaluation(self.rules, self.schema)
        self._columns = sorted(self._evaluation.columns)
        self._types = {name: self.schema[name] for name in self._columns}
        self._notifier = Notifier(self.rules)
        notes = None if self.path is None else self.path.with_name(self.path.name + ".taken")
        self._failed = failed
        self._outbox = Outbox(targets_of(self.rules.notification, receivers), notes, failed)
        self._grids = [
            (Grid(microseconds(group.interval), microseconds(group.offset)) if mode == "grid" else EVENT_GRID,
             microseconds(group.allowed_lateness))
            for group in self.rules.groups for mode in ("grid", "event")
            if any(rule.mode == mode for rule in group.rules)
        ]  # fmt: skip
        self._rows: list[dict[str, Any]] = []
        self._frames: list[pl.DataFrame] = []
        self._held = 0
        self._quiet_until_us = -NEVER_US
        self.position: Any = None
        """Where in the source the next event stands, as the caller told it last; kept in the checkpoint."""
        self._latest_arrival: datetime | None = None
        self._advances: list[dict[str, Any]] = []
        self._advances_bytes = 0
        self.pages: list[Page] = []
        """The pages that the last call decided upon."""
        self.changes: list[PageAlert] = []
        """The alerts that began or ended by the last call."""
        self.counts = {"events": 0, "transitions": 0, "pages": 0, "advances": 0, "checkpoints": 0}

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {what}" for what, count in self.counts.items() if count)
        return f"AlertEngine({self.rules!r}, {len(self.firing):,} firing{', ' * bool(told)}{told})"

    # ------------------------------------------------------------------ events and time

    def process(
        self, events: pl.DataFrame | pl.LazyFrame | Iterable[Event], *, position: Any = None
    ) -> pl.DataFrame:
        """Fold events, in the order in which they arrived, and send the pages that become due.

        Args:
            events: a canonical frame, or events as models, as JSON has them or as rows, any number.
            position: where in the source the next event stands; a restart finds it in `position`.

        Returns:
            `TRANSITIONS`: what became known by them. Few events are quick: they are held back as long as they cannot
            close a tick.
        """
        self.pages, self.changes = [], []
        found = [self._fold(part) for part in self._parts(events)]
        if position is not None:
            self.position = position
        return self._sent(found)

    def advance(self, to: datetime) -> pl.DataFrame:
        """Move the clock without an event, as one without content at `to` would; what became known by it.

        The call is recorded (`advances`), as it is an input: a backtest replays it.
        """
        self.pages, self.changes = [], []
        to = to.replace(tzinfo=UTC) if to.tzinfo is None else to.astimezone(UTC)
        found = [self._fold_held()]
        clock = self._evaluation.clock
        if clock is None or to > clock:
            after = self._latest_arrival if self._latest_arrival is not None else EPOCH
            self._advances.append({"after_arrival": after, "to": to, "events": self.counts["events"]})
            self.counts["advances"] += 1
            found.append(self._told(self._evaluation.advance(to)))
        return self._sent(found)

    @property
    def advances(self) -> pl.DataFrame:
        """The recorded calls of `advance`, as `backtest(advances=…)` takes them: `after_arrival` (the latest arrival
        that had been seen; the latest event time where arrivals are not known), `to`, `events` (how many had been)."""
        written = [] if self.path is None else read_advances(self._advances_path(), self._advances_bytes)
        return pl.DataFrame([*written, *self._advances], schema=ADVANCES, orient="row")

    @property
    def clock(self) -> datetime | None:
        """Every transition with `known_at` before this has been returned."""
        return self._evaluation.clock

    @property
    def firing(self) -> list[PageAlert]:
        """The alerts that fire."""
        return self._notifier.firing

    @property
    def set_aside(self) -> pl.DataFrame:
        """Events of the last fold that were late, too far ahead or without a time (`SET_ASIDE`)."""
        return self._evaluation.set_aside

    @property
    def by_group(self) -> dict[str, dict[str, int]]:
        """What each group counted: events, late, ahead and untimed ones, evaluations, and what its cells counted."""
        return self._evaluation.counts

    @property
    def limits(self) -> list[str]:
        """What to say of the rules that have more label sets than `max_series`; empty where there is none."""
        return self._evaluation.limits

    @property
    def outbox(self) -> Outbox:
        """The way to the receivers: what waits, what was taken, what failed."""
        return self._outbox

    def _parts(self, events: pl.DataFrame | pl.LazyFrame | Iterable[Event]) -> Iterable[pl.DataFrame | list[Any]]:
        if isinstance(events, pl.LazyFrame):
            yield events.select(self._columns).collect()
        elif isinstance(events, pl.DataFrame):
            yield events
        else:
            rest = iter(events if not isinstance(events, Mapping | BaseModel) else [events])
            while part := list(islice(rest, _ROWS_AT_ONCE)):
                yield part

    def _fold(self, events: pl.DataFrame | list[Any]) -> pl.DataFrame:
        """Take events in; they are only held as long as no tick can close and no page be due by them."""
        if isinstance(events, pl.DataFrame):
            events = events.select(self._columns)
            latest, arrived, count = _latest(events, "timestamp"), _latest(events, "arrived_at"), events.height
            self._flush_rows()
            self._frames.append(events)
        else:
            rows = [event_row(event, self._columns) for event in events]
            latest, arrived = (
                max((at if at.tzinfo is not None else at.replace(tzinfo=UTC)
                     for row in rows if (at := row.get(name)) is not None), default=None)
                for name in ("timestamp", "arrived_at")
            )  # fmt: skip
            self._rows += rows
            count = len(rows)
        self._held += count
        self.counts["events"] += count
        arrived = arrived or latest
        if arrived is not None and (self._latest_arrival is None or arrived > self._latest_arrival):
            self._latest_arrival = arrived
        if self._held < _HELD_AT_MOST and (latest is None or microseconds_of(latest) <= self._quiet_until_us):
            return _NOTHING
        return self._fold_held()

    def _flush_rows(self) -> None:
        if self._rows:
            self._frames.append(frame_of(self._rows, self._types))
            self._rows = []

    def _fold_held(self) -> pl.DataFrame:
        self._flush_rows()
        if not self._frames:
            return _NOTHING
        events = self._frames[0] if len(self._frames) == 1 else pl.concat(self._frames)
        self._frames, self._held = [], 0
        return self._told(self._evaluation.process(events))

    def _told(self, transitions: pl.DataFrame) -> pl.DataFrame:
        """Hand transitions on to the notifier, and its pages to the outbox."""
        alerts = self._notifier.observe_all(transitions)
        self.changes += alerts
        clock = self._evaluation.clock
        if clock is not None:
            pages = self._notifier.advance(clock)
            self._outbox.add(pages, alerts)
            self.pages += pages
            self.counts["transitions"] += transitions.height
            self.counts["pages"] += len(pages)
            self._set_quiet()
        return transitions

    def _set_quiet(self) -> None:
        """An event up to this time neither closes a tick nor brings a page that is due."""
        clock = self._evaluation.clock
        if clock is not None:
            us = microseconds_of(clock)
            ticks = [grid.time(grid.tick_at_or_after(us - lateness)) + lateness for grid, lateness in self._grids]
            self._quiet_until_us = min([*ticks, self._notifier.next_us])

    def _sent(self, found: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """One frame of what several folds returned; the pages go on their way."""
        if self._outbox.unreleased:
            if self.path is not None:
                try:
                    self.checkpoint()
                except OSError as problem:  # a page told twice after a crash is better than one told never
                    self._failed(f"{self.path}: the state cannot be written ({problem})")
            self._outbox.release()
        told = [transitions for transitions in found if transitions.height]
        return pl.concat(told) if told else _NOTHING

    # ------------------------------------------------------------------ a restart

    def checkpoint(self, to: str | Path | None = None) -> bytes:
        """The whole state; written to a file at once and brought to the disk, where there is one.

        Args:
            to: a file instead of the engine's own. Only its own is one that pages wait for.

        Raises:
            OSError: the file cannot be written.
        """
        self._fold_held()
        if to is None and self.path is not None and self._advances:
            self._advances_bytes = append_advances(self._advances_path(), self._advances_bytes, self._advances)
            self._advances = []
        self.counts["checkpoints"] += 1
        state = self.state()
        target = self.path if to is None else Path(to)
        if target is not None:
            write_checkpoint(target, state)
        if to is None:
            self._outbox.checkpointed()
        return state

    def state(self) -> bytes:
        """The whole state, without code in it. Events that are held back are folded first, which changes nothing."""
        self._fold_held()
        rest = {
            "version": _VERSION, "position": self.position, "counts": self.counts,
            "advances_bytes": self._advances_bytes, "outbox": self._outbox.state(),
            "latest_arrival": None if self._latest_arrival is None else self._latest_arrival.isoformat(),
        }  # fmt: skip
        return packed({
            "engine": json.dumps(rest).encode(), "evaluation": self._evaluation.state(),
            "notifier": self._notifier.state(),
        })  # fmt: skip

    def restore(self, state: bytes | str | Path | None = None) -> bool:
        """Go on where a checkpoint was made; False where its file is not there.

        Pages that it holds and that were not noted as taken are sent. Alerts that fire are posted to every
        Alertmanager. Routes, receivers and silences may be others than they were; the groups of rules must not.

        Args:
            state: what `checkpoint` returned, or a file; the engine's own file by default.

        Raises:
            InputError: it is damaged, of another version, or of other rules.
            InvalidOption: nothing is named, and the engine has no file.
        """
        if not isinstance(state, bytes):
            if state is None and self.path is None:
                raise InvalidOption("state", None, "a checkpoint, or the name of a file when the engine is made")
            file = self._path() if state is None else Path(state)
            sweep_parts(file)
            state = read_checkpoint(file)
        if state is None:
            return False
        parts = unpacked(state)
        rest = json.loads(parts["engine"])
        if rest["version"] != _VERSION:
            raise InvalidOption("the engine's state", f"version {rest['version']}", f"version {_VERSION}")
        self._evaluation.restore(parts["evaluation"])
        self._notifier.restore(parts["notifier"])
        self.position, self.counts = rest["position"], rest["counts"]
        self._advances_bytes = rest["advances_bytes"]
        if rest["latest_arrival"] is not None:
            self._latest_arrival = datetime.fromisoformat(rest["latest_arrival"])
        if self.path is not None and self._advances_path().exists():
            # calls behind the checkpoint were of a life that is forgotten
            os.truncate(self._advances_path(), self._advances_bytes)
        self._frames, self._rows, self._held = [], [], 0
        self._set_quiet()
        self._outbox.restore(rest["outbox"], self._notifier.firing)
        self._outbox.release()
        return True

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write a checkpoint where there is a file, and wait so long for what is on its way to the receivers.

        Returns:
            False where something was still on its way; the checkpoint holds it, and a restart sends it.
        """
        if self.path is not None:
            self.checkpoint()
        self._outbox.release()
        done = self._outbox.drain(timeout_s)
        self._outbox.close()
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _path(self) -> Path:
        if self.path is None:
            raise InvalidOption("state", None, "the name of a file when the engine is made, such as alerts.state")
        return self.path

    def _advances_path(self) -> Path:
        path = self._path()
        return path.with_name(path.name + ".advances")


def _latest(events: pl.DataFrame, column: str) -> datetime | None:
    """The latest time in a column; None where there is none."""
    if column not in events.columns:
        return None
    us = events[column].cast(pl.Datetime("us", "UTC")).to_physical().max()
    return time_of(us) if isinstance(us, int) else None
