"""The filter language: what it takes, what it refuses, and in which words."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.filters.parsing import DEEPEST
from onex_analytics.exceptions import FilterError
from onex_analytics.model.shapes import EVENTS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("node=='a'", " node  ==\n'a' "), ('node == "a"', "node == 'a'"), ("'a' == node", "node == 'a'"),
        ("5 < size_bytes", "size_bytes > 5"), ("not not success", "success"), ("(((success)))", "success"),
        ("success AND is_replay", "success and is_replay"), ("metadata.a.b", "$.a.b"), ("$['a']", "$.a"),
        ("success and (is_replay and success)", "success and is_replay and success"),
        ("execution_time_ms > 1h30m", "execution_time_ms > 5400000"), ("node == 'it''s'", 'node == "it\'s"'),
        ("$.timeout_s > 1m", "$.timeout_s > 60"), ("$.wait_seconds > 500ms", "$.wait_seconds > 0.5"),
        ("node NOT IN ('a')", "node not in('a')"),
        ("success or is_replay and success", "success or (is_replay and success)"),
    ],
)  # fmt: skip
def test_two_ways_to_write_the_same_are_equal(one: str, other: str) -> None:
    assert Filter(one) == Filter(other)
    assert hash(Filter(one)) == hash(Filter(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("node == 'a'", "node == 'b'"), ("size_bytes == 1", "size_bytes == 1.0"), ("$.a == 1", "$.a == true"),
     ("$.a == '1'", "$.a == 1"), ("node in ('a')", "node not in ('a')"), ("success", "not success"),
     ("node like 'a'", "node matches 'a'"), ("node == 'a'", "node_id == 'a'"), ("$.a[0] == 1", "$.a['0'] == 1")],
)  # fmt: skip
def test_two_meanings_are_not_equal(one: str, other: str) -> None:
    assert Filter(one) != Filter(other)


@pytest.mark.parametrize(
    ("text", "columns"),
    [("outcome == 'failure' and not (node like 'a*' or severity is null)", {"outcome", "node", "severity"}),
     ("$.a.b > execution_time_ms", {"metadata", "execution_time_ms"}), ("extra.tag == 'x'", {"extra"})],
)  # fmt: skip
def test_a_filter_names_the_columns_that_it_reads(text: str, columns: set[str]) -> None:
    assert Filter(text).columns == columns


def test_a_filter_survives_a_pickle() -> None:
    assert pickle.loads(pickle.dumps(Filter("node == 'a'"))) == Filter("node == 'a'")


MISTAKES = {
    "node = 'a'": "'=' compares nothing, at character 6 of the filter: \"node = 'a'\". Mend: write ==.",
    "node <> 'a'": "'<>' is no comparison here, at character 6 of the filter: \"node <> 'a'\". Mend: write !=.",
    "success && is_replay": "'&' joins nothing, at character 9 of the filter: 'success && is_replay'. Mend: write and.",
    "success || is_replay": "'|' joins nothing, at character 9 of the filter: 'success || is_replay'. Mend: write or.",
    "!success": "'!' negates nothing, at character 1 of the filter: '!success'. Mend: write not.",
    "node == a'": "a text does not end, at character 10 of the filter: \"node == a'\". "
                  "Mend: close it with '; a ' inside is written twice: 'it''s'.",
    "node == ‘a’": "'‘' is no quotation mark here, at character 9 of the filter: 'node == ‘a’'. "
                   "Mend: use the straight ones, ' or \".",
    "(node == 'a'": "a '(' is never closed, at character 1 of the filter: \"(node == 'a'\". Mend: close it with ).",
    "node == 'a')": "a ')' closes nothing, at character 12 of the filter: \"node == 'a')\". "
                    "Mend: leave it out, or open it before.",
    "node == null": "nothing equals null, not even null, at character 9 of the filter: 'node == null'. "
                    "Mend: write … is null or … is not null.",
    "'a' == 'a'": "two constants are compared, so that every event gives the same, at character 1 of the filter: "
                  "\"'a' == 'a'\". Mend: name a column, such as outcome == 'failure'.",
    "true": "'true' stands before no comparison, at character 1 of the filter: 'true'. "
            "Mend: begin with a column, such as outcome == 'failure'.",
    "": "the end stands where a value is asked for, at character 1 of the filter: ''. "
        "Mend: name a column, a path or a value.",
    "node in 'a'": "`in` asks for a list, at character 9 of the filter: \"node in 'a'\". "
                   "Mend: write node in ('a', 'b').",
    "node in ('a' 'b')": "a list is not closed, at character 14 of the filter: \"node in ('a' 'b')\". "
                         "Mend: separate its values by commas and close it with ).",
    "node in (a)": "`in` asks for values, not 'a', at character 10 of the filter: 'node in (a)'. "
                   "Mend: quote it if it is a text: 'a'.",
    "node startswith 'a'": "'startswith' joins nothing, at character 6 of the filter: \"node startswith 'a'\". "
                           "Mend: write starts_with.",
    "node is true": "`is` asks for null only, at character 9 of the filter: 'node is true'. "
                    "Mend: write node is null or node is not null; compare values with ==.",
    "node like a": "`like` asks for a text, not 'a', at character 11 of the filter: 'node like a'. "
                   "Mend: write node like '…'.",
    "node matches '(?=a)'": "this is no regular expression (look-around, including look-ahead and look-behind, is not "
                            "supported), at character 14 of the filter: \"node matches '(?=a)'\". "
                            "Mend: see docs.rs/regex for its words; there is no looking round.",
    "node == 30s": "30s is a duration, and the name node says no unit (_ms, _s, _seconds), at character 9 of the "
                   "filter: 'node == 30s'. Mend: write a number in the unit of node, or quote a text.",
    "execution_time_ms > 5mb": "this is no number, at character 21 of the filter: 'execution_time_ms > 5mb'. "
                               "Mend: write one such as 5, 0.05 or 1e6, or a duration such as 30s or 1h30m.",
    "execution_time_ms > 1s1m": "1s1m is no duration, at character 21 of the filter: 'execution_time_ms > 1s1m'. "
                                "Mend: write one such as 30s or 1h30m.",
    "size_bytes + 1 > 2": "filters do not reckon, at character 12 of the filter: 'size_bytes + 1 > 2'. "
                          "Mend: use a kind `expr` for arithmetic over cells.",
    "$.a == $.b": "two paths are compared, and neither says whether it holds text or numbers, at character 1 of the "
                  "filter: '$.a == $.b'. Mend: declare one of them as a dimension of the store.",
    "node.name == 'a'": "node holds no paths; metadata and extra do, at character 1 of the filter: "
                        "\"node.name == 'a'\". Mend: write $.node… or metadata.node…, or the column's name alone.",
    "size_bytes > 1e999": "a number beyond all numbers, at character 14 of the filter: 'size_bytes > 1e999'. "
                          "Mend: the greatest is 1.7e308.",
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        Filter(text)
    assert str(caught.value) == MISTAKES[text]
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.position) == (str(caught.value), caught.value.position)


MISFITS = {
    "outcom == 'x'": "no column is named 'outcom', at character 1 of the filter: \"outcom == 'x'\". Mend: write "
                     "outcome; a value of the metadata is read by $.outcom, or declared under `dimensions`.",
    "duration_ms > 5": "no column is named 'duration_ms', at character 1 of the filter: 'duration_ms > 5'. Mend: write "
                       "execution_time_ms; a value of the metadata is read by $.duration_ms, or declared under "
                       "`dimensions`.",
    "zzzzz > 5": "no column is named 'zzzzz', at character 1 of the filter: 'zzzzz > 5'. Mend: name a column of the "
                 "events; a value of the metadata is read by $.zzzzz, or declared under `dimensions`.",
    "node > 5": "column node holds text, and is compared with 5, at character 8 of the filter: 'node > 5'. "
                "Mend: quote it: '5'.",
    "size_bytes == '5'": "column size_bytes holds numbers, and is compared with '5', at character 15 of the filter: "
                         "\"size_bytes == '5'\". Mend: leave the quotes out: 5.",
    "timestamp > 'noon'": "column timestamp holds times, and 'noon' is none, at character 13 of the filter: "
                          "\"timestamp > 'noon'\". Mend: write one such as '2026-11-01' or '2026-11-01T09:30:00Z'.",
    "node": "column node holds text, and stands alone where true or false is asked for, at character 1 of the filter: "
            "'node'. Mend: compare it, such as node == …, or ask node is null.",
    "success > true": "true and false have no order for >, at character 11 of the filter: 'success > true'. "
                      "Mend: write == or !=.",
    "violations == 'x'": "column violations holds lists of texts, and is compared with 'x', at character 15 of the "
                         "filter: \"violations == 'x'\". Mend: test it by violations contains '…'.",
    "size_bytes like '5*'": "`like` tests texts, and column size_bytes holds numbers, at character 17 of the filter: "
                            "\"size_bytes like '5*'\". Mend: compare it with == != < <= > >=.",
    "node == size_bytes": "column node holds text, and column size_bytes holds numbers, at character 9 of the filter: "
                          "'node == size_bytes'. Mend: compare columns of one kind.",
    "outcome == 'failed'": "outcome is never 'failed', at character 12 of the filter: \"outcome == 'failed'\". Mend: "
                           "write 'failure'; outcome is one of start, success, soft_failure, failure, other.",
    "family in ('nodes')": "family is never 'nodes', at character 12 of the filter: \"family in ('nodes')\". Mend: "
                           "write 'node'; family is one of node, telemetry, log, announce, discovery, introspection, "
                           "proxy, "
                           "scenario, profile, other.",
}  # fmt: skip


@pytest.mark.parametrize("text", MISFITS)
def test_a_filter_that_does_not_fit_the_events_is_told_too(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        Filter(text).check(EVENTS)
    assert str(caught.value) == MISFITS[text]


HOSTILE = [
    "__import__('os').system('true')", "().__class__.__bases__[0]", "node.__class__.__mro__ is null", "exec('1')",
    "node == 'a' if 1 else 2", "lambda: 1", "[x for x in (1,)]", "{{ node }}", "node == f'{1}'", "`id`", "node; drop",
    "eval(metadata)", "node == __builtins__('x')", "globals()['a']", "node == 'a' # comment", "open('/etc/passwd')",
    "pl.lit(1)", "node == 'a'\x00", "\\u0041 == 'a'", "node == 'a' union select 1",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_filter_reaches_python(text: str) -> None:
    with pytest.raises(FilterError, match="Mend: "):
        Filter(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(" * 10_000, "parentheses stand more than 50 deep"),
        ("(" * 10_000 + "success" + ")" * 10_000, "parentheses stand more than 50 deep"),
        ("not (" * 5_000 + "success" + ")" * 5_000, "parentheses stand more than 50 deep"),
        ("x" * 1_000_000, "a filter of 1,000,000 characters; at most 65,536 are read"),
        ("9" * 60_000 + " < size_bytes", "a number beyond all numbers"),
        ("$" + "[0]" * 10_000 + " is null", "a path of 10000 steps"),
        ("node matches 'a{1000}{1000}'", "this is no regular expression"),
    ],
    ids=["open", "closed", "not", "long", "digits", "steps", "pattern"],
)  # fmt: skip
def test_a_text_made_to_break_the_reader_is_refused_in_short_words(text: str, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        Filter(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


def test_as_deep_and_as_long_as_allowed_works() -> None:
    import polars as pl

    deep = Filter("not (" * DEEPEST + "success" + ")" * DEEPEST)
    long = Filter(" or ".join(f"node=='{i}'" for i in range(4_000)))
    many = Filter("not " * 10_001 + "success")
    frame = pl.DataFrame({"success": [True], "node": ["3999"]})
    assert [frame.select(held.expression(frame.schema)).item() for held in (deep, long, many)] == [True, True, False]
    row = frame.row(0, named=True)
    assert [held.predicate()(row) for held in (deep, long, many)] == [True, True, False]


@given(st.text(max_size=40) | st.text("()'\"$.[]=<> andortilkesux01", max_size=60))
def test_any_text_is_a_filter_or_an_error_of_ours(text: str) -> None:
    try:
        found = Filter(text)
    except FilterError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert Filter(found.text) == found and found.columns
