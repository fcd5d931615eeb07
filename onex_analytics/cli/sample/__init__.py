"""`onex-analytics sample …`: what to keep, what that costs, and what it does to answers and alerts."""

from __future__ import annotations

import typer

from onex_analytics.cli.sample import alerts, answers, keeping, searching

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What to keep of a log, and what that costs."
)
app.command()(answers.simulate)
app.command()(searching.choose)
app.command()(answers.estimate)
app.command()(keeping.apply)
app.command()(alerts.alerts)

__all__ = ["app"]
