from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.model import FAMILY_AND_OUTCOME, PROFILE_NUMBERS, rules
from onex_analytics.model.metadata import METADATA_MODELS, Metadata

A_UUID = "9c3e5b0a-7d1f-4e26-80ab-4c6d8e0f1a2b"


def test_every_known_type_has_its_rules():
    assert list(rules.REQUIRED_METADATA) == list(rules.RECOMMENDED_METADATA) == list(FAMILY_AND_OUTCOME)


@pytest.mark.parametrize("event_type", FAMILY_AND_OUTCOME)
def test_the_models_require_what_the_rules_require_and_know_what_they_recommend(event_type):
    model = METADATA_MODELS[event_type]
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == set(rules.REQUIRED_METADATA[event_type])
    assert set(rules.RECOMMENDED_METADATA[event_type]) <= set(model.model_fields)


def test_the_numbers_are_the_time_and_those_of_a_profile():
    assert list(rules.NUMBERS) == ["execution_time_ms", *PROFILE_NUMBERS]


@given(st.uuids().map(str) | st.uuids().map(lambda u: u.hex.upper()))
def test_a_uuid_is_one_in_python_and_in_polars(text):
    assert re.fullmatch(rules.UUID_PATTERN, text)
    assert pl.Series([text]).str.contains(rules.UUID_PATTERN).all()


@pytest.mark.parametrize("text", ["", "c1", A_UUID[:-1], A_UUID + "0", "g" * 32, f"{{{A_UUID}}}"])
def test_anything_else_is_no_uuid(text):
    assert not re.fullmatch(rules.UUID_PATTERN, text)
    assert not pl.Series([text]).str.contains(rules.UUID_PATTERN).any()


@given(st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str))
def test_every_number_written_as_text_is_seen(text):
    assert re.fullmatch(rules.NUMBER_PATTERN, text)
    assert pl.Series([text]).str.contains(rules.NUMBER_PATTERN).all()


@pytest.mark.parametrize("text", ["", ".", "1e", "nan", "inf", "1_000", "0x10", "1,5", "١"])
def test_what_is_no_json_number_is_not(text):
    assert not re.fullmatch(rules.NUMBER_PATTERN, text)
    assert not pl.Series([text]).str.contains(rules.NUMBER_PATTERN).any()


def test_a_type_without_documented_keys_has_the_general_model():
    assert METADATA_MODELS["TOOL_PROXY_INVOKE"] is Metadata
