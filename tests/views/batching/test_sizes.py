"""Batches by their size."""

from __future__ import annotations

import polars as pl

from onex_analytics.views.batching import batch_sizes
from onex_analytics.views.theme import description
from tests.views.batching.results import tight


def test_every_batch_is_in_a_bar_of_the_colour_of_its_reason():
    found = tight()
    figure = batch_sizes(found.sizes)
    assert [bar.name for bar in figure.data] == [
        f"{words} · {found.batches.filter(pl.col('reason') == reason).height:,}"
        for reason, words in (("bytes", "enough bytes"), ("age", "old enough"))
    ]
    assert sum(sum(bar.y) for bar in figure.data) == found.batches.height
    assert len({bar.marker.color for bar in figure.data}) == 2


def test_a_bar_stands_where_its_sizes_are():
    sizes = pl.DataFrame({"reason": ["age", "size"], "size_from": [4, 100], "size_to": [6, 100], "batches": [2, 3],
                          "events": [10, 300]})  # fmt: skip
    age, full = sorted(batch_sizes(sizes).data, key=lambda bar: bar.x)
    assert (age.x, age.width, full.x, full.width) == ((5,), 3, (101,), 3)
    assert "4 to 6 events" in age.customdata[0]
    assert "of 100 events" in full.customdata[0]
    assert "Most often they have 100 events." in description(batch_sizes(sizes))


def test_few_batches_are_counted_in_whole_numbers():
    sizes = tight().sizes.head(1).with_columns(batches=pl.lit(2))
    assert batch_sizes(sizes).layout.yaxis.dtick == 1


def test_without_batches_the_figure_says_so():
    assert "no batch" in description(batch_sizes(tight().sizes.clear()))
