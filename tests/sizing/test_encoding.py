"""What is encoded is decoded again, whatever the event and the policy; what was changed or is too much is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import zlib
from contextlib import suppress

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import BrokenPayload, InvalidOption, OversizedEvent
from onex_analytics.model import OnexEvent
from onex_analytics.sizing import SizePolicy, decode, encode
from tests.laws import examples
from tests.sizing.drawn import dictionary, events, policies

ALWAYS = {"zstd": SizePolicy(compress_over=0), "gzip": SizePolicy(compress_over=0, codec="gzip"),
          "dictionary": SizePolicy(compress_over=0, dictionary=dictionary())}  # fmt: skip
LARGE = {"event_id": "e1", "node_id": "n", "metadata": {"body": "0123456789" * 50, "ok": True}}


@settings(max_examples=examples(60))
@given(events(), policies())
@example({"claim_check": {"sha256": "0" * 64}}, SizePolicy())
@example({"claim_check": 1, "metadata": ["x" * 900]}, SizePolicy(max_bytes=250, on_oversize="claim_check"))
def test_what_is_encoded_is_decoded_again_and_what_was_cut_is_told(event, policy):
    claims: dict[str, bytes] = {}
    try:
        sent = encode(event, policy, claims=claims)
    except OversizedEvent as refused:
        assert refused.stored_bytes > policy.max_bytes
        return
    found = decode(sent.payload, dictionaries=[dictionary()], claims=claims)
    assert len(sent.payload) <= policy.max_bytes
    assert sent.warned == (policy.warn_bytes is not None and len(sent.payload) > policy.warn_bytes)
    assert bool(claims) == (sent.action == "claim_check")
    if sent.action != "truncate_field":
        assert found == event
        return
    fresh = found.pop("truncated_fields")[len(event.pop("truncated_fields", [])) :]
    assert fresh
    for note in fresh:
        holder, _, key = note["field"].partition(".")
        inside, was = (found, event) if note["field"] in found else (found[holder], event[holder])
        key = note["field"] if note["field"] in found else key
        cut, whole = inside.pop(key), was.pop(key)
        text = whole if note["type"] == "text" else json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        assert text.encode("utf-8", "backslashreplace").startswith(cut.encode("utf-8", "backslashreplace"))
        assert note["kept_bytes"] < note["bytes"]
    assert found == event


@settings(max_examples=examples(50))
@given(events(), st.sampled_from(list(ALWAYS.values())), st.data())
def test_a_compressed_payload_that_was_changed_opens_as_what_it_was_or_not_at_all(event, policy, data):
    payload = encode({**event, "event_id": "0123456789" * 8}, policy).payload
    wanted = decode(payload, dictionaries=[dictionary()])
    changed = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(payload) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    cut = data.draw(st.integers(0, len(payload)))
    for one in (bytes(changed), payload[:cut], payload + payload[:cut]):
        try:
            assert decode(one, dictionaries=[dictionary()]) == wanted
        except BrokenPayload as refused:
            assert "Mend: " in str(refused)


@pytest.mark.parametrize("way", ALWAYS)
def test_no_bit_of_a_compressed_payload_can_be_turned_without_notice(way):
    payload = encode(LARGE, ALWAYS[way]).payload
    for bit in range(8 * len(payload)):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        with suppress(BrokenPayload):
            assert decode(bytes(changed), dictionaries=[dictionary()]) == LARGE
    for size in range(len(payload)):
        with pytest.raises(BrokenPayload):
            decode(payload[:size], dictionaries=[dictionary()])


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08", b'{"claim_check":']))
def test_any_bytes_are_an_object_or_refused(tail, head):
    with suppress(BrokenPayload):
        assert isinstance(decode(head + tail, claims={}), dict)


def _bombs() -> dict[str, bytes]:
    zeros = b'{"a":"' + b"0" * 5_000_000 + b'"}'
    zstd, unsized = zstandard.ZstdCompressor(), zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return {
        "gzip": gzip.compress(zeros), "zstd": zstd.compress(zeros), "plain": zeros,
        "zstd that does not say its size": unsized.compress(zeros) + unsized.flush(),
        "gzip in gzip": gzip.compress(gzip.compress(zeros)), "zstd in zstd": zstd.compress(zstd.compress(zeros)),
        "zstd in gzip": gzip.compress(zstd.compress(zeros)),
        "members": gzip.compress(b'{"a":') + gzip.compress(b"1}"),
        "frames": zstd.compress(b'{"a":') + zstd.compress(b"1}"),
        "a frame to skip": b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + zstd.compress(b"{}"),
        "a wide window": bytes.fromhex("28b52ffd") + b"\x00\xa0" + b"\x01\x00\x00",
        "depth": b'{"a":' + b"[" * 200_000,
        "a long number": b'{"a":' + b"1" * 5000 + b"}",
    }  # fmt: skip


@pytest.mark.parametrize("name", _bombs())
def test_a_bomb_is_refused(name):
    with pytest.raises(BrokenPayload, match="Mend"):
        decode(_bombs()[name], max_bytes=1_000_000)


@pytest.mark.parametrize("name", ["gzip", "zstd", "zstd that does not say its size", "plain"])
def test_what_opens_to_just_as_much_as_is_allowed_is_opened(name):
    payload = _bombs()[name]
    assert len(decode(payload, max_bytes=5_000_008)["a"]) == 5_000_000
    with pytest.raises(BrokenPayload):
        decode(payload, max_bytes=5_000_007)


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[1]", b'"a"', b"\xff\xfe{}", b'{"a":NaN}', b'{"a":"\xed\xa0\x80"}']
)
def test_what_is_no_json_object_is_refused(payload):
    with pytest.raises(BrokenPayload):
        decode(payload)


def test_a_dictionary_that_is_not_given_or_another_one_is_said():
    payload = encode(LARGE, ALWAYS["dictionary"]).payload
    other = bytearray(dictionary())
    other[4] ^= 1
    for given_ones, told in (((), "given are: none"), ((bytes(other),), "given are: [0-9]+")):
        with pytest.raises(BrokenPayload, match=told):
            decode(payload, dictionaries=given_ones)
    assert decode(payload, dictionaries=[bytes(other), dictionary()]) == LARGE
    assert decode(memoryview(payload), dictionaries=dictionary()) == LARGE


def test_frames_of_others_without_size_or_checksum_are_read():
    text = json.dumps(LARGE).encode()
    unsized = zstandard.ZstdCompressor(write_content_size=False, write_checksum=False).compressobj()
    assert decode(unsized.compress(text) + unsized.flush()) == LARGE
    assert decode(gzip.compress(text)) == decode(b" " + text + b"\n") == LARGE
    assert decode(zlib.compress(text, 1, 31)) == LARGE


def test_a_claim_is_the_whole_event_and_what_is_sent_says_where_it_is():
    policy = SizePolicy(max_bytes=250, on_oversize="claim_check")
    claims: dict[str, bytes] = {}
    sent = encode(LARGE, policy, claims=claims)
    (key,) = claims
    assert json.loads(sent.payload) == {
        "claim_check": {"sha256": key, "bytes": len(claims[key])}, "event_id": "e1", "node_id": "n"
    }
    assert encode(LARGE, policy, claims=claims) == sent
    assert len(claims) == 1
    with pytest.raises(InvalidOption, match="claims"):
        encode(LARGE, policy)
    for without, told in ((None, "in `claims`"), ({}, "not there"), ({key: b"{}"}, "was changed")):
        with pytest.raises(BrokenPayload, match=told):
            decode(sent.payload, claims=without)


def test_a_claim_that_stands_for_another_is_refused():
    policy = SizePolicy(max_bytes=250, on_oversize="claim_check")
    claims: dict[str, bytes] = {}
    inner = encode(LARGE, policy, claims=claims).payload
    key = hashlib.sha256(inner).hexdigest()
    claims[key] = inner
    with pytest.raises(BrokenPayload, match="another"):
        decode(json.dumps({"claim_check": {"sha256": key}}, separators=(",", ":")).encode(), claims=claims)


def test_a_model_is_encoded_as_its_fields():
    event = OnexEvent.create("NODE_START", "stamper_node", metadata={"input_state": {"a": 1}})
    assert decode(encode(event, SizePolicy()).payload) == event.as_dict()


@pytest.mark.parametrize(
    "event", [{"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {"a": b"x"}, {1: 2}, [], None, "text",
              {"a": 10**5000}],
)  # fmt: skip
def test_what_json_does_not_have_is_refused(event):
    with pytest.raises(InvalidOption):
        encode(event, SizePolicy())


def test_a_list_that_holds_itself_is_refused():
    event: dict[str, object] = {}
    event["metadata"] = [event]
    with pytest.raises(InvalidOption):
        encode(event, SizePolicy())


def test_an_event_that_is_too_large_says_how_large_it_is_and_what_to_do():
    with pytest.raises(OversizedEvent, match="564 bytes takes 564 and may take 500") as refused:
        encode(LARGE, SizePolicy(max_bytes=500, compress_over=None))
    again = pickle.loads(pickle.dumps(refused.value))
    assert (str(again), again.max_bytes) == (str(refused.value), 500)
    broken = pickle.loads(pickle.dumps(BrokenPayload("is none", "send one")))
    assert str(broken) == "a payload is none. Mend: send one."


def test_only_what_is_large_is_compressed_and_only_where_that_makes_it_smaller():
    assert encode({"event_id": "e" * 100}, SizePolicy(compress_over=200)).encoding == "plain"
    assert encode({"event_id": "e" * 100}, SizePolicy(compress_over=100)).encoding == "zstd"
    assert encode({"event_id": "0"}, SizePolicy(compress_over=0)).encoding == "plain"
    assert encode({"event_id": "e" * 100}, SizePolicy(compress_over=None)).encoding == "plain"


def test_a_limit_holds_to_the_byte():
    size = encode(LARGE, SizePolicy(compress_over=None)).plain_bytes
    assert encode(LARGE, SizePolicy(compress_over=None, max_bytes=size, warn_bytes=size)).warned is False
    assert encode(LARGE, SizePolicy(compress_over=None, max_bytes=size, warn_bytes=size - 1)).warned is True
    with pytest.raises(OversizedEvent):
        encode(LARGE, SizePolicy(compress_over=None, max_bytes=size - 1))
