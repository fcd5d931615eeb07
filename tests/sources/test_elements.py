"""Elements of arrays, and objects one behind the other."""

from __future__ import annotations

import json

import numpy as np
import pytest

from onex_analytics.sources.elements import BEFORE_ARRAY, BEHIND_ARRAY, cut_elements
from onex_analytics.sources.units import element_units
from tests.sources.reading import event, ids, read_units, stream_of

ONE, TWO = json.dumps(event(1)).encode(), json.dumps(event(2), indent=2).encode()


def elements_of(data: bytes) -> list[bytes]:
    """The compact texts of the elements."""
    return [b.raw(i) for unit in element_units(stream_of(data)) for b in unit.blocks for i in range(len(b))]


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
def test_a_recording_is_read_however_it_is_indented(indent):
    read = read_units(element_units(stream_of(json.dumps([event(n) for n in range(3)], indent=indent).encode())))
    assert (read.ids, read.reasons) == (ids(0, 1, 2), [])
    assert read.events["metadata"].to_list() == [f'{{"input_state":{{"n":{n}}}}}' for n in range(3)]


@pytest.mark.parametrize(
    ("data", "found", "reasons"),
    [
        (ONE + TWO, ids(1, 2), []),
        (TWO + b"\n" + ONE + b"\n", ids(1, 2), []),
        (b"[" + ONE + b"," + TWO + b"]", ids(1, 2), []),
        (b"[" + ONE + b"," + TWO[:-40], ids(1), ["truncated"]),
        (b"[" + ONE + b",", ids(1), ["truncated"]),
        (b"[" + ONE, ids(1), ["truncated"]),
        (b"[]", [], []),
        (b"[", [], ["truncated"]),
        (b"[" + ONE + b", what is this, " + TWO + b"]", ids(1, 2), ["invalid_json"] * 3),
        (b"[" + ONE + b"}, " + TWO + b"]", ids(1, 2), ["invalid_json"]),
        (b'["never closed,\n' + ONE + b",\n" + TWO + b"]", ids(1, 2), ["invalid_json"]),
        (b'[{"event_id": "never closed,\n  "a": 1\n },\n' + TWO + b"]", ids(2), ["invalid_json"]),
        (b"[" + ONE + b", [" + TWO + b"], null, 7]", ids(1), ["not_an_object"] * 3),
        (b"[" + ONE + b"]\n[" + TWO + b"]", ids(1), ["not_an_object"]),
        (b"[" + ONE + b"\0" + TWO + b"]", ids(1, 2), ["invalid_json"]),
    ],
    ids=[
        "glued", "lines apart", "array", "cut in an element", "cut behind a comma", "cut behind an element", "empty",
        "opened", "words between", "a bracket too many", "a string left open", "a member left open", "not objects",
        "two arrays", "NUL",
    ],
)  # fmt: skip
def test_what_is_an_event_is_read_and_the_rest_is_kept(data, found, reasons):
    read = read_units(element_units(stream_of(data)))
    assert (sorted(read.ids), read.reasons) == (found, reasons)


def test_an_element_is_known_by_its_number_its_place_and_its_size():
    data = b"[\n  " + ONE + b" ,\n" + TWO + b"\n]"
    read = read_units(element_units(stream_of(data)))
    assert read.events["source_offset"].to_list() == [4, data.index(TWO)]
    assert read.events["size_bytes"].to_list() == [len(ONE), len(TWO)]
    (unit,) = read.units
    assert unit.blocks[0].lines.tolist() == [1, 2]


def test_a_rejected_element_is_kept_as_it_came():
    broken = b'{"event_id":\n    7 8,\n  "a": [ ]\n}'
    read = read_units(element_units(stream_of(b"[\n" + ONE + b",\n" + broken + b" ]")))
    assert read.rejected.select("raw", "line").rows() == [(broken, 2)]


def test_white_space_goes_but_never_makes_one_word_of_two():
    assert elements_of(b'[{"a" : [ 1 , 2 ] , "b c" : "d  e"} ]') == [b'{"a":[1,2],"b c":"d  e"}']
    assert elements_of(b'[{"a": 1 2}]') == [b'{"a":1 2}']
    assert elements_of(b'[{"a": tr\nue}]') == [b'{"a":tr ue}']


def test_quotes_and_brackets_inside_of_strings_end_nothing():
    text = json.dumps({"a": '}]{["\\', "b": "\\\\"}, separators=(",", ":")).encode()
    assert elements_of(b"[" + text + b"," + text + b"]") == [text, text]


def test_what_is_not_yet_whole_is_left_for_the_next_part():
    state = np.full(1, BEFORE_ARRAY, np.int64)
    first = cut_elements(np.frombuffer(b'[{"a":1}, {"b":' + bytes(16), np.uint8), 15, state)
    assert (len(first), first.done) == (1, 10)
    rest = cut_elements(np.frombuffer(b'{"b":2}]' + bytes(16), np.uint8), 8, state)
    assert (len(rest), rest.done, state[0]) == (1, 8, BEHIND_ARRAY)
