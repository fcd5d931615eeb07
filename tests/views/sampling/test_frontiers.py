import pytest

from onex_analytics.views.sampling import frontier, volume_and_error
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank, named
from tests.views.sampling.results import cases, drawn


def test_what_nothing_beats_is_filled_and_the_chosen_one_has_a_ring():
    figure = drawn("frontier", "a few")
    assert list(named(figure, "half").marker.symbol) == ["circle", "circle"]
    assert list(named(figure, "a tenth").marker.symbol) == ["square-open", "square-open"]
    ring = named(figure, "chosen")
    assert (list(ring.x), list(ring.y)) == ([0.09], [0.5])
    assert "Chosen is half: it keeps 9 % and is off by at most 50 % (count of half)." in description(figure)


def test_an_error_of_zero_stands_at_the_foot_and_is_marked_so():
    figure = drawn("frontier", "a few")
    high, zero = named(figure, "half").y
    assert 0 < zero < high
    assert (figure.layout.yaxis.tickvals[0], figure.layout.yaxis.ticktext[0]) == (zero, "0")


def test_a_mark_is_the_whole_log_and_a_dot_a_group():
    simulation = cases()["a few"].simulation
    figure = drawn("volume_and_error", "a few")
    rows = simulation.errors.filter(metric="count")
    marks = next(trace for trace in figure.data if trace.name == "half")
    assert list(marks.y) == rows.filter(level="all", policy="half")["relative_error"].to_list()
    dots = next(trace for trace in figure.data if trace.name == "a group")
    assert list(dots.y) == pytest.approx(rows.filter(level="group")["relative_error"].to_list())


def test_what_is_never_seen_is_a_cross_at_all_of_it():
    figure = drawn("volume_and_error", "everything lost")
    crosses = [trace for trace in figure.data if trace.name == "a group that is never seen" and trace.x]
    assert [list(trace.y) for trace in crosses] == [[1, 1], [1, 1]]
    assert "Groups that are never seen: 4, red crosses." in description(figure)


def test_so_many_groups_that_dots_would_hide_each_other_are_said_and_not_drawn():
    figure = drawn("volume_and_error", "200 nodes, 40 policies")
    assert not [trace for trace in figure.data if trace.name == "a group"]
    assert "groups are not drawn: too many" in figure.layout.xaxis3.title.text


def test_metrics_that_are_not_drawn_are_counted():
    simulation = cases()["a few"].simulation
    figure = volume_and_error(simulation.policies, simulation.errors, most_metrics=1)
    assert "2 more metrics not drawn" in description(figure)


def test_nothing_tried_is_said():
    case = cases()["a few"]
    assert is_blank(frontier(case.frontier.clear()))
    assert is_blank(volume_and_error(case.simulation.policies.clear(), case.simulation.errors.clear()))
