"""Node ids as they come, and the node and version that stand in them."""

from __future__ import annotations

import re

_VERSION = re.compile(r"^v?(\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]+)?)$")
_VERSION_SEGMENT = re.compile(r"^v(\d+)[_.](\d+)[_.](\d+)$")
_INSTANCE = re.compile(r"^(.*[A-Za-z_])-(\d{1,6})$")
_MODULE = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$", re.ASCII)
_SOURCE_PREFIXES = ("onex/", "onex://")


def normalise_node(node_id: str) -> tuple[str, str | None]:
    """The node without version and instance number, and the version where the id holds one.

    Reads `name:1.0.0`, `name@1.0.0`, `name-001` (an instance), dotted module names (their node segment)
    and CloudEvents sources `onex/name`. A UUID stays as it is.

    >>> normalise_node("tree_generator_node:1.0.0")
    ('tree_generator_node', '1.0.0')
    >>> normalise_node("stamper_node-001")
    ('stamper_node', None)
    >>> normalise_node("omnibase.nodes.stamper_node.v1_0_0.node")
    ('stamper_node', '1.0.0')
    """
    name, version = node_id.strip(), None
    for prefix in _SOURCE_PREFIXES:
        name = name.removeprefix(prefix)
    for separator in (":", "@"):
        head, found, tail = name.rpartition(separator)
        if found and head and (match := _VERSION.match(tail)):
            name, version = head, match[1]
            break
    if _MODULE.match(name):
        segments = name.split(".")
        for segment in segments:
            if match := _VERSION_SEGMENT.match(segment):
                version = version or ".".join(match.groups())
        named = [s for s in segments if s.endswith("_node") or s.startswith("node_")]
        name = (named or [s for s in segments if not _VERSION_SEGMENT.match(s)] or segments)[-1]
    if match := _INSTANCE.match(name):
        name = match[1]
    return name or node_id, version
