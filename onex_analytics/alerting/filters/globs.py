"""Globs: `*` stands for any letters, `?` for one, and `\\` before one of them for itself. The whole text must match."""

from __future__ import annotations

import re


def glob_pattern(glob: str) -> str | None:
    r"""The regular expression of a glob, None where it ends in the middle of an escape.

    >>> glob_pattern("TELEMETRY_*_ERROR"), glob_pattern(r"50\*")
    ('^(?s:TELEMETRY_.*_ERROR)$', '^(?s:50\\*)$')
    """
    pieces = _pieces(glob)
    return None if pieces is None else f"^(?s:{'.*'.join(pieces)})$"


def glob_matcher(glob: str) -> re.Pattern[str]:
    """The same for Python's engine, which has to be kept from trying all ways to part a text among the `*`: each piece
    is taken where it first stands, for good."""
    first, *others = _pieces(glob) or [""]
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle) + ".*" + last, re.DOTALL)


def _pieces(glob: str) -> list[str] | None:
    """What stands between the `*`, as regular expressions."""
    pieces = [""]
    letters = iter(glob)
    for letter in letters:
        if letter == "*":
            pieces.append("")
        elif letter == "\\":
            escaped = next(letters, None)
            if escaped is None:
                return None
            pieces[-1] += _escaped(escaped)
        else:
            pieces[-1] += "." if letter == "?" else _escaped(letter)
    return [pieces[0], *(piece for piece in pieces[1:-1] if piece), *pieces[1:][-1:]]  # ** is *


def _escaped(letter: str) -> str:
    return "\\" + letter if re.match(r"[\\.+*?()|\[\]{}^$#&~\-]", letter) else letter


def is_glob(text: str) -> bool:
    """Whether a text holds a sign of a glob."""
    return any(sign in text for sign in "*?\\")
