"""The directive `room`: every public name of a room, first as a list, then with its docstring.

A room loads its names when they are first used, so that autodoc's own `automodule` would not find what documents a
constant, which stands in another module than the one that exports it. Here the names come from `__all__`, and what
stands behind a constant from the module that holds it.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import polars as pl
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

from extension.docstrings import escaped

PACKAGE = "onex_analytics"
_log = logging.getLogger(__name__)


def public_names(room: ModuleType) -> list[str]:
    """The names that a room exports, but for its version; of a room without `__all__`, its own public objects."""
    named = getattr(room, "__all__", None)
    if named is None:
        own = {name for name, held in vars(room).items() if callable(held) and inspect.getmodule(held) is room}
        named = sorted(name for name in own if not name.startswith("_"))
    return [name for name in named if name != "__version__"]


@cache
def _imported(room: str) -> Mapping[str, str]:
    """By public name of a room, the module that its source says it comes from."""
    tree = ast.parse(Path(str(import_module(room).__file__)).read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: node.module for alias in node.names}
    return found


def home_of(room: str, name: str) -> str:
    """The module that holds a name of a room: through other rooms' doors, if need be."""
    module = _imported(room).get(name, room)
    while module != room and (further := _imported(module).get(name)) and further != module:
        room, module = module, further
    return module


def text_of_constant(module: str, name: str) -> list[str]:
    """The docstring below a constant."""
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return list(analyzer.attr_docs.get(("", name), []))


@cache
def remarks(module: str) -> Mapping[int, str]:
    """By line of a module, the comment at its end, with what goes on below it."""
    source = Path(str(import_module(module).__file__)).read_text(encoding="utf-8")
    found: dict[int, str] = {}
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or "fmt:" in token.string:
            continue
        line, text = token.start[0], token.string.lstrip("# ")
        alone = token.line.lstrip().startswith("#")
        if alone and last and token.start[1] > 8 and line == max(found, default=0) + 1 + found[last].count("\n"):
            found[last] += "\n" + text
        elif not alone:
            found[line], last = text, line
    return {line: text.replace("\n", " ") for line, text in found.items()}


def columns_of(module: str, name: str) -> dict[str, str]:
    """By column of a schema, what the comment beside it says."""
    tree = ast.parse(Path(str(import_module(module).__file__)).read_text(encoding="utf-8"))
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(getattr(node, "value", None), ast.Call):
            (held,) = node.value.args or [None]  # type: ignore[union-attr]
            if isinstance(held, ast.Dict):
                return {
                    str(key.value): remarks(module).get(key.lineno, "")
                    for key in held.keys if isinstance(key, ast.Constant)
                }  # fmt: skip
    return {}


OTHERS = (
    "BaseModel", "BaseSettings", "tuple", "Exception", "str", "dict", "AnyWidget", "DOMWidget", "Widget", "HasTraits",
    "HasDescriptors",
)  # fmt: skip
"""Classes of others from which ours come: their members are told elsewhere."""


class Room(SphinxDirective):
    """`.. room:: onex_analytics.profiling`, and `:also:` what its functions take or give and `__all__` lacks."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {"also": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        room = import_module(self.arguments[0])
        lines = [f".. py:module:: {room.__name__}", "", *textwrap.dedent(_plain(room.__doc__)).splitlines(), ""]
        lines += _table_of(room, public_names(room))
        for name in public_names(room):
            lines += [*_directive(room, name), ""]
        for full in self.options.get("also", "").split():
            module, _, name = full.rpartition(".")
            lines += [*_directive(import_module(module), name), ""]
        content = StringList(lines, source=f"<{room.__name__}>")
        held = nodes.container()
        held.document = self.state.document
        self.state.nested_parse(content, self.content_offset, held, match_titles=True)
        return held.children


def _plain(text: str | None) -> str:
    return inspect.cleandoc(text or "")


def _first_sentence(text: str) -> str:
    paragraph = re.split(r"\n\s*\n", text.strip())[0].replace("\n", " ")
    return re.split(r"(?<=[.?!])\s(?=[A-Z`])", paragraph)[0].removesuffix("::").rstrip(":")


def _table_of(room: ModuleType, names: list[str]) -> list[str]:
    if not names:
        return []
    lines = [".. list-table::", "   :class: names", "   :widths: 30 70", ""]
    for name in names:
        lines += [f"   * - :py:obj:`~{room.__name__}.{name}`", f"     - {escaped(_said(room, name))}"]
    return [*lines, ""]


def _said(room: ModuleType, name: str) -> str:
    """What a name says of itself, in a sentence."""
    held = getattr(room, name)
    if inspect.isclass(held) or callable(held) or inspect.ismodule(held):
        return _first_sentence(_plain(held.__doc__))
    return _first_sentence("\n".join(text_of_constant(home_of(room.__name__, name), name)))


def _directive(room: ModuleType, name: str) -> Iterator[str]:
    held, full = getattr(room, name), f"{room.__name__}.{name}"
    if inspect.ismodule(held):
        yield f".. py:data:: {name}"
        yield f"   :module: {room.__name__}"
        if held.__name__ in rooms():  # it is told below by its own `room`
            yield "   :no-index:"
        yield ""
        yield f"   {_first_sentence(_plain(held.__doc__))}"
    elif inspect.isclass(held):
        yield f".. autoclass:: {full}"
        yield "   :members:"
        yield f"   :inherited-members: {', '.join(OTHERS)}"
    elif callable(held):
        yield f".. autofunction:: {full}"
    else:
        yield from _constant(room.__name__, name, held)


def _constant(room: str, name: str, held: Any) -> Iterator[str]:
    home = home_of(room, name)
    yield f".. py:data:: {name}"
    yield f"   :module: {room}"
    yield f"   :type: {type(held).__name__}"
    yield ""
    yield from textwrap.indent("\n".join(text_of_constant(home, name)), "   ").splitlines()
    yield ""
    if isinstance(held, pl.Schema):
        said = columns_of(home, name)
        yield from ("   .. list-table::", "      :header-rows: 1", "      :class: columns", "")
        yield from ("      * - column", "        - type", "        -")
        for column, kind in held.items():
            yield from (f"      * - ``{column}``", f"        - {_kind(kind)}")
            yield f"        - {escaped(said.get(column, ''))}"
    elif isinstance(held, tuple) and all(isinstance(one, str) for one in held):
        yield "   " + ", ".join(f"``{one}``" for one in held)
    elif isinstance(held, Mapping) and held and all(isinstance(one, str) for one in held.values()):
        yield from ("   .. list-table::", "")
        for key, text in held.items():
            yield from (f"      * - ``{key}``", f"        - {escaped(text)}")


def _kind(kind: pl.DataType) -> str:
    """A column's type in few words."""
    return repr(kind).replace("Datetime(time_unit='us', time_zone='UTC')", "Datetime (µs, UTC)").replace("*", r"\*")


def rooms() -> list[str]:
    """The package's rooms that export names, and the rooms of `views` and `profiling` that do so themselves."""
    package = Path(str(import_module(PACKAGE).__file__)).parent
    found = [f"{PACKAGE}.{path.parent.name}" for path in sorted(package.glob("*/__init__.py"))]
    found += [f"{PACKAGE}.views.{path.parent.name}" for path in sorted(package.glob("views/*/__init__.py"))]
    others = ("profiling.export", "jupyter.widgets", "pipeline", "settings", "exceptions")
    found += [f"{PACKAGE}.{name}" for name in others]
    return [name for name in found if name not in SAID_OTHERWISE and public_names(import_module(name))]


SAID_OTHERWISE = (f"{PACKAGE}.cli",)
"""The command, which has a page of all its options."""


def _complete(app: Sphinx, env: BuildEnvironment) -> None:
    """Every public name of every room stands in the reference."""
    told = env.domains.python_domain.objects
    for room in map(import_module, rooms()):
        for name in public_names(room):
            if (full := f"{room.__name__}.{name}") not in told:
                _log.warning("%s is not in the reference. Mend: `.. room:: %s` in a page of it", full, room.__name__)


def setup(app: Sphinx) -> None:
    app.add_directive("room", Room)
    app.connect("env-check-consistency", _complete)
