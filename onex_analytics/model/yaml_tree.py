"""YAML as a tree that knows its lines. A small YAML: no tags, no merges, each key once, true and false in one spelling.

Plain words are read as YAML 1.2 reads them: `on`, `yes` and `1:30` are texts, and so are dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from onex_analytics.exceptions import RuleError

MOST_BYTES = 1 << 20
MOST_VALUES = 100_000
DEEPEST = 40

Scalar: TypeAlias = str | int | float | bool | None
Step: TypeAlias = str | int

_WHOLE = re.compile(r"[-+]?[0-9]{1,300}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(slots=True)
class Node:
    """A value of the file, with the line that it begins in."""

    line: int
    held: Scalar | list[Node] | dict[str, Node]
    key_lines: dict[str, int] = field(default_factory=dict)

    def data(self) -> Any:
        """The value as plain Python."""
        if isinstance(self.held, dict):
            return {key: node.data() for key, node in self.held.items()}
        if isinstance(self.held, list):
            return [node.data() for node in self.held]
        return self.held

    def items(self) -> Iterator[tuple[str, Node]]:
        """The keys of a mapping with their values; none of anything else."""
        if isinstance(self.held, dict):
            yield from self.held.items()

    def entries(self) -> Iterator[Node]:
        """The values of a list; none of anything else."""
        if isinstance(self.held, list):
            yield from self.held

    def get(self, key: str) -> Node | None:
        return self.held.get(key) if isinstance(self.held, dict) else None

    def line_of(self, key: str) -> int:
        return self.key_lines.get(key, self.line)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not finished yet."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_line: int = 0


def read_yaml(text: str, file: str) -> Node:
    """Read one document.

    Raises:
        RuleError: with the line and the mend, on what is no YAML or more of it than we read.
    """
    if len(text) > MOST_BYTES:
        raise RuleError(file, 1, f"{len(text):,} characters; at most {MOST_BYTES:,} are read", "split the file")
    try:
        return _Composer(file).compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or "no YAML").replace("character '\\t'", "a tab")
        mend = "indent by spaces; tabs are none in YAML" if "a tab" in problem else _mend(problem)
        raise RuleError(file, mark.line + 1 if mark else 1, f"no YAML: {problem}", mend) from None
    except yaml.YAMLError as error:  # a character that no YAML holds
        at = getattr(error, "position", 0)
        line = text.count("\n", 0, at) + 1
        raise RuleError(file, line, "a control character, which no YAML holds", "take it out") from None


def _mend(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "quote a text that holds ': ', and indent what belongs together alike"
    if "could not find expected ':'" in problem:
        return "write key: value, with a space behind the colon"
    if "expected ',' or" in problem:
        return "quote a filter within { } or [ ], as commas end a value there: {of: \"node in ('a', 'b')\", window: 5m}"
    if "'<scalar>'" in problem:
        return "quote the whole text if it begins with a quotation mark: \"'a' == node\""
    if "block" in problem:
        return "indent what belongs together alike"
    return "quote texts that begin with one of % @ ` & * ! { [ or hold ': ' or ' #'"


def place_name(place: Iterable[Step]) -> str:
    """The last key of a place, with the number of an entry: `steps[1]`.

    >>> place_name(("when", "sequence", "steps", 1)), place_name(("groups", 0, "rules", 2, "where"))
    ('steps[1]', 'where')
    """
    name, entry = "the file", ""
    for step in place:
        name, entry = (name, f"[{step}]") if isinstance(step, int) else (step, "")
    return name + entry


def line_at(tree: Node, place: Iterable[Step]) -> int:
    """The line of a place, or of the nearest thing around it that the file says."""
    node, line = tree, tree.line
    for step in place:
        if isinstance(step, int) and isinstance(node.held, list) and step < len(node.held):
            node = node.held[step]
            line = node.line
        elif isinstance(step, str) and isinstance(node.held, dict) and step in node.held:
            line = node.line_of(step)
            node = node.held[step]
    return line


def node_at(tree: Node, place: Iterable[Step]) -> Node | None:
    """What stands at a place of the file."""
    node: Node | None = tree
    for step in place:
        if isinstance(step, int):
            node = node.held[step] if node is not None and isinstance(node.held, list) else None
        else:
            node = None if node is None else node.get(step)
    return node


class _Composer:
    def __init__(self, file: str) -> None:
        self._file = file
        self._anchors: dict[str, Node] = {}
        self._sizes: dict[int, int] = {}
        self._values = 0

    def compose(self, text: str) -> Node:
        root: Node | None = None
        stack: list[_Open] = []
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            mark = event.start_mark
            line = 1 if mark is None else mark.line + 1
            match event:
                case yaml.DocumentStartEvent() if root is not None:
                    raise self._error(line, "a second document", "leave out the --- between them, or split the file")
                case yaml.ScalarEvent():
                    self._refuse_tag(event.tag, line)
                    node = Node(line, _scalar(event))
                    self._name(event.anchor, node, 1)
                case yaml.AliasEvent():
                    node = self._alias(event.anchor or "", line)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._refuse_tag(event.tag, line)
                    if len(stack) == DEEPEST:
                        raise self._error(line, f"nested more than {DEEPEST} deep", "a rule file is far less deep")
                    is_mapping = isinstance(event, yaml.MappingStartEvent)
                    stack.append(_Open(Node(line, {} if is_mapping else []), event.anchor))
                    self._count(line)
                    continue
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    done = stack.pop()
                    node = done.node
                    self._name(done.anchor, node, self._size(node))
                case _:
                    continue
            self._count(line)
            if stack:
                self._put(stack[-1], node, line)
            else:
                root = node
        return root if root is not None else Node(1, None)

    def _put(self, open_: _Open, node: Node, line: int) -> None:
        held = open_.node.held
        if isinstance(held, list):
            held.append(node)
        elif isinstance(held, dict) and open_.key is None:
            key = node.held
            if not isinstance(key, str):
                said = "a list or mapping" if isinstance(key, list | dict) else repr(key)
                raise self._error(line, f"a key is {said}", "quote it, as keys are texts")
            if key == "<<":
                raise self._error(line, "a merge key <<, which is not read", "write the keys themselves")
            if key in held:
                first = open_.node.key_lines[key]
                raise self._error(line, f"key {key!r} stands twice, first in line {first}", "keep one of them")
            open_.key, open_.key_line = key, line
            open_.node.key_lines[key] = line
        elif isinstance(held, dict) and open_.key is not None:
            held[open_.key] = node
            open_.key = None

    def _alias(self, name: str, line: int) -> Node:
        node = self._anchors.get(name)
        if node is None:
            problem = f"*{name} names no value that was finished before"
            raise self._error(line, problem, f"mark one by &{name} above")
        self._values += self._sizes[id(node)] - 1
        return node

    def _name(self, anchor: str | None, node: Node, size: int) -> None:
        self._sizes[id(node)] = size
        if anchor is not None:
            self._anchors[anchor] = node

    def _size(self, node: Node) -> int:
        inner = node.held.values() if isinstance(node.held, dict) else node.held
        assert isinstance(inner, list) or not isinstance(inner, str | int | float | None)
        return 1 + sum(self._sizes[id(child)] for child in inner)

    def _count(self, line: int) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            problem = f"more than {MOST_VALUES:,} values, those that * repeats included"
            raise self._error(line, problem, "write fewer rules, or split the file")

    def _refuse_tag(self, tag: str | None, line: int) -> None:
        if tag is not None and tag != "!":
            raise self._error(line, f"a tag {tag}, which is not read", "leave the tag out; quote what is a text")

    def _error(self, line: int, problem: str, mend: str) -> RuleError:
        return RuleError(self._file, line, problem, mend)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text: str = event.value
    if event.style is not None or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if len(text) < 300 and _NUMBER.fullmatch(text):
        return float(text)
    return text
