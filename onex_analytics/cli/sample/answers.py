"""What policies do to answers: simulate; and answers from what was kept: estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from onex_analytics.cli.figure_files import Figure, write_figures
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.sample.options import (
    METRICS,
    ByEvent,
    Files,
    KeepFailures,
    Metrics,
    Policies,
    Probability,
    Rule,
    Since,
    Until,
    log_of,
    policies_named,
    say_what_was_sampled_before,
    told_apart,
)
from onex_analytics.cli.span_inputs import By, Limit, listed
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import polars as pl

    from onex_analytics.sampling import Simulation

SIMULATED = ("policies", "errors", "losses")
LADDER = (0.5, 0.1, 0.01)
_OF_POLICIES = (
    "policy", "scope", "events", "events_kept", "events_share", "bytes_kept", "bytes_share", "torn_starts", "torn_ends",
    "cost",
)  # fmt: skip
_OF_ERRORS = ("truth", "expected", "relative_error", "low", "high", "effective_n", "never_seen", "warning")


def simulate(
    files: Files = None,
    store: StoreOrFiles = None,
    policies: Policies = None,
    probability: Probability = None,
    rule: Rule = None,
    keep_failures: KeepFailures = None,
    by_event: ByEvent = False,
    metric: Metrics = None,
    by: By = None,
    since: Since = None,
    until: Until = None,
    million_events: Annotated[float | None, typer.Option(min=0, help="What keeping a million events costs.")] = None,
    gigabyte: Annotated[float | None, typer.Option(min=0, help="What keeping a gigabyte (10^9 bytes) costs.")] = None,
    show: Annotated[
        str | None, typer.Option(help=f"{', '.join(SIMULATED)}; the first two by default, errors for programs.")
    ] = None,
    limit: Limit = 60,
    max_error: Annotated[
        float | None, typer.Option(min=0, help="Exit with 1 where a metric is farther off, as a share of the truth.")
    ] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What policies would keep of a log, and how far off each answer would be: exact, in closed form."""
    output = Output(as_json, as_csv, out)
    if show is not None and show not in SIMULATED:
        raise InvalidOption("--show", show, "one of " + ", ".join(SIMULATED))
    from onex_analytics.sampling import Prices
    from onex_analytics.sampling import simulate as run

    tried: list[Any] = told_apart(policies_named(policies, probability, rule, keep_failures, by_event, LADDER))
    prices = None if million_events is None and gigabyte is None else Prices(
        million_events=million_events or 0.0, gigabyte=gigabyte or 0.0
    )  # fmt: skip
    with log_of(files, store, since, until) as (_, log), busy("simulating"):
        say_what_was_sampled_before(log)
        found = run(tried, log, listed(metric, METRICS), listed(by, ()), prices=prices)
    _tell(found, output, show, limit)
    if figure is not None:
        write_figures(_drawn(found), figure, title="What sampling would keep, and what it would cost", caption=(
            f"{', '.join(files) if files else store}, under {len(tried)} policies. Errors are exact design errors: "
            "how answers vary as traces are drawn."
        ))  # fmt: skip
    return _over_budget(found.errors, max_error)


def estimate(
    files: Files = None,
    store: StoreOrFiles = None,
    metric: Metrics = None,
    by: By = None,
    by_event: ByEvent = False,
    since: Since = None,
    until: Until = None,
    confidence: Annotated[float, typer.Option(help="Of the interval, between 0 and 1.")] = 0.95,
    limit: Limit = 60,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """Answers about the whole log from the part of it that was kept, with intervals, by its adjusted counts."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.sampling import estimate as run

    with log_of(files, store, since, until) as (_, log), busy("estimating"):
        say_what_was_sampled_before(log)
        found = run(
            log, listed(metric, METRICS), listed(by, ()), scope="event" if by_event else "trace", confidence=confidence
        ).collect()
    if output.form == "table":
        found = _some(found, limit).drop("rests_on", "skewness", "kurtosis", "tail_index")
    output.frame(found)


def _tell(found: Simulation, output: Output, show: str | None, limit: int) -> None:
    people = output.form == "table"
    policies, errors, losses = found.policies, found.errors, found.losses
    if people:
        policies = _said(policies.select(_OF_POLICIES))
        groups = [name for name in errors.columns[3:] if name not in _OF_ERRORS and name not in _numbers()]
        errors = _some(_said(_farthest_first(errors).select("policy", "metric", *groups, *_OF_ERRORS)), limit)
    if show == "losses":
        output.frame(_some(losses, limit) if people else losses)
    elif show == "policies":
        output.frame(policies)
    elif show == "errors" or not people or output.out is not None:
        output.frame(errors)
    else:
        output.frame(policies, "What each policy keeps")
        print()
        output.frame(errors, "How far off each answer is")


def _farthest_first(errors: pl.DataFrame) -> pl.DataFrame:
    """The whole log under each policy, then the groups that are farthest off; of those what is never seen first."""
    import polars as pl

    whole = pl.col("level") == "all"
    off = pl.when(pl.col("expected").is_null()).then(float("inf")).otherwise(pl.col("relative_error").fill_null(-1.0))
    order = pl.when(~whole).then(off)
    return errors.sort(~whole, order, descending=[False, True], nulls_last=False, maintain_order=True)


def _numbers() -> set[str]:
    from onex_analytics.sampling.designs import ERROR_NUMBERS

    return set(ERROR_NUMBERS)


def _said(frame: pl.DataFrame) -> pl.DataFrame:
    """Without the columns that say nothing in any row."""
    silent = ("cost", "warning", "bytes_kept", "bytes_share", "torn_starts", "torn_ends")
    return frame.drop([name for name in silent if name in frame.columns and frame[name].is_null().all()])


def _some(frame: pl.DataFrame, limit: int) -> pl.DataFrame:
    if not limit or frame.height <= limit:
        return frame
    say(f"{frame.height - limit:,} further rows: --limit 0 shows them, and so do --json and --csv")
    return frame.head(limit)


def _drawn(found: Simulation) -> list[tuple[str, go.Figure]]:
    """The figures of a simulation, with their headings."""
    from onex_analytics.views import sampling as views

    metrics = found.errors["metric"].unique(maintain_order=True)
    return [
        ("What volume buys", views.volume_and_error(found.policies, found.errors)),
        ("What would be lost", views.lost(found.losses, found.policies)),
        *((f"How far off {metric} is", views.group_errors(found.errors, metric)) for metric in metrics),
    ]


def _over_budget(errors: pl.DataFrame, max_error: float | None) -> int:
    import polars as pl

    if max_error is None:
        return 0
    known = errors.filter(pl.col("relative_error").is_not_null() | pl.col("expected").is_null())
    over = known.filter(pl.col("relative_error").fill_null(float("inf")) > max_error)
    if over.is_empty():
        return 0
    worst = over.sort(pl.col("relative_error").fill_null(float("inf")), descending=True).row(0, named=True)
    error = "never seen" if worst["relative_error"] is None else f"off by {worst['relative_error']:.2%}"
    say(f"{over.height:,} of {known.height:,} answers are off by more than {max_error:.2%}; the farthest: "
        f"{worst['metric']} under {worst['policy']} is {error}")  # fmt: skip
    return 1
