"""Policies that cannot be meant are refused; a policy survives JSON."""

from __future__ import annotations

import pytest

from onex_analytics.sizing import LIMITS, PRESETS, SizePolicy
from tests.sizing.drawn import dictionary


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"max_bytes": 0}, "max_bytes"), ({"warn_bytes": 0}, "warn_bytes"), ({"compress_over": -1}, "compress_over"),
        ({"codec": "lzma"}, "codec"), ({"level": 23}, "from 1 to 22"), ({"codec": "gzip", "level": 10}, "from 1 to 9"),
        ({"level": 0}, "from 1 to 22"), ({"dictionary": b"words"}, "no Zstandard dictionary"),
        ({"codec": "gzip", "dictionary": dictionary()}, "takes no dictionary"), ({"on_oversize": "drop"}, "reject"),
        ({"warn_bytes": 2000, "max_bytes": 1000}, "at most max_bytes"), ({"size": 1}, "size"),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        SizePolicy(**wrong)


def test_a_small_limit_needs_no_smaller_warning():
    assert SizePolicy(max_bytes=1000).warn_bytes == LIMITS["cloudevents"]


def test_a_policy_survives_json_with_its_dictionary_which_it_does_not_print():
    policy = SizePolicy(dictionary=dictionary(), level=7)
    assert SizePolicy.model_validate_json(policy.model_dump_json()) == policy
    assert len(repr(policy)) < 200


def test_presets_have_the_limits_of_those_they_are_named_for():
    assert {name: policy.max_bytes for name, policy in PRESETS.items()} == LIMITS == {
        "cloudevents": 65_536, "kafka": 1_048_576
    }  # fmt: skip
