"""`onex-analytics demo`: from nothing to a report in one command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.output import AsCsv, AsJson, Output, say
from onex_analytics.cli.progress import busy, growing, progress, reading

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.views import SamplingFrames


def demo(
    folder: Annotated[Path, typer.Option(help="Where the log and the store go.")] = Path("demo"),
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    events: Annotated[int, typer.Option(min=100, help="How many events.")] = 200_000,
    seed: Annotated[int, typer.Option(help="Settles everything that is left to chance.")] = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> int:
    """A seeded log with labelled incidents → a store → what was found, and report.html."""
    output = Output(as_json, as_csv)
    from onex_analytics.alerting import presets
    from onex_analytics.cli.first_look import first_look
    from onex_analytics.cli.report import write_report
    from onex_analytics.cli.sample_look import BUDGET, sample_look
    from onex_analytics.looks.alerts import alert_look
    from onex_analytics.looks.sizes import size_look
    from onex_analytics.store import EventStore
    from onex_analytics.synthetic import DIMENSIONS, generate

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events-{events}-{seed}.jsonl"
    log = generate(events, seed)
    say(f"1  {events:,} seeded events with labelled incidents → {path}")
    with growing(path, "writing"):
        log.write(path)
    place = folder / f"store-{events}-{seed}"
    held = EventStore(str(place), dimensions=None if place.exists() else DIMENSIONS)
    say(f"2  append to the store {held.uri}")
    with progress(reading()) as tell:
        report = held.append(str(path), progress=tell)
    say(f"   {report}; {report.events_per_second:,.0f} lines a second")
    say("3  the first look")
    with busy("asking"):
        look = first_look(held.scan(), spans=held.spans(), rejected=held.rejected(), labels=log.labels.lazy())
    say("4  the alert rules that come along, on the same log")
    with busy("evaluating"):
        alerts = alert_look(
            presets(), held.scan(), log.labels.lazy(), name="The default rules that come along",
            period=look.answers["period"],
        )  # fmt: skip
    say(f"5  what {BUDGET:.0%} of the events would tell, and which alerts that would lose")
    with busy("sampling"):
        sampling = sample_look(held.scan(), alerts, period=look.answers["period"], budget=BUDGET)
    say("6  what events weigh")
    with busy("weighing"):
        sizes = size_look(held.scan(), period=look.answers["period"])
    write_report(
        replace(look, alerts=alerts, sampling=sampling, sizes=sizes), out, title="The first look at a seeded log",
        source=f"{path.name}, store version {report.version}", ingest=report.as_dict(),
    )  # fmt: skip
    incidents = look.answers["incidents"].select(
        "incident_id", "node", "cause", "start", "end", "events", "verdict", "seen_as", "best_score"
    )
    if output.form == "table":
        _tell(look.answers, output)
        output.frame(alerts.summary.select(
            "rule", "firings", "firing_label_sets", "pages", "pages_per_day", "flaps"
        ), "what the alert rules would have done")  # fmt: skip
        print()
    output.frame(incidents, "labelled incidents, and what shows of them")
    verdicts = incidents["verdict"].to_list()
    seen, missed, quiet = (verdicts.count(word) for word in ("seen", "missed", "nothing to see"))
    changes = f"; {quiet} labelled change with nothing to see" if quiet else ""
    say(f"{seen} of {seen + missed} labelled incidents are visible{changes}. report: {out}")
    if alerts.scores is not None:
        row = alerts.scores.row(-1, named=True)
        say(f"The alert rules catch {row['caught']} of {row['incidents']} incidents, with "
            f"{row['pages_per_day']:.1f} pages a day.")  # fmt: skip
    _tell_of_sampling(sampling)
    return 0


def _tell_of_sampling(sampling: SamplingFrames) -> None:
    """The policy that was chosen, and what it would cost."""
    if sampling.frontier is None or sampling.alerts is None:
        return
    chosen = sampling.frontier.filter("chosen").row(0, named=True)
    lost = sampling.alerts.filter(policy="chosen").row(-1, named=True)
    say(f"{chosen['volume_share']:.0%} of the events, well chosen, tell the error rate of every node to within "
        f"{chosen['worst_error']:.0%}; {lost['lost']:.0f} of {lost['full_firings']} alerts would be lost.")  # fmt: skip


def _tell(answers: Mapping[str, pl.DataFrame], output: Output) -> None:
    notable = answers["notable"]
    output.facts(answers["totals"].row(0, named=True), "the log")
    print()
    output.frame(notable, "what stands out")
    print()
