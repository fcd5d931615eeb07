"""What processes do that pair the spans of a store beside a test, and are killed."""

from __future__ import annotations

import os
import signal

from onex_analytics import EventStore
from onex_analytics.store.storage import Table


def keep(uri: str) -> None:
    """Bring the spans up to date."""
    EventStore(uri).spans()


def killed(uri: str, moment: str) -> None:
    """Update the spans, and be killed in the middle of it."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    commit = Table.commit

    def commit_and_die(self: Table, *args: object, **more: object) -> int:
        version = commit(self, *args, **more)  # type: ignore[arg-type]
        die()
        return version

    Table.commit = die if moment == "before the commit" else commit_and_die  # type: ignore[assignment, method-assign]
    if moment == "before the file":
        Table.put = die  # type: ignore[assignment, method-assign]
    EventStore(uri).spans()
