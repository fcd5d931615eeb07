import pytest

from onex_analytics.views.sampling.share_axes import ShareAxis


@pytest.mark.parametrize("values", [[], [None], [0.0], [1.0], [0.3, 0.3], [1e-9, 1e6], [5e-324, 1.0], [0.2, 0.0, 40.0]])
def test_every_axis_holds_what_it_was_made_for_and_a_few_ticks(values):
    from math import log10

    axis = ShareAxis(values)
    layout = axis.layout()
    low, high = layout["range"]
    assert all(low <= log10(place) <= high for place in axis.places(values) if place is not None)
    assert len(layout["tickvals"]) == len(layout["ticktext"]) <= 10


def test_only_an_axis_with_a_zero_has_a_foot():
    assert "0" not in ShareAxis([0.1, 1.0]).layout()["ticktext"]
    assert ShareAxis([0.1, 0.0]).layout()["ticktext"][0] == "0"
