"""`onex-analytics batch …`: how events become batches, and what that costs in delay and losses."""

from __future__ import annotations

import typer

from onex_analytics.cli.batch import histories, known_exporters

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="How events become batches, and what that costs in delay."
)
app.command()(histories.simulate)
app.command()(histories.compare)
app.command()(known_exporters.presets)

__all__ = ["app"]
