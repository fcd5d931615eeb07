from onex_analytics.views.alerting import timeline
from onex_analytics.views.theme import description
from tests.views.alerting.results import Case, busy, cases, incident, log, minutes, rules
from tests.views.profiling.results import named


def lanes(figure) -> list[str]:
    return list(figure.layout.yaxis.ticktext)


def test_a_lane_shows_when_its_label_set_was_pending_and_firing():
    case = cases()["a few"]
    figure = timeline(case.result)
    assert lanes(figure)[2:] == ["Busy · a", "Busy · b"]
    (first, *_) = case.result.alerts.to_dicts()
    pending = next(trace for trace in figure.data if trace.name == "pending")
    firing = next(trace for trace in figure.data if trace.name == "firing")
    assert list(pending.x[:2]) == [first["pending"], first["fired"]]
    assert list(firing.x[:2]) == [first["fired"], first["resolved"]]
    assert set(firing.y[:2]) == {2}


def test_caught_and_missed_incidents_have_lines_of_their_own():
    figure = timeline(cases()["a few"].result)
    assert lanes(figure)[:2] == ["<i>incidents, caught</i>", "<i>incidents, missed</i>"]
    assert list(named(figure, "incidents, missed").x) == [minutes(90)]
    assert "1 of 2 incidents caught; missed: missed." in description(figure)


def test_an_incident_is_framed_in_the_lane_that_caught_it_and_in_no_other():
    frame = named(timeline(cases()["a few"].result), "an incident that was caught here")
    assert list(frame.x[:2]) == [minutes(45), minutes(60)]
    assert {y for y in frame.y if y is not None} == {1.6, 2.4}


def test_what_still_fires_at_the_end_is_marked_and_told():
    case = cases()["still firing"]
    figure = timeline(case.result)
    assert list(named(figure, "still firing at the end").x) == [case.result.end]
    assert "1 label set of those drawn still fires at the end." in description(figure)


def test_an_incident_that_no_alert_answers_is_drawn_alone():
    figure = timeline(cases()["no alert, an incident"].result)
    assert lanes(figure) == ["<i>incidents, missed</i>", "<i>no alert began</i>"]


def test_an_incident_of_another_year_does_not_squeeze_the_log():
    case = Case(log([("a", 10.0)]), [incident("old", -5e5, -4e5), incident("new", 8, 20)], rules(busy()))
    figure = timeline(case.result)
    assert list(figure.layout.xaxis.range) == [case.result.begin, case.result.end]
    assert "1 of 1 incident caught" in description(figure)


def test_beyond_thirty_lanes_a_panel_counts_all():
    case = cases()["2,000 keys"]
    figure = timeline(case.result)
    assert len([name for name in lanes(figure) if "busy" in name.lower()]) == 30
    at_once = named(figure, "firing, at once")
    assert max(at_once.y) == max(case.result.at_once["firing"])
    assert "3,970 more label sets had alerts; the panel counts all" in figure.layout.xaxis2.title.text


def test_a_few_incidents_are_shaded_over_the_lanes_and_five_hundred_are_not():
    assert len(timeline(cases()["a few"].result).layout.shapes) == 2
    assert not timeline(cases()["500 incidents"].result).layout.shapes
