"""The error codes: upstream's as packaged data, a user's on top, and what any spelling of one means.

`error_codes.csv` holds every code that upstream's document or code defines. Severity and recoverable are the
document's; a code that only code defines is ERROR and not recoverable, but CORE DUPLICATE_REGISTRATION, which is
WARNING and recoverable. Exit codes follow from the severity. Upstream uses some numbers for two names and some
names under two numbers: both meanings are kept, marked `ambiguous`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import polars as pl

from onex_analytics.exceptions import CodeRedefinition, InvalidOption, SourceError
from onex_analytics.model.error_spellings import Shape, Spelling, category_of, spelling

SEVERITIES: Final = ("CRITICAL", "ERROR", "WARNING", "INFO")
RECOVERABLE: Final = ("no", "yes", "retry")
EXIT_CODES: Final = {"SUCCESS": 0, "ERROR": 1, "WARNING": 2, "PARTIAL": 3, "SKIPPED": 4, "FIXED": 5, "INFO": 6}

CODES = pl.Schema({
    "component": pl.String(),
    "category": pl.String(),                 # by the range of the number
    "code": pl.String(),                     # the long form; unique
    "short": pl.String(),                    # not unique
    "number": pl.Int64(),
    "name": pl.String(),                     # not unique
    "severity": pl.String(),                 # CRITICAL ERROR WARNING INFO
    "recoverable": pl.String(),              # no, yes, retry
    "description": pl.String(),
    "exit_code": pl.Int64(),
    "since": pl.String(),                    # version that brought it; null if unknown
    "deprecated": pl.Boolean(),
    "ambiguous": pl.Boolean(),               # its number or its name stands for another code of the component, too
    "origin": pl.List(pl.String()),          # documented, main, development, user
})
"""One row an error code, sorted by component, number and name: rolls up component → category → code."""

LOOKUP = pl.Schema({
    "text": pl.String(),                     # a spelling, upper case; unique
    "code": pl.String(),                     # the long form; null where several codes share the spelling
    "severity": pl.String(),
    "recoverable": pl.String(),
})
"""One row a spelling whose severity and recoverable are certain: join it on `error_code`."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One error code. What it is, is its component, number and name together."""

    code: str
    short: str
    component: str
    number: int
    name: str
    category: str
    severity: str
    recoverable: str
    description: str
    exit_code: int
    since: str | None = None
    deprecated: bool = False
    ambiguous: bool = False
    origin: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.code


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a spelling means: one `code`, or several `candidates`, or neither."""

    text: str
    shape: Shape
    code: ErrorCode | None
    candidates: tuple[ErrorCode, ...]

    @property
    def ambiguous(self) -> bool:
        """Whether several codes share this spelling."""
        return len(self.candidates) > 1

    @property
    def severity(self) -> str | None:
        """The severity on which all candidates agree, else None."""
        return _only({c.severity for c in self.candidates})

    @property
    def recoverable(self) -> str | None:
        """The word (no, yes, retry) on which all candidates agree, else None."""
        return _only({c.recoverable for c in self.candidates})


@dataclass(frozen=True)
class ErrorCodeTaxonomy:
    """A set of error codes that is never changed, only extended into a new one."""

    codes: tuple[ErrorCode, ...]

    def __repr__(self) -> str:
        return f"ErrorCodeTaxonomy({len(self.codes):,} codes)"

    @classmethod
    def default(cls) -> ErrorCodeTaxonomy:
        """Upstream's codes, from the packaged table; made once.

        >>> ErrorCodeTaxonomy.default().resolve("ONEX_SYS_901").code.severity
        'CRITICAL'
        """
        return _default()

    def resolve(self, text: str) -> Resolution:
        """What a spelling means. Reads the long form, the short form, a bare name, and the family `SC001`.

        Case, blanks and one pair of brackets around the text do not matter. A short form or a bare name that
        several codes share gives all of them as `candidates` and no `code`. A long form is found by component,
        number and name: a known number under an unknown name is another, unknown code.

        >>> ErrorCodeTaxonomy.default().resolve("TOOL_NOT_FOUND").code.code
        'ONEX_REGISTRY_001_TOOL_NOT_FOUND'
        >>> found = ErrorCodeTaxonomy.default().resolve("ONEX_REGISTRY_001")
        >>> found.code, [str(c) for c in found.candidates]
        (None, ['ONEX_REGISTRY_001_DIRECTORY_NOT_FOUND', 'ONEX_REGISTRY_001_TOOL_NOT_FOUND'])
        """
        wanted = text.strip().removeprefix("[").removesuffix("]").strip().upper()
        parts = spelling(wanted)
        found = self._by_spelling.get(wanted, ())
        shape: Shape = parts.shape if parts else "name" if found else "unknown"
        return Resolution(text, shape, found[0] if len(found) == 1 else None, found)

    def extended(self, more: str | Path | Mapping[str, Any]) -> ErrorCodeTaxonomy:
        """A new taxonomy that knows a user's codes as well.

        Args:
            more: a YAML file, or what it holds: a mapping of long forms (or codes such as `SC001`), alone or under
                the key `codes`, to a description or to a mapping of `severity`, `recoverable`, `description`,
                `category`, `exit_code`, `since`, `deprecated` and, for the second family, `name`. Whatever is left
                out follows from the code: ERROR, no, the category of its range, the exit code of its severity.

        Raises:
            CodeRedefinition: a component's number is taken by another name, or a code by another meaning.
            InvalidOption: a key or a word that is not one of these, a code that is no long form, or no YAML.
            SourceError: the file cannot be read, or is no text.

        >>> ours = ErrorCodeTaxonomy.default().extended({"ONEX_BILLING_001_CARD_DECLINED": {"recoverable": "retry"}})
        >>> ours.resolve("CARD_DECLINED").recoverable
        'retry'
        """
        taken: dict[tuple[str, int], ErrorCode] = {(c.component, c.number): c for c in self.codes}
        known = {c.code: c for c in self.codes}
        added = []
        for text, given in _definitions(more):
            new = _user_code(text, given)
            old = known.get(new.code) or taken.get((new.component, new.number))
            if old is not None and _meaning(old) == _meaning(new):
                continue
            if old is not None:
                raise CodeRedefinition(new.short, _in_words(old), _in_words(new))
            known[new.code] = taken[new.component, new.number] = new
            added.append(new)
        return ErrorCodeTaxonomy(_marked([*self.codes, *added]))

    def frame(self) -> pl.DataFrame:
        """All codes as a frame of `CODES`, sorted so that it rolls up component → category → code.

        >>> frame = ErrorCodeTaxonomy.default().frame()
        >>> frame.filter(component="SYS").group_by("category").len().rows()
        [('system', 5)]
        """
        rows = [{name: getattr(c, name) for name in CODES} for c in self.codes]
        return pl.DataFrame(rows, schema=CODES)

    def lookup(self) -> pl.DataFrame:
        """Every spelling that has one severity and one recoverable, as a frame of `LOOKUP`, for a join.

        Holds long forms, short forms, bare names and codes of the second family, upper case and sorted. A spelling
        of several codes that agree is there with a null `code`; one of codes that disagree is not there.

        >>> ErrorCodeTaxonomy.default().lookup().filter(text="ONEX_REGISTRY_001").rows()
        [('ONEX_REGISTRY_001', None, 'ERROR', 'no')]
        """
        found = [self.resolve(text) for text in sorted(self._by_spelling)]
        rows = [
            (r.text, r.code.code if r.code else None, r.severity, r.recoverable)
            for r in found
            if r.severity is not None and r.recoverable is not None
        ]
        return pl.DataFrame(rows, schema=LOOKUP, orient="row")

    @cached_property
    def _by_spelling(self) -> dict[str, tuple[ErrorCode, ...]]:
        found: defaultdict[str, list[ErrorCode]] = defaultdict(list)
        for code in self.codes:
            for text in {code.code, code.short, code.name} - {""}:
                found[text].append(code)
        return {text: tuple(codes) for text, codes in found.items()}


@cache
def _default() -> ErrorCodeTaxonomy:
    table = (files("onex_analytics.model") / "error_codes.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    return ErrorCodeTaxonomy(_marked(_code(r["code"], {**r, "origin": tuple(r["origin"].split())}) for r in rows))


def _code(text: str, given: Mapping[str, Any]) -> ErrorCode:
    parts = spelling(text)
    if parts is None or parts.shape == "short":
        raise InvalidOption("error code", text, "a long form such as ONEX_CORE_021_FILE_NOT_FOUND, or SC001")
    severity = given.get("severity") or "ERROR"
    origin = tuple(given.get("origin", ()))
    name = given.get("name") or parts.name
    return ErrorCode(
        code=text,
        short=_short(parts),
        component=parts.component,
        number=parts.number,
        name=name,
        category=given.get("category") or category_of(parts.component, parts.number),
        severity=severity,
        recoverable=given.get("recoverable") or "no",
        description=given.get("description") or name.replace("_", " ").capitalize(),
        exit_code=given.get("exit_code", EXIT_CODES.get(severity, EXIT_CODES["ERROR"])),
        since=given.get("since") or ("1.0.0" if "main" in origin else None),
        deprecated=bool(given.get("deprecated", False)),
        origin=origin,
    )


_USER_KEYS = {"severity", "recoverable", "description", "category", "exit_code", "since", "deprecated", "name"}


def _user_code(text: str, given: object) -> ErrorCode:
    values = {"description": given} if isinstance(given, str) else {} if given is None else given
    if not isinstance(values, Mapping) or values.keys() - _USER_KEYS:
        raise InvalidOption(f"the definition of {text}", given, f"a description, or keys of {sorted(_USER_KEYS)}")
    words = dict(values)
    if isinstance(words.get("recoverable"), bool):  # YAML 1.1 reads a bare `no` as false
        words["recoverable"] = "yes" if words["recoverable"] else "no"
    for key, allowed in (("severity", SEVERITIES), ("recoverable", RECOVERABLE)):
        if words.get(key) is not None and words[key] not in allowed:
            raise InvalidOption(f"{key} of {text}", words[key], f"one of {', '.join(allowed)}")
    return _code(text.strip().upper(), {**words, "origin": ("user",)})


def _definitions(more: str | Path | Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if isinstance(more, Mapping):
        held = more.get("codes", more)
        if not isinstance(held, Mapping):
            raise InvalidOption("codes", held, "a mapping of error codes to their meanings")
        return iter(held.items())
    import yaml

    mend = "name a YAML file of error codes, each with what it means"
    try:
        return iter(list(_definitions_in(Path(more).read_text(encoding="utf-8"))))
    except OSError as error:
        raise SourceError(str(more), f"cannot be read ({error.strerror or error})", mend) from error
    except UnicodeDecodeError as error:
        raise SourceError(str(more), f"is no text in UTF-8 (byte {error.start})", mend) from None
    except yaml.YAMLError as error:
        said = str(error).splitlines()[0]
        raise InvalidOption("codes", f"{more}: {said}", "a YAML file of error codes, each with what it means") from None


def _definitions_in(text: str) -> Iterator[tuple[str, object]]:
    """The definitions of a YAML text, a code that stands twice coming twice."""
    import yaml

    held = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(held, yaml.MappingNode):
        held = next((value for key, value in held.value if key.value == "codes"), held)
    if held is None or (isinstance(held, yaml.ScalarNode) and held.value == ""):
        return
    if not isinstance(held, yaml.MappingNode):
        raise InvalidOption("codes", text[:80], "a mapping of error codes to their meanings")
    for key, value in held.value:
        yield str(key.value), yaml.safe_load(yaml.serialize(value))


def _marked(codes: Iterable[ErrorCode]) -> tuple[ErrorCode, ...]:
    """The codes in order, each told whether another of its component shares its number or its name."""
    ordered = sorted(codes, key=lambda c: (c.component, c.number, c.name))
    uses: defaultdict[tuple[str, object], int] = defaultdict(int)
    for code in ordered:
        uses[code.component, code.number] += 1
        uses[code.component, code.name] += 1
    return tuple(
        replace(c, ambiguous=uses[c.component, c.number] > 1 or (c.name != "" and uses[c.component, c.name] > 1))
        for c in ordered
    )


def _short(parts: Spelling) -> str:
    prefix = "" if parts.shape == "family" else "ONEX_"
    return f"{prefix}{parts.component}{'' if parts.shape == 'family' else '_'}{parts.number:03d}"


def _meaning(code: ErrorCode) -> tuple[object, ...]:
    return (code.name, code.category, code.severity, code.recoverable, code.description, code.exit_code)


def _in_words(code: ErrorCode) -> str:
    return f"{code.name or code.code} ({code.severity}, recoverable: {code.recoverable}): {code.description}"


def _only(words: set[str]) -> str | None:
    return next(iter(words)) if len(words) == 1 else None
