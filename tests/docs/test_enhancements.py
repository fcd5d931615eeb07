"""What the pages say of the twelve enhancements is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onex_analytics.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "docs" / "enhancements"
INDEX = (FOLDER / "index.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in INDEX.splitlines() if line.startswith("| ")]
STATES = {
    re.sub(r"\[(.*?)\]\(.*?\)", r"\1", row[0]): row[1].strip("*") for row in ROWS if len(row) == 5 and row[1] != "state"
}
ROOMS = {"replay": "replay", "OpenTelemetry": "otel", "schema registry": "registry", "security": "security"}
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.stem != "index")


def test_there_are_twelve() -> None:
    assert len(STATES) == 12


@pytest.mark.parametrize("name", ROOMS)
def test_what_is_said_not_to_be_built_is_not_there(name: str) -> None:
    is_there = (REPOSITORY / "onex_analytics" / ROOMS[name]).exists()
    assert STATES[name] == ("built" if is_there else "not built"), "Mend: docs/enhancements/index.md, and its guide"


def test_what_is_built_has_its_guide_and_nothing_else_has() -> None:
    linked = set(re.findall(r"^\| \[.*?\]\((\w+)\.md\) \| built \|", INDEX, re.MULTILINE))
    assert linked == {page.stem for page in PAGES}
    assert len(linked) == list(STATES.values()).count("built")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_guide_says_what_was_asked_for(page: Path) -> None:
    told = re.findall(r"^\*\*([\w ]+)\.\*\*", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == ["What it does", "Flag", "Live", "On history", "Migration path", "State"]


def test_a_flag_that_is_named_is_a_setting() -> None:
    named = set(re.findall(r"`(\w+)\.enabled`", INDEX))
    assert named == set(Settings.model_fields)
    assert not any(getattr(Settings(), part).enabled for part in named)
