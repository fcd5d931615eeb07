"""Rules under other thresholds: every one of them at once, and those that a log suggests."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onex_analytics.cli.alerts.history import figures_of
from onex_analytics.cli.alerts.options import (
    AsOf,
    Files,
    For,
    Incidents,
    Labels,
    Lead,
    Rename,
    Rule,
    Since,
    Until,
    Window,
    Zone,
    alone,
    incidents_of,
    readable,
    rule_named,
    say_what_was_left_out,
    scores_for_people,
    share_or_time,
)
from onex_analytics.cli.alerts.rule_files import Rules, rules_of
from onex_analytics.cli.figure_files import Figure, write_figures
from onex_analytics.cli.inputs import store_of
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import listed
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import polars as pl

    from onex_analytics.alerting import Backtest
    from onex_analytics.alerting import Rule as OneRule

SWEPT = ("sweep", "frontier")
SUGGESTED = ("choices", "scores")


def sweep(
    rules: Rules,
    files: Files = None,
    store: StoreOrFiles = None,
    rule: Rule = None,
    thresholds: Annotated[
        list[str] | None, typer.Option("--thresholds", help="Those to try, such as 0.02,0.05; all by default.")
    ] = None,
    for_: For = None,
    window: Window = None,
    since: Since = None,
    until: Until = None,
    incidents: Incidents = None,
    lead: Lead = "15m",
    label: Labels = None,
    rename: Rename = None,
    as_of: AsOf = "event",
    pages: Annotated[
        bool, typer.Option("--pages", help="Simulate the pages of every row, not only of thresholds that are named.")
    ] = False,
    show: Annotated[str, typer.Option(help="sweep; with --incidents also frontier: what nothing beats.")] = "sweep",
    limit: Annotated[
        int, typer.Option(min=0, help="Of a table at most so many rows a window and a for; 0 for all, as --json has.")
    ] = 20,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What a rule would have done with every threshold, and with another window or for: as many backtests at once."""
    output = Output(as_json, as_csv, out)
    if show not in SWEPT:
        raise InvalidOption("--show", show, "one of " + ", ".join(SWEPT))
    if show == "frontier" and incidents is None:
        raise InvalidOption("--show", show, "--incidents as well")
    from onex_analytics.alerting import backtest, frontier
    from onex_analytics.alerting import sweep as run
    from onex_analytics.store.selection import time_of

    told = incidents_of(incidents, rename)
    begin, end = time_of("--since", since), time_of("--until", until)
    with store_of(None if files else store, files or []) as (held, _), busy("sweeping"):
        log = held.scan(since=begin, until=end)
        file = rules_of(rules, dict(held.dimensions))
        group, one = rule_named(file, rule)
        tried = _numbers(thresholds)
        wanted: list[float] | Literal["all"] = "all" if pages else [one.when.threshold, *(tried or [])]
        found = run(
            one, log, "all" if tried is None else tried, listed(for_, ()), listed(window, ()), told, rules=file,
            pages=wanted, lead=lead, labels=label or None, as_of=as_of, until=end,  # type: ignore[arg-type]
        )  # fmt: skip
        shown = frontier(found) if show == "frontier" else found
        if output.form == "table":
            shown = _for_people(shown, one, limit if tried is None else 0)
        output.frame(shown if output.form == "parquet" else readable(shown))
        say(_as_it_is(one, found))
        if figure is not None:
            asked = {"lead": lead, "as_of": as_of, "until": end, "labels": label or None}
            result = backtest(alone(file, group, one), log, told, **asked)  # type: ignore[arg-type]
            write_figures(_drawn(found, one, result), figure, title=f"{one.alert} under other thresholds", caption=(
                f"The rule {one.alert} of {rules} on {', '.join(files) if files else store}. All times are UTC."
            ))  # fmt: skip


def suggest(
    rules: Rules,
    files: Files = None,
    store: StoreOrFiles = None,
    incidents: Incidents = None,
    max_pages_per_day: Annotated[float, typer.Option(help="The budget, of all rules together.")] = 2.0,
    min_recall: Annotated[float, typer.Option(help="The share of the incidents that is wanted, 0 to 1.")] = 0.9,
    rule: Rule = None,
    for_: For = None,
    window: Window = None,
    general: Annotated[
        bool, typer.Option("--general/--no-general", help="Give a file's rules company: general rules from the log.")
    ] = True,
    split: Annotated[str, typer.Option(help="Tune on what is before: a share such as 0.5, or a time.")] = "0.5",
    since: Since = None,
    until: Annotated[str | None, typer.Option(help="Only events before this time.")] = None,
    lead: Lead = "15m",
    label: Labels = None,
    rename: Rename = None,
    tz: Zone = "UTC",
    show: Annotated[str | None, typer.Option(help="choices or scores; both by default, choices for programs.")] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the rule file here.")] = None,
) -> int:
    """Thresholds that find the most incidents of the first part of a log for so many pages a day, and what they are
    worth on the rest. Exit code 1 where that is less than was wanted."""
    output = Output(as_json, as_csv)
    if show is not None and show not in SUGGESTED:
        raise InvalidOption("--show", show, "one of " + ", ".join(SUGGESTED))
    if incidents is None:
        raise InvalidOption("--incidents", "not named", "labelled incidents to find")
    from onex_analytics.alerting import suggest as run
    from onex_analytics.alerting.writing import rules_text
    from onex_analytics.store.selection import time_of

    told = incidents_of(incidents, rename)
    begin, end = time_of("--since", since), time_of("--until", until)
    with store_of(None if files else store, files or []) as (held, _), busy("tuning"):
        file = rules_of(rules, dict(held.dimensions))
        tuned = {"rule": file} if rule is None else {"rule": rule_named(file, rule)[1], "rules": file}
        part = share_or_time(split)
        assert part is not None
        found = run(
            events=held.scan(since=begin, until=end), incidents=told, max_pages_per_day=max_pages_per_day,
            min_recall=min_recall, for_=listed(for_, ()), window=listed(window, ()), split=part, lead=lead,
            labels=label or None, tz=tz, general=general, **tuned,
        )  # fmt: skip
        choices, scores = readable(found.choices), found.scores
        if people := output.form == "table":
            choices, scores = _that_did_something(choices, scores)
            scores = scores_for_people(scores)
        if show == "choices" or (show is None and not people):
            output.frame(choices)
        elif show == "scores":
            output.frame(scores)
        else:
            output.frame(choices, "What was chosen, and what that did on the first part")
            print()
            output.frame(scores, "What it is worth: tuned on, and reported on")
        if out is not None:
            write_text(out, rules_text(found.rules))
            kept = int(found.choices["kept"].sum())
            say(f"rules: {out} ({kept} of {found.choices.height})")
        if figure is not None:
            heard = f"The rules of {rules}, tuned on the first part of {', '.join(files) if files else store}"
            title, caption = "What the suggested rules would have done", f"{heard}: {found.verdict}."
            write_figures(figures_of(found.backtest), figure, title=title, caption=caption)
        say_what_was_left_out(found.backtest)
        say(found.verdict)
        return 0 if found.met else 1


def _that_did_something(choices: pl.DataFrame, scores: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Without the rules that never fired on either part; how many they are is said. Of the first part, which the
    choices tell of, only the sum."""
    import polars as pl

    fired = pl.col("firings").max().over("group", "rule") > 0
    told = scores.filter(fired | pl.col("rule").is_null())
    silent = choices.filter("kept").join(told, on=["group", "rule"], how="anti")
    if silent.height:
        say(f"{silent.height:,} further rules are kept that never fired; --json has them as well")
    told = told.filter((pl.col("part") != "tune") | pl.col("rule").is_null())
    return choices.join(silent, on=["group", "rule"], how="anti", maintain_order="left"), told


def _numbers(thresholds: list[str] | None) -> list[float] | None:
    """The thresholds that are named; none where all are wanted."""
    given = listed(thresholds, ())
    if not given or given == ["all"]:
        return None
    try:
        return [float(one) for one in given]
    except ValueError as problem:
        wanted = "numbers with commas between, such as 0.02,0.05; or all"
        raise InvalidOption("--thresholds", ",".join(given), wanted) from problem


def _for_people(frame: pl.DataFrame, rule: OneRule, limit: int) -> pl.DataFrame:
    """Columns that say something; of many thresholds those between which the most changes, of a frontier what nothing
    beats."""
    import polars as pl

    if "best" in frame.columns and limit:
        beaten = frame.filter(~pl.col("best")).height
        if beaten:
            say(f"{beaten:,} further choices are beaten by these: --limit 0 shows them, and so do --json and --csv")
        frame = frame.filter("best").drop("best")

    if "firings" in frame.columns and "low" in frame.columns:
        parts = frame.partition_by("window", "for", maintain_order=True)
        frame = pl.concat([frame.head(0), *(_spread(part, rule.when.threshold, limit) for part in parts)])
        hidden = sum(part.height for part in parts) - frame.height
        if hidden:
            say(f"{hidden:,} further rows lie between these: --limit 0 shows them, and so do --json and --csv")
    empty = [name for name in frame.columns if frame[name].is_null().all() and name not in ("low", "high")]
    return frame.drop([*empty, *(name for name in ("judged", "firing_label_sets") if name in frame.columns)])


def _spread(part: pl.DataFrame, threshold: float, limit: int) -> pl.DataFrame:
    """So many rows, evenly over the changes of the number of firings, and the one of the rule as it is."""
    import numpy as np
    import polars as pl

    if not limit or part.height <= limit:
        return part
    changes = np.abs(np.diff(np.log1p(part["firings"].to_numpy()), prepend=np.nan))
    changes[0] = 0.0
    path = np.cumsum(changes + 1e-9)
    places = {int(np.argmin(np.abs(path - at))) for at in np.linspace(path[0], path[-1], max(limit - 1, 1))}
    own = row_of(part, threshold)
    places |= set() if own is None else {own}
    return part.with_row_index("_row").filter(pl.col("_row").is_in(sorted(places))).drop("_row")


def row_of(part: pl.DataFrame, threshold: float) -> int | None:
    """The row of a sweep in which a threshold lies."""
    for place, (found, low, high) in enumerate(part.select("threshold", "low", "high").iter_rows()):
        begins, ends = (-math.inf if low is None else low), (math.inf if high is None else high)
        if found == threshold or begins < threshold < ends:
            return place
    return None


def _as_it_is(rule: OneRule, found: pl.DataFrame) -> str:
    """What the rule as it stands would have done."""
    import polars as pl

    from onex_analytics.alerting.durations import duration_text

    when = rule.when
    own: object = getattr(when.cell, "window", None)
    held = found.filter((pl.col("for") == rule.for_) & pl.col("window").eq_missing(pl.lit(own, found.schema["window"])))
    place = row_of(held, when.threshold)
    text = f"{rule.alert} as it is ({when.op} {when.threshold:g}, for {duration_text(rule.for_)})"
    if place is None:
        return f"{text} is not among these"
    row = held.row(place, named=True)
    caught = "" if row["caught"] is None else f", {row['caught']} of {row['incidents']} incidents caught"
    paged = "" if row["pages"] is None else f", {row['pages']:,} pages"
    return f"{text}: {row['firings']:,} firings{caught}{paged}"


def _drawn(found: pl.DataFrame, rule: OneRule, result: Backtest) -> list[tuple[str, go.Figure]]:
    """The figures of a sweep, with their headings."""
    from onex_analytics.alerting import frontier, values_over_time
    from onex_analytics.views import alerting as views

    drawn = [("Every threshold", views.sweep_curve(found, rule.when.threshold))]
    if found["for"].n_unique() > 1 or found["window"].n_unique() > 1:
        drawn.append(("Threshold and for", views.threshold_by_for(found)))
    if result.incidents is not None:
        drawn.append(("What nothing beats", views.frontier(frontier(found))))
    values = values_over_time(result, rule.alert)
    return [*drawn, ("What the rule saw", views.value_against_threshold(values, rule.alert))]
