from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.sources.slices import Mark, Slice, nested, paired


def begin(position: int, at_ns: int, name: str | None = None) -> Mark:
    return Mark({}, position, at_ns, True, name)


def end(position: int, at_ns: int, name: str | None = None) -> Mark:
    return Mark({}, position, at_ns, False, name)


def whole(position: int, start: int, stop: int) -> Slice:
    return Slice({}, position, start, stop, max(start, stop))


def times(slices: list[Slice]) -> list[tuple[int | None, int | None]]:
    return [(piece.start_ns, piece.end_ns) for piece in slices]


def test_an_end_without_a_name_closes_the_innermost_begin():
    assert times(paired([begin(0, 0), begin(1, 1), end(2, 2), end(3, 3)])) == [(0, 3), (1, 2)]


def test_an_end_with_a_name_closes_the_innermost_of_its_name_and_leaves_open_what_was_inside():
    outer, inner = paired([begin(0, 0, "a"), begin(1, 1, "b"), end(2, 5, "a")])
    assert (outer.start_ns, outer.end_ns, inner.end_ns, inner.within_ns) == (0, 5, None, 5)
    nested([outer, inner])
    assert inner.parent is outer


def test_an_end_that_finds_no_begin_is_an_end_without_a_start():
    assert times(paired([end(0, 1), begin(1, 2, "a"), end(2, 3, "b")])) == [(None, 1), (2, None), (None, 3)]


def test_marks_are_paired_in_order_of_time_not_of_the_file():
    assert times(paired([end(0, 9), begin(1, 1)])) == [(1, 9)]


def test_back_to_back_slices_are_siblings_and_equal_ones_nest_in_the_order_of_the_file():
    first, second, same = whole(0, 0, 10), whole(1, 10, 20), whole(2, 10, 20)
    nested([same, second, first])
    assert (first.parent, second.parent, same.parent) == (None, None, second)


def test_a_slice_that_outlives_the_one_it_began_in_is_not_inside_it():
    first, second, third = whole(0, 0, 10), whole(1, 5, 15), whole(2, 7, 9)
    nested([first, second, third])
    assert (second.parent, third.parent) == (None, second)


def test_a_hundred_thousand_levels_take_one_pass():
    marks = [begin(n, n, "a") for n in range(100_000)] + [end(100_000 + n, 100_000 + n, "a") for n in range(100_000)]
    slices = paired(marks)
    nested(slices)
    assert slices[-1].parent is slices[-2] and (slices[-1].start_ns, slices[-1].end_ns) == (99_999, 100_000)


INTERVALS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8)), max_size=12)


@given(INTERVALS)
def test_the_parent_is_the_latest_begun_of_all_that_reach_around_a_slice(intervals):
    slices = [whole(n, start, start + length) for n, (start, length) in enumerate(intervals)]
    nested(slices)
    order = {id(piece): (piece.start_ns, -piece.within_ns, piece.position) for piece in slices}
    for piece in slices:
        around = [
            other for other in slices
            if order[id(other)] < order[id(piece)] and other.end_ns >= piece.end_ns
        ]  # fmt: skip
        assert piece.parent is max(around, key=lambda other: order[id(other)], default=None)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.sampled_from([None, "a", "b"])), max_size=14))
def test_every_mark_is_a_slice_or_the_end_of_one(marks):
    made = [Mark({"n": n}, n, at, begins, name) for n, (begins, at, name) in enumerate(marks)]
    slices = paired(made)
    told = [piece.event["n"] for piece in slices] + [piece.more["n"] for piece in slices if piece.more]
    assert sorted(told) == list(range(len(marks)))
    assert all(p.start_ns <= p.end_ns for p in slices if p.start_ns is not None and p.end_ns is not None)
