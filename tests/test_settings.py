"""Settings come from arguments, the environment and a file, in this order; by default they change nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from onex_analytics.exceptions import InvalidOption
from onex_analytics.pipeline import EventPipeline
from onex_analytics.sampling import DynamicSampler, TailSampler
from onex_analytics.settings import Settings, load_settings
from onex_analytics.sizing import SizePolicy

ALL_OF_IT = """
sampling:
  enabled: true
  rates: {TELEMETRY_*: 0.25}
  default: 0.5
batching: {enabled: true, max_size: 7, max_age_ms: 20, queue_limit: 70, when_full: drop_oldest}
sizing: {enabled: true, max_bytes: 1000, codec: gzip}
"""


@pytest.fixture
def write(tmp_path):
    def written(text: str):
        path = tmp_path / "onex.yaml"
        path.write_text(text)
        return path

    return written


def test_by_default_nothing_is_enabled_and_events_go_out_as_they_are():
    sent = []
    pipeline = EventPipeline.from_settings(Settings(), sent.append)
    assert (pipeline.sample, pipeline.size, pipeline.batch) == (None, None, None)
    event = {"event_id": "e"}
    pipeline.emit(event)
    assert sent == [[event]] and sent[0][0] is event


def test_a_file_says_all_of_it(write):
    settings = load_settings(write(ALL_OF_IT))
    pipeline = EventPipeline.from_settings(settings, print)
    assert pipeline.sample.policy.share_of({"event_type": "TELEMETRY_X", "outcome": "success"})[0] == 0.25
    assert pipeline.sample.policy.share_of({"event_type": "NODE_FAILURE", "outcome": "failure"})[0] == 1.0
    assert (pipeline.batch.max_size, pipeline.batch.when_full) == (7, "drop_oldest")
    assert pipeline.size == SizePolicy(max_bytes=1000, codec="gzip")
    pipeline.close()


def test_a_variable_switches_one_flag_and_leaves_the_rest(monkeypatch, write):
    monkeypatch.setenv("ONEX_SAMPLING_ENABLED", "false")
    monkeypatch.setenv("ONEX_BATCHING_MAX_SIZE", "9")
    monkeypatch.setenv("ONEX_SAMPLING_RATES", '{"NODE_*": 0.125}')
    settings = load_settings(write(ALL_OF_IT))
    assert settings.sampling.sampler() is None
    assert settings.sampling.rates == {"TELEMETRY_*": 0.25, "NODE_*": 0.125}
    assert (settings.batching.max_size, settings.batching.max_age_ms) == (9, 20)


def test_an_argument_holds_before_the_environment_and_that_before_the_file(monkeypatch, write):
    monkeypatch.setenv("ONEX_BATCHING_MAX_SIZE", "9")
    monkeypatch.setenv("ONEX_BATCHING_MAX_AGE_MS", "33")
    settings = load_settings(write(ALL_OF_IT), batching={"max_size": 11})
    assert (settings.batching.max_size, settings.batching.max_age_ms, settings.batching.queue_limit) == (11, 33, 70)


def test_the_environment_names_the_file(monkeypatch, write):
    monkeypatch.setenv("ONEX_SETTINGS_FILE", str(write("sizing: {enabled: true}")))
    assert load_settings().sizing.policy() == SizePolicy()


def test_every_flag_has_its_variable(monkeypatch):
    for part in ("SAMPLING", "BATCHING", "SIZING"):
        monkeypatch.setenv(f"ONEX_{part}_ENABLED", "1")
    settings = load_settings()
    assert settings.sampling.enabled and settings.batching.enabled and settings.sizing.enabled


def test_a_whole_policy_stands_in_place_of_rates(write):
    settings = load_settings(write("sampling: {enabled: true, policy: {kind: probability, probability: 0.25}}"))
    assert settings.sampling.sampler().policy.probability == 0.25
    both = load_settings(sampling=settings.sampling.model_dump() | {"rates": {"A": 0.5}})
    with pytest.raises(InvalidOption, match=r"sampling is \['rates', 'policy'\]; wanted one of them"):
        both.sampling.sampler()


POLICIES = """
policies:
- {kind: tail, name: failed, policies: [{kind: status_code}]}
- {kind: dynamic, name: usual, by: [node], goal_rate: 10}
"""


@pytest.mark.parametrize(("name", "sampler"), [("failed", TailSampler), ("usual", DynamicSampler)])
def test_a_policy_of_a_file_is_taken_by_its_name(tmp_path, name, sampler):
    path = tmp_path / "policies.yaml"
    path.write_text(POLICIES)
    settings = load_settings(sampling={"enabled": True, "policy_file": path, "policy_name": name})
    assert isinstance(settings.sampling.sampler(), sampler)


@pytest.mark.parametrize(("text", "told"), [
    (POLICIES, r"policy_name is None; wanted one of the policies of .*'failed', 'usual'"),
    ("tail_sampling: {policies: [{name: a, type: always_sample}, {name: odd, type: ottl_condition}]}",
     r"policy_file is .*tail_sampling: odd.*only what has a counterpart"),
])  # fmt: skip
def test_a_file_that_leaves_open_what_is_kept_is_refused(tmp_path, text, told):
    path = tmp_path / "policies.yaml"
    path.write_text(text)
    settings = load_settings(sampling={"enabled": True, "policy_file": path})
    with pytest.raises(InvalidOption, match=told):
        settings.sampling.sampler()


@pytest.mark.parametrize(("text", "told"), [
    ("sampling: {enabld: true}", r"sampling\.enabld: is not known"),
    ("sampel: {enabled: true}", r"sampel: is not known"),
    ("sampling: {default: 1.5}", r"sampling\.default: .*less than or equal to 1.*found 1\.5"),
    ("sampling: {default: .nan}", r"sampling\.default"),
    ("sampling: {rates: {NODE_START: 1.5, NODE_END: 1}}", r"sampling\.rates: \{'NODE_START': 1\.5\}; wanted shares"),
    ("sampling: {rates: {NODE_START: .nan}}", r"sampling\.rates: \{'NODE_START': nan\}"),
    ("batching: {max_size: 0}", r"batching\.max_size: .*greater than or equal to 1"),
    ("batching: {max_size: 10, queue_limit: 5}", r"batching.*at least max_size"),
    ("sizing: {codec: lzma}", r"sizing\.codec"),
    ("sampling: 3", r"sampling"),
    ("[1, 2]", r"list"),
    ("a: [", r"settings file"),
])  # fmt: skip
def test_a_mistake_in_the_file_is_named(write, text, told):
    with pytest.raises(InvalidOption, match=told):
        load_settings(write(text))


def test_a_mistake_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("ONEX_SAMPLING_ENABLD", "true")
    with pytest.raises(InvalidOption, match=r"sampling\.enabld: is not known"):
        load_settings()


@pytest.mark.parametrize(("name", "value"), [("ONEX_SAMPLING_RATES", "NODE_*:0.1"), ("ONEX_SAMPLING", "")])
def test_a_variable_that_is_no_json_is_a_clear_error(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidOption, match=r'"sampling".*wanted JSON'):
        load_settings()


def test_rates_of_the_environment_match_before_those_of_the_file_as_the_first_holds(monkeypatch, write):
    file = write("sampling: {enabled: true, rates: {NODE_*: 0.125, B: 0.5}}")
    monkeypatch.setenv("ONEX_SAMPLING_RATES", '{"NODE_START": 0.75, "B": 0.25}')
    settings = load_settings(file, sampling={"rates": {"NODE_S*": 1.0}})
    assert list(settings.sampling.rates.items()) == [
        ("NODE_S*", 1.0), ("NODE_START", 0.75), ("B", 0.25), ("NODE_*", 0.125),
    ]  # fmt: skip
    policy = load_settings(file).sampling.sampler().policy
    assert policy.share_of({"event_type": "NODE_START", "outcome": None})[0] == 0.75


def test_a_policy_of_the_environment_is_not_mixed_with_that_of_the_file(monkeypatch, write):
    file = write("sampling: {enabled: true, policy: {kind: rules, default: 0.5}}")
    monkeypatch.setenv("ONEX_SAMPLING_POLICY", '{"kind": "probability", "probability": 0.25}')
    assert load_settings(file).sampling.policy.probability == 0.25


def test_other_variables_of_the_prefix_are_nobody_s_mistake(monkeypatch):
    monkeypatch.setenv("ONEX_HOME", "somewhere")
    assert load_settings() == Settings()


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(InvalidOption, match=r"the settings file is .*none\.yaml"):
        load_settings(tmp_path / "none.yaml")


def test_parts_left_empty_are_the_defaults(write):
    assert load_settings(write("")) == Settings()
    assert load_settings(write("sampling:\nbatching:")) == Settings()


def test_a_dictionary_is_read_from_its_file(write, tmp_path):
    wrong = tmp_path / "dictionary"
    wrong.write_bytes(b"no dictionary")
    settings = load_settings(write(f"sizing: {{enabled: true, dictionary_file: {wrong}}}"))
    with pytest.raises(InvalidOption, match=r"sizing\.dictionary_file"):
        settings.sizing.policy()


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        Settings().sampling.enabled = True
