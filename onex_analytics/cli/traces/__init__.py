"""`onex-analytics traces …`: which traces there are, one of them line by line, and what never ended."""

from __future__ import annotations

import typer

from onex_analytics.cli.traces import leeway, looking, totals

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Traces: list, look into, what never ended.")
app.command("list")(looking.listing)
app.command()(looking.show)
app.command("open")(looking.unfinished)
app.command("critical-path")(totals.critical_path)
app.command()(leeway.drag)
app.command()(leeway.slack)
app.command("what-if")(leeway.what_if)
app.command()(totals.diagnostics)
app.command()(totals.export)

__all__ = ["app"]
