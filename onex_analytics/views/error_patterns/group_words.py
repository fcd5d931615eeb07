"""What groups of errors are called in a figure, and what is told of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from onex_analytics.views.groups import count
from onex_analytics.views.theme import label

_NAMELESS = "no code, type or message"
_MOST_NAMES = 5
_KINDS = (("failures", "failed"), ("soft_failures", "failed softly"), ("log_entries", "logged"))


def title_of(row: Mapping[str, Any]) -> str:
    """What a group is called.

    >>> title_of({"title": "lost <NUMBER> rows"}), title_of({"title": ""})
    ('lost <NUMBER> rows', 'no code, type or message')
    """
    return str(row["title"] or _NAMELESS)


def moment_of(at: datetime | None) -> str:
    """A time, to the minute.

    >>> moment_of(datetime(2026, 11, 2, 12, 5)), moment_of(None)
    ('02 Nov 2026 12:05', 'unknown')
    """
    return "unknown" if at is None else f"{at:%d %b %Y %H:%M}"


def some_of(names: Sequence[str | None] | None, one: str) -> str:
    """The first of many names, escaped, and how many more there are.

    >>> some_of(["a", "<b>"], "node"), some_of([], "node"), some_of(list("abcdefgh"), "node")
    ('2 nodes: a, &lt;b&gt;', '', '8 nodes: a, b, c, d, e and 3 more')
    """
    kept = list(names or [])
    if not kept:
        return ""
    more = f" and {len(kept) - _MOST_NAMES:,} more" if len(kept) > _MOST_NAMES else ""
    return f"{count(len(kept), one)}: {', '.join(label(name, 40) for name in kept[:_MOST_NAMES])}{more}"


def told_of(row: Mapping[str, Any]) -> str:
    """All that a row of `group_errors` tells, escaped, for the text beside the pointer."""
    kinds = ", ".join(f"{row[name]:,} {word}" for name, word in _KINDS if row[name])
    touched = count(row["traces"], "trace") if row["traces"] is not None else ""
    sampled = f"; they stand for {row['weight']:,.0f}" if round(row["weight"]) != row["errors"] else ""
    lines = [
        f"<b>{label(title_of(row), 100)}</b>",
        f"{count(row['errors'], 'error')}, {row['share']:.2%} of all{f' ({kinds})' if kinds else ''}{sampled}",
        f"one group by its {label(row['fingerprint_basis'])}: {label(row['fingerprint_text'], 90)}"
        if row["fingerprint_text"] else f"grouped by: {label(row['fingerprint_basis'])}",
        f"first seen {moment_of(row['first_seen'])}, last {moment_of(row['last_seen'])}",
        ", ".join(filter(None, [touched, count(row["templates"], "template")])),
        some_of(row["nodes"], "node"),
        some_of(row["node_versions"], "version"),
        f"such as: {label(row['example'], 100)}" if row["example"] else "",
    ]  # fmt: skip
    return "<br>".join(filter(None, lines))
