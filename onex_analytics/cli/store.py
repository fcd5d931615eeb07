"""`onex-analytics store …`: look into a store and keep it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.inputs import open_store, store_of
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOption, StoreOrFiles, say
from onex_analytics.cli.progress import busy, growing
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look into a store and keep it.")
dimensions = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Columns lifted out of the metadata.")
app.add_typer(dimensions, name="dimensions")

Since = Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Only events before this time.")]


@app.command()
def info(store: StoreOption, as_json: AsJson = False, as_csv: AsCsv = False, out: Out = None) -> None:
    """Size, time span, version, layout and dimensions at a glance."""
    Output(as_json, as_csv, out).facts(open_store(store).info())


@app.command()
def history(store: StoreOption, as_json: AsJson = False, as_csv: AsCsv = False, out: Out = None) -> None:
    """One row a version, the newest first."""
    Output(as_json, as_csv, out).frame(open_store(store).history())


@app.command()
def compact(store: StoreOption, as_json: AsJson = False, as_csv: AsCsv = False, out: Out = None) -> None:
    """Rewrite small files as few large ones. Old versions stay readable until `vacuum`."""
    output = Output(as_json, as_csv, out)
    with busy("compacting"):
        done = open_store(store).compact()
    output.facts(done)


@app.command()
def vacuum(
    store: StoreOption,
    full: Annotated[bool, typer.Option("--full", help="Also files that were never committed.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Delete files that no recent version needs."""
    output = Output(as_json, as_csv, out)
    with busy("deleting"):
        done = open_store(store).vacuum(full=full)
    output.facts(done)


@app.command()
def retain(
    store: StoreOption,
    before: Annotated[str, typer.Option(help="Forget events older than this time, such as 2026-01-01.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Forget events older than a time."""
    output = Output(as_json, as_csv, out)
    with busy("forgetting"):
        done = open_store(store).retain(before)
    output.facts(done)


@app.command()
def rejected(
    store: StoreOption,
    limit: Annotated[int, typer.Option(min=0, help="At most so many lines; 0 for all.")] = 100,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Lines that gave no event, each with its reason. Nothing is ever dropped."""
    output = Output(as_json, as_csv, out)
    held = open_store(store).rejected().sort("source", "source_offset", nulls_last=True)
    lines = (held.head(limit) if limit else held).collect()
    output.frame(lines if output.form != "table" else at_a_glance(lines))


_SHOWN = 60
"""Letters of a rejected line on a terminal."""
_QUESTION = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|with|from|show|explain|values)\b", re.I | re.S)
_AROUND = rb'\s*\{\s*"events"\s*:\s*\['
_AROUND_MEND = "no event_id: this object stands around events; take them out first: jq -c '.events[]'"
_NO_JSON = "no JSON value can go on like this there"


def at_a_glance(lines: pl.DataFrame) -> pl.DataFrame:
    """Rejected lines for a terminal: the beginning of each, and what is wrong where the detail says only the place."""
    import polars as pl

    bare = pl.col("detail").str.contains(r"^at byte \d+ of the line$") & (pl.col("reason") == "invalid_json")
    wrapped = pl.Series([bool(re.match(_AROUND, raw or b"")) for raw in lines["raw"]], dtype=pl.Boolean)
    detail = (
        pl.when(bare).then(pl.col("detail") + ": " + _NO_JSON)
        .when(wrapped & (pl.col("reason") == "missing_event_id")).then(pl.lit(_AROUND_MEND))
        .otherwise("detail")
    )  # fmt: skip
    beginnings = pl.Series("raw", [piece(raw) for raw in lines["raw"]], pl.String)
    return lines.drop("rejected_at").with_columns(detail.alias("detail"), beginnings)


def piece(raw: bytes | None) -> str:
    """The beginning of a line, such that no terminal takes it for a command of its own.

    >>> piece(b'{"a": "\\x1b[31m'), piece(b"x" * 100)[-3:]
    ('{"a": "�[31m', 'xx…')
    """
    text = (raw or b"")[: 4 * _SHOWN].decode("utf-8", "replace")
    safe = "".join(letter if letter.isprintable() else "�" for letter in text)
    return safe if len(safe) <= _SHOWN and len(raw or b"") <= 4 * _SHOWN else safe[:_SHOWN] + "…"


@app.command("retry-rejected")
def retry_rejected(store: StoreOption, as_json: AsJson = False, as_csv: AsCsv = False, out: Out = None) -> None:
    """Read all rejected lines again, after a fix; those that give events now move over."""
    output = Output(as_json, as_csv, out)
    with busy("reading"):
        report = open_store(store).retry_rejected()
    output.facts(report.as_dict())


@app.command()
def coverage(
    files: Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")] = None,
    store: StoreOrFiles = None,
    expected: Annotated[list[str] | None, typer.Option(help="A node that should have spoken.")] = None,
    factor: Annotated[float, typer.Option(help="How many times its usual longest pause a node may be quiet.")] = 8.0,
    max_holes: Annotated[int | None, typer.Option(min=0, help="Exit with 1 where there are more holes.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Times without a sign of a producer, and offsets of the bus that are missing."""
    output = Output(as_json, as_csv, out)
    with store_of(None if files else store, files or []) as (held, _), busy("looking"):
        holes = held.coverage(expected=expected, factor=factor).collect()
    output.frame(holes)
    if max_holes is not None and holes.height > max_holes:
        say(f"{holes.height} holes; the budget is {max_holes}.")
        return 1
    return 0


@app.command()
def export(
    store: StoreOption,
    to: Annotated[Path, typer.Option("--out", help='The file (.gz and .zst are compressed), or "-".')],
    since: Since = None,
    until: Until = None,
    event_type: Annotated[list[str] | None, typer.Option(help="Only this type; may be given again.")] = None,
    node: Annotated[list[str] | None, typer.Option(help="Only this node; may be given again.")] = None,
) -> None:
    """Write events as they came, one JSON object a line."""
    if to.suffix.lower() in (".csv", ".tsv", ".parquet", ".arrow", ".html"):
        other = 'store sql "select * from events" --out events.csv (or .parquet)'
        raise InvalidOption("--out", str(to), f"a name such as events.jsonl, as JSON lines are written; else {other}")
    held = open_store(store)
    if str(to) == "-":
        held.to_jsonl(sys.stdout.buffer, since=since, until=until, event_types=event_type, nodes=node)
        return
    with growing(to, "writing"):
        written = held.to_jsonl(to, since=since, until=until, event_types=event_type, nodes=node)
    say(f"{written:,} events → {to}")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='Such as "select node, count(*) from events group by node".')],
    files: Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")] = None,
    store: StoreOrFiles = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Ask a question in SQL over the tables `events` and `rejected`."""
    output = Output(as_json, as_csv, out)
    from polars.exceptions import PolarsError

    if not _QUESTION.match(query):
        raise InvalidOption("the query", query, "a question, such as select … from events; no store is changed by one")
    with store_of(None if files else store, files or []) as (held, _):
        try:
            answer = held.sql(query)
        except PolarsError as error:
            raise InvalidOption("the query", query, f"SQL that can be answered ({error})") from error
    output.frame(answer)


@dimensions.command()
def add(
    store: StoreOption,
    name: Annotated[str, typer.Argument(help="The column.")],
    path: Annotated[str, typer.Argument(help="Where it lies and its type, such as $.input_state.size:i64.")],
) -> None:
    """Lift one more column out of the metadata, for all stored events too."""
    with busy("lifting"):
        found = open_store(store).add_dimension(name, path)
    say(f"{name}: {found:,} events have a value")


@dimensions.command("list")
def listed(store: StoreOption, as_json: AsJson = False, as_csv: AsCsv = False, out: Out = None) -> None:
    """The dimensions of the store."""
    Output(as_json, as_csv, out).facts(open_store(store).dimensions)

