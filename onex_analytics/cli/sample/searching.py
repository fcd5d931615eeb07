"""Which policy: choose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onex_analytics.cli.figure_files import Figure, write_figures
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say, write_text
from onex_analytics.cli.progress import busy
from onex_analytics.cli.sample.options import (
    ByEvent,
    Files,
    Metrics,
    Since,
    Until,
    log_of,
    say_what_was_sampled_before,
)
from onex_analytics.cli.span_inputs import By, listed
from onex_analytics.exceptions import InvalidOption

SHOWN = ("policy", "frontier")


def choose(
    files: Files = None,
    store: StoreOrFiles = None,
    budget: Annotated[
        float | None, typer.Option(help="The share of the events that may be kept, above 0, up to 1.")
    ] = None,
    target_error: Annotated[
        float | None, typer.Option(help="How far off any answer may be, as a share of the truth.")
    ] = None,
    metric: Metrics = None,
    by: By = None,
    strata: Annotated[
        list[str] | None,
        typer.Option(help="Facts by which shares may differ: event_type, node, severity, error_code; those of --by "
                          "where not given."),
    ] = None,
    keep_failures: Annotated[bool, typer.Option(help="Keep failures whole.")] = True,
    least_share: Annotated[float, typer.Option(help="Nothing is kept at a smaller share.")] = 0.01,
    by_bytes: Annotated[bool, typer.Option("--by-bytes", help="The budget is of bytes, not of events.")] = False,
    by_event: ByEvent = False,
    since: Since = None,
    until: Until = None,
    show: Annotated[
        str | None, typer.Option(help=f"{' or '.join(SHOWN)}; both by default, the frontier for programs.")
    ] = None,
    max_error: Annotated[
        float | None, typer.Option(min=0, help="Exit with 1 where the chosen policy may be farther off.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the policy here, as --policies and `load_policies` read it.")
    ] = None,
    figure: Figure = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:  # fmt: skip
    """The policy of the smallest worst error within a budget, or of the smallest volume within an error."""
    output = Output(as_json, as_csv, out)
    if show is not None and show not in SHOWN:
        raise InvalidOption("--show", show, "one of " + ", ".join(SHOWN))
    if (budget is None) == (target_error is None):
        raise InvalidOption("what to choose by", "both" if budget else "not named", "--budget or --target-error")
    from onex_analytics.sampling import choose as run
    from onex_analytics.sampling import dump_policies, simulate

    metrics, keys = listed(metric, ("error_rate",)), listed(by, ("node",))
    with log_of(files, store, since, until) as (_, log), busy("choosing"):
        say_what_was_sampled_before(log)
        found = run(
            log, metrics, keys, budget=budget, target_error=target_error, keep_failures=keep_failures,
            strata=None if strata is None else listed(strata, ()), least_share=least_share,
            scope="event" if by_event else "trace", size="size_bytes" if by_bytes else None,
        )  # fmt: skip
        simulated = simulate(found.policy, log, metrics, keys) if figure is not None else None
    from onex_analytics.looks.sampling import rules_of

    rules, people = rules_of(found.policy), output.form == "table"
    if show == "policy":
        output.frame(rules)
    elif show == "frontier" or not people or out is not None:
        output.frame(found.frontier)
    else:
        output.frame(rules, "What to ship: the first rule that matches holds")
        print()
        output.frame(found.frontier, "What was tried")
    if simulated is not None and figure is not None:
        from onex_analytics.views import sampling as views

        drawn = [("What volume buys", views.frontier(found.frontier))]
        drawn += [(f"How far off {name} is", views.group_errors(simulated.errors, name)) for name in metrics]
        write_figures(drawn, figure, title="Which policy to ship", caption=(
            f"{', '.join(files) if files else store}. Every policy is judged by its exact design error."
        ))  # fmt: skip
    chosen = found.frontier.filter("chosen").row(0, named=True)
    if write is not None:
        write_text(write, dump_policies(found.policy).text)
        say(f"policy: {write}")
    where, what = chosen["worst_group"] or "the whole log", "bytes" if by_bytes else "events"
    say(f"chosen: {chosen['design']}, {chosen['volume_share']:.2%} of the {what}, off by at most "
        f"{chosen['worst_error']:.2%} ({chosen['worst_metric']} of {where})")  # fmt: skip
    if max_error is not None and chosen["worst_error"] > max_error:
        say(f"at most {max_error:.2%} was allowed")
        return 1
    return 0
