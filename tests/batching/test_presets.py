"""Presets are policies whose numbers are those of the exporters they are named for."""

from __future__ import annotations

import pytest

from onex_analytics.batching import PRESETS, BatchPolicy


@pytest.mark.parametrize(("name", "numbers"), [
    ("onex", (100, 1000, None, None, "block", "refuse")),
    ("otel-spans", (512, 5000, None, 2048, "drop_newest", "refuse")),
    ("otel-logs", (512, 1000, None, 2048, "drop_newest", "refuse")),
    ("otel-collector", (8192, 200, None, None, "block", "refuse")),
    ("kafka", (16_384, 5, 16_384, None, "block", "alone")),
    ("librdkafka", (10_000, 5, 1_000_000, 100_000, "drop_newest", "refuse")),
])  # fmt: skip
def test_a_preset_has_the_numbers_of_its_source(name, numbers):
    policy = PRESETS[name].policy
    assert (policy.max_size, policy.max_age_ms, policy.max_bytes, policy.queue_limit, policy.when_full,
            policy.oversize) == numbers  # fmt: skip


def test_every_preset_is_told_by_its_name_and_says_where_it_is_from():
    for name, preset in PRESETS.items():
        assert preset.policy.title == name
        assert preset.source
    assert PRESETS["onex"].policy == BatchPolicy(name="onex")


def test_presets_cannot_be_changed():
    with pytest.raises(TypeError):
        PRESETS["mine"] = PRESETS["onex"]  # type: ignore[index]
