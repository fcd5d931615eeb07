from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from onex_analytics.model import EVENTS, PROFILE_NUMBERS
from onex_analytics.model.metadata import (
    METADATA_MODELS,
    LogEntry,
    Metadata,
    NodeSuccess,
    PerformanceNumbers,
    PerformanceProfile,
    metadata_of,
)
from onex_analytics.model.validation import violations

LIFTED = {
    "operation": "operation", "function": "function", "execution_time_ms": "execution_time_ms", "success": "success",
    "error_type": "error_type", "error_code": "error_code", "error_message": "error_message", "severity": "severity",
    "recoverable": "recoverable", "level": "level", "node_version": "node_version", "result_status": "status",
    **{name: name for name in PROFILE_NUMBERS},
}  # fmt: skip
PYTHON = {"String": str, "Float64": float, "Int64": int, "Boolean": bool}


@pytest.mark.parametrize("column", LIFTED)
def test_every_lifted_column_has_a_field_of_its_type_in_some_model(column):
    wanted = PYTHON[str(EVENTS[column])]
    models = {*METADATA_MODELS.values(), PerformanceNumbers, LogEntry}
    fields = [model.model_fields[LIFTED[column]] for model in models if LIFTED[column] in model.model_fields]
    assert fields
    for field in fields:
        assert field.annotation is wanted or wanted in field.annotation.__args__


def test_a_profile_has_every_profile_number_and_its_stacks():
    profile = metadata_of("PERFORMANCE_PROFILE", {"cpu_time_ms": 1, "cache_hits": 3, "samples": {"a;b;c": 7}})
    assert isinstance(profile, PerformanceProfile)
    assert (profile.cpu_time_ms, profile.cache_hits, profile.samples) == (1.0, 3, {"a;b;c": 7})
    assert set(PROFILE_NUMBERS) <= set(PerformanceProfile.model_fields)


def test_a_profile_may_be_nested_in_the_success_of_an_operation():
    given = {"operation": "o", "function": "f", "execution_time_ms": 1, "performance_profile": {"gc_time_ms": 2}}
    assert metadata_of("TELEMETRY_OPERATION_SUCCESS", given).performance_profile.gc_time_ms == 2


@pytest.mark.parametrize(
    "given",
    [
        {"log_entry": {"message": "m", "level": "INFO", "context": {"calling_line": 7}}},
        {"message": "m", "log_level": "INFO", "context": {"calling_line": 7}},
    ],
)
def test_both_forms_of_a_log_give_one_entry(given):
    entry = metadata_of("STRUCTURED_LOG", given).entry
    assert (entry.message, entry.level, entry.context.calling_line) == ("m", "INFO", 7)


def test_unknown_keys_are_kept():
    assert metadata_of("NODE_START", {"input_state": {}, "tenant": "a"}).model_dump()["tenant"] == "a"


def test_a_number_as_text_is_used_and_duration_is_execution_time():
    given = {"operation": "o", "function": "f", "duration_ms": "0.087434"}
    assert metadata_of("TELEMETRY_OPERATION_SUCCESS", given).execution_time_ms == 0.087434


def test_the_status_of_a_success_is_its_output_states():
    assert NodeSuccess(input_state={}, output_state={"status": "warning"}, status="success").result_status == "warning"
    assert NodeSuccess(input_state={}, output_state={}, status="success").result_status == "success"
    assert NodeSuccess(input_state={}, output_state={"status": 3}).result_status is None


def test_a_missing_required_key_is_refused():
    with pytest.raises(ValidationError, match="output_state"):
        metadata_of("NODE_SUCCESS", {"input_state": {}})


def test_an_unknown_type_and_no_metadata_have_the_general_model():
    assert type(metadata_of("TOOL_CUSTOM", None)) is Metadata


@pytest.mark.parametrize("name", ["omnibase_main_v1.0.0", "omnibase_dev_telemetry"])
def test_real_metadata_that_breaks_no_rule_fits_its_model(shared_data, name):
    fitting = 0
    for line in (shared_data / "onex" / f"{name}.jsonl").read_text().splitlines():
        event = json.loads(line)
        if not violations(event):
            read = metadata_of(event["event_type"], event["metadata"])
            assert read.model_dump(exclude_unset=True) == event["metadata"]
            fitting += 1
    assert fitting > 0 or name == "omnibase_dev_telemetry"
