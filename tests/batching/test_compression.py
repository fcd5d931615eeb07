"""What is calibrated on really compressed samples foretells what is really left of batches."""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl
import pytest
import zstandard
from pydantic import ValidationError

from onex_analytics.batching import CompressionCurve, calibrate_compression
from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.model.shapes import EVENTS

NODES = ("stamper_node", "tree_generator_node", "file_reader_node", "cli_node")


def lines(count: int, seed: int = 1) -> list[str]:
    """Events that have ids by chance and much in common."""
    chance = np.random.default_rng(seed)
    ids = [chance.bytes(16).hex() for _ in range(count)]
    return [
        f'{{"event_id":"{one}","node_id":"{NODES[n % 4]}","event_type":"NODE_SUCCESS","metadata":{{"execution_time_ms":'
        f'{chance.random() * 1000:.3f},"output_state":{{"status":"success","message":"{"stamped " * (n % 3)}"}}}}}}'
        for n, one in enumerate(ids)
    ]


PACKED = {"zstd": zstandard.ZstdCompressor(level=3).compress, "gzip": lambda text: zlib.compress(text, 6, wbits=31)}


@pytest.mark.parametrize("codec", ["zstd", "gzip"])
@pytest.mark.parametrize("size", [3, 70, 900])
def test_batches_of_other_events_are_left_as_large_as_foretold(codec, size):
    curve = calibrate_compression(lines(6000), codec=codec)
    others = lines(5400, seed=2)
    batches = ["\n".join(others[i : i + size]).encode() for i in range(0, len(others), size)]
    really = sum(len(PACKED[codec](batch)) for batch in batches)
    assert sum(curve.compressed(map(len, batches))) == pytest.approx(really, rel=0.05)


def test_a_batch_of_many_leaves_less_than_a_batch_of_one():
    curve = calibrate_compression(lines(2000))
    assert list(curve.batch_bytes) == sorted(curve.batch_bytes)
    assert curve.shares[0] > 3 * curve.shares[-1]


def test_the_same_events_give_the_same_curve_and_frames_are_written_as_lines():
    frame = pl.DataFrame(
        [{"event_id": f"e{n}", "node_id": "n", "event_type": "NODE_START", "metadata": '{"a":1}'} for n in range(50)],
        schema=EVENTS,
    )
    told = [f'{{"event_id":"e{n}","event_type":"NODE_START","node_id":"n","metadata":{{"a":1}}}}' for n in range(50)]
    by_frame, by_lines = calibrate_compression(frame.lazy()), calibrate_compression(told)
    assert by_frame == calibrate_compression(frame.lazy())
    assert by_frame.batch_bytes == by_lines.batch_bytes
    with pytest.raises(MissingColumns, match="metadata"):
        calibrate_compression(frame.drop("metadata").lazy())


def test_few_events_give_a_short_curve_that_holds_beyond_its_ends():
    curve = calibrate_compression(["x" * 100, "y" * 100, "x" * 100])
    assert len(curve.shares) == 2
    one, many = curve.compressed([10, 10**6])
    assert one == -(-10 * curve.shares[0] // 1)
    assert many == pytest.approx(10**6 * curve.shares[-1], abs=1)


@pytest.mark.parametrize(("events", "options", "message"), [
    ([], {}, "at least one event"),
    (["", ""], {}, "none, or empty"),
    (["a"], {"codec": "lzma"}, "zstd or gzip"),
    (["a"], {"codec": "gzip", "level": 99}, "level"),
    (["a"], {"level": 999}, "level"),
])  # fmt: skip
def test_what_cannot_be_compressed_is_refused(events, options, message):
    with pytest.raises(InvalidOption, match=message):
        calibrate_compression(events, **options)


@pytest.mark.parametrize(("sizes", "shares"), [((2, 1), (1, 1)), ((1,), (1, 1)), ((1,), (0,)), ((0,), (1,)), ((), ())])
def test_a_curve_ascends_and_has_a_share_for_each_size(sizes, shares):
    with pytest.raises(ValidationError):
        CompressionCurve(codec="zstd", level=3, batch_bytes=sizes, shares=shares)
