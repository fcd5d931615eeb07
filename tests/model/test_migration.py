from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import LossyDowncast, UnknownVersion
from onex_analytics.model import EVENTS, KEPT_IN_EXTRA, VERSIONS, migrate, transformed
from onex_analytics.model.migration import members
from onex_analytics.model.shapes import WIRE_COLUMN, WIRE_FIELDS
from onex_analytics.model.versions import FIELDS_ADDED
from tests.laws import examples

COLUMNS = ("parent_correlation_id", "trace_id", "adjusted_count", "replay_id", "is_replay", "span_id")
VALUES = {
    "parent_correlation_id": st.just("p"), "adjusted_count": st.sampled_from([1.0, 10.0]), "replay_id": st.just("r"),
    "is_replay": st.booleans(), "span_id": st.just("ab" * 8),
}  # fmt: skip
texts = st.sampled_from(
    ["order-17", "A65EC2BF-0DB4-4EF1-ADE7-C645E5933DC8", "0af7651916cd43dd8448eb211c80319c", 'quo"te\n\\é', "0" * 32]
)


@st.composite
def wire_events(draw):
    version = draw(st.sampled_from([*VERSIONS, "1.0.3", "1.9.0", "2.3.0"]))
    hexes = st.just("0af7651916cd43dd8448eb211c80319c")
    event = draw(st.fixed_dictionaries({}, optional=VALUES | {"trace_id": hexes if version.startswith("2") else texts}))
    event |= draw(
        st.fixed_dictionaries({}, optional={n: st.none() | st.just([n, 1.50]) for n in (*KEPT_IN_EXTRA, "tenant")})
    )
    return {**event, "schema_version": version}


def frame_of(events: list[dict[str, object]]) -> pl.LazyFrame:
    rows = []
    for event in events:
        extra = {n: v for n, v in event.items() if n not in (*COLUMNS, "schema_version")}
        row = {n: event.get(n) for n in COLUMNS} | {"adjusted_count": event.get("adjusted_count", 1.0)}
        rows.append(row | {"schema_version": event["schema_version"], "extra": json.dumps(extra) if extra else None})
    return pl.LazyFrame(rows, schema={n: EVENTS[n] for n in (*COLUMNS, "schema_version", "extra")})


@settings(max_examples=examples(60))
@given(st.lists(wire_events(), max_size=6), st.sampled_from(VERSIONS))
def test_a_frame_is_migrated_as_each_of_its_events(events, to):
    expected, dropped = [], set()
    for event in events:
        same_minor = event["schema_version"].split(".")[:2] == to.split(".")[:2]
        result, lost = (event, []) if same_minor else transformed(event, to)
        dropped |= set(lost)
        expected.append({"schema_version": to, **result})
    migrated = migrate(frame_of(events), to=to, allow_loss=True).collect()
    for row, event in zip(migrated.iter_rows(named=True), expected, strict=True):
        extra = json.loads(row.pop("extra") or "{}")
        assert row | {"extra": extra} == frame_of([event]).collect().row(0, named=True) | {
            "extra": {n: v for n, v in event.items() if n not in (*COLUMNS, "schema_version")}
        }
    if dropped:
        with pytest.raises(LossyDowncast) as raised:
            migrate(frame_of(events), to=to).collect()
        assert set(raised.value.dropped) <= dropped and raised.value.dropped
    else:
        assert migrate(frame_of(events), to=to).collect().equals(migrated)


def test_a_whole_frame_of_events_keeps_its_shape_and_its_metadata():
    events = pl.DataFrame({"schema_version": ["1.0.0"], "metadata": ['{"a":  1.50}']}).lazy()
    whole = events.with_columns(
        pl.lit(None, dtype=t).alias(n) for n, t in EVENTS.items() if n not in ("schema_version", "metadata")
    )
    migrated = migrate(whole.select(*EVENTS, tenant=pl.lit("a")))
    assert migrated.collect_schema() == pl.Schema({**EVENTS, "tenant": pl.String()})
    assert migrated.select("metadata", "schema_version", "tenant").collect().rows() == [('{"a":  1.50}', "2.0.0", "a")]


@pytest.mark.parametrize("version", ["3.0.0", "0.9.0", "odd"])
def test_a_row_of_a_version_outside_the_chain_stays_as_it_is(version):
    rows = pl.LazyFrame({"schema_version": [version], "trace_id": ["T"]})
    for to in VERSIONS:
        assert migrate(rows, to=to).collect().equals(rows.collect())


def test_a_row_without_a_version_is_of_1_0_0():
    rows = pl.LazyFrame({"schema_version": [None]}, schema={"schema_version": pl.String})
    assert migrate(rows, to="1.1.0").collect()["schema_version"].to_list() == ["1.1.0"]


def test_an_unknown_target_is_refused():
    with pytest.raises(UnknownVersion, match=r"'1.7.0' is not known"):
        migrate(pl.LazyFrame({"schema_version": ["1.0.0"]}), to="1.7.0")


def test_a_loss_is_refused_even_where_its_column_is_not_asked_for():
    rows = frame_of([{"schema_version": "1.3.0", "replay_id": "r"}])
    with pytest.raises(LossyDowncast, match=r"1.3.0 → 1.1.0 drops replay_id"):
        migrate(rows, to="1.1.0").select("trace_id").collect()


def wire_of(**fields: int) -> int:
    return sum(value << 2 * WIRE_FIELDS.index(name) for name, value in fields.items())


def test_the_wire_form_follows_so_that_what_is_written_is_read_back():
    marked = 1 << 31
    rows = pl.LazyFrame(
        {"schema_version": ["1.0.0", "1.3.0", "1.1.0"], "replay_id": [None, "r", None],
         "wire_fields": [marked, wire_of(schema_version=WIRE_COLUMN, replay_id=WIRE_COLUMN, event_id=WIRE_COLUMN), 7]},
        schema_overrides={"wire_fields": pl.UInt32},
    )  # fmt: skip
    migrated = migrate(rows, to="1.1.0", allow_loss=True).collect()
    stated = wire_of(schema_version=WIRE_COLUMN)
    assert migrated["wire_fields"].to_list() == [marked | stated, stated | wire_of(event_id=WIRE_COLUMN), 7]
    assert migrated.schema["wire_fields"] == pl.UInt32


def test_a_version_that_came_as_an_object_leaves_extra_when_it_changes():
    version = '{"major":1,"minor":0,"patch":0,"prerelease":null,"build":null}'
    rows = pl.LazyFrame(
        {
            "schema_version": ["1.0.0", "1.0.0"],
            "extra": [f'{{"schema_version":{version}}}', f'{{"a": 1.50, "schema_version":{version}}}'],
        }
    )
    assert migrate(rows, to="1.1.0").collect().rows() == [("1.1.0", None), ("1.1.0", '{"a":1.50}')]
    assert migrate(rows, to="1.0.0").collect().equals(rows.collect())


def test_the_wire_form_of_1_0_0_names_no_version():
    rows = pl.LazyFrame(
        {"schema_version": ["1.1.0"], "wire_fields": pl.Series([wire_of(schema_version=WIRE_COLUMN)], dtype=pl.UInt32)}
    )
    assert migrate(rows, to="1.0.0").collect()["wire_fields"].to_list() == [0]


def test_the_wire_form_knows_every_field_that_has_a_column():
    known = {name for names in FIELDS_ADDED.values() for name in names if name in EVENTS}
    assert known <= set(WIRE_FIELDS) <= set(EVENTS)
    layout = pytest.importorskip("onex_analytics.sources.layout")
    assert layout.WIRE_FIELDS == WIRE_FIELDS


json_values = (
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.text()) | st.just({"}": [1.50]})
)


@given(st.dictionaries(st.text(), json_values), st.sampled_from([None, 1]), st.booleans())
def test_the_members_of_an_object_are_its_very_texts(held, indent, plain):
    found = members(json.dumps(held, indent=indent, ensure_ascii=plain))
    assert {name: json.loads(text) for name, text in found.items()} == held
