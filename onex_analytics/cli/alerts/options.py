"""What the commands that run rules on history are asked, in one wording, and what they tell alike."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.output import say
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.alerting import Backtest, Group, RuleSet
    from onex_analytics.alerting import Rule as OneRule

Files = Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")]
Since = Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")]
Until = Annotated[str | None, typer.Option(help="Only events before this time; the clock is moved to it.")]
Incidents = Annotated[
    Path | None,
    typer.Option(help="What went wrong: CSV, JSON, Parquet, an export of PagerDuty or Grafana, or the labels that "
                      "generate wrote."),
]  # fmt: skip
Lead = Annotated[str, typer.Option(help="A firing so long before an incident still catches it.")]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="A label that a firing and its incident must share; may be given again. All by "
                                 "default."),
]  # fmt: skip
Rename = Annotated[
    list[str] | None, typer.Option(help="What a label of the incidents is called here, such as service=node.")
]
AsOf = Annotated[str, typer.Option(help="event, or arrival: late events and all.")]
Zone = Annotated[str, typer.Option("--tz", help="The time zone of nights and weekends, such as Europe/Berlin.")]
Rule = Annotated[
    str | None,
    typer.Option("--rule", help="The rule: its name, or GROUP/NAME where the name stands in several groups."),
]
For = Annotated[list[str] | None, typer.Option("--for", help="How long the condition must hold, such as 0s,2m,5m.")]
Window = Annotated[list[str] | None, typer.Option("--window", help="Windows of the condition, such as 5m,10m,30m.")]


def incidents_of(path: Path | None, rename: list[str] | None) -> pl.DataFrame | None:
    """The incidents that a command names, their labels called as the rules call them."""
    from onex_analytics.alerting import load_incidents

    names = {}
    for pair in rename or []:
        theirs, met, ours = pair.partition("=")
        if not (theirs and met and ours):
            raise InvalidOption("--rename", pair, "their name = ours, such as service=node")
        names[theirs] = ours
    return None if path is None else load_incidents(path, rename=names)


def rule_named(rules: RuleSet, name: str | None) -> tuple[Group, OneRule]:
    """The one rule that is asked about, and its group."""
    every = list(rules.rules)
    found = every if name is None else [
        (group, rule) for group, rule in every if name in (rule.alert, f"{group.name}/{rule.alert}")
    ]  # fmt: skip
    if len(found) == 1:
        return found[0]
    asked = found if name is not None and found else every
    often = Counter(rule.alert for _, rule in every)
    names = [f"{group.name}/{rule.alert}" if often[rule.alert] > 1 else rule.alert for group, rule in asked]
    raise InvalidOption("--rule", name or "not named", "one of " + ", ".join(names))


def alone(rules: RuleSet, group: Group, rule: OneRule) -> RuleSet:
    """The file with nothing in it but this rule."""
    return rules.model_copy(update={"groups": (group.model_copy(update={"rules": (rule,)}),)})


def share_or_time(split: str | None) -> float | str | None:
    """Where a log is split: a share of its time, or a time."""
    try:
        return None if split is None else float(split)
    except ValueError:
        return split


def readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Labels as people write them, node=a, durations as rules do, and of the alerts of a page how many there are."""
    import polars as pl

    from onex_analytics.alerting.durations import duration_text
    from onex_analytics.alerting.shapes import LABEL_SET

    pair = pl.concat_str(pl.element().struct.field("name"), pl.element().struct.field("value"), separator="=")
    labels = [name for name, kind in frame.schema.items() if kind == LABEL_SET]
    of_pages = [name for name in ("firing", "resolved") if isinstance(frame.schema.get(name), pl.List)]
    lengths = {
        name: pl.Series(name, [None if one is None else duration_text(one) for one in frame[name]], pl.String)
        for name, kind in frame.schema.items() if isinstance(kind, pl.Duration)
    }  # fmt: skip
    return frame.with_columns(
        *(pl.col(name).list.eval(pair).list.join(", ") for name in labels),
        *(pl.col(name).list.len() for name in of_pages),
        *lengths.values(),
    )


_OF_SCORES = (
    "part", "rule", "firings", "precision", "random_precision", "caught", "incidents", "random_recall", "only",
    "delay_s_p50", "pages", "pages_per_day",
)  # fmt: skip


def scores_for_people(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores with as many columns as a screen holds; `--json` and `--csv` have all."""
    import polars as pl

    whole = scores["part"].n_unique() < 2
    both = pl.col("random_recall") * pl.col("incidents")
    return scores.select(_OF_SCORES).with_columns(
        pl.col("rule").fill_null("all together"), both.alias("random_recall")
    ).rename({"random_recall": "random_caught"}).drop(["part"] if whole else [])  # fmt: skip


def lies_ahead(latest: datetime) -> pl.Expr:
    """True for events later than that which do not say when they arrived: one broken clock makes all that comes after
    such an event late. Where an event says when it arrived, the rules' own `max_ahead` judges by that."""
    import polars as pl

    return (pl.col("timestamp") > latest).fill_null(value=False) & pl.col("arrived_at").is_null()


def longest_ahead(rules: RuleSet) -> timedelta:
    """The longest `max_ahead` of the groups."""
    return max((group.max_ahead for group in rules.groups), default=timedelta())


def say_what_lies_ahead(log: pl.LazyFrame, rules: RuleSet, now: datetime) -> None:
    """`alerts live` sets such events aside where it goes by the wall clock; on history they count, and are said."""
    import polars as pl

    most = longest_ahead(rules)
    count = log.filter(lies_ahead(now + most)).select(pl.len()).collect().item()
    if count:
        say(f"{count:,} events lay more than {most} ahead of this machine's clock; they count here, but `alerts live` "
            "sets them aside (--until leaves them out here, --clock events lets them count there)")  # fmt: skip


_LEFT_OUT = {
    "late": "arrived after their evaluations", "ahead": "lie far ahead of their arrival", "untimed": "have no time",
    "over_series_limit": "label sets were not evaluated: more than max_series", "skipped": "values were no numbers",
    "untracked": "could not be followed: no correlation id",
    "over_limit": "evaluations went over the group's limit and dropped every alert",
}  # fmt: skip


def say_what_was_left_out(result: Backtest) -> None:
    """What of the log the rules could not see, and which of them sampling bends."""
    for group, counts in result.accounts.items():
        if counts["events"] and not counts["evaluations"]:
            say(f"{group}: nothing was evaluated: the log ends before the next tick (--until moves the clock on), or "
                "its rules look at none of the events")  # fmt: skip
        for word, meaning in _LEFT_OUT.items():
            if counts.get(word):
                say(f"{group}: {counts[word]:,} {meaning}")
    biased = result.summary.filter("biased")
    for group, rule in biased.select("group", "rule").rows():
        say(f"{group} / {rule}: sampled events bend its value")
