"""Whose work is this? The correlation that events created here and now belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from uuid import uuid4

from onex_analytics.model.upcasters import hex_trace_id


@dataclass(frozen=True, slots=True)
class Correlation:
    """The three ids that link an event into its trace."""

    correlation_id: str
    parent_correlation_id: str | None
    trace_id: str                            # 32 lower-case hex digits unless one was given


_CURRENT: ContextVar[Correlation | None] = ContextVar("onex_correlation", default=None)


def current_correlation() -> Correlation | None:
    """The innermost scope that is open here, or None.

    >>> current_correlation() is None
    True
    """
    return _CURRENT.get()


@contextmanager
def correlation_scope(
    correlation_id: str | None = None, *, parent_correlation_id: str | None = None, trace_id: str | None = None
) -> Iterator[Correlation]:
    """Let the events created inside belong to one correlation; a scope inside another is its child.

    Works in functions, coroutines and tasks alike (a `contextvars` context is copied into each task; for a thread,
    run it with `contextvars.copy_context().run`). Entering the scope that is open already changes nothing.

    Args:
        correlation_id: a fresh UUID by default.
        parent_correlation_id: by default the enclosing scope's; give it to go on with what another process began.
        trace_id: by default the enclosing scope's, and for a root its correlation id as 16 bytes of hex.

    >>> with correlation_scope("a65ec2bf-0db4-4ef1-ade7-c645e5933dc8") as outer:
    ...     with correlation_scope() as inner:
    ...         inner.parent_correlation_id == outer.correlation_id, inner.trace_id
    (True, 'a65ec2bf0db44ef1ade7c645e5933dc8')
    """
    own = correlation_id if correlation_id is not None else str(uuid4())
    scope, token = enter_correlation(own, parent_correlation_id, trace_id)
    try:
        yield scope
    finally:
        leave_correlation(token)


def enter_correlation(
    own: str, parent: str | None = None, trace: str | None = None
) -> tuple[Correlation, Token[Correlation | None]]:
    """What `correlation_scope` does at its begin, for those who cannot afford a context manager.

    Hand the token to `leave_correlation` in the same context, whatever happens.
    """
    outer = _CURRENT.get()
    if outer is not None:
        again = outer.correlation_id == own
        parent = parent or (outer.parent_correlation_id if again else outer.correlation_id)
        trace = trace or outer.trace_id
    scope = Correlation(own, parent, trace or hex_trace_id(parent or own))
    return scope, _CURRENT.set(scope)


def leave_correlation(token: Token[Correlation | None]) -> None:
    """Go back to the scope that was open before `enter_correlation`."""
    _CURRENT.reset(token)
