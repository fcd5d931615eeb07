"""The words of a filter's text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from onex_analytics.exceptions import FilterError

MOST_CHARACTERS = 65_536
"""A filter's text is at most so long."""

_WORDS = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))
    |(?P<duration>(?:[0-9]+(?:ms|[ywdhms]))+(?![A-Za-z0-9_]))
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<path>(?:\$|[A-Za-z_][A-Za-z0-9_]*)
        (?:\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]{1,9}\]|\['(?:[^'])*'\]|\["(?:[^"])*"\])+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>==|!=|<=|>=|<|>|\(|\)|,)""",
    re.VERBOSE | re.ASCII,
)
_MENDS = {
    "=": ("'=' compares nothing", "write =="),
    "<>": ("'<>' is no comparison here", "write !="),
    "&": ("'&' joins nothing", "write and"),
    "|": ("'|' joins nothing", "write or"),
    "!": ("'!' negates nothing", "write not"),
    "~": ("'~' is no test here", "write matches '…' for a regular expression, like '…' for a glob"),
    "'": ("a text does not end", "close it with '; a ' inside is written twice: 'it''s'"),
    '"': ("a text does not end", 'close it with "; a " inside is written twice'),
    "$": ("a path goes on after '$'", "write $.input_state.tenant"),
    "{": ("'{' is none of the words", "leave templates out of filters"),
    "`": ("'`' is none of the words", "write a column's name without quotes"),
    ";": ("';' is none of the words", "a filter is one condition; join several with and, or"),
}
_DASH = ("a '-' stands before a number only", "filters do not reckon; use a kind `expr` for arithmetic")
_RECKONS = dict.fromkeys("+*/%^", ("filters do not reckon", "use a kind `expr` for arithmetic over cells"))


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the text."""

    kind: str
    """number, duration, text, path, name, sign, or end."""
    text: str
    at: int


def words(text: str) -> list[Word]:
    """Cut a filter into its words; the last one says that the text ends.

    Raises:
        FilterError: on a text that is too long, and where no word begins.

    >>> [word.text for word in words("execution_time_ms > 30s")]
    ['execution_time_ms', '>', '30s', '']
    """
    if len(text) > MOST_CHARACTERS:
        problem = f"a filter of {len(text):,} characters; at most {MOST_CHARACTERS:,} are read"
        raise FilterError(text, 0, problem, "put such a list into a dimension of the events, and test that")
    found: list[Word] = []
    at = 0
    while at < len(text):
        match = _WORDS.match(text, at)
        if match is None:
            raise FilterError(text, at, *_refused(text, at))
        kind = match.lastgroup or ""
        if kind == "sign" and text.startswith(("<>", "=>", "=<"), at):
            raise FilterError(text, at, *_MENDS["<>"])
        if kind != "space":
            found.append(Word(kind, match[0], at))
        at = match.end()
    found.append(Word("end", "", at))
    return found


def _refused(text: str, at: int) -> tuple[str, str]:
    letter = text[at]
    if letter in _MENDS:
        return _MENDS[letter]
    if letter in _RECKONS:
        return _RECKONS[letter]
    if letter == "-":
        return _DASH
    if letter.isdigit() or letter == ".":
        return "this is no number", "write one such as 5, 0.05 or 1e6, or a duration such as 30s or 1h30m"
    if letter in "‘’“”„«»":
        return f"{letter!r} is no quotation mark here", "use the straight ones, ' or \""
    return f"{letter!r} is none of the words of a filter", "see the filter language in docs/reference/rule_language.md"
