"""What changed, when, and for whom: compare, change-points, contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.contrasting import explaining, show_findings
from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.profile.latencies import GROUPS
from onex_analytics.cli.profile.sides import Baseline, Candidate, SideColumn, sides_of
from onex_analytics.cli.progress import busy
from onex_analytics.cli.span_inputs import (
    By,
    Every,
    Files,
    Format,
    Limit,
    Nodes,
    Since,
    Until,
    fitting_every,
    listed,
    milliseconds,
    spans_of,
)
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

VERDICTS = ("regression", "improvement", "equivalent", "no evidence", "insufficient data")


def compare(
    baseline: Baseline,
    candidate: Candidate,
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    column: SideColumn = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    by: By = None,
    min_effect: Annotated[float, typer.Option(help="Smallest change that matters: 0.1 is a ratio of 1.1.")] = 0.1,
    alpha: Annotated[float, typer.Option(help="Accepted share of false findings.")] = 0.05,
    fail_on: Annotated[
        list[str] | None, typer.Option(help="Exit with 1 on this verdict, such as regression; may be given again.")
    ] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """What got slower or faster. By how much, and how sure that is; regressions first."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.profiling import compare as compared

    fatal = listed(fail_on, ())
    if unknown := [word for word in fatal if word not in VERDICTS]:
        raise InvalidOption("--fail-on", unknown, "some of " + ", ".join(VERDICTS))
    keys = [key for key in listed(by, GROUPS) if key != column]
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("comparing"):
        before, after = sides_of(spans, column, baseline, candidate)
        table = compared(before, after, keys, min_effect=min_effect, alpha=alpha).collect()
    order = pl.col("verdict").replace_strict(list(VERDICTS), range(len(VERDICTS)), return_dtype=pl.Int8)
    rows = table.sort(order, pl.col("p95_ratio").fill_null(0.0), descending=[False, True], maintain_order=True)
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.comparison_forest(rows), figure, title=f"{baseline} → {candidate}", caption=(
            "Right of the line is slower, left is faster; a bar that crosses the line may be chance."
        ))  # fmt: skip
    told = [*keys, *_COMPARED]
    output.frame(rows.select(told) if output.form == "table" else rows)
    found = rows.filter(pl.col("verdict").is_in(fatal))
    if found.height:
        counts = ", ".join(f"{word}: {n}" for word, n in found["verdict"].value_counts(sort=True).rows())
        say(counts)
    return 1 if found.height else 0


def change_points(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    every: Every = None,
    by: By = None,
    quantile: Annotated[float, typer.Option(min=0, max=1, help="Which one may change its level.")] = 0.5,
    method: Annotated[str, typer.Option(help="edivisive or welch.")] = "edivisive",
    min_effect: Annotated[float, typer.Option(help="Smallest change that counts: 0.1 is a ratio of 1.1.")] = 0.1,
    max_changes: Annotated[int | None, typer.Option(min=0, help="Exit with 1 where there are more.")] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """When a latency changed its level. And by how much."""
    output = Output(as_json, as_csv, out)
    from onex_analytics.frames.quantiles import quantile_name
    from onex_analytics.profiling import change_points as sought
    from onex_analytics.profiling import latency_timeseries

    keys = listed(by, ())
    value = f"{quantile_name(quantile)}_ms"
    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("looking"):
        width = every or fitting_every(spans, 240)
        series = latency_timeseries(spans, width, keys, [quantile]).collect()
        found = sought(series, value, method, by=keys, min_effect=min_effect).collect()  # type: ignore[arg-type]
    if figure is not None:
        from onex_analytics.views import profiling as views

        write_figure(views.change_points(series, found), figure, title=f"{value} in buckets of {width}", caption=(
            "A line at each time from which on the level was another one."
        ))  # fmt: skip
    output.frame(found)
    if found.is_empty():
        say(f"no change of {value} in buckets of {width}")
    if max_changes is not None and found.height > max_changes:
        say(f"{found.height} changes; the budget is {max_changes}.")
        return 1
    return 0


def contrast(
    files: Files = None,
    store: StoreOrFiles = None,
    format: Format = None,
    since: Since = None,
    until: Until = None,
    node: Nodes = None,
    slower_than: Annotated[
        str, typer.Option(help="Which are slow: 95% (of the work of the same kind), or a duration such as 800ms or 2s.")
    ] = "95%",
    failed: Annotated[bool, typer.Option("--failed", help="Not the slow ones: those that failed.")] = False,
    within: Annotated[
        list[str] | None, typer.Option(help='What is the same kind of work, for a share; "" is all.')
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Columns that may explain it; who, what and dimensions where not given.")
    ] = None,
    max_order: Annotated[int, typer.Option(min=1, max=2, help="2 looks at combinations of two, too.")] = 2,
    min_ratio: Annotated[float, typer.Option(help="Smallest risk ratio of a finding.")] = 1.5,
    limit: Limit = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> None:
    """What is different about the slow ones. Or those that failed: values they have more often than the rest."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.frames import contrast as contrasted

    with spans_of(files, store, format, since=since, until=until, nodes=node) as spans, busy("looking"):
        if failed:
            judged = spans.with_columns((pl.col("status") == "error").alias(_TARGET))
        else:
            judged = _slow(spans, slower_than, listed(within, GROUPS))
        chosen = listed(column, explaining(spans))
        found = contrasted(judged, pl.col(_TARGET), max_order, columns=chosen, min_ratio=min_ratio).collect()
    show_findings(found, output, limit)


_TARGET = "_in_question"
_COMPARED = (
    "n_baseline", "n_candidate", "p50_baseline_ms", "p50_candidate_ms", "p50_ratio", "p50_ratio_low", "p50_ratio_high",
    "p95_baseline_ms", "p95_candidate_ms", "p95_ratio", "p95_ratio_low", "p95_ratio_high", "verdict", "because",
)  # fmt: skip


def _slow(spans: pl.LazyFrame, slower_than: str, within: list[str]) -> pl.LazyFrame:
    """The spans that were measured, with whether each is slow."""
    import polars as pl

    from onex_analytics.profiling import latency_table

    measured = spans.filter(pl.col("duration_ms").is_not_null() & (pl.col("state") != "open"))
    if not slower_than.endswith("%"):
        limit = milliseconds("--slower-than", slower_than)
        return measured.with_columns((pl.col("duration_ms") > limit).alias(_TARGET))
    try:
        share = float(slower_than.removesuffix("%")) / 100
    except ValueError as problem:
        wanted = "a share such as 95%, or a duration such as 800ms"
        raise InvalidOption("--slower-than", slower_than, wanted) from problem
    table = latency_table(spans, within, [share]).collect().lazy()
    limit_ms = next(name for name in table.collect_schema() if name.startswith("p") and name.endswith("_ms"))
    limits = table.select(*within, pl.col(limit_ms).alias("_limit_ms"))
    if within:
        judged = measured.join(limits, on=within, how="left", nulls_equal=True)
    else:
        judged = measured.join(limits, how="cross")
    return judged.with_columns((pl.col("duration_ms") > pl.col("_limit_ms")).alias(_TARGET)).drop("_limit_ms")
