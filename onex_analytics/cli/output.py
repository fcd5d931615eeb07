"""How results leave a command: a table for people, `--json` or `--csv` for programs, `--out` into a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.exceptions import InvalidOption, SourceError

if TYPE_CHECKING:
    import polars as pl

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Write to this file: .json, .jsonl, .csv or .parquet by its name, else a table."),
]
StoreOption = Annotated[
    str, typer.Option("--store", envvar="ONEX_ANALYTICS_STORE", help="The store: a folder, or an s3:// address.")
]
store_by_hand: ContextVar[str | None] = ContextVar("store_by_hand", default=None)
"""The store where the command itself names one. Files win over a store that only the environment names, and over no
other; by the time that a command reads them, it no longer knows which it was."""


def _note_store(context: typer.Context, value: str | None) -> str | None:
    source = context.get_parameter_source("store")
    store_by_hand.set(value if source is not None and source.name == "COMMANDLINE" else None)
    return value


StoreOrFiles = Annotated[
    str | None,
    typer.Option(
        "--store", envvar="ONEX_ANALYTICS_STORE", help="The store: a folder, or an s3:// address.",
        callback=_note_store,
    ),
]  # fmt: skip


_FORMS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Output:
    """Where a result goes, and how."""

    as_json: bool = False
    as_csv: bool = False
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.as_json and self.as_csv:
            raise InvalidOption("--json and --csv", "both", "one of them")
        named = _FORMS.get(self.out.suffix.lower()) if self.out else None
        if named is not None and named != self.form:
            wanted = f"a name that ends in .{self.form}, or no --{self.form}"
            raise InvalidOption("--out", str(self.out), wanted)

    @property
    def form(self) -> str:
        """table, json, jsonl, csv or parquet."""
        if self.as_json:
            return "json"
        if self.as_csv:
            return "csv"
        return _FORMS.get(self.out.suffix.lower(), "table") if self.out else "table"

    def frame(self, frame: pl.DataFrame, title: str = "") -> None:
        """Write rows: JSON is a list of objects."""
        match self.form:
            case "parquet":
                assert self.out is not None
                with writing(self.out):
                    frame.write_parquet(self.out)
            case "json":
                self._text(json.dumps(frame.to_dicts(), indent=1, default=_plain) + "\n")
            case "jsonl":
                self._text("".join(json.dumps(row, default=_plain) + "\n" for row in frame.iter_rows(named=True)))
            case "csv":
                self._text(_flat(frame).write_csv())
            case _:
                self._table(frame, title)

    def facts(self, facts: Mapping[str, Any], title: str = "") -> None:
        """Write one thing of many properties: JSON is one object, else a row a property."""
        if self.form == "json":
            self._text(json.dumps(dict(facts), indent=1, default=_plain) + "\n")
            return
        import polars as pl

        rows = [(name, shown(value)) for name, value in _leaves(facts)]
        self.frame(pl.DataFrame(rows, schema={"what": pl.String, "value": pl.String}, orient="row"), title)

    def _table(self, frame: pl.DataFrame, title: str) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False, box=None)
        for name, dtype in frame.schema.items():
            numeric = dtype.is_numeric()
            table.add_column(Text(name), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
        for row in frame.iter_rows():
            table.add_row(*(Text(shown(value)) for value in row))
        if self.out is not None:
            with writing(self.out), self.out.open("w", encoding="utf-8") as file:
                Console(file=file, width=_WIDE).print(table)
        else:
            Console(width=None if sys.stdout.isatty() else _WIDE).print(table)

    def _text(self, text: str) -> None:
        if self.out is not None:
            write_text(self.out, text)
        else:
            sys.stdout.write(text)


_WIDE = 250
"""Columns where nobody's terminal sets a limit: a file, a pipe."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Where the file cannot be written, the block ends in a `SourceError` that says why."""
    try:
        yield
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise SourceError(str(path), problem, "name another file, in a folder that is there and is yours") from error


def write_text(path: Path, text: str | bytes) -> None:
    """Write a file, or say why that cannot be."""
    with writing(path):
        path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)


def say(line: str) -> None:
    """A remark for people, beside the result: on standard error."""
    print(line, file=sys.stderr)


def shown(value: object) -> str:
    """One value as people write it.

    >>> shown(1234567), shown(0.012345), shown(None), shown([1, 2])
    ('1,234,567', '0.01235', '–', '1, 2')
    """
    from datetime import datetime

    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case list() | tuple():
            return ", ".join(shown(item) for item in value) or "–"
    return str(value)


def _leaves(facts: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found += _leaves(value, f"{before}{name}: ")
        else:
            found.append((f"{before}{name}", value))
    return found


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """CSV has no lists: they become text, with a bar between."""
    import polars as pl

    lists = [name for name, dtype in frame.schema.items() if dtype.base_type() == pl.List]
    raw = [name for name, dtype in frame.schema.items() if dtype == pl.Binary]
    return frame.with_columns(
        *(pl.col(name).cast(pl.List(pl.String)).list.join(" | ") for name in lists),
        *(pl.col(name).map_elements(lambda b: b.decode("utf-8", "replace"), pl.String) for name in raw),
    )


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else str(value)
