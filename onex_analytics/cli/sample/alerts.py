"""Which alerts and incidents sampling would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.alerts.options import AsOf, Incidents, Labels, Lead, Rename, incidents_of, readable
from onex_analytics.cli.alerts.rule_files import Rules, rules_of
from onex_analytics.cli.figure_files import Figure, write_figure
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.cli.sample.options import (
    ByEvent,
    Files,
    KeepFailures,
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
from onex_analytics.exceptions import InvalidOption

if TYPE_CHECKING:
    import polars as pl

SHOWN = ("policies", "rules", "alerts", "incidents")
LADDER = (0.5, 0.1, 0.01)


def alerts(
    rules: Rules,
    files: Files = None,
    store: StoreOrFiles = None,
    policies: Policies = None,
    probability: Probability = None,
    rule: Rule = None,
    keep_failures: KeepFailures = None,
    by_event: ByEvent = False,
    since: Since = None,
    until: Until = None,
    incidents: Incidents = None,
    lead: Lead = "15m",
    label: Labels = None,
    rename: Rename = None,
    as_of: AsOf = "event",
    draws: Annotated[
        int, typer.Option(min=1, help="The first is what would have been kept; more tell how likely each loss is.")
    ] = 1,
    show: Annotated[str, typer.Option(help=f"{', '.join(SHOWN)}.")] = "policies",
    max_lost: Annotated[
        float | None, typer.Option(min=0, help="Exit with 1 where a policy loses more alerts or incidents a draw.")
    ] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Which alerts, pages and caught incidents would be lost, late or false if only a part were kept."""
    output = Output(as_json, as_csv, out)
    if show not in SHOWN:
        raise InvalidOption("--show", show, "one of " + ", ".join(SHOWN))
    if show == "incidents" and incidents is None:
        raise InvalidOption("--show", show, "--incidents as well")
    from onex_analytics.cli.sample.alert_losses import alert_losses

    tried = told_apart(policies_named(policies, probability, rule, keep_failures, by_event, LADDER))
    told = incidents_of(incidents, rename)
    with log_of(files, store, since, until) as (held, log), busy("evaluating"):
        say_what_was_sampled_before(log)
        losses = alert_losses(
            rules_of(rules, dict(held.dimensions)), log, tried, told, draws=draws, lead=lead,
            as_of=as_of, labels=label or None,  # type: ignore[arg-type]
        )  # fmt: skip
    frames = {"policies": _together(losses.rules), "rules": losses.rules, "alerts": losses.alerts,
              "incidents": losses.incidents}  # fmt: skip
    frame = frames[show]
    assert frame is not None
    output.frame(readable(_for_people(frame) if output.form == "table" else frame)
                 if output.form in ("table", "csv") else frame)  # fmt: skip
    if figure is not None:
        from onex_analytics.views import sampling as views

        drawn = "one draw, that of the log's own ids" if draws == 1 else f"{draws} draws, on average"
        write_figure(views.alert_impact(losses.rules), figure, title="Alerts under sampling", caption=(
            f"The rules of {rules} on {', '.join(files) if files else store}: {drawn}. The grey mark is the whole log."
        ))  # fmt: skip
    if output.form == "table":
        _say_why_biased(losses.rules)
    if draws == 1:
        say("one draw: what would have been kept by the ids of this log; --draws 20 tells how likely each loss is")
    return _over_budget(losses.rules, max_lost)


def _together(losses: pl.DataFrame) -> pl.DataFrame:
    """All rules together, a row a policy."""
    import polars as pl

    return losses.filter(pl.col("rule").is_null()).drop("group", "rule")


def _for_people(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns that say something; why a rule is bent is said once, below."""
    import polars as pl

    if "rule" in frame.columns and "bias" in frame.columns:
        frame = frame.with_columns(pl.col("rule").fill_null("all together"))
    unknown = [name for name in frame.columns if name.startswith("incidents") and frame[name].is_null().all()]
    biased = [pl.col("bias").is_not_null().alias("biased")] if "bias" in frame.columns else []
    return frame.with_columns(*biased).drop("bias", "group", *unknown, strict=False)


def _say_why_biased(losses: pl.DataFrame) -> None:
    import polars as pl

    bent = losses.filter(pl.col("bias").is_not_null() & pl.col("rule").is_not_null())
    alike = bent.group_by("bias", maintain_order=True).agg(pl.col("rule").unique(maintain_order=True))
    for bias, rules in alike.rows():
        say(f"sampling bends {', '.join(rules)}: {bias}")


def _over_budget(losses: pl.DataFrame, max_lost: float | None) -> int:
    import polars as pl

    if max_lost is None:
        return 0
    over = 0
    both = losses.filter(pl.col("rule").is_null()).select("policy", "lost", "incidents_lost")
    for policy, lost, incidents in both.rows():
        for count, what in ((lost, "alerts"), (incidents or 0.0, "caught incidents")):
            if count > max_lost:
                say(f"{policy}: {count:g} {what} are lost; at most {max_lost:g} were allowed")
                over = 1
    return over
