"""Metrics are written as they are told."""

from __future__ import annotations

import pytest

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import Metric, metric_of


@pytest.mark.parametrize("text", [
    "count", "rate", "error_rate", "sum(size_bytes)", "mean(execution_time_ms)", "p50(execution_time_ms)",
    "p99.9(execution_time_ms)", "p0.1(x)", "p7(x)",
])  # fmt: skip
def test_a_metric_is_named_as_it_is_written(text):
    assert metric_of(f" {text} ").name == text


@pytest.mark.parametrize("text", [
    "", "median", "sum", "sum()", "count(x)", "p100(x)", "p0(x)", "p-1(x)", "p95", "SUM(x)",
])  # fmt: skip
def test_what_is_no_metric_is_refused_with_examples(text):
    with pytest.raises(InvalidOption):
        metric_of(text)


def test_a_metric_of_values_needs_its_column_and_no_other_has_one():
    with pytest.raises(ValueError, match="column"):
        Metric(kind="sum")
    with pytest.raises(ValueError, match="column"):
        Metric(kind="count", column="size_bytes")
