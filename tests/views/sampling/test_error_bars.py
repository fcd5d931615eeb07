import pytest

from onex_analytics.views.sampling import group_errors
from onex_analytics.views.theme import description
from tests.views.profiling.results import is_blank, named
from tests.views.sampling.results import cases, drawn


def of(figure, name: str):
    """The traces of a policy that have marks."""
    return [trace for trace in figure.data if trace.name == name and trace.x and trace.x[0] is not None]


def test_a_bar_reaches_from_the_low_bound_to_the_high_one():
    errors = cases()["a few"].simulation.errors
    figure = drawn("group_errors", "a few")
    rows = errors.filter(metric="count", level="group", policy="half").sort("truth", descending=True).to_dicts()
    claimed = [row for row in rows if row["low"] is not None]
    assert len(claimed) > 1
    bars = of(figure, "half")[0]
    ends = [end for x, below, above in zip(bars.x, bars.error_x.arrayminus, bars.error_x.array, strict=True)
            for end in (x - below, x + above)]  # fmt: skip
    assert ends == pytest.approx([bound for row in claimed for bound in (row["low"], row["high"])])


def test_groups_go_by_their_values_alone_and_the_largest_comes_first():
    figure = drawn("group_errors", "a few")
    assert [note.text for note in figure.layout.annotations] == ["query_node", "cache_node", "page_node"]


def test_where_no_interval_is_claimed_the_mark_is_open_and_the_bar_one_standard_error():
    errors = cases()["one trace, and no policy tried on a rule"].simulation.errors
    figure = group_errors(errors, "count")
    (bars,) = of(figure, "a tenth")
    (row,) = errors.filter(metric="count", level="group", policy="a tenth").to_dicts()
    assert bars.marker.symbol == "circle-open"
    assert list(bars.error_x.array) == [row["std_error"]]
    assert "claim no such bounds" in description(figure)


def test_a_group_that_is_never_seen_is_a_cross_at_the_truth():
    figure = group_errors(cases()["everything lost"].simulation.errors, "error_rate")
    (cross,) = of(figure, "nothing")
    assert cross.marker.symbol == "x"
    assert all("never seen" in text for text in cross.text)
    assert list(cross.x) == pytest.approx([2 / 9, 0.2])


def test_the_truth_stands_across_the_rows_of_its_group():
    line = named(drawn("group_errors", "a few"), "the whole log")
    assert list(line.x) == [800, 800, None, 400, 400, None, 80, 80, None]


def test_without_groups_the_whole_log_is_drawn():
    errors = cases()["a few"].simulation.errors.filter(level="all").drop("node")
    for alone in (errors, cases()["no event"].simulation.errors):
        assert [note.text for note in group_errors(alone).layout.annotations] == ["all"]


def test_values_that_lie_far_apart_have_a_logarithmic_axis():
    few, far = (drawn("group_errors", name) for name in ("a few", "from few to very many"))
    assert few.layout.xaxis.type is None
    assert far.layout.xaxis.type == "log"
    assert list(far.layout.xaxis.ticktext) == ["1", "10", "100", "1,000", "10,000"]


def test_what_is_left_out_is_said():
    figure = drawn("group_errors", "200 nodes, 40 policies")
    assert "190 smaller groups, 34 more policies not drawn" in description(figure)


@pytest.mark.parametrize("metric", [None, "rate"])
def test_nothing_simulated_is_said(metric):
    errors = cases()["a few"].simulation.errors
    assert is_blank(group_errors(errors.clear() if metric is None else errors, metric))
