from __future__ import annotations

import csv

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import CodeRedefinition, InvalidOption, SourceError
from onex_analytics.model.error_codes import CODES, LOOKUP, RECOVERABLE, SEVERITIES, ErrorCodeTaxonomy
from onex_analytics.model.error_spellings import category_of

UPSTREAM = ErrorCodeTaxonomy.default()
codes = st.sampled_from(UPSTREAM.codes)


@given(codes)
def test_the_long_form_of_every_code_resolves_to_itself(code):
    found = UPSTREAM.resolve(code.code)
    assert (found.code, found.shape, found.ambiguous) == (code, "long", False)


@given(codes)
def test_every_shorter_spelling_has_the_code_among_its_candidates(code):
    for text in (code.short, code.name):
        found = UPSTREAM.resolve(text)
        assert code in found.candidates
        assert found.code == (code if len(found.candidates) == 1 else None)


@given(codes, st.sampled_from([str.lower, str.title, "[{}]".format, " {} ".format]))
def test_case_blanks_and_brackets_do_not_matter(code, written):
    assert UPSTREAM.resolve(written(code.code)).code == code


@pytest.mark.parametrize("name", ["main", "development"])
def test_every_code_that_upstreams_code_defines_resolves(shared_data, name):
    literals = (shared_data / "onex" / f"error_codes_{name}.txt").read_text().split()
    assert literals
    for text in literals:
        found = UPSTREAM.resolve(text).code
        assert found is not None and found.code == text and name in found.origin


def test_every_code_that_upstreams_document_defines_has_its_severity_and_recoverable(shared_data):
    with (shared_data / "onex" / "error_codes_documented.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            found = UPSTREAM.resolve(row["code"]).code
            assert found is not None and "documented" in found.origin
            assert (found.short, found.severity, found.recoverable.title()) == (
                row["short"], row["severity"], row["recoverable"],
            )  # fmt: skip
            assert found.description == row["description"]


def test_only_listed_codes_are_critical_or_a_warning():
    by_severity = {s: {c.short for c in UPSTREAM.codes if c.severity == s} for s in ("CRITICAL", "WARNING")}
    assert by_severity == {
        "CRITICAL": {"ONEX_REG_202", "ONEX_RT_400", "ONEX_RT_403", "ONEX_SYS_900", "ONEX_SYS_901"},
        "WARNING": {"ONEX_STAMP_009", "ONEX_CORE_064", *(f"ONEX_TELEM_50{n}" for n in range(4))},
    }


def test_every_code_has_the_words_and_the_category_of_the_specification():
    for code in UPSTREAM.codes:
        assert code.severity in SEVERITIES and code.recoverable in RECOVERABLE and code.description
        assert code.category == category_of(code.component, code.number) != "other"
        assert code.exit_code == (2 if code.severity == "WARNING" else 1)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_registry_number_with_two_meanings_gives_both_and_no_code(number):
    found = UPSTREAM.resolve(f"ONEX_REGISTRY_00{number}")
    assert found.code is None and found.ambiguous and len(found.candidates) == 2
    assert all(c.ambiguous for c in found.candidates)
    assert (found.severity, found.recoverable) == ("ERROR", "no")


def test_a_name_that_document_and_code_number_differently_is_marked_on_both():
    found = UPSTREAM.resolve("METADATA_PARSE_ERROR")
    assert {c.code: c.ambiguous for c in found.candidates if c.component == "STAMP"} == {
        "ONEX_STAMP_006_METADATA_PARSE_ERROR": True,
        "ONEX_STAMP_021_METADATA_PARSE_ERROR": True,
    }


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("ONEX_CORE_021_OTHER_NAME", "long"),
        ("ONEX_CORE_999", "short"),
        ("SC001", "family"),
        ("NO_SUCH_NAME", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_unknown_code_is_said_to_be_unknown(text, shape):
    found = UPSTREAM.resolve(text)
    assert (found.code, found.candidates, found.severity, found.shape) == (None, (), None, shape)


def test_a_user_adds_codes_of_both_families():
    ours = UPSTREAM.extended(
        {
            "codes": {
                "ONEX_BILLING_001_CARD_DECLINED": {"severity": "WARNING", "recoverable": "retry", "since": "1.1.0"},
                "SC001": {"name": "SPOKE_LOST", "severity": "CRITICAL"},
            }
        }
    )
    declined, lost = ours.resolve("CARD_DECLINED").code, ours.resolve("SC001").code
    assert declined is not None and lost is not None
    assert (declined.exit_code, declined.category, declined.origin, declined.since) == (2, "other", ("user",), "1.1.0")
    assert (lost.code, lost.name, lost.severity) == ("SC001", "SPOKE_LOST", "CRITICAL")
    assert UPSTREAM.resolve("CARD_DECLINED").code is None


def test_a_file_of_codes_reads_a_bare_yaml_no_as_no(tmp_path):
    path = tmp_path / "codes.yaml"
    path.write_text(
        "codes:\n  ONEX_BILLING_001_CARD_DECLINED: {recoverable: no}\n  ONEX_BILLING_002_LATE: Paid too late\n"
    )
    ours = ErrorCodeTaxonomy.default().extended(path)
    assert ours.resolve("ONEX_BILLING_001").recoverable == "no"
    assert ours.resolve("LATE").code.description == "Paid too late"


@pytest.mark.parametrize("held", ["", "codes:\n", "{}"])
def test_an_empty_file_adds_nothing(tmp_path, held):
    path = tmp_path / "codes.yaml"
    path.write_text(held)
    assert UPSTREAM.extended(path).codes == UPSTREAM.codes


@pytest.mark.parametrize(
    ("held", "problem", "said"),
    [(None, SourceError, "cannot be read"), (b"\xff\xfe", SourceError, "no text in UTF-8"),
     (b"- [", InvalidOption, "a YAML file of error codes"), (b"A: \x01", InvalidOption, "a YAML file of error codes")],
)  # fmt: skip
def test_a_file_that_holds_no_codes_is_named_with_the_mend(tmp_path, held, problem, said):
    path = tmp_path / "codes.yaml"
    if held is not None:
        path.write_bytes(held)
    with pytest.raises(problem, match=said) as raised:
        ErrorCodeTaxonomy.default().extended(path)
    assert "codes.yaml" in str(raised.value)


def test_a_number_cannot_get_a_second_name():
    with pytest.raises(CodeRedefinition, match=r"'FILE_NOT_FOUND .*'OTHER \(ERROR, recoverable: no\): Other'"):
        UPSTREAM.extended({"ONEX_CORE_021_OTHER": None})


def test_a_code_cannot_get_a_second_severity_but_may_be_said_again():
    assert UPSTREAM.extended({"ONEX_CORE_021_FILE_NOT_FOUND": {"severity": "ERROR"}}).codes == UPSTREAM.codes
    with pytest.raises(CodeRedefinition, match=r"ERROR.*CRITICAL"):
        UPSTREAM.extended({"ONEX_CORE_021_FILE_NOT_FOUND": {"severity": "CRITICAL"}})


def test_a_code_that_stands_twice_in_one_file_is_a_redefinition(tmp_path):
    path = tmp_path / "codes.yaml"
    path.write_text("ONEX_BILLING_001_LATE: {severity: ERROR}\nONEX_BILLING_001_LATE: {severity: INFO}\n")
    with pytest.raises(CodeRedefinition, match="ONEX_BILLING_001"):
        UPSTREAM.extended(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ONEX_BILLING_001": None}, {"LATE": None}, {"ONEX_BILLING_001_LATE": {"severity": "BAD"}},
        {"ONEX_BILLING_001_LATE": {"recoverable": "perhaps"}}, {"ONEX_BILLING_001_LATE": {"colour": "red"}},
        {"ONEX_BILLING_001_LATE": 7}, {"codes": ["ONEX_BILLING_001_LATE"]},
    ],
)  # fmt: skip
def test_a_definition_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InvalidOption, match="wanted"):
        UPSTREAM.extended(wrong)


def test_the_frame_rolls_up_component_category_code():
    frame = UPSTREAM.frame()
    assert frame.schema == CODES
    assert frame["code"].is_unique().all() and frame.height == len(UPSTREAM.codes)
    core = frame.filter(component="CORE").group_by("category").len()
    assert dict(core.iter_rows())["file"] == 5


def test_the_lookup_holds_each_spelling_with_one_meaning_once():
    lookup = UPSTREAM.lookup()
    assert lookup.schema == LOOKUP
    assert lookup["text"].is_unique().all() and lookup["text"].is_sorted()
    for row in lookup.iter_rows(named=True):
        candidates = UPSTREAM.resolve(row["text"]).candidates
        assert {(c.severity, c.recoverable) for c in candidates} == {(row["severity"], row["recoverable"])}
        assert row["code"] == (candidates[0].code if len(candidates) == 1 else None)


def test_the_lookup_leaves_out_what_its_candidates_disagree_on():
    texts = set(UPSTREAM.lookup()["text"])
    assert "FILE_READ_ERROR" not in texts  # retry in STAMP, no in CORE
    assert {c.code for c in UPSTREAM.codes} <= texts
    events = pl.LazyFrame({"error_code": ["ONEX_SYS_901", "FILE_READ_ERROR", None]})
    joined = events.join(UPSTREAM.lookup().lazy(), left_on="error_code", right_on="text", how="left").collect()
    assert joined["severity"].to_list() == ["CRITICAL", None, None]
