"""The randomness of ids: of a column as of each, the same however a UUID is written, and even."""

from __future__ import annotations

import hashlib
from uuid import NAMESPACE_URL, UUID, uuid1, uuid5

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onex_analytics.sampling.randomness import randomness, randomness_of
from onex_analytics.sampling.thresholds import RANGE


def obvious(text: str) -> int:
    """As the specification says it, in as many words."""
    plain = text.replace("-", "")
    try:
        uuid = UUID(hex=plain) if len(plain) == 32 and all(c in "0123456789abcdefABCDEF" for c in plain) else None
    except ValueError:
        uuid = None
    if uuid is not None:
        if uuid.variant == "specified in RFC 4122" and uuid.version in (4, 7):
            return uuid.int % 2**56
        plain = uuid.hex
    return int.from_bytes(hashlib.sha256(plain.encode()).digest()[25:], "big")


UUIDS = st.uuids()
HEX = st.text("0123456789abcdefABCDEF", min_size=32, max_size=32)
NEAR = st.text("0123456789abcdefg-", min_size=30, max_size=37)
WRITTEN = st.one_of(
    UUIDS.map(str), UUIDS.map(lambda u: u.hex), UUIDS.map(lambda u: str(u).upper()), st.uuids(version=4).map(str),
    HEX, NEAR, st.text(max_size=60), st.just(""), st.just("-"),
)  # fmt: skip


@given(st.lists(st.one_of(st.none(), WRITTEN), min_size=1, max_size=30), st.booleans())
@example(["/" * 12 + "4" + "/" * 3 + "8" + "/" * 15, ":" * 32, "`" * 32, "g" * 32, "@" * 32, "G" * 32], False)
@example(["00000000-0000-4000-8000-00000000000g", "0000000-00000-4000-8000-000000000000"], True)
def test_a_column_has_the_randomness_of_each_of_its_ids(ids, in_chunks):
    column = pl.Series(ids, dtype=pl.String)
    if in_chunks:
        column = pl.concat([column.head(1), column.slice(1)], rechunk=False)
    found = randomness_of(column).tolist()
    assert found == [randomness(one or "") for one in ids] == [obvious(one or "") for one in ids]


@pytest.mark.parametrize("character", [chr(c) for c in range(33, 127)])
@pytest.mark.parametrize("place", [0, 7, 9, 15, 20, 25, 30, 35])
def test_one_wrong_character_makes_it_another_id(character, place):
    text = "01234567-89ab-4def-8123-456789abcdef"
    text = text[:place] + character + text[place + 1 :]
    assert randomness_of(pl.Series([text])).tolist() == [obvious(text)]


def test_a_uuid_of_another_version_is_not_taken_for_random():
    for one in (uuid1(), uuid5(NAMESPACE_URL, "a")):
        assert randomness(str(one)) != one.int % RANGE
        assert randomness(str(one)) == randomness(one.hex) == randomness(one.hex.upper())


def test_text_that_cannot_be_encoded_has_a_randomness_too():
    assert 0 <= randomness("\ud800") < RANGE


@pytest.mark.parametrize("written", [lambda i: f"order-{i}", lambda i: str(UUID(int=i)), lambda i: f"{i:032x}"])
def test_ids_that_are_counted_up_are_even_over_the_whole_range(written):
    found = randomness_of(pl.Series([written(i) for i in range(20_000)])) / RANGE
    counts = np.histogram(found, 20, (0, 1))[0]
    assert abs(counts - 1000).max() < 150  # five standard deviations


def test_an_empty_column_has_none():
    assert randomness_of(pl.Series([], dtype=pl.String)).size == 0
