from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import UnknownVersion
from onex_analytics.model import EVENT_MODELS, EVENTS, FIELDS_ADDED, KEPT_IN_EXTRA, VERSIONS, SchemaVersion, can_read
from onex_analytics.model.versions import version_of

numbers = st.integers(0, 999_999)
versions = st.builds(
    SchemaVersion, numbers, numbers, numbers, st.none() | st.from_regex(r"[a-z]{1,3}(\.[0-9]{1,3})?", fullmatch=True)
)


@given(versions)
def test_a_version_written_and_read_is_itself(version):
    assert SchemaVersion.parse(str(version)) == version
    parts = {n: getattr(version, n) for n in ("major", "minor", "patch", "prerelease", "build")}
    assert SchemaVersion.parse(parts) == version == SchemaVersion.parse(version)


def test_versions_are_ordered_as_semver_has_it():
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ]
    for texts in (ordered, list(VERSIONS)):
        assert sorted(sorted(texts, key=len), key=SchemaVersion.parse) == texts


@given(versions, versions)
def test_equal_versions_hash_alike_and_the_order_is_total(a, b):
    assert (a < b) + (a == b) + (a > b) == 1
    assert a != b or hash(a) == hash(b)
    assert SchemaVersion.parse(f"{a}+build.7") == a


def test_a_missing_patch_is_zero():
    assert str(SchemaVersion.parse("v1.2")) == "1.2.0"


@pytest.mark.parametrize(
    "given",
    [
        "", "1", "latest", "1.0.0 ", "1.0.0\n", "-1.0.0", "1.0.0-", 1.1, None, [], {}, {"major": 1},
        {"major": 1, "minor": -1, "patch": 0}, {"major": True, "minor": 0, "patch": 0},
    ],
)  # fmt: skip
def test_what_is_no_version_is_refused_with_the_known_ones(given):
    with pytest.raises(UnknownVersion, match=r"known are 1\.0\.0, .*2\.0\.0"):
        SchemaVersion.parse(given)


def test_an_event_that_names_no_version_is_of_1_0_0():
    assert version_of({}) == version_of({"schema_version": None}) == SchemaVersion(1, 0)


@pytest.mark.parametrize("text", ["3.0.0", "0.9.0", "17.1.0"])
def test_another_major_is_not_known(text):
    with pytest.raises(UnknownVersion):
        SchemaVersion.parse(text).known()


MATRIX = {
    "1.0.0": ("1.0.0",),
    "1.1.0": ("1.0.0", "1.1.0"),
    "1.2.0": ("1.0.0", "1.1.0", "1.2.0"),
    "1.3.0": ("1.0.0", "1.1.0", "1.2.0", "1.3.0"),
    "2.0.0": ("2.0.0",),
}


@pytest.mark.parametrize("consumer", VERSIONS)
@pytest.mark.parametrize("producer", VERSIONS)
def test_who_reads_whom_is_the_matrix_of_the_specification(consumer, producer):
    assert can_read(consumer, producer) == (producer in MATRIX[consumer])


@given(versions, versions)
def test_patches_never_matter(consumer, producer):
    bare = [SchemaVersion(v.major, v.minor) for v in (consumer, producer)]
    for strict in (True, False):
        assert can_read(consumer, producer, strict=strict) == can_read(*bare, strict=strict)


def test_our_reader_is_lenient_within_a_major_and_lifts_an_older_one():
    assert can_read("1.0.0", "1.9.0", strict=False)
    assert can_read("2.0.0", "1.0.0", strict=False)
    assert can_read({"major": 2, "minor": 0, "patch": 0}, "2.7.0", strict=False)
    assert not can_read("1.3.0", "2.0.0", strict=False)
    assert not can_read("2.0.0", "0.9.0", strict=False)


def test_the_models_have_the_fields_that_their_version_brought():
    so_far: list[str] = []
    for version, added in FIELDS_ADDED.items():
        so_far += added
        assert set(EVENT_MODELS[version].model_fields) == {*so_far, "schema_version"}


def test_every_known_field_is_a_column_or_said_to_lie_in_extra():
    newest = set(EVENT_MODELS[VERSIONS[-1]].model_fields)
    assert newest == {name for name in newest if name in EVENTS} | set(KEPT_IN_EXTRA)
    assert not set(KEPT_IN_EXTRA) & set(EVENTS)
