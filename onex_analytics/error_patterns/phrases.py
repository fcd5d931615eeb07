"""Words between quotation marks or in brackets, as one word.

What a message quotes is one thing, however many words it has: `failed (timeout)` and `failed (no route to host)` have
as many words then, and are compared place by place. Nothing says that a phrase is a value: it may stay, as a word may.
"""

from __future__ import annotations

import re

import polars as pl

from onex_analytics.error_patterns.masking import BETWEEN, JOIN, MASK

_MOST_WORDS = 12
_MARKS = (('"', '"'), ("'", "'"), ("`", "`"), ("(", ")"), ("[", "]"))


def _phrase(opening: str, closing: str) -> str:
    """A pattern with a group for each word, the first with the mark before it, and one for the mark behind them."""
    word = rf"[^\s{re.escape(opening + closing)}]+"
    more = f"(?: ({word}))?" * (_MOST_WORDS - 2)
    return f"({re.escape(opening)}{word}) ({word}){more}({re.escape(closing)})"


_PHRASES = [_phrase(*marks) for marks in _MARKS]
_ANY_PHRASE = "|".join(_PHRASES)
_JOINED = JOIN.join(f"${{{word}}}" for word in range(1, _MOST_WORDS + 1)) + f"${{{_MOST_WORDS + 1}}}"


def folded(lines: pl.Series) -> pl.Series:
    """Lines whose phrases of up to twelve words are one word each, with `JOIN` where there was a space.

    >>> folded(pl.Series(["read (no route to host)", "disk full"])).str.replace_all(JOIN, "_").to_list()
    ['read (no_route_to_host)', 'disk full']
    """
    has_phrase = lines.str.contains(_ANY_PHRASE)
    if not has_phrase.any():
        return lines
    text = pl.col("line")
    for pattern in _PHRASES:
        text = text.str.replace_all(pattern, _JOINED)
    text = text.str.replace_all(f"{JOIN}+([\"'`)\\]])", "${1}").str.replace_all(f"{JOIN}+", JOIN)
    text = text.str.replace_all(f"([{BETWEEN}]){JOIN}", "${1} ")
    changed = lines.filter(has_phrase).to_frame("line").select(text)["line"]
    return lines.scatter(has_phrase.arg_true(), changed)


def shows_value(token: pl.Expr) -> pl.Expr:
    """Whether masking found that a token is a value; a phrase is one where it has nothing but values."""
    has_word = token.str.contains(rf"[^{BETWEEN}{MASK}{JOIN}]")
    return token.str.contains(MASK, literal=True) & ~(token.str.contains(JOIN, literal=True) & has_word)
