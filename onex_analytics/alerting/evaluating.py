"""All rules of a rule file as one fold over arriving events: what a live engine runs and what a backtest runs.

A tick t of a group closes once the clock, the latest time of an event that was accepted, is past t plus the group's
`allowed_lateness`; only then are its transitions known. However the stream is cut into calls, the transitions of all
calls one after the other are the same.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.arrival_kernels import ACCEPTED, NEVER
from onex_analytics.alerting.cells import Fold
from onex_analytics.alerting.group_evaluation import GroupChanges, GroupEvaluation
from onex_analytics.alerting.lifecycle import STATES
from onex_analytics.alerting.microseconds import microseconds_of, time_of
from onex_analytics.alerting.packing import packed, unpacked
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.shapes import ASIDE_REASONS, SET_ASIDE, TRANSITIONS
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import require
from onex_analytics.model.shapes import UTC_MICROSECONDS

_STATE_WORDS = pl.Series([STATES[code] for code in sorted(STATES)])
_REASON_WORDS = pl.Series("reason", ["accepted", *ASIDE_REASONS])
_ORDER = ("known_at", "_group", "_rule", "_key")
_WORKING = {**TRANSITIONS, "_group": pl.Int32(), "_rule": pl.Int32(), "_key": pl.List(pl.String())}


class Evaluation:
    """Rules, folded over events.

    Args:
        rules: the rules; their notification is not looked at.
        schema: the columns that the events will have.

    Raises:
        InputError: a rule names a column that is not there, with its mend.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> evaluation = Evaluation(rules, log.schema)
    >>> evaluation.process(log).select("state", pl.col("at").dt.strftime("%H:%M")).rows()
    [('pending', '10:03'), ('firing', '10:04'), ('resolved', '10:07')]
    """

    def __init__(self, rules: RuleSet, schema: pl.Schema) -> None:
        if not isinstance(rules, RuleSet):  # most of all the path of a file
            raise InvalidOption("rules", rules, "a RuleSet, such as `load_rules(path)` or `presets()` gives")
        require(pl.LazyFrame(schema=schema), "timestamp", "event_id")
        self.rules = rules
        self.groups: list[GroupEvaluation] = []
        for number, group in enumerate(rules.groups):
            for mode in ("grid", "event"):
                if any(rule.mode == mode for rule in group.rules):
                    self.groups.append(GroupEvaluation(number, group, mode, Fold(group, schema, mode=mode)))
        read = {"timestamp", "event_id"}.union(*(group.fold.columns for group in self.groups))
        self.columns = frozenset(read | ({"arrived_at"} & set(schema)))
        """What is read of the events."""
        self.set_aside = pl.DataFrame(schema=SET_ASIDE)
        """The events of the last call that some rules did not see."""
        self._held = pl.DataFrame(schema=_WORKING)

    # ------------------------------------------------------------------ the fold

    def process(self, events: pl.DataFrame) -> pl.DataFrame:
        """Fold events, in the order of their arrival.

        Args:
            events: one row an event; reads `columns`. `timestamp` without a zone means UTC.

        Returns:
            `TRANSITIONS`: one row a change of state that became known. Rows are in the order of `known_at`, group,
            rule and labels, over all calls.
        """
        return self._take(events, in_order=False)

    def process_in_order(self, events: pl.DataFrame) -> pl.DataFrame:
        """As `process`, but as if the rows had arrived in the order of their times, whatever order they are in."""
        return self._take(events, in_order=True)

    def _take(self, events: pl.DataFrame, *, in_order: bool) -> pl.DataFrame:
        time = _microseconds(events, "timestamp")
        arrived = _microseconds(events, "arrived_at")
        read = events.select(sorted(self.columns.intersection(events.columns)))
        found, aside = [], []
        for group in self.groups:
            changes, verdict = group.take(read, time, arrived, in_order=in_order)
            found.append((group, changes))
            if verdict is not None:
                aside.append(_aside(read, verdict, group))
        self.set_aside = pl.concat(aside) if aside else pl.DataFrame(schema=SET_ASIDE)
        return self._known(found)

    def advance(self, to: datetime) -> pl.DataFrame:
        """Move the clock without an event; what became known by it, as `process` has it."""
        moved = microseconds_of(_utc(to))
        self.set_aside = pl.DataFrame(schema=SET_ASIDE)
        return self._known([(group, group.advance(moved)) for group in self.groups])

    @property
    def clock(self) -> datetime | None:
        """Every transition with `known_at` before this has been returned."""
        clocks = [group.clock for group in self.groups]
        if not clocks or None in clocks:
            return None
        return time_of(min(c for c in clocks if c is not None))

    def _known(self, found: Sequence[tuple[GroupEvaluation, GroupChanges]]) -> pl.DataFrame:
        """What is known to every group, in order. Groups with another `max_ahead` may have another clock."""
        parts = [_rows(group, changes) for group, changes in found if changes.at.size]
        if not parts and not self._held.height:
            return pl.DataFrame(schema=TRANSITIONS)
        rows = pl.concat([self._held, *parts])
        clock = self.clock
        known = pl.lit(False) if clock is None else pl.col("known_at") < clock
        self._held = rows.filter(~known)
        return rows.filter(known).sort(_ORDER, maintain_order=True).select(TRANSITIONS.names())

    # ------------------------------------------------------------------ what it saw

    @property
    def limits(self) -> list[str]:
        """What to say of the rules that have more label sets than they may; each once, and for good."""
        return [said for held in self.groups for said in held.fold.limits]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """By group (and mode, where that is event): events, late, ahead and untimed ones, evaluations of label sets,
        and what the cells counted."""
        return {
            held.group.name if held.mode == "grid" else f"{held.group.name} (mode: event)": {
                **held.counts, **held.fold.counts, "over_limit": sum(held.over_limit.values()),
            }
            for held in self.groups
        }  # fmt: skip

    # ------------------------------------------------------------------ a restart

    def state(self) -> bytes:
        """Everything that the next call needs: exact, and without code in it."""
        held = io.BytesIO()
        self._held.write_ipc(held)
        groups = {f"group {number}": group.state() for number, group in enumerate(self.groups)}
        return packed({"rules": self._fingerprint(), "held": held.getvalue(), **groups})

    def restore(self, state: bytes) -> None:
        """Go on where `state` was taken.

        Raises:
            InvalidOption: it is the state of other rules.
        """
        parts = unpacked(state)
        if parts["rules"] != self._fingerprint():
            raise InvalidOption("state", "that of other rules", "the state of these rules, or a new start")
        self._held = pl.read_ipc(parts["held"])
        for number, group in enumerate(self.groups):
            group.restore(parts[f"group {number}"])

    def _fingerprint(self) -> bytes:
        return hashlib.sha256("\n".join(g.model_dump_json(by_alias=True) for g in self.rules.groups).encode()).digest()


def _rows(held: GroupEvaluation, changes: GroupChanges) -> pl.DataFrame:
    rules = held.group.rules
    labels = held.fold.series.labels(changes.series)
    at = pl.Series(changes.at).cast(UTC_MICROSECONDS)
    thresholds = np.array([r.when.threshold for r in rules], dtype=np.float64)
    value = pl.Series(changes.value, dtype=pl.Float64).fill_nan(None)
    return pl.DataFrame({
        "group": pl.repeat(held.group.name, at.len(), dtype=pl.String, eager=True),
        "rule": pl.Series([r.alert for r in rules], dtype=pl.String).gather(changes.rule),
        "labels": labels,
        "at": at,
        "state": _STATE_WORDS.gather(changes.state),
        "value": value,
        "threshold": thresholds[changes.rule],
        "known_at": pl.Series(changes.at + held.lateness).cast(UTC_MICROSECONDS),
        "_group": pl.repeat(held.number, at.len(), dtype=pl.Int32, eager=True),
        "_rule": pl.Series(changes.rule, dtype=pl.Int32),
        "_key": labels,
    }).with_columns(pl.col("_key").list.eval(pl.element().struct.field("value")))


def _aside(events: pl.DataFrame, verdict: NDArray[np.int8], held: GroupEvaluation) -> pl.DataFrame:
    reason = _REASON_WORDS.gather(verdict)
    return events.with_columns(reason).filter(pl.Series(verdict != ACCEPTED)).select(
        pl.lit(held.group.name).alias("group"), pl.lit(held.mode).alias("mode"), "event_id",
        pl.col("timestamp").cast(UTC_MICROSECONDS), "reason",
    )  # fmt: skip


def _microseconds(events: pl.DataFrame, column: str) -> NDArray[np.int64]:
    if column not in events.columns:
        return np.full(events.height, NEVER)
    times = events[column]
    if times.dtype != UTC_MICROSECONDS:
        times = times.cast(UTC_MICROSECONDS)
    return times.to_physical().fill_null(NEVER).to_numpy()


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
