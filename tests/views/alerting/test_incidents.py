from onex_analytics.alerting import incident_matrix as matrix_of
from onex_analytics.views.alerting import incident_matrix
from onex_analytics.views.theme import description
from tests.views.alerting.results import cases
from tests.views.profiling.results import named


def test_a_cell_is_there_where_a_rule_caught_an_incident_and_says_how_soon():
    figure = incident_matrix(matrix_of(cases()["a few"].result))
    cells = figure.data[0]
    assert [[value is None for value in row] for row in cells.z] == [[False, True], [True, True]]
    assert cells.text[0][0] == "7 min"
    assert list(figure.layout.yaxis.ticktext) == ["<i>any rule</i>", "Busy", "Never"]


def test_what_no_rule_caught_is_crossed():
    figure = incident_matrix(matrix_of(cases()["a few"].result))
    assert list(named(figure, "caught").x) == [0]
    assert list(named(figure, "missed by all").x) == [1]
    assert "1 incident was caught by none: missed. 1 rule caught none." in description(figure)


def test_names_of_five_hundred_incidents_are_not_written_side_by_side():
    figure = incident_matrix(matrix_of(cases()["500 incidents"].result))
    assert not figure.layout.xaxis.ticktext
    assert len(figure.data[0].z[0]) == 500


def test_where_nothing_was_caught_only_the_crosses_are_left():
    figure = incident_matrix(matrix_of(cases()["no alert, an incident"].result))
    assert [trace.name for trace in figure.data] == ["missed by all"]
