from datetime import timedelta

import polars as pl

from onex_analytics.frames.spans import open_spans as open_now
from onex_analytics.views.profiling import open_spans
from onex_analytics.views.theme import description
from tests.views.drawn_texts import drawn_texts
from tests.views.profiling.results import EVIL, NOON, is_blank, spans


def found(frame: pl.DataFrame) -> pl.DataFrame:
    return open_now(frame, now=NOON + timedelta(days=1)).collect()


def test_each_open_span_is_drawn_at_its_age_the_oldest_group_on_top():
    frame = found(spans([None, None, 1000, None], ["young", "old", "done", "young"]).sort("name"))
    figure = open_spans(frame)
    silent, age = figure.data
    assert sorted(age.x) == sorted(frame["age_ms"])
    assert sorted(silent.x) == sorted(frame["silent_ms"])
    assert list(figure.layout.yaxis.ticktext) == ["– · young (2)", "– · old (1)"]
    assert figure.layout.xaxis.type == "log"


def test_the_groups_beyond_the_limit_share_a_line():
    frame = found(spans([None] * 100, [f"op{i}" for i in range(100)]))
    figure = open_spans(frame)
    assert len(figure.data[1].x) == 100
    assert max(figure.data[1].y) == 30
    assert figure.layout.yaxis.ticktext[-1] == "<i>other: 70 groups</i>"
    assert "70 groups beyond the first 30 share one line." in description(figure)


def test_where_only_the_oldest_are_drawn_the_description_tells_of_all():
    frame = found(spans([None] * 5, ["a", "b", "a", "b", "a"]))
    figure = open_spans(frame.head(3), of=5)
    assert description(figure).startswith("The 3 oldest of 5 open spans by age")
    assert all("(" not in text for text in figure.layout.yaxis.ticktext)
    assert description(open_spans(frame, of=5)).startswith("5 open spans by age")


def test_a_span_that_has_just_begun_can_be_drawn():
    frame = open_now(spans([None]), now=NOON).collect()
    assert open_spans(frame).layout.xaxis.ticktext[0] == "0"


def test_text_of_users_never_becomes_markup():
    assert "<script" not in drawn_texts(open_spans(found(spans([None], [EVIL]))))


def test_where_all_has_ended_the_figure_says_so():
    assert is_blank(open_spans(found(spans([1000]))))
