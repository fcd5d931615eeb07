"""What an append did: every line accounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an append did. Always: read = stored + duplicate + rejected.

    Attributes:
        read: lines (elements, rows) that were read; blank lines are none.
        stored: events that are new in the store.
        duplicate: events whose id and content were there already, in the store or earlier in the input.
        rejected: lines that gave no event; all of them are kept in `EventStore.rejected()`, each once: the same bytes
            at the same place of the same source are one line, however often it is read.
        rejected_by_reason: the same by reason; the words are those of `model.REJECT_REASONS`.
        repaired: stored events that were repaired: `clock` (time shifted), `timestamp` (another form than the plain
            one), `event_type` (another spelling).
        violations: stored events by rule of the specification that they break; one event may break several.
        units, units_skipped: units of about 24 MB; skipped are those whose bytes an earlier append had stored whole, at
            the same place of this file or of a copy of it. Their events count as duplicate here, their rejected lines
            as rejected (and are not kept twice).
        version: of the store when it was done.
    """

    read: int
    stored: int
    duplicate: int
    rejected: int
    rejected_by_reason: dict[str, int]
    repaired: dict[str, int]
    violations: dict[str, int]
    files: int
    bytes: int
    seconds: float
    version: int
    units: int
    units_skipped: int

    @property
    def events_per_second(self) -> float:
        """Lines read per second of the whole append."""
        return self.read / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All numbers as plain values, for JSON."""
        return {**asdict(self), "events_per_second": round(self.events_per_second, 1)}

    def __str__(self) -> str:
        most_first = sorted(self.rejected_by_reason.items(), key=lambda item: -item[1])
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in most_first)
        return (
            f"read {self.read:,} = stored {self.stored:,} + duplicate {self.duplicate:,} + rejected {self.rejected:,}"
            + (f" ({reasons})" if reasons else "")
        )


@dataclass(slots=True)
class Tally:
    """Counts of an append in progress, unit by unit; `units` of it are kept in the log beside each unit."""

    read: int = 0
    stored: int = 0
    duplicate: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0
    units: int = 0
    skipped: int = 0

    def add(self, other: Tally) -> None:
        self.read += other.read
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.reasons += other.reasons
        self.repaired += other.repaired
        self.violations += other.violations
        self.size_bytes += other.size_bytes
        self.units += other.units
        self.skipped += other.skipped

    def as_metadata(self) -> dict[str, Any]:
        """For the log. `None`-free and small."""
        return {
            "read": self.read, "stored": self.stored, "duplicate": self.duplicate, "reasons": dict(self.reasons),
            "repaired": dict(self.repaired), "violations": dict(self.violations),
        }

    @classmethod
    def of_skipped(cls, metadata: dict[str, Any], size_bytes: int) -> Tally:
        """What a unit that is stored already adds to a report: its events are duplicates now."""
        return cls(
            read=metadata["read"], duplicate=metadata["stored"] + metadata["duplicate"],
            reasons=Counter(metadata["reasons"]), size_bytes=size_bytes, units=1, skipped=1,
        )  # fmt: skip

    def report(self, *, files: int, seconds: float, version: int) -> IngestReport:
        return IngestReport(
            read=self.read, stored=self.stored, duplicate=self.duplicate, rejected=self.reasons.total(),
            rejected_by_reason=dict(self.reasons), repaired=dict(self.repaired), violations=dict(self.violations),
            files=files, bytes=self.size_bytes, seconds=seconds, version=version, units=self.units,
            units_skipped=self.skipped,
        )  # fmt: skip
