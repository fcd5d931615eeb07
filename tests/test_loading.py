"""A room's names are loaded with their first use, kept, and a mistyped one is told what there is."""

import sys
from importlib import import_module, reload
from importlib.util import find_spec
from types import ModuleType

import pytest

from onex_analytics.loading import loaded_later, once_loaded


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


def test_something_is_done_once_after_a_package_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "late_comer.py").write_text("WORD = 'loaded'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    seen = []
    before = list(sys.meta_path)
    once_loaded("late_comer", lambda: seen.append(sys.modules["late_comer"].WORD))
    assert find_spec("late_comer") is not None  # whoever only looks loads nothing
    assert seen == []
    module = import_module("late_comer")
    assert seen == ["loaded"]
    reload(module)
    assert seen == ["loaded"]
    assert sys.meta_path == before
    once_loaded("late_comer", lambda: seen.append("at once"))
    assert seen == ["loaded", "at once"]
    del sys.modules["late_comer"]


def test_what_cannot_be_loaded_fails_as_ever(tmp_path, monkeypatch):
    (tmp_path / "broken_one.py").write_text("raise ValueError('mine')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    once_loaded("broken_one", lambda: pytest.fail("it was not loaded"))
    once_loaded("nowhere_to_be_found", lambda: pytest.fail("it was not loaded"))
    with pytest.raises(ValueError, match="mine"):
        import_module("broken_one")
    with pytest.raises(ModuleNotFoundError):
        import_module("nowhere_to_be_found")
