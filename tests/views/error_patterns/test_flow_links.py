from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.views.error_patterns.flow_links import End, Flow

COLUMNS = ("traces", "reversed_traces", "lag_p50_ms", "share_followed", "lift", "share_direct", "share_root", "p", "q")


def pairs(*told: tuple[str, str, int, float, float]) -> pl.DataFrame:
    """As `cascades` by code: first, next, traces, share of direct traces, share of traces that begin with the first."""
    return pl.DataFrame(
        [
            {"chain": [{"code": first}, {"code": last}], "length": 2, "traces": traces, "reversed_traces": 0,
             "simultaneous_traces": 0, "lag_p50_ms": 10.0, "share_followed": 0.5, "lift": 2.0, "share_direct": direct,
             "share_root": root, "p": 0.001, "q": 0.01, "n_tests": 9}
            for first, last, traces, direct, root in told
        ],
        {"chain": pl.List(pl.Struct({"code": pl.String})), "length": pl.Int64, "traces": pl.Int64,
         "reversed_traces": pl.Int64, "simultaneous_traces": pl.Int64, "lag_p50_ms": pl.Float64,
         "share_followed": pl.Float64, "lift": pl.Float64, "share_direct": pl.Float64, "share_root": pl.Float64,
         "p": pl.Float64, "q": pl.Float64, "n_tests": pl.Int64},
    )  # fmt: skip


def flow(*told: tuple[str, str, int, float, float], most_links: int = 25, most_ends: int = 20) -> Flow:
    return Flow.of_cascades(pairs(*told), most_links, most_ends)


def said(found: Flow) -> list[tuple[str, str, int]]:
    return [(found.called(link.source), found.called(link.target), link.traces) for link in found.links]


def test_the_most_frequent_pairs_come_first_and_longer_chains_are_no_links():
    rows = pairs(("A", "B", 5, 1, 1), ("B", "C", 9, 1, 0), ("A", "C", 7, 1, 0))
    longer = rows.head(1).with_columns(length=pl.lit(3, pl.Int64), traces=pl.lit(99, pl.Int64))
    assert said(Flow.of_cascades(pl.concat([longer, rows]), 25, 20)) == [("B", "C", 9), ("A", "C", 7), ("A", "B", 5)]


def test_an_indirect_pair_is_no_link_where_direct_ones_lead_from_one_to_the_other():
    found = flow(("A", "B", 5, 1, 1), ("B", "C", 5, 0.5, 0), ("A", "C", 5, 0.49, 1))
    assert said(found) == [("A", "B", 5), ("B", "C", 5)]
    assert found.over_others == 1


@pytest.mark.parametrize("share", [0.49, 0.0])
def test_an_indirect_pair_is_a_link_where_no_direct_path_leads_on(share):
    found = flow(("A", "B", 5, 1, 1), ("B", "C", 5, share, 0), ("A", "C", 5, 0.49, 1))
    assert said(found) == [("A", "B", 5), ("B", "C", 5), ("A", "C", 5)]
    assert [link.is_direct for link in found.links] == [True, False, False]
    assert found.over_others == 0


def test_the_rarest_pair_of_a_cycle_ends_at_a_copy():
    found = flow(("C", "A", 3, 1, 0), ("A", "B", 9, 1, 1), ("B", "C", 6, 1, 0))
    assert said(found) == [("A", "B", 9), ("B", "C", 6), ("C", "↺ A", 3)]
    assert list(found.layers().values()) == [0, 1, 2, 3]


def test_a_group_that_draws_itself_ends_at_a_copy():
    assert said(flow(("A", "A", 3, 1, 1))) == [("A", "↺ A", 3)]


def test_a_layer_is_the_longest_way():
    found = flow(("A", "D", 9, 1, 1), ("A", "B", 8, 1, 1), ("B", "C", 7, 1, 0), ("C", "D", 6, 1, 0))
    layers = {found.called(end): layer for end, layer in found.layers().items()}
    assert layers == {"A": 0, "B": 1, "C": 2, "D": 3}


def test_a_root_is_told_by_its_strongest_link():
    found = flow(("A", "B", 9, 1, 0.5), ("A", "C", 2, 1, 0.1), ("B", "C", 5, 1, 0.49), ("B", "D", 4, 1, 0.9))
    assert [found.called(end) for end in found.roots()] == ["A"]


def test_what_has_no_room_is_kept_apart():
    told = [("A", "B", 9, 1, 1), ("C", "D", 8, 1, 1), ("B", "A", 7, 1, 0), ("A", "E", 6, 1, 1)]
    found = flow(*told, most_links=2)
    assert [link.traces for link in found.left_out] == [7, 6]
    found = flow(*told, most_ends=3)
    assert said(found) == [("A", "B", 9), ("B", "↺ A", 7)]
    assert [link.traces for link in found.left_out] == [8, 6]


def test_groups_that_are_called_alike_are_two():
    rows = pairs(("–", "B", 4, 1, 1), ("A", "B", 3, 1, 1))
    null = rows.with_columns(pl.Series("chain", [[{"code": None}, {"code": "B"}], [{"code": "–"}, {"code": "B"}]]))
    found = Flow.of_cascades(null, 25, 20)
    assert said(found) == [("–", "B", 4), ("–", "B", 3)]
    assert len(found.layers()) == 3


SOME = st.lists(
    st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("ABCDEF"), st.integers(1, 50), st.sampled_from([0.2, 0.8]),
              st.sampled_from([0.2, 0.8])),
    max_size=36, unique_by=lambda pair: pair[:2],
)  # fmt: skip


@given(SOME)
def test_no_pair_is_lost_and_every_link_leads_to_a_later_layer(told):
    found = flow(*told, most_links=12, most_ends=8)
    assert len(found.links) + len(found.left_out) + found.over_others == len(told)
    layers = found.layers()
    assert all(layers[link.source] < layers[link.target] for link in found.links)
    assert sorted(found.order()) == sorted(layers)
    assert len({link.pair for link in found.links}) == len(found.links) <= 12
    assert len(layers) <= 8
    assert not any(link.source.is_copy for link in found.links)


@given(SOME)
def test_pairs_end_at_a_copy_only_where_a_cycle_would_close(told):
    found = flow(*told, most_links=99, most_ends=99)
    kept = [link.pair for link in found.links if not link.target.is_copy]
    reach = {(a, a) for pair in kept for a in pair} | set(kept)
    for via, first, last in product({end for pair in kept for end in pair}, repeat=3):
        if (first, via) in reach and (via, last) in reach:
            reach.add((first, last))
    for link in found.links:
        if link.target.is_copy:
            original = End(link.target.key)
            assert original == link.source or (original, link.source) in reach
