"""How long an export takes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from onex_analytics.batching import ServiceTime


def test_a_batch_costs_its_part_and_its_bytes():
    assert ServiceTime(base_ms=2, ms_per_mb=8).of(500_000) == 6
    assert ServiceTime().of(0) == 5


@pytest.mark.parametrize("wrong", [{"base_ms": -1}, {"ms_per_mb": float("nan")}, {"counts": "zipped"}, {"ms": 1}])
def test_what_makes_no_time_is_refused(wrong):
    with pytest.raises(ValidationError):
        ServiceTime(**wrong)
