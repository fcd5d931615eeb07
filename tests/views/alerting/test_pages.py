from onex_analytics.alerting import pages_by_hour as pages_of
from onex_analytics.views.alerting import pages_by_hour
from onex_analytics.views.theme import description
from tests.views.alerting.results import cases
from tests.views.profiling.results import is_blank


def test_a_cell_holds_the_pages_of_its_hour_and_weekday():
    frame = pages_of(cases()["a few"].result)
    cells = pages_by_hour(frame).data[0]
    assert cells.z[0][12] == frame.filter(weekday=1, hour=12)["pages"].item() > 0
    assert cells.text[0][12] == str(cells.z[0][12])


def test_hours_that_the_log_does_not_hold_are_clear():
    cells = pages_by_hour(pages_of(cases()["a few"].result)).data[0]
    assert (cells.z[3][4], cells.text[3][4]) == (None, "")


def test_the_words_tell_nights_and_the_fullest_hour():
    text = description(pages_by_hour(pages_of(cases()["a few"].result)))
    assert "in UTC, 0 of them at night" in text
    assert "The fullest hour is Monday 12:00" in text


def test_nobody_paged_is_said():
    assert is_blank(pages_by_hour(pages_of(cases()["no alert"].result)))
