import polars as pl
import pytest
from scipy.special import xlogy

from onex_analytics.frames.deviances import deviance, poisson_deviance


@pytest.mark.parametrize(("k", "mean"), [(0, 3.0), (3, 3.0), (7, 3.0), (100, 0.5)])
def test_a_deviance_is_twice_the_likelihood_that_is_lost(k, mean):
    frame = pl.DataFrame({"k": [k], "mean": [mean]})
    term, whole = 2 * xlogy(k, k / mean), 2 * (xlogy(k, k / mean) - (k - mean))
    assert frame.select(d=deviance("k", "mean")).item() == pytest.approx(term)
    assert frame.select(d=poisson_deviance("k", "mean")).item() == pytest.approx(whole)
