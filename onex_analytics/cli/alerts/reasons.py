"""Why an alert fired, and what would have caught an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.alerts.options import (
    AsOf,
    Files,
    Incidents,
    Labels,
    Lead,
    Rename,
    Rule,
    Since,
    Until,
    alone,
    incidents_of,
    readable,
    rule_named,
    say_what_was_left_out,
)
from onex_analytics.cli.alerts.rule_files import Rules, rules_of
from onex_analytics.cli.figure_files import Figure, write_figures
from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import polars as pl

    from onex_analytics.alerting import Backtest, Explanation

SHOWN = ("evaluations", "events")
_OF_EVENTS = ("node", "event_type", "correlation_id", "error_code", "execution_time_ms", "error_message")
_LONG = 100


def explain(
    rules: Rules,
    files: Files = None,
    store: StoreOrFiles = None,
    alert: Annotated[
        int | None, typer.Option("--alert", help="The number of the alert; without it they are listed with theirs.")
    ] = None,
    rule: Rule = None,
    why_not: Annotated[
        str | None,
        typer.Option("--why-not", metavar="INCIDENT", help="The smallest change of threshold, for or window that would "
                                                           "have caught this incident."),
    ] = None,
    since: Since = None,
    until: Until = None,
    incidents: Incidents = None,
    lead: Lead = "15m",
    label: Labels = None,
    rename: Rename = None,
    as_of: AsOf = "event",
    around: Annotated[int, typer.Option(min=0, help="Evaluations before and after that are told as well.")] = 3,
    show: Annotated[str | None, typer.Option(help="evaluations or events; both by default.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Of a table at most so many rows; 0 for all, as --json has.")] = 40,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:  # fmt: skip
    """What an alert was made of, evaluation by evaluation, and the events; or what would have caught an incident."""
    output = Output(as_json, as_csv, out)
    if show is not None and show not in SHOWN:
        raise InvalidOption("--show", show, "one of " + ", ".join(SHOWN))
    if why_not is not None and alert is not None:
        raise InvalidOption("--why-not", "with --alert", "one of them")
    if why_not is not None and incidents is None:
        raise InvalidOption("--why-not", "without --incidents", "labelled incidents, and of one of them its id")
    from onex_analytics.alerting import backtest
    from onex_analytics.alerting import explain as reason
    from onex_analytics.store.selection import time_of

    told = incidents_of(incidents, rename)
    begin, end = time_of("--since", since), time_of("--until", until)
    with store_of(None if files else store, files or []) as (held, _), busy("evaluating"):
        log = held.scan(since=begin, until=end)
        file = rules_of(rules, dict(held.dimensions))
        if rule is not None:
            file = alone(file, *rule_named(file, rule))
        result = backtest(file, log, told, lead=lead, as_of=as_of, until=end, labels=label or None)  # type: ignore[arg-type]
        say_what_was_left_out(result)
        where = f"The rules of {rules} on {', '.join(files) if files else store}. All times are UTC."
        if why_not is not None:
            where += " The incident is shaded."
            drawn = _missed(result, why_not, output, figure is not None)
        elif alert is None:
            drawn = _listed(result, output, limit, figure is not None)
        else:
            found = reason(result, alert, around=around)
            _told(found, _with_columns(found.events, log), output, show, limit)
            drawn = _drawn(result, found)
        if figure is not None:
            write_figures(drawn, figure, title="Why not?" if why_not is not None else "Why did it fire?", caption=where)


def _listed(result: Backtest, output: Output, limit: int, figure: bool) -> list[tuple[str, go.Figure]]:
    """The alerts with their numbers."""
    from onex_analytics.views import alerting as views

    alerts = result.alerts.with_row_index("number")
    shown = _cut(alerts, limit, output, "alerts")
    output.frame(readable(shown) if output.form in ("table", "csv") else shown)
    say(f"{alerts.height:,} alerts; --alert NUMBER says what one was made of" if alerts.height else "no alert began")
    return [("Who fired when", views.timeline(result))] if figure else []


def _told(found: Explanation, events: pl.DataFrame, output: Output, show: str | None, limit: int) -> None:
    say(_headline(found))
    if output.form == "table":
        if show != "events":
            evaluations = found.evaluations.drop("threshold", "op")
            output.frame(_cut(evaluations, limit, output, "evaluations"))
        if show is None and output.out is None:
            print()
        if show == "events" or (show is None and output.out is None):
            import polars as pl

            shown = events.select("at", "state", "timestamp", *_OF_EVENTS)
            shown = shown.select(column for column in shown if not column.is_null().all())
            if "error_message" in shown.columns:
                shown = shown.with_columns(pl.col("error_message").str.replace_all(r"\s+", " ").str.slice(0, _LONG))
            output.frame(_cut(shown, limit, output, "events"), "" if show else "Events in its window, by transition")
    elif output.form == "json" and show is None:
        output.facts({
            "alert": found.alert, "evaluations": found.evaluations.to_dicts(), "events": events.to_dicts(),
        })  # fmt: skip
    else:
        shown = events if show == "events" else found.evaluations
        output.frame(readable(shown) if output.form == "csv" else shown)


def _headline(found: Explanation) -> str:
    from onex_analytics.cli.output import shown

    alert = found.alert
    labels = ", ".join(f"{pair['name']}={pair['value']}" for pair in alert["labels"])
    first = found.evaluations.row(0, named=True)
    named = f"{alert['rule']}{{{labels}}}: value {first['op']} {shown(first['threshold'])}"
    fired = "it never fired" if alert["fired"] is None else f"fired {shown(alert['fired'])}"
    ended = "lasts to the end" if alert["resolved"] is None else f"ended {shown(alert['resolved'])}"
    return f"{named}; first met {shown(alert['pending'])}, {fired}, {ended}; worst value {shown(alert['peak'])}"


def _with_columns(evidence: pl.DataFrame, log: pl.LazyFrame) -> pl.DataFrame:
    """The events, with what they say beside their ids."""
    import polars as pl

    behind = pl.col("event_id").is_in(evidence["event_id"].unique().implode())
    said = log.filter(behind).select("event_id", *_OF_EVENTS).unique("event_id").collect()
    return evidence.join(said, on="event_id", how="left", maintain_order="left")


def _cut(frame: pl.DataFrame, limit: int, output: Output, what: str) -> pl.DataFrame:
    """The first and the last rows of a table for people; how many are left out is said."""
    import polars as pl

    if output.form != "table" or not limit or frame.height <= limit:
        return frame
    say(f"{frame.height - limit:,} of {frame.height:,} {what} in the middle are left out; --limit 0 shows them")
    return pl.concat([frame.head(limit - limit // 2), frame.tail(limit // 2)])


def _drawn(result: Backtest, found: Explanation) -> list[tuple[str, go.Figure]]:
    from onex_analytics.cli.alerts.closeups import of_alert
    from onex_analytics.views import alerting as views

    rule = result.rules.rule(found.alert["rule"], found.alert["group"])
    return [("What the rule saw", views.value_against_threshold(of_alert(found, rule), rule.alert))]


def _missed(result: Backtest, incident: str, output: Output, figure: bool) -> list[tuple[str, go.Figure]]:
    """What would have caught it; and the figures of what each rule that missed it saw meanwhile."""
    import polars as pl

    from onex_analytics.alerting import why_not

    found = why_not(result, incident)
    output.frame(readable(found) if output.form in ("table", "csv") else found)
    assert result.incidents is not None
    one: dict[str, Any] = result.incidents.filter(pl.col("id") == incident).row(0, named=True)
    say(_verdict(found, one))
    if not figure:
        return []
    from onex_analytics.cli.alerts.closeups import of_incident
    from onex_analytics.views import alerting as views
    from onex_analytics.views.theme import RED, faded

    drawn = []
    for group, name in found.select("group", "rule").unique(maintain_order=True).rows():
        values = of_incident(result, one, result.rules.rule(name, group), group)
        seen = views.value_against_threshold(values, name)
        if values.height:
            shade = {"fillcolor": faded(RED, 0.1), "line_width": 0, "layer": "below"}
            seen.add_vrect(one["start"], one["end"] or result.end, **shade)
        drawn.append((f"What {name} saw", seen))
    return drawn


def _verdict(found: pl.DataFrame, incident: dict[str, Any]) -> str:
    import polars as pl

    from onex_analytics.cli.output import shown

    labels = ", ".join(f"{pair['name']}={pair['value']}" for pair in incident["labels"])
    ended = "not over" if incident["end"] is None else shown(incident["end"])
    about = ", ".join(filter(None, [incident["kind"], f"{shown(incident['start'])} to {ended}", labels]))
    which = f"{incident['id']} ({about})"
    caught = found.filter(pl.col("change") == "none")["rule"].to_list()
    if caught:
        return f"{which} was caught by {', '.join(caught)}"
    helps = found.drop_nulls("after")
    if helps.is_empty():
        return f"{which}: no single change of these rules would have caught it"
    cost = pl.col("firings_after") - pl.col("firings_before")
    best = helps.sort(cost, "fired").row(0, named=True)
    more = best["firings_after"] - best["firings_before"]
    return (f"{which}: {best['rule']} with {best['change']} {best['after']} in the place of {best['before']} would "
            f"have caught it, with {more:+,} firings on the whole log")  # fmt: skip
