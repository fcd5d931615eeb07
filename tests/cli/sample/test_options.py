import pytest

from onex_analytics.cli.sample.options import one_policy, policies_named, policies_of, rule_of, told_apart
from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import ProbabilityPolicy


@pytest.mark.parametrize("text", ["", "node=a", "node:0.1", "colour=red:0.1", "node=a:2", "node=a:x", "node=:0.1"])
def test_a_rule_that_is_none_is_refused_with_one_that_is(text):
    with pytest.raises(InvalidOption, match=r"such as|a share"):
        rule_of(text)


def test_a_share_of_what_no_rule_speaks_of_makes_a_policy_of_rules():
    (policy,) = policies_of([0.1], ["event_type=NODE_*:0.05", "node=a:0.5"], None, False)
    failed = {"event_type": "NODE_FAILURE", "node": "b", "outcome": "failure"}
    assert policy.share_of(failed)[0] == 1
    assert policy.share_of({**failed, "outcome": "other"})[0] == 0.05
    assert policy.share_of({"event_type": "LOG", "node": "a"})[0] == 0.5
    assert policy.share_of({"event_type": "LOG", "node": "b"})[0] == 0.1
    (without,) = policies_of([0.1], ["event_type=NODE_*:0.05"], False, False)
    assert without.share_of(failed)[0] == 0.05


def test_shares_alone_are_plain_unless_failures_are_kept():
    plain, *_ = policies_of([0.1, 0.2], None, None, True)
    assert (plain.kind, plain.scope, plain.probability) == ("probability", "event", 0.1)
    (kept,) = policies_of([0.1], None, True, False)
    assert (kept.name, kept.keep_failures) == ("failures and 10 %", True)


def test_failures_alone_leave_open_what_becomes_of_the_rest():
    with pytest.raises(InvalidOption, match="--probability as well"):
        policies_of(None, None, True, False)


def test_policies_of_one_name_are_numbered():
    same = [ProbabilityPolicy(name="a", probability=p) for p in (0.1, 0.2)]
    other = ProbabilityPolicy(name="b", probability=0.3)
    assert [policy.name for policy in told_apart([*same, other])] == ["a 1", "a 2", "b"]


@pytest.mark.parametrize("count", [0, 2])
def test_where_one_policy_is_wanted_others_are_refused(count):
    with pytest.raises(InvalidOption, match="exactly one"):
        one_policy([ProbabilityPolicy(probability=0.1)] * count)


def test_policies_of_a_file_take_the_place_of_the_other_options(tmp_path, capsys):
    path = tmp_path / "policies.yaml"
    path.write_text("policies:\n- {kind: probability, probability: 0.1}\n- {kind: rules, default: 0.5}\n")
    assert [policy.name for policy in policies_named(path, None, None, None, False)] == ["probability", "rules"]
    with pytest.raises(InvalidOption, match="one or the other"):
        policies_named(path, [0.1], None, None, False)


def test_what_of_the_collectors_file_does_not_come_along_is_said(tmp_path, capsys):
    path = tmp_path / "collector.yaml"
    some = ("{name: odd, type: ottl_condition}", "{name: all, type: always_sample}")
    path.write_text("tail_sampling:\n  policies:\n" + "".join(f"  - {one}\n" for one in some))
    assert len(policies_named(path, None, None, None, False)) == 1
    assert "odd" in capsys.readouterr().err
