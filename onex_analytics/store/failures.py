"""What the disk, the network and the log say when something fails, in our words; and trying again after a lost race."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import polars as pl
from deltalake.exceptions import DeltaError

from onex_analytics.exceptions import StoreConflict, StoreError, StoreFull, StoreUnavailable

Result = TypeVar("Result")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SAYS_FULL = re.compile(r"no space left|quota exceeded|file too large|os error (?:28|27|122)\b", re.I)
_SAYS_FORBIDDEN = re.compile(
    r"permission denied|read-only file system|operation not permitted|access ?denied|forbidden|signaturedoesnotmatch"
    r"|invalidaccesskeyid|os error (?:13|30|1)\b",
    re.I,
)
_RUST_OS = re.compile(r'(?:Error: )?Os \{ code: \d+, kind: \w+, message: "([^"]*)" \}')
"""How Rust writes an error of the system where nobody wrote a message."""
_LONGEST = 400
_SAYS_UNREACHABLE = re.compile(
    r"nosuchbucket|error sending request|connection refused|credential|timed out|dns error", re.I
)


class Lost(Exception):
    """Another writer committed first; nothing of this commit is visible."""


def retry_lost(uri: str, attempt: Callable[[], Result], *, attempts: int = 60) -> Result:
    """Call `attempt()` until it is not `Lost`, with a pause that grows.

    Raises:
        StoreConflict: it was lost each time.
    """
    for number in range(attempts):
        try:
            return attempt()
        except Lost:
            time.sleep(min(0.01 * 1.5**number, 1.0))
    raise StoreConflict(uri, attempts)


@contextmanager
def in_our_words(uri: str) -> Iterator[None]:
    """Raise what Delta, Polars and the system say inside as an error of ours, with its mend."""
    try:
        yield
    except (StoreError, Lost):
        raise
    except (OSError, DeltaError, pl.exceptions.PolarsError) as problem:
        raise translated(uri, problem) from problem


def translated(uri: str, problem: BaseException) -> StoreError:
    """An error of ours for one of the system's."""
    text, whole = said(problem), str(problem)
    if getattr(problem, "errno", None) in _FULL or _SAYS_FULL.search(whole):
        return StoreFull(uri, text)
    if _SAYS_FORBIDDEN.search(whole):
        mend = "give yourself the right to it, or name another place"
        return StoreUnavailable(uri, f"may not be read or written ({text})", mend)
    if _SAYS_UNREACHABLE.search(whole):
        mend = "check the address, the network and the keys (`storage_options`, or AWS_… in the environment)"
        return StoreUnavailable(uri, f"cannot be reached ({text})", mend)
    return StoreUnavailable(uri, text, "check the disk, then run it again; what was committed stays whole")


def said(problem: BaseException) -> str:
    """The first lines of a message, without the trace of another language behind it."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d*m", "", str(problem)).splitlines()]
    told = " ".join(line for line in lines if line and not re.match(r"\d+: ", line))
    told = _RUST_OS.sub(r"\1", told)
    if len(told) > _LONGEST:
        told = told[:_LONGEST].rpartition(" ")[0].rstrip(",;") + " …"
    return told.rstrip(".") or type(problem).__name__
