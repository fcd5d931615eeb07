"""A collected frame as an HTML table: numbers as people write them, all text escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl


class Column(NamedTuple):
    """How one column of a frame is shown."""

    name: str
    title: str
    form: str = "text"
    """text, word, code, count, ms, share, time, seconds, number, list, flag, whom, rule, hours, duration"""
    link: str = ""
    """The column that says where a click on the value leads; "" for nowhere."""


_RIGHT = {"count", "ms", "share", "seconds", "number", "duration"}
_WHOLE = {"time", "list", "word"}
"""Never broken over lines."""


def html_table(frame: pl.DataFrame, columns: Sequence[Column], *, caption: str, empty: str) -> str:
    """The rows of `frame` as an HTML table, or a paragraph that says why there are none.

    >>> html_table(pl.DataFrame({"n": [1200]}), [Column("n", "events", "count")], caption="c", empty="-").count("1,200")
    1
    """
    if frame.is_empty():
        return f'<p class="empty">{html.escape(empty)}</p>'
    links = [c.link or c.name for c in columns]
    head = "".join(f'<th scope="col"{_class(c)}>{html.escape(c.title)}</th>' for c in columns)
    rows = frame.select([c.name for c in columns]).rows()
    addresses = frame.select([pl.col(name).alias(str(place)) for place, name in enumerate(links)]).rows()
    body = "\n".join(
        "<tr>" + "".join(
            f"<td{_class(c)}>{_linked(shown(value, c.form), target if c.link else None)}</td>"
            for value, target, c in zip(row, targets, columns, strict=True)
        ) + "</tr>"
        for row, targets in zip(rows, addresses, strict=True)
    )  # fmt: skip
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table>'
        f"<caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def html_facts(values: Mapping[str, tuple[object, str]]) -> str:
    """Tiles of one number each: title → (value, form)."""
    tiles = "".join(
        f"<div><dt>{html.escape(title)}</dt><dd>{shown(value, form)}</dd></div>"
        for title, (value, form) in values.items()
    )
    return f'<dl class="facts">{tiles}</dl>'


def shown(value: object, form: str) -> str:
    """One value as safe HTML.

    >>> shown(0.00423, "share"), shown(1234.6, "ms"), shown("<b>", "text"), shown(None, "count")
    ('0.42 %', '1,235', '&lt;b&gt;', '–')
    """
    if form == "code":
        return "–" if value is None else f"<code>{html.escape(str(value))}</code>"
    return html.escape(plain(value, form))


def plain(value: object, form: str) -> str:
    """One value as people write it.

    >>> plain(0.25, "duration"), plain(1500, "duration"), plain(9_000_000.0, "duration")
    ('0.25 ms', '1.50 s', '2.50 h')
    """
    match value:
        case None:
            return {"whom": "all nodes", "rule": "all rules together"}.get(form, "–")
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case list() if form == "hours":
            return ", ".join(f"{item / 3_600_000:+.4g} h" for item in value) or "–"
        case list():
            return ", ".join(str(item) for item in value) or "–"
        case int() | float() if form == "share":
            return f"{value * 100:.{_decimals(value * 100)}f} %"
        case int() | float() if form == "seconds":
            return _length(float(value))
        case int() | float() if form == "duration":
            return _length(value / 1000) if abs(value) >= 1000 else f"{value:,.{_decimals(value)}f} ms"
        case int() | float() if form == "count":
            return f"{value:,.0f}"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.{_decimals(value)}f}"
    return str(value)


def _linked(text: str, target: object) -> str:
    return text if target is None else f'<a href="{html.escape(str(target))}">{text}</a>'


def _decimals(number: float) -> int:
    """Three digits that tell something: 0.423, 4.23, 42.3, 423."""
    size = abs(number)
    return 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 0.1 else 3


def _length(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.{_decimals(seconds / length)}f} {unit}"
    return f"{seconds:,.{_decimals(seconds)}f} s"


def _class(column: Column) -> str:
    return ' class="number"' if column.form in _RIGHT else ' class="whole"' if column.form in _WHOLE else ""
