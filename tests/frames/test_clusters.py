"""Ids as numbers."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames.clusters import cluster_codes


def obvious(ids: list[object]) -> list[int]:
    known: dict[object, int] = {}
    codes = []
    for place, id_ in enumerate(ids):
        codes.append(known.setdefault((place,) if id_ is None else id_, len(known)))
    return codes


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=60))
def test_codes_count_ids_in_order_of_appearance_and_each_null_alone(ids):
    codes, n = cluster_codes(pl.Series(ids, dtype=pl.String))
    assert codes.tolist() == obvious(ids)
    assert n == len(set(codes.tolist()))


@pytest.mark.parametrize("n", [511, 512, 513, 70_000])
def test_the_table_grows_with_the_ids(n):
    ids = pl.Series([*range(n), *range(n)])
    codes, found = cluster_codes(ids)
    assert found == n
    assert codes.tolist() == ids.to_list()
