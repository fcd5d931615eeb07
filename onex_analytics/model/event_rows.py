"""Single events, as models or as mappings, as rows of the canonical frame: what a live engine is handed one by one.

Only the columns that rules read are made. They hold what the gate of `sources` would lift; columns that speak of a
source (`source_offset`, `size_bytes`, `wire_fields` …) are null, as there is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import polars as pl
from pydantic import BaseModel

from onex_analytics.exceptions import InputError, InvalidOption, VersionError
from onex_analytics.model.event_types import family_and_outcome, normalise_event_type
from onex_analytics.model.nodes import normalise_node
from onex_analytics.model.shapes import EVENTS, PROFILE_NUMBERS
from onex_analytics.model.versions import SchemaVersion

Wire = Mapping[str, Any]
"""An event as JSON has it: `node_id`, `event_type`, `metadata` …"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM: Final = 10**11
"""A number of seconds since the epoch beyond this is one of milliseconds."""
_CODE_PREFIX = re.compile(r"\s*\[([A-Z][A-Z0-9_]*_?\d{3}(?:_[A-Z0-9_]+)?)\]")
_normalised_node = lru_cache(maxsize=4096)(normalise_node)
_normalised_type = lru_cache(maxsize=512)(normalise_event_type)


def is_canonical(event: object) -> bool:
    """Whether it is a row of the canonical frame already."""
    return isinstance(event, Mapping) and "node" in event and "family" in event


def event_row(event: BaseModel | Mapping[str, Any], columns: Collection[str]) -> dict[str, Any]:
    """One event as a row of the columns named.

    Args:
        event: an event model, an event as JSON has it, or a row of the canonical frame.
        columns: of `model.EVENTS`; another name is read from a canonical row, and null elsewhere.

    Raises:
        InvalidOption: it is no event.

    >>> event_row({"node_id": "stamper_node-001", "event_type": "node_start"}, ["node", "family", "outcome"])
    {'node': 'stamper_node', 'family': 'node', 'outcome': 'start'}
    """
    if type(event) is not dict:  # as nearly all are; to ask an abstract class takes longer than the rest
        if isinstance(event, BaseModel):
            event = {**event.__dict__, **(event.model_extra or {})}
        if not isinstance(event, Mapping):
            raise InvalidOption("an event", type(event).__name__, "an OnexEvent, a mapping of its fields, or a frame")
    if "node" in event and is_canonical(event):
        return {name: event.get(name) for name in columns}
    metadata = event.get("metadata")
    held: Wire = metadata if type(metadata) is dict or isinstance(metadata, Mapping) else {}
    return {name: made(event, held) if (made := _MADE.get(name)) else None for name in columns}


def frame_of(rows: Iterable[Mapping[str, Any]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows as a frame."""
    return pl.DataFrame(list(rows), schema=schema, orient="row", strict=False)


# ---------------------------------------------------------------------- one function a column


def _inside(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, Mapping | list | bool) else str(value)


def _first(*values: Any) -> str | None:
    """The first that is there and not empty, as text."""
    return next((_text(value) for value in values if value is not None and value != ""), None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _time(event: Wire, _: Wire) -> datetime | None:
    found = event.get("timestamp")
    try:
        if isinstance(found, str):
            found = datetime.fromisoformat(found)
        elif isinstance(found, int | float) and not isinstance(found, bool):
            milliseconds = found if abs(found) >= _MILLISECONDS_FROM else found * 1000
            return _EPOCH + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        return None
    if not isinstance(found, datetime):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _event_type(event: Wire, _: Wire) -> str | None:
    found = event.get("event_type")
    return None if found is None else _normalised_type(str(found))


def _status(_: Wire, held: Wire) -> str | None:
    found = _first(_inside(held.get("output_state"), "status"), held.get("status"))
    return None if found is None else found.lower()


def _success(_: Wire, held: Wire) -> bool | None:
    found = held.get("success")
    return found if isinstance(found, bool) else None


def _family_and_outcome(event: Wire, held: Wire) -> tuple[str, str]:
    return family_and_outcome(_event_type(event, held) or "", _status(event, held), _success(event, held))


def _failed(event: Wire, held: Wire) -> bool:
    return _family_and_outcome(event, held)[1] in ("failure", "soft_failure")


def _message(event: Wire, held: Wire) -> str | None:
    error = held.get("error")
    given = _first(held.get("error_message"), _inside(error, "message"), error)
    if given is None and _failed(event, held):
        given = _text(_inside(held.get("output_state"), "message"))
    return given


def _code(event: Wire, held: Wire) -> str | None:
    given = _first(
        held.get("error_code"), _inside(held.get("error"), "code"), _inside(held.get("output_state"), "error_code")
    )
    if given is not None and given.strip():
        return given.strip()
    found = _CODE_PREFIX.match(_message(event, held) or "")
    return found[1] if found else None


@lru_cache(maxsize=1)
def _taxonomy() -> dict[str, tuple[str | None, str | None]]:
    from onex_analytics.model.error_codes import ErrorCodeTaxonomy

    lookup = ErrorCodeTaxonomy.default().lookup()
    return {row["text"]: (row["severity"], row["recoverable"]) for row in lookup.iter_rows(named=True)}


def _severity(event: Wire, held: Wire) -> str | None:
    given = _text(held.get("severity"))
    return given.upper() if given is not None else _taxonomy().get(_code(event, held) or "", (None, None))[0]


def _recoverable(event: Wire, held: Wire) -> str | None:
    given = held.get("recoverable")
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, str) and given.lower() in ("no", "yes", "retry"):
        return given.lower()
    return _taxonomy().get(_code(event, held) or "", (None, None))[1]


def _level(_: Wire, held: Wire) -> str | None:
    found = _first(_inside(held.get("log_entry"), "level"), held.get("log_level"), held.get("level"))
    return None if found is None else found.upper()


def _metadata(event: Wire, _: Wire) -> str | None:
    found = event.get("metadata")
    return None if found is None else json.dumps(found, separators=(",", ":"), default=str, ensure_ascii=False)


def _profile(name: str) -> Callable[[Wire, Wire], Any]:
    def made(_: Wire, held: Wire) -> Any:
        value = held.get(name)
        found = _number(_inside(held.get("performance_profile"), name) if value is None else value)
        return int(found) if found is not None and EVENTS[name] == pl.Int64 else found

    return made


def _of_profile(name: str) -> Callable[[Wire, Wire], str | None]:
    return lambda _, held: _first(held.get(name), _inside(held.get("performance_profile"), name))


def _id(name: str) -> Callable[[Wire, Wire], str | None]:
    return lambda event, _: _first(event.get(name))


def _execution_time(_: Wire, held: Wire) -> float | None:
    profile = held.get("performance_profile")
    values = (held.get("execution_time_ms"), held.get("duration_ms"), _inside(profile, "execution_time_ms"))
    return next((number for value in values if (number := _number(value)) is not None), None)


def _node_version(event: Wire, held: Wire) -> str | None:
    given = _first(held.get("node_version"))
    return given if given is not None else _normalised_node(str(event.get("node_id") or ""))[1]


def _version(event: Wire, _: Wire) -> str | None:
    given = event.get("schema_version")
    try:
        return "1.0.0" if given is None else str(SchemaVersion.parse(given))
    except (InputError, VersionError, ValueError, TypeError):
        return _text(given)


def _adjusted_count(event: Wire, held: Wire) -> float:
    given = _number(event.get("adjusted_count"))
    if given is None and (probability := _number(event.get("sampling_probability"))):
        given = 1 / probability
    return 1.0 if given is None else given


_MADE: Final[Mapping[str, Callable[[Wire, Wire], Any]]] = {
    "event_id": lambda event, _: _first(event.get("event_id")),
    "timestamp": _time,
    "event_type": _event_type,
    "family": lambda event, held: _family_and_outcome(event, held)[0],
    "outcome": lambda event, held: _family_and_outcome(event, held)[1],
    "node_id": lambda event, _: _first(event.get("node_id")),
    "node": lambda event, _: _normalised_node(str(event.get("node_id") or ""))[0],
    "correlation_id": lambda event, held: _first(
        event.get("correlation_id"), held.get("correlation_id"), _inside(held.get("input_state"), "correlation_id")
    ),
    "parent_correlation_id": lambda event, held: _first(
        event.get("parent_correlation_id"), held.get("parent_correlation_id")
    ),
    "trace_id": lambda event, held: _first(event.get("trace_id"), held.get("trace_id")),
    "schema_version": _version,
    "operation": _of_profile("operation"),
    "function": _of_profile("function"),
    "execution_time_ms": _execution_time,
    "result_status": _status,
    "success": _success,
    "error_type": lambda _, held: _first(held.get("error_type"), _inside(held.get("error"), "type")),
    "error_code": _code,
    "error_message": _message,
    "severity": _severity,
    "recoverable": _recoverable,
    "level": _level,
    "node_version": _node_version,
    **{name: _id(name) for name in ("span_id", "parent_span_id", "causation_id", "replay_id")},
    "is_replay": lambda event, _: event.get("is_replay"),
    **{name: _profile(name) for name in PROFILE_NUMBERS},
    "metadata": _metadata,
    "adjusted_count": _adjusted_count,
    "arrived_at": lambda event, _: event.get("arrived_at"),
}  # fmt: skip
