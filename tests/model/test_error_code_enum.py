from __future__ import annotations

import pickle

import pytest

from onex_analytics.model import ErrorCodeTaxonomy, OnexErrorCode


def test_no_member_aliases_another():
    assert len(OnexErrorCode) == len(OnexErrorCode.__members__) == len(ErrorCodeTaxonomy.default().codes)


def test_a_member_is_its_long_form_and_knows_its_definition():
    for member in OnexErrorCode:
        assert member == f"ONEX_{member.name}" == member.definition.code
        assert (member.component, member.number) == (member.definition.component, member.definition.number)


def test_a_member_tells_what_the_taxonomy_tells():
    full = OnexErrorCode.SYS_901_DISK_FULL
    assert (full.severity, full.recoverable, full.category, full.exit_code) == ("CRITICAL", "no", "system", 1)
    assert full.description == "Disk space exhausted"
    assert pickle.loads(pickle.dumps(full)) is full


def test_a_spelling_with_one_meaning_gives_its_member():
    assert OnexErrorCode("ONEX_SYS_901") is OnexErrorCode("DISK_FULL") is OnexErrorCode.SYS_901_DISK_FULL


@pytest.mark.parametrize("text", ["ONEX_REGISTRY_001", "NO_SUCH_CODE", 7])
def test_a_spelling_with_no_or_two_meanings_gives_no_member(text):
    with pytest.raises(ValueError, match="is not a valid OnexErrorCode"):
        OnexErrorCode(text)
