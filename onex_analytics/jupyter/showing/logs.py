"""Logs at rest: the store, what an append did, and logs that are made up."""

from __future__ import annotations

import polars as pl

from onex_analytics.exceptions import OnexError
from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.store import EventStore, IngestReport
from onex_analytics.synthetic import SyntheticLog, Written
from onex_analytics.views.tables import Column


def store(held: EventStore) -> Card:
    """What lies in it; a store that is not there yet, or cannot be reached, says so."""
    title = f"EventStore {held.uri}"
    try:
        info = held.info()
    except OnexError as problem:
        return Card(title, left_out=[str(problem)])
    lifted = info["dimensions"]
    return Card(
        title,
        facts={
            "events": (info["events"], "count"), "first (UTC)": (info["first"], "time"),
            "last (UTC)": (info["last"], "time"), "nodes": (info["nodes"], "count"),
            "event types": (info["event_types"], "count"), "on disk": (info["bytes"], "bytes"),
            "files": (info["files"], "count"), "version": (info["version"], "count"),
            **({"dimensions": (list(lifted), "text")} if lifted else {}),
        },
        left_out=[f"{info['rejected']:,} rejected lines are kept in store.rejected()"] * bool(info["rejected"]),
    )  # fmt: skip


def ingest_report(report: IngestReport) -> Card:
    """Every line accounted for."""
    rejected = sorted(report.rejected_by_reason.items(), key=lambda item: -item[1])
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected)
    notes = [f"{report.rejected:,} rejected lines are kept in store.rejected(): {reasons}"] * bool(rejected)
    mended = ", ".join(f"{what} of {count:,} events" for what, count in report.repaired.items() if count)
    notes += [f"repaired while reading: {mended}"] * bool(mended)
    broken = sorted(report.violations.items(), key=lambda item: -item[1])
    frame = pl.DataFrame(broken, schema={"rule": pl.String, "events": pl.Int64}, orient="row")
    columns = (Column("rule", "rule of the specification", "code"), Column("events", "events that break it", "count"))
    return Card(
        "Ingest report",
        lead=f"read {report.read:,} = stored {report.stored:,} + duplicate {report.duplicate:,} "
             f"+ rejected {report.rejected:,}",
        facts={
            "files": (report.files, "count"), "size": (report.bytes, "bytes"), "took": (report.seconds, "seconds"),
            "lines a second": (round(report.events_per_second), "count"), "version": (report.version, "count"),
        },
        tables=(CardTable(".violations", frame, columns, order="the most frequent"),) if broken else (),
        left_out=notes,
    )  # fmt: skip


def synthetic_log(log: SyntheticLog) -> Card:
    """How large it is, and the incidents that are known of it. Nothing is drawn for this."""
    columns = (
        Column("kind", "incident", "word"), Column("node", "node"), Column("start", "start (UTC)", "time"),
        Column("end", "end (UTC)", "time"), Column("cause", "cause", "code"),
    )  # fmt: skip
    return Card(
        "Synthetic log",
        facts={"events": (log.n_events, "count"), "start (UTC)": (log.start, "time"),
               "span": (log.span_us / 1e6, "seconds")},
        tables=(CardTable(".labels", log.labels, columns, "no incident", "the first"),),
    )  # fmt: skip


def written(held: Written) -> Card:
    """Lines = events + duplicates + conflicts + broken."""
    return Card(
        f"Written to {held.path}",
        lead=f"lines {held.lines:,} = events {held.events:,} + duplicates {held.duplicates:,} "
             f"+ conflicts {held.conflicts:,} + broken {held.broken:,}",
        facts={"size before compression": (held.bytes, "bytes")},
    )  # fmt: skip
