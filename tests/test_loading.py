"""A room's names are loaded with their first use, kept, and a mistyped one is told what there is."""

import sys
from types import ModuleType

import pytest

from onex_analytics.loading import loaded_later


@pytest.fixture
def room(monkeypatch):
    """A room of two modules, which notes each time that one of them is loaded."""
    made = ModuleType("a_room")
    made.__path__ = []  # type: ignore[attr-defined]
    held = ModuleType("a_room.held")
    held.thing = object()  # type: ignore[attr-defined]
    for name, module in (("a_room", made), ("a_room.held", held), ("a_room.whole", ModuleType("a_room.whole"))):
        monkeypatch.setitem(sys.modules, name, module)
    names = {"held": ("thing",), "whole": ()}
    made.__getattr__, made.__dir__ = loaded_later("a_room", ["thing", "whole"], names)  # type: ignore[attr-defined]
    return made


def test_a_name_is_loaded_once_and_then_is_the_rooms_own(room):
    assert "thing" not in vars(room)
    assert room.thing is sys.modules["a_room.held"].thing
    assert vars(room)["thing"] is room.thing


def test_a_module_may_itself_be_a_name_of_the_room(room):
    assert room.whole is sys.modules["a_room.whole"]


def test_a_name_of_another_room_is_found_by_the_full_name_of_its_module(monkeypatch):
    made = ModuleType("a_door")
    monkeypatch.setitem(sys.modules, "a_door", made)
    find, _ = loaded_later("a_door", ["loaded_later"], {"onex_analytics.loading": ("loaded_later",)})
    assert find("loaded_later") is loaded_later


def test_a_room_lists_its_names_before_any_is_loaded(room):
    assert {"thing", "whole"} <= set(dir(room))


def test_a_mistyped_name_is_told_what_there_is(room):
    with pytest.raises(AttributeError, match="module 'a_room' has no attribute 'thnig'; it has thing, whole"):
        _ = room.thnig
    assert not hasattr(room, "held"), "a module that only holds names is none itself"
