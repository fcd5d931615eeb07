"""`onex-analytics size …`: what events weigh, what a policy would send of them, and how small they get."""

from __future__ import annotations

import typer

from onex_analytics.cli.size import codecs, sending, weighing

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What events weigh, and how to make them lighter."
)
app.command()(weighing.report)
app.command()(sending.simulate)
app.command()(codecs.compress)
app.command()(codecs.train)

__all__ = ["app"]
