"""`onex-analytics profile …`: how long work takes, whether that is good enough, what changed, and why."""

from __future__ import annotations

import typer

from onex_analytics.cli.profile import changes, differences, latencies, work

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="How long work takes, what changed, where the time goes."
)
app.command()(latencies.latency)
app.command()(latencies.timeseries)
app.command()(latencies.apdex)
app.command()(latencies.slo)
app.command()(latencies.heatmap)
app.command()(latencies.ecdf)
app.command()(changes.compare)
app.command("change-points")(changes.change_points)
app.command()(changes.contrast)
app.command("attribute-change")(differences.attribute_change)
app.command()(work.flame)
app.command("flame-diff")(differences.flame_diff)
app.command()(work.resources)
app.command()(work.concurrency)

__all__ = ["app"]
