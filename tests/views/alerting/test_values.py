import pytest

from onex_analytics.alerting import values_over_time
from onex_analytics.views.alerting import value_against_threshold
from onex_analytics.views.theme import description
from tests.views.alerting.results import cases
from tests.views.profiling.results import named


def test_the_line_is_the_value_of_the_bucket_and_the_threshold_is_drawn():
    frame = values_over_time(cases()["one key"].result, "Busy")
    a = frame.filter(rank=0)
    figure = value_against_threshold(frame, "Busy")
    line = next(trace for trace in figure.data if trace.name == "worst value")
    assert list(line.x) == a["start"].to_list()
    assert list(line.y) == a["high"].to_list()
    threshold = next(trace for trace in figure.data if trace.name.startswith("threshold"))
    assert (threshold.name, set(threshold.y)) == ("threshold: &gt; 3", {3.0})


def test_the_threshold_is_thick_where_the_alert_fires_in_one_stroke():
    case = cases()["one key"]
    (alert,) = case.result.alerts.to_dicts()
    firing = named(value_against_threshold(values_over_time(case.result, "Busy")), "firing")
    assert list(firing.x) == [alert["fired"], alert["resolved"], None]


def test_the_words_tell_who_fired():
    text = description(value_against_threshold(values_over_time(cases()["a few"].result, "Busy"), "Busy"))
    assert "it fires where they are > 3 for long enough, over 3 label sets" in text
    assert "It fired for a, b." in text
    text = description(value_against_threshold(values_over_time(cases()["a few"].result, "Never"), "Never"))
    assert "It fired for none." in text


@pytest.mark.parametrize("many", [True, False])
def test_six_label_sets_have_a_panel_and_all_others_share_one(many):
    frame = values_over_time(cases()["2,000 keys" if many else "a few"].result, "Busy")
    titles = [note.text for note in value_against_threshold(frame).layout.annotations]
    assert titles[-1] == ("all 1,995 others, the worst of them" if many else "clock")
    assert len(titles) == (7 if many else 3)
