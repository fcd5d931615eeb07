"""What is held of a store is what the store holds, also after it has grown."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onex_analytics import frames, profiling
from onex_analytics.dashboard import tallies
from onex_analytics.dashboard.holding import hold
from onex_analytics.dashboard.selection import Selection
from onex_analytics.exceptions import NotAStore
from tests.dashboard.logs import EVIL, IN_THE_MIDDLE, evil_events, fleet_store


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A store that was held, appended to twice, and taken up again; and a holding made from nothing."""
    store = fleet_store(tmp_path_factory.mktemp("fleet"), 3000)
    first = hold(store)
    store.append(evil_events())
    store.compact()
    store.append(evil_events(IN_THE_MIDDLE + 4000))
    return store, first, hold(store, first), hold(store)


def plain(counts: pl.DataFrame) -> pl.DataFrame:
    return tallies.plain(counts).collect().sort(pl.all())


def test_a_store_that_has_grown_is_taken_up_as_if_it_were_read_anew(grown):
    store, first, after, anew = grown
    assert (after.version, after.events) == (store.version(), store.scan().select(pl.len()).collect().item())
    assert after.events > first.events
    assert set(after.parts) == set(anew.parts)
    assert_frame_equal(plain(after.counts), plain(anew.counts))
    assert_frame_equal(plain(after.work), plain(anew.work))


def test_an_older_holding_goes_on_to_tell_of_its_version(grown):
    store, first, _, _ = grown
    assert first.scan(Selection()).select(pl.len()).collect().item() == first.events
    assert_frame_equal(
        frames.totals(store.scan(version=first.version)).collect().select("events", "nodes"),
        tallies.totals(first.counts, first.work).select("events", "nodes"),
    )


def test_durations_in_memory_tell_what_the_spans_of_the_store_tell(grown):
    store, _, held, _ = grown
    since, until = (time.replace(second=0, microsecond=0) for time in held.period)
    chosen = Selection(since, until, node=(EVIL, "cache_node"))
    spans = store.spans().filter(
        pl.col("start") >= chosen.since, pl.col("start") < chosen.until, pl.col("node").is_in(list(chosen.node))
    )
    for question in (
        lambda s: profiling.latency_table(s, ["node", "operation"]),
        lambda s: profiling.heatmap(s, "10m"),
        lambda s: profiling.latency_timeseries(s, "30m"),
    ):
        assert_frame_equal(question(held.durations(chosen)).collect(), question(spans).collect())
    roots = held.durations(chosen, roots=True).select(pl.len()).collect().item()
    assert roots == spans.filter(pl.col("parent_span_id").is_null()).select(pl.len()).collect().item()


def test_a_store_without_events_says_so(store):
    with pytest.raises(NotAStore):
        hold(store)


def test_the_folders_of_the_machine_are_not_part_of_a_name(grown):
    assert grown[2].name == "events"
