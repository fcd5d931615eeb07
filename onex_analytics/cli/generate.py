"""`onex-analytics generate`: a seeded log with labelled incidents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Output, writing
from onex_analytics.cli.progress import growing
from onex_analytics.exceptions import InvalidOption


def generate(
    events: Annotated[int, typer.Argument(min=1, help="How many events.")],
    out: Annotated[Path, typer.Option("--out", help='The file to write (.gz and .zst are compressed), or "-".')],
    seed: Annotated[int, typer.Option(help="Settles everything that is left to chance.")] = 0,
    days: Annotated[float, typer.Option(min=0.001, help="Length of the log.")] = 7.0,
    nodes: Annotated[int | None, typer.Option(min=1, help="How many nodes; the default fleet where not given.")] = None,
    form: Annotated[str, typer.Option(help="event, envelope, capture, cloudevents, core or recording.")] = "event",
    incidents: Annotated[bool, typer.Option(help="With the default incidents.")] = True,
    traps: Annotated[
        bool, typer.Option(help="With the traps of real logs: mixed clocks, duplicates, broken lines.")
    ] = True,
    labels: Annotated[
        Path | None, typer.Option(help="Where the truth about the incidents goes: .parquet, .csv or .json.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """Write a lifelike log. The same arguments give the same bytes on every machine."""
    output = Output(as_json, as_csv)
    if labels is not None and labels.suffix.lower() not in (".parquet", ".csv", ".json"):
        raise InvalidOption("--labels", str(labels), "a name that ends in .parquet, .csv or .json")
    from onex_analytics.synthetic import generate as draw

    log = draw(
        events, seed, incidents="default" if incidents else None, traps="default" if traps else None, days=days,
        nodes=nodes, form=form,  # type: ignore[arg-type]
    )  # fmt: skip
    if str(out) == "-":
        for chunk in log.chunks():
            sys.stdout.buffer.write(chunk)
    else:
        with writing(out), growing(out, "writing"):
            written = log.write(out)
        output.facts({name: str(value) if name == "path" else value for name, value in written._asdict().items()})
    if labels is not None:
        Output(out=labels).frame(log.labels)
    return 0
