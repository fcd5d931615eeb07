"""Schema versions: how they are written and compared, what each one brought, and who can read whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import total_ordering
from types import MappingProxyType
from typing import Any, Final

from onex_analytics.exceptions import UnknownVersion

FIELDS_ADDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "1.0.0": ("event_id", "timestamp", "node_id", "event_type", "correlation_id", "metadata"),
    "1.1.0": ("schema_version", "parent_correlation_id", "trace_id"),
    "1.2.0": (
        "sampling_probability", "adjusted_count", "batch_id", "batch_position", "payload_encoding",
        "payload_size_bytes",
    ),
    "1.3.0": ("replay_id", "is_replay"),
    "2.0.0": ("span_id", "registry_subject", "registry_version", "signature", "key_id", "encrypted_fields"),
})  # fmt: skip
"""The top-level fields that each version brought, oldest first."""

KEPT_IN_EXTRA: Final = (
    "sampling_probability", "batch_id", "batch_position", "payload_encoding", "payload_size_bytes",
    "registry_subject", "registry_version", "signature", "key_id", "encrypted_fields",
)  # fmt: skip
"""Known top-level fields that are no column of `EVENTS`: they lie in its column `extra`."""

VERSIONS: Final = tuple(FIELDS_ADDED)
"""Every version that we know, oldest first."""
OLDEST: Final = VERSIONS[0]
NEWEST: Final = VERSIONS[-1]

_SEMVER = re.compile(
    r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?", re.ASCII
)


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class SchemaVersion:
    """A semantic version: compared by major, minor, patch and prerelease; the build says nothing.

    >>> sorted(SchemaVersion.parse(t) for t in ("2.0.0", "1.10.0", "2.0.0-rc.2", "1.9.1"))[-2:]
    [SchemaVersion('2.0.0-rc.2'), SchemaVersion('2.0.0')]
    """

    major: int
    minor: int
    patch: int = 0
    prerelease: str | None = None
    build: str | None = None

    @classmethod
    def parse(cls, given: object) -> SchemaVersion:
        """Read a version from its text (the patch may be missing) or from upstream's object (a mapping).

        Raises:
            UnknownVersion: it is neither.

        >>> SchemaVersion.parse({"major": 1, "minor": 0, "patch": 0, "prerelease": None, "build": None})
        SchemaVersion('1.0.0')
        """
        if isinstance(given, SchemaVersion):
            return given
        if isinstance(given, str) and (found := _SEMVER.fullmatch(given)):
            major, minor, patch, prerelease, build = found.groups()
            return cls(int(major), int(minor), int(patch or 0), prerelease, build)
        if isinstance(given, Mapping):
            numbers = [given.get("major"), given.get("minor"), given.get("patch")]
            if all(type(n) is int for n in numbers):
                tails = (given.get("prerelease"), given.get("build"))
                text = ".".join(map(str, numbers)) + "".join(
                    f"{mark}{tail}" for mark, tail in zip("-+", tails, strict=True) if tail not in (None, "")
                )
                return cls.parse(text)
        raise UnknownVersion(given, VERSIONS)

    def known(self) -> SchemaVersion:
        """The newest version that we know of the same major and no newer minor.

        Raises:
            UnknownVersion: a newer major than we know, or one that never was.

        >>> SchemaVersion.parse("1.7.2").known(), SchemaVersion.parse("1.1.4").known()
        (SchemaVersion('1.3.0'), SchemaVersion('1.1.0'))
        """
        below = [v for v in _KNOWN if v.major == self.major and v.minor <= self.minor]
        if not below:
            raise UnknownVersion(str(self), VERSIONS)
        return below[-1]

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        return text + (f"-{self.prerelease}" if self.prerelease else "") + (f"+{self.build}" if self.build else "")

    def __repr__(self) -> str:
        return f"SchemaVersion({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, SchemaVersion) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key < other._key if isinstance(other, SchemaVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        """Semver 2.0.0, rule 11: a release is above its prereleases, numbers are below words."""
        parts = self.prerelease.split(".") if self.prerelease else []
        words = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts)
        return (self.major, self.minor, self.patch, not parts, words)


_KNOWN: Final = tuple(SchemaVersion.parse(text) for text in VERSIONS)


def version_of(event: Mapping[str, Any]) -> SchemaVersion:
    """The version that an event names; one that names none is 1.0.0.

    >>> version_of({"event_id": "e1"})
    SchemaVersion('1.0.0')
    """
    given = event.get("schema_version")
    return SchemaVersion.parse(OLDEST if given is None else given)


def can_read(
    consumer: str | Mapping[str, Any] | SchemaVersion,
    producer: str | Mapping[str, Any] | SchemaVersion,
    *,
    strict: bool = True,
) -> bool:
    """Whether a consumer of one version can read events of another.

    Args:
        consumer: the newest version that the reader was written for.
        producer: the version that the events name.
        strict: by the promise of the specification alone: 1.0.x is read by consumers of 1.0 to 1.3, 1.n by 1.n and
            above within major 1, 2.n by 2.n and above within major 2; patches never matter. So a 2.x consumer does
            not read 1.x. With `strict=False` as our own reader does it: any minor of the consumer's major (what is
            unknown is kept), and an older major that the upcasters know, so that a 2.x consumer does read 1.x. A
            newer major is never read.

    Raises:
        UnknownVersion: a version that cannot be parsed.

    >>> can_read("1.3.0", "1.0.2"), can_read("1.1.0", "1.2.0"), can_read("2.0.0", "1.3.0")
    (True, False, False)
    >>> can_read("1.1.0", "1.2.0", strict=False), can_read("2.0.0", "1.3.0", strict=False)
    (True, True)
    """
    reader, writer = SchemaVersion.parse(consumer), SchemaVersion.parse(producer)
    if reader.major == writer.major:
        return not strict or writer.minor <= reader.minor
    return not strict and _KNOWN[0].major <= writer.major < reader.major
