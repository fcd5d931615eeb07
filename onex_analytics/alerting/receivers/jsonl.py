"""Pages appended to a file, a JSON object a line, each of them once."""

from __future__ import annotations

import json
import os
from pathlib import Path

from onex_analytics.alerting.notification.pages import Page
from onex_analytics.alerting.receivers.payload import webhook_payload

_LOOKED_BACK = 4 << 20
"""Bytes at the end of the file whose pages are known again after a restart."""


class JsonLines:
    """Appends pages to a file and has it on the disk before it says that a page was taken.

    A page that the file holds already, as far as its last 4 MiB tell, is not written again: a page that is sent once
    more because the program was killed before it could note the first time stands there once. A last line without its
    end, which a kill or a full disk leaves behind, is taken away.

    >>> from tempfile import TemporaryDirectory
    >>> from onex_analytics.alerting import Page
    >>> page = Page(0, "team", "new", "{}:{}", (("node", "a"),), (), ())
    >>> with TemporaryDirectory() as folder:
    ...     tell = JsonLines(Path(folder) / "pages.jsonl")
    ...     tell(page), tell(page)
    ...     len(tell.path.read_text().splitlines())
    (None, None)
    1
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._known: dict[str, None] | None = None

    def __call__(self, page: Page) -> None:
        if self._known is None:
            self._known = self._held()
        if page.page_id in self._known:
            return
        line = json.dumps(webhook_payload(page), ensure_ascii=False, separators=(",", ":")) + "\n"
        data = line.encode("utf-8", "surrogatepass")
        with open(self.path, "ab", buffering=0) as file:
            begin = file.tell()
            try:
                written = file.write(data)
                if written != len(data):
                    raise OSError("the disk is full")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(begin)
                raise
        self._known[page.page_id] = None
        if len(self._known) > 100_000:
            del self._known[next(iter(self._known))]

    def _held(self) -> dict[str, None]:
        """The pages at the end of the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOOKED_BACK))
            tail = file.read()
            whole = tail.rfind(b"\n") + 1
            if whole < len(tail) and (whole or len(tail) == size):
                file.truncate(size - len(tail) + whole)
        known: dict[str, None] = {}
        for line in tail[:whole].splitlines():
            try:
                known[json.loads(line)["pageId"]] = None
            except (ValueError, KeyError, TypeError):
                continue  # the first line may be cut, and others may have written here
        return known
