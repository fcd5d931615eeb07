from onex_analytics.views.sampling import alert_impact
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank
from tests.views.sampling.results import cases, drawn


def bars(figure, name: str):
    return [trace for trace in figure.data if trace.type == "bar" and trace.name.startswith(name)]


def test_alerts_in_time_late_lost_and_false_follow_each_other():
    figure = drawn("alert_impact", "a few")
    ends = [0.0, 0.0]
    for name, widths in (("in time", [3, 0]), ("late", [2, 1]), ("lost", [1, 5]), ("false", [1, 0])):
        bar = bars(figure, name)[0]
        assert list(bar.x) == widths
        assert list(bar.base) == ends
        ends = [end + width for end, width in zip(ends, widths, strict=True)]


def test_the_whole_log_is_marked_in_each_panel():
    figure = drawn("alert_impact", "a few")
    marks = [list(trace.x) for trace in figure.data if trace.name == "the whole log"]
    assert marks == [[6, 6, None] * 2, [4, 4, None] * 2, [3, 3, None] * 2]


def test_incidents_have_a_panel_only_where_they_are_known():
    titles = [[axis.title.text for axis in drawn("alert_impact", name).select_xaxes()]
              for name in ("a few", "means of draws")]  # fmt: skip
    assert titles == [["alerts that fired", "pages that wake somebody", "incidents caught"],
                      ["alerts that fired", "pages that wake somebody"]]  # fmt: skip


def test_words_tell_the_numbers():
    text = description(drawn("alert_impact", "a few"))
    assert "a tenth keeps 10 % of the events; of 6 alerts 0 come in time, 1 late, 5 are lost, and 0 are false; " in text
    assert "of 3 caught incidents 3 are lost" in text


def test_means_of_draws_are_no_whole_numbers():
    assert "of 4 alerts 2.2 come in time, 0.5 late" in description(drawn("alert_impact", "means of draws"))


def test_policies_that_are_not_drawn_are_counted():
    assert "28 more policies not drawn" in description(drawn("alert_impact", "200 nodes, 40 policies"))


def test_rules_alone_are_nothing_to_draw():
    losses = cases()["a few"].losses
    assert is_blank(alert_impact(losses.filter(losses["rule"].is_not_null())))
