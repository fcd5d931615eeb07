from onex_analytics.alerting import sweep
from onex_analytics.alerting.rules import Rule
from onex_analytics.views.alerting import threshold_by_for
from tests.views.alerting.results import busy, cases, log


def test_a_cell_is_what_the_sweep_says_of_its_threshold_and_for():
    frame = sweep(Rule.model_validate(busy()), log([("a", 10.0), ("b", 30.0)]), thresholds=[0, 3, 9],
                  for_=["0s", "3m"])  # fmt: skip
    cells = threshold_by_for(frame).data[0]
    assert [[int(text) for text in row] for row in cells.text] == [
        part["firings"].to_list() for part in frame.partition_by("for", maintain_order=True)
    ]


def test_a_pair_that_the_sweep_has_no_row_for_stays_clear():
    frame = sweep(Rule.model_validate(busy()), log([("a", 10.0)]), for_=["0s", "3m"], window=["5m", "10m"])
    some = frame.filter((frame["window"] != frame["window"][0]) | (frame["for"] != frame["for"][-1]))
    figure = threshold_by_for(some)
    first, *_, last = figure.data
    assert all(value is None for value in first.z[1])
    assert any(value is not None for value in last.z[1])


def test_recall_and_precision_stand_beside_the_firings():
    titles = [note.text for note in threshold_by_for(cases()["a few"].sweep).layout.annotations]
    assert titles == ["firings", "recall", "precision"]
