"""Names of a room that are loaded when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def loaded_later(
    room: str, public: Iterable[str], names: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a room, which load a name with the first use of it and keep it.

    Args:
        room: the room's `__name__`.
        public: its `__all__`, which is what a mistyped name is told.
        names: by module of the room, the names that it holds; a module without any is itself a name of the room. A
            module of another room is given by its full name, with dots.

    >>> find, _ = loaded_later("onex_analytics", ["exceptions"], {"exceptions": ["OnexError"], "model": []})
    >>> find("OnexError").__name__, find("model").__name__
    ('OnexError', 'onex_analytics.model')
    """
    told = list(public)
    module_of = {name: module for module, held in names.items() for name in held}
    modules = {module for module, held in names.items() if not list(held)}

    def find(name: str) -> object:
        if name in module_of:
            module = module_of[name]
            found: object = getattr(import_module(module if "." in module else f"{room}.{module}"), name)
        elif name in modules:
            found = import_module(f"{room}.{name}")
        else:
            raise AttributeError(f"module {room!r} has no attribute {name!r}; it has {', '.join(told)}")
        vars(sys.modules[room])[name] = found
        return found

    def names_of() -> list[str]:
        return sorted({*vars(sys.modules[room]), *told})

    return find, names_of
