"""`onex-analytics errors …`: what fails, what is one, when it comes, and what it goes with."""

from __future__ import annotations

import typer

from onex_analytics.cli.errors import messages, relations, statements, times

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What fails and why: groups, templates, bursts, cascades."
)
app.command()(messages.groups)
app.command()(messages.templates)
app.command()(statements.classify)
app.command()(statements.tracebacks)
app.command()(times.rates)
app.command()(times.bursts)
app.command()(times.compare)
app.command()(relations.co_occurrence)
app.command()(relations.cascades)
app.command()(relations.contrast)

__all__ = ["app"]
