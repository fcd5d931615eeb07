"""Events that will not be exported are told of: to whoever asked, else by a warning."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from onex_analytics.batching.backlog import DROP_REASONS, DropReason

OnDropped = Callable[[list[Any], DropReason, BaseException | None], None]
"""Called with the events, why they are lost (a word of `DROP_REASONS`), and the error where one is the cause."""

_log = logging.getLogger(__name__)


class Losses:
    """Tells `on_dropped` of what is lost; without one, the first loss of each kind is a warning.

    >>> Losses(lambda events, reason, error: print(reason, events)).tell([(["a"], "full", None)])
    full ['a']
    """

    def __init__(self, on_dropped: OnDropped | None) -> None:
        self._on_dropped = on_dropped
        self._warned: set[str] = set()

    def tell(self, lost: Iterable[tuple[list[Any], DropReason, BaseException | None]]) -> None:
        """Tell of these. An error of `on_dropped` itself is logged: whoever adds an event does not see it."""
        for events, reason, error in lost:
            if self._on_dropped is not None:
                try:
                    self._on_dropped(events, reason, error)
                except Exception:
                    _log.exception("on_dropped failed for %d events that were dropped (%s)", len(events), reason)
            elif reason not in self._warned:
                self._warned.add(reason)
                _log.warning(
                    "%d events dropped: %s%s. Said once for each reason; `counts()` has all. "
                    "Mend: pass `on_dropped` to keep them elsewhere.",
                    len(events), DROP_REASONS[reason], f" ({error!r})" if error is not None else "",
                )  # fmt: skip
