"""How an error code may be written, and the category that its number gives it."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Shape = Literal["long", "short", "name", "family", "unknown"]

CODE_PATTERN: Final = r"^ONEX_([A-Z]+(?:_[A-Z]+)*)_(\d{3})(?:_([A-Z0-9_]+))?$"
"""Long form `ONEX_CORE_021_FILE_NOT_FOUND` and short form `ONEX_CORE_021`: component, number, name."""

FAMILY_PATTERN: Final = r"^(SC|FS)(\d{3})$"
"""The second family, such as `SC001` and `FS001`: component and number, never a name."""

PREFIX_PATTERN: Final = r"^\s*\[(ONEX_[A-Z]+(?:_[A-Z]+)*_\d{3}(?:_[A-Z0-9_]+)?|(?:SC|FS)\d{3})\]"
"""The bracketed prefix of a message; group 1 is the code. Reads the same in Python and in Polars."""

_FORM, _FAMILY, _PREFIX = (re.compile(p, re.ASCII) for p in (CODE_PATTERN, FAMILY_PATTERN, PREFIX_PATTERN))

_OF_A_NODE = ("validation", "processing", "handler", "output", "configuration")
_BLOCKS_OF_TWENTY: dict[str, tuple[str, ...]] = {
    "CORE": (
        "validation", "file", "configuration", "registry", "runtime", "test", "import and dependency", "abstract",
    ),
    "CLI": ("command", "node", "execution", "event bus", "system"),
    "DOCSTRING_GENERATOR": _OF_A_NODE,
    "LOGGER": _OF_A_NODE,
    "NODE_REGISTRY": _OF_A_NODE,
    "NODE_SCENARIO_RUNNER": _OF_A_NODE,
    "PARITY": ("file", "discovery", "execution", "result", "configuration"),
    "REGISTRY": ("access", "file", "artifact", "handler", "validation", "configuration"),
    "SCHEMA": ("file", "model", "schema", "metadata", "configuration"),
    "TEMPLATE": _OF_A_NODE,
    "TREE": ("file", "output", "artifact", "validation", "configuration"),
}  # fmt: skip
_DOCUMENTED_RANGES: dict[str, tuple[int, int, str]] = {
    "STAMP": (1, 99, "stamping"),
    "VALID": (100, 199, "validation"),
    "REG": (200, 299, "registry"),
    "CLI": (300, 399, "command line"),
    "RT": (400, 499, "runtime"),
    "TELEM": (500, 599, "telemetry"),
    "EVENT": (600, 699, "event bus"),
    "SCHEMA": (700, 799, "schema"),
    "FIX": (800, 899, "fixture"),
    "SYS": (900, 999, "system"),
}
OTHER_CATEGORY: Final = "other"


class Spelling(NamedTuple):
    """A code taken apart. `name` is empty where the text has none, `number` 0 where it is no number."""

    shape: Shape
    component: str
    number: int
    name: str


def spelling(text: str) -> Spelling | None:
    """The parts of a long form, a short form or a code of the second family; None for anything else.

    >>> spelling("ONEX_NODE_REGISTRY_041_HANDLER_NOT_FOUND")
    Spelling(shape='long', component='NODE_REGISTRY', number=41, name='HANDLER_NOT_FOUND')
    >>> spelling("SC001")
    Spelling(shape='family', component='SC', number=1, name='')
    """
    if found := _FORM.fullmatch(text):
        component, number, name = found.groups()
        return Spelling("long" if name else "short", component, int(number), name or "")
    if found := _FAMILY.fullmatch(text):
        return Spelling("family", found[1], int(found[2]), "")
    return None


def category_of(component: str, number: int) -> str:
    """The category of a code by its range: upstream's document first, then the blocks of twenty that its code uses.

    >>> category_of("CORE", 64), category_of("SYS", 901), category_of("BILLING", 1)
    ('registry', 'system', 'other')
    """
    first, last, category = _DOCUMENTED_RANGES.get(component, (0, -1, ""))
    if first <= number <= last:
        return category
    blocks = _BLOCKS_OF_TWENTY.get(component, ())
    block = (number - 1) // 20
    return blocks[block] if 0 <= block < len(blocks) else OTHER_CATEGORY


def code_in_text(message: str) -> str | None:
    """The code that a message carries as its bracketed prefix, as it is written there, or None.

    >>> code_in_text("[ONEX_CORE_021_FILE_NOT_FOUND] no such file: a.yaml")
    'ONEX_CORE_021_FILE_NOT_FOUND'
    >>> code_in_text("[REDACTED] no such file") is None
    True
    """
    found = _PREFIX.match(message)
    return found[1] if found else None
