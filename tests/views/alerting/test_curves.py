from onex_analytics.alerting import sweep
from onex_analytics.alerting.rules import Rule
from onex_analytics.views.alerting import sweep_curve
from onex_analytics.views.theme import description
from tests.views.alerting.results import busy, cases, log
from tests.views.profiling.results import named


def test_a_step_stands_wherever_the_firings_change():
    frame = sweep(Rule.model_validate(busy()), log([("a", 10.0), ("b", 30.0)]))
    line = named(sweep_curve(frame), "firings")
    assert line.line.shape == "hv"
    assert list(line.x[1:-1]) == frame["low"].to_list()[1:]
    assert [y if y >= 1 else 0 for y in line.y[:-1]] == frame["firings"].to_list()


def test_the_threshold_of_today_is_a_line_with_its_outcome_in_words():
    frame = sweep(Rule.model_validate(busy()), log([("a", 10.0), ("b", 30.0)]))
    figure = sweep_curve(frame, 3)
    assert [shape.x0 for shape in figure.layout.shapes[:1]] == [3]
    assert "now 3" in [note.text for note in figure.layout.annotations]
    assert "With 3, as it is now, 2 firings" in description(figure)


def test_recall_and_precision_are_panels_where_incidents_are_known():
    def panels(case: str) -> list[str]:
        return [axis.title.text for axis in sweep_curve(cases()[case].sweep).select_yaxes()]

    assert panels("a few") == ["firings", "time in alert", "recall", "precision"]
    assert panels("one key") == ["firings", "time in alert"]


def test_six_lines_are_drawn_and_the_others_counted():
    fors = [f"{minute}m" for minute in range(4)]
    frame = sweep(Rule.model_validate(busy()), log([("a", 10.0)]), for_=fors, window=["5m", "10m"])
    figure = sweep_curve(frame)
    assert len({trace.name for trace in figure.data}) == 6
    assert "2 more lines not drawn" in figure.layout.xaxis2.title.text


def test_of_many_thresholds_so_many_steps_are_drawn_as_can_be_told_apart():
    frame = sweep(Rule.model_validate(busy()), log([("a", 10.0), ("b", 30.0)]))
    many = frame[[0] * 4000]
    figure = sweep_curve(many)
    assert len(named(figure, "firings").x) == 1501
    assert "1,500 of 4,000 steps are drawn" in figure.layout.xaxis2.title.text
