"""What waits and what is lost, over time."""

from __future__ import annotations

import polars as pl

from onex_analytics.batching import BatchPolicy, simulate_batching
from onex_analytics.views.batching import queue_over_time
from onex_analytics.views.theme import description
from tests.views.batching.results import BURST, tight


def test_losses_have_a_panel_where_there_are_any():
    found = tight()
    figure = queue_over_time(found.over_time, 60)
    names = [trace.name for trace in figure.data if trace.name]
    lost = found.summary["dropped_full"].item()
    assert lost > 0
    assert names == ["came · 800", f"exported · {800 - lost}", "room for 60", f"no room · {lost}"]
    assert f"Lost are {lost} events." in description(figure)
    assert "60 events, of room for 60." in description(figure)
    calm = queue_over_time(simulate_batching(BatchPolicy(), BURST).over_time)
    assert "None is lost." in description(calm)
    assert [one.text for one in calm.layout.annotations] == ["events a bucket", "events that wait, at most"]


def test_room_far_above_what_waits_is_told_and_not_drawn():
    found = simulate_batching(BatchPolicy(queue_limit=5000), BURST)
    figure = queue_over_time(found.over_time, 5000)
    assert not any(str(trace.name).startswith("room") for trace in figure.data)
    assert "of room for 5,000." in description(figure)


def test_every_bucket_is_drawn_to_its_end():
    over_time = tight().over_time
    came, _, waits = queue_over_time(over_time).data[:3]
    assert list(came.y) == [*over_time["events"], over_time["events"][-1]]
    assert list(waits.y) == [*over_time["queue_max"], over_time["queue_max"][-1]]
    assert (came.x[-1] - came.x[-2]).total_seconds() == 1


def test_few_events_are_counted_in_whole_numbers():
    figure = queue_over_time(simulate_batching(BatchPolicy(), BURST.head(1)).over_time)
    assert figure.layout.yaxis.dtick == figure.layout.yaxis2.dtick == 1


def test_without_events_the_figure_says_so():
    assert "no event came" in description(queue_over_time(pl.DataFrame(schema=tight().over_time.schema)))
