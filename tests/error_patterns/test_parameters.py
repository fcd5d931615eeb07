"""The values that a template leaves out are given back."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.error_patterns import extract_parameters, mine_templates
from onex_analytics.exceptions import MissingColumns
from tests.error_patterns.labelled_logs import labelled_log


def test_values_come_back_as_they_are_written_with_their_kinds():
    messages = pl.Series(["took 35 ms from 10.0.0.8:80", "took 0.2 s from 10.1.0.8:80"])
    found = extract_parameters(messages, mine_templates(messages))
    assert found["parameters"].to_list() == [["35 ms", "10.0.0.8:80"], ["0.2 s", "10.1.0.8:80"]]
    assert found["parameter_kinds"].to_list() == [["DURATION", "IP"]] * 2


def test_a_word_has_no_kind():
    messages = pl.Series([f"user {name} left" for name in "abcd"])
    found = extract_parameters(messages, mine_templates(messages))
    assert found["parameters"].to_list() == [["a"], ["b"], ["c"], ["d"]]
    assert found["parameter_kinds"].to_list() == [[None]] * 4


def test_null_and_empty_messages_keep_their_rows():
    messages = pl.Series([None, "", "user 1"], dtype=pl.String)
    found = extract_parameters(messages, mine_templates(messages))
    assert found["parameters"].to_list() == [None, [], ["1"]]


@pytest.mark.parametrize("log", ["batch engine", "phone", "application"])
def test_every_value_stands_in_its_message(log):
    messages = labelled_log(log, 300)["error_message"]
    found = extract_parameters(messages, mine_templates(messages))
    assert found["error_message"].to_list() == messages.to_list()
    for message, values in found.select("error_message", "parameters").iter_rows():
        assert all(value in message for value in values)


def test_the_values_of_a_frame_without_messages_are_refused():
    with pytest.raises(MissingColumns, match="error_message"):
        extract_parameters(pl.DataFrame({"text": ["a"]}), mine_templates(pl.Series(["a"])))
