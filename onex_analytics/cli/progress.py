"""Progress on a terminal: bytes, rate and time left, on standard error, for what takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 2.0
Tell = Callable[[int, int | None, int], None]


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Gives `tell(done_bytes, total_bytes, rows)`; shows nothing where standard error is no terminal.

    Nothing is shown in the first two seconds either: quick work stays quiet.
    """
    if not sys.stderr.isatty():
        yield lambda done, total, rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[rows]:,} rows"), console=Console(stderr=True), transient=True,
    )  # fmt: skip
    task = bar.add_task(what, total=None, rows=0)
    begin = threading.Timer(PATIENCE_S, bar.start)
    begin.daemon = True
    begin.start()
    try:
        yield lambda done, total, rows: bar.update(task, completed=_so_far(done, total), total=total, rows=rows)
    finally:
        begin.cancel()
        begin.join()
        bar.stop()


def _so_far(done: int, total: int | None) -> int:
    """Bytes as far as the bar may show them: what is read ahead is not stored yet, so it is never full before its end.

    >>> _so_far(500, 1000), _so_far(1000, 1000), _so_far(7, None)
    (500, 990, 7)
    """
    return done if total is None else min(done, total * 99 // 100)


def reading() -> str:
    """What to say of the reading of logs."""
    from onex_analytics.sources.scan import is_compiled

    return "reading" if is_compiled() else "compiling the reader, this once, then reading"


@contextmanager
def growing(path: Path, what: str, total: int | None = None) -> Iterator[None]:
    """The progress of work that only shows in the size of the file it writes."""
    done = threading.Event()

    def watch(tell: Tell) -> None:
        while not done.wait(0.25):
            tell(path.stat().st_size if path.exists() else 0, total, 0)

    with progress(what) as tell:
        watcher = threading.Thread(target=watch, args=(tell,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


@contextmanager
def busy(what: str) -> Iterator[None]:
    """A sign of life for work whose length nobody knows, with the time it has taken so far."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    line = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    line.add_task(what, total=None)
    begin = threading.Timer(PATIENCE_S, line.start)
    begin.daemon = True
    begin.start()
    try:
        yield
    finally:
        begin.cancel()
        begin.join()
        line.stop()


