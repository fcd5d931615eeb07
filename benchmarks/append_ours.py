"""One append into an empty store: `python -m benchmarks.append_ours LOG STORE`."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from benchmarks.timed import timed
from onex_analytics.store import EventStore

log, folder = sys.argv[1:]
shutil.rmtree(folder, ignore_errors=True)
store = EventStore(folder)


def append() -> dict[str, Any]:
    report = store.append(log)
    assert report.read == report.stored + report.duplicate + report.rejected
    return {
        "read": report.read, "stored": report.stored, "duplicate": report.duplicate, "rejected": report.rejected,
        "conflicts": report.rejected_by_reason.get("conflict", 0), "clocks": report.repaired.get("clock", 0),
    }  # fmt: skip


timed(append)
