from onex_analytics import alerting
from onex_analytics.views.alerting import before_after
from onex_analytics.views.theme import description
from tests.views.alerting.results import busy, cases, incident, log, rules


def test_pages_before_and_after_lie_on_the_line_of_the_rule():
    compared = cases()["a few"].comparison
    figure = before_after(compared)
    before, after = (next(t for t in figure.data if t.name == name and t.xaxis in (None, "x")) for name in
                     ("before", "after"))  # fmt: skip
    names = [name.split(" (")[0] for name in figure.layout.yaxis.ticktext]
    told = {row["rule"]: row for row in compared.rules.to_dicts()}
    assert list(before.x) == [told[name]["pages_before"] for name in names]
    assert list(after.x) == [told[name]["pages_after"] for name in names]
    assert [name for name in figure.layout.yaxis.ticktext if "(" in name] == [
        "Busy (changed)", "Any (added)", "Never (removed)",
    ]


def test_won_and_lost_incidents_have_lines_of_their_own():
    events = log([("a", 10.0)])
    told = [incident("i", 8, 20, node="a")]
    won = before_after(alerting.compare_rules(rules(busy(90)), rules(busy(3)), events, told))
    assert list(won.layout.yaxis4.ticktext) == ["won: caught now only"]
    assert "Incidents won: 1, lost: 0, of 1." in description(won)
    lost = before_after(alerting.compare_rules(rules(busy(3)), rules(busy(90)), events, told))
    assert list(lost.layout.yaxis4.ticktext) == ["lost: caught before only"]


def test_rules_that_changed_what_they_do_come_first_and_the_others_are_counted():
    many = [busy(90, f"calm {i:02}") for i in range(40)]
    figure = before_after(alerting.compare_rules(
        rules(*many, busy(90)), rules(*many, busy(3)), log([("a", 10.0)])
    ))  # fmt: skip
    assert len(figure.layout.yaxis.ticktext) == 30
    assert figure.layout.yaxis.ticktext[0] == "Busy (changed)"
    assert "11 more rules not drawn" in figure.layout.xaxis.title.text
