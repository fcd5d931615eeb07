"""Events and policies as Hypothesis draws them."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from onex_analytics.sizing import SizePolicy

TEXTS = st.text(st.characters(codec=None, categories=None), max_size=12) | st.sampled_from(
    ["", "\ud800", "\udc00\ud800", "é\u2028😀\x7f", '"\\\x00\n\t', "0", "null", '{"claim_check":', "[]"]
)
NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False) | st.just(2**64)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
LARGE = st.integers(1, 400).map(lambda n: "né\"w " * n) | st.lists(st.integers(0, 10**6), min_size=50, max_size=200)
KEYS = TEXTS | st.sampled_from(
    ["event_id", "metadata", "data", "node_id", "claim_check", "truncated_fields", "envelope", "adjusted_count", "zz"]
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, object]:
    """Any JSON object, with the fields of an event in most."""
    event: dict[str, object] = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    if draw(st.booleans()):
        event["event_id"] = draw(TEXTS)
        event["metadata"] = draw(st.dictionaries(TEXTS, VALUES | LARGE, max_size=4))
    return event


@cache
def dictionary() -> bytes:
    """A trained dictionary."""
    import json

    import zstandard

    samples = [json.dumps({"event_id": f"e{i * 7919 % 10_007}", "metadata": {"né\"w": [i] * 5}}).encode()
               for i in range(2000)]  # fmt: skip
    return zstandard.train_dictionary(1024, samples).as_bytes()


def _policy(
    codec: str, compress_over: int | None, max_bytes: int, on_oversize: str, warn_bytes: int | None, with_one: bool
) -> SizePolicy:
    return SizePolicy(
        codec=codec, compress_over=compress_over, max_bytes=max_bytes, on_oversize=on_oversize,
        warn_bytes=warn_bytes and min(warn_bytes, max_bytes), dictionary=dictionary() if with_one else None,
    )  # fmt: skip


def policies() -> st.SearchStrategy[SizePolicy]:
    """Any policy, most of them with limits that small events go over."""
    return st.one_of(*(
        st.builds(
            _policy, st.just(codec), st.sampled_from([None, 0, 40, 10_240]), st.sampled_from([1, 60, 250, 2**20]),
            st.sampled_from(["reject", "truncate_field", "claim_check"]), st.sampled_from([None, 50]),
            st.just(with_one),
        ) for codec, with_one in (("zstd", False), ("zstd", True), ("gzip", False))
    ))  # fmt: skip
