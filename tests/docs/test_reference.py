"""Every public name stands in the reference. (`make docs` asks the same of what was built.)"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from extension import commands, rooms

DOCS = Path(__file__).resolve().parents[2] / "docs"

PAGES = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference" / "api").glob("*.rst")))


@pytest.mark.parametrize("room", rooms.rooms())
def test_a_room_that_exports_names_has_a_page(room: str) -> None:
    mend = f"Mend: `.. room:: {room}` in a page of docs/reference/api"
    assert f".. room:: {room}\n" in PAGES, mend


@pytest.mark.parametrize("room", rooms.rooms())
def test_every_name_of_a_room_is_told_with_what_documents_it(room: str) -> None:
    module = import_module(room)
    for name in rooms.public_names(module):
        assert re.fullmatch(rf"\.\. \S+:: ({room}\.)?{name}", next(iter(rooms._directive(module, name))))
        assert rooms._said(module, name), f"{room}.{name} says nothing of itself. Mend: a docstring"


def test_the_names_of_the_front_door_are_told_where_they_are_made() -> None:
    import onex_analytics

    told = (DOCS / "reference" / "api" / "index.md").read_text(encoding="utf-8")
    made_elsewhere = [name for name in rooms.public_names(onex_analytics) if f"onex_analytics.{name}" not in PAGES]
    assert [name for name in made_elsewhere if f"`ox.{name}`" not in told] == []


def test_columns_of_a_shape_have_the_comment_beside_them() -> None:
    said = rooms.columns_of("onex_analytics.model.shapes", "EVENTS")
    assert said["event_type"] == "upper case; an unknown type is kept"
    assert rooms.columns_of("onex_analytics.model.shapes", "LABELS")["kind"].endswith("deploy, coverage_hole")


def test_every_command_and_each_of_its_options_is_told() -> None:
    import typer

    from onex_analytics.cli import app

    for words, command in commands.commands(typer.main.get_command(app), "onex-analytics"):
        told = "\n".join(commands.written(command))
        assert command.help, words
        assert [option for param in command.params if param.name != "help" for option in param.opts
                if option not in told and option.upper() not in told] == [], words  # fmt: skip
