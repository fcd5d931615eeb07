"""`onex-analytics alerts …`: rule files, checked, tried on history, run live, given to Prometheus."""

from __future__ import annotations

import typer

from onex_analytics.cli.alerts import history, live, rule_files

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Alert rules: check, export to Prometheus.")
app.command()(rule_files.check)
app.command("test")(rule_files.run_tests)
app.command("presets")(rule_files.show_presets)
app.command()(rule_files.export)
app.command("import")(rule_files.import_prometheus)
app.command()(history.backtest)
app.command("live")(live.live)

__all__ = ["app"]
