"""Spellings that several codes share: settled where something beside them tells, and else counted as ambiguous."""

from __future__ import annotations

from collections import defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.error_patterns.classes import classify_errors
from onex_analytics.error_patterns.codes import extract_error_codes
from onex_analytics.error_patterns.failures import errors_of
from onex_analytics.error_patterns.groups import group_errors

BARE = "RESOURCE_EXHAUSTED"
CORE, SYS = "ONEX_CORE_087_RESOURCE_EXHAUSTED", "ONEX_SYS_904_RESOURCE_EXHAUSTED"


def read(*rows: tuple[str | None, str, str | None, str | None]) -> list[tuple[str | None, str | None]]:
    """(code, what told it) of rows of (error_code, error_message, node, correlation_id)."""
    schema = dict.fromkeys(("error_code", "error_message", "node", "correlation_id"), pl.String)
    frame = pl.DataFrame(rows, schema, orient="row")
    return extract_error_codes(frame).select("code", "code_resolved_by").collect().rows()


def test_the_text_of_the_error_itself_tells():
    assert read((BARE, f"[{SYS}] 3 MB", None, None)) == [(SYS, "text")]
    assert read((BARE, "[ONEX_CORE_087] 3 MB", None, None)) == [(CORE, "text")]
    assert read((BARE, f"{SYS} or {CORE}?", None, None)) == [(None, "nothing")]
    assert read((None, f"[{BARE}] after ONEX_SYS_901_DISK_FULL", None, None)) == [(None, "nothing")]


def test_another_witness_of_the_same_failure_tells_and_one_of_another_does_not():
    witness = (None, f"[{SYS}] 3 MB", "a", "c1")
    assert read((BARE, "3 MB", "a", "c1"), witness)[0] == (SYS, "failure")
    assert read((BARE, "3 MB", "a", "c2"), witness)[0] == (None, "nothing")
    assert read((BARE, "3 MB", "b", "c1"), witness)[0] == (None, "nothing")
    assert read((BARE, "3 MB", "a", None), ("ONEX_SYS_901", "", "a", None))[0] == (None, "nothing")


def test_a_node_tells_that_says_one_of_them_in_several_failures_and_never_another():
    bare = (BARE, "3 MB", "a", "c0")
    twice = [(SYS, "", "a", "c1"), ("ONEX_SYS_904", "", "a", "c2")]
    assert read(bare, *twice)[0] == (SYS, "node")
    assert read(bare, twice[0])[0] == (None, "nothing")
    assert read(bare, twice[0], twice[0])[0] == (None, "nothing")  # two witnesses of one failure
    assert read(bare, *twice, (CORE, "", "a", "c3"))[0] == (None, "nothing")
    assert read(bare, *[(code, text, "b", c) for code, text, _, c in twice])[0] == (None, "nothing")


def test_what_is_settled_has_the_meaning_of_its_code_and_is_mentioned_once():
    rows = pl.DataFrame({"error_code": [BARE], "error_message": [f"[{SYS}] after ONEX_SYS_901 and ONEX_SYS_904"]})
    found = extract_error_codes(rows).collect().to_dicts()[0]
    assert (found["component"], found["category"], found["code_recoverable"]) == ("SYS", "system", "retry")
    assert found["code_candidates"] == [CORE, SYS]
    assert found["code_others"] == ["ONEX_SYS_901"]
    assert (found["code_text"], found["code_shape"]) == (BARE, "name")


@settings(max_examples=40, deadline=None)
@given(st.lists(
    st.tuples(st.sampled_from([BARE, SYS, CORE, None]), st.sampled_from(["", f"[{SYS}]", f"[{CORE}]"]),
              st.sampled_from(["a", "b", None]), st.sampled_from(["c", "d", "e", None])), max_size=9,
))  # fmt: skip
def test_it_is_what_a_loop_over_all_rows_finds(rows):
    said = [code if code in (SYS, CORE) else text.strip("[]") or None if code is None else None
            for code, text, _, _ in rows]  # fmt: skip
    by_failure, by_node = defaultdict(set), defaultdict(set)
    for place, (_, _, node, failure) in enumerate(rows):
        if said[place] and node:
            by_node[node].add((said[place], failure or place))
            by_failure[node, failure].add(said[place])
    for (code, text, node, failure), own, found in zip(rows, said, read(*rows), strict=True):
        if code != BARE:
            assert found == (own, None)
        elif text:
            assert found == (text.strip("[]"), "text")
        elif node and failure and len(by_failure[node, failure]) == 1:
            assert found == (next(iter(by_failure[node, failure])), "failure")
        elif node and len({code for code, _ in by_node[node]}) == 1 and len(by_node[node]) > 1:
            assert found == (next(iter(by_node[node]))[0], "node")
        else:
            assert found == (None, "nothing")


@pytest.fixture(scope="module")
def errors(fleet):
    events, _ = fleet
    return errors_of(events).collect()


def test_what_is_settled_in_the_fleet_is_true_and_most_of_it_is_settled(fleet, errors):
    _, log = fleet
    events = log.truth.filter(role="event").select("event_id", "call")
    calls = pl.concat(log.calls()).select("call", true_code="error_code")
    true = errors.join(events, left_on="error_id", right_on="event_id").join(calls, on="call")
    told = true.filter(pl.col("code_resolved_by").is_in(["text", "failure", "node"]))
    left = true.filter(code_resolved_by="nothing")
    assert told["error_code"].to_list() == told["true_code"].to_list()
    assert told.height > left.height > 0


def test_groups_count_what_was_settled_and_what_was_not_and_their_counts_add_up(errors):
    groups = group_errors(errors)
    by = errors["code_resolved_by"]
    assert groups["errors"].sum() == errors.height
    assert groups["ambiguous_codes"].sum() == (by == "nothing").sum() > 0
    assert groups["resolved_codes"].sum() == by.is_in(["text", "failure", "node"]).sum() > 0
    ambiguous = groups.filter(pl.col("ambiguous_codes") > 0)
    assert not ambiguous["title"].str.starts_with("ONEX_").any()  # no code is guessed


def test_rows_without_nodes_are_grouped_and_classified_as_they_are():
    rows = pl.DataFrame({"error_message": [f"[{BARE}] 3 MB", f"[{SYS}] 3 MB"]})
    assert group_errors(rows).sort("title").select("title", "ambiguous_codes", "resolved_codes").rows() == [
        (SYS, 0, 0), (BARE, 1, 0)
    ]  # fmt: skip
    assert classify_errors(rows, min_support=1)["code"].to_list() == [SYS, SYS]
    named = pl.DataFrame({"error_message": [f"[{BARE}] 3 MB", f"[{SYS}] of {CORE}?", f"[{SYS}] 4"], "node": ["a"] * 3})
    assert classify_errors(named).select("code", "method").rows() == [(SYS, "node"), (SYS, "text"), (SYS, "text")]
