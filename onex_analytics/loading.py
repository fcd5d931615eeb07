"""Names of a room that are loaded when they are first used, and what is done once another package is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


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


def once_loaded(name: str, do: Callable[[], object]) -> None:
    """Do something once a package is loaded: now, where it is already, else right after it is imported.

    So what belongs to a package that takes long to load costs nothing until somebody loads it.

    >>> once_loaded("sys", lambda: print("it is there"))
    it is there
    """
    if name in sys.modules:
        do()
    else:
        sys.meta_path.insert(0, _Watch(name, do))


class _Watch:
    """One of `sys.meta_path` that finds nothing itself: it asks the others, and hears when theirs is loaded."""

    def __init__(self, name: str, do: Callable[[], object]) -> None:
        self.name, self.do = name, do

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next((found for one in others if (found := one.find_spec(fullname, path, target)) is not None), None)
        loader = spec.loader if spec is not None else None
        if loader is not None:  # it may only be looked for, so nothing is forgotten before it is loaded
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                    self.do()

            vars(loader)["exec_module"] = exec_module
        return spec
