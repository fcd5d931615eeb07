"""Everything the package raises on purpose, as one tree.

    OnexError
    ├── InputError (ValueError)          what was given cannot be used as it is
    │   ├── MissingColumns               a frame lacks columns that a function reads
    │   ├── UnknownFormat                a file is none of the formats that we read
    │   ├── InvalidEvent                 strict validation found violations
    │   ├── InvalidOption                an argument lies outside what is allowed
    │   ├── FilterError                  the text of a filter cannot be read, or does not fit the columns
    │   ├── RuleError                    a rule file has a mistake; says the file and the line
    │   ├── OversizedEvent               an event is larger than may be sent, and nothing makes it fit
    │   ├── BrokenPayload                bytes that are no payload of an event, or one that is not to be opened
    │   └── CodeRedefinition             an error code was given a second meaning
    ├── SourceError (OSError)            bytes could not be read from where they lie
    ├── VersionError (ValueError)
    │   ├── UnknownVersion               a schema version that no chain of upcasters knows
    │   └── LossyDowncast                a downcast would drop fields and was not allowed to
    ├── StoreError
    │   ├── NotAStore (ValueError)       a folder that holds something else
    │   ├── StoreVersionError (ValueError)  written by a newer onex_analytics
    │   ├── StoreConflict                another writer won too often
    │   ├── StoreUnavailable (OSError)   its files cannot be read or written
    │   └── StoreFull (OSError)          the disk is full; what was committed stays
    └── MissingExtra (ImportError)       an optional part is not installed

Every message says what was wanted, what was found and the mend.
"""

from __future__ import annotations

from collections.abc import Iterable


class OnexError(Exception):
    """Root of everything we raise on purpose."""


class InputError(OnexError, ValueError):
    """What was given cannot be used as it is."""


class MissingColumns(InputError):
    """A frame lacks columns that a function reads."""

    def __init__(
        self, missing: Iterable[str], found: Iterable[str],
        mend: str = "Mend: name a column that is there, or rename yours to match `model.EVENTS` or `model.SPANS`.",
    ) -> None:  # fmt: skip
        self.missing, self.found = list(missing), list(found)
        super().__init__(f"missing columns {self.missing}; the frame has {self.found}. {mend}")


class UnknownFormat(InputError):
    """A file is none of the formats that we read."""

    def __init__(self, name: str, found: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{name}: cannot tell its format ({found}). "
            f"Mend: name it with `format=` or --format (one of {', '.join(sorted(known))}), or leave the file out."
        )


class InvalidEvent(InputError):
    """Strict validation found violations; they are listed in `violations`."""

    def __init__(self, violations: Iterable[str], event_id: str | None = None) -> None:
        self.violations = list(violations)
        super().__init__(
            f"event {event_id or '(no id)'} breaks {len(self.violations)} rule(s): {'; '.join(self.violations)}. "
            "Mend: correct the emitter, or validate with `strict=False` to keep the event and list its violations."
        )


class InvalidOption(InputError):
    """An argument lies outside what is allowed."""

    def __init__(self, name: str, found: object, wanted: str) -> None:
        super().__init__(f"{name} is {found!r}; wanted {wanted}.")


class FilterError(InputError):
    """The text of a filter cannot be read, or does not fit the columns; `position` says where, from 0."""

    def __init__(self, text: str, position: int, problem: str, mend: str) -> None:
        self.text, self.position, self.problem, self.mend = text, position, problem, mend
        begin, end = max(position - 20, 0), position + 40
        piece = ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
        super().__init__(f"{problem}, at character {position + 1} of the filter: {piece!r}. Mend: {mend}.")

    def __reduce__(self) -> tuple[type[FilterError], tuple[str, int, str, str]]:
        return FilterError, (self.text, self.position, self.problem, self.mend)


class RuleError(InputError):
    """A rule file has a mistake, in `file` at `line` (from 1)."""

    def __init__(self, file: str, line: int, problem: str, mend: str) -> None:
        self.file, self.line, self.problem, self.mend = file, line, problem, mend
        super().__init__(f"{file}:{line}: {problem}. Mend: {mend}.")

    def __reduce__(self) -> tuple[type[RuleError], tuple[str, int, str, str]]:
        return RuleError, (self.file, self.line, self.problem, self.mend)


class OversizedEvent(InputError):
    """An event is larger than may be sent, and nothing that its policy allows makes it fit."""

    def __init__(self, plain_bytes: int, stored_bytes: int, max_bytes: int, reason: str) -> None:
        self.plain_bytes, self.stored_bytes, self.max_bytes, self.reason = plain_bytes, stored_bytes, max_bytes, reason
        super().__init__(
            f"an event of {plain_bytes:,} bytes takes {stored_bytes:,} and may take {max_bytes:,} ({reason}). Mend: "
            "emit less of it, allow more (`max_bytes`), or choose `on_oversize` truncate_field or claim_check."
        )

    def __reduce__(self) -> tuple[type[OversizedEvent], tuple[int, int, int, str]]:
        return OversizedEvent, (self.plain_bytes, self.stored_bytes, self.max_bytes, self.reason)


class BrokenPayload(InputError):
    """Bytes that are no payload of an event, or one that is not to be opened."""

    def __init__(self, problem: str, mend: str) -> None:
        self.problem, self.mend = problem, mend
        super().__init__(f"a payload {problem}. Mend: {mend}.")

    def __reduce__(self) -> tuple[type[BrokenPayload], tuple[str, str]]:
        return BrokenPayload, (self.problem, self.mend)


class CodeRedefinition(InputError):
    """An error code was given a second meaning; codes are permanent."""

    def __init__(self, code: str, first: str, second: str) -> None:
        super().__init__(
            f"error code {code} already means {first!r} and cannot be redefined as {second!r}: codes are permanent. "
            "Mend: choose a number that is not taken."
        )


class SourceError(OnexError, OSError):
    """Bytes could not be read from where they lie."""

    def __init__(self, name: str, problem: str, mend: str) -> None:
        super().__init__(f"{name}: {problem}. Mend: {mend}.")


class VersionError(OnexError, ValueError):
    """Something about a schema version."""


class UnknownVersion(VersionError):
    """A schema version that no chain of upcasters knows."""

    def __init__(self, version: object, known: Iterable[str]) -> None:
        super().__init__(
            f"schema version {version!r} is not known; known are {', '.join(known)}. "
            "Mend: upgrade onex_analytics, or migrate the events where they are written."
        )


class LossyDowncast(VersionError):
    """A downcast would drop fields and was not allowed to."""

    def __init__(self, source: str, target: str, dropped: Iterable[str]) -> None:
        self.dropped = list(dropped)
        super().__init__(
            f"{source} → {target} drops {', '.join(self.dropped)}. "
            "Mend: pass `allow_loss=True` where the consumer can do without them."
        )


class StoreError(OnexError):
    """Something about a store."""


class NotAStore(StoreError, ValueError):
    """A folder that holds something else, or nothing."""

    def __init__(self, uri: str, found: str) -> None:
        super().__init__(
            f"{uri} is not an event store ({found}). "
            "Mend: name the folder that `append` or `onex-analytics ingest` made, or an empty or new folder to begin "
            "one."
        )


class StoreVersionError(StoreError, ValueError):
    """A store written by another, newer layout."""

    def __init__(self, uri: str, found: object, wanted: int) -> None:
        super().__init__(
            f"{uri} has store layout {found}; this onex_analytics reads up to {wanted}. Mend: upgrade onex_analytics."
        )


class StoreConflict(StoreError):
    """Another writer won too often."""

    def __init__(self, uri: str, attempts: int) -> None:
        super().__init__(
            f"{uri}: other writers committed first {attempts} times in a row; nothing of this unit was stored. "
            "Mend: run the same append again; what was stored is skipped."
        )


class StoreFull(StoreError, OSError):
    """The disk is full; what was committed stays readable."""

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(
            f"{uri}: no space left ({problem}); all units committed before are whole and readable. "
            "Mend: make room and run the same append again; what was stored is skipped."
        )


class StoreUnavailable(StoreError, OSError):
    """The files of a store cannot be read or written."""

    def __init__(self, uri: str, problem: str, mend: str) -> None:
        super().__init__(f"{uri}: {problem}. Mend: {mend}.")


class MissingExtra(OnexError, ImportError):
    """An optional part is not installed."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the extra {extra!r}. Mend: pip install 'onex-analytics[{extra}]'")
