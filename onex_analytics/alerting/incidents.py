"""Labelled incidents from where people keep them: frames, CSV, JSON, and exports of PagerDuty and Grafana.

| origin | id | start | end | labels |
|---|---|---|---|---|
| frame, CSV, JSON, Parquet | `id` or `incident_id` | `start` | `end` | `labels`, and every further column of text |
| the synthetic fleet (`model.LABELS`) | `incident_id` | `start` | `end` | `node`, `operation` |
| PagerDuty, API and CSV | `id` | `created_at`, `created_on` | `resolved_at`, `resolved_on` | `service`, `urgency` |
| Grafana annotations | `id` | `time` (ms) | `timeEnd` (ms) | `tags`, as key:value or key=value |
| Grafana incidents | `incidentID` | `incidentStart` | `incidentEnd` | `labels`, `severity` |
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from onex_analytics.alerting.microseconds import EPOCH
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.exceptions import InputError, InvalidOption, SourceError
from onex_analytics.model.shapes import UTC_MICROSECONDS

INCIDENTS = pl.Schema({
    "id": pl.String(),
    "kind": pl.String(),                     # incident where none is named; see `HARMLESS` and `UNJUDGED`
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,                 # null while it lasts
    "labels": LABEL_SET,                     # what it concerns, sorted by name
})
"""One row a labelled incident, ordered by start and id."""

HARMLESS = frozenset({"deploy"})
"""Kinds that nobody should be told of: an alert that fires in one is as false as any other."""
UNJUDGED = frozenset({"coverage_hole", "maintenance"})
"""Kinds in which nothing is judged: an alert that fires there counts neither for nor against a rule."""

_ID = ("id", "incident_id", "incidentID", "incidentId", "incident_number", "number")
_START = ("start", "incidentStart", "started_at", "created_at", "created_on", "createdTime", "time")
_END = ("end", "incidentEnd", "ended_at", "resolved_at", "resolved_on", "timeEnd", "closedTime")
_NO_LABELS = frozenset({
    "", *_ID, *_START, *_END, "kind", "labels", "tags",
    "error_code", "cause", "magnitude", "events",                                   # of the synthetic fleet
    "title", "description", "summary", "text", "status", "html_url", "self", "type", "incident_key", "alertId",
    "alertName", "dashboardId", "dashboardUID", "panelId", "userId", "newState", "prevState", "created", "updated",
    "login", "email", "avatarUrl", "data", "last_status_change_at", "overviewURL", "incidentType", "isDrill",
    "durationSeconds", "service_id", "escalation_policy_id", "escalation_policy_name",
})  # fmt: skip


def load_incidents(
    source: str | os.PathLike[str] | pl.DataFrame | pl.LazyFrame | Iterable[Mapping[str, Any]],
    *,
    rename: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Labelled incidents in one shape, from wherever they are.

    Args:
        source: a file (.csv, .json, .jsonl or .parquet), a frame, or objects; see the table at the top of this module.
        rename: labels to call otherwise, so that they meet those of the rules: `{"service": "node"}`.

    Returns:
        `INCIDENTS`: one row an incident, ordered by start and id. A time without a zone is UTC.

    Raises:
        SourceError: the file cannot be read.
        InputError: an incident without a start, or with a time that is none, by its number.
        InvalidOption: a file of another kind.

    >>> load_incidents([{"id": "a", "start": "2026-11-01T10:00", "end": "2026-11-01T11:00", "node": "n"}]).row(0)[3]
    datetime.datetime(2026, 11, 1, 11, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC'))
    """
    rows, name = _objects(source)
    found = [_incident(row, f"{name}, incident {number}", rename or {}) for number, row in enumerate(rows, 1)]
    frame = pl.DataFrame(found, schema=INCIDENTS, orient="row").sort("start", "id", maintain_order=True)
    if twice := frame.filter(pl.col("id").is_duplicated())["id"].unique(maintain_order=True).to_list():
        raise InputError(f"{name}: incident {twice[0]!r} stands twice. Mend: give each incident an id of its own.")
    return frame


def _objects(source: Any) -> tuple[Iterable[Mapping[str, Any]], str]:
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, pl.DataFrame):
        return source.iter_rows(named=True), "incidents"
    if not isinstance(source, str | os.PathLike):
        return source, "incidents"
    path = Path(source)
    if path.suffix.lower() == ".parquet" and path.is_file():
        try:
            return pl.read_parquet(path).iter_rows(named=True), path.name
        except pl.exceptions.PolarsError as error:
            raise SourceError(str(path), f"is no Parquet file ({error})", "write it again") from None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(str(path), error.strerror or "cannot be read", "name a file that is there") from error
    except UnicodeDecodeError:
        raise SourceError(str(path), "is not UTF-8", "save it as UTF-8") from None
    match path.suffix.lower():
        case ".csv":
            return csv.DictReader(text.splitlines(), restkey=""), path.name
        case ".json":
            return _listed(_json(text, path.name), path.name), path.name
        case ".jsonl" | ".ndjson":
            lines = [line for line in text.splitlines() if line.strip()]
            return [_json(line, f"{path.name}, line {n}") for n, line in enumerate(lines, 1)], path.name
    raise InvalidOption("incidents", str(path), "a file that ends in .csv, .json, .jsonl or .parquet")


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}: no JSON ({error}). Mend: export it again, or save it as CSV.") from None


def _listed(found: Any, name: str) -> list[Mapping[str, Any]]:
    """The list, however it is wrapped: PagerDuty {"incidents": […]}, Grafana […], {"incidents": [{"incident": …}]}."""
    if isinstance(found, Mapping):
        lists = [value for key, value in found.items() if isinstance(value, list) and key in _WRAPPERS]
        if len(lists) != 1:
            raise InputError(f"{name}: no list of incidents. Mend: give a list, or an object with `incidents`.")
        found = lists[0]
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise InputError(f"{name}: no list of objects. Mend: give a list of objects with id, start and end.")
    return [row.get("incident", row) if isinstance(row.get("incident"), Mapping) else row for row in found]


_WRAPPERS = ("incidents", "annotations", "incidentPreviews", "items", "data")


def _incident(row: Mapping[str, Any], name: str, rename: Mapping[str, str]) -> tuple[Any, ...]:
    start, end = _time(_first(row, _START), name), _time(_first(row, _END), name)
    if start is None:
        raise InputError(f"{name}: no start. Mend: give `start` as a time, such as 2026-11-01T10:00:00Z.")
    if end is None and row.get("status") == "resolved":  # PagerDuty's API
        end = _time(row.get("last_status_change_at"), name)
    if end is not None and end < start:
        raise InputError(f"{name}: it ends ({end:%Y-%m-%d %H:%M}) before it starts. Mend: swap start and end.")
    labels = {rename.get(label, label): value for label, value in _labels(row).items()}
    kind: Any = row.get("kind") or "incident"
    ordered = [{"name": label, "value": value} for label, value in sorted(labels.items())]
    identity = _first(row, _ID)
    return name.rsplit(" ", 1)[-1] if identity is None else str(identity), str(kind), start, end, ordered


def _first(row: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in row.items():
        if name in _NO_LABELS:
            continue
        if name == "service_name":
            name = "service"
        if isinstance(value, Mapping):  # PagerDuty refers to a service as {"id", "type", "summary", …}
            value = value.get("summary")
        if isinstance(value, str) and value:
            found[name] = value
    given = row.get("labels")
    if isinstance(given, Mapping):
        found |= {str(name): str(value) for name, value in given.items()}
    elif isinstance(given, list):
        for item in given:
            if isinstance(item, Mapping) and "name" in item:
                found[str(item["name"])] = str(item["value"])
            elif isinstance(item, Mapping) and isinstance(item.get("label"), str):
                found |= _pairs([item["label"]])
            else:
                found |= _pairs([item])
    elif isinstance(given, str):
        found |= _pairs(given.replace(";", ",").split(","))
    tags = row.get("tags")
    return found | _pairs(tags if isinstance(tags, list) else str(tags or "").split(","))


def _pairs(words: Iterable[Any]) -> dict[str, str]:
    """The labels of words such as "node=a" and "node:a"; a word alone is none."""
    found: dict[str, str] = {}
    for word in words:
        if not isinstance(word, str):
            continue
        for mark in ("=", ":"):
            name, met, value = word.partition(mark)
            if met and name.strip() and value.strip():
                found[name.strip()] = value.strip()
                break
    return found




def _time(found: Any, name: str) -> datetime | None:
    """A time as text, as a datetime, or as seconds or milliseconds since the epoch."""
    if found is None or found == "":
        return None
    if isinstance(found, str) and found.replace(".", "", 1).isdigit():
        found = float(found)
    try:
        if isinstance(found, int | float) and not isinstance(found, bool):
            return EPOCH + timedelta(milliseconds=found if found > 1e11 else found * 1000)
        at = found if isinstance(found, datetime) else datetime.fromisoformat(str(found))
    except (ValueError, OverflowError):
        wanted = "write it as 2026-11-01T10:00:00Z"
        raise InputError(f"{name}: {found!r} is no time. Mend: {wanted}.") from None
    return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
