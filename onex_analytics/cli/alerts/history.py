"""Rules on history: backtest, alone and beside another rule file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.alerts.options import (
    AsOf,
    Files,
    Incidents,
    Labels,
    Lead,
    Rename,
    Since,
    Until,
    Zone,
    incidents_of,
    readable,
    say_what_lies_ahead,
    say_what_was_left_out,
    scores_for_people,
    share_or_time,
)
from onex_analytics.cli.alerts.rule_files import Rules, rules_of
from onex_analytics.cli.figure_files import Figure, write_figures
from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
from onex_analytics.cli.progress import busy
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import polars as pl

    from onex_analytics.alerting import Backtest, Comparison

SHOWN = ("summary", "scores", "alerts", "transitions", "pages", "evidence", "incidents")
COMPARED = ("rules", "incidents", "firings")


def backtest(
    rules: Rules,
    files: Files = None,
    store: StoreOrFiles = None,
    since: Since = None,
    until: Until = None,
    incidents: Incidents = None,
    lead: Lead = "15m",
    label: Labels = None,
    rename: Rename = None,
    split: Annotated[
        str | None, typer.Option(help="Score before and after apart: a share such as 0.5, or a time.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help='The rules as they were, or "presets": what is won and lost since.')
    ] = None,
    as_of: AsOf = "event",
    tz: Zone = "UTC",
    show: Annotated[
        str | None, typer.Option(help=f"{', '.join(SHOWN)}; with --compare: {', '.join(COMPARED)}.")
    ] = None,
    figure: Figure = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the comment of a pull request.")] = False,
    max_pages_per_day: Annotated[
        float | None, typer.Option(help="Exit with 1 where there would be more pages a day.")
    ] = None,
    min_recall: Annotated[
        float | None, typer.Option(help="Exit with 1 where a smaller share of the incidents is caught.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:  # fmt: skip
    """What the rules would have done on a log: firings, pages, and how well they find incidents."""
    output = Output(as_json, as_csv, out)
    if markdown and (as_json or as_csv):
        raise InvalidOption("--markdown", "with --json or --csv", "one of them")
    known = SHOWN if compare is None else COMPARED
    if show is not None and show not in known:
        raise InvalidOption("--show", show, "one of " + ", ".join(known))
    if min_recall is not None and incidents is None:
        raise InvalidOption("--min-recall", "without --incidents", "labelled incidents to find")
    from onex_analytics.alerting import backtest as run
    from onex_analytics.alerting import compare_rules
    from onex_analytics.store.selection import time_of

    told = incidents_of(incidents, rename)
    begin, end = time_of("--since", since), time_of("--until", until)
    with store_of(None if files else store, files or []) as (held, _), busy("evaluating"):
        dimensions = dict(held.dimensions)
        log = held.scan(since=begin, until=end)
        now = rules_of(rules, dimensions)
        options = {"lead": lead, "as_of": as_of, "until": end, "labels": label or None, "tz": tz}
        if compare is None:
            result = run(now, log, told, **options)  # type: ignore[arg-type]
            frame = None if markdown else _shown(result, show, split)
            text = result.markdown() if markdown else ""
        else:
            both = compare_rules(rules_of(compare, dimensions), now, log, told, **options)
            result = both.after
            frame = None if markdown else _compared(both, show)
            text = both.markdown() if markdown else ""
        if frame is not None:
            told_of = scores_for_people(frame) if output.form == "table" and "random_recall" in frame.columns else frame
            output.frame(readable(told_of) if output.form in ("table", "csv") else told_of)
        elif out is not None:
            write_text(out, text)
        else:
            sys.stdout.write(text)
        if figure is not None:
            from onex_analytics.views import alerting as views

            drawn = [] if compare is None else [("Before and after", views.before_after(both))]
            drawn += figures_of(result)
            write_figures(drawn, figure, title="What alert rules would have done", caption=(
                f"The rules of {rules} on {', '.join(files) if files else store}. Blue is firing; all times of events "
                f"are UTC, hours of pages are those of {tz}."
            ))  # fmt: skip
        say_what_lies_ahead(log, now, datetime.now(UTC))
        say_what_was_left_out(result)
        return _over_budget(result, max_pages_per_day, min_recall)


def figures_of(result: Backtest) -> list[tuple[str, go.Figure]]:
    """The figures of a backtest, with their headings."""
    from onex_analytics.alerting import delay_distribution, incident_matrix, pages_by_hour
    from onex_analytics.views import alerting as views

    drawn = [("Who fired when", views.timeline(result))]
    if result.incidents is not None:
        drawn.append(("Which rule caught which incident", views.incident_matrix(incident_matrix(result))))
        drawn.append(("How soon incidents are known of", views.delay_ecdf(delay_distribution(result))))
    return [*drawn, ("When people are paged", views.pages_by_hour(pages_by_hour(result)))]


def _shown(result: Backtest, show: str | None, split: str | None) -> pl.DataFrame:
    if show is None:
        show = "summary" if result.incidents is None else "scores"
    if show in ("scores", "incidents") and result.incidents is None:
        raise InvalidOption("--show", show, "--incidents as well")
    if show == "scores":
        return result.scores(share_or_time(split))
    if show == "incidents":
        return result.matches
    if show == "alerts":  # by its number `alerts explain` knows an alert
        return result.alerts.with_row_index("number")
    frame: pl.DataFrame = getattr(result, show)
    return frame


def _compared(both: Comparison, show: str | None) -> pl.DataFrame:
    if show is None:
        show = "rules" if both.incidents is None else "incidents"
    if show == "incidents":
        if both.incidents is None:
            raise InvalidOption("--show", show, "--incidents as well")
        return both.incidents
    return both.firings if show == "firings" else both.rules


def _over_budget(result: Backtest, max_pages_per_day: float | None, min_recall: float | None) -> int:
    over = 0
    if max_pages_per_day is not None and result.load.pages_per_day > max_pages_per_day:
        say(f"{result.load.pages_per_day:.2f} pages a day; at most {max_pages_per_day:g} were allowed")
        over = 1
    if min_recall is not None:
        totals = result.scores().tail(1)["recall"].to_list()
        recall = totals[0] if totals and totals[0] is not None else 0.0
        if recall < min_recall:
            say(f"{recall:.0%} of the incidents are caught; at least {min_recall:.0%} were wanted")
            over = 1
    return over
