"""Rule files alone and for Prometheus: check, test, presets, export, import."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onex_analytics.cli.inputs import open_store, store_of
from onex_analytics.cli.output import AsCsv, AsJson, Out, Output, StoreOrFiles, say
from onex_analytics.cli.progress import busy
from onex_analytics.exceptions import InvalidOption, RuleError

if TYPE_CHECKING:
    import polars as pl

    from onex_analytics.alerting import RuleSet

PRESETS = "presets"
Rules = Annotated[str, typer.Argument(help='The rule file, or "presets" for the rules that come along.')]


def rules_of(name: str, dimensions: dict[str, str] | None = None) -> RuleSet:
    """The rules that a command names."""
    from onex_analytics.alerting import load_rules, presets

    return presets() if name == PRESETS else load_rules(Path(name), dimensions=dimensions)


def check(
    rules: Annotated[list[str] | None, typer.Argument(help="Rule files.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of rule files, for editors.")] = False,
    store: Annotated[
        str | None, typer.Option("--store", help="Filters may name the dimensions of this store as well.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Mistakes in rule files, each with its line and its mend. Exit code 1 where there is one."""
    from onex_analytics.alerting import check_rules

    output = Output(as_json, as_csv, out)
    if schema:
        from onex_analytics.alerting.file_schema import rule_file_schema

        _write(json.dumps(rule_file_schema(), indent=2, ensure_ascii=False) + "\n", out)
        return 0
    if not rules:
        raise InvalidOption("what to check", "not named", "rule files, or --schema")
    known = None if store is None else dict(open_store(store).dimensions)
    found = [mistake for name in rules for mistake in check_rules(Path(name), dimensions=known)]
    if output.form != "table":
        output.frame(_mistakes(found))
    else:
        for mistake in found:
            print(mistake)
    if not found:
        say(f"{len(rules)} rule file{'s' * (len(rules) > 1)}: no mistake")
    return 1 if found else 0


def run_tests(
    tests: Annotated[list[str], typer.Argument(help="Test files; each names its rule files.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    out: Out = None,
) -> int:
    """Run tests of rules: events go in, and alerts and pages must come as expected. Exit code 1 where they do not."""
    output = Output(as_json, as_csv, out)
    import polars as pl

    from onex_analytics.alerting.rule_tests import run_rule_tests

    reports = []
    for name in tests:
        with busy("testing"):
            reports.append(run_rule_tests(Path(name)))
    failures = [line for report in reports for line in report.failures]
    if output.form != "table":
        output.frame(pl.concat([report.checks for report in reports]))
    else:
        for line in failures:
            print(line)
    checks = sum(report.checks.height for report in reports)
    say(f"{checks} expectations, {len(failures)} not met" if failures else f"{checks} expectations, all met")
    return 1 if failures else 0


def _mistakes(found: list[RuleError]) -> pl.DataFrame:
    import polars as pl

    rows = [(mistake.file, mistake.line, mistake.problem, mistake.mend) for mistake in found]
    schema = {"file": pl.String, "line": pl.Int64, "problem": pl.String, "mend": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def show_presets(out: Annotated[Path | None, typer.Option("--out", help="Write to this file.")] = None) -> None:
    """The rules that come along, as a file to begin with. Upstream's default alerts."""
    from onex_analytics.alerting.loading import presets_text

    _write(presets_text(), out)


def export(
    rules: Rules,
    files: Annotated[list[str] | None, typer.Argument(help="Raw files, globs or folders; or name a --store.")] = None,
    store: StoreOrFiles = None,
    to: Annotated[Path, typer.Option("--out", help="The folder to write into; made where it is not there.")] = Path(
        "prometheus"
    ),
    since: Annotated[str | None, typer.Option(help="Only events from this time on, such as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Only events before this time.")] = None,
) -> None:
    """The rules for Prometheus, with their series recorded from history: there they fire at the same ticks.

    Writes rules.yml, and for each group series-….om (OpenMetrics) and test-….yml for `promtool test rules`.
    """
    from onex_analytics.alerting import backtest, export_prometheus

    with store_of(None if files else store, files or []) as (held, _):
        read = rules_of(rules, dict(held.dimensions))
        with busy("evaluating"):
            states = backtest(read, held.scan(since=since, until=until)).stretches()
            told = export_prometheus(read, states)
    if to.exists() and not to.is_dir():
        raise InvalidOption("--out", str(to), "a folder")
    to.mkdir(parents=True, exist_ok=True)
    for name, text in told.files.items():
        (to / name).write_text(text, encoding="utf-8")
    for group, rule, field, reason in told.unmapped.iter_rows():
        say(f"not exported: {' / '.join(part for part in (group, rule, field) if part)}: {reason}")
    tests = ", ".join(sorted(name for name in told.files if name.startswith("test-")))
    say(f"{len(told.files)} files → {to}; promtool test rules {tests} shows that the alerts are the same")


def import_prometheus(
    theirs: Annotated[str, typer.Argument(help="The rule file of Prometheus.")],
    into: Annotated[str, typer.Option("--into", help="Our rule file, whose alerts of the same names take it over.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write the new rule file here.")] = None,
) -> None:
    """Take for, keep_firing_for, labels and texts over from Prometheus. Conditions stay ours; what does not come along
    is listed."""
    from onex_analytics.alerting import import_lifecycle
    from onex_analytics.alerting.writing import rules_text

    told = import_lifecycle(Path(theirs), rules_of(into))
    _write(rules_text(told.rules), out)
    for group, rule, field, reason in told.unmapped.iter_rows():
        say(f"not imported: {' / '.join(part for part in (group, rule, field) if part)}: {reason}")


def _write(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
