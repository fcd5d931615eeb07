from onex_analytics.alerting import delay_distribution
from onex_analytics.views.alerting import delay_ecdf
from onex_analytics.views.theme import description
from tests.views.alerting.results import Case, busy, cases, incident, log, rules
from tests.views.profiling.results import is_blank, named


def test_a_line_rises_at_each_catch_and_ends_at_the_share_that_was_caught():
    figure = delay_ecdf(delay_distribution(cases()["a few"].result))
    line = named(figure, "all rules together")
    assert line.x[0] == 7 * 60_000
    assert list(line.y) == [0.5, 0.5]
    assert "Delays of 1 caught incident of 2." in description(figure)


def test_an_alert_before_the_incident_stands_at_zero():
    case = Case(log([("a", 10.0)]), [incident("late label", 15, 60, node="a")], rules(busy()))
    figure = delay_ecdf(delay_distribution(case.result))
    assert figure.layout.xaxis.ticktext[0] == "0"
    assert "before it began" in named(figure, "all rules together").customdata[0]


def test_nothing_caught_is_said():
    assert is_blank(delay_ecdf(delay_distribution(cases()["no alert, an incident"].result)))


def test_of_many_rules_those_that_caught_the_most_have_a_line():
    names = [busy(3 if i < 11 else 7, f"rule {i:02}") for i in range(12)]
    case = Case(log([("a", 10.0)]), [incident("i", 8, 20, node="a")], rules(*names))
    figure = delay_ecdf(delay_distribution(case.result), most=4)
    assert [trace.name for trace in figure.data] == ["all rules together", *(f"rule {i:02}" for i in range(4))]
    assert "8 more rules that caught fewer not drawn" in figure.layout.xaxis.title.text
