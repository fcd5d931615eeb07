"""The event, one model a version. A model creates events of its own version; what it does not know, it keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Self
from uuid import UUID, uuid4

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.correlation import current_correlation
from onex_analytics.model.event_types import OnexEventType, family_and_outcome, normalise_event_type
from onex_analytics.model.metadata import Metadata, metadata_of
from onex_analytics.model.upcasters import hex_trace_id
from onex_analytics.model.versions import SchemaVersion

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC."""
    return datetime.now(UTC)


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _text_of_id(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _known_type(value: object) -> object:
    return normalise_event_type(value) if isinstance(value, str) else value


def _plain_metadata(value: object) -> object:
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, BaseModel) else value


def _hex_digits(count: int) -> Callable[[str], str]:
    wanted = re.compile(rf"[0-9a-f]{{{count}}}")

    def lower(value: str) -> str:
        plain = value.lower() if count != 32 else value.replace("-", "").lower()
        if not wanted.fullmatch(plain) or set(plain) == {"0"}:
            raise ValueError(f"{value!r} is not {count // 2} bytes of hex, not all zero")
        return plain

    return lower


Id = Annotated[str, BeforeValidator(_text_of_id)]
EventType = Annotated[OnexEventType | str, Field(union_mode="left_to_right"), BeforeValidator(_known_type)]


class OnexEventV1_0(BaseModel):
    """An event of version 1.0.0.

    Created without an id and a time, it gets a UUID, the clock's time, and the ids of the `correlation_scope` that
    is open. One that comes with both its `event_id` and its `timestamp` is a recorded event: nothing is filled in.
    A naive time is read as UTC; times are written aware. Fields that the version does not know are kept.

    Raises:
        pydantic.ValidationError: no node or type, a value of the wrong type, or the version of another major.

    >>> event = OnexEventV1_0(node_id="stamper_node", event_type="node_start", tenant="a")
    >>> event.event_type, event.schema_version, event.tenant
    (<OnexEventType.NODE_START: 'NODE_START'>, '1.0.0', 'a')
    """

    VERSION: ClassVar[str] = "1.0.0"
    model_config = ConfigDict(extra="allow", frozen=True)

    event_id: Id = Field(default_factory=lambda: str(uuid4()), description="a UUID")
    timestamp: Annotated[datetime, AfterValidator(_in_utc)] = Field(
        default_factory=utc_now, description="when it happened; without a zone it is UTC"
    )
    node_id: Id = Field(description="who tells of it: a name, also with version or instance number, or a UUID")
    event_type: EventType = Field(description="one of the 28 known types, or any other text in upper case")
    correlation_id: Id | None = Field(default=None, description="should be a UUID, may be any text")
    metadata: Annotated[dict[str, Any] | None, BeforeValidator(_plain_metadata)] = Field(
        default=None, description="what there is to say beyond; which keys, the type says"
    )
    schema_version: str = Field(default=VERSION, description="a semantic version")

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        event = dict(given)
        version = SchemaVersion.parse(event.get("schema_version") or cls.VERSION)
        if version.major != SchemaVersion.parse(cls.VERSION).major:
            raise ValueError(
                f"this model has version {cls.VERSION} and the event {version}: another major. "
                "Mend: read it with `EVENT_MODELS`, or bring it here with `transform_event`"
            )
        if "schema_version" in event or cls.VERSION != "1.0.0":
            event["schema_version"] = str(version)
        recorded = event.get("event_id") is not None and event.get("timestamp") is not None
        return event if recorded else cls._linked({k: v for k, v in event.items() if v is not None or k not in _MADE})

    @classmethod
    def _linked(cls, event: dict[str, Any]) -> dict[str, Any]:
        """A new event with what it lacks of the ids of the open scope."""
        if (scope := current_correlation()) is not None:
            event.setdefault("correlation_id", scope.correlation_id)
        return event

    @classmethod
    def create(
        cls, event_type: str, node_id: str | UUID, *, clock: Clock = utc_now, new_id: Callable[[], object] = uuid4,
        **fields: Any,
    ) -> Self:
        """A new event, with the clock and the ids of your choice.

        >>> noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
        >>> OnexEvent.create("NODE_START", "stamper_node", clock=lambda: noon, new_id=lambda: "e1").as_dict()
        ... # doctest: +NORMALIZE_WHITESPACE
        {'event_id': 'e1', 'timestamp': '2026-11-23T12:00:00Z', 'node_id': 'stamper_node',
         'event_type': 'NODE_START', 'schema_version': '1.1.0'}
        """  # fmt: skip
        own = cls._linked(fields)
        own.setdefault("event_id", str(new_id()))
        own.setdefault("timestamp", clock())
        return cls(**{**own, "event_type": event_type, "node_id": node_id})

    @property
    def family(self) -> str:
        """The family of its type, such as "node" or "telemetry"."""
        return family_and_outcome(self.event_type)[0]

    @property
    def outcome(self) -> str:
        """start, success, soft_failure, failure or other, by the printed table."""
        held = self.metadata if isinstance(self.metadata, dict) else {}
        state = held.get("output_state")
        status = state.get("status") if isinstance(state, dict) else held.get("status")
        return family_and_outcome(self.event_type, status, held.get("success"))[1]

    def typed_metadata(self) -> Metadata:
        """The metadata as the model of the event's type.

        Raises:
            pydantic.ValidationError: a required key is missing or a value does not fit.
        """
        return metadata_of(self.event_type, self.metadata)

    def as_dict(self) -> dict[str, Any]:
        """The event as plain JSON values; a field that was never given and holds nothing is left out."""
        written = self.model_dump(mode="json")
        given = self.model_fields_set
        return {name: value for name, value in written.items() if name in given or name in _MADE}


_MADE: Final = frozenset({"event_id", "timestamp"})


class OnexEventV1_1(OnexEventV1_0):
    """An event of version 1.1.0: with its version, its parent and its trace."""

    VERSION: ClassVar[str] = "1.1.0"

    schema_version: str = Field(default=VERSION, description="a semantic version")
    parent_correlation_id: Id | None = Field(default=None, description="correlation id of the work that caused this")
    trace_id: Id | None = Field(default=None, description="one for all work below one root; any text")

    @classmethod
    def _linked(cls, event: dict[str, Any]) -> dict[str, Any]:
        scope = current_correlation()
        if scope is not None and event.setdefault("correlation_id", scope.correlation_id) == scope.correlation_id:
            event.setdefault("parent_correlation_id", scope.parent_correlation_id)
            event.setdefault("trace_id", scope.trace_id)
        correlation_id = _text_of_id(event.get("correlation_id"))
        if isinstance(correlation_id, str) and event.get("parent_correlation_id") is None:
            event.setdefault("trace_id", hex_trace_id(correlation_id))
        return event

    def child(self, event_type: str, *, clock: Clock = utc_now, **fields: Any) -> Self:
        """A new event of work that this event caused: its parent is this correlation, its trace this trace.

        The node is this event's unless given; the correlation id is fresh unless given.

        Raises:
            InvalidOption: this event has no correlation id, or an id of the link is given and differs.

        >>> root = OnexEvent(node_id="a", event_type="NODE_START", correlation_id="c1")
        >>> child = root.child("NODE_START", node_id="b")
        >>> child.parent_correlation_id, child.trace_id == root.trace_id
        ('c1', True)
        """
        if self.correlation_id is None:
            raise InvalidOption(
                "correlation_id", None, "one on the parent: create it inside `correlation_scope()`, or give it one"
            )
        trace_id = self.trace_id or hex_trace_id(self.parent_correlation_id or self.correlation_id)
        links = {"parent_correlation_id": self.correlation_id, "trace_id": trace_id}
        for name, link in links.items():
            if fields.get(name, link) != link:
                raise InvalidOption(name, fields[name], f"{link!r}, or leave it out: a child has its parent's")
        own = {"node_id": self.node_id, "correlation_id": str(uuid4()), **fields}
        if own["correlation_id"] == self.correlation_id:
            raise InvalidOption("correlation_id", self.correlation_id, "another than the parent's")
        return self.create(event_type, clock=clock, **{**own, **links})

    def finish(self, event_type: str, *, clock: Clock = utc_now, **fields: Any) -> Self:
        """A new event that ends what this one began: same node, correlation, parent and trace.

        >>> start = OnexEvent(node_id="a", event_type="NODE_START", correlation_id="c1")
        >>> end = start.finish("NODE_SUCCESS", metadata={"input_state": {}, "output_state": {"status": "success"}})
        >>> end.correlation_id, end.trace_id == start.trace_id, end.outcome
        ('c1', True, 'success')
        """
        same = ("node_id", "correlation_id", "parent_correlation_id", "trace_id")
        return self.create(event_type, clock=clock, **{**{name: getattr(self, name) for name in same}, **fields})


class OnexEventV1_2(OnexEventV1_1):
    """An event of version 1.2.0: with its place in a sample and in a batch."""

    VERSION: ClassVar[str] = "1.2.0"

    schema_version: str = Field(default=VERSION, description="a semantic version")
    sampling_probability: float | None = Field(default=None, gt=0, le=1, description="share kept, above 0 up to 1")
    adjusted_count: float | None = Field(default=None, ge=0, description="events this one stands for; 1 if absent")
    batch_id: Id | None = Field(default=None, description="the batch that it was sent in")
    batch_position: int | None = Field(default=None, ge=0, description="its place in the batch, from 0")
    payload_encoding: str | None = Field(default=None, description="how the metadata is compressed; plain if absent")
    payload_size_bytes: int | None = Field(default=None, ge=0, description="of the metadata before compression")


class OnexEventV1_3(OnexEventV1_2):
    """An event of version 1.3.0: with the marks of a replay. It brought the type PERFORMANCE_PROFILE."""

    VERSION: ClassVar[str] = "1.3.0"

    schema_version: str = Field(default=VERSION, description="a semantic version")
    replay_id: Id | None = Field(default=None, description="the replay that it was sent in")
    is_replay: bool | None = Field(default=None, description="whether it was recorded earlier and is sent again")


class OnexEventV2_0(OnexEventV1_3):
    """An event of version 2.0.0: with OpenTelemetry's ids, its registered schema, and its protection."""

    VERSION: ClassVar[str] = "2.0.0"

    schema_version: str = Field(default=VERSION, description="a semantic version")
    trace_id: Annotated[Annotated[Id, AfterValidator(_hex_digits(32))] | None, BeforeValidator(_none_if_empty)] = Field(
        default=None, description="16 bytes as 32 lower-case hex digits; empty text is read as none"
    )
    span_id: Annotated[Annotated[str, AfterValidator(_hex_digits(16))] | None, BeforeValidator(_none_if_empty)] = Field(
        default=None, description="8 bytes as 16 lower-case hex digits; empty text is read as none"
    )
    registry_subject: str | None = Field(default=None, description="name of its schema in a registry")
    registry_version: int | None = Field(default=None, ge=1, description="version of its schema in a registry")
    signature: str | None = Field(default=None, description="of the event, by the key that `key_id` names")
    key_id: str | None = Field(default=None, description="the key that signed it or encrypted fields of it")
    encrypted_fields: list[str] | None = Field(default=None, description="paths, such as metadata.input_state.email")


OnexEvent = OnexEventV1_1
"""The event as the seed has it: version 1.1.0."""

EVENT_MODELS: Final[Mapping[str, type[OnexEventV1_0]]] = MappingProxyType(
    {cls.VERSION: cls for cls in (OnexEventV1_0, OnexEventV1_1, OnexEventV1_2, OnexEventV1_3, OnexEventV2_0)}
)
"""The model of each version."""
