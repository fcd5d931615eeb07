"""Values in a message that show by their form that they are values: addresses, paths, numbers and the like.

All are found by one pattern in one pass, specific forms before general ones, and replaced by one character; which
kind each was is asked only of the few lines where it matters. The patterns know forms, never a word of any log.
Rust's regular expressions run in linear time, whatever the message.
"""

from __future__ import annotations

import polars as pl

ANY = "<*>"
"""How a value of no one kind is written in a template."""

MASK = "\x1a"
"""Stands for a value in masked text: the control character "substitute"."""

JOIN = "\x1c"
"""Stands for a space within a phrase: the control character "file separator"."""

NAME = ("\x1d", "\x1e")
"""Stand for the angle brackets of a part of a name, such as `Reader.<init>`."""

LONGEST = 4096
"""Characters of a message that are read; what follows is one value."""

_EDGE = r"(?-u:\b)"
_HEX = "[0-9a-fA-F]"
_DAY, _MONTH = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_UNIT = r"(?:[nuµm]s|sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|days?|[smhd]|milliseconds|microseconds)"
_NUMBER = r"\d+(?:[.,]\d+)*"

FORMS: dict[str, str] = {
    "URL": r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s\"'<>\[\]{}|,;()]*",
    "EMAIL": r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+",
    "UUID": rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
    "PATH": r"(?:[A-Za-z]:\\|\\\\)[\w.\-\\$]+|[\w.~\-]*(?:/[\w.\-@+~%#$&]+){2,}/?",
    "IP": rf"(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?::\d+{_EDGE})?",
    "HEX": rf"0[xX]{_HEX}+|{_EDGE}(?:{_HEX}{{2,}}:){{3,}}{_HEX}+|{_EDGE}{_HEX}{{8,}}{_EDGE}",
    "TIME": (
        rf"(?:{_DAY},? )?{_MONTH} +\d{{1,2}} \d\d:\d\d:\d\d(?: [A-Z]{{3,4}})?(?: \d{{4}})?"
        rf"|\d\d?:\d\d:\d\d(?:[.,]\d+)?{_EDGE}"
    ),
    "HOST": rf"[A-Za-z][\w\-]*(?:\.[\w\-]+)*:\d{{1,5}}{_EDGE}|[A-Za-z][\w\-]*\[\d+(?:[\-,]\d+)+\]",
    "DURATION": rf"<?{_NUMBER} ?{_UNIT}{_EDGE}",
    "SIZE": rf"{_NUMBER} ?[KMGTP]?i?B{_EDGE}",
    "NUMBER": r"[-+]?\d(?:[\w.:\-]*\w)?%?",
    "WORD": rf"{_EDGE}(?:[Tt]rue|[Ff]alse|TRUE|FALSE|null|None){_EDGE}",
}
"""The form of each kind of value; of two that begin at one place, the one named first is taken."""

CODE = rf"ONEX_[A-Z]+(?:_[A-Z]+)*_\d{{3}}(?:_[A-Z0-9]+)*|{_EDGE}(?:SC|FS)\d{{3}}{_EDGE}"
"""An error code in a message: no value, though it has digits."""

_CODE_PLACE = "\x1b"

VALUE = "|".join(f"(?:{form})" for form in FORMS.values())

BETWEEN = r"\s=:,;()\[\]{}\"'`|<>"
"""What parts one word of a message from the next, as the inside of a character class."""

TOKEN = f"[^{BETWEEN}]*[{BETWEEN}]+|[^{BETWEEN}]+"
"""A word with all that parts it from the next one."""


_PADDED = rf"{MASK}={{1,2}}([\s>,;:)\]}}]|$)"
"""The end of a value in base 64."""

_ITEM = rf"[\"']?[\w.\-/@+{MASK}]+[\"']?"
_LIST = rf"([\[({{]){_ITEM}(?:, ?{_ITEM})+([\])}}])"
"""Words with commas in brackets."""


def masked(messages: pl.Series) -> pl.Series:
    """The messages with each value replaced by `MASK`, and nothing else changed but a length over `LONGEST`.

    The first error code of a message stays.

    >>> texts = pl.Series(["user 17 from 10.0.0.8", "[SC001] see https://a.org/b?c=1, then /var/log/x.log"])
    >>> [text.replace(MASK, ANY) for text in masked(texts)]
    ['user <*> from <*>', '[SC001] see <*>, then <*>']
    """
    message = pl.col("m")
    too_long = message.str.len_bytes() > LONGEST
    read = pl.when(too_long).then(message.str.head(LONGEST) + f" {MASK}").otherwise(message)
    texts = messages.to_frame("m").select(read)
    if not texts["m"].str.contains(CODE).any():
        return texts.select(message.str.replace_all(VALUE, MASK))["m"]
    code = message.str.extract(f"({CODE})")
    kept = message.str.replace(CODE, _CODE_PLACE).str.replace_all(VALUE, MASK)
    kept = kept.str.replace(_CODE_PLACE, code, literal=True)
    return texts.select(pl.when(code.is_null()).then(message.str.replace_all(VALUE, MASK)).otherwise(kept))["m"]


def tidied(text: pl.Expr) -> pl.Expr:
    """Masked text with one space where there were several, and one value in empty brackets and for a list.

    A list is values that follow each other, or any words with commas in brackets.

    >>> pl.DataFrame({"t": ["a  b", "tags [x, y.z]", "f()"]}).select(tidied(pl.col("t")))["t"].to_list()
    ['a b', 'tags [\\x1a]', 'f()']
    """
    return (
        text.str.replace_all(r"\s+", " ")
        .str.strip_chars(" ")
        .str.replace_all(r"(^| )\(\)", f"${{1}}({MASK})")
        .str.replace_all(r"([\w.$])<(\w+)>", f"${{1}}{NAME[0]}${{2}}{NAME[1]}")
        .str.replace_all(_PADDED, f"{MASK}${{1}}")
        .str.replace_all(_LIST, f"${{1}}{MASK}${{2}}")
        .str.replace_all(f"{MASK}(?:[ ,;]+{MASK})+", MASK)
    )


def generalized(text: pl.Expr) -> pl.Expr:
    """What a template is known by: whole words for values, and one value where several follow each other."""
    return (
        text.str.replace_all(JOIN, " ", literal=True)
        .str.replace_all(NAME[0], "<", literal=True)
        .str.replace_all(NAME[1], ">", literal=True)
        .str.replace_all(rf"[\w\-]*{MASK}[\w\-{MASK}]*", MASK)
        .str.replace_all(f"{MASK}(?:[ ,;]+{MASK})+", MASK)
        .str.strip_chars(" ")
    )
