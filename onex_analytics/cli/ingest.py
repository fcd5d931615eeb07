"""`onex-analytics ingest`: logs into a store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOption, say
from onex_analytics.cli.progress import progress, reading
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    from onex_analytics.store import IngestReport


def ingest(
    files: Annotated[list[str], typer.Argument(help='Files, globs, folders, or "-" for standard input.')],
    store: StoreOption,
    format: Annotated[
        str | None,
        typer.Option(help="Format of the files: jsonl, json, parquet, arrow or csv; found out where not given."),
    ] = None,
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
    output.facts(in_words(report.as_dict()) if output.form == "table" else report.as_dict())
    for line in remarks(report, store):
        say(line)
    share = report.rejected / report.read if report.read else 0.0
    if max_rejected is not None and share > max_rejected:
        say(f"{share:.2%} of the lines were rejected; the budget is {max_rejected:.2%}.")
        say(f"Mend: onex-analytics store rejected --store {store}")
        return 1
    return 0


def in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a report as people read them: another way to write a time was understood, not repaired.

    >>> in_words({"read": 3, "repaired": {"clock": 1, "timestamp": 2}})
    {'read': 3, 'repaired': {'clock': 1}, 'other form of time': 2}
    """
    told: dict[str, Any] = {}
    for name, value in facts.items():
        if name == "repaired":
            told[name] = {what: count for what, count in value.items() if what != "timestamp"}
            told |= {"other form of time": value["timestamp"]} if "timestamp" in value else {}
        else:
            told[name] = value
    return told


def remarks(report: IngestReport, store: str) -> list[str]:
    """What a reader of the numbers should know besides."""
    told = []
    if not report.read:
        told.append("Nothing was read: no line, element or row is in what was given.")
    if report.units_skipped:
        told.append(
            f"{report.units_skipped} of {report.units} units were stored before and are skipped: their events count as "
            "duplicate here, and their rejected lines, which are kept already, as rejected."
        )
    if report.rejected * 2 > report.read:
        reason, count = max(report.rejected_by_reason.items(), key=lambda item: item[1])
        told.append(
            f"{report.rejected:,} of {report.read:,} lines gave no event, most often because of {reason} ({count:,}). "
            f"Look at them: onex-analytics store rejected --store {store}"
        )
    return told


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
