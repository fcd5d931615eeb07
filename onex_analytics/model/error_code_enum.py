"""Upstream's error codes as an enum; the table is read when this module is first used."""

from __future__ import annotations

from enum import StrEnum

from onex_analytics.model.error_codes import ErrorCode, ErrorCodeTaxonomy


class OnexErrorCode(StrEnum):
    """Every upstream code: a member is named without the `ONEX_` and its value is the long form.

    Values are long forms because short ones are not unique: in an enum they would alias.

    >>> OnexErrorCode.CORE_021_FILE_NOT_FOUND
    <OnexErrorCode.CORE_021_FILE_NOT_FOUND: 'ONEX_CORE_021_FILE_NOT_FOUND'>
    >>> OnexErrorCode("ONEX_SYS_901").severity, OnexErrorCode.CORE_021_FILE_NOT_FOUND.category
    ('CRITICAL', 'file')
    """

    _ignore_ = ["_code"]  # noqa: RUF012
    for _code in ErrorCodeTaxonomy.default().codes:
        vars()[_code.code.removeprefix("ONEX_")] = _code.code

    @classmethod
    def _missing_(cls, value: object) -> OnexErrorCode | None:
        """A short form or a bare name gives its member where it is unique."""
        found = ErrorCodeTaxonomy.default().resolve(value).code if isinstance(value, str) else None
        return cls(found.code) if found is not None and found.code != value else None

    @property
    def definition(self) -> ErrorCode:
        """All that is known of the code."""
        found = ErrorCodeTaxonomy.default().resolve(self.value).code
        assert found is not None
        return found

    @property
    def component(self) -> str:
        return self.definition.component

    @property
    def number(self) -> int:
        return self.definition.number

    @property
    def category(self) -> str:
        return self.definition.category

    @property
    def severity(self) -> str:
        return self.definition.severity

    @property
    def recoverable(self) -> str:
        return self.definition.recoverable

    @property
    def description(self) -> str:
        return self.definition.description

    @property
    def exit_code(self) -> int:
        return self.definition.exit_code
