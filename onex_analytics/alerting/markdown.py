"""Backtests as the comment of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.scoring import zone

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest
    from onex_analytics.alerting.comparisons import Comparison

_CHANGES = {"won": "Incidents won", "lost": "Incidents lost", "neither": "Incidents missed by both"}
_MOST = 20  # incidents of a kind that are named


def comparison_text(comparison: Comparison) -> str:
    """What changes from one rule file to the other, as Markdown."""
    before, after = comparison.before, comparison.after
    lines = ["### Alert rules: before and after", "", _span(after), ""]
    lines += _table(("", "before", "after", "change"), _facts(before, after))
    if comparison.incidents is not None:
        for change, title in _CHANGES.items():
            some = comparison.incidents.filter(pl.col("change") == change)
            lines += ["", f"**{title}: {some.height}**", *_named(some, after.tz)]
    changed = comparison.rules.filter(
        (pl.col("change") != "same") | (pl.col("firings_before") != pl.col("firings_after"))
        | (pl.col("pages_before") != pl.col("pages_after"))
    )  # fmt: skip
    lines += ["", "**Rules that change**" if changed.height else "**No rule changes what it does.**"]
    if changed.height:
        rows = [
            (f"{row['group']} / {row['rule']}", row["change"], _arrow(row, "firings"), _arrow(row, "pages"),
             _arrow(row, "night_pages"))
            for row in changed.iter_rows(named=True)
        ]  # fmt: skip
        lines += ["", *_table(("rule", "", "firings", "pages", "pages at night"), rows)]
    return "\n".join(lines) + "\n"


def backtest_text(result: Backtest) -> str:
    """What rules did on a log, as Markdown."""
    lines = ["### Alert rules on history", "", _span(result), ""]
    rows: list[tuple[Any, ...]] = [(row[0], row[2]) for row in _facts(result, result)]
    lines += [*_table(("", ""), rows), ""]
    columns: tuple[str, ...] = ("rule", "label sets", "firings", "flaps", "time firing", "pages")
    of_rules: list[tuple[Any, ...]] = [
        (f"{row['group']} / {row['rule']}", row["label_sets"], row["firings"], row["flaps"], _spoken(row["firing_s"]),
         row["pages"])
        for row in result.summary.iter_rows(named=True)
    ]  # fmt: skip
    if result.incidents is not None and (scores := result.scores()).height:
        columns = (*columns, "precision", "caught")
        of_rules = [
            (*row, _share(score, "precision"), f"{score['caught']} of {score['incidents']}")
            for row, score in zip(of_rules, scores.iter_rows(named=True), strict=False)
        ]
    return "\n".join([*lines, *_table(columns, of_rules)]) + "\n"


def _span(result: Backtest) -> str:
    if result.begin is None or result.end is None:
        return "Nothing was evaluated: the log has no event that a rule could see."
    here = zone(result.tz)
    begin, end = (f"{moment.astimezone(here):%Y-%m-%d %H:%M}" for moment in (result.begin, result.end))
    events = max((counts["events"] for counts in result.accounts.values()), default=0)
    late = max((counts["late"] for counts in result.accounts.values()), default=0)
    aside = f", {late:,} of them late" if late else ""
    return f"{begin} to {end} ({result.tz}), {events:,} events{aside}."


def _facts(before: Backtest, after: Backtest) -> list[tuple[str, ...]]:
    """Rows of what is counted: name, before, after, change."""
    loads = before.load, after.load
    counted = [
        ("firings", [result.alerts["fired"].count() for result in (before, after)]),
        ("pages", [load.pages for load in loads]),
        ("pages a day, median", [load.pages_per_day_p50 for load in loads]),
        ("pages a day, p95", [load.pages_per_day_p95 for load in loads]),
        ("pages at night (22:00 to 06:00)", [load.night_pages for load in loads]),
        ("pages on weekends", [round((load.weekend_share or 0) * load.pages) for load in loads]),
    ]
    rows: list[tuple[str, ...]] = [
        (name, f"{old:,}", f"{new:,}", _difference(old, new)) for name, (old, new) in counted
    ]
    if before.incidents is None or after.incidents is None:
        return rows
    totals = [result.scores().tail(1).to_dicts() for result in (before, after)]
    if not all(totals):
        return rows
    (old,), (new,) = totals
    rows.append(("incidents caught", *(f"{s['caught']} of {s['incidents']}" for s in (old, new)),
                 _difference(old["caught"], new["caught"])))  # fmt: skip
    rows.append(("precision (95 %)", _share(old, "precision"), _share(new, "precision"), ""))
    rows.append(("… of as many alerts at random", *(_percent(s["random_precision"]) for s in (old, new)), ""))
    rows.append(("median delay", *(_spoken(s["delay_s_p50"], "more than half missed") for s in (old, new)), ""))
    return rows


def _difference(old: int, new: int) -> str:
    return f"{new - old:+,}" if new != old else "="


def _share(score: dict[str, Any], name: str) -> str:
    if score[name] is None:
        return "–"
    return f"{_percent(score[name])} ({_percent(score[f'{name}_low'])} to {_percent(score[f'{name}_high'])})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _spoken(seconds: float | None, none: str = "–") -> str:
    if seconds is None:
        return none
    sign, length = ("−" if seconds < 0 else ""), timedelta(seconds=round(abs(seconds)))
    if length > timedelta(hours=1):
        length = timedelta(minutes=round(length / timedelta(minutes=1)))
    return sign + duration_text(length)


def _arrow(row: dict[str, Any], name: str) -> str:
    old, new = row[f"{name}_before"], row[f"{name}_after"]
    return f"{old:,}" if old == new else " → ".join("–" if value is None else f"{value:,}" for value in (old, new))


def _named(incidents: pl.DataFrame, tz: str) -> list[str]:
    lines = []
    for row in incidents.head(_MOST).iter_rows(named=True):
        labels = ", ".join(f"{label['name']}={label['value']}" for label in row["labels"])
        start = f"{row['start'].astimezone(zone(tz)):%Y-%m-%d %H:%M}"
        delay = row["delay_s_after"] if row["delay_s_after"] is not None else row["delay_s_before"]
        told = f", known after {_spoken(delay)}" if delay is not None else ""
        lines.append(f"- `{row['incident']}` {start}{f' ({labels})' if labels else ''}{told}")
    if (more := incidents.height - _MOST) > 0:
        lines.append(f"- and {more} more")
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    def line(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows)]
