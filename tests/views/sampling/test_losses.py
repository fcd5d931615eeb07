import pytest

from onex_analytics.views.sampling import lost
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank
from tests.views.sampling.results import cases, drawn


def counts(figure, name: str) -> list[tuple[int, ...]]:
    return [tuple(trace.x) for trace in figure.data if trace.name == name]


def test_things_are_counted_by_how_likely_each_is_lost():
    figure, simulation = drawn("lost", "a few"), cases()["a few"].simulation
    errors = simulation.losses.filter(what="error")
    assert errors["never_seen"].is_between(0.05, 0.5).sum() > 0
    for name, low, high in (
        ("seen", -1, 0.05), ("rather seen", 0.05, 0.5),
        ("rather lost", 0.5, 0.95), ("lost", 0.95, 1.1),
    ):  # fmt: skip
        inside = errors.filter((errors["never_seen"] > low) & (errors["never_seen"] <= high))
        assert counts(figure, name)[0] == tuple(
            inside.filter(policy=policy).height for policy in ("half", "a tenth", "no starts")
        )


def test_words_tell_how_many_are_lost_on_average():
    figure = drawn("lost", "everything lost")
    assert "Groups of errors, by node and code: nothing: 2 of 2 lost on average." in description(figure)
    assert counts(figure, "lost")[0] == (2,)


def test_finished_work_of_which_one_end_is_kept_has_a_panel_of_its_own():
    figure, simulation = drawn("lost", "a few"), cases()["a few"].simulation
    (ends,) = counts(figure, "end alone")
    assert ends == pytest.approx(simulation.policies["torn_ends"].to_list())
    assert ends[2] > 0  # starts are never kept, ends are
    assert not counts(lost(simulation.losses), "end alone")


def test_policies_that_are_not_drawn_are_counted():
    assert "32 more policies not drawn" in description(drawn("lost", "200 nodes, 40 policies"))


def test_a_log_in_which_nothing_failed_has_nothing_rare_to_lose():
    assert is_blank(lost(cases()["a few"].simulation.losses.clear()))


def test_where_no_work_is_torn_there_is_no_panel_of_it():
    assert is_blank(drawn("lost", "no event"))
    assert not counts(drawn("lost", "everything lost"), "end alone")
