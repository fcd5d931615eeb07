"""A process that appends, to be killed. It is forked from a server that has imported everything and runs no thread.

The server alone warms up (`warm_child`): a test's process loads kernels when it needs them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from onex_analytics import EventStore
from onex_analytics.sources.layout import event_paths
from onex_analytics.sources.scan import PADDING, scan, split_lines
from tests.store.lines import line, small_units

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.store.warm_child"])

Counts = tuple[int, int, int, int]


def warm() -> None:
    """Load the compiled kernels; Polars has started no thread yet."""
    buffer = np.zeros(1000, np.uint8)
    text = line(1)
    buffer[: len(text)] = np.frombuffer(text, np.uint8)
    starts, ends, _ = split_lines(buffer, 0, len(text))
    scan(buffer, starts, ends, event_paths(), (1, 2))
    assert len(buffer) - len(text) > PADDING


def _append(said: Connection, uri: str, log: str, unit_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    small_units(pytest.MonkeyPatch(), unit_bytes)
    said.send("ready")
    try:
        report = EventStore(uri).append(log)
        said.send((report.read, report.stored, report.duplicate, report.rejected))
    except KeyboardInterrupt:
        said.send("interrupted")
    except BaseException:
        said.send(traceback.format_exc())
    os._exit(0)


class Child:
    """One append in a process of its own."""

    def __init__(self, uri: Path, log: Path, unit_bytes: int) -> None:
        self.heard, said = CONTEXT.Pipe(duplex=False)
        self.process = CONTEXT.Process(target=_append, args=(said, str(uri), str(log), unit_bytes))
        self.process.start()
        said.close()
        assert self.heard.recv() == "ready"

    def stop(self, after: float, sign: signal.Signals) -> Counts | None:
        """Send a signal some seconds from now; the counts if it was done by then."""
        self.process.join(after)
        if self.process.exitcode is None:
            assert self.process.pid is not None
            os.kill(self.process.pid, sign)
        return self.counts()

    def counts(self) -> Counts | None:
        """What it read, stored, found again and rejected; None if it was stopped before the end."""
        self.process.join(120)
        assert self.process.exitcode is not None
        try:
            heard = self.heard.recv()
        except EOFError:
            return None
        finally:
            self.heard.close()
            self.process.close()
        assert heard == "interrupted" or isinstance(heard, tuple), heard
        return None if isinstance(heard, str) else heard

    def runs(self) -> bool:
        return self.process.exitcode is None

