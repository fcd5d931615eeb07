"""The part of the first report that is about errors: what fails, since when, with what, and what is different."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import plotly.graph_objects as go
import polars as pl

from onex_analytics.views import error_patterns
from onex_analytics.views.groups import count
from onex_analytics.views.page import Section, html_figure
from onex_analytics.views.tables import Column, html_facts, html_table, plain
from onex_analytics.views.theme import description

_MOST = 40
_FEW = 15
_LETTERS = 160
_NAMES = 3
_BASIS = {
    "rule": "your rule", "code": "its code", "stack": "its stack", "type+template": "its type and template",
    "template": "its template", "none": "they say nothing",
}  # fmt: skip


class ErrorChanges(NamedTuple):
    """Two periods, and what became of each group of errors between them."""

    start: datetime
    moment: datetime
    end: datetime
    occasion: str
    """What happened then, such as "the last fifth of the log began"; "" where nothing is known of it."""
    changes: pl.DataFrame
    """`error_patterns.compare_periods` by `title`."""


class ErrorContrast(NamedTuple):
    """What is different about work that failed."""

    code: str | None
    """Work that failed with it; None for all work that failed."""
    failures: int
    findings: pl.DataFrame
    """`frames.contrast`."""


class ErrorExample(NamedTuple):
    """One trace with errors."""

    trace_id: str
    errors: pl.DataFrame
    """Its errors by time, with the `title` of the group of each."""
    waterfall: pl.DataFrame
    """`profiling.waterfall`; empty where no span of it is known."""


class ErrorFrames(NamedTuple):
    """Collected results of `error_patterns`. Groups go by their `title`, which tells them apart."""

    groups: pl.DataFrame
    """`error_patterns.group_errors`, of all errors."""
    changes: ErrorChanges | None
    """None where the log is a single moment."""
    bursts: pl.DataFrame
    """`error_patterns.detect_bursts` by `title`."""
    every: str
    """The width of its buckets."""
    pairs: pl.DataFrame
    """`error_patterns.co_occurrence` by `title`, among all traces."""
    chains: pl.DataFrame
    """`error_patterns.cascades` by `node` and `title`, within traces."""
    episodes: pl.DataFrame
    """`error_patterns.cascades` by `title`, of errors at most `max_gap` apart."""
    max_gap: str
    contrasts: Sequence[ErrorContrast]
    """Of all work that failed, then of single codes."""
    example: ErrorExample | None
    """None where no error is of a trace."""


def error_sections(errors: ErrorFrames) -> list[Section]:
    """The groups, what changed, when errors come, what comes together, what is different, and an example."""
    groups = groups_section(errors.groups)
    if errors.groups.is_empty():
        return [groups]
    found = [groups]
    if errors.changes is not None:
        found.append(Section("errors-changes", "What is new, and what comes more often", _changes(errors.changes)))
    found.append(Section("errors-bursts", "When errors come in bursts", _bursts(errors)))
    found.append(Section("errors-together", "Which errors come together", _together(errors)))
    found.append(Section("errors-contrast", "What is different about failed work", _contrasts(errors.contrasts)))
    if errors.example is not None:
        found.append(Section("errors-example", "A trace with errors", _example(errors.example, errors.chains)))
    return found


def groups_section(groups: pl.DataFrame) -> Section:
    """The groups of errors, the most frequent first: `error_patterns.group_errors`."""
    return Section("errors-groups", "What goes wrong", _groups(groups))


def _read(text: str) -> str:
    """How to read what follows."""
    return f'<p class="dim">{text}</p>'


def _empty(text: str) -> str:
    return f'<p class="empty">{text}</p>'


def _drawn(figure: go.Figure) -> str:
    return html_figure(figure, description(figure))


def _short(column: str) -> pl.Expr:
    """A text for a table's cell: one line of at most so many letters."""
    flat = pl.col(column).str.slice(0, 4 * _LETTERS).str.replace_all(r"\s+", " ")
    return pl.when(flat.str.len_chars() > _LETTERS).then(flat.str.slice(0, _LETTERS - 1) + "…").otherwise(flat)


def _some(column: str) -> pl.Expr:
    """The first of many names, and how many more there are."""
    many = pl.col(column).list.len()
    more = pl.when(many > _NAMES).then(pl.format(" and {} more", many - _NAMES)).otherwise(pl.lit(""))
    return pl.col(column).list.head(_NAMES).list.join(", ") + more


def _groups(groups: pl.DataFrame) -> str:
    if groups.is_empty():
        return _empty("Nothing goes wrong: no operation failed, and no log entry tells of an error.")
    facts = html_facts({
        "errors": (groups["errors"].sum(), "count"), "groups": (groups.height, "count"),
        "failures": (groups["failures"].sum(), "count"), "soft failures": (groups["soft_failures"].sum(), "count"),
        "errors in logs": (groups["log_entries"].sum(), "count"),
    })  # fmt: skip
    columns = [
        Column("errors", "errors", "count"), Column("share", "share", "share"), Column("title", "group"),
        Column("fingerprint_basis", "one by"), Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"), Column("traces", "traces", "count"), Column("nodes", "at"),
        Column("node_versions", "versions"), Column("example", "such as"), Column("fingerprint_text", "text", "code"),
    ]  # fmt: skip
    top = groups.head(_MOST)
    shown = top.with_columns(
        pl.col("fingerprint_basis").replace(_BASIS), _some("nodes"), _some("node_versions"),
        *(_short(name) for name in ("title", "example", "fingerprint_text")),
    )  # fmt: skip
    rest = groups.height - top.height
    more = (
        f"<p>{count(rest, 'rarer group has', 'rarer groups have')} no row: "
        f"{count(int(groups['errors'][_MOST:].sum()), 'error')}.</p>" if rest else ""
    )  # fmt: skip
    return (
        _read("Errors that are one: failures, successes whose result says otherwise (soft failures), and log entries "
              "at level ERROR or above, each counted once however many events tell of it. What makes them one is, in "
              "this order, a rule of yours, their code, the calls of their stack, or what their messages have in "
              "common; its text stands in the last column "
              "(<code>onex-analytics errors groups</code>, <code>--rules</code> joins or parts them).")
        + facts + _drawn(error_patterns.pareto(groups))
        + html_table(shown, columns, caption="Groups of errors, the most frequent first", empty="") + more
    )  # fmt: skip


def _changes(found: ErrorChanges) -> str:
    told = found.changes.with_columns(pl.col("change").cast(pl.String))
    notable = told.filter(pl.col("change").is_in(["new", "regressed", "escalating", "gone"]))
    rest = told.filter(pl.col("change").is_in(["ongoing", "insufficient"]))
    columns = [
        Column("change", "change", "word"), Column("title", "group"), Column("errors_before", "before", "count"),
        Column("errors_after", "after", "count"), Column("rate_before", "an hour, before", "number"),
        Column("rate_before_high", "at most, before", "number"),
        Column("rate_after", "an hour, after", "number"), Column("ratio", "times as often", "number"),
        Column("ratio_low", "at least", "number"), Column("first_seen", "first seen", "time"),
        Column("last_seen", "last seen", "time"),
    ]  # fmt: skip
    occasion = f", when {html.escape(found.occasion)}" if found.occasion else ""
    facts = html_facts({
        word: ((told["change"] == word).sum(), "count")
        for word in ("new", "regressed", "escalating", "gone", "ongoing", "insufficient")
    })  # fmt: skip
    return (
        f"<p>Before and after {plain(found.moment, 'time')}{occasion}: "
        f"{plain((found.moment - found.start).total_seconds(), 'seconds')} against "
        f"{plain((found.end - found.moment).total_seconds(), 'seconds')}.</p>"
        + _read("<b>New</b> was never seen before, though at its rate it would have been; <b>regressed</b> was gone "
                "and is back; <b>escalating</b> comes more often, by more than chance; <b>gone</b> would have been "
                "seen after. Insufficient is too seldom to say. Where nothing was seen before, its rate is bounded: "
                "“at most, before” (<code>onex-analytics errors compare MOMENT</code>, or "
                "<code>report --moment</code> for another one).")
        + facts
        + html_table(notable.head(_MOST).with_columns(_short("title")), columns,
                     caption="Groups that are new, back, more frequent or gone",
                     empty="No group is new, back, more frequent or gone.")
        + (f"<p>{count(rest.height, 'group')} more: as before, or too seldom to say.</p>" if rest.height else "")
    )  # fmt: skip


def _bursts(errors: ErrorFrames) -> str:
    columns = [
        Column("title", "group"), Column("start", "from", "time"), Column("end", "to", "time"),
        Column("errors", "errors", "count"), Column("expected", "usual", "number"),
        Column("ratio", "times as many", "number"), Column("q", "false with", "share"),
    ]  # fmt: skip
    by_strength = errors.bursts.sort("score", descending=True, nulls_last=True)
    rest = by_strength.height - _MOST
    return (
        _read(f"Buckets of {errors.every} with more errors of a group than its calm time makes likely, over all "
              "buckets and groups; what touches is one burst. Of those told, at most 1 in 20 is expected to be chance "
              "(<code>onex-analytics errors bursts</code>).")
        + html_table(by_strength.head(_MOST).with_columns(_short("title")), columns,
                     caption="Bursts, the strongest first", empty="No group comes in bursts.")
        + (f"<p>{count(rest, 'weaker burst has', 'weaker bursts have')} no row.</p>" if rest > 0 else "")
    )  # fmt: skip


def _pairs(pairs: pl.DataFrame) -> str:
    """Which groups come in the same traces; without a figure where it could only show that none do."""
    if pairs.is_empty():
        return _empty("No two groups come together: of those that came in three traces or more, no trace has two.")
    sure = pairs.filter(pl.col("q") <= 0.05)
    tried = f"of {count(pairs['n_tests'][0], 'pair')} tested, {pairs.height:,} came in a trace at all"
    if sure.is_empty():
        return _empty(f"No two groups come together more often than by chance: {tried}.")
    columns = [
        Column("title_left", "group"), Column("title_right", "and group"), Column("together", "with both", "count"),
        Column("left_traces", "with the first", "count"), Column("right_traces", "with the second", "count"),
        Column("lift", "times chance", "number"), Column("jaccard", "both of either", "share"),
        Column("q", "false with", "share"),
    ]  # fmt: skip
    rest = sure.height - _FEW
    return (
        f"<p>{tried.capitalize()}, {sure.height:,} more often than by chance.</p>"
        + _drawn(error_patterns.co_occurrence_matrix(pairs))
        + html_table(sure.head(_FEW).with_columns(_short("title_left"), _short("title_right")), columns,
                     caption="Groups that come together in traces, the surest first", empty="")
        + (f"<p>{count(rest, 'less sure pair has', 'less sure pairs have')} no row.</p>" if rest > 0 else "")
    )  # fmt: skip


def _together(errors: ErrorFrames) -> str:
    return (
        "<h3>In the same trace</h3>"
        + _read("Pairs that come together in a trace more often than by chance "
                "(<code>onex-analytics errors co-occurrence</code>).")
        + _pairs(errors.pairs) + "<h3>One after the other</h3>"
        + _read("Chains that come in one order more often than in the other, and begin where nothing had gone wrong "
                "before: the first of them is where to look (<code>onex-analytics errors cascades</code>).")
        + _cascades(errors.chains, ("node", "title"), "trace",
                    "No chain within traces: no two groups come in one order more often than chance has it.")
        + f"<h3>Within {html.escape(errors.max_gap)} of each other, in any trace</h3>"
        + _read("Where nodes name neither trace nor parent, an error has its place above only if work that failed "
                "around it shows it. Here errors that follow each other this closely are one episode, whatever they "
                "name.")
        + _cascades(errors.episodes, ("title",), "episode",
                    "No chain within episodes: no two groups come in one order more often than chance has it.")
    )  # fmt: skip


def _cascades(found: pl.DataFrame, keys: Sequence[str], within: str, empty: str) -> str:
    if found.is_empty():
        return _empty(empty)
    name = pl.concat_str([pl.element().struct.field(key).fill_null("–").str.slice(0, _LETTERS) for key in keys],
                         separator=" · ")  # fmt: skip
    columns = [
        Column("chain", "chain"), Column("traces", f"{within}s", "count"),
        Column("reversed_traces", "other way", "count"),
        Column("lag_p50_ms", "half within", "duration"), Column("share_followed", "goes on", "share"),
        Column("lift", "times as likely", "number"), Column("share_root", "begins it", "share"),
        Column("q", "false with", "share"),
    ]  # fmt: skip
    rows = found.head(_FEW).with_columns(pl.col("chain").list.eval(name).list.join(" → "))
    rest = found.height - rows.height
    return (
        _drawn(error_patterns.cascade_sankey(found, within))
        + html_table(rows, columns, caption=f"Chains of errors, those of the most {within}s first", empty="")
        + (f"<p>{count(rest, 'rarer chain has', 'rarer chains have')} no row.</p>" if rest else "")
    )


def _contrasts(contrasts: Sequence[ErrorContrast]) -> str:
    parts = [
        _read("Values, and combinations of two, that failed work has more often than the work that went well, those "
              "that tell most first. Each trace has one vote. “Explained by” names what makes a finding "
              "vanish once it is held fixed (<code>onex-analytics errors contrast</code>).")
    ]  # fmt: skip
    for one in contrasts:
        findings = one.findings.filter(pl.col("left_out").is_null())
        title = "All work that failed" if one.code is None else f"Work that failed with {one.code}"
        if findings.is_empty() and one.code is not None:
            continue
        n_tests = 0 if one.findings.is_empty() else one.findings["n_tests"][0]
        parts.append(f"<h3>{html.escape(title)}: {plain(one.failures, 'count')}</h3>")
        if not findings.is_empty():
            target = "failed work" if one.code is None else f"failures with {one.code}"
            parts.append(_drawn(error_patterns.contrast_forest(one.findings, target)))
        parts.append(html_table(
            findings.head(_FEW).with_columns(_short("pattern"), _short("shadowed_by")), _FINDING,
            caption=f"{title}: what is different", empty="No value or combination is more frequent among it.",
        ))  # fmt: skip
        parts.append(f"<p>Found among {count(n_tests, 'test')} tried.</p>")
    return "\n".join(parts)


_FINDING = [
    Column("pattern", "has"), Column("precision", "failed of these", "share"),
    Column("recall", "of all failed", "share"),
    Column("support", "of all work", "share"), Column("risk_ratio", "times the risk", "number"),
    Column("ci_low", "at least", "number"), Column("ci_high", "at most", "number"), Column("q", "false with", "share"),
    Column("shadowed_by", "explained by"),
]  # fmt: skip


def _example(example: ErrorExample, chains: pl.DataFrame) -> str:
    columns = [
        Column("timestamp", "at", "time"), Column("kind", "kind", "word"), Column("node", "node"),
        Column("node_version", "version"), Column("operation", "operation"), Column("title", "group"),
        Column("error_message", "message"),
    ]  # fmt: skip
    shown = example.errors.head(_MOST).with_columns(_short("title"), _short("error_message"))
    rest = example.errors.height - shown.height
    known = None if chains.is_empty() else chains  # without them the order of time is all that there is to draw
    drawn = _drawn(error_patterns.trace_lanes(example.waterfall, example.errors, known, by="title"))
    return (
        _read("The trace in which the most different things go wrong; of several, the newest: "
              f"<code>{html.escape(example.trace_id)}</code> "
              "(<code>onex-analytics traces show</code>).")
        + drawn + html_table(shown, columns, caption="The errors of the trace, by time", empty="")
        + (f"<p>{count(rest, 'later error has', 'later errors have')} no row.</p>" if rest else "")
    )  # fmt: skip
