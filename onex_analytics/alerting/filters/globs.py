"""Globs: `*` stands for any letters, `?` for one, and `\\` before one of them for itself. The whole text must match."""

from __future__ import annotations

import re


def glob_pattern(glob: str) -> str | None:
    r"""The regular expression of a glob, None where it ends in the middle of an escape.

    >>> glob_pattern("TELEMETRY_*_ERROR"), glob_pattern(r"50\*")
    ('^(?s:TELEMETRY_.*_ERROR)$', '^(?s:50\\*)$')
    """
    parts = []
    letters = iter(glob)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, None)
            if escaped is None:
                return None
            parts.append(_escaped(escaped))
        elif letter == "*":
            if not parts or parts[-1] != ".*":  # ** is *
                parts.append(".*")
        else:
            parts.append("." if letter == "?" else _escaped(letter))
    return f"^(?s:{''.join(parts)})$"


def _escaped(letter: str) -> str:
    return "\\" + letter if re.match(r"[\\.+*?()|\[\]{}^$#&~\-]", letter) else letter


def is_glob(text: str) -> bool:
    """Whether a text holds a sign of a glob."""
    return any(sign in text for sign in "*?\\")
