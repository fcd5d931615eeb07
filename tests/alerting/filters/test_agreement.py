"""The Polars expression and the predicate of a filter say the same of every event."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.filters import Filter
from onex_analytics.model.shapes import EVENTS
from tests.laws import examples

WORDS = ["", "a", "b", "A", "failure", "start", "stamper_node", "x.y*z", "é", "5", "0.5", "true", "it's", "\n", "a\nb"]
OTHERS = {
    "tenant": pl.String(), "bytes": pl.Int64(), "price": pl.Float64(), "paid": pl.Boolean(), "small": pl.Int8(),
    "half": pl.Float32(), "enum": pl.Enum(["a", "b", "A"]), "category": pl.Categorical(), "day": pl.Date(),
    "local": pl.Datetime("ms"), "berlin": pl.Datetime("us", "Europe/Berlin"), "void": pl.Null(),
    "exact": pl.Decimal(12, 2),
}  # fmt: skip
SCHEMA: dict[str, pl.DataType] = {**EVENTS, **OTHERS}

times = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3))
words = st.sampled_from(WORDS) | st.text("ab.*?[]\\é'\" ", max_size=4)
json_leaves = (
    st.none() | st.booleans() | st.integers(-10, 10) | st.sampled_from([0.5, 1e300, -0.0, 2**63, 5e-324]) | words
    | st.sampled_from([" 5", "+5", "5.", ".5", "1e5", "1e999", "inf", "nan", "0x5", "1_0", "٣", "-5 "])
)  # fmt: skip
metadata = st.none() | st.sampled_from(["null", "[1]", "7", "broken{"]) | st.dictionaries(
    st.sampled_from(["a", "b", "it's"]),
    json_leaves | st.lists(json_leaves, max_size=2) | st.dictionaries(st.sampled_from(["a", "k"]), json_leaves),
    max_size=3,
).map(lambda held: json.dumps(held, ensure_ascii=False))


def values(name: str, dtype: pl.DataType) -> st.SearchStrategy[Any]:
    if name in ("metadata", "extra"):
        return metadata
    if dtype.is_integer():
        bits = {pl.Int8: 7, pl.Int64: 63, pl.UInt32: 32, pl.UInt64: 64}[type(dtype)]
        least = 0 if dtype.is_unsigned_integer() else -(2**bits)
        return st.none() | st.integers(max(least, -3), 6) | st.sampled_from([least, 2**bits - 1])
    if dtype.is_decimal():
        return st.none() | st.decimals(-10, 10, places=2)
    if dtype.is_float():
        return st.none() | st.sampled_from([0.0, -0.0, 5.0, 0.5, -1.0, math.inf, -math.inf, math.nan, 2.0**63])
    if isinstance(dtype, pl.Enum):
        return st.none() | st.sampled_from(["a", "b", "A"])
    match dtype:
        case pl.Boolean():
            return st.none() | st.booleans()
        case pl.Date():
            return st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3))
        case pl.Datetime(time_zone=None):
            return st.none() | times.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
        case pl.Datetime():
            return st.none() | times.map(lambda at: at.replace(tzinfo=UTC))
        case pl.List():
            return st.none() | st.lists(st.none() | words, max_size=3)
        case pl.Null():
            return st.none()
    return st.none() | words


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


texts = words.map(quoted)
numbers = st.sampled_from(["0", "5", "-1", "0.5", "-0.0", "1e3", "127", "18446744073709551615", "-9223372036854775808",
                           "9223372036854775808", "4294967296", "1e30"])  # fmt: skip
moments = times.map(lambda at: quoted(at.isoformat())) | st.sampled_from(["'2026-01-02'", "'2026-01-02 01:00+02:00'"])
TEXT_COLUMNS = [name for name, dtype in SCHEMA.items() if isinstance(dtype, pl.String | pl.Enum | pl.Categorical)]
NUMBER_COLUMNS = [name for name, dtype in SCHEMA.items() if dtype.is_numeric()]
BOOL_COLUMNS = [name for name, dtype in SCHEMA.items() if isinstance(dtype, pl.Boolean)]
TIME_COLUMNS = [name for name, dtype in SCHEMA.items() if isinstance(dtype, pl.Datetime | pl.Date)]
paths = st.sampled_from(["$.a", "metadata.b", "$.a.k", "$.b[0]", "$['a']", '$["it\'s"]', "extra.a"])
signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
equality = st.sampled_from(["==", "!="])
maybe_not = st.sampled_from(["", "not "])
patterns = st.sampled_from(["a", "^a$", "(?i)A|b", "[^a]", r"\d+", "a.b", "(?s)a.b", "^$", "x{0,2}y"]).map(quoted)
globs = st.text("ab*?.", max_size=5).map(quoted)


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts)).map(" ".join)


def listed(constants: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(constants, min_size=1, max_size=4).map(lambda held: f"({', '.join(held)})")


def column(names: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


text_sources, number_sources = column(TEXT_COLUMNS) | paths, column(NUMBER_COLUMNS) | paths
tests = st.one_of(
    joined(text_sources, signs, texts), joined(texts, signs, text_sources),
    joined(number_sources, signs, numbers), joined(numbers, signs, number_sources),
    joined(column(BOOL_COLUMNS) | paths, equality, st.sampled_from(["true", "FALSE"])),
    joined(column(TIME_COLUMNS), signs, moments),
    joined(column(TEXT_COLUMNS), signs, column(TEXT_COLUMNS) | paths),
    joined(column(NUMBER_COLUMNS), signs, column(NUMBER_COLUMNS) | paths),
    joined(paths, signs, column(NUMBER_COLUMNS)),
    joined(column(TIME_COLUMNS), signs, column(TIME_COLUMNS)),
    joined(column(BOOL_COLUMNS), equality, column(BOOL_COLUMNS) | paths),
    joined(text_sources, maybe_not, "in", listed(texts)), joined(number_sources, maybe_not, "in", listed(numbers)),
    joined(paths, maybe_not, "in", listed(texts | numbers | st.just("true"))),
    joined(column(TIME_COLUMNS), maybe_not, "in", listed(moments)),
    joined(number_sources, maybe_not, "between", numbers, "and", numbers),
    joined(text_sources, maybe_not, "between", texts, "and", texts),
    joined(text_sources, maybe_not, st.sampled_from(["contains", "starts_with", "ends_with"]), texts),
    joined("violations", maybe_not, "contains", texts),
    joined(text_sources, maybe_not, "like", globs), joined(text_sources, maybe_not, "matches", patterns),
    joined(column(list(SCHEMA)) | paths, "is", maybe_not, "null"),
    column(BOOL_COLUMNS) | paths,
    joined("void", signs, numbers | texts), joined("void", "contains", texts), joined("node", "==", "void"),
)  # fmt: skip
filters = st.recursive(
    tests,
    lambda inner: st.one_of(
        inner.map(lambda held: f"not ({held})"),
        st.tuples(st.sampled_from([" and ", " or "]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda held: held[0].join(f"({term})" for term in held[1])
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=examples(600), deadline=None)
@given(st.data())
def test_the_expression_and_the_predicate_agree_on_every_row(data: st.DataObject) -> None:
    text = data.draw(filters)
    found = Filter(text)
    rows = data.draw(
        st.lists(st.fixed_dictionaries({n: values(n, SCHEMA[n]) for n in sorted(found.columns)}), max_size=6)
    )
    frame = pl.DataFrame(rows, schema={name: SCHEMA[name] for name in sorted(found.columns)})
    said = frame.select(holds=found.expression(frame.schema))["holds"]
    predicate = found.predicate()
    assert said.null_count() == 0
    assert said.to_list() == [predicate(row) for row in frame.iter_rows(named=True)]
    kept = frame.lazy().with_row_index().filter(found.expression(frame.schema)).collect()
    assert sorted(kept["index"].to_list()) == [i for i, holds in enumerate(said) if holds]


@settings(max_examples=examples(300), deadline=None)
@given(tests)
def test_not_before_a_condition_turns_every_answer_round(text: str) -> None:
    plain, turned = Filter(text), Filter(f"not ({text})")
    empty: dict[str, Any] = {}
    assert plain.predicate()(empty) != turned.predicate()(empty)
    nothing = pl.DataFrame({name: [None] for name in plain.columns}, schema={n: SCHEMA[n] for n in plain.columns})
    both = nothing.select(a=plain.expression(SCHEMA), b=turned.expression(SCHEMA)).row(0)
    assert both[0] != both[1]


@pytest.mark.parametrize("text", [
    "node != 'a'", "node not in ('a')", "node not like 'a*'", "not node is not null",
    "execution_time_ms not between 1 and 2", "error_message not contains 'x'",
])  # fmt: skip
def test_null_is_compared_as_false_and_only_a_leading_not_makes_it_true(text: str) -> None:
    event = pl.DataFrame([[None]] * 3, schema={n: EVENTS[n] for n in ("node", "execution_time_ms", "error_message")})
    said = event.select(Filter(text).expression(event.schema)).item()
    assert said is Filter(text).predicate()(event.row(0, named=True)) is text.startswith("not ")


def test_nan_is_no_value() -> None:
    frame = pl.DataFrame({"price": [math.nan, 1.0]})
    for text, holds in (("price is null", (True, False)), ("price > 0", (False, True)), ("price != 5", (False, True))):
        assert tuple(frame.select(Filter(text).expression(frame.schema)).to_series()) == holds


@settings(max_examples=examples(200), deadline=None)
@given(st.text("ab\n.", max_size=12), st.text("ab*?.\n", max_size=6))
def test_globs_mean_what_a_slow_matcher_says(text: str, glob: str) -> None:
    def matches(text: str, glob: str) -> bool:
        if not glob:
            return not text
        if glob[0] == "*":
            return any(matches(text[i:], glob[1:]) for i in range(len(text) + 1))
        return bool(text) and glob[0] in ("?", text[0]) and matches(text[1:], glob[1:])

    found = Filter(f"node like '{glob}'")
    assert found.predicate()({"node": text}) is matches(text, glob)
    frame = pl.DataFrame({"node": [text]})
    assert frame.select(found.expression(frame.schema)).item() is matches(text, glob)


def test_a_glob_of_many_stars_takes_no_time_to_refuse_a_long_text() -> None:
    holds = Filter(f"node like '{'*a' * 40}*b'").predicate()
    assert not holds({"node": "a" * 20_000})


def test_a_pattern_that_other_engines_never_finish_is_answered() -> None:
    assert not Filter("node matches '^(a+)+$'").predicate()({"node": "a" * 5_000 + "b"})


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("$.a > 0", '{"a": "1e999"}', False), ("$.a != 0", '{"a": "1e999"}', False),
        ("$.a > 0", '{"a": "inf"}', False),
        ("$.a == 5", '{"a": "+5"}', True), ("$.a == 5", '{"a": " 5. "}', True), ("$.a == 0.5", '{"a": ".5"}', True),
        ("$.a == 0.087434", '{"a": "0.087434"}', True), ("$.a == 10", '{"a": "1_0"}', False),
        ("$.a == 3", '{"a": "٣"}', False), ("$.a == 9007199254740993", '{"a": 9007199254740992}', True),
        ("$.a == '5'", '{"a": 5}', True), ("$.a == true", '{"a": true}', True), ("$.a", '{"a": "true"}', True),
        ("$.a == false", '{"a": 0}', False), ("$.a != true", '{"a": null}', False), ("$.a != true", '{}', False),
        ("$.a is null", "no json", True), ("$.a is null", '{"a": null}', True), ("$.a is null", '{"a": 0}', False),
        ("$.a contains 'k'", '{"a": {"k": 1}}', True), ("$.a[1] == 'y'", '{"a": ["x", "y"]}', True),
    ],
)  # fmt: skip
def test_what_a_path_finds_is_read_as_what_it_is_compared_with(text: str, value: str, holds: bool) -> None:
    found, frame = Filter(text), pl.DataFrame({"metadata": [value]})
    assert frame.select(found.expression(frame.schema)).item() is holds
    assert found.predicate()({"metadata": value}) is holds


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
def test_whole_numbers_are_compared_exactly(sign: str) -> None:
    schema = {"input_hash": pl.UInt64, "bytes": pl.Int64, "price": pl.Float64}
    big = 2**63 - 1
    pairs = [(big, big), (big + 1, big), (2**64 - 1, -1), (2**53 + 1, 2**53), (2**53, 2**53 + 1), (0, -1)]
    frame = pl.DataFrame([(u, i, float(i)) for u, i in pairs], schema=schema, orient="row")
    beside = Filter(f"input_hash {sign} bytes")
    exactly = [eval(f"{u} {sign} {i}") for u, i in pairs]
    assert frame.select(beside.expression(frame.schema)).to_series().to_list() == exactly
    assert [beside.predicate()(row) for row in frame.iter_rows(named=True)] == exactly
    for constant in (big, big + 1, 2**64 - 1, -1, 2**53 + 1):
        for column in ("input_hash", "bytes"):
            found = Filter(f"{column} {sign} {constant}")
            exactly = [eval(f"{value} {sign} {constant}") for value in frame[column]]
            assert frame.select(found.expression(frame.schema)).to_series().to_list() == exactly
            assert [found.predicate()(row) for row in frame.iter_rows(named=True)] == exactly
