"""Codecs compared: each way held against the plain library on the same events."""

from __future__ import annotations

import zlib

import polars as pl
import pytest
import zstandard

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model import EVENTS
from onex_analytics.sizing import SizePolicy, compression_report, train_dictionary
from onex_analytics.sizing.payloads import payloads_of


@pytest.fixture(scope="module")
def found(fleet) -> dict[str, dict[str, object]]:
    policies = [SizePolicy(name="small", max_bytes=400), SizePolicy(name="all", compress_over=0)]
    report = compression_report(fleet, policies, batch_events=[1, 100], dictionary_bytes=[1024, 4096], held_out=0.25)
    return {row["name"]: row for row in report.collect().iter_rows(named=True)}


@pytest.fixture(scope="module")
def later(fleet) -> list[bytes]:
    rows = fleet.sort("timestamp", "event_id")[-round(fleet.height * 0.25) :]
    return [text.encode() for text in payloads_of(rows).texts()]


def test_each_way_is_measured_on_the_same_events_that_no_dictionary_saw(found, later, fleet):
    assert {row["events"] for row in found.values()} == {len(later)}
    assert {row["plain_bytes"] for name, row in found.items() if name != "small"} == {sum(map(len, later))}
    assert found["zstd, dictionary of 4 KiB"]["trained_events"] == fleet.height - len(later)


def test_each_way_is_what_the_library_gives(found, later, fleet):
    plain = zstandard.ZstdCompressor(level=3, write_checksum=True)
    rows = fleet.sort("timestamp", "event_id")[: -len(later)]
    dictionary = zstandard.ZstdCompressionDict(train_dictionary(rows, 4096))
    trained = zstandard.ZstdCompressor(level=3, write_checksum=True, dict_data=dictionary)
    assert found["gzip"]["stored_bytes"] == sum(len(zlib.compress(one, 6, 31)) for one in later)
    assert found["zstd"]["stored_bytes"] == sum(len(plain.compress(one)) for one in later)
    assert found["zstd, batches of 1"]["stored_bytes"] == found["zstd"]["stored_bytes"]
    assert found["zstd, dictionary of 4 KiB"]["stored_bytes"] == sum(len(trained.compress(one)) for one in later)
    batches = [b"\n".join(later[at : at + 100]) for at in range(0, len(later), 100)]
    assert found["zstd, batches of 100"]["stored_bytes"] == sum(len(plain.compress(one)) for one in batches)
    for row in found.values():
        assert row["ratio"] == pytest.approx(row["plain_bytes"] / row["stored_bytes"])


def test_what_is_known_of_the_ways_holds(found):
    order = ["zstd", "zstd, dictionary of 1 KiB", "zstd, dictionary of 4 KiB", "zstd, batches of 100", "Parquet, zstd"]
    ratios = [found[name]["ratio"] for name in order]
    assert ratios == sorted(ratios)


def test_events_that_a_policy_refuses_are_counted_and_in_no_bytes(found, later):
    kept = [one for one in later if len(one) <= 400]
    assert found["small"]["refused_events"] == len(later) - len(kept) > 0
    assert found["small"]["stored_bytes"] == found["small"]["plain_bytes"] == sum(map(len, kept))
    assert found["all"]["stored_bytes"] <= found["zstd"]["stored_bytes"]


def test_no_event_has_no_ratio():
    empty = compression_report(pl.LazyFrame(schema=EVENTS)).collect()
    assert empty["events"].to_list() == [0] * 6
    assert empty["ratio"].null_count() == 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"held_out": 0}, "above 0 and below 1"), ({"held_out": 1}, "above 0 and below 1"),
        ({"batch_events": [0]}, "at least 1"), ({"most_events": 0}, "at least 1"),
        ({"most_events": 4}, "or none"), ({"dictionary_bytes": 10}, "at least 256"),
    ],
)  # fmt: skip
def test_bad_use_is_said(options, told, fleet):
    with pytest.raises(InvalidOption, match=told):
        compression_report(fleet, **options).collect()
