"""What is shown of a result: a few facts, small tables, what was left out, and the figure where it says more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from onex_analytics.views.sizing.byte_counts import told as byte_text
from onex_analytics.views.tables import Column, plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_ROWS = 6
MOST_ITEMS = 6
LONGEST_TEXT = 160
LONGEST_CODE = 6_000


@dataclass(frozen=True)
class CardTable:
    """The first rows of a frame.

    Attributes:
        name: where all of it is, such as `.alerts`, an attribute; "" for one that is told whole.
        frame: the rows, as a result holds them: only the first `most` are read.
        columns: what is shown of them.
        empty: what is said where there is no row.
        order: which rows these are, such as "the most frequent first".
        rows: how many there are, where `frame` is only the first of them.
        most: rows that are shown.
    """

    name: str
    frame: pl.DataFrame
    columns: Sequence[Column]
    empty: str = "none"
    order: str = ""
    rows: int | None = None
    most: int = MOST_ROWS

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.frame.height if self.rows is None else self.rows

    @property
    def caption(self) -> str:
        """Where the whole frame is, and how much of it is shown."""
        if self.height <= self.most:
            return self.name
        shown = f"{self.most:,} of {self.height:,} rows"
        return ": ".join(part for part in (self.name, shown + (f", {self.order}" if self.order else "")) if part)

    def cells(self) -> list[list[tuple[str, str]]]:
        """Of each row that is shown the texts, beside the form of their column."""
        rows = self.frame.select([column.name for column in self.columns]).head(self.most).rows()
        return [[(told(value, c.form), c.form) for value, c in zip(row, self.columns, strict=True)] for row in rows]


@dataclass(frozen=True)
class Card:
    """What is shown of one object.

    Attributes:
        title: its class, as a reader knows it.
        lead: one sentence, or "".
        facts: title → (value, form of `views.tables.plain`).
        tables: the first rows of its frames.
        left_out: what is not in the numbers, a sentence each.
        code: a text as a file has it, such as YAML; "" for none.
        figure: draws what people would rather look at; None where there is nothing.
    """

    title: str
    lead: str = ""
    facts: Mapping[str, tuple[object, str]] = field(default_factory=dict)
    tables: Sequence[CardTable] = ()
    left_out: Sequence[str] = ()
    code: str = ""
    figure: Callable[[], go.Figure] | None = None


def told(value: object, form: str = "text") -> str:
    """One value as people write it, short enough for a cell.

    >>> told([{"name": "node", "value": "router"}, {"name": "host", "value": "onex-03"}])
    'node=router, host=onex-03'
    >>> told(list(range(100))), told({"full": 3}), told("x" * 200)[-8:]
    ('0, 1, 2, 3, 4, 5 and 94 more', 'full=3', 'xxxxxxx…')
    """
    match value:
        case bytes():
            return f"{len(value):,} bytes"
        case list() | tuple() if form != "hours":
            items = [_item(item) for item in value[:MOST_ITEMS]]
            more = f" and {len(value) - MOST_ITEMS:,} more" if len(value) > MOST_ITEMS else ""
            return short(", ".join(items) + more) if items else "–"
        case Mapping():
            pairs = [f"{key}={told(one)}" for key, one in list(value.items())[:MOST_ITEMS]]
            return short(", ".join(pairs) + (", …" if len(value) > MOST_ITEMS else "")) if pairs else "–"
        case int() | float() if form == "bytes":
            return byte_text(value)
    return short(plain(value, form))


def short(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text for one cell: in one line, without signs that move a cursor, cut where it is too long.

    >>> short("a\\nb\\x1b[31m"), short("abcdef", 4)
    ('a b\\\\x1b[31m', 'abc…')
    """
    line = " ".join(text[: 4 * longest].split())
    seen = printable(line)
    return seen if len(seen) <= longest else seen[: longest - 1] + "…"


def printable(line: str) -> str:
    """A line whose signs all show: others are written as Python writes them."""
    return line if line.isprintable() else "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)


def shortened(code: str) -> tuple[str, int]:
    """The first lines of a text that may be long, and how many more there are.

    >>> shortened("a\\nb"), shortened("line\\n" * 2000)[1]
    (('a\\nb', 0), 800)
    """
    if len(code) <= LONGEST_CODE:
        return code.rstrip("\n"), 0
    kept = code[:LONGEST_CODE].rpartition("\n")[0] or code[:LONGEST_CODE]
    return kept, code.rstrip("\n").count("\n") - kept.count("\n")


def _item(item: object) -> str:
    if isinstance(item, Mapping) and set(item) == {"name", "value"}:
        return f"{item['name']}={item['value']}"
    return told(item) if isinstance(item, Mapping | list | tuple) else plain(item, "text")
