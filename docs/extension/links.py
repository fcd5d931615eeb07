"""Words in backticks that name something of ours lead to it; all others stay what they are.

In a docstring `latency_table`, `frames.contrast` and `Page.reason` are looked for in its own room, then in the
package. On a page about a room its names are known without it, and `ox.sampling.apply` is known everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxRole

ROOM_OF_PAGE: Mapping[str, str] = {
    "profiling": "profiling",
    "errors": "error_patterns",
    "alerting": "alerting",
    "sampling": "sampling",
    "batching": "batching",
    "sizing": "sizing",
    "pipeline": "pipeline",
    "guides/where_does_the_time_go": "profiling",
    "guides/did_it_get_slower": "profiling",
    "guides/why_does_it_fail": "error_patterns",
    "guides/how_much_may_we_sample": "sampling",
    "guides/would_this_alert_have_fired": "alerting",
    "guides/what_do_events_weigh": "sizing",
}
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_PACKAGE = "onex_analytics"


class Ours(SphinxRole):
    """What stands in single backticks in a docstring: literal text, which `LinkedWords` looks at."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        return [nodes.literal(self.rawtext, self.text)], []


class LinkedWords(SphinxTransform):
    """Literal text that may name something of ours becomes a reference; whether it does is known in the end."""

    default_priority = 690

    def apply(self, **kwargs: Any) -> None:
        room = ROOM_OF_PAGE.get(self.env.docname)
        for literal in list(self.document.findall(nodes.literal)):
            text = literal.astext()
            found = _NAME.match(text)
            if found is None or isinstance(literal.parent, nodes.reference | addnodes.pending_xref):
                continue
            rest = text[found.end() :]
            if rest and not rest.startswith("("):
                continue
            if self._is_a_word(found[0], rest) and not (room and _second(literal)):
                continue
            inner = self._module_around(literal)
            xref = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=found[0], refexplicit=False, refdoc=self.env.docname,
                ours=True, rooms=[inner] if inner else [f"{_PACKAGE}.{room}"] if room else [],
            )  # fmt: skip
            literal.replace_self(xref)
            xref += literal

    @staticmethod
    def _is_a_word(name: str, rest: str) -> bool:
        """Whether it may be a column or a word just as well: a plain word in small letters that nobody calls."""
        return name.isalpha() and name.islower() and not rest

    @staticmethod
    def _module_around(node: nodes.Node) -> str | None:
        while node.parent is not None:
            node = node.parent
            if isinstance(node, addnodes.desc):
                return str(node[0].get("module"))
        return None


def _second(node: nodes.Node) -> bool:
    """Whether it stands in the second column of a table: "you ask" and the functions that answer."""
    while node.parent is not None:
        if isinstance(node, nodes.entry):
            return bool(node.parent.index(node) == 1)
        node = node.parent
    return False


def _candidates(target: str, rooms: list[str]) -> Iterator[str]:
    name = target.removeprefix("ox.")
    yield from (f"{room}.{name}" for room in rooms)
    yield f"{_PACKAGE}.{name}"
    yield name


def _resolved(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, contents: nodes.TextElement
) -> nodes.Node | None:
    if not node.get("ours") and node.get("refdomain") != "py":
        return None
    held = env.domains.python_domain.objects
    rooms = node["rooms"] if node.get("ours") else [f"{_PACKAGE}.exceptions", f"{_PACKAGE}.model"]
    for name in _candidates(node["reftarget"], rooms):
        if name in held:
            assert app.builder is not None
            there = held[name]
            uri = app.builder.get_relative_uri(node["refdoc"], there.docname) + "#" + there.node_id
            return nodes.reference("", "", contents, internal=True, refuri=uri, reftitle=name)
    return None


def setup(app: Sphinx) -> None:
    app.add_role("ours", Ours())
    app.add_transform(LinkedWords)
    app.connect("missing-reference", _resolved)
