"""The code of errors that do not say it: right where it is given, and not given where nothing is sure."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from onex_analytics.error_patterns.classes import CLASSIFIED, CodeRule, classify_errors
from onex_analytics.error_patterns.failures import errors_of
from onex_analytics.exceptions import InvalidOption
from tests.laws import examples

FULL = "ONEX_SYS_901_DISK_FULL"


def classified(*rows: tuple[str | None, str | None], **options: object) -> list[tuple[object, ...]]:
    frame = pl.DataFrame(rows, {"error_code": pl.String, "error_message": pl.String}, orient="row")
    return classify_errors(frame, **options).select("code", "method", "confidence", "support").rows()


@pytest.mark.parametrize("hidden", [0.3, 0.6])
def test_hidden_codes_of_the_fleet_are_found(large_fleet, hidden):
    events, log = large_fleet
    failures = errors_of(events, carry="correlation_id").filter(kind="failure").collect()
    # what really went wrong: the fleet writes some codes as SC001, whichever they are
    calls = (
        pl.concat(log.calls())
        .filter(pl.col("error_code").is_not_null())
        .unique(["node", "correlation_id"], keep="none")
    )
    truth = failures.drop("error_code").join(
        calls.select("node", "correlation_id", "error_code"), on=["node", "correlation_id"]
    )
    known = failures.join(
        truth.select("error_id", truth="error_code"), on="error_id", how="left", maintain_order="left"
    )
    hide = np.random.default_rng(1).random(known.height) < hidden
    without = known.with_columns(
        pl.when(pl.Series(hide)).then(None).otherwise("error_code").alias("error_code"),
        pl.when(pl.Series(hide)).then(pl.col("error_message").str.replace(r"^\s*\[[A-Z0-9_]+\]\s*", ""))
        .otherwise("error_message").alias("error_message"),
    )  # fmt: skip
    judged = classify_errors(without).filter(pl.Series(hide) & pl.col("truth").is_not_null())
    given_one = judged.filter(pl.col("code").is_not_null())
    assert judged.height > 100
    assert given_one.height / judged.height >= 0.8
    assert (given_one["code"] == given_one["truth"]).mean() >= 0.95


def test_soft_failures_and_log_entries_neither_lend_nor_borrow(fleet):
    events, _ = fleet
    errors = errors_of(events).collect()
    found = classify_errors(errors)
    assert found.filter(pl.col("kind") != "failure")["method"].unique().to_list() == ["none"]
    assert found.height == errors.height
    lent = pl.DataFrame(
        {"error_message": [f"[{FULL}] 1 MB", f"[{FULL}] 2 MB", "3 MB"], "kind": ["log", "log", "failure"]}
    )
    assert classify_errors(lent)["method"].to_list() == ["text", "text", "none"]


def test_what_is_said_is_believed_before_rules_and_rules_before_likeness():
    said = [(FULL, "1 MB left"), (FULL, "2 MB left"), (None, "3 MB left"), (None, f"[{FULL}] 4 MB left")]
    assert [row[:2] for row in classified(*said)] == [
        (FULL, "explicit"), (FULL, "explicit"), (FULL, "template"), (FULL, "text"),
    ]  # fmt: skip
    assert classified(*said)[2] == (FULL, "template", 1.0, 3)
    rule = CodeRule(match="MB left", code="ONEX_SYS_904_RESOURCE_EXHAUSTED")
    methods = [(code, method) for code, method, *_ in classified(*said, rules=[rule])]
    assert methods[2:] == [("ONEX_SYS_904_RESOURCE_EXHAUSTED", "rule"), (FULL, "text")]


def test_messages_of_no_code_get_none():
    said = [(FULL, f"{place} MB left") for place in range(9)]
    for message in ("MB of left", "nobody is there", "3 MB left on b", "", None):
        assert classified(*said, (None, message))[-1] == (None, "none", 0.0, None)


def test_it_abstains_where_like_messages_disagree_or_are_few():
    other = "ONEX_SYS_904_RESOURCE_EXHAUSTED"
    half = [(FULL, "1 MB left"), (other, "2 MB left"), (None, "3 MB left")]
    assert classified(*half)[2] == (None, "none", 0.0, None)
    assert classified((FULL, "1 MB left"), (None, "3 MB left"))[1][1] == "none"
    assert classified((FULL, "1 MB left"), (None, "3 MB left"), min_support=1)[1][:2] == (FULL, "template")
    most = [*[(FULL, f"{place} MB left") for place in range(9)], (other, "77 MB left"), (None, "3 MB left")]
    assert classified(*most)[-1] == (FULL, "template", 0.9, 10)
    assert classified(*most, min_confidence=0.95)[-1][1] == "none"


def test_a_spelling_of_several_codes_is_decided_among_these_only():
    tool = "ONEX_REGISTRY_001_TOOL_NOT_FOUND"
    rows = [(tool, "tool 1 is gone"), (tool, "tool 2 is gone"), ("ONEX_REGISTRY_001", "tool 3 is gone")]
    assert classified(*rows)[2] == (tool, "template", 1.0, 2)
    stranger = [(FULL, "tool 1 is gone"), (FULL, "tool 2 is gone"), ("ONEX_REGISTRY_001", "tool 3 is gone")]
    assert classified(*stranger)[2][0] is None


@settings(max_examples=examples(40))
@given(st.lists(st.tuples(
    st.sampled_from([None, FULL, "E7", "TOOL_NOT_FOUND", ""]),
    st.sampled_from([None, "", "3 MB left", "gone", f"[{FULL}]", "\0", "🙂 1"]),
)), st.sampled_from([[], [CodeRule(match="gone", code="X_1")]]))  # fmt: skip
def test_each_row_is_counted_once_and_a_method_agrees_with_its_code(rows, rules):
    frame = pl.DataFrame(rows, {"error_code": pl.String, "error_message": pl.String}, orient="row")
    found = classify_errors(frame.with_row_index("place"), rules=rules)
    assert found["place"].to_list() == list(range(len(rows)))
    assert found.columns == ["place", "error_code", "error_message", *CLASSIFIED]
    for row in found.to_dicts():
        assert (row["method"] == "none") == (row["code"] is None) == (row["confidence"] == 0)
        assert (row["support"] is not None) == (row["method"] == "template")


def test_bad_options_and_impossible_rules_are_refused():
    for options, said in (({"min_confidence": 0.5}, "above 0.5"), ({"min_support": 0}, "1 or more")):
        with pytest.raises(InvalidOption, match=said):
            classified((None, "x"), **options)
    with pytest.raises(ValidationError, match="no regular expression"):
        CodeRule(match="((", code="X")
