"""How small events get, and the dictionary that makes them so: compress, train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
from onex_analytics.cli.progress import busy
from onex_analytics.cli.size.options import Files, Since, Until, bytes_of, events_of
from onex_analytics.cli.span_inputs import Nodes, listed
from onex_analytics.exceptions import InvalidOption

MostEvents = Annotated[int, typer.Option(min=1, help="Look at so many events at most.")]
_BATCHES = ("10", "100", "1000")
_DICTIONARIES = ("16KiB",)


def compress(
    files: Files = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    batch: Annotated[list[str] | None, typer.Option(help='Events of a batch, such as 10,100; "" for none.')] = None,
    dictionary: Annotated[
        list[str] | None, typer.Option(help='Sizes of dictionaries that are trained, such as 4KiB,64KiB; "" for none.')
    ] = None,
    held_out: Annotated[float, typer.Option(help="The share of the events that is measured, the later ones.")] = 0.5,
    most_events: MostEvents = 50_000,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """How small events get. Each by itself, with a dictionary, in batches, as Parquet; on the latest events."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.sizing import compression_report

    sizes = [_whole(text) for text in listed(batch, _BATCHES)]
    trained = [bytes_of("--dictionary", text) for text in listed(dictionary, _DICTIONARIES)]
    with events_of(files, store, since, until, node) as events, busy("compressing"):
        table = compression_report(
            events, batch_events=sizes, dictionary_bytes=trained, held_out=held_out, most_events=most_events
        ).collect()
    if figure is not None:
        from onex_analytics.views import sizing as views

        write_figure(views.codec_bars(table), figure, title="How small events get", caption=(
            "What each way leaves of the bytes of the same events. Those that trained the dictionary came before them."
        ))  # fmt: skip
    told = ["name", "level", "events", "trained_events", "plain_bytes", "stored_bytes", "ratio"]
    output.frame(table.select(told) if output.form == "table" else table)


def train(
    dictionary: Annotated[Path, typer.Argument(help="The file to write the dictionary to.")],
    files: Files = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    size: Annotated[str, typer.Option(help="The most that it may have.")] = "16KiB",
    most_events: MostEvents = 50_000,
) -> None:
    """A dictionary of what events have in common. For --dictionary of `size simulate`, and `SizePolicy`."""
    from onex_analytics.sizing import train_dictionary
    from onex_analytics.sizing.policies import dictionary_id

    with events_of(files, store, since, until, node) as events, busy("training"):
        made = train_dictionary(events, bytes_of("--size", size), most_events=most_events)
    write_text(dictionary, made)
    say(f"{dictionary}: {len(made):,} bytes, number {dictionary_id(made)}. Who reads what it compressed needs it, too.")


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise InvalidOption("--batch", text, "numbers of events with commas between, such as 10,100")
    return int(text)
