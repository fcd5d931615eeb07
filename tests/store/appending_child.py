"""A process that appends, to be killed: `python -m tests.store.appending_child STORE LOG UNIT_BYTES`."""

from __future__ import annotations

import sys

import pytest

from onex_analytics import EventStore
from tests.store.lines import small_units


def main(uri: str, log: str, unit_bytes: str) -> None:
    small_units(pytest.MonkeyPatch(), int(unit_bytes))
    print("ready", flush=True)  # noqa: T201
    try:
        report = EventStore(uri).append(log)
    except KeyboardInterrupt:
        sys.exit(130)
    print(report.read, report.stored, report.duplicate, report.rejected, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
