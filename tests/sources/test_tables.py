"""Each row of a table is a line: what a line would give, a row gives."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import MissingColumns, SourceError
from onex_analytics.model.shapes import EVENTS, REJECT_REASONS
from onex_analytics.sources import delimited
from onex_analytics.sources.tables import table_units, units_of_frame
from tests.sources.reading import NOW, Read, event, ids, read_source, read_units, stream_of, written

FORMS = ("parquet", "arrow", "stream", "csv")
NOON = datetime(2026, 11, 23, 12, 0, 0, 1)
ROW = {"event_id": "e1", "timestamp": NOON, "node_id": "n", "event_type": "NODE_START"}
HEADER = "event_id,timestamp,node_id,event_type,metadata\n"
PLAIN = "2026-11-23T12:00:00.000001,n,NODE_START"


def exported(frame: pl.DataFrame, folder: Path, form: str) -> Path:
    path = folder / f"export.{form}"
    write = {
        "parquet": frame.write_parquet, "arrow": frame.write_ipc, "stream": frame.write_ipc_stream,
        "csv": frame.write_csv,
    }[form]  # fmt: skip
    write(path)
    return path


def lines_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as the lines that they become."""
    blocks = [block for unit in units_of_frame(frame) for block in unit.blocks]
    return [json.loads(block.raw(row)) for block in blocks for row in range(len(block))]


def line_of(**columns: object) -> dict[str, Any]:
    (line,) = lines_of(pl.DataFrame({name: [value] for name, value in {**ROW, **columns}.items()}))
    return line


def read_csv(text: str | bytes) -> Read:
    data = text.encode() if isinstance(text, str) else text
    return read_units(table_units(stream_of(data, "export.csv"), "export.csv", "csv"))


# ---------------------------------------------------------------------------------------------- all formats


@pytest.mark.parametrize("form", FORMS)
def test_an_export_of_raw_events_gives_what_its_log_gives(shared_data, tmp_path, form):
    logged = read_source(shared_data / "onex" / "omnibase_main_v1.0.0.jsonl").events
    raw = logged.select("event_id", "timestamp", "node_id", "event_type", "correlation_id", "metadata")
    found = read_source(exported(raw.with_columns(pl.col("timestamp").dt.replace_time_zone(None)), tmp_path, form))
    assert found.reasons == []
    # ids that were lifted out of the metadata now stand at the top, where a rule looks at them
    of_the_source = ["source", "source_offset", "size_bytes", "wire_fields", "timestamp_original", "violations"]
    assert_frame_equal(found.events.drop(of_the_source), logged.drop(of_the_source))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", ["gz", "pipe"])
def test_an_export_is_read_when_it_is_compressed_as_a_whole_or_comes_through_a_pipe(tmp_path, form, packing):
    path = exported(pl.DataFrame([ROW]), tmp_path, form)
    stream = stream_of(path.read_bytes())
    if packing == "gz":
        path = written(tmp_path, "export.gz", gzip.compress(path.read_bytes()))
        assert read_source(path).ids == ["e1"]
    else:
        kind = "arrow" if form == "stream" else form
        assert read_units(table_units(stream, "-", kind)).ids == ["e1"]


@pytest.mark.parametrize("form", ["parquet", "arrow", "stream"])
def test_a_row_is_known_by_its_number(tmp_path, form):
    frame = pl.DataFrame([event(n) for n in range(3)]).with_columns(pl.col("metadata").struct.json_encode())
    path = exported(frame.with_columns(event_id=pl.Series([*ids(0), None, *ids(2)])), tmp_path, form)
    read = read_source(path)
    assert read.events["source_offset"].to_list() == [1, 3]
    assert read.rejected.select("reason", "source_offset", "line", "source").rows() == [
        ("missing_event_id", 2, 2, str(path))
    ]


@pytest.mark.parametrize("form", FORMS)
def test_units_are_cut_at_the_same_rows_each_time(tmp_path, form):
    frame = pl.DataFrame([ROW]).select(pl.all().repeat_by(5000).explode()).with_row_index("n")
    path = exported(frame.with_columns(event_id=pl.format("e{}", "n")), tmp_path, form)
    kind = "arrow" if form == "stream" else form

    def keys() -> list[tuple[str, int]]:
        stream = stream_of(path.read_bytes())
        return [(u.key, len(u)) for u in table_units(stream, path, kind, unit_bytes=100_000)]

    first = keys()
    assert sum(rows for _, rows in first) == 5000
    assert first == keys()
    assert len({key for key, _ in first}) == len(first)


@pytest.mark.parametrize("form", FORMS)
def test_a_table_without_rows_holds_nothing(tmp_path, form):
    assert read_source(exported(pl.DataFrame([ROW]).clear(), tmp_path, form)).units == []


@pytest.mark.parametrize("form", FORMS)
def test_a_table_that_can_hold_no_event_is_refused_with_what_it_has(tmp_path, form):
    path = exported(pl.DataFrame({"event_name": ["a"], "amount": [1]}), tmp_path, form)
    with pytest.raises(MissingColumns, match=r"the frame has \['event_name', 'amount'\]"):
        read_source(path)


@pytest.mark.parametrize("form", ["parquet", "arrow", "stream"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.97])
def test_a_table_that_is_cut_short_is_one_error_with_the_mend(tmp_path, form, share):
    frame = pl.DataFrame({**{k: [v] * 3000 for k, v in ROW.items()}, "event_id": [f"e{n}" for n in range(3000)]})
    data = exported(frame, tmp_path, form).read_bytes()
    path = written(tmp_path, "cut", data[: int(len(data) * share)])
    with pytest.raises(SourceError, match=r"cannot be read from .*Mend: copy or export it again"):
        read_source(path)


def test_a_damaged_page_of_a_parquet_file_is_one_error_with_the_mend(tmp_path):
    frame = pl.DataFrame({**{k: [v] * 3000 for k, v in ROW.items()}, "event_id": [f"e{n}" for n in range(3000)]})
    data = bytearray(exported(frame, tmp_path, "parquet").read_bytes())
    data[4:2000] = b"\xff" * 1996
    with pytest.raises(SourceError, match=r"export\.parquet: cannot be read .*Mend: copy or export it again"):
        read_source(written(tmp_path, "export.parquet", bytes(data)))


# ---------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    ("dtype", "text"),
    [
        (pl.Datetime("us"), "2026-11-23T12:00:00.000001"),
        (pl.Datetime("us", "UTC"), "2026-11-23T12:00:00.000001Z"),
        (pl.Datetime("ns"), "2026-11-23T12:00:00.000001"),
        (pl.Datetime("ms"), "2026-11-23T12:00:00"),
        (pl.Date(), "2026-11-23T00:00:00"),
    ],
)
def test_a_time_says_its_zone_where_its_column_has_one(dtype, text):
    frame = pl.DataFrame([ROW]).with_columns(pl.col("timestamp").cast(dtype) if dtype != pl.Datetime("us", "UTC") else
                                             pl.col("timestamp").dt.replace_time_zone("UTC"))  # fmt: skip
    assert lines_of(frame)[0]["timestamp"] == text


def test_a_time_of_another_zone_is_told_in_utc():
    frame = pl.DataFrame([ROW]).with_columns(pl.col("timestamp").dt.replace_time_zone("America/New_York"))
    assert lines_of(frame)[0]["timestamp"] == "2026-11-23T17:00:00.000001Z"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('{"a": [1, "b"]}', {"a": [1, "b"]}),
        (' [{"a": null}]\n', [{"a": None}]),
        ('{"a": }', '{"a": }'),
        ('{},"event_id":{}', '{},"event_id":{}'),
        ("{", "{"),
        ("", ""),
        ("text", "text"),
        ('a "quoted"\n\\ \x00 \u2028 😀', 'a "quoted"\n\\ \x00 \u2028 😀'),
        (b'{"a":1}', {"a": 1}),
        ({"a": 1, "at": NOON, "b": [{"c": b"\xff"}]}, {"a": 1, "at": "2026-11-23T12:00:00.000001", "b": [{"c": "ff"}]}),
        ([1, None], [1, None]),
    ],
)
def test_metadata_is_json_where_it_is_json_and_text_where_it_is_not(value, found):
    assert line_of(metadata=value)["metadata"] == found


def test_json_text_goes_in_just_as_it_is():
    (unit,) = units_of_frame(pl.DataFrame([{**ROW, "metadata": '{ "a":1E2,  "b":"\\u00e9" }'}]))
    assert b'"metadata":{ "a":1E2,  "b":"\\u00e9" }' in unit.blocks[0].raw(0)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (2**64 - 1, 2**64 - 1),
        (Decimal("12.340"), 12.34),
        (True, True),
        (0.1, 0.1),
        ("word", "word"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(seconds=90), "PT90S"),
        (b"\x00\xff", "00ff"),
        (["a", "b"], ["a", "b"]),
        ({"x": None}, {"x": None}),
    ],
)
def test_a_column_that_is_no_field_of_ours_is_kept_as_an_extra(value, found):
    dtype = pl.UInt64 if value == 2**64 - 1 else None
    frame = pl.DataFrame([ROW]).with_columns(other=pl.Series([value], dtype=dtype))
    assert lines_of(frame)[0]["other"] == found
    assert json.loads(read_units(units_of_frame(frame)).events["extra"][0])["other"] == found


def test_a_uuid_is_read_from_its_bytes():
    known = uuid.UUID("98760760-b91f-4f37-ad00-31936814e10e")
    table = pa.table({
        "event_id": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([known.bytes], pa.binary(16))),
        "correlation_id": pa.array([known.bytes], pa.binary()), "node_id": pa.array(["n"]).dictionary_encode(),
        "timestamp": pa.array([NOON]), "event_type": ["NODE_START"],
        "metadata": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":1}'])),
    })  # fmt: skip
    out = io.BytesIO()
    pq.write_table(table, out)
    read = read_units(table_units(stream_of(out.getvalue()), "-", "parquet"))
    found = read.events.select("event_id", "correlation_id", "node_id", "metadata").rows()
    assert found == [(str(known), str(known), "n", '{"a":1}')]


def test_a_map_is_an_object():
    metadata = pa.array([[("a", "1"), ('b"', None)], [], None], pa.map_(pa.string(), pa.string()))
    frame = pl.DataFrame(pl.from_arrow(pa.table({"event_id": ["x", "y", "z"], "metadata": metadata})))
    assert [line.get("metadata") for line in lines_of(frame)] == [{"a": "1", 'b"': None}, {}, None]


def test_text_in_a_parquet_file_that_is_not_utf8_spoils_one_value_only(tmp_path):
    names = pa.array([b"good", b"bad \xff"]).view(pa.string())
    rows = {"event_id": ["a", "b"], "timestamp": [NOON] * 2, "node_id": names, "event_type": ["NODE_START"] * 2}
    pq.write_table(pa.table(rows), tmp_path / "export.parquet")
    assert read_source(tmp_path / "export.parquet").events["node_id"].to_list() == ["good", b"bad \xff".hex()]


def test_a_null_is_a_field_that_is_absent():
    frame = pl.DataFrame({**{k: [v] for k, v in ROW.items()}, "correlation_id": [None], "metadata": [None]})
    assert set(lines_of(frame)[0]) == set(ROW)


def test_a_flat_table_makes_its_metadata_of_the_columns_named_like_it():
    line = line_of(operation="stamp", execution_time_ms=12.5, success="True", error_message=None, tenant="t")
    assert line["metadata"] == {"operation": "stamp", "execution_time_ms": 12.5, "success": True}
    assert line["tenant"] == "t"


def test_an_envelope_in_a_column_is_opened():
    payload = json.dumps({k: str(v) for k, v in ROW.items()})
    frame = pl.DataFrame({"envelope_id": ["v1"], "envelope_timestamp": ["2026-11-23T12:00:01Z"], "payload": [payload]})
    read = read_units(units_of_frame(frame))
    assert read.events.select("event_id", pl.col("arrived_at").is_not_null()).rows() == [("e1", True)]


# ---------------------------------------------------------------------------------------------- our own frames


def canonical() -> pl.DataFrame:
    rows = [
        {**event(1), "timestamp": "2026-11-23T12:00:01Z", "event_type": "node_start", "tenant": {"a": 1}, "x": None},
        {**event(2), "correlation_id": None, "metadata": {"operation": "o", "execution_time_ms": "2.5"}},
        {**event(3), "schema_version": {"major": 1, "minor": 0, "patch": 0}, "is_replay": True, "adjusted_count": 4},
    ]
    text = "\n".join(json.dumps(row) for row in rows).encode()
    from onex_analytics.sources.units import line_units

    return read_units(line_units(stream_of(text, "log.jsonl"))).events


@pytest.mark.parametrize("form", ["frame", "lazy", "parquet", "arrow", "stream"])
def test_a_canonical_frame_comes_back_as_it_was(tmp_path, form):
    pytest.importorskip("onex_analytics.sources.wire")
    before = canonical().with_columns(arrived_at=pl.lit(NOW).cast(EVENTS["arrived_at"]))
    if form in ("frame", "lazy"):
        after = read_units(units_of_frame(before.lazy() if form == "lazy" else before)).events
    else:
        after = read_source(exported(before, tmp_path, form)).events
    assert after.drop("ingested_at").equals(before.drop("ingested_at"))


def test_a_canonical_frame_without_its_lists_comes_back_from_csv(tmp_path):
    pytest.importorskip("onex_analytics.sources.wire")
    before = canonical()
    path = tmp_path / "export.csv"
    before.drop("violations").write_csv(path)
    after = read_source(path).events
    assert after.drop("ingested_at").equals(before.drop("ingested_at"))


def test_some_columns_of_a_canonical_frame_are_events_again():
    some = canonical().select(
        "event_id", "timestamp", "node_id", "event_type", "metadata", "family", "outcome", "operation",
        "event_type_raw", "timestamp_original", "extra", "source",
    )  # fmt: skip
    after = read_units(units_of_frame(some)).events
    kept = ["event_id", "timestamp", "node_id", "event_type", "event_type_raw", "operation", "execution_time_ms"]
    assert after.select(kept).equals(canonical().select(kept))
    assert json.loads(after["extra"][0]) == {"tenant": {"a": 1}, "x": None}


# ---------------------------------------------------------------------------------------------- csv


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_is_read_whatever_stands_between_fields_and_rows(delimiter, newline):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    writer.writerow(["event_id", "timestamp", "node_id", "event_type", "metadata"])
    writer.writerow(["e1", str(NOON), "a, b; c\td", "NODE_START", json.dumps({"text": 'x "y"\nz'}, indent=1)])
    writer.writerow(["e2", str(NOON), "n", "NODE_START", ""])
    read = read_csv(out.getvalue())
    assert read.reasons == []
    assert read.events["node_id"].to_list() == ["a, b; c\td", "n"]
    assert [m and json.loads(m) for m in read.events["metadata"]] == [{"text": 'x "y"\nz'}, None]


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        (f"e9,{PLAIN}", "broken_row", "4 fields where the first row names 5 columns"),
        (f"e9,{PLAIN},,", "broken_row", "6 fields where"),
        ("word", "broken_row", "1 fields where"),
        (f'e9,{PLAIN},"open', "broken_row", "behind|between|never closed"),
        (f'"e9" x,{PLAIN},', "broken_row", "between the closing quote"),
        (f"e9,{PLAIN},caf\udce9", "invalid_utf8", "at byte"),
        (f",{PLAIN},", "missing_event_id", ""),
        ("e9,yesterday,n,NODE_START,", "invalid_timestamp", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("last", [False, True])
def test_a_broken_row_is_kept_with_its_line_and_the_others_are_read(row, reason, detail, last):
    broken = row.encode("utf-8", "surrogateescape")
    text = HEADER.encode() + f"e1,{PLAIN},\n".encode() + broken + (b"" if last else f"\ne2,{PLAIN},\n".encode())
    read = read_csv(text)
    assert read.ids == (["e1"] if last else ["e1", "e2"])
    (rejected,) = read.rejected.to_dicts()
    assert (rejected["reason"], rejected["line"]) == (reason, 3)
    assert reason in REJECT_REASONS
    assert pl.select(pl.lit(rejected["detail"]).str.contains(detail)).item()
    if reason in ("broken_row", "invalid_utf8"):
        assert rejected["raw"] == broken == text[rejected["source_offset"] :][: len(broken)]


def test_a_row_is_known_by_its_line_and_its_byte():
    text = HEADER + f'e1,{PLAIN},"{{""a"":\n\n1}}"\n\n\ne2,{PLAIN},\n'
    (unit,) = read_csv(text).units
    assert unit.blocks[0].lines.tolist() == [2, 7]
    assert unit.blocks[0].offsets.tolist() == [len(HEADER), text.index("e2,")]
    assert unit.blocks[0].sizes.tolist() == [text.index("\n\n\ne2") - len(HEADER), len(f"e2,{PLAIN},")]


@given(st.lists(st.lists(st.text(st.sampled_from('ab",;\n\r{}é'), max_size=5), min_size=2, max_size=2), max_size=8))
def test_csv_is_cut_as_the_standard_library_cuts_it(rows):
    rows = [[f"e{n}", *row] for n, row in enumerate(rows)]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["event_id", "a", "b"], *rows])
    names, parts = delimited.csv_rows(stream_of(out.getvalue().encode()))
    found = [part.frame.fill_null("").rows() for part in parts]
    assert names == ["event_id", "a", "b"]
    assert [list(row) for part in found for row in part] == rows


@given(
    st.lists(st.sampled_from(['e1,"', ",", "\n", '"', "a", "\r\n", '""', "é", '","']), max_size=30), st.integers(1, 60)
)
def test_csv_cut_into_parts_of_any_size_gives_the_same_and_loses_no_byte(pieces, size):
    data = "".join(["event_id,a\n", *pieces]).encode()

    def story() -> list[tuple[int, int, bytes]]:
        _, parts = delimited.csv_rows(stream_of(data))
        told: list[tuple[int, int, bytes]] = []
        for part in parts:
            spans = zip(part.lines.tolist(), part.offsets.tolist(), part.sizes.tolist(), strict=True)
            told += [(line, at, data[at : at + n]) for line, at, n in spans]
            told += [(r.line, r.source_offset, r.raw) for r in part.rejected]
        return sorted(told)

    whole = story()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "CHUNK_BYTES", size)
        assert story() == whole
    kept = b"".join(raw for _, _, raw in whole)
    assert sorted(kept.replace(b"\r", b"").replace(b"\n", b"")) == sorted(
        data[len(b"event_id,a\n") :].replace(b"\r", b"").replace(b"\n", b"")
    )


def test_a_compressed_csv_file_that_is_cut_keeps_its_broken_row_apart(tmp_path):
    draws = random.Random(1)
    text = HEADER + "".join(f"{draws.getrandbits(128):032x},{PLAIN},\n" for _ in range(2000))
    read = read_source(written(tmp_path, "export.csv.gz", gzip.compress(text.encode())[:-9000]))
    assert read.reasons == ["corrupt_compression"]
    assert 500 < len(read.events) < 2000
    assert text.encode()[read.rejected["source_offset"][0] :].startswith(read.rejected["raw"][0])


@pytest.mark.parametrize("header", ["event_id,,a\n", "event_id,event_id\n"])
def test_a_csv_file_that_does_not_name_its_columns_is_refused(header):
    with pytest.raises(SourceError, match=r"does not name each column once.*Mend: "):
        read_csv(header + "e1,b,c\n")


def test_a_csv_file_in_another_encoding_says_so_in_its_rows():
    read = read_csv((HEADER + f"e1,{PLAIN},\ne2,{PLAIN},caf\u00e9\n").encode("latin-1"))
    assert (read.ids, read.reasons) == (["e1"], ["invalid_utf8"])
