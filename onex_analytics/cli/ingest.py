"""`onex-analytics ingest`: logs into a store."""

from __future__ import annotations

from typing import Annotated

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOption, say
from onex_analytics.cli.progress import progress, reading
from onex_analytics.exceptions import InvalidOption


def ingest(
    files: Annotated[list[str], typer.Argument(help='Files, globs, folders, or "-" for standard input.')],
    store: StoreOption,
    format: Annotated[str | None, typer.Option(help="Format of the files; found out where not given.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Reject events that break a rule of the specification.")
    ] = False,
    repair_clocks: Annotated[bool, typer.Option(help="Set clocks right that are off by a constant.")] = True,
    dimension: Annotated[
        list[str] | None,
        typer.Option(help="A column of a new store, as NAME=PATH:TYPE, such as tenant=$.input_state.tenant:str."),
    ] = None,
    max_rejected: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 where a larger share of the lines was rejected.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Read logs into a store. Events that are there already are skipped, so an append may be run again."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.store import EventStore

    target = EventStore(store, dimensions=named_paths(dimension)) if dimension else EventStore(store)
    with progress(reading()) as tell:
        report = target.append(list(files), format=format, strict=strict, repair_clocks=repair_clocks, progress=tell)
    output.facts(report.as_dict())
    share = report.rejected / report.read if report.read else 0.0
    if max_rejected is not None and share > max_rejected:
        say(f"{share:.2%} of the lines were rejected; the budget is {max_rejected:.2%}.")
        say(f"Mend: onex-analytics store rejected --store {store}")
        return 1
    return 0


def named_paths(given: list[str]) -> dict[str, str]:
    """NAME=PATH:TYPE, each once.

    >>> named_paths(["tenant=$.input_state.tenant:str"])
    {'tenant': '$.input_state.tenant:str'}
    """
    paths: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise InvalidOption("--dimension", text, "NAME=PATH:TYPE, such as tenant=$.input_state.tenant:str")
        paths[name] = path
    return paths
