"""`onex-analytics report`: the first look at a log, on the terminal and as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.alerts.rule_files import PRESETS, rules_of
from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.output import AsCsv, AsJson, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import chosen
from onex_analytics.exceptions import SourceError

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.cli.first_look import FirstLook


def report(
    files: Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")] = None,
    store: StoreOrFiles = None,
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path("report.html"),
    since: Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Only events before this time.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labelled incidents, as `generate --labels` writes them.")
    ] = None,
    rules: Annotated[
        str, typer.Option(help='Alert rules to try on the log: a rule file, "presets", or "none".')
    ] = PRESETS,
    moment: Annotated[
        str | None,
        typer.Option(help="Hold errors before and after this time against each other, such as a deploy; "
                          "the last fifth of the log against the rest where not given."),
    ] = None,
    sample: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Also say what this share of the events would tell, and which alerts it would "
                                        "lose."),
    ] = None,
    sizes: Annotated[bool, typer.Option("--sizes", help="Also say what events weigh: types, fields, growth.")] = False,
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "The first look at a log",
    max_error_rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 where a larger share of finished operations failed.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:  # fmt: skip
    """Write report.html and print what stands out. The file needs no network and asks no host."""
    output = Output(as_json, as_csv)
    from onex_analytics.cli.first_look import first_look
    from onex_analytics.looks.alerts import alert_look
    from onex_analytics.store.selection import time_of

    with store_of(None if files else store, files or []) as (held, ingest), busy("asking"):
        version = held.info().get("version")
        truth = read_labels(labels) if labels is not None else None
        spans = chosen(held.spans(), time_of("--since", since), time_of("--until", until), None, whole_traces=False)
        alert_rules = None if rules == "none" else rules_of(rules, dict(held.dimensions))
        look = first_look(
            held.scan(since, until), spans=spans, rejected=held.rejected(), labels=truth,
            moment=time_of("--moment", moment),
        )  # fmt: skip
        if alert_rules is not None:
            name = "The default rules that come along" if rules == PRESETS else f"The rules of {rules}"
            alerts = alert_look(alert_rules, held.scan(since, until), truth, name=name, period=look.answers["period"])
            look = replace(look, alerts=alerts)
        if sample is not None:
            from onex_analytics.cli.sample_look import sample_look

            found = sample_look(held.scan(since, until), look.alerts, period=look.answers["period"], budget=sample)
            look = replace(look, sampling=found)
        if sizes:
            from onex_analytics.looks.sizes import size_look

            look = replace(look, sizes=size_look(held.scan(since, until), period=look.answers["period"]))
    source = ", ".join(files) if files else f"store {store}, version {version}"
    write_report(look, out, title=title, source=source, ingest=ingest.as_dict() if ingest else None)
    output.frame(look.answers["notable"], "what stands out")
    say(f"report: {out}")
    rate = look.answers["error_rate_total"]["rate_of_finished"].item()
    if max_error_rate is not None and rate is not None and rate > max_error_rate:
        say(f"{rate:.2%} of finished operations failed; the budget is {max_error_rate:.2%}.")
        return 1
    return 0


def write_report(look: FirstLook, out: Path, *, title: str, source: str, ingest: Mapping[str, int] | None) -> None:
    """Draw the answers and write the file."""
    from onex_analytics.views import ReportFrames, report_page

    answers = ReportFrames(
        **look.answers, work=look.work, errors=look.errors, alerts=look.alerts, sampling=look.sampling,
        sizes=look.sizes, ingest=ingest,
    )  # fmt: skip
    page = report_page(answers, title=title, every=look.every, source=source)
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SourceError(str(out), f"cannot be written ({error.strerror})", "name another file with --out") from None


def read_labels(path: Path) -> pl.LazyFrame:
    """Labelled incidents in the shape LABELS, from what `generate --labels` wrote."""
    import polars as pl

    from onex_analytics.model.shapes import LABELS

    if not path.exists():
        raise SourceError(str(path), "no such file", "name the file that `onex-analytics generate --labels` wrote")
    match path.suffix.lower():
        case ".parquet":
            found = pl.read_parquet(path)
        case ".csv":
            found = pl.read_csv(path, infer_schema=False)
        case _:
            found = pl.read_json(path, infer_schema_length=None)
    texts = [name for name in ("start", "end") if found[name].dtype == pl.String]
    times = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in texts]
    return found.with_columns(times).select(LABELS.names()).cast(LABELS).lazy()
