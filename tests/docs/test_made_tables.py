"""What pages say of the models is made from the models."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("made_tables", DOCS / "made_tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = loaded()


@pytest.mark.parametrize("page", MADE.pages(), ids=lambda page: page.stem)
def test_the_made_parts_of_a_page_are_those_of_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert MADE.made_anew(text) == text, "Mend: python docs/made_tables.py"


def test_every_made_part_stands_on_a_page() -> None:
    named = {part[2] for page in MADE.pages() for part in MADE.PART.finditer(page.read_text(encoding="utf-8"))}
    assert named == set(MADE.PARTS)


def test_a_part_that_was_changed_by_hand_is_noticed() -> None:
    text = "<!-- made: flags -->\n\nnothing\n\n<!-- made so far -->"
    assert "ONEX_SAMPLING_ENABLED=true" in MADE.made_anew(text)


def test_a_bar_in_a_cell_does_not_break_its_table() -> None:
    assert MADE.table(["a"], [["b | c"]]).splitlines()[-1] == "| b \\| c |"
