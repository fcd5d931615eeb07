from onex_analytics import alerting
from onex_analytics.views.alerting import frontier
from onex_analytics.views.theme import description
from tests.views.alerting.results import cases
from tests.views.profiling.results import is_blank, named


def test_what_nothing_beats_is_coloured_and_the_rest_is_grey():
    frame = alerting.frontier(cases()["500 incidents"].sweep)
    figure = frontier(frame)
    best, rest = frame.filter("best"), frame.filter(~frame["best"])
    assert list(named(figure, "beaten").x) == rest["recall"].to_list()
    drawn = [x for trace in figure.data[1:] for x in trace.x]
    assert sorted(drawn) == sorted(best["recall"].to_list())
    assert f"{best.height} choices that nothing beats" in description(figure)


def test_no_firing_is_no_precision():
    assert is_blank(frontier(alerting.frontier(cases()["a few"].sweep).clear()))
