"""A page: what one receiver is told at one time about one group of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl
import xxhash

from onex_analytics.alerting.microseconds import time_of
from onex_analytics.model.shapes import UTC_MICROSECONDS

LabelSet = tuple[tuple[str, str], ...]
"""Names and values, sorted by name; no value is empty."""
Reason = Literal["new", "resolved", "repeat"]

_LABELS = pl.List(pl.Struct({"name": pl.String(), "value": pl.String()}))
_ALERT = pl.Struct({
    "group": pl.String(),
    "rule": pl.String(),
    "labels": _LABELS,                       # all that leave the house: alertname, those of `by`, those of the rule
    "value": pl.Float64(),                   # null: no data
    "starts_at": UTC_MICROSECONDS,
    "ends_at": UTC_MICROSECONDS,             # null while it fires
})  # fmt: skip

PAGES = pl.Schema({
    "at": UTC_MICROSECONDS,                  # when it is told
    "receiver": pl.String(),
    "status": pl.String(),                   # firing, resolved
    "reason": pl.String(),                   # new, resolved, repeat
    "group_labels": _LABELS,
    "firing": pl.List(_ALERT),               # sorted by labels
    "resolved": pl.List(_ALERT),             # those that ended since the last look at the group
    "group_key": pl.String(),                # as Alertmanager writes it
    "page_id": pl.String(),                  # 16 hex digits of its receiver, group and time
})  # fmt: skip
"""One row a page, in the order of `at`, route and group."""


@dataclass(frozen=True, slots=True)
class PageAlert:
    """One alert of a page. Times are microseconds since the epoch; `ends_us` is None while it fires."""

    group: str
    rule: str
    labels: LabelSet
    annotations: LabelSet
    value: float | None
    starts_us: int
    ends_us: int | None

    def row(self) -> dict[str, Any]:
        """As a value of the frame `PAGES`."""
        return {
            "group": self.group,
            "rule": self.rule,
            "labels": labels_value(self.labels),
            "value": self.value,
            "starts_at": time_of(self.starts_us),
            "ends_at": None if self.ends_us is None else time_of(self.ends_us),
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as data for JSON; `alert_from_json` is the way back."""
        # by hand: `asdict` copies every text, and a checkpoint may hold a hundred thousand of these
        return {
            "group": self.group, "rule": self.rule, "labels": self.labels, "annotations": self.annotations,
            "value": self.value, "starts_us": self.starts_us, "ends_us": self.ends_us,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """What `receiver` is told at `at_us` about one group: its alerts that fire, and those that ended.

    `reason` says why now: a new alert fires, one ended, or nothing changed and the repeat interval has passed.

    >>> page = Page(0, "team", "new", "{}:{}", (("node", "a"),), (), ())
    >>> page.at.isoformat(), page.wakes
    ('1970-01-01T00:00:00+00:00', True)
    """

    at_us: int
    receiver: str
    reason: Reason
    group_key: str
    group_labels: LabelSet
    firing: tuple[PageAlert, ...]
    resolved: tuple[PageAlert, ...]

    @property
    def at(self) -> datetime:
        return time_of(self.at_us)

    @property
    def status(self) -> Literal["firing", "resolved"]:
        """As Alertmanager has it: firing as long as one of its alerts does."""
        return "firing" if self.firing else "resolved"

    @property
    def wakes(self) -> bool:
        """Whether it wakes somebody: an alert is new, or still fires when it is repeated. That one ended does not."""
        return self.reason != "resolved"

    @property
    def page_id(self) -> str:
        """The same for the same page in every run, so that a receiver can know one that it had before."""
        return xxhash.xxh3_64_hexdigest(f"{self.at_us}\0{self.receiver}\0{self.group_key}".encode())

    def row(self) -> dict[str, Any]:
        """As a row of the frame `PAGES`."""
        return {
            "at": self.at,
            "receiver": self.receiver,
            "status": self.status,
            "reason": self.reason,
            "group_labels": labels_value(self.group_labels),
            "firing": [alert.row() for alert in self.firing],
            "resolved": [alert.row() for alert in self.resolved],
            "group_key": self.group_key,
            "page_id": self.page_id,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as data for JSON; `page_from_json` is the way back."""
        return {
            "at_us": self.at_us, "receiver": self.receiver, "reason": self.reason, "group_key": self.group_key,
            "group_labels": self.group_labels, "firing": [alert.to_json() for alert in self.firing],
            "resolved": [alert.to_json() for alert in self.resolved],
        }  # fmt: skip


def alert_from_json(found: Mapping[str, Any]) -> PageAlert:
    """The alert as JSON gives it back."""
    labels, annotations = label_set(found["labels"]), label_set(found["annotations"])
    return PageAlert(**{**found, "labels": labels, "annotations": annotations})


def page_from_json(found: Mapping[str, Any]) -> Page:
    """The page that `Page.to_json` wrote."""
    firing, resolved = (tuple(map(alert_from_json, found[name])) for name in ("firing", "resolved"))
    return Page(**{**found, "group_labels": label_set(found["group_labels"]), "firing": firing, "resolved": resolved})


def label_set(pairs: Iterable[Iterable[str]]) -> LabelSet:
    """Pairs as JSON has them, as a label set."""
    return tuple((name, value) for name, value in pairs)


def outgoing(rule: str, labels: Iterable[Mapping[str, str]], fixed: Mapping[str, str]) -> LabelSet:
    """The labels that leave the house; an empty one is none."""
    named = {pair["name"]: pair["value"] for pair in labels} | dict(fixed) | {"alertname": rule}
    return tuple(sorted((name, value) for name, value in named.items() if value))


def labels_value(labels: LabelSet) -> list[dict[str, str]]:
    """A label set as a value of a frame."""
    return [{"name": name, "value": value} for name, value in labels]


def wakes() -> pl.Expr:
    """True for a row of `PAGES` that wakes somebody, as `Page.wakes`: what is counted wherever pages are counted."""
    return pl.col("reason") != "resolved"


def pages_frame(pages: Iterable[Page]) -> pl.DataFrame:
    """Pages as a frame of the shape `PAGES`, in their order.

    >>> page = Page(0, "team", "new", "{}:{}", (("node", "a"),), (), ())
    >>> pages_frame([page]).select("receiver", "reason", "group_labels").rows()
    [('team', 'new', [{'name': 'node', 'value': 'a'}])]
    """
    return pl.DataFrame([page.row() for page in pages], schema=PAGES, orient="row")
