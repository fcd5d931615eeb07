"""Policies are frozen data within bounds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from onex_analytics.batching import BatchPolicy
from onex_analytics.batching.policies import policy_of
from onex_analytics.exceptions import InvalidOption


@pytest.mark.parametrize("wrong", [
    {"max_size": 0}, {"max_age_ms": 0}, {"max_age_ms": float("nan")}, {"max_age_ms": float("inf")}, {"max_bytes": 0},
    {"queue_limit": 0}, {"when_full": "wait"}, {"oversize": "cut"}, {"max_events": 3}, {"max_age_ms": 1e-4},
])  # fmt: skip
def test_what_makes_no_policy_is_refused(wrong):
    with pytest.raises(ValidationError):
        BatchPolicy(**wrong)


def test_a_queue_that_holds_no_batch_is_refused_with_the_mend():
    with pytest.raises(ValidationError, match=r"queue_limit is 50; wanted at least max_size \(100\)"):
        BatchPolicy(queue_limit=50)


def test_a_policy_is_told_by_what_closes_its_batches_or_its_name():
    assert BatchPolicy(max_size=2048, max_age_ms=5, max_bytes=16_384).title == "2,048 events, 16,384 bytes or 5 ms"
    assert BatchPolicy(name="mine").title == "mine"


def test_a_policy_cannot_be_changed():
    with pytest.raises(ValidationError):
        BatchPolicy().max_size = 3  # type: ignore[misc]


def test_numbers_beside_a_whole_policy_are_refused():
    policy = BatchPolicy(max_size=7)
    assert policy_of(policy, max_age_ms=1000, when_full="block") is policy
    with pytest.raises(InvalidOption, match="max_age_ms"):
        policy_of(policy, max_age_ms=10)
