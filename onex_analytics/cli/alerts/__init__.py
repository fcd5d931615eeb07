"""`onex-analytics alerts …`: rule files, checked, tried on history, run live, given to Prometheus."""

from __future__ import annotations

import typer

from onex_analytics.cli.alerts import history, live, reasons, rule_files, thresholds

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Alert rules: check, try on history, tune, explain, run live, export.",
)  # fmt: skip
app.command()(rule_files.check)
app.command("test")(rule_files.run_tests)
app.command("presets")(rule_files.show_presets)
app.command()(rule_files.export)
app.command("import")(rule_files.import_prometheus)
app.command()(history.backtest)
app.command()(thresholds.sweep)
app.command()(thresholds.suggest)
app.command()(reasons.explain)
app.command("live")(live.live)

__all__ = ["app"]
